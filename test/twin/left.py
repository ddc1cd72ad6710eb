"""What exists in an account."""

from services import client


def names(service, operation, key, field=None, **arguments):
    pages = client(service).get_paginator(operation).paginate(**arguments)
    return [each[field] if field else each for page in pages for each in page[key]]


def everything():
    """The names of all resources that the stack can create, by type."""
    return {
        "AWS::ApiGatewayV2::Api": names("apigatewayv2", "get_apis", "Items", "ApiId"),
        "AWS::ApiGatewayV2::DomainName": [each["DomainName"] for each in client("apigatewayv2").get_domain_names()["Items"]],
        "AWS::ApplicationAutoScaling::ScalableTarget": names(
            "application-autoscaling", "describe_scalable_targets", "ScalableTargets", "ResourceId", ServiceNamespace="dynamodb"
        ),
        "AWS::CloudWatch::Alarm": [
            each
            for each in names("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName")
            if not each.startswith("TargetTracking-")  # Application Auto Scaling creates and deletes them itself
        ],
        "AWS::CloudWatch::Dashboard": names("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName"),
        "AWS::DynamoDB::Table": names("dynamodb", "list_tables", "TableNames"),
        "AWS::Glue::Database": names("glue", "get_databases", "DatabaseList", "Name"),
        "AWS::IAM::Role": names("iam", "list_roles", "Roles", "RoleName"),
        "AWS::Kinesis::Stream": names("kinesis", "list_streams", "StreamNames"),
        "AWS::KinesisFirehose::DeliveryStream": client("firehose").list_delivery_streams()["DeliveryStreamNames"],
        "AWS::Lambda::EventSourceMapping": names("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID"),
        "AWS::Lambda::Function": names("lambda", "list_functions", "Functions", "FunctionName"),
        "AWS::Logs::LogGroup": names("logs", "describe_log_groups", "logGroups", "logGroupName"),
        "AWS::OpenSearchService::Domain": [
            each["DomainName"] for each in client("opensearch").list_domain_names()["DomainNames"]
        ],
        "AWS::S3::Bucket": [
            each["Name"] for each in client("s3").list_buckets()["Buckets"] if not each["Name"].startswith("cdk-")
        ],
        "AWS::SNS::Topic": names("sns", "list_topics", "Topics", "TopicArn"),
        "AWS::Scheduler::Schedule": names("scheduler", "list_schedules", "Schedules", "Name"),
    }
