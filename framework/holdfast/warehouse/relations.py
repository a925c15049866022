"""Sources as relations: tables, files and SELECT statements, columns checked, codes for missing applied."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from functools import reduce
from operator import and_, or_
from pathlib import Path
from typing import Any

import ibis

from holdfast.errors import DataError, nearest
from holdfast.model.predicate import FALSE_WORDS, TRUE_WORDS, Condition, Predicate
from holdfast.model.source import EventSource, FileFormat, SpanSource, UnitSource
from holdfast.model.study import Study
from holdfast.warehouse.dialects import utc
from holdfast.warehouse.engine import Engine, listed, quoted
from holdfast.warehouse.json_lines import json_lines

RESERVED = "holdfast_"
"""What the names of temporary tables begin with."""
FACT = "f_"
"""What columns of the data are called inside a query, so that they cannot meet our own names."""
AnySource = UnitSource | EventSource | SpanSource
_JSON = (".jsonl", ".ndjson", ".json")


def relation(engine: Engine, study: Study, name: str, columns: Iterable[str]) -> Any:
    """A source as a relation of just the columns asked for.

    Raises:
        DataError: the table or file does not exist, or lacks a column.
    """
    source = study.sources[name]
    table = _whole(engine, study, name, source)
    wanted = list(dict.fromkeys(columns))
    for column in wanted:
        if column not in table.columns:
            hint = _hint(column, table.columns, source)
            raise DataError(
                f'source "{name}" ({source.location}): no column "{column}"{hint}; correct the source or the data'
            )
    if wanted:
        table = table.select(**{column: _without_codes(table[column], source) for column in wanted})
    return engine.taken_in(table, f'source "{name}"') if source.path else table


def events(engine: Engine, study: Study, name: str, columns: Iterable[str]) -> Any:
    """The events of a source: `unit`, `ts` (naive UTC) and each column asked for as f_<column>.

    Events without a key belong to nobody and are left out. The names cannot meet those of the data.

    Raises:
        DataError: a column is missing, or the timestamp is no date or time.
    """
    source = study.sources[name]
    assert isinstance(source, EventSource)
    key = key_column(study, name, unit_name(study))
    wanted = list(dict.fromkeys(columns))
    table = relation(engine, study, name, [key, source.timestamp, *wanted])
    selected = table.select(
        unit=table[key],
        ts=moment(table, study, name, source.timestamp),
        **{f"{FACT}{column}": table[column] for column in wanted},
    )
    return selected.filter(selected.unit.notnull())


def spans(engine: Engine, study: Study, name: str, columns: Iterable[str]) -> Any:
    """The periods of a source: `unit`, `begun`, `ended` (naive UTC) and each column asked for as f_<column>."""
    source = study.sources[name]
    assert isinstance(source, SpanSource)
    key = key_column(study, name, unit_name(study))
    wanted = list(dict.fromkeys(columns))
    table = relation(engine, study, name, [key, source.start, source.end, *wanted])
    selected = table.select(
        unit=table[key],
        begun=moment(table, study, name, source.start),
        ended=moment(table, study, name, source.end),
        **{f"{FACT}{column}": table[column] for column in wanted},
    )
    return selected.filter(selected.unit.notnull())


def moment(table: Any, study: Study, name: str, column: str) -> Any:
    """A column of dates or times as naive UTC."""
    raw = moment_column(table, name, column)
    return utc(raw, study.sources[name].timezone or study.timezone)


def moment_column(table: Any, name: str, column: str) -> Any:
    """A column of dates or times as it is stored.

    Raises:
        DataError: it holds something else. A number may be seconds, milliseconds or a date: nobody can tell.
    """
    kind = table[column].type()
    # A column that is empty everywhere has no type of its own, and no time either.
    if kind.is_null():
        return table[column].cast("timestamp(6)")
    if not (kind.is_timestamp() or kind.is_date()):
        raise DataError(
            f'source "{name}": column "{column}" holds {_words(kind)}, not dates or times; convert it in the data, or '
            "with sql or format in the source"
        )
    return table[column]


def joined(facts: Any, units: Any, name: str) -> Any:
    """Facts beside the units that they belong to.

    Raises:
        DataError: the keys are of kinds that cannot be compared.
    """
    left, right = facts.unit.type(), units.unit.type()
    if _words(left) != _words(right):
        raise DataError(
            f'source "{name}": its key holds {_words(left)}, the assigned units have {_words(right)}; make both the '
            "same, for example with sql in the source"
        )
    return facts.join(units, "unit")


def number(table: Any, name: str, column: str) -> Any:
    """A column of numbers, or of true and false.

    Raises:
        DataError: it holds something else.
    """
    kind = table[f"{FACT}{column}"].type()
    if not (kind.is_numeric() or kind.is_boolean()):
        raise DataError(
            f'source "{name}": column "{column}" holds {_words(kind)}, not numbers; a fact that is summed is one'
        )
    return table[f"{FACT}{column}"]


def unit_name(study: Study) -> str:
    """The unit that is assigned: the one named, or the project's only one."""
    return study.experiment.assignment.unit or next(iter(study.project.units), "unit")


