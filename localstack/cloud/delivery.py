"""Firehose from a Kinesis stream to S3: buffers by BufferingHints and writes one object per flush. Unmodified MiniStack
writes one object per record. $MILLRACE_FIREHOSE_SPEED divides the interval, so that a file appears within seconds."""

import base64
import contextvars
import json
import logging
import os
import threading
import time

from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import firehose

import parquet
from discards import put_object

logger = logging.getLogger("delivery")

SPEED = float(os.environ.get("MILLRACE_FIREHOSE_SPEED", "1"))
SHORTEST_SECONDS = 0.5

_buffers = {}
_lock = threading.Lock()


class Buffer:
    """Records of one destination since its last flush, oldest first, and the timer of the next flush."""

    def __init__(self, stream, destination):
        hints = destination["config"].get("BufferingHints") or {}
        self.stream, self.destination = stream, destination
        self.records, self.size, self.opened = [], 0, time.time()
        self.limit = hints.get("SizeInMBs", 5) * 2**20
        self.context = contextvars.copy_context()
        self.timer = threading.Timer(max(hints.get("IntervalInSeconds", 300) / SPEED, SHORTEST_SECONDS), flush, [self.key])
        self.timer.daemon = True
        self.timer.start()

    @property
    def key(self):
        return self.stream["arn"], self.destination["id"]


def ingest(stream_arn, records):
    """Buffers records, (partition key, bytes), that were just put into a Kinesis stream."""
    for stream in list(firehose._streams.values()):
        source = stream.get("kinesis_source") or {}
        if stream.get("status") != "ACTIVE" or source.get("KinesisStreamARN") != stream_arn:
            continue
        for destination in stream["destinations"]:
            if destination["type"] in ("ExtendedS3", "S3"):
                _add(stream, destination, [data for _, data in records])


def _add(stream, destination, records):
    with _lock:
        buffer = _buffers.get((stream["arn"], destination["id"]))
        if buffer is None:
            buffer = Buffer(stream, destination)
            _buffers[buffer.key] = buffer
        buffer.records += records
        buffer.size += sum(map(len, records))
        full = buffer.size >= buffer.limit
    if full:
        threading.Thread(target=flush, args=[buffer.key], daemon=True).start()


def flush(key):
    """Delivers the records of a buffer. If the destination fails, they are delivered with the next flush."""
    with _lock:
        buffer = _buffers.pop(key, None)
    if buffer is None:
        return
    buffer.timer.cancel()
    try:
        buffer.context.copy().run(_deliver, buffer)
    except Exception:
        logger.exception("The delivery stream %s will retry %d records", buffer.stream["name"], len(buffer.records))
        buffer.context.copy().run(_add, buffer.stream, buffer.destination, buffer.records)


def flush_all():
    for key in list(_buffers):
        flush(key)


def _deliver(buffer):
    config, stream = buffer.destination["config"], buffer.stream
    named = [(firehose._record_id(), record) for record in buffer.records]
    records = [record for _, record in firehose._apply_lambda_processors(stream, buffer.destination, named)]
    conversion = config.get("DataFormatConversionConfiguration") or {}
    converting = bool(conversion) and conversion.get("Enabled", True)
    body, rejected = parquet.convert(conversion, records) if converting else (b"".join(records), [])
    arrival = time.gmtime(buffer.opened)
    name = f"{stream['name']}-{stream.get('version', 1)}-{time.strftime('%Y-%m-%d-%H-%M-%S', arrival)}-{new_uuid()}"
    bucket = firehose._s3_bucket_from_arn(config["BucketARN"])
    if rejected:
        prefix = firehose._evaluate_prefix(config.get("ErrorOutputPrefix", ""), arrival, error_type="format-conversion-failed")
        put_object(bucket, prefix + name, b"".join(error_line(conversion, buffer.opened, *one) for one in rejected))
    if body:
        extension = config.get("FileExtension") or (".parquet" if converting else "")
        put_object(bucket, firehose._evaluate_prefix(config.get("Prefix", ""), arrival) + name + extension, body)


def error_line(conversion, arrived, line, kind):
    """The line that Firehose writes for a record that it cannot convert: one JSON document."""
    code, message = firehose._CONVERSION_ERRORS[kind]
    schema = conversion.get("SchemaConfiguration") or {}
    document = {
        "attemptsMade": 1,
        "arrivalTimestamp": int(arrived * 1000),
        "ErrorCode": code,
        "ErrorMessage": message,
        "attemptEndingTimestamp": int(time.time() * 1000),
        "rawData": base64.b64encode(line).decode(),
        "dataCatalogTable": {
            "catalogId": schema.get("CatalogId") or get_account_id(),
            "databaseName": schema.get("DatabaseName"),
            "tableName": schema.get("TableName"),
            "region": schema.get("Region") or get_region(),
            "versionId": schema.get("VersionId", "LATEST"),
        },
    }
    return json.dumps(document).encode() + b"\n"


def install():
    firehose.ingest_from_kinesis_source = ingest
