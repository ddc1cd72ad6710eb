"""A stack's bucket that has objects is not deleted, as on AWS. Unmodified MiniStack deletes it with them."""

from ministack.services import s3
from ministack.services.cloudformation import provisioners

BUCKET = "AWS::S3::Bucket"


def install():
    handlers = provisioners._RESOURCE_HANDLERS[BUCKET]
    delete = handlers["delete"]

    def delete_if_empty(name, properties):
        if (s3._buckets.get(name) or {}).get("objects"):
            raise ValueError(f"The bucket you tried to delete is not empty: {name}")
        return delete(name, properties)

    handlers["delete"] = delete_if_empty
