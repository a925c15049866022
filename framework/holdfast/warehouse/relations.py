"""Sources as relations: tables, files and SELECT statements, columns checked, codes for missing applied."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import and_, or_
from pathlib import Path
from typing import Any

import ibis

from holdfast.errors import DataError, nearest
from holdfast.model.predicate import Condition, Predicate
from holdfast.model.source import EventSource, FileFormat, SpanSource, UnitSource
from holdfast.model.study import Study
from holdfast.warehouse.engine import Engine, quoted

AnySource = UnitSource | EventSource | SpanSource


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
            raise DataError(
                f'source "{name}" ({source.location}): there is no column "{column}"{nearest(column, table.columns)}; '
                "correct the source's file or the data"
            )
    return table.select(**{column: _without_codes(table[column], source) for column in wanted}) if wanted else table


def key_column(study: Study, name: str, unit: str) -> str:
    """The column of a source that identifies a unit."""
    keys = study.sources[name].keys
    if unit in keys:
        return keys[unit]
    if len(keys) == 1:
        return next(iter(keys.values()))
    raise DataError(f'source "{name}" has no key for the unit "{unit}"; add it under keys')


def matches(table: Any, predicate: Predicate) -> Any:
    """Whether all conditions hold, as a boolean column that is never null."""
    return reduce(
        and_, (holds(table[column], condition) for column, condition in predicate.items()), ibis.literal(True)
    )


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
        return column == bool(value) if value in (0, 1) else ibis.literal(False)
    if kind.is_numeric() and not isinstance(value, str):
        return column == value
    return column.cast("string") == str(value)


def _without_codes(column: Any, source: AnySource) -> Any:
    for code in source.missing:
        column = _equals(column, code).ifelse(ibis.null(column.type()), column)
    return column


def _whole(engine: Engine, study: Study, name: str, source: AnySource) -> Any:
    if source.sql:
        return engine.relation(source.sql)
    if source.table:
        known = _tables(engine)
        if source.table not in known:
            raise DataError(f'source "{name}": there is no table "{source.table}"{nearest(source.table, known)}')
        schema, _, table = source.table.rpartition(".")
        return engine.backend.table(table, database=schema or None)
    return _file(engine, name, source, _paths(study, name, source))


def _tables(engine: Engine) -> list[str]:
    backend = engine.backend
    current = backend.current_database
    return [*backend.list_tables(), *(f"{current}.{table}" for table in backend.list_tables())]


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
        raise DataError(f'source "{name}": no file matches {{files}}/{pattern}; check connection.files and the path')
    if len(found) > 1 and not source.union:
        listed = ", ".join(path.name for path in found[:5])
        raise DataError(
            f'source "{name}": {len(found)} files match {pattern} ({listed}); write union: true to read them as one'
        )
    return found


def _file(engine: Engine, name: str, source: AnySource, paths: list[Path]) -> Any:
    layout = source.format or FileFormat(kind="parquet" if paths[0].suffix == ".parquet" else "csv")
    files = "[" + ", ".join(quoted(str(path)) for path in paths) + "]"
    if layout.kind == "parquet":
        return engine.relation(f"SELECT * FROM read_parquet({files})")  # noqa: S608 (quoted literals)
    if layout.kind == "csv":
        # The whole file decides on types, so that a rare value late in the file cannot change a column's meaning.
        options = f"delim = {quoted(layout.delimiter)}, header = {str(layout.header).lower()}, sample_size = -1"
        return engine.relation(f"SELECT * FROM read_csv({files}, {options})")  # noqa: S608 (quoted literals)
    return _text_file(engine, name, layout, files)


def _text_file(engine: Engine, name: str, layout: FileFormat, files: str) -> Any:
    """Lines split at the delimiter, with the columns and types that the source gives."""
    if not layout.columns:
        raise DataError(f'source "{name}": a text file needs format.columns: every column in order, with its type')
    options = (
        "delim = '\\x1F', quote = '', escape = '', header = false, columns = {'line': 'VARCHAR'}, auto_detect = false"
    )
    lines = engine.relation(f"SELECT trim(line, ' ' || chr(9) || chr(13)) AS line FROM read_csv({files}, {options})")  # noqa: S608
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
