"""Derived properties: what is known of a unit before its own assignment, computed from facts before it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import reduce
from operator import add, and_
from typing import Any

import ibis

from holdfast.errors import DataError
from holdfast.model.clock import midnight
from holdfast.model.source import EventSource, Property
from holdfast.model.study import Study
from holdfast.warehouse.clock import DAY, day_number, wall_clock
from holdfast.warehouse.dialects import earliest, latest, micros
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.facts import Facts, Reach, Use, moment, read_facts
from holdfast.warehouse.relations import joined, unit_name

_ZERO_WITHOUT_FACTS = ("sum", "count")
_ALONE = ("quantiles", "rfm", "days_overdue", "sql", "tenure", "days_until")
"""Operations that need more than one pass, or no facts: everything else is read in one scan of the source."""
_VALUED = ("sum", "average", "rfm")
_HOUR = DAY // 24
_YEARS_AHEAD = 5
_FAR = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


def by_source(study: Study, names: Iterable[str]) -> dict[str, list[str]]:
    """The properties among the names that are read in one scan of a source, by source."""
    found: dict[str, list[str]] = {}
    for name in names:
        spec = study.properties.get(name)
        if spec and spec.fact and spec.operation not in _ALONE:
            found.setdefault(spec.fact.source, []).append(name)
    return found


def use(study: Study, spec: Property) -> Use:
    """What a property needs of each fact."""
    assert spec.fact is not None
    source = study.sources[spec.fact.source]
    assert isinstance(source, EventSource)
    column = source.facts[spec.fact.fact].column
    if column is None and spec.operation in {*_VALUED, "first", "last"}:
        raise DataError(f'fact "{spec.fact}" counts rows and has no value of its own; give it a column')
    if spec.operation == "trend" and spec.window is None:
        raise DataError("a trend needs a window, such as window: {last: 28d}")
    raw = column if spec.operation in {"first", "last"} else None
    return Use(spec.fact, spec.where, spec.operation in _VALUED, raw)


def reach(spec: Property) -> int | None:
    """How far before assignment a property looks, in microseconds; None for everything before it."""
    if spec.window is None:
        return None
    # A trend compares the window with the one before it.
    return spec.window.last.hours * _HOUR * (2 if spec.operation == "trend" else 1)


def aggregates(study: Study, name: str, facts: Facts, anchor: Any) -> dict[str, Any]:  # noqa: PLR0911
    """The aggregates, within one grouping of facts by unit, that a property is made of; `anchor` is each unit's
    assignment in microseconds."""
    spec = study.properties[name]
    us = facts.table.us
    own = use(study, spec)
    conditions = [us < anchor]
    if (back := reach(spec)) is not None:
        conditions.append(us >= anchor - back)
    if (counts := facts.counts(own)) is not None:
        conditions.append(counts)
    where = reduce(and_, conditions)
    column = f"d_{name}"
    match spec.operation:
        case "sum":
            return {column: facts.value(own).sum(where=where)}
        case "average":
            return {column: facts.value(own).sum(where=where), f"n_{name}": facts.table.count(where=where)}
        case "count":
            return {column: facts.table.count(where=where)}
        case "first":
            return {column: earliest(facts.as_stored(own), us, where)}
        case "last":
            return {column: latest(facts.as_stored(own), us, where)}
        case "recency":
            return {column: us.max(where=where)}
        case "trend":
            assert back is not None
            recent = us >= anchor - back // 2
            return {
                column: facts.table.count(where=where & recent),
                f"n_{name}": facts.table.count(where=where & ~recent),
            }
        case _:
            raise DataError(f"{spec.operation} is computed from a date of the unit, not from a fact")


def value(study: Study, name: str, table: Any, anchor: Any) -> Any:
    """A property from its aggregates, one row a unit; with its meaning where there were no facts."""
    spec = study.properties[name]
    found = table[f"d_{name}"]
    if spec.operation in {"sum", "average"}:
        digits = _digits(study, spec)
        found = found.cast("float64") / 10**digits if digits else found
    match spec.operation:
        case "average":
            found = found / table[f"n_{name}"].nullif(0)
        case "trend":
            found = found.cast("float64") / table[f"n_{name}"].nullif(0)
        case "recency":
            found = _days_between(study, found, anchor)
    return finished(found, spec)


def _digits(study: Study, spec: Property) -> int | None:
    assert spec.fact is not None
    source = study.sources[spec.fact.source]
    assert isinstance(source, EventSource)
    return source.facts[spec.fact.fact].digits


def _days_between(study: Study, earlier: Any, later: Any) -> Any:
    """Local dates between two moments."""
    zone, until = study.timezone, _horizon(study)
    return day_number(wall_clock(later, zone, until)) - day_number(wall_clock(earlier, zone, until))


def _horizon(study: Study) -> dt.datetime:
    """An instant that no assignment lies after."""
    experiment = study.experiment
    if experiment.enroll and experiment.enroll.date:
        return midnight(experiment.enroll.date + dt.timedelta(days=1), study.timezone)
    if experiment.enroll and experiment.enroll.start and experiment.enroll.length:
        return midnight(experiment.enroll.start + experiment.enroll.length.timedelta, study.timezone)
    return midnight(experiment.observed.until, study.timezone) if experiment.observed else _FAR


def finished(found: Any, spec: Property) -> Any:
    """The value with its meaning where there were no facts, and with the names of its bands."""
    if spec.operation in _ZERO_WITHOUT_FACTS:
        found = ibis.coalesce(found, ibis.literal(0))
    if not spec.bands:
        return found
    ordered = sorted(spec.bands.items(), key=lambda item: item[1], reverse=True)
    # `none` is the word for no value everywhere, so a band of that name is one.
    named = [(found >= low, ibis.null("string") if name == "none" else ibis.literal(name)) for name, low in ordered]
    return ibis.cases(*named, else_=ibis.null("string"))


def with_properties(engine: Engine, study: Study, people: Any, names: Iterable[str]) -> Any:
    """Units (unit, t0 and their own columns) with the derived properties among the names beside them, as own_<name>:
    each from facts before the unit's own t0, each source scanned once."""
    return _beside(engine, study, people.mutate(anchor=micros(people.t0)), names).drop("anchor")


