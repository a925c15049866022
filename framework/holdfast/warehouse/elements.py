"""What the table of units has to hold for a plan: each number once, however many metrics use it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from holdfast.model.metric import (
    ActiveDays,
    Churn,
    Clock,
    Clv,
    Column,
    Conversion,
    Count,
    CountDistinct,
    Last,
    Metric,
    Operation,
    Quantile,
    Ratio,
    Retention,
    Sum,
)
from holdfast.model.plan import Plan, PlannedLifetime, PlannedMetric, PlannedVector
from holdfast.model.predicate import Predicate
from holdfast.model.source import EventSource
from holdfast.model.values import FactRef
from holdfast.warehouse.facts import Use

Buying = Literal["buying_days", "first_buying", "last_buying"]
Kind = Literal["active", "inactive", "count", "sum", "distinct", "active_days", "last", "cancelled", "column"] | Buying
BUYING: tuple[Buying, ...] = ("buying_days", "first_buying", "last_buying")
"""On how many days since assignment a unit bought, and on which first and last; none where it never did."""
_FLAGS = ("active", "inactive", "cancelled")
_NULLABLE = ("last", "cancelled", "column")
MAX_PERIODS = 13
"""Parts of the primary metric's window that are looked at one by one: a quarter of a year in weeks."""


@dataclass(frozen=True, slots=True)
class Days:
    """A half-open stretch of days since assignment on one clock; negative days lie before it, on the elapsed one."""

    clock: Clock
    first: int
    end: int

    @property
    def before(self) -> bool:
        return self.first < 0

    @property
    def axis(self) -> str:
        """The column that tells how long after assignment a fact happened: elapsed, calendar, or past before it."""
        return "past" if self.before else self.clock


@dataclass(frozen=True, slots=True)
class Element:
    """One number per unit, as an integer in units of 10**-scale, or a floating one where the scale is None."""

    name: str
    """Its column in the table of units."""
    kind: Kind
    operation: Operation
    days: Days | None
    scale: int | None

    @property
    def flag(self) -> bool:
        """Whether it is 0 or 1 by definition."""
        return self.kind in _FLAGS

    @property
    def nullable(self) -> bool:
        """Whether a unit may have none."""
        return self.kind in _NULLABLE and not (isinstance(self.operation, Column) and self.operation.nulls == "zero")

    @property
    def use(self) -> Use:
        """What it needs of each fact."""
        operation = self.operation
        assert isinstance(
            operation, Conversion | Retention | Churn | Count | Sum | CountDistinct | ActiveDays | Last | Clv
        )
        assert operation.fact is not None
        named = operation.property if isinstance(operation, CountDistinct) else None
        return Use(operation.fact, operation.where, self.kind in {"sum", "last", *BUYING}, named)


@dataclass(frozen=True, slots=True)
class Measured:
    """A planned metric, or several numbers read together, and the columns of the table of units that hold them."""

    planned: PlannedMetric | PlannedVector
    elements: tuple[Element, ...]
    """Its value, or numerator and denominator."""
    covariates: tuple[Element, ...] = ()
    """Its own past: the same numbers over the days before assignment, and whether there was anything."""
    periods: tuple[tuple[Element, ...], ...] = ()
    """For the primary: the same over consecutive parts of its window."""
    trend: Element | None = None
    """How it moves over the whole ones of them, in each unit."""

    @property
    def share(self) -> float | None:
        """The percentile that its value is capped at."""
        operation = self.metric
        if isinstance(operation, Count | Sum | CountDistinct | Clv | Column) and operation.winsorize:
            return float(operation.winsorize)
        return None

    @property
    def metric(self) -> Metric | None:
        """The metric; None for numbers read together, which nothing limits."""
        return self.planned.metric if isinstance(self.planned, PlannedMetric) else None

    @property
    def role(self) -> str | None:
        return self.planned.role if isinstance(self.planned, PlannedMetric) else None

    @property
    def all(self) -> tuple[Element, ...]:
        periods = (element for period in self.periods for element in period)
        return (*self.elements, *self.covariates, *periods, *filter(None, [self.trend]))


@dataclass(frozen=True, slots=True)
class Bought:
    """A lifetime value that a model of buying projects, and the columns of the table of units that the model needs."""

    planned: PlannedLifetime
    elements: tuple[Element, Element, Element]
    """On how many days each unit bought, on which first, and on which last."""


def bought(plan: Plan) -> tuple[Bought, ...]:
    """What each model of buying needs."""
    return tuple(_bought(place, planned) for place, planned in enumerate(plan.lifetime) if planned.model == "bg_nbd")


def _bought(place: int, planned: PlannedLifetime) -> Bought:
    window = planned.vector.window
    days = Days(planned.vector.clock, window.first_day, window.end_day)
    names = (f"b{place}_{kind}_{days.first}_{days.end}" for kind in BUYING)
    count, first, last = (Element(name, kind, planned.value, days, 0) for name, kind in zip(names, BUYING, strict=True))
    return Bought(planned, (count, first, last))


