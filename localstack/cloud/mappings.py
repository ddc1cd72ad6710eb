"""Event source mappings of Kinesis and DynamoDB streams: one worker per mapping and shard, so that no mapping waits for
another, with AWS's rules for batching windows, partial failures, bisecting, retries and on-failure destinations."""

import json
import logging
import threading
import time

from ministack.core.responses import _request_account_id, _request_region
from ministack.services import lambda_svc

import batch
import discards
import metrics
from sources import set_start, sources_of

logger = logging.getLogger("mappings")

LONGEST_WAIT_SECONDS = 1
EVENT_BYTES = 6_000_000  # a function's event, after base64

_workers = {}
_commits = threading.Lock()
_frozen = False


def freeze():
    """Stops all commits: batches that functions process during the shutdown are delivered again after the next start."""
    global _frozen
    with _commits:
        _frozen = True


class Worker(threading.Thread):
    """Reads one source for one mapping, one batch at a time, until the mapping or the source is deleted."""

    def __init__(self, account, region, mapping, source):
        super().__init__(daemon=True, name=f"mapping-{mapping['UUID'][:8]}-{source.shard_id[-4:]}")
        self.account, self.region, self.mapping, self.source = account, region, mapping, source
        self.attempts = batch.Attempts()
        self.wake = threading.Event()
        self.oldest_seen = None  # when the batching window began

    def run(self):
        _request_account_id.set(self.account)
        _request_region.set(self.region)
        while not _frozen and self._is_active():
            try:
                wait = self.step()
            except Exception:
                logger.exception("A mapping of %s failed", self.mapping["FunctionName"])
                wait = LONGEST_WAIT_SECONDS
            if wait > 0:
                self.wake.wait(wait)
                self.wake.clear()

    def _is_active(self):
        mapping = lambda_svc._esms.get(self.mapping["UUID"])
        return mapping is self.mapping and mapping.get("Enabled", True) and self.source.exists()

    def step(self):
        """Reads and delivers one batch. Returns the seconds to wait before the next step."""
        function, _ = lambda_svc._get_func_record_for_qualifier(self.mapping["FunctionName"], self.mapping.get("Qualifier"))
        position = self.source.position()
        waiting = self.source.waiting(position)
        if function is None or waiting <= 0:
            return LONGEST_WAIT_SECONDS
        window = self._window_left(waiting)
        if window > 0:
            return window
        entries, read_to = self._read(position)
        self.oldest_seen = None
        expired = self._expired(entries)
        if expired:
            return self._apply(function, expired, batch.Step(batch.Attempts(), expired[-1].cursor, discarded=batch.TOO_OLD))
        if not entries:  # all filtered out
            return self._apply(function, [], batch.Step(self.attempts, read_to))
        return self._apply(function, entries, self._deliver(function, entries, read_to))

    def _window_left(self, waiting):
        """Seconds left of the batching window; 0 if the batch is full or a retry."""
        window = self.mapping.get("MaximumBatchingWindowInSeconds") or 0
        if not window or self.attempts.bounds or waiting >= self.mapping["BatchSize"]:
            return 0
        if self.oldest_seen is None:
            self.oldest_seen = time.monotonic()
        return max(0, self.oldest_seen + window - time.monotonic())

    def _read(self, position):
        """The entries of the next batch, and the cursor of the last record that was read."""
        entries, read_to, size, bound = [], position, 0, self.attempts.bound
        for entry in self.source.after(position):
            if bound is not None and entry.cursor > bound:
                break
            if lambda_svc._apply_filter_criteria([entry.record], self.mapping):
                size += entry.size
                if entries and size > EVENT_BYTES:
                    break
                entries.append(entry)
            read_to = entry.cursor
            if len(entries) == self.mapping["BatchSize"]:
                break
        return entries, read_to

    def _expired(self, entries):
        max_age = batch.Rules.of(self.mapping).max_age
        if max_age <= 0:
            return []
        return [entry for entry in entries if time.time() - entry.arrived > max_age]

    def _deliver(self, function, entries, read_to):
        self._measure_age(entries)
        result = lambda_svc._execute_function(function, {"Records": [entry.record for entry in entries]})
        if result.get("throttle"):
            return batch.throttled(self.attempts)
        failed, reported = batch.DONE, False
        if result.get("error"):
            failed = 0
        elif "ReportBatchItemFailures" in (self.mapping.get("FunctionResponseTypes") or []):
            failed = batch.failed_at(_response_of(result), [entry.sequence_number for entry in entries])
            reported = failed is not batch.DONE
        # The commit of the last entry includes the records after it that the filter dropped.
        cursors = [*(entry.cursor for entry in entries[:-1]), read_to]
        return batch.after(cursors, failed, reported, self.attempts, batch.Rules.of(self.mapping))

    def _measure_age(self, entries):
        """Lambda's own metric: the age of the last record of a batch when the function gets it, also if it then fails."""
        now = time.time()
        metrics.put("AWS/Lambda", "IteratorAge", {"FunctionName": self.mapping["FunctionName"]}, "Milliseconds",
                    [max(0, round((now - entries[-1].arrived) * 1000))], now)

    def _apply(self, function, entries, step):
        if step.discarded and not _frozen:
            discards.send(self.mapping, function, self.source, entries, step.discarded, self.attempts.invocations + 1)
        with _commits:
            if _frozen:
                return LONGEST_WAIT_SECONDS
            if step.commit is not None:
                self.source.commit(step.commit)
        self.mapping["LastProcessingResult"] = "OK" if step.commit is not None else "PROBLEM: Function call failed"
        self.attempts = step.attempts
        if step.delay > 0:
            time.sleep(step.delay)  # sleep, because a new record must not shorten the delay of a retry
        return 0


def _response_of(result):
    body = result.get("body")
    if not isinstance(body, str):
        return body
    try:
        return json.loads(body)
    except ValueError:
        return None


def wake_workers():
    """Starts missing workers and wakes the others. MiniStack's poll loop calls it when a stream gets records, and every
    second. Returns False, which means that the loop need not poll again at once."""
    for account, region, mapping in lambda_svc._iter_all_esms():
        _request_account_id.set(account)
        _request_region.set(region)
        arn = mapping.get("EventSourceArn", "")
        if _frozen or not mapping.get("Enabled", True) or not (":kinesis:" in arn or ":dynamodb:" in arn):
            continue
        for source in sources_of(mapping):
            key = (mapping["UUID"], source.shard_id)
            worker = _workers.get(key)
            if worker is None or not worker.is_alive():
                worker = _workers[key] = Worker(account, region, mapping, source)
                worker.start()
            worker.wake.set()
    return False


def install():
    start_position = lambda_svc._init_stream_position

    def start(mapping_id, arn, starting_position):
        start_position(mapping_id, arn, starting_position)
        set_start(mapping_id, arn, starting_position)

    lambda_svc._init_stream_position = start
    lambda_svc._poll_kinesis = wake_workers
    lambda_svc._poll_dynamodb_streams = lambda: False