def _beside(engine: Engine, study: Study, people: Any, names: Iterable[str]) -> Any:
    """The same for units with an anchor."""
    wanted = list(dict.fromkeys(name for name in names if name in study.properties))
    grouped = by_source(study, wanted)
    table, anchors = people, people.select("unit", "anchor")
    for source, derived in grouped.items():
        table = table.left_join(_scan(engine, study, anchors, source, derived), "unit").drop("unit_right")
    read = [name for derived in grouped.values() for name in derived]
    table = table.mutate(**{f"own_{name}": value(study, name, table, table.anchor) for name in read})
    table = table.select([column for column in table.columns if not column.startswith(("d_", "n_"))])
    return with_alone(engine, study, people, table, [name for name in wanted if name not in read])


def with_alone(engine: Engine, study: Study, people: Any, table: Any, names: Iterable[str]) -> Any:
    """The table with the properties that take a pass of their own beside its units.

    `people` has unit, anchor (the assignment in microseconds) and the unit's own columns as own_<name>.
    """
    for name in names:
        spec = study.properties[name]
        values = _alone(engine, study, people, spec)
        table = table.left_join(values.rename({f"own_{name}": "value"}), "unit").drop("unit_right")
        table = table.mutate(**{f"own_{name}": finished(table[f"own_{name}"], spec)})
    return table


def _scan(engine: Engine, study: Study, anchors: Any, source: str, names: list[str]) -> Any:
    """One row for each unit with facts of the source before its assignment: the aggregates of its properties."""
    facts = _facts_before(engine, study, anchors, source, [study.properties[name] for name in names])
    found: dict[str, Any] = {}
    for name in names:
        found |= aggregates(study, name, facts, facts.table.anchor)
    return facts.table.group_by("unit").aggregate(**found)


def _facts_before(engine: Engine, study: Study, anchors: Any, source: str, specs: list[Property]) -> Facts:
    """The facts of a source before each unit's assignment, within the longest of the windows."""
    uses = [use(study, spec) for spec in specs]
    facts = read_facts(engine, study, source, uses, Reach(None, _horizon(study)))
    table = joined(facts.table, anchors, source)
    table = table.filter(table.us < table.anchor)
    backs = [reach(spec) for spec in specs]
    known = [back for back in backs if back is not None]
    if len(known) == len(backs):
        table = table.filter(table.us >= table.anchor - max(known))
    return facts.beside(table)


