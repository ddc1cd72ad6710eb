"""Firehose's record format conversion: lines of JSON to one Parquet object with the columns of a Glue table. Lines that
cannot be converted are returned separately."""

import json
import os
import re
import tempfile

import duckdb
from ministack.services import firehose, glue

INTEGERS = {"tinyint": 8, "smallint": 16, "int": 32, "integer": 32, "bigint": 64}
DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class Unconvertible(Exception):
    """`kind` is one of MiniStack's _CONVERSION_ERRORS."""

    def __init__(self, kind):
        super().__init__(kind)
        self.kind = kind


def convert(conversion, records):
    """Returns (bytes of the Parquet object, or None without rows; [(line, kind of error)])."""
    schema = conversion.get("SchemaConfiguration") or {}
    table = glue._tables.get(f"{schema.get('DatabaseName', '')}/{schema.get('TableName', '')}") or {}
    columns = (table.get("StorageDescriptor") or {}).get("Columns") or []
    lines = [line for record in records for line in record.split(b"\n") if line.strip()]
    if not columns:
        return None, [(line, "table") for line in lines]
    types = {column["Name"]: column.get("Type", "string").lower() for column in columns}
    rows, rejected = [], []
    for line in lines:
        try:
            rows += [(line, row) for row in rows_of(line, types, conversion)]
        except Unconvertible as error:
            rejected.append((line, error.kind))
    unconvertible = _unconvertible(rows, types)
    excluded = {id(row) for row in unconvertible}
    rejected += [(line, "mismatch") for line, _ in unconvertible]
    converted = [row for row in rows if id(row) not in excluded]
    return (_write(converted, types, _compression(conversion)) if converted else None), rejected


def rows_of(line, types, conversion):
    """The rows of the JSON objects in one line, with column names in lower case, as in the OpenX reader."""
    deserializer = (conversion.get("InputFormatConfiguration") or {}).get("Deserializer") or {}
    renamed = (deserializer.get("OpenXJsonSerDe") or {}).get("ColumnToJsonKeyMappings") or {}
    for document in _documents(line):
        values = {key.lower(): value for key, value in document.items()}
        yield {name: coerce(values.get(renamed.get(name, name).lower()), kind) for name, kind in types.items()}


def coerce(value, kind):
    """Converts a JSON value to its column's type. A number in a string is a number, as in the OpenX reader."""
    if value is None:
        return None
    if kind == "string":
        return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
    if kind in INTEGERS:
        number = int(value) if isinstance(value, str) and re.fullmatch(r"[+-]?\d+", value) else value
        limit = 2**(INTEGERS[kind] - 1)
        if isinstance(number, bool) or not isinstance(number, int) or not -limit <= number < limit:
            raise Unconvertible("mismatch")
        return number
    if kind in ("double", "float"):
        number = float(value) if isinstance(value, str) and DECIMAL.fullmatch(value) else value
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise Unconvertible("mismatch")
        return number
    if kind == "boolean" and not isinstance(value, bool):
        raise Unconvertible("mismatch")
    return value


def _documents(line):
    decoder = json.JSONDecoder(parse_constant=_no_constant)
    try:
        text, at = line.decode("utf-8").strip(), 0
        while at < len(text):
            document, at = decoder.raw_decode(text, at)
            if not isinstance(document, dict):
                raise Unconvertible("mismatch" if isinstance(document, list) else "primitive")
            yield document
            while at < len(text) and text[at].isspace():
                at += 1
    except ValueError as error:
        raise Unconvertible("malformed") from error


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


def _unconvertible(rows, types):
    """The rows that DuckDB cannot convert, found by bisecting."""
    try:
        if rows:
            _write(rows, types, "uncompressed")
        return []
    except duckdb.Error:
        if len(rows) == 1:
            return rows
        half = len(rows) // 2
        return _unconvertible(rows[:half], types) + _unconvertible(rows[half:], types)


def _write(rows, types, compression):
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        source, target = os.path.join(folder, "rows.json"), os.path.join(folder, "rows.parquet")
        with open(source, "w", encoding="utf-8") as file:
            for _, row in rows:
                file.write(json.dumps(row) + "\n")
        connection.execute("SET threads = 1")
        columns = ", ".join(f"{_quoted(name)}: {_quoted(firehose._hive_to_duckdb_type(kind))}" for name, kind in types.items())
        connection.execute(
            f"COPY (FROM read_json({_quoted(source)}, format = 'newline_delimited', columns = {{{columns}}}))"
            f" TO {_quoted(target)} (FORMAT parquet, COMPRESSION {compression})")
        with open(target, "rb") as file:
            return file.read()


def _compression(conversion):
    serializer = ((conversion.get("OutputFormatConfiguration") or {}).get("Serializer") or {}).get("ParquetSerDe") or {}
    return {"GZIP": "gzip", "UNCOMPRESSED": "uncompressed"}.get(serializer.get("Compression", "SNAPPY"), "snappy")


def _quoted(text):
    return "'" + text.replace("'", "''") + "'"
