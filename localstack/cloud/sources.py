"""Sources of event source mappings: one Kinesis shard, or the stream of one table. A source yields its records in order,
each with a cursor. The cursor up to which a mapping is done is saved with MiniStack's state."""

import base64
import json
from bisect import bisect_right
from dataclasses import dataclass

from ministack.core.responses import get_account_id, get_region
from ministack.services import dynamodb, kinesis, lambda_svc

import shards

START = ""  # before the first record of a shard
CHUNK = 500


@dataclass(frozen=True)
class Entry:
    cursor: object
    record: dict  # as in the function's event
    sequence_number: str
    arrived: float  # epoch seconds
    size: int  # approximate bytes of the record in the function's event


class KinesisShard:
    """Cursors are sequence numbers: they stay valid after older records expire and after a restart."""

    batch_info = "KinesisBatchInfo"

    def __init__(self, mapping, shard_id):
        self.mapping_id, self.arn, self.shard_id = mapping["UUID"], mapping["EventSourceArn"], shard_id

    def position(self):
        return lambda_svc._kinesis_positions[self.mapping_id].get(self.shard_id, START)

    def commit(self, cursor):
        lambda_svc._kinesis_positions[self.mapping_id][self.shard_id] = cursor

    def waiting(self, position):
        records = self._records()
        return len(records) - _index_after(records, position)

    def after(self, position):
        records = self._records()
        for record in records[_index_after(records, position):]:
            data = _base64(record["Data"])
            yield Entry(record["SequenceNumber"], self._event_record(record, data), record["SequenceNumber"],
                        record["ApproximateArrivalTimestamp"], len(data) + 500)

    def exists(self):
        return self.shard_id in (_stream(self.arn) or {"shards": {}})["shards"]

    def _records(self):
        stream = _stream(self.arn)
        shard = stream["shards"].get(self.shard_id) if stream else None
        return shard["records"] if shard else []

    def _event_record(self, record, data):
        return {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": record["PartitionKey"],
                "sequenceNumber": record["SequenceNumber"],
                "data": data,
                "approximateArrivalTimestamp": record["ApproximateArrivalTimestamp"],
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{self.shard_id}:{record['SequenceNumber']}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": f"arn:aws:iam::{get_account_id()}:role/lambda-role",
            "awsRegion": get_region(),
            "eventSourceARN": self.arn,
        }


class TableStream:
    """The only shard of a table's stream. A cursor is the number of records from the beginning of the stream."""

    batch_info = "DDBStreamBatchInfo"
    shard_id = "shardId-00000000000000000000-00000000"

    def __init__(self, mapping):
        self.mapping_id, self.arn = mapping["UUID"], mapping["EventSourceArn"]
        self.table = self.arn.split("/stream/")[0].split("/")[-1]

    def position(self):
        return max(lambda_svc._dynamodb_stream_positions[self.mapping_id], dynamodb.stream_start_position(self.table))

    def commit(self, cursor):
        lambda_svc._dynamodb_stream_positions[self.mapping_id] = cursor

    def waiting(self, position):
        return dynamodb.stream_end_position(self.table) - position

    def after(self, position):
        while chunk := dynamodb.stream_records_since(self.table, position, CHUNK):
            for record in chunk:
                position += 1
                change = record["dynamodb"]
                yield Entry(position, record, change["SequenceNumber"], change["ApproximateCreationDateTime"],
                            len(json.dumps(record)))

    def exists(self):
        table = dynamodb._tables.get(self.table)
        return bool(table) and table.get("LatestStreamArn") == self.arn


def sources_of(mapping):
    """The sources that a mapping may read now. Of a Kinesis stream: shards whose ancestors it has read to the end."""
    if ":dynamodb:" in mapping["EventSourceArn"]:
        return [TableStream(mapping)]
    stream = _stream(mapping["EventSourceArn"])
    if not stream:
        return []
    return [KinesisShard(mapping, shard_id) for shard_id, shard in list(stream["shards"].items())
            if not _drained(mapping, stream, shard_id)
            and all(_drained(mapping, stream, parent) for parent in shards.parents(shard))]


def set_start(mapping_id, arn, starting_position):
    """Stores the start position of a new mapping. Shards that appear later are read from their first record."""
    stream = _stream(arn)
    if stream is None:
        return
    latest = starting_position == "LATEST"
    lambda_svc._kinesis_positions[mapping_id] = {
        shard_id: shard["records"][-1]["SequenceNumber"] if latest and shard["records"] else START
        for shard_id, shard in stream["shards"].items()}


def _drained(mapping, stream, shard_id):
    """Whether a mapping has read a closed shard and its ancestors to the end. A shard that does not exist has expired."""
    shard = stream["shards"].get(shard_id)
    if shard is None:
        return True
    if shards.is_open(shard):
        return False
    position = lambda_svc._kinesis_positions[mapping["UUID"]].get(shard_id, START)
    read = not shard["records"] or position >= shard["records"][-1]["SequenceNumber"]
    return read and all(_drained(mapping, stream, parent) for parent in shards.parents(shard))


def _stream(arn):
    return kinesis._resolve_stream_by_arn(arn) if ":kinesis:" in arn else None


def _index_after(records, position):
    return bisect_right(records, position, key=lambda record: record["SequenceNumber"])


def _base64(data):
    return data if isinstance(data, str) else base64.b64encode(data).decode()
