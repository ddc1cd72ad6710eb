"""CloudWatch metrics from the log lines of functions (embedded metric format), and Firehose's metrics of its deliveries.
Unmodified MiniStack stores neither."""

import json
import logging
import time

from ministack.services import cloudwatch, lambda_svc

import delivery

logger = logging.getLogger("metrics")

write_logs = lambda_svc._emit_lambda_logs
deliver = delivery._deliver


def put(namespace, name, dimensions, unit, values, timestamp):
    """Stores values of one metric with one set of dimensions."""
    for value in values:
        cloudwatch._store_datum(namespace, name, dimensions, timestamp, unit, value, None, None, None)


def read_line(line):
    """Stores the metrics of a log line in embedded metric format."""
    document = json.loads(line)
    metadata = document["_aws"]
    for directive in metadata["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = {name: str(document[name]) for name in names}
            for metric in directive["Metrics"]:
                value = document[metric["Name"]]
                values = value if isinstance(value, list) else [value]
                put(directive["Namespace"], metric["Name"], dimensions, metric.get("Unit"), values, metadata["Timestamp"] / 1000)


def logs_with_metrics(func, request_id, log_text, *rest, **named):
    for line in (log_text or "").splitlines():
        if '"_aws"' in line:
            try:
                read_line(line)
            except (KeyError, TypeError, ValueError):
                logger.warning("A log line in embedded metric format is invalid: its metrics are lost")
    return write_logs(func, request_id, log_text, *rest, **named)


def deliver_with_metrics(buffer):
    deliver(buffer)
    now, dimensions = time.time(), {"DeliveryStreamName": buffer.stream["name"]}
    for name, unit, value in (
        ("Records", "Count", len(buffer.records)),
        ("Success", "Count", 1),
        ("DataFreshness", "Seconds", now - buffer.opened),
    ):
        put("AWS/Firehose", f"DeliveryToS3.{name}", dimensions, unit, [value], now)


def install():
    lambda_svc._emit_lambda_logs = logs_with_metrics
    delivery._deliver = deliver_with_metrics
