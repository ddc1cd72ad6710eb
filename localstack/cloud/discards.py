"""The on-failure destination of an event source mapping: an S3 bucket gets the whole event, an SQS queue only its metadata."""

import asyncio
import datetime
import json
import logging

from ministack.core.arn import parse_arn
from ministack.core.responses import new_uuid
from ministack.services import s3, sqs

import batch

logger = logging.getLogger("discards")


def send(mapping, function, source, entries, condition, invocations):
    """Sends the invocation record of a discarded batch. Lambda drops the batch even if the destination fails."""
    destination = ((mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    if not destination:
        return
    now = datetime.datetime.now(datetime.timezone.utc)
    record = invocation_record(mapping, function, source, entries, condition, invocations, now)
    try:
        if parse_arn(destination).service == "s3":
            key = f"aws/lambda/{mapping['UUID']}/{source.shard_id}/{now:%Y/%m/%d}/{now:%Y-%m-%dT%H.%M.%S}-{new_uuid()}"
            event = {"Records": [entry.record for entry in entries]}
            put_object(destination.rsplit(":", 1)[-1], key, json.dumps({**record, "payload": event}).encode())
        else:
            send_message(destination, json.dumps(record))
    except Exception:
        logger.exception("The on-failure destination %s rejected a batch", destination)


def invocation_record(mapping, function, source, entries, condition, invocations, now):
    """The record in the Lambda Developer Guide, "Retain discarded batch records", and in the snapshots of LocalStack's tests
    from AWS: the payload is the event itself, and there is no response if the records were too old."""
    response = {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
    config = function.get("config") or function
    return {
        "requestContext": {
            "requestId": new_uuid(),
            "functionArn": config.get("FunctionArn", ""),
            "condition": condition,
            "approximateInvokeCount": invocations,
        },
        **({"responseContext": response} if condition == batch.EXHAUSTED else {}),
        "version": "1.0",
        "timestamp": _instant(now.timestamp()),
        source.batch_info: {
            "shardId": source.shard_id,
            "startSequenceNumber": entries[0].sequence_number,
            "endSequenceNumber": entries[-1].sequence_number,
            "approximateArrivalOfFirstRecord": _instant(entries[0].arrived),
            "approximateArrivalOfLastRecord": _instant(entries[-1].arrived),
            "batchSize": len(entries),
            "streamArn": mapping["EventSourceArn"],
        },
    }


def put_object(bucket, key, body):
    """Puts an object from a thread. Raises RuntimeError if S3 rejects it."""
    headers = {"content-type": "application/octet-stream", "content-length": str(len(body)), "host": "s3.localhost"}
    status, _, response = asyncio.run(s3.handle_request("PUT", f"/{bucket}/{key}", headers, body, {}, internal=True))
    if status >= 300:
        raise RuntimeError(f"S3 rejected s3://{bucket}/{key}: {status} {response[:200]}")


def send_message(queue_arn, text):
    """Sends a message from a thread. Raises RuntimeError if SQS rejects it."""
    headers = {"x-amz-target": "AmazonSQS.SendMessage", "content-type": "application/x-amz-json-1.0"}
    message = json.dumps({"QueueUrl": sqs._queue_by_arn(queue_arn)["url"], "MessageBody": text}).encode()
    status, _, response = asyncio.run(sqs.handle_request("POST", "/", headers, message, {}))
    if status >= 300:
        raise RuntimeError(f"SQS rejected a message to {queue_arn}: {status} {response[:200]}")


def _instant(seconds):
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
