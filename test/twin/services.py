"""Creates and deletes the resources of the types that moto's CloudFormation lacks, through the APIs of their services. botocore checks
the name and the type of every property. Each function returns the values of the references to its resource, by attribute."""

import json

import boto3
from botocore.validate import validate_parameters

from template import ACCOUNT, REGION


def client(service):
    return boto3.client(service, region_name=REGION)


def arn(service, resource):
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def create_api(_name, properties):
    answer = client("apigatewayv2").create_api(**properties)
    return {None: answer["ApiId"], "ApiEndpoint": answer["ApiEndpoint"]}


def create_integration(_name, properties):
    return {None: client("apigatewayv2").create_integration(**properties)["IntegrationId"]}


def create_route(_name, properties):
    return {None: client("apigatewayv2").create_route(**properties)["RouteId"]}


def create_stage(_name, properties):
    client("apigatewayv2").create_stage(**properties)
    return {None: properties["StageName"]}


def create_domain_name(_name, properties):
    answer = client("apigatewayv2").create_domain_name(**properties)
    return {None: properties["DomainName"], "RegionalDomainName": f"d-{answer['DomainName']}"}


def create_api_mapping(_name, properties):
    return {None: client("apigatewayv2").create_api_mapping(**properties)["ApiMappingId"]}


def create_scalable_target(_name, properties):
    client("application-autoscaling").register_scalable_target(**properties)
    keys = ("ResourceId", "ScalableDimension", "ServiceNamespace")
    return {None: "|".join(properties[key] for key in keys), "Id": "|".join(properties[key] for key in keys)}


def create_scaling_policy(_name, properties):
    resource, dimension, service = properties.pop("ScalingTargetId").split("|")
    target = properties.pop("TargetTrackingScalingPolicyConfiguration")
    answer = client("application-autoscaling").put_scaling_policy(
        **properties,
        ResourceId=resource,
        ScalableDimension=dimension,
        ServiceNamespace=service,
        TargetTrackingScalingPolicyConfiguration=target,
    )
    return {None: answer["PolicyARN"]}


def create_database(_name, properties):
    client("glue").create_database(**properties)
    return {None: properties["DatabaseInput"]["Name"]}


def create_table(_name, properties):
    client("glue").create_table(**properties)
    return {None: properties["TableInput"]["Name"]}


def create_delivery_stream(name, properties):
    client("firehose").create_delivery_stream(DeliveryStreamName=name, **properties)
    return {None: name, "Arn": arn("firehose", f"deliverystream/{name}")}


def create_log_stream(name, properties):
    client("logs").create_log_stream(logStreamName=name, logGroupName=properties["LogGroupName"])
    return {None: name}


def create_domain(name, properties):
    properties["AccessPolicies"] = json.dumps(properties["AccessPolicies"])
    status = client("opensearch").create_domain(DomainName=name, **properties)["DomainStatus"]
    return {None: name, "Arn": status["ARN"], "DomainEndpoint": f"search-{name}.{REGION}.es.amazonaws.com"}


def put_bucket_policy(_name, properties):
    policy = json.dumps(properties["PolicyDocument"])
    client("s3").put_bucket_policy(Bucket=properties["Bucket"], Policy=policy)
    return {}


def put_topic_policy(_name, properties):
    policy = json.dumps(properties["PolicyDocument"])
    for topic in properties["Topics"]:
        client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    return {}


def create_schedule(name, properties):
    client("scheduler").create_schedule(Name=name, **properties)
    return {None: name}


def put_alarm(_name, properties):
    client("cloudwatch").put_metric_alarm(**properties)
    return {None: properties["AlarmName"], "Arn": arn("cloudwatch", f"alarm:{properties['AlarmName']}")}


def check_composite_alarm(_name, properties):
    """moto has no composite alarms: the properties are checked, as botocore does before each call, and nothing is created."""
    operation = client("cloudwatch").meta.service_model.operation_model("PutCompositeAlarm")
    validate_parameters(properties, operation.input_shape)
    return {None: properties["AlarmName"], "Arn": arn("cloudwatch", f"alarm:{properties['AlarmName']}")}