def _alone(engine: Engine, study: Study, people: Any, spec: Property) -> Any:
    """A property of each unit that takes a pass of its own: columns unit, value; no row where there are no facts."""
    match spec.operation:
        case "sql":
            return _from_sql(engine, people, spec)
        case "quantiles":
            return _quantiles(engine, study, people, spec)
        case "rfm" | "days_overdue":
            assert spec.fact is not None
            facts = _facts_before(engine, study, people.select("unit", "anchor"), spec.fact.source, [spec])
            if (counts := facts.counts(use(study, spec))) is not None:
                facts = facts.beside(facts.table.filter(counts))
            return _rfm(study, facts, spec) if spec.operation == "rfm" else _overdue(study, facts)
        case _:
            return _from_date(study, people, spec)


def _overdue(study: Study, facts: Facts) -> Any:
    """Days since the last fact less the unit's own median gap between facts."""
    table = facts.table
    last = table.group_by("unit").aggregate(last=table.us.max(), anchor=table.anchor.max())
    days = last.select("unit", value=_days_between(study, last.last, last.anchor))
    order = ibis.window(group_by="unit", order_by="us")
    gaps = table.mutate(before=table.us.lag().over(order))
    gaps = gaps.filter(gaps.before.notnull())
    gaps = gaps.mutate(gap=(gaps.us - gaps.before).cast("float64") / DAY)
    usual = gaps.group_by("unit").aggregate(usual=gaps.gap.median())
    both = days.join(usual, "unit")
    return both.select("unit", value=both.value - both.usual)


def _rfm(study: Study, facts: Facts, spec: Property) -> Any:
    """Recency, frequency and money as three digits, each the group of the unit among all with such facts."""
    table = facts.table
    by_unit = table.group_by("unit").aggregate(
        last=table.us.max(), anchor=table.anchor.max(), n=table.count(), money=facts.value(use(study, spec)).sum()
    )
    scored = by_unit.mutate(fresh=-_days_between(study, by_unit.last, by_unit.anchor))
    r, f, m = (_group(scored, column, spec.groups) for column in ("fresh", "n", "money"))
    return scored.select("unit", value=r * 100 + f * 10 + m)


def _group(table: Any, column: str, groups: int) -> Any:
    """The group of a value, 1 for the smallest: one more than the quantiles that it lies above. Ties stay together."""
    cuts = [table[column].quantile(k / groups).as_scalar() for k in range(1, groups)]
    return reduce(add, ((table[column] > cut).cast("int64") for cut in cuts), ibis.literal(1, type="int64"))


def _quantiles(engine: Engine, study: Study, people: Any, spec: Property) -> Any:
    """The group of another property's value among all units that could enrol; units without a value have none."""
    if spec.of is None or spec.of not in study.properties:
        raise DataError("quantiles need the derived property that they group, such as of: spend_365d")
    inner = {spec.of: replace(study.properties[spec.of], bands={})}
    known = _beside(engine, _knowing(study, inner), people, inner)
    known = known.select("unit", value=known[f"own_{spec.of}"])
    known = known.filter(known.value.notnull())
    return known.select("unit", value=_group(known, "value", spec.groups))


def _knowing(study: Study, properties: Mapping[str, Property]) -> Study:
    """The study with other definitions of some properties."""
    return replace(study, properties={**study.properties, **properties})


def _from_sql(engine: Engine, people: Any, spec: Property) -> Any:
    """The values that a statement gives."""
    table = engine.relation(spec.sql or "", "a property by sql")
    if not {"unit", "value"} <= set(table.columns):
        raise DataError("the statement of a property by sql needs the columns unit and value")
    return joined(table.select("unit", "value"), people.select("unit"), "sql").select("unit", "value")


def _from_date(study: Study, people: Any, spec: Property) -> Any:
    """Days since, or until, a date that the unit's own row holds."""
    if spec.column is None:
        raise DataError(f"{spec.operation} needs the column with the date")
    zone, until = study.timezone, _horizon(study)
    column = f"own_{spec.column}"
    if people[column].type().is_date():
        there = micros(people[column])
    else:
        # A membership may end long after everybody was assigned.
        later = until + dt.timedelta(days=_YEARS_AHEAD * 366)
        source = study.project.units[unit_name(study)].source
        there = wall_clock(moment(people, study, source, column, later), zone, later)
    days = day_number(wall_clock(people.anchor, zone, until)) - day_number(there)
    found = people.select("unit", value=days if spec.operation == "tenure" else -days)
    return found.filter(found.value.notnull())