def _words(kind: Any) -> str:
    """A type in the reader's words."""
    if kind.is_string():
        return "text"
    return "whole numbers" if kind.is_integer() else str(kind)


def key_column(study: Study, name: str, unit: str) -> str:
    """The column of a source that identifies a unit."""
    keys = study.sources[name].keys
    if unit in keys:
        return keys[unit]
    if len(keys) == 1:
        return next(iter(keys.values()))
    raise DataError(f'source "{name}" has no key for the unit "{unit}"; add it under keys')


def matches(table: Any, predicate: Predicate, prefix: str = "") -> Any:
    """Whether all conditions hold, as a boolean column that is never null; columns may stand under a prefix."""
    conditions = (holds(table[prefix + column], condition) for column, condition in predicate.items())
    return reduce(and_, conditions, ibis.literal(True))


def happened(column: Any) -> Any:
    """Whether a row carries the fact of a column: a true value of a boolean one, any value of another."""
    return ibis.coalesce(column, ibis.literal(False)) if column.type().is_boolean() else column.notnull()


def holds(column: Any, condition: Condition) -> Any:
    """Whether one condition holds; a missing value matches only `none`."""
    if condition.missing:
        found = column.isnull()
        return ~found if condition.negated else found
    if condition.comparison:
        operator, bound = condition.comparison
        number = column.cast("float64")
        found = {">=": number >= bound, ">": number > bound, "<=": number <= bound, "<": number < bound}[operator]
    elif condition.low is not None and condition.high is not None:
        found = column.cast("float64").between(condition.low, condition.high)
    else:
        found = reduce(or_, (_equals(column, value) for value in condition.any_of))
    if condition.negated:
        found = ~found
    return ibis.coalesce(found, ibis.literal(False))


def _equals(column: Any, value: object) -> Any:
    """Compare as the column's own type, so that 1 matches both an integer and a boolean column, and "1" a text one."""
    kind = column.type()
    if kind.is_boolean():
        # Unequal, but not for a missing value: the opposite would hold for it.
        return column == bool(value) if value in (0, 1) else column & ~column
    if kind.is_numeric() and not isinstance(value, str):
        return column == (int(value) if isinstance(value, bool) else value)
    if isinstance(value, bool) and kind.is_string():
        return column.lower().isin(TRUE_WORDS if value else FALSE_WORDS)
    return column.cast("string") == str(value)


def _hint(column: str, known: Iterable[str], source: AnySource) -> str:
    """The nearest column. Of a text file only that one is named: a file without a header has data in its place."""
    full = nearest(column, known)
    return full if source.path is None or source.path.endswith(".parquet") else full.partition(" (known:")[0]


def _without_codes(column: Any, source: AnySource) -> Any:
    for code in source.missing:
        column = _equals(column, code).ifelse(ibis.null(column.type()), column)
    return column


def _whole(engine: Engine, study: Study, name: str, source: AnySource) -> Any:
    if source.sql:
        return engine.relation(source.sql, f'source "{name}"')
    if source.table:
        if source.table.rpartition(".")[2].lower().startswith(RESERVED):
            # A temporary table of the same name would be read in its place.
            raise DataError(
                f'source "{name}": the table is called "{source.table}", and names that begin with {RESERVED} are '
                "those of Holdfast's own temporary tables; make a view of another name on it, and name that"
            )
        return engine.table(source.table, f'source "{name}"')
    return _file(engine.local, study, name, source, _paths(study, name, source))


