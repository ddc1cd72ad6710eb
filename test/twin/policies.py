"""What parliament finds in the policies of a template: unknown actions, actions that do not fit their resource, unknown condition keys."""

import json

from parliament import analyze_policy_string

from template import ACCOUNT, PSEUDO, REGION, resolve

# The values of references, as AWS writes them. The label of a stream has colons, which parliament does not expect.
VALUES = {
    ("AWS::ApiGatewayV2::Api", None): "a1b2c3d4e5",
    ("AWS::DynamoDB::Table", "Arn"): f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/name",
    ("AWS::DynamoDB::Table", "StreamArn"): f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/name/stream/label",
    ("AWS::Kinesis::Stream", "Arn"): f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/name",
    ("AWS::Lambda::Function", "Arn"): f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:name",
    ("AWS::Logs::LogGroup", "Arn"): f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:name:*",
    ("AWS::OpenSearchService::Domain", "Arn"): f"arn:aws:es:{REGION}:{ACCOUNT}:domain/name",
    ("AWS::S3::Bucket", "Arn"): "arn:aws:s3:::name",
    ("AWS::SNS::Topic", None): f"arn:aws:sns:{REGION}:{ACCOUNT}:name",
}


def findings(resources):
    def lookup(logical_id, attribute):
        if logical_id in PSEUDO:
            return PSEUDO[logical_id]
        return VALUES[resources[logical_id]["Type"], attribute]

    return [
        f"{logical_id}: {finding.issue} {finding.detail or ''}".strip()
        for logical_id, document in documents(resources)
        for finding in analyze_policy_string(json.dumps(resolve(document, lookup))).findings
    ]


def documents(resources):
    for logical_id, resource in resources.items():
        properties = resource.get("Properties", {})
        for policy in properties.get("Policies", []):
            yield logical_id, policy["PolicyDocument"]
        for name in ("AccessPolicies", "PolicyDocument"):
            if name in properties:
                yield logical_id, properties[name]
