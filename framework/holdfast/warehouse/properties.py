"""Derived properties: what is known of a unit before its own assignment, computed from facts before it."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from operator import add
from typing import Any

import ibis

from holdfast.errors import DataError
from holdfast.model.source import EventSource, Fact, Property
from holdfast.model.study import Study
from holdfast.warehouse.dialects import calendar_days, local_date
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.relations import FACT, events, happened, joined, matches, moment, number, unit_name

_ZERO_WITHOUT_FACTS = ("sum", "count")
_SECONDS = 86_400


def property_values(engine: Engine, study: Study, candidates: Any, spec: Property) -> Any:  # noqa: PLR0911
    """A derived property of each candidate from facts before its own t0: columns unit, value.

    Candidates without such facts have no row. `candidates` has unit, t0 and the unit's own columns as own_<name>.
    """
    if spec.operation == "sql":
        return _from_sql(engine, candidates, spec)
    if spec.operation == "quantiles":
        return _quantiles(engine, study, candidates, spec)
    if spec.fact is None:
        return _from_date(study, candidates, spec)
    facts, value = _facts_before(engine, study, candidates, spec)
    by_unit = facts.group_by("unit")
    zone = study.timezone
    match spec.operation:
        case "recency" | "days_overdue":
            return _recency(facts, zone, overdue=spec.operation == "days_overdue")
        case "count":
            return by_unit.aggregate(value=facts.count())
        case "sum":
            return by_unit.aggregate(value=value.sum())
        case "average":
            return by_unit.aggregate(value=value.mean())
        case "first":
            return by_unit.aggregate(value=value.argmin(facts.ts))
        case "last":
            return by_unit.aggregate(value=value.argmax(facts.ts))
        case "trend":
            return _trend(facts, spec)
        case "rfm":
            return _rfm(facts, value, zone, spec.groups)
        case _:
            raise DataError(f"{spec.operation} is computed from a date of the unit, not from a fact")


def finished(value: Any, spec: Property) -> Any:
    """The value with its meaning where there were no facts, and with the names of its bands."""
    if spec.operation in _ZERO_WITHOUT_FACTS:
        value = ibis.coalesce(value, ibis.literal(0))
    if not spec.bands:
        return value
    ordered = sorted(spec.bands.items(), key=lambda item: item[1], reverse=True)
    # `none` is the word for no value everywhere, so a band of that name is one.
    named = [(value >= low, ibis.null("string") if name == "none" else ibis.literal(name)) for name, low in ordered]
    return ibis.cases(*named, else_=ibis.null("string"))


def _facts_before(engine: Engine, study: Study, candidates: Any, spec: Property) -> tuple[Any, Any]:
    """The facts of each candidate before its t0, within the window; and the column with the number."""
    assert spec.fact is not None
    source = study.sources[spec.fact.source]
    assert isinstance(source, EventSource)
    fact: Fact = source.facts[spec.fact.fact]
    if fact.column is None and spec.operation in {"sum", "average", "first", "last", "rfm"}:
        raise DataError(f'fact "{spec.fact}" counts rows and has no value of its own; give it a column')
    facts = events(engine, study, spec.fact.source, [*spec.where, *([fact.column] if fact.column else [])])
    if fact.column:
        facts = facts.filter(happened(facts[FACT + fact.column]))
    if spec.where:
        facts = facts.filter(matches(facts, spec.where, FACT))
    facts = joined(facts, candidates.select("unit", "t0"), spec.fact.source)
    facts = facts.filter(facts.ts < facts.t0)
    if spec.window:
        # A trend compares the window with the one before it.
        reach = spec.window.last.hours * (2 if spec.operation == "trend" else 1)
        facts = facts.filter(facts.ts >= facts.t0 - ibis.interval(hours=reach))
    if fact.column is None:
        return facts, None
    if spec.operation in {"sum", "average", "rfm"}:
        return facts, number(facts, spec.fact.source, fact.column)
    return facts, facts[FACT + fact.column]


def _recency(facts: Any, zone: str, *, overdue: bool) -> Any:
    """Days since the last fact; for overdue less the unit's own median gap between facts."""
    last = facts.group_by("unit").aggregate(last=facts.ts.max(), t0=facts.t0.max())
    days = last.select("unit", value=calendar_days(local_date(last.last, zone), local_date(last.t0, zone)))
    if not overdue:
        return days
    order = ibis.window(group_by="unit", order_by="ts")
    gaps = facts.mutate(before=facts.ts.lag().over(order))
    gaps = gaps.filter(gaps.before.notnull())
    gaps = gaps.mutate(gap=(gaps.ts.epoch_seconds() - gaps.before.epoch_seconds()) / _SECONDS)
    usual = gaps.group_by("unit").aggregate(usual=gaps.gap.median())
    joined = days.join(usual, "unit")
    return joined.select("unit", value=joined.value - joined.usual)


