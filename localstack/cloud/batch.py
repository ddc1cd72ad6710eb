"""The next step of a shard after an invocation with a batch of records, by the rules that AWS documents for event source
mappings. Pure functions. A cursor is any value that orders the records of one shard."""

from dataclasses import dataclass, replace

FIRST_RETRY_SECONDS = 0.1
LONGEST_RETRY_SECONDS = 10

# Lambda's conditions for discarding a batch.
EXHAUSTED = "RetryAttemptsExhausted"
TOO_OLD = "RecordAgeExceeded"


@dataclass(frozen=True)
class Rules:
    bisect: bool
    retries: int  # -1: until the records expire
    max_age: int  # seconds; -1: until the records expire

    @staticmethod
    def of(mapping):
        def limit(name):
            value = mapping.get(name)
            return -1 if value is None else int(value)

        return Rules(bool(mapping.get("BisectBatchOnFunctionError")), limit("MaximumRetryAttempts"),
                     limit("MaximumRecordAgeInSeconds"))


@dataclass(frozen=True)
class Attempts:
    """The state of a shard between invocations."""

    invocations: int = 0  # failed invocations of the current batch
    failures: int = 0  # failed invocations that used a retry
    bounds: tuple = ()  # last cursors of the batches that are being retried or bisected, the innermost last

    @property
    def bound(self):
        """The current batch ends at this cursor at the latest."""
        return self.bounds[-1] if self.bounds else None


@dataclass(frozen=True)
class Step:
    attempts: Attempts
    commit: object = None  # the shard is processed up to this cursor
    discarded: str = ""  # why the batch goes to the on-failure destination
    delay: float = 0.0  # seconds before the next invocation


DONE = None
"""No record failed."""


def failed_at(response, sequence_numbers):
    """Index of the first failed record in a ReportBatchItemFailures response, or DONE. An invalid response fails the whole
    batch, as Lambda documents it."""
    failures = response.get("batchItemFailures") if isinstance(response, dict) else None
    if not failures:
        return DONE
    try:
        return min(sequence_numbers.index(failure["itemIdentifier"]) for failure in failures)
    except (KeyError, TypeError, ValueError):
        return 0


def after(cursors, failed, reported, attempts, rules):
    """The step after an invocation with the records at `cursors`: `failed` is the index of the first failed one or
    DONE, `reported` is true if the function reported it in its response (it did not throw or time out)."""
    last = cursors[-1]
    if failed is DONE:
        return Step(Attempts(bounds=tuple(bound for bound in attempts.bounds if bound > last)), commit=last)
    bounds = attempts.bounds if attempts.bound == last else (*attempts.bounds, last)
    tried = replace(attempts, invocations=attempts.invocations + 1, bounds=bounds)
    if failed > 0:
        return Step(Attempts(bounds=bounds), commit=cursors[failed - 1], delay=_delay(0))
    if rules.bisect and not reported and len(cursors) > 1:
        halves = (*bounds, cursors[(len(cursors) - 1) // 2])
        return Step(replace(attempts, invocations=0, bounds=halves), delay=_delay(0))  # splitting uses no retry
    if 0 <= rules.retries <= attempts.failures:
        others = attempts.bounds if attempts.bound != last else attempts.bounds[:-1]
        return Step(Attempts(bounds=others), last, discarded=EXHAUSTED)
    return Step(replace(tried, failures=attempts.failures + 1), delay=_delay(attempts.failures))


def throttled(attempts):
    """The step if the function was not invoked: the batch waits and uses no retry."""
    return Step(attempts, delay=_delay(3))


def _delay(failures):
    return min(FIRST_RETRY_SECONDS * 2**min(failures, 10), LONGEST_RETRY_SECONDS)
