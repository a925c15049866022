"""Files of one JSON object a line: event logs, and the log of exposures that holdfast.serve writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from holdfast.model.source import FileFormat, TextColumn
from holdfast.warehouse.engine import Engine, listed, quoted

EXPOSURES: Mapping[str, TextColumn] = {
    "id": TextColumn(type="string"),
    "at": TextColumn(type="timestamp"),
    "experiment": TextColumn(type="string"),
    "version": TextColumn(type="integer"),
    "variant": TextColumn(type="string"),
    "unit": TextColumn(type="string"),
    "hash_version": TextColumn(type="integer"),
}
"""The fields of one exposure."""
_TYPES = {
    "integer": "BIGINT",
    "decimal": "DECIMAL(38, 9)",
    "float": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
}


def json_lines(engine: Engine, name: str, layout: FileFormat, paths: Sequence[Path], zone: str) -> Any:
    """The fields of each line that the source lists, in their types; a field that a line lacks is missing there.

    A timestamp that carries its offset is that instant, another one is a wall-clock time in the zone. A line that is
    no JSON object is an error; in a log of exposures it is the rest of a write that a killed process left, and is left
    out, as are repeats of one record.
    """
    log = layout.kind == "exposures"
    columns = {**EXPOSURES, **layout.columns} if log else layout.columns
    fields = ", ".join(f"{_field(column, spec, zone)} AS {_name(column)}" for column, spec in columns.items())
    whole = "CASE WHEN json_valid(line) THEN json_type(line) = 'OBJECT' ELSE false END"
    wrong = quoted(f"source {name}: a line is no JSON object; correct the file")
    # The message depends on the line, or the engine would work it out before it has read one.
    lines = "line" if log else f"CASE WHEN {whole} THEN line ELSE error({wrong} || left(line, 0)) END AS line"
    read = (
        f"read_csv({listed(paths)}, delim = '\\x1F', quote = '', escape = '', header = false, "
        "columns = {'line': 'VARCHAR'}, auto_detect = false)"
    )
    kept = f"trim(line) <> '' AND {whole}" if log else "trim(line) <> ''"
    once = "DISTINCT " if log else ""
    return engine.relation(
        f"SELECT {once}{fields} FROM (SELECT {lines} FROM {read} WHERE {kept})",  # noqa: S608 (quoted literals)
        f'source "{name}"',
    )


def _field(column: str, spec: TextColumn, zone: str) -> str:
    pointer = "/" + column.replace("~", "~0").replace("/", "~1")
    text = f"json_extract_string(line, {quoted(pointer)})"
    if spec.type == "string":
        return text
    if spec.type in {"date", "timestamp"} and spec.format:
        parsed = f"strptime({text}, {quoted(spec.format)})"
        return f"CAST({parsed} AS DATE)" if spec.type == "date" else parsed
    if spec.type == "timestamp":
        # After a time of day only: the end of a date looks like an offset too.
        offset = quoted(r":\d\d(\.\d+)?\s*(Z|[+-]\d\d(:?\d\d)?)$")
        local = f"timezone({quoted(zone)}, CAST({text} AS TIMESTAMP))"
        return f"CASE WHEN regexp_matches({text}, {offset}) THEN CAST({text} AS TIMESTAMPTZ) ELSE {local} END"
    return f"CAST({text} AS {_TYPES[spec.type]})"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'
