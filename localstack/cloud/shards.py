"""Kinesis resharding: a shard that is split or merged closes, keeps its records and is the parent of its children.

Unmodified MiniStack deletes the shard with its records. Here a closed shard is deleted when its last record has expired."""

import json
import time

from ministack.core.responses import error_response_json, json_response
from ministack.services import kinesis

CLOSED = "ending_sequence_number"
PARENTS = "parents"  # all parents: UpdateShardCount may merge more than the two shards that AWS's fields can name


def is_open(shard):
    return CLOSED not in shard


def parents(shard):
    named = (shard.get("parent_shard_id"), shard.get("adjacent_parent_shard_id"))
    return shard.get(PARENTS) or [parent for parent in named if parent]


def open_shards(stream):
    return {shard_id: shard for shard_id, shard in stream["shards"].items() if is_open(shard)}


def reshard(stream, closing, ranges):
    """Closes the shards `closing` and opens one per (first, last) hash key range. Its parents are the closed shards it overlaps."""
    number = kinesis._max_shard_index(stream) + 1
    for shard_id in closing:
        stream["shards"][shard_id][CLOSED] = kinesis._next_sequence_number()
        stream["shards"][shard_id]["closed_at"] = time.time()
    for offset, (first, last) in enumerate(ranges):
        above = [shard_id for shard_id in closing if _overlaps(stream["shards"][shard_id], first, last)]
        stream["shards"][f"shardId-{number + offset:012d}"] = {
            "records": [],
            "starting_hash_key": str(first),
            "ending_hash_key": str(last),
            "starting_sequence_number": kinesis._next_sequence_number(),
            "parent_shard_id": above[0],
            "adjacent_parent_shard_id": above[1] if len(above) > 1 else None,
            PARENTS: above,
        }


def _overlaps(shard, first, last):
    return int(shard["starting_hash_key"]) <= last and first <= int(shard["ending_hash_key"])


def _range(shard):
    return int(shard["starting_hash_key"]), int(shard["ending_hash_key"])


def _requested(data, *names):
    """Returns (stream, requested shards, None) or (None, None, error)."""
    name, stream = kinesis._resolve_stream(data)
    if not stream:
        return None, None, error_response_json("ResourceNotFoundException", f"Stream {name} not found", 400)
    wanted = [data.get(parameter) for parameter in names]
    for shard_id in wanted:
        if shard_id not in stream["shards"]:
            return None, None, error_response_json("ResourceNotFoundException", f"Shard {shard_id} not found", 400)
        if not is_open(stream["shards"][shard_id]):
            return None, None, error_response_json("InvalidArgumentException", f"Shard {shard_id} is closed", 400)
    return stream, wanted, None


def split_shard(data):
    stream, wanted, error = _requested(data, "ShardToSplit")
    if error:
        return error
    first, last = _range(stream["shards"][wanted[0]])
    middle = int(data.get("NewStartingHashKey") or 0)
    if not first < middle <= last:
        return error_response_json("ValidationException", "NewStartingHashKey must be within the shard range", 400)
    reshard(stream, wanted, [(first, middle - 1), (middle, last)])
    return json_response({})


def merge_shards(data):
    stream, wanted, error = _requested(data, "ShardToMerge", "AdjacentShardToMerge")
    if error:
        return error
    low, high = sorted(_range(stream["shards"][shard_id]) for shard_id in wanted)
    if low[1] + 1 != high[0]:
        return error_response_json("InvalidArgumentException", "The shards are not adjacent", 400)
    reshard(stream, wanted, [(low[0], high[1])])
    return json_response({})


def update_shard_count(data):
    stream, _, error = _requested(data)
    if error:
        return error
    current, target = list(open_shards(stream)), int(data.get("TargetShardCount") or 0)
    if target < 1:
        return error_response_json("ValidationException", "TargetShardCount must be >= 1", 400)
    ranges = [(int(first), int(last)) for first, last in kinesis._compute_hash_ranges(target)]
    reshard(stream, current, ranges)
    return json_response({"StreamName": stream["StreamName"], "StreamARN": stream["StreamARN"],
                          "CurrentShardCount": len(current), "TargetShardCount": target})


def expire(stream):
    """Deletes expired records, and closed shards without records. Checks only the oldest record of each shard."""
    cutoff = time.time() - stream["RetentionPeriodHours"] * 3600
    for shard_id, shard in list(stream["shards"].items()):
        records = shard["records"]
        if records and records[0]["ApproximateArrivalTimestamp"] < cutoff:
            shard["records"] = [record for record in records if record["ApproximateArrivalTimestamp"] >= cutoff]
        if not is_open(shard) and not shard["records"] and shard["closed_at"] < cutoff:
            del stream["shards"][shard_id]


def install():
    describe, summarise, get_records = kinesis._shard_out, kinesis._describe_stream_summary, kinesis._get_records

    def describe_shard(shard_id, shard):
        described = describe(shard_id, shard)
        if not is_open(shard):
            described["SequenceNumberRange"]["EndingSequenceNumber"] = shard[CLOSED]
        return described

    def describe_open(data):
        status, headers, body = summarise(data)
        _, stream = kinesis._resolve_stream(data)
        if stream is None:
            return status, headers, body
        return json_response(_with_open_count(body, len(open_shards(stream))))

    def get_records_to_the_end(data):
        status, headers, body = get_records(data)
        state = kinesis._shard_iterators.get(data.get("ShardIterator"))
        stream = kinesis._streams.get(state["stream"]) if state else None
        shard = stream["shards"].get(state["shard_id"]) if stream else None
        return _ended(body) if status == 200 and shard and not is_open(shard) else (status, headers, body)

    kinesis._route_to_shard = lambda hash_key, stream: next(
        shard_id for shard_id, shard in open_shards(stream).items() if _overlaps(shard, hash_key, hash_key))
    kinesis._expire_records = expire
    kinesis._shard_out = describe_shard
    kinesis._describe_stream_summary = describe_open
    kinesis._get_records = get_records_to_the_end
    kinesis._split_shard, kinesis._merge_shards, kinesis._update_shard_count = split_shard, merge_shards, update_shard_count


def _with_open_count(body, count):
    summary = json.loads(body)
    summary["StreamDescriptionSummary"]["OpenShardCount"] = count
    return summary


def _ended(body):
    """Removes the next iterator if the closed shard was read to its end."""
    response = json.loads(body)
    following = kinesis._shard_iterators[response["NextShardIterator"]]
    stream = kinesis._streams.get(following["stream"])
    if following["position"] >= len(stream["shards"][following["shard_id"]]["records"]):
        response["NextShardIterator"] = None
    return json_response(response)
