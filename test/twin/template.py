"""The resources of a template, and the values that their references have."""

ACCOUNT = "123456789012"
REGION = "us-east-1"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}
KEPT = ("Retain", "RetainExceptOnCreate")


def references(value):
    """The references in a value, as (logical id, attribute); the attribute of a Ref is None."""
    if isinstance(value, list):
        for each in value:
            yield from references(each)
    elif isinstance(value, dict):
        if "Ref" in value:
            yield value["Ref"], None
        elif "Fn::GetAtt" in value:
            yield tuple(value["Fn::GetAtt"])
        else:
            yield from references(list(value.values()))


def resolve(value, lookup):
    """The value with literals in place of references. `lookup(id, attribute)` gives a literal, or None to leave the reference."""
    if isinstance(value, list):
        return [resolve(each, lookup) for each in value]
    if not isinstance(value, dict):
        return value
    if "Ref" in value or "Fn::GetAtt" in value:
        found = lookup(*next(references(value)))
        return value if found is None else found
    inner = {key: resolve(each, lookup) for key, each in value.items()}
    if "Fn::Sub" in inner:
        text = inner["Fn::Sub"]
        for name, literal in PSEUDO.items():
            text = text.replace("${" + name + "}", literal)
        return text
    if "Fn::Join" in inner and all(isinstance(part, str) for part in inner["Fn::Join"][1]):
        return inner["Fn::Join"][0].join(inner["Fn::Join"][1])
    return inner


def is_kept(resource):
    return resource.get("DeletionPolicy") in KEPT
