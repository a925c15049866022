"""From facts to numbers per unit: each source is scanned once, for all metrics that read it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import ibis

from holdfast.errors import DataError
from holdfast.model.metric import (
    ActiveDays,
    Churn,
    Clv,
    Column,
    Conversion,
    Count,
    CountDistinct,
    Last,
    Operation,
    Ratio,
    Retention,
    Sum,
    Window,
)
from holdfast.model.plan import Plan, PlannedMetric
from holdfast.model.source import EventSource, Fact, SpanSource
from holdfast.model.values import FactRef
from holdfast.warehouse.dialects import calendar_days, elapsed_days, literal, local_date, local_midnight
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.relations import FACT, events, happened, joined, matches, number, spans
from holdfast.warehouse.units import Enrolled, Units, outcome

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Element:
    """One number per unit, as an integer in units of 10**-scale."""

    name: str
    """Its column in the unit table."""
    operation: Operation
    scale: int


@dataclass(frozen=True, slots=True)
class Measured:
    """A planned metric and the columns of the unit table that hold it: its value, or numerator and denominator."""

    planned: PlannedMetric
    elements: tuple[Element, ...]
    mature: str
    """The boolean column that says whether the unit's whole window has been observed."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """What every step here needs to know."""

    engine: Engine
    plan: Plan
    base: Units
    found: Enrolled


@dataclass(slots=True)
class _Pending:
    """Aggregates wanted from one source."""

    wanted: list[tuple[str, Operation, PlannedMetric]] = field(default_factory=list)


def measured(plan: Plan) -> tuple[Measured, ...]:
    """The columns that the unit table will have for each metric."""
    result = []
    for place, planned in enumerate(plan.metrics):
        operation = planned.metric
        parts = (operation.numerator, operation.denominator) if isinstance(operation, Ratio) else (operation,)
        names = ("numerator", "denominator") if len(parts) > 1 else ("value",)
        prefix = "".join(letter if letter.isalnum() else "_" for letter in planned.key)
        elements = tuple(
            Element(f"m{place}_{prefix}_{name}", part, _scale(plan, part))
            for name, part in zip(names, parts, strict=True)
        )
        result.append(Measured(planned, elements, f"m{place}_{prefix}_mature"))
    return tuple(result)


def _scale(plan: Plan, operation: Operation) -> int:
    if isinstance(operation, Column):
        return operation.scale
    if isinstance(operation, Sum | Last | Clv):
        source = plan.study.sources[operation.fact.source]
        assert isinstance(source, EventSource)
        return source.facts[operation.fact.fact].scale
    return 0


def unit_table(engine: Engine, plan: Plan, base: Units, found: Enrolled, metrics: tuple[Measured, ...]) -> Any:
    """One row a unit: variant, one integer column per number and one boolean column per metric for maturity."""
    table = base.table
    scope = _Scope(engine, plan, base, found)
    for name, pending in _by_source(metrics).items():
        if not base.keyed or not base.timed:
            raise DataError(
                f'source "{name}": metrics over events need a key and a time of assignment for every unit '
                "(assignment.assigned_at)"
            )
        facts = _per_unit(scope, name, pending)
        table = table.left_join(facts, "unit").drop("unit_right")
    columns: dict[str, Any] = {}
    for metric in metrics:
        for element in metric.elements:
            columns[element.name] = _number(table, element)
        columns[metric.mature] = _mature(table, plan, metric.planned)
    return table.select("variant", *(["cluster"] if base.clustered else []), **columns)


def _by_source(metrics: tuple[Measured, ...]) -> dict[str, _Pending]:
    """What each event or span source has to deliver."""
    pending: dict[str, _Pending] = {}
    for metric in metrics:
        for element in metric.elements:
            match element.operation:
                case Churn(cancelled=str() as name):
                    pass
                case (
                    Conversion()
                    | Retention()
                    | Count()
                    | Sum()
                    | Churn()
                    | CountDistinct()
                    | ActiveDays()
                    | Last()
                    | Clv()
                ):
                    fact = element.operation.fact
                    assert fact is not None
                    name = fact.source
                case _:
                    continue
            pending.setdefault(name, _Pending()).wanted.append((element.name, element.operation, metric.planned))
    return pending


def _per_unit(scope: _Scope, name: str, pending: _Pending) -> Any:
    """One row for each unit with facts of a source in reach: every aggregate that its metrics need."""
    plan, found = scope.plan, scope.found
    source = plan.study.sources[name]
    if isinstance(source, SpanSource):
        return _spans(scope, name, pending)
    assert isinstance(source, EventSource)
    zone = plan.study.timezone
    used = [source.facts[operation.fact.fact].column for _, operation, _ in pending.wanted if operation.fact]  # type: ignore[attr-defined]
    conditions = [column for _, operation, _ in pending.wanted for column in operation.where]  # type: ignore[attr-defined]
    conditions += [operation.property for _, operation, _ in pending.wanted if isinstance(operation, CountDistinct)]
    facts = events(scope.engine, plan.study, name, [*conditions, *(column for column in used if column)])
    # Bounds known beforehand let the engine skip what no window can reach.
    reach = max(metric.window.end_day for _, _, metric in pending.wanted if metric.window) + 1
    if found.first and found.last:
        facts = facts.filter(
            facts.ts >= literal(found.first), facts.ts < literal(min(found.last + reach * DAY, plan.cutoff))
        )
    facts = joined(facts, scope.base.table.select("unit", "t0"), name)
    facts = facts.filter(facts.ts >= facts.t0)
    facts = facts.mutate(
        elapsed=elapsed_days(facts.t0, facts.ts),
        calendar=calendar_days(local_date(facts.t0, zone), local_date(facts.ts, zone)),
    )
    aggregates = {column: _aggregate(facts, source, operation, metric) for column, operation, metric in pending.wanted}
    return facts.group_by("unit").aggregate(**aggregates)


