"""Keeps table streams across restarts. Unmodified MiniStack saves the positions of mappings, but not the records."""

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb, lambda_svc


def unread(table_key, records, trimmed):
    """The records that at least one mapping of the table has not read, and the number of records before them."""
    account, region, table = table_key
    positions = [lambda_svc._dynamodb_stream_positions.get_scoped(account, region, mapping["UUID"], 0)
                 for owner, place, mapping in lambda_svc._iter_all_esms()
                 if (owner, place) == (account, region) and f":table/{table}/stream/" in mapping.get("EventSourceArn", "")]
    read = min(positions) - trimmed if positions else len(records)
    return records[max(0, read):], trimmed + max(0, read)


def install():
    get_state, load = dynamodb.get_state, dynamodb.load_persisted_state

    def with_streams():
        streams = AccountRegionScopedDict()
        for key, records in dynamodb._stream_records.all_items():
            remaining, before = unread(key, records, dynamodb._stream_trimmed.get_scoped(*key, 0))
            streams.set_scoped(*key, {"records": remaining, "before": before})
        return {**get_state(), "stream_records": streams}

    def load_with_streams(data):
        load(data)
        for key, saved in (data.get("stream_records") or AccountRegionScopedDict()).all_items():
            dynamodb._stream_records.set_scoped(*key, saved["records"])
            dynamodb._stream_trimmed.set_scoped(*key, saved["before"])

    dynamodb.get_state, dynamodb.load_persisted_state = with_streams, load_with_streams