def put_metric_filter(name, properties):
    transformations = [
        {key[0].lower() + key[1:]: float(value) if key == "DefaultValue" else value for key, value in each.items()}
        for each in properties.pop("MetricTransformations")
    ]
    arguments = {key[0].lower() + key[1:]: value for key, value in properties.items()}
    client("logs").put_metric_filter(**{"filterName": name, **arguments}, metricTransformations=transformations)
    return {None: name}


def delete_scaling_policy(policy, properties):
    resource, dimension, service = properties["ScalingTargetId"].split("|")
    client("application-autoscaling").delete_scaling_policy(
        PolicyName=properties["PolicyName"], ServiceNamespace=service, ResourceId=resource, ScalableDimension=dimension
    )


def deregister_scalable_target(target, _properties):
    resource, dimension, service = target.split("|")
    client("application-autoscaling").deregister_scalable_target(
        ServiceNamespace=service, ResourceId=resource, ScalableDimension=dimension
    )


# What deletes a resource, from its Ref and its properties. All others go with the resource that they belong to.
DELETE = {
    "AWS::ApiGatewayV2::Api": lambda ref, _: client("apigatewayv2").delete_api(ApiId=ref),
    "AWS::ApiGatewayV2::ApiMapping": lambda ref, properties: client("apigatewayv2").delete_api_mapping(
        ApiMappingId=ref, DomainName=properties["DomainName"]
    ),
    "AWS::ApiGatewayV2::DomainName": lambda ref, _: client("apigatewayv2").delete_domain_name(DomainName=ref),
    "AWS::ApplicationAutoScaling::ScalableTarget": deregister_scalable_target,
    "AWS::ApplicationAutoScaling::ScalingPolicy": delete_scaling_policy,
    "AWS::CloudWatch::Alarm": lambda ref, _: client("cloudwatch").delete_alarms(AlarmNames=[ref]),
    "AWS::Glue::Database": lambda ref, _: client("glue").delete_database(Name=ref),
    "AWS::Glue::Table": lambda ref, properties: client("glue").delete_table(DatabaseName=properties["DatabaseName"], Name=ref),
    "AWS::KinesisFirehose::DeliveryStream": lambda ref, _: client("firehose").delete_delivery_stream(DeliveryStreamName=ref),
    "AWS::OpenSearchService::Domain": lambda ref, _: client("opensearch").delete_domain(DomainName=ref),
    "AWS::Scheduler::Schedule": lambda ref, _: client("scheduler").delete_schedule(Name=ref),
}

CREATE = {
    "AWS::ApiGatewayV2::Api": create_api,
    "AWS::ApiGatewayV2::ApiMapping": create_api_mapping,
    "AWS::ApiGatewayV2::DomainName": create_domain_name,
    "AWS::ApiGatewayV2::Integration": create_integration,
    "AWS::ApiGatewayV2::Route": create_route,
    "AWS::ApiGatewayV2::Stage": create_stage,
    "AWS::ApplicationAutoScaling::ScalableTarget": create_scalable_target,
    "AWS::ApplicationAutoScaling::ScalingPolicy": create_scaling_policy,
    "AWS::CloudWatch::Alarm": put_alarm,
    "AWS::CloudWatch::CompositeAlarm": check_composite_alarm,
    "AWS::Glue::Database": create_database,
    "AWS::Glue::Table": create_table,
    "AWS::KinesisFirehose::DeliveryStream": create_delivery_stream,
    "AWS::Logs::LogStream": create_log_stream,
    "AWS::Logs::MetricFilter": put_metric_filter,
    "AWS::OpenSearchService::Domain": create_domain,
    "AWS::S3::BucketPolicy": put_bucket_policy,
    "AWS::SNS::TopicPolicy": put_topic_policy,
    "AWS::Scheduler::Schedule": create_schedule,
}