def _aggregate(facts: Any, source: EventSource, operation: Operation, planned: PlannedMetric) -> Any:
    """One aggregate of a unit's facts within a metric's window."""
    assert planned.window is not None
    first, end = planned.window.first_day, planned.window.end_day
    match operation:
        case Churn():
            assert operation.inactivity is not None
            first = end - operation.inactivity.whole_days
        case Conversion() | Retention() | Count() | Sum() | CountDistinct() | ActiveDays() | Last() | Clv():
            pass
        case _:
            raise TypeError(f"{type(operation).__name__} is not measured from events")
    assert operation.fact is not None
    day = facts[planned.clock]
    counts = (day >= first) & (day < end) & matches(facts, operation.where, FACT)
    fact = source.facts[operation.fact.fact]
    if fact.column:
        counts = counts & happened(facts[FACT + fact.column])
    match operation:
        case Sum() | Clv():
            return counts.ifelse(_value(facts, operation.fact, fact), 0).sum()
        case Last():
            return _value(facts, operation.fact, fact).argmax(facts.ts, where=counts)
        case CountDistinct():
            return facts[FACT + operation.property].nunique(where=counts)
        case ActiveDays():
            return facts.calendar.nunique(where=counts)
        case Count():
            return counts.ifelse(1, 0).sum()
        case _:
            return counts.ifelse(1, 0).max()


def _value(facts: Any, name: FactRef, fact: Fact) -> Any:
    """The number that each row contributes, as an integer in units of 10**-scale."""
    if fact.column is None:
        raise DataError(f'fact "{name}" counts rows and has no value of its own; give it a column')
    return _scaled(number(facts, name.source, fact.column), fact.scale)


def _scaled(column: Any, scale: int) -> Any:
    """A number as an integer in units of 10**-scale, so that sums are exact."""
    kind = column.type()
    if kind.is_decimal():
        # Decimals are rounded as decimals: by way of a double they would lose digits.
        return (column.cast(f"decimal(38, {scale})") * 10**scale).cast("int64")
    value = column.cast("int64") if kind.is_boolean() else column
    return (value * 10**scale).round().cast("int64")


def _spans(scope: _Scope, name: str, pending: _Pending) -> Any:
    """For each unit with a period running at assignment: 1 when one of those ended within the window, otherwise 0."""
    plan = scope.plan
    conditions = [column for _, operation, _ in pending.wanted for column in operation.where]  # type: ignore[attr-defined]
    periods = spans(scope.engine, plan.study, name, conditions)
    # An end on or after the as-of date has not happened yet.
    unknown = ibis.null(periods.ended.type())
    periods = periods.mutate(ended=(periods.ended < literal(plan.cutoff)).ifelse(periods.ended, unknown))
    periods = joined(periods, scope.base.table.select("unit", "t0"), name)
    running = periods.filter(periods.begun <= periods.t0, periods.ended.isnull() | (periods.ended > periods.t0))
    aggregates = {}
    for column, operation, planned in pending.wanted:
        assert planned.window is not None
        assert isinstance(operation, Churn)
        first, end = planned.window.first_day, planned.window.end_day
        local = plan.study.timezone
        day = (
            elapsed_days(running.t0, running.ended)
            if planned.clock == "elapsed"
            else calendar_days(local_date(running.t0, local), local_date(running.ended, local))
        )
        lost = ibis.coalesce((day >= first) & (day < end), ibis.literal(False))
        kept = matches(running, operation.where, FACT)
        aggregates[column] = kept.ifelse(lost.ifelse(1, 0), ibis.null("int8")).max()
    return running.group_by("unit").aggregate(**aggregates)


def _number(table: Any, element: Element) -> Any:
    """The number of each unit: zero where there is nothing, null only where the definition does not apply."""
    operation = element.operation
    match operation:
        case Column():
            return _column(table, operation, element.scale)
        case Churn(cancelled=str()):
            return table[element.name].cast("int64")
        case Churn():
            return 1 - ibis.coalesce(table[element.name], ibis.literal(0)).cast("int64")
        case Last():
            return table[element.name].cast("int64")
        case Conversion() | Retention() | Count() | Sum() | CountDistinct() | ActiveDays() | Clv():
            return ibis.coalesce(table[element.name], ibis.literal(0)).cast("int64")
        case _:
            raise TypeError(f"{type(operation).__name__} has no number per unit")


def _column(table: Any, operation: Column, scale: int) -> Any:
    column = outcome(table, operation.column)
    kind = column.type()
    if kind.is_boolean():
        value = column.ifelse(10**scale, 0).cast("int64")
        value = column.isnull().ifelse(ibis.null("int64"), value)
    elif kind.is_numeric():
        value = _scaled(column, scale)
    else:
        raise DataError(
            f'column "{operation.column}" holds {kind}, not numbers; a column metric needs numbers or true and false'
        )
    if operation.nulls == "zero":
        value = ibis.coalesce(value, ibis.literal(0))
    return 10**scale - value if operation.complement else value


def _mature(table: Any, plan: Plan, planned: PlannedMetric) -> Any:
    """Whether a unit's whole window had been observed, from its time of assignment alone: never from its activity."""
    if planned.window is None:
        return ibis.literal(True)
    return _closed(table, plan, planned, planned.window)


def _closed(table: Any, plan: Plan, planned: PlannedMetric, window: Window) -> Any:
    if planned.clock == "elapsed":
        return table.t0 <= literal(planned.observed_until - window.end_day * DAY)
    zone = plan.study.timezone
    closing = local_date(table.t0, zone) + ibis.interval(days=window.end_day)
    return local_midnight(closing, zone) <= literal(planned.observed_until)
