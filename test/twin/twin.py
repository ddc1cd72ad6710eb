"""Deploys a template to moto and deletes it again. Usage: twin.py TEMPLATE. Prints JSON: how many resources moto's CloudFormation and
the APIs of the services created, what existed then, what was left after the deletion, and what parliament finds in the policies."""

import copy
import json
import sys

import boto3
from moto import mock_aws

import left
import policies
from services import CREATE, DELETE, client
from template import ACCOUNT, PSEUDO, REGION, is_kept, references, resolve

STACK = "twin"


class Deployment:
    def __init__(self, template):
        self.resources = copy.deepcopy(template["Resources"])
        self.values = {(name, None): literal for name, literal in PSEUDO.items()}
        self.values["AWS::StackName", None] = STACK
        self.made = []

    def in_stack(self, logical_id):
        return self.resources[logical_id]["Type"] not in CREATE

    def lookup(self, logical_id, attribute):
        return self.values.get((logical_id, attribute))

    def name(self, logical_id):
        return f"{STACK}-{logical_id}".lower()[:28] if "Domain" in logical_id else f"{STACK}-{logical_id}"

    def make(self, logical_id):
        """Creates a resource through its API."""
        resource = self.resources[logical_id]
        properties = resolve(resource.get("Properties", {}), self.lookup)
        open_references = list(references(properties))
        if open_references:
            raise ValueError(f"{logical_id} refers to what does not exist: {open_references}")
        for attribute, value in CREATE[resource["Type"]](self.name(logical_id), properties).items():
            self.values[logical_id, attribute] = value
        self.made.append(logical_id)

    def is_ready(self, logical_id):
        resource = self.resources[logical_id]
        return all(reference in self.values for reference in references(resource.get("Properties", {})))

    def make_ready(self):
        """Creates the resources whose references are known, until there is none."""
        waiting = [each for each in self.resources if not self.in_stack(each) and each not in self.made]
        ready = [each for each in waiting if self.is_ready(each)]
        for each in ready:
            self.make(each)
        return self.make_ready() if ready else waiting

    def promise_names(self):
        """Names of resources that are created after the stack, which refers to them."""
        for logical_id, resource in self.resources.items():
            if resource["Type"] == "AWS::KinesisFirehose::DeliveryStream":
                self.values[logical_id, None] = self.name(logical_id)
            if resource["Type"] in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
                alarm = resource["Properties"]["AlarmName"]
                self.values[logical_id, "Arn"] = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{alarm}"

    def create_stack(self):
        stacked = {each: resource for each, resource in self.resources.items() if self.in_stack(each)}
        put_code(stacked)
        wanted = {
            reference
            for each, resource in self.resources.items()
            if not self.in_stack(each)
            for reference in references(resource.get("Properties", {}))
            if reference not in self.values and self.in_stack(reference[0])
        }
        outputs = {f"Output{at}": reference for at, reference in enumerate(sorted(wanted, key=str))}
        template = {
            "Resources": {each: for_moto(resolve(resource, self.lookup), stacked) for each, resource in stacked.items()},
            "Outputs": {output: {"Value": expression(*reference)} for output, reference in outputs.items()},
        }
        cloudformation = client("cloudformation")
        cloudformation.create_stack(StackName=STACK, TemplateBody=json.dumps(template))
        (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
        if stack["StackStatus"] != "CREATE_COMPLETE":
            raise ValueError(f"{stack['StackStatus']} {stack.get('StackStatusReason')}")
        for output in stack.get("Outputs", []):
            self.values[outputs[output["OutputKey"]]] = output["OutputValue"]
        return len(stacked)

    def delete(self):
        """Deletes what the template does not keep: first what was made through APIs, the newest first, then the stack."""
        for logical_id in reversed(self.made):
            resource = self.resources[logical_id]
            delete = DELETE.get(resource["Type"])
            if delete and not is_kept(resource):
                delete(self.values[logical_id, None], resolve(resource["Properties"], self.lookup))
        client("cloudformation").delete_stack(StackName=STACK)


def for_moto(resource, stacked):
    """The resource without dependencies on resources that are not in the stack. moto knows one deletion policy that keeps."""
    depends = [each for each in resource.get("DependsOn", []) if each in stacked]
    policy = {"DeletionPolicy": "Retain"} if is_kept(resource) else {}
    return {**resource, "DependsOn": depends, **policy}


def expression(logical_id, attribute):
    return {"Ref": logical_id} if attribute is None else {"Fn::GetAtt": [logical_id, attribute]}


def put_code(resources):
    """The objects with the code of the functions."""
    for resource in resources.values():
        if resource["Type"] != "AWS::Lambda::Function":
            continue
        code = resolve(resource["Properties"]["Code"], lambda *_: None)
        boto3.client("s3", region_name=REGION).create_bucket(Bucket=code["S3Bucket"])
        client("s3").put_object(Bucket=code["S3Bucket"], Key=code["S3Key"], Body=b"code")


@mock_aws
def main(file):
    with open(file) as template:
        deployment = Deployment(json.load(template))
    deployment.make_ready()
    deployment.promise_names()
    stacked = deployment.create_stack()
    waiting = deployment.make_ready()
    if waiting:
        raise ValueError(f"Not created: {waiting}")
    findings = policies.findings(deployment.resources)
    deployed = left.everything()
    deployment.delete()
    print(
        json.dumps(
            {
                "stacked": stacked,
                "made": len(deployment.made),
                "findings": findings,
                "deployed": deployed,
                "left": left.everything(),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
