"""The facts of one source as a query reads them: a moment in whole microseconds, and what each row counts for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import ibis

from holdfast.errors import DataError
from holdfast.model.predicate import Predicate
from holdfast.model.source import EventSource, SpanSource
from holdfast.model.study import Study
from holdfast.model.values import FactRef
from holdfast.warehouse.clock import from_wall_clock
from holdfast.warehouse.dialects import micros
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.relations import FACT, happened, key_column, matches, moment_column, number, relation, unit_name

_MARGIN = dt.timedelta(days=2)
"""No zone is further from UTC than this: what is skipped unread lies beyond every window."""


@dataclass(frozen=True)
class Use:
    """What one number needs of a row: that it carries a fact and meets conditions, and perhaps a value of it."""

    fact: FactRef
    where: Predicate = field(default_factory=dict)
    valued: bool = False
    column: str | None = None
    """A column that is wanted as it stands, such as a property whose values are counted."""

    @property
    def condition(self) -> str:
        return f"{self.fact} {sorted((name, repr(item)) for name, item in self.where.items())}"


@dataclass(frozen=True, slots=True)
class Reach:
    """From when until when facts can matter; the engine skips the rest unread."""

    since: dt.datetime | None
    until: dt.datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """One row a fact: unit, us (microseconds since 1970, UTC), and columns for what it counts for."""

    table: Any
    conditions: dict[str, str]
    values: dict[str, str]
    columns: dict[str, str]
    flags: frozenset[str] = frozenset()
    """Facts that are true or false: only true ones happened."""

    def numeric(self, use: Use) -> bool:
        """Whether a fact happened wherever it has a value."""
        return str(use.fact) not in self.flags

    def beside(self, table: Any) -> Facts:
        """The same columns in a table that was made of this one."""
        return replace(self, table=table)

    def counts(self, use: Use) -> Any | None:
        """Whether each row counts; None where every row does."""
        column = self.conditions[use.condition]
        return self.table[column] if column else None

    def value(self, use: Use) -> Any:
        """The number that each row contributes, null where it carries none."""
        return self.table[self.values[str(use.fact)]]

    def as_stored(self, use: Use) -> Any:
        """The column that is wanted as it stands."""
        return self.table[self.columns[use.column or ""]]


def read_facts(engine: Engine, study: Study, name: str, uses: Sequence[Use], reach: Reach) -> Facts:
    """The events of a source that anybody asked for.

    Events without a key belong to nobody and are left out, and so are rows that repeat the id of an event. Conditions
    are decided here, before facts meet units: a flag is lighter to carry than the texts that it comes from.

    Raises:
        DataError: a column is missing or of a kind that cannot be used.
    """
    source = study.sources[name]
    assert isinstance(source, EventSource)
    columns = list(dict.fromkeys(_columns(source, uses)))
    key = key_column(study, name, unit_name(study))
    own = [source.id] if source.id else []
    table = relation(engine, study, name, [key, source.timestamp, *columns, *own])
    # The earliest of the rows that repeat an event may lie before everything that is asked for.
    reach = Reach(None, reach.until) if source.id else reach
    kept = _within(table, name, source.timestamp, reach)
    kept = kept.filter(kept[key].notnull())
    if source.id:
        kept = _once(kept, source.id, [source.timestamp, key, *columns])
    prefixed = kept.select(
        unit=kept[key],
        us=_moment(kept, study, name, source.timestamp, reach),
        **{FACT + column: kept[column] for column in columns},
    )
    return _decided(prefixed, source, uses)


def read_spans(engine: Engine, study: Study, name: str, uses: Sequence[Predicate], reach: Reach) -> Any:
    """The periods of a source: unit, begun and ended (microseconds since 1970, UTC), reason where the source has one,
    and c<n> for each of the conditions asked for."""
    source = study.sources[name]
    assert isinstance(source, SpanSource)
    key = key_column(study, name, unit_name(study))
    columns = list(dict.fromkeys(column for where in uses for column in where))
    why = [source.reason.column] if source.reason else []
    table = relation(engine, study, name, [key, source.start, source.end, *columns, *why])
    forever = Reach(None, reach.until)
    prefixed = table.select(
        unit=table[key],
        begun=_moment(table, study, name, source.start, forever),
        ended=_moment(table, study, name, source.end, forever),
        reason=table[why[0]].cast("string") if why else ibis.null("string"),
        **{FACT + column: table[column] for column in columns},
    )
    conditions = {f"c{place}": matches(prefixed, where, FACT) for place, where in enumerate(uses)}
    prefixed = prefixed.filter(prefixed.unit.notnull())
    return prefixed.select("unit", "begun", "ended", "reason", **conditions)


def moment(table: Any, study: Study, name: str, column: str, until: dt.datetime) -> Any:
    """A column of dates or times of a source as microseconds since 1970."""
    return _moment(table, study, name, column, Reach(None, until))


def _columns(source: EventSource, uses: Iterable[Use]) -> Iterable[str]:
    for use in uses:
        column = source.facts[use.fact.fact].column
        if column:
            yield column
        elif use.valued:
            raise DataError(f'fact "{use.fact}" counts rows and has no value of its own; give it a column')
        yield from use.where
        if use.column:
            yield use.column


def _once(table: Any, key: str, order: Sequence[str]) -> Any:
    """Each event once: the earliest of the rows with its id. Rows without an id are events of their own."""
    place = ibis.row_number().over(ibis.window(group_by=key, order_by=list(dict.fromkeys(order))))
    ranked = table.mutate(holdfast_place=place)
    return ranked.filter((ranked.holdfast_place == 0) | ranked[key].isnull()).drop("holdfast_place")


def _within(table: Any, name: str, column: str, reach: Reach) -> Any:
    """The rows that can matter, by bounds on the column as it is stored, which let the engine skip whole blocks."""
    raw = moment_column(table, name, column)
    kind = raw.type()

    def bound(moment: dt.datetime) -> Any:
        utc = moment.astimezone(dt.UTC)
        if kind.is_date():
            return ibis.literal(utc.date())
        return ibis.literal(utc if kind.timezone is not None else utc.replace(tzinfo=None), type=kind)

    found = table.filter(raw < bound(reach.until + _MARGIN))
    return found.filter(raw >= bound(reach.since - _MARGIN)) if reach.since else found


def _moment(table: Any, study: Study, name: str, column: str, reach: Reach) -> Any:
    raw = moment_column(table, name, column)
    kind = raw.type()
    us = micros(raw)
    if kind.is_timestamp() and kind.timezone is not None:
        return us
    zone = study.sources[name].timezone or study.timezone
    since = reach.since - _MARGIN if reach.since else None
    return from_wall_clock(us, zone, reach.until + _MARGIN, since)


def _decided(table: Any, source: EventSource, uses: Sequence[Use]) -> Facts:
    conditions: dict[str, str] = {}
    values: dict[str, str] = {}
    stored: dict[str, str] = {}
    columns: dict[str, Any] = {}
    flags = set()
    for use in uses:
        fact = source.facts[use.fact.fact]
        if fact.column and table[FACT + fact.column].type().is_boolean():
            flags.add(str(use.fact))
        if use.condition not in conditions:
            parts = [happened(table[FACT + fact.column])] if fact.column else []
            parts += [matches(table, use.where, FACT)] if use.where else []
            conditions[use.condition] = f"w{len(conditions)}" if parts else ""
            if parts:
                columns[conditions[use.condition]] = parts[0] if len(parts) == 1 else parts[0] & parts[1]
        if use.valued and str(use.fact) not in values:
            values[str(use.fact)] = f"v{len(values)}"
            assert fact.column is not None
            columns[values[str(use.fact)]] = scaled(number(table, use.fact.source, fact.column), fact.digits)
        if use.column and use.column not in stored:
            stored[use.column] = f"p{len(stored)}"
            columns[stored[use.column]] = table[FACT + use.column]
    return Facts(table.select("unit", "us", **columns), conditions, values, stored, frozenset(flags))


def scaled(column: Any, scale: int | None) -> Any:
    """A number as an integer in units of 10**-scale, so that sums are exact; as it is where it has no scale."""
    kind = column.type()
    if scale is None:
        return column.cast("float64")
    if kind.is_decimal():
        # Decimals are rounded as decimals: by way of a double they would lose digits.
        return (column.cast(f"decimal(38, {scale})") * 10**scale).cast("int64")
    if kind.is_boolean() or kind.is_integer():
        # First wide, then multiplied: a narrow integer has no room for its digits.
        return column.cast("int64") * 10**scale if scale else column.cast("int64")
    return (column * 10**scale).round().cast("int64")