def _trend(facts: Any, spec: Property) -> Any:
    """Facts in the window as a multiple of those in the window before; missing when there were none before."""
    if spec.window is None:
        raise DataError("a trend needs a window, such as window: {last: 28d}")
    recent = facts.ts >= facts.t0 - ibis.interval(hours=spec.window.last.hours)
    counted = facts.group_by("unit").aggregate(now=recent.sum(), before=(~recent).sum())
    ratio = counted.now.cast("float64") / counted.before.nullif(0)
    return counted.select("unit", value=ratio)


def _rfm(facts: Any, value: Any, zone: str, groups: int) -> Any:
    """Recency, frequency and money as three digits, each the group of the unit among all with such facts."""
    by_unit = facts.group_by("unit").aggregate(
        last=facts.ts.max(), t0=facts.t0.max(), n=facts.count(), money=value.sum()
    )
    days = calendar_days(local_date(by_unit.last, zone), local_date(by_unit.t0, zone))
    scored = by_unit.mutate(fresh=-days)
    r, f, m = (_group(scored, column, groups) for column in ("fresh", "n", "money"))
    return scored.select("unit", value=r * 100 + f * 10 + m)


def _group(table: Any, column: str, groups: int) -> Any:
    """The group of a value, 1 for the smallest: one more than the quantiles that it lies above. Ties stay together."""
    cuts = [table[column].quantile(k / groups).as_scalar() for k in range(1, groups)]
    return reduce(add, ((table[column] > cut).cast("int64") for cut in cuts), ibis.literal(1, type="int64"))


def _quantiles(engine: Engine, study: Study, candidates: Any, spec: Property) -> Any:
    """The group of another property's value among all units that could enrol; units without a value have none."""
    if spec.of is None or spec.of not in study.properties:
        raise DataError("quantiles need the derived property that they group, such as of: spend_365d")
    inner = study.properties[spec.of]
    values = property_values(engine, study, candidates, inner)
    everybody = candidates.select("unit").left_join(values, "unit").drop("unit_right")
    known = everybody.mutate(value=finished(everybody.value, replace(inner, bands={})))
    known = known.filter(known.value.notnull())
    return known.select("unit", value=_group(known, "value", spec.groups))


def _from_sql(engine: Engine, candidates: Any, spec: Property) -> Any:
    """The values that a statement gives."""
    table = engine.relation(spec.sql or "", "a property by sql")
    if not {"unit", "value"} <= set(table.columns):
        raise DataError("the statement of a property by sql needs the columns unit and value")
    return joined(table.select("unit", "value"), candidates.select("unit"), "sql").select("unit", "value")


def _from_date(study: Study, candidates: Any, spec: Property) -> Any:
    """Days since, or until, a date that the unit's own row holds."""
    if spec.column is None:
        raise DataError(f"{spec.operation} needs the column with the date")
    zone = study.timezone
    name = unit_name(study)
    column = f"own_{spec.column}"
    known = candidates[column]
    there = (
        known
        if known.type().is_date()
        else local_date(moment(candidates, study, study.project.units[name].source, column), zone)
    )
    here = local_date(candidates.t0, zone)
    days = calendar_days(there, here) if spec.operation == "tenure" else calendar_days(here, there)
    return candidates.select("unit", value=days).filter(lambda table: table.value.notnull())