@dataclass(slots=True)
class _Made:
    """The elements so far, by what they are."""

    plan: Plan
    found: dict[tuple[object, ...], Element] = field(default_factory=dict)

    def element(self, operation: Operation, days: Days | None, kind: Kind | None = None) -> Element:
        kind = kind or _kind(operation)
        key = (kind, *_identity(operation, kind), days)
        if key not in self.found:
            name = f"x{len(self.found)}_{_word(operation, kind)}"
            if days:
                name += f"_before_{-days.first}" if days.before else f"_{days.first}_{days.end}"
            self.found[key] = Element(name, kind, operation, days, _scale(self.plan, operation, kind))
        return self.found[key]


def measured(plan: Plan) -> tuple[Measured, ...]:
    """What each metric of a plan needs."""
    made = _Made(plan)
    read_as_numbers = (planned for planned in plan.metrics if planned.family != "survival")
    return (
        *(_one(made, planned) for planned in read_as_numbers),
        *(_together(made, vector) for vector in plan.vectors),
    )


def _together(made: _Made, vector: PlannedVector) -> Measured:
    stretches = [Days(vector.clock, part.window.first_day, part.window.end_day) for part in vector.parts]
    return Measured(
        vector,
        tuple(made.element(part.operation, days) for part, days in zip(vector.parts, stretches, strict=True)),
    )


def _one(made: _Made, planned: PlannedMetric) -> Measured:
    operation = planned.metric
    parts: tuple[Operation, ...]
    match operation:
        case Ratio():
            parts = (operation.numerator, operation.denominator)
        case Quantile():
            parts = (operation.of,)
        case _:
            parts = (operation,)
    days = None if planned.window is None else Days(planned.clock, planned.window.first_day, planned.window.end_day)
    elements = tuple(made.element(part, _days(part, days)) for part in parts)
    covariates = tuple(_covariates(made, parts, planned.lookback)) if planned.lookback else ()
    periods = tuple(
        tuple(made.element(part, stretch) for part in parts) for stretch in (_periods(planned, parts, days))
    )
    return Measured(planned, elements, covariates, periods)


def _days(operation: Operation, days: Days | None) -> Days | None:
    """The days that decide: for churn by inactivity the last ones of the window."""
    if days and isinstance(operation, Churn) and operation.inactivity:
        return Days(days.clock, days.end - operation.inactivity.whole_days, days.end)
    return days


def _covariates(made: _Made, parts: tuple[Operation, ...], lookback: int) -> Iterator[Element]:
    """The metric's own number over the days before assignment, and whether there was any such fact."""
    past = Days("elapsed", -lookback, 0)
    seen: dict[str, Element] = {}
    for part in parts:
        kind = _kind(part)
        if kind in {"cancelled", "column"}:
            continue
        element = made.element(part, past, "active" if kind == "inactive" else kind)
        seen[element.name] = element
        there = made.element(part, past, "active")
        seen[there.name] = there
    yield from (element for element in seen.values() if element.kind != "last")


def _periods(planned: PlannedMetric, parts: tuple[Operation, ...], days: Days | None) -> Iterator[Days]:
    """Consecutive parts of the primary's window, for how its effect moves; only of numbers that add up or are seen on
    single days."""
    if planned.role != "primary" or days is None or {_kind(part) for part in parts} - {"active", "count", "sum"}:
        return
    width = 7
    while (days.end - days.first) / width > MAX_PERIODS:
        width += 7
    if days.end - days.first <= width:
        return
    for first in range(days.first, days.end, width):
        yield Days(days.clock, first, min(first + width, days.end))


def _kind(operation: Operation) -> Kind:  # noqa: PLR0911
    match operation:
        case Conversion() | Retention():
            return "active"
        case Churn():
            return "cancelled" if operation.cancelled else "inactive"
        case Count():
            return "count"
        case Sum() | Clv():
            return "sum"
        case CountDistinct():
            return "distinct"
        case ActiveDays():
            return "active_days"
        case Last():
            return "last"
        case Column():
            return "column"
        case _:
            raise TypeError(f"{type(operation).__name__} is no number per unit")


def _identity(operation: Operation, kind: Kind) -> tuple[object, ...]:
    """What tells two numbers of one kind apart, besides their days."""
    if isinstance(operation, Column):
        return (operation.column, operation.source, operation.complement, operation.nulls, operation.scale)
    fact: FactRef | None = getattr(operation, "fact", None)
    where: Predicate = getattr(operation, "where", {})
    named = operation.property if kind == "distinct" and isinstance(operation, CountDistinct) else None
    cancelled = operation.cancelled if isinstance(operation, Churn) else None
    conditions = tuple(sorted((name, repr(condition)) for name, condition in where.items()))
    return (str(fact) if fact else None, conditions, named, cancelled)


def _word(operation: Operation, kind: Kind) -> str:
    fact: FactRef | None = getattr(operation, "fact", None)
    named = f"{kind}_{fact.fact}" if fact else kind
    if isinstance(operation, Column):
        named = operation.column
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in named.lower())[:40]


def _scale(plan: Plan, operation: Operation, kind: Kind) -> int | None:
    if isinstance(operation, Column):
        return operation.digits
    if kind in {"sum", "last"}:
        assert isinstance(operation, Sum | Clv | Last)
        source = plan.study.sources[operation.fact.source]
        assert isinstance(source, EventSource)
        return source.facts[operation.fact.fact].digits
    return 0
