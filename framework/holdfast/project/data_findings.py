"""From what a source looks like to findings: what does not fit the files, where they say so, and what to do. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

from holdfast import warehouse
from holdfast.config.rules.table import NOTES, WARNINGS
from holdfast.errors import Finding, nearest
from holdfast.model.demand import Assigned, Demand, Need, Place
from holdfast.model.predicate import Condition
from holdfast.model.source import EventSource, SpanSource
from holdfast.model.source_state import COMPARABLE, Column, Looked, Repeats, Values

Columns = Mapping[str, Column]
_TIMES = ("dates", "times", "instants", "nothing", "unknown")
_NUMBERS = (*COMPARABLE, "unknown")
_DAY = dt.timedelta(days=1)
USUAL_GAPS = 10
"""A source is late when this many of its usual gaps between facts have passed, and a day at least."""
CHANCE = 0.001
"""Up to this share of the rows may be like another one by chance, where times are not exact."""
FEW = 20
"""A column with more values than this may hold ids or names, which are never printed."""


def finding(place: Place, rule: str, message: str) -> Finding:
    """A finding at a place, as grave as its rule is."""
    severity = "warning" if rule in WARNINGS else "note" if rule in NOTES else "error"
    return Finding(place.path, place.line, place.column, rule, message, severity)  # type: ignore[arg-type]


def of_columns(demand: Demand, columns: Columns) -> Iterator[Finding]:
    """Columns that are missing, or hold what cannot be used. Takes no reading of rows."""
    told: set[tuple[Place, str]] = set()
    for need in demand.needs:
        column = columns.get(need.column)
        if (need.place, need.column) in told:
            continue
        if column is None:
            told.add((need.place, need.column))
            hint = _hint(demand, need.column, columns)
            message = f'source "{demand.label}" has no column "{need.column}"{hint}; {need.what} names it: correct one'
            yield finding(need.place, "column-not-found", message)
        elif (wrong := _misfit(demand, need, column)) is not None:
            told.add((need.place, need.column))
            yield finding(need.place, *wrong)


def _hint(demand: Demand, column: str, columns: Columns) -> str:
    """The nearest column. Of a text file only that one is named: a file without a header has data in its place."""
    full, path = nearest(column, columns), demand.study.sources[demand.name].path
    return full if path is None or path.endswith(".parquet") else full.partition(" (known:")[0]


def _misfit(demand: Demand, need: Need, column: Column) -> tuple[str, str] | None:
    """The rule that a column breaks by its type, with the message."""
    head = f'source "{demand.label}": column "{need.column}" holds {column.words}'
    if need.use == "time" and column.kind not in _TIMES:
        return "not-a-time", f"{head}, and {need.what} needs dates or times; convert it in the data, or with sql"
    if need.use == "number" and column.kind not in _NUMBERS:
        return "not-numbers", f"{head}, and {need.what} needs numbers; name another column, or convert it with sql"
    if need.use == "id" and not column.exact and column.kind != "unknown":
        return (
            "id-not-exact",
            f"{head}, which have no exact text to hash; {need.what} is text, a whole number or a UUID",
        )
    if need.condition is not None and need.condition.compares and column.kind not in _NUMBERS:
        return "condition-not-comparable", (
            f'{head}, so "{need.condition}" of {need.what} compares no numbers; name a column of numbers, or convert '
            "it with sql"
        )
    return None


def of_keys(demand: Demand, columns: Mapping[str, Columns]) -> Iterator[Finding]:
    """Keys that cannot be joined, since their types differ; columns are by the label of the source."""
    told: set[Place] = set()
    for join in demand.joins:
        here = columns.get(demand.label, {}).get(join.column)
        there = columns.get(join.source, {}).get(join.key)
        known = here is not None and there is not None and not {here.kind, there.kind} & {"unknown", "nothing"}
        if here is None or there is None or join.place in told:
            continue
        if known and here.words != there.words:
            told.add(join.place)
            message = (
                f'the key "{join.column}" of source "{demand.label}" holds {here.words}, that of the units '
                f'("{join.key}" of {join.source}) {there.words}: nobody would be found; make both the same, for '
                "example with sql in the source"
            )
            yield finding(join.place, "keys-differ", message)


def of_times(demand: Demand, columns: Columns) -> Iterator[Finding]:
    """Times that carry no zone, where the files say none either."""
    source = demand.study.sources[demand.name]
    if source.timezone is not None:
        return
    naive = [need for need in demand.needs if need.use == "time" and columns[need.column].kind == "times"]
    if naive:
        names = ", ".join(dict.fromkeys(need.column for need in naive))
        message = (
            f'source "{demand.label}": times without a zone ({names}) are read as {demand.study.timezone}; if they are '
            "in another one, add for example timezone: UTC to the source"
        )
        yield finding(naive[0].place, "time-zone-assumed", message)


def of_rows(demand: Demand, looked: Looked, key: str | None) -> Iterator[Finding]:
    """What the counts of a source say."""
    if not looked.rows:
        message = f'source "{demand.label}" has no rows; load the data, or correct where the source points'
        yield finding(demand.location, "no-rows", message)
        return
    source = demand.study.sources[demand.name]
    if key is not None and isinstance(source, EventSource | SpanSource):
        yield from _without_unit(demand, looked, key)
    elif key is not None:
        yield from _keys(demand, looked, key)
    yield from _empty(demand, looked)
    if looked.reversed:
        message = (
            f'source "{demand.label}": {looked.reversed:,} of {looked.rows:,} periods end before they start; such a '
            "period never runs, so correct its dates in the data"
        )
        yield finding(_of(demand, getattr(source, "end", "")), "span-reversed", message)
    if looked.in_future:
        message = (
            f'source "{demand.label}": {looked.in_future:,} of {looked.rows:,} rows lie in the future; they are read '
            "when their time has come: look for a wrong zone, a wrong unit or placeholders such as 2999-12-31"
        )
        yield finding(_first_time(demand), "fact-in-future", message)


def _without_unit(demand: Demand, looked: Looked, key: str) -> Iterator[Finding]:
    if demand.units and looked.blank_keys:
        message = (
            f'source "{demand.label}": {looked.blank_keys:,} rows have an empty text as key "{key}", and its keys are '
            "the units; correct the data"
        )
        yield finding(_of(demand, key), "key-empty", message)
    elif looked.without_key:
        message = (
            f'source "{demand.label}": {_share(looked.without_key, looked.rows)} of the rows belong to nobody (no '
            f'"{key}") and are left out, as guests are; correct the data if they should count'
        )
        yield finding(_of(demand, key), "event-without-key", message)


def _keys(demand: Demand, looked: Looked, key: str) -> Iterator[Finding]:
    """One row a unit, each with a key; in a table that only says who got what, a unit may stand twice."""
    if looked.without_key:
        message = (
            f'source "{demand.label}": {looked.without_key:,} of {looked.rows:,} rows have no key "{key}"; each row '
            "stands for a unit, so correct the data"
        )
        yield finding(_of(demand, key), "key-empty", message)
    # Empty texts are a key of their own to the engine, missing ones none.
    keyed = looked.rows - looked.empty.get(key, 0)
    repeated = keyed - (looked.distinct_keys if looked.distinct_keys is not None else keyed)
    if repeated <= 0:
        return
    twice = demand.assigned and not any(item.has_outcomes for item in demand.assigned) and not demand.units
    message = f'source "{demand.label}": {repeated:,} of {looked.rows:,} rows repeat the key "{key}" of another row'
    if twice:
        message += "; a unit counts once, from its first row, and one that was given several variants counts nowhere"
        yield finding(_of(demand, key), "unit-assigned-twice", message)
    else:
        message += "; a source of grain unit has one row a unit: remove them, or choose one with sql"
        yield finding(_of(demand, key), "key-repeated", message)


def _empty(demand: Demand, looked: Looked) -> Iterator[Finding]:
    """Values that are missing where something rests on them."""
    told: set[str] = set()
    for need in demand.needs:
        empty = looked.empty.get(need.column, 0)
        if not empty or need.column in told:
            continue
        rows = f'source "{demand.label}": {_share(empty, looked.rows)} of the rows have no "{need.column}"'
        if need.use == "time" and need.what in {"timestamp", "start", "assigned_at"}:
            message = f"{rows} and are at no time, so that they count nowhere; correct the data"
            yield finding(need.place, "time-empty", message)
        elif need.use == "number" and not need.may_be_empty and need.what.startswith("fact "):
            message = f"{rows}; such a row does not count for {need.what}: correct the data if it should"
            yield finding(need.place, "number-empty", message)
        elif need.use == "number" and not need.may_be_empty:
            message = (
                f"{rows}; say what that means to {need.what} with nulls: zero or nulls: exclude, or correct the data"
            )
            yield finding(need.place, "number-empty", message)
        else:
            continue
        told.add(need.column)


def of_repeats(demand: Demand, found: Repeats, same: Sequence[str]) -> Iterator[Finding]:
    """Rows that stand in the data twice."""
    if found.rows > CHANCE * found.compared:
        since = f" since {found.since:%Y-%m-%d}" if found.since else ""
        message = (
            f'source "{demand.label}": {found.rows:,} rows{since} repeat another one (the same {", ".join(same)}); '
            "each counts: if they were loaded twice, remove them, or write SELECT DISTINCT in the source's sql"
        )
        yield finding(_first_time(demand), "rows-repeated", message)


def of_freshness(demand: Demand, looked: Looked, until: dt.datetime) -> Iterator[Finding]:
    """A source whose latest fact is older than it promises, as of an instant up to which experiments read it."""
    source = demand.study.sources[demand.name]
    if looked.last is None or looked.first is None or not isinstance(source, EventSource):
        return
    usual = (looked.last - looked.first) / max(looked.rows, 1)
    promised = until - source.freshness.timedelta
    if looked.last < promised - max(_DAY, usual * USUAL_GAPS):
        message = (
            f'source "{demand.label}": the latest fact is of {looked.last:%Y-%m-%d %H:%M} UTC, and facts up to '
            f"{promised:%Y-%m-%d %H:%M} UTC should have arrived (freshness: {source.freshness}); load the data, or "
            "write how long it takes under freshness"
        )
        yield finding(_first_time(demand), "source-late", message)


def of_labels(demand: Demand, item: Assigned, found: Values) -> Iterator[Finding]:
    """Labels of an assignment that nobody listed, and listed ones that nobody has."""
    listed = [label for label, _ in item.labels]
    closed = [key for key, variant in item.study.experiment.variants.items() if not variant.weight]
    unlisted = [(value, n) for value, n in found.counts if value not in {*listed, *closed}]
    if found.more or _like_ids(found):
        message = (
            f'source "{demand.label}": the column of the variant has so many values that it cannot be one '
            f"(listed: {', '.join(listed)}); name another column"
        )
        yield finding(item.variant, "label-unlisted", message)
        return
    missing = [label for label in listed if label not in dict(found.counts)]
    told = warehouse.told_labels(item.study, dict(unlisted))
    for value, n in told.items():
        near = nearest(value, missing or listed)
        message = (
            f'source "{demand.label}": {n:,} rows have the label "{value}", which is no variant{near}; list it under '
            "labels, or correct the data: until then they count nowhere"
        )
        yield finding(item.variant, "label-unlisted", message)
    for label, place in item.labels:
        if label in missing:
            message = f'source "{demand.label}": no row has the label "{label}"{nearest(label, told)}'
            yield finding(place, "label-never-occurs", message)


def of_rules(demand: Demand, item: Assigned, matched: Mapping[str, int], rows: int) -> Iterator[Finding]:
    """Rules that make a variant of no row, and rows that no rule makes one of."""
    place = item.variant
    for variant, n in matched.items():
        if not n and item.study.experiment.variants[variant].weight:
            message = f'source "{demand.label}": no row meets the rule of {variant}; compare it with the data'
            yield finding(place, "label-never-occurs", message)
    if sum(matched.values()) < rows:
        message = (
            f'source "{demand.label}": {rows - sum(matched.values()):,} of {rows:,} rows meet no rule and count '
            "nowhere; widen a rule, or leave them out with sql"
        )
        yield finding(place, "label-unlisted", message)


def of_value(demand: Demand, need: Need, value: Condition, found: Values | None) -> Finding:
    """A value that no row has; with the nearest one where the column has a few."""
    near = "; compare the spelling with the data"
    if found is not None and not found.more and not _like_ids(found):
        enough = [text for text, n in found.counts if n >= demand.study.project.privacy.minimum_cell]
        near = nearest(str(value), enough) if enough else near
    message = f'source "{demand.label}": in no row is "{need.column}" {value}, as {need.what} asks{near}'
    return finding(need.place, "value-never-occurs", message)


def _like_ids(found: Values) -> bool:
    """Whether the values of a column are rather ids or addresses than categories."""
    rows = sum(n for _, n in found.counts)
    return any("@" in value for value, _ in found.counts) or rows < 2 * len(found.counts)


def _of(demand: Demand, column: str) -> Place:
    """Where the source's own definition names a column."""
    return next((need.place for need in demand.needs if need.column == column), demand.place)


def _first_time(demand: Demand) -> Place:
    return next((need.place for need in demand.needs if need.use == "time"), demand.place)


def _share(part: int, rows: int) -> str:
    return f"{part:,} of {rows:,} ({part / rows:.1%})"
