"""Looking at a source: its columns, then its counts in one statement, so that a large table is read once."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import and_
from typing import Any

import ibis

from holdfast.model.predicate import Predicate
from holdfast.model.source_state import Column, Kind, Looked, Repeats, Values
from holdfast.model.study import Study
from holdfast.warehouse.dialects import literal
from holdfast.warehouse.engine import Engine, refused
from holdfast.warehouse.relations import matches, moment, relation

MOST_COMPARED = 5_000_000
"""Rows of a source that are compared with each other to find repeats: of more, only the latest."""


def columns(engine: Engine, study: Study, name: str, *, scan: bool = True) -> dict[str, Column]:
    """The columns of a source, by name. Tables and Parquet files are not read for that.

    Args:
        engine: an open engine.
        study: an experiment that knows the source.
        name: the source.
        scan: whether text files may be read whole for their types; otherwise only their header is, and the types are
            unknown.

    Raises:
        DataError: the table or file does not exist, or cannot be read.
    """
    if not scan and (header := _header(study, name)) is not None:
        return {column: Column("unknown", "something") for column in header}
    with refused(f'source "{name}"'):
        schema = relation(engine, study, name, ()).schema()
    return {column: column_of(kind) for column, kind in schema.items()}


def _header(study: Study, name: str) -> list[str] | None:
    """The names in the first line of a file of comma-separated values; None for any other source."""
    source = study.sources[name]
    layout = source.format
    if source.path is None or study.files is None or (layout and (layout.kind != "csv" or not layout.header)):
        return None
    path = min((path for path in study.files.glob(source.path) if path.is_file()), default=None)
    if path is None or (layout is None and path.suffix not in {".csv", ".txt"}):
        return None
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            found = next(csv.reader(file, delimiter=layout.delimiter if layout else ","), None)
    except (OSError, UnicodeDecodeError, csv.Error):
        return None  # whoever reads the file says what is wrong with it
    return found if found is not None and len(set(found)) == len(found) else None


def column_of(kind: Any) -> Column:
    """What a column of an engine's type holds, in the reader's words."""
    tests: tuple[tuple[bool, Kind], ...] = (
        (kind.is_null(), "nothing"),
        (kind.is_string(), "text"),
        (kind.is_boolean(), "true or false"),
        (kind.is_integer(), "whole numbers"),
        (kind.is_numeric(), "numbers"),
        (kind.is_date(), "dates"),
        (kind.is_timestamp() and kind.timezone is None, "times"),
        (kind.is_timestamp(), "instants"),
        (kind.is_uuid(), "uuids"),
    )
    found = next((word for test, word in tests if test), None)
    exact = kind.is_string() or kind.is_integer() or kind.is_uuid() or kind.is_null()
    words = {"instants": "times with a zone", "times": "times without a zone", "uuids": "UUIDs"}
    return Column(found or "unknown", words.get(found or "", found or f"values of type {kind}"), exact)


def look(
    engine: Engine,
    study: Study,
    name: str,
    *,
    what: str,
    key: str | None,
    unique: bool,
    times: Sequence[str],
    counted: Iterable[str],
    conditions: Sequence[Predicate],
    now: dt.datetime,
) -> Looked:
    """The counts of a source, in one statement.

    Args:
        engine: an open engine.
        study: an experiment that knows the source.
        name: the source.
        what: what it is called in messages of progress.
        key: the column that identifies a unit, if there is one.
        unique: whether different keys are counted.
        times: the column with the time; for periods start and end.
        counted: columns whose empty values are counted.
        conditions: columns and what they are compared with; how many rows meet all of each.
        now: what lies in the future from here on.

    Raises:
        DataError: the engine refused the statement.
    """
    empties = list(dict.fromkeys([*counted, *times, *([key] if key else [])]))
    wanted = list(dict.fromkeys([*empties, *(column for item in conditions for column in item)]))
    table = relation(engine, study, name, wanted)
    measures: dict[str, Any] = {"n": table.count()}
    measures |= {f"e{place}": _sum(table[column].isnull()) for place, column in enumerate(empties)}
    if key:
        blank = ibis.coalesce(table[key].cast("string") == "", ibis.literal(False))
        measures["blank"] = _sum(blank)
        if unique:
            measures["keys"] = table[key].nunique()
    if times:
        measures |= _of_times(study, name, table, times, now)
    measures |= {f"c{place}": _sum(matches(table, item)) for place, item in enumerate(conditions)}
    with refused(f'source "{name}"'):
        row = engine.rows(f"reading {what}: rows, keys, times and empty values", table.aggregate(**measures))[0]
    return _looked(row, empties, key, len(conditions))


def _of_times(study: Study, name: str, table: Any, times: Sequence[str], now: dt.datetime) -> dict[str, Any]:
    start = moment(table, study, name, times[0])
    past = start < literal(now)
    measures = {
        "first": start.min(),
        "last": past.ifelse(start, ibis.null(start.type())).max(),
        "later": _sum(~past),
    }
    if len(times) > 1:
        measures["reversed"] = _sum(moment(table, study, name, times[1]) < start)
    return measures


def _sum(condition: Any) -> Any:
    """How many rows meet a condition; those for which it is unknown do not."""
    return condition.ifelse(1, 0).sum()


def _looked(row: dict[str, Any], empties: Sequence[str], key: str | None, conditions: int) -> Looked:
    def number(name: str) -> int:
        return int(row.get(name) or 0)

    empty = {column: number(f"e{place}") for place, column in enumerate(empties)}
    return Looked(
        rows=number("n"),
        empty=empty,
        blank_keys=number("blank"),
        without_key=number("blank") + (empty[key] if key else 0),
        distinct_keys=number("keys") if "keys" in row else None,
        first=_instant(row.get("first")),
        last=_instant(row.get("last")),
        in_future=number("later"),
        reversed=number("reversed"),
        matches={place: number(f"c{place}") for place in range(conditions)},
    )


def _instant(moment: dt.datetime | None) -> dt.datetime | None:
    return moment.replace(tzinfo=dt.UTC) if moment else None


def repeats(
    engine: Engine, study: Study, name: str, *, what: str, key: str, same: Sequence[str], time: str, looked: Looked
) -> Repeats:
    """How many rows of events or periods are the same as another one in their key and in all that is asked of them.

    Of a large source only the latest rows are compared: about as many as can be held.
    """
    table = relation(engine, study, name, [key, time, *same])
    since = None
    if looked.rows > MOST_COMPARED and looked.first and looked.last:
        since = looked.last - (looked.last - looked.first) * (MOST_COMPARED / looked.rows)
        table = table.filter(moment(table, study, name, time) >= literal(since))
    table = table.filter(reduce(and_, (table[column].notnull() for column in (key, time))))
    groups = table.group_by(list(table.columns)).aggregate(n=table.count())
    with refused(f'source "{name}"'):
        measures = groups.aggregate(repeated=(groups.n - 1).sum(), compared=groups.n.sum())
        row = engine.rows(f"reading {what}: rows that repeat another", measures)[0]
    return Repeats(rows=int(row["repeated"] or 0), compared=int(row["compared"] or 0), since=since)


def values(engine: Engine, study: Study, name: str, column: str, *, what: str, most: int) -> Values:
    """The most frequent values of a column, as text."""
    table = relation(engine, study, name, [column])
    text = table.select(value=table[column].cast("string"))
    text = text.filter(text.value.notnull())
    counts = text.group_by("value").aggregate(n=text.count())
    counts = counts.order_by(counts.n.desc(), counts.value).limit(most + 1)
    with refused(f'source "{name}"'):
        rows = engine.rows(f"reading {what}: values of {column}", counts)
    found = tuple((str(row["value"]), int(row["n"])) for row in rows)
    return Values(counts=found[:most], more=len(found) > most)


__all__ = ["MOST_COMPARED", "column_of", "columns", "look", "repeats", "values"]