def _paths(study: Study, name: str, source: AnySource) -> list[Path]:
    """The files of a source, in a stable order."""
    if study.files is None:
        raise DataError(
            f'source "{name}": its files lie in {study.project.connection.files}, and that variable is not set; '
            "set it to the folder that holds them"
        )
    pattern = source.path or ""
    found = sorted(path for path in study.files.glob(pattern) if path.is_file())
    if not found:
        raise DataError(f'source "{name}": no file matches {{files}}/{pattern} in {study.files}; check it')
    if len(found) > 1 and not source.union:
        listed = ", ".join(path.name for path in found[:5])
        raise DataError(
            f'source "{name}": {len(found)} files match {pattern} ({listed}); write union: true to read them as one'
        )
    return found


def _file(engine: Engine, study: Study, name: str, source: AnySource, paths: list[Path]) -> Any:
    if source.format is None and paths[0].suffix in _JSON:
        raise DataError(
            f'source "{name}": {paths[0].name} holds JSON lines; add format: {{kind: json, columns: {{...}}}}, or '
            "format: {kind: exposures} for a log of exposures"
        )
    layout = source.format or FileFormat(kind="parquet" if paths[0].suffix == ".parquet" else "csv")
    if layout.kind in {"json", "exposures"}:
        return json_lines(engine, name, layout, paths, source.timezone or study.timezone)
    if layout.kind == "parquet":
        return engine.parquet(paths, f'source "{name}"')
    files = listed(paths)
    if layout.kind == "csv":
        if layout.header:
            _check_header(name, layout, paths[0])
        # The whole file decides on types, so that a rare value late in the file cannot change a column's meaning; and
        # the first line is the header, whatever the lines after it look like.
        options = (
            f"delim = {quoted(layout.delimiter)}, header = {str(layout.header).lower()}, sample_size = -1, skip = 0, "
            "quote = '\"', strict_mode = true, null_padding = false"
        )
        return engine.relation(f"SELECT * FROM read_csv({files}, {options})", f'source "{name}"')  # noqa: S608
    return _text_file(engine, name, layout, files)


def _check_header(name: str, layout: FileFormat, path: Path) -> None:
    """Refuse a header that names a column twice: nobody could say which one is meant."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file, delimiter=layout.delimiter), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f'source "{name}": {path.name} is not UTF-8 text; save it as UTF-8') from error
    twice = sorted({column for column in header if column and header.count(column) > 1})
    if twice:
        raise DataError(f'source "{name}": the header of {path.name} names a column twice: {", ".join(twice[:5])}')


def _text_file(engine: Engine, name: str, layout: FileFormat, files: str) -> Any:
    """Lines split at the delimiter, with the columns and types that the source gives."""
    if not layout.columns:
        raise DataError(f'source "{name}": a text file needs format.columns: every column in order, with its type')
    options = (
        "delim = '\\x1F', quote = '', escape = '', header = false, columns = {'line': 'VARCHAR'}, auto_detect = false"
    )
    lines = engine.relation(
        f"SELECT trim(line, ' ' || chr(9) || chr(13)) AS line FROM read_csv({files}, {options})",  # noqa: S608
        f'source "{name}"',
    )
    parts = lines.line.re_split(r"\s+") if layout.delimiter == "whitespace" else lines.line.split(layout.delimiter)
    split = lines.filter(lines.line != "").mutate(parts=parts)
    return split.select(
        **{
            column: _typed(split.parts[position], spec.type, spec.format)
            for position, (column, spec) in enumerate(layout.columns.items())
        }
    )


def _typed(text: Any, kind: str, pattern: str | None) -> Any:
    match kind:
        case "string":
            return text
        case "date" if pattern:
            return text.as_timestamp(pattern).date()
        case "timestamp" if pattern:
            return text.as_timestamp(pattern)
        case "decimal":
            return text.cast("decimal(38, 9)")
        case _:
            return text.cast({"integer": "int64", "float": "float64"}.get(kind, kind))
