"""From facts to one row a unit: each source is scanned once, for everything that anybody wants of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, reduce
from operator import add, and_, or_
from typing import Any

import ibis
import ibis.expr.operations as ops

from holdfast.errors import DataError
from holdfast.model.clock import midnight
from holdfast.model.metric import Column
from holdfast.model.plan import Plan, PlannedDays
from holdfast.model.source import SpanSource
from holdfast.warehouse.activity import Activity
from holdfast.warehouse.before import OWN, Named, with_named
from holdfast.warehouse.clock import DAY, micros_of, wall_clock
from holdfast.warehouse.dialects import earliest, latest
from holdfast.warehouse.elements import Bought, Days, Element, Measured
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.facts import Facts, Reach, Use, read_facts, read_spans, scaled
from holdfast.warehouse.properties import aggregates as property_aggregates
from holdfast.warehouse.properties import by_source, reach, use
from holdfast.warehouse.relations import joined
from holdfast.warehouse.units import Enrolled, Units, outcome

_Maps = dict[tuple[str, str], Activity]
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Needs:
    """Everything that the table of units has to hold."""

    metrics: tuple[Measured, ...] = ()
    days: tuple[PlannedDays, ...] = ()
    properties: Named | None = None
    bought: tuple[Bought, ...] = ()
    past: tuple[Measured, ...] = ()
    """Metrics of which only what they were before the assignment is read."""

    @cached_property
    def elements(self) -> dict[str, Element]:
        """Each number once, by its column."""
        past = (element for metric in self.past for element in metric.covariates)
        bought = (element for one in self.bought for element in one.elements)
        return {
            element.name: element for element in (*(each for one in self.metrics for each in one.all), *past, *bought)
        }

    @cached_property
    def counted(self) -> dict[str, str]:
        """Activity that a count of the same facts over the same days tells: its column, and that of the count."""
        counts = {(each.use.condition, each.days): name for name, each in self.elements.items() if each.kind == "count"}
        return {
            name: counts[each.use.condition, each.days]
            for name, each in self.elements.items()
            if each.kind in {"active", "inactive"} and (each.use.condition, each.days) in counts
        }

    @cached_property
    def totals(self) -> dict[str, tuple[str, ...]]:
        """Numbers that are the sums of those over the parts of their window: their columns, and those of the parts."""
        return {
            element.name: tuple(period[place].name for period in metric.periods)
            for metric in self.metrics
            if metric.periods
            for place, element in enumerate(metric.elements)
            if element.kind in {"count", "sum"}
        }


@dataclass(slots=True)
class _Job:
    """What one source has to deliver."""

    source: str
    elements: list[Element] = field(default_factory=list)
    days: list[PlannedDays] = field(default_factory=list)
    properties: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class UnitTable:
    """One row a unit: variant, t0 and day0 where known, the elements, own_<property>, and what each curve needs."""

    table: Any
    activity: Mapping[str, Activity]
    """The bits of each curve that counts active days, by the curve's key."""


def unit_table(engine: Engine, plan: Plan, base: Units, found: Enrolled, needs: Needs) -> UnitTable:
    """Every number of every unit, as a relation that reads each source once.

    Raises:
        DataError: a metric needs a key or a time of assignment that the data do not have.
    """
    table, maps = base.table, dict[str, _Maps]()
    for name, job in _jobs(plan, needs).items():
        if not base.keyed or not base.timed:
            raise DataError(
                f'source "{name}": metrics over events need a key and a time of assignment for every unit '
                "(assignment.assigned_at)"
            )
        span = isinstance(plan.study.sources[name], SpanSource)
        facts, maps[name] = (
            _spans(engine, plan, base, job) if span else _events(_Scan(engine, plan, base, found, needs), job)
        )
        table = table.left_join(facts, "unit").drop("unit_right")
    if needs.properties:
        table = with_named(engine, plan.study, base.table, table, needs.properties)
    columns = {name: table[name] for name in ("variant", "t0", "day0", "cluster") if name in table.columns}
    columns |= {name: table[name] for name in table.columns if needs.properties and name.startswith(OWN)}
    columns |= {name: _number(table, element, maps, needs) for name, element in needs.elements.items()}
    activity = {}
    for days in needs.days:
        if days.first_only:
            columns |= {name: table[name] for name in curve_columns(days) if name in table.columns}
        elif days.fact:
            activity[days.key] = found_map = maps[days.fact.source][Use(days.fact).condition, days.clock]
            columns |= {word: ibis.coalesce(table[word], ibis.literal(0)).cast("int64") for word in found_map.words}
    return UnitTable(table.select(**columns), activity)


def curve_columns(days: PlannedDays) -> tuple[str, str, str]:
    """The columns of a time to an event: when it happened (microseconds since assignment on its clock, or null), why,
    and whether the unit is followed at all (null where it is not)."""
    name = _plain(days.key)
    return f"at_{name}", f"why_{name}", f"in_{name}"


def _plain(name: str) -> str:
    """A name as part of a column's; no two names give the same."""
    return "".join(
        letter if letter.isascii() and letter.isalnum() else "__" if letter == "_" else f"_{ord(letter):x}_"
        for letter in name
    )


def _jobs(plan: Plan, needs: Needs) -> dict[str, _Job]:
    jobs: dict[str, _Job] = {}
    for element in needs.elements.values():
        if element.kind == "cancelled":
            name = getattr(element.operation, "cancelled", None) or ""
        elif element.kind == "column":
            continue
        else:
            name = element.use.fact.source
        jobs.setdefault(name, _Job(name)).elements.append(element)
    for days in needs.days:
        name = days.fact.source if days.fact else days.ended or ""
        jobs.setdefault(name, _Job(name)).days.append(days)
    if needs.properties:
        for name, derived in by_source(plan.study, needs.properties.wanted).items():
            jobs.setdefault(name, _Job(name)).properties.extend(derived)
    return jobs


@dataclass(frozen=True, slots=True)
class _Scan:
    """What reading any source needs to know."""

    engine: Engine
    plan: Plan
    base: Units
    found: Enrolled
    needs: Needs


def _events(scan: _Scan, job: _Job) -> tuple[Any, _Maps]:
    """One row for each unit with facts of a source in reach, and the bits of its active days."""
    engine, plan, base, needs = scan.engine, scan.plan, scan.base, scan.needs
    study = plan.study
    uses = [element.use for element in job.elements]
    uses += [Use(days.fact) for days in job.days if days.fact]
    uses += [use(study, study.properties[each]) for each in job.properties]
    bounds = _Bounds.of(plan, base, scan.found, job)
    facts = read_facts(engine, study, job.source, uses, bounds.reach)
    facts, axes = _axes(facts, plan, base, job.source, bounds)
    maps = _maps(job, needs)
    aggregates: dict[str, Any] = {}
    for (condition, axis), activity in maps.items():
        column = facts.conditions[condition]
        counts = facts.table[column] if column else None
        aggregates |= activity.aggregates(axes.table[axis], axes.counting(axis, counts), past=axes.looks_back)
    for element in job.elements:
        if element.kind not in {"active", "inactive"} and element.name not in needs.totals:
            aggregates[element.name] = _aggregate(facts, axes, element)
    for days in job.days:
        if days.first_only:
            stretch = Days(days.clock, 0, days.days)
            inside = axes.inside(stretch, facts.counts(Use(days.fact)) if days.fact else None)
            aggregates[curve_columns(days)[0]] = axes.table[stretch.axis].min(where=inside)
    # The same number twice would be carried twice through the join.
    anchor = facts.table["entered" if "entered" in facts.table.columns else "t0"]
    for each in job.properties:
        aggregates |= property_aggregates(study, each, facts, anchor)
    return facts.table.group_by("unit").aggregate(**aggregates), maps


@dataclass(frozen=True, slots=True)
class _Bounds:
    """How far from assignment facts of a source can matter."""

    back: int | None
    """Microseconds before it; None for everything before it."""
    elapsed: int
    """Days after it, on either clock; 0 where nothing is counted on that clock."""
    calendar: int
    reach: Reach

    @classmethod
    def of(cls, plan: Plan, base: Units, found: Enrolled, job: _Job) -> _Bounds:
        stretches = [element.days for element in job.elements if element.days]
        stretches += [Days(days.clock, 0, days.days) for days in job.days]
        backs = [reach(plan.study.properties[each]) for each in job.properties]
        backs += [-stretch.first * DAY for stretch in stretches if stretch.before]
        unlimited = any(back is None for back in backs)
        back = None if unlimited else max((each for each in backs if each is not None), default=0)
        elapsed = max((each.end for each in stretches if each.clock == "elapsed" and not each.before), default=0)
        calendar = max((each.end for each in stretches if each.clock == "calendar"), default=0)
        if not calendar and any(element.kind == "active_days" for element in job.elements):
            calendar = elapsed
        last = found.last or plan.cutoff
        until = min(plan.cutoff, last + (max(elapsed, calendar) + 1) * _DAY)
        first = found.first
        if "entered" in base.table.columns:
            # Counted from an exposure: assignment lies before, and never before enrolment began.
            drawn = plan.study.experiment.assignment.by_holdfast and plan.enrolled_from
            first = midnight(plan.enrolled_from, plan.study.timezone) if drawn and plan.enrolled_from else None
        since = None if back is None or first is None else first - dt.timedelta(microseconds=back)
        return cls(back, elapsed, calendar, Reach(since, until))


@dataclass(frozen=True, slots=True)
class _Axes:
    """Microseconds since assignment, as each clock counts them, of every fact beside its unit."""

    table: Any
    looks_back: bool
    """Whether facts before assignment are among the rows."""
    limits: tuple[int, int]
    """Days after assignment beyond which there are no rows, on the elapsed and on the calendar clock; 0: not known."""

    def counting(self, axis: str, counts: Any | None) -> Any | None:
        """Which rows count at all: on the day of assignment a calendar also shows facts before it."""
        if axis != "calendar" or not self.looks_back:
            return counts
        later = self.table.elapsed >= 0
        return later if counts is None else later & counts

    def inside(self, days: Days, counts: Any | None) -> Any | None:
        """Which rows lie within a stretch of days and count; None for all of them."""
        axis = self.table[days.axis]
        found = [] if counts is None else [counts]
        if days.first or self.looks_back:
            found.append(axis >= days.first * DAY)
        if days.clock == "calendar" and days.first == 0 and self.looks_back:
            found.append(self.table.elapsed >= 0)
        if not (days.clock == "elapsed" and days.end == self.limits[0] and not self.limits[1] and not days.before):
            found.append(axis < days.end * DAY)
        return reduce(and_, found) if found else None


def _axes(facts: Facts, plan: Plan, base: Units, name: str, bounds: _Bounds) -> tuple[Facts, _Axes]:
    """Facts beside their units, with how long after assignment each happened; those that no window reaches left out."""
    entered = "entered" in base.table.columns
    people = base.table.select("unit", "t0", "day0", *(["entered"] if entered else []))
    table = joined(facts.table, people, name)
    table = table.mutate(elapsed=table.us - table.t0)
    table = table.mutate(past=table.us - table.entered if entered else table.elapsed)
    if bounds.calendar:
        local = wall_clock(table.us, plan.study.timezone, bounds.reach.until, bounds.reach.since)
        table = table.mutate(calendar=local - table.day0.cast("int64") * DAY)
    ends = [table.elapsed < bounds.elapsed * DAY] if bounds.elapsed else []
    ends += [table.calendar < bounds.calendar * DAY] if bounds.calendar else []
    looks_back = bounds.back != 0
    if entered and looks_back:
        # From an exposure on, and from assignment back: what lies between the two is neither.
        before = table.past < 0 if bounds.back is None else (table.past < 0) & (table.past >= -bounds.back)
        after = (table.elapsed >= 0) & reduce(or_, ends) if ends else ibis.literal(False)
        table = table.filter(before | after)
    else:
        if bounds.back is not None:
            table = table.filter(table.elapsed >= -bounds.back)
        table = table.filter(reduce(or_, ends) if ends else table.elapsed < 0)
    return facts.beside(table), _Axes(table, looks_back, (bounds.elapsed, bounds.calendar))


def _maps(job: _Job, needs: Needs) -> _Maps:
    """The bits that a source's activity needs: the windows of each condition and clock, and whether each day counts."""
    windows: dict[tuple[str, str], list[Days]] = {}
    daily: dict[tuple[str, str], int] = {}
    for element in job.elements:
        if element.kind in {"active", "inactive"} and element.name not in needs.counted:
            assert element.days is not None
            key = (element.use.condition, element.days.axis)
            windows.setdefault(key, []).append(element.days)
    for days in job.days:
        if not days.first_only and days.fact:
            key = (Use(days.fact).condition, days.clock)
            daily[key] = max(daily.get(key, 0), days.days)
    keys = dict.fromkeys([*windows, *daily])
    return {
        key: Activity(
            f"a{place}_{key[1]}_{_plain(job.source)}", daily.get(key, 0), tuple(dict.fromkeys(windows.get(key, ())))
        )
        for place, key in enumerate(keys)
    }


def _aggregate(facts: Facts, axes: _Axes, element: Element) -> Any:
    """One number of a unit, from its facts within the element's days."""
    assert element.days is not None
    # A sum passes over rows without a value by itself.
    bare = element.kind == "sum" and not element.use.where and facts.numeric(element.use)
    inside = axes.inside(element.days, None if bare else facts.counts(element.use))
    match element.kind:
        case "sum":
            return facts.value(element.use).sum(where=inside)
        case "count":
            return facts.table.count(where=inside)
        case "buying_days" | "first_buying" | "last_buying":
            return _buying(facts, axes, element)
        case "active_days":
            # Local dates, whichever clock the window is on.
            return (facts.table.calendar // DAY).nunique(where=inside)
        case "distinct":
            return facts.as_stored(element.use).nunique(where=inside)
        case "last":
            return latest(facts.value(element.use), facts.table.us, inside)
        case _:
            raise TypeError(f"{element.kind} is not one aggregate of events")


def _buying(facts: Facts, axes: _Axes, element: Element) -> Any:
    """Which days of the window have a purchase: a fact with a value above zero, so that no return counts as one."""
    assert element.days is not None
    # A fact without a value is none: comparing it gives null, which counts nowhere.
    paid = facts.value(element.use) > 0
    counts = facts.counts(element.use)
    inside = axes.inside(element.days, paid if counts is None else paid & counts)
    axis = axes.table[element.days.axis]
    match element.kind:
        case "first_buying":
            return (axis.min(where=inside) // DAY).cast("int32")
        case "last_buying":
            return (axis.max(where=inside) // DAY).cast("int32")
        case _:
            return (axis // DAY).nunique(where=inside)


def _spans(engine: Engine, plan: Plan, base: Units, job: _Job) -> tuple[Any, _Maps]:
    """For each unit with a period running at assignment: whether one of those ended within each window, and when and
    why the first of them did."""
    study = plan.study
    wheres = [getattr(element.operation, "where", {}) for element in job.elements]
    periods = read_spans(engine, study, job.source, wheres, Reach(None, plan.cutoff))
    # An end on or after the as-of date has not happened yet.
    periods = periods.mutate(ended=(periods.ended < micros_of(plan.cutoff)).ifelse(periods.ended, ibis.null("int64")))
    periods = joined(periods, base.table.select("unit", "t0", "day0"), job.source)
    running = periods.filter(periods.begun <= periods.t0, periods.ended.isnull() | (periods.ended > periods.t0))
    local = wall_clock(running.ended, study.timezone, plan.cutoff)
    running = running.mutate(elapsed=running.ended - running.t0, calendar=local - running.day0.cast("int64") * DAY)
    aggregates: dict[str, Any] = {}
    for place, element in enumerate(job.elements):
        assert element.days is not None
        axis = running[element.days.clock]
        lost = ibis.coalesce((axis >= element.days.first * DAY) & (axis < element.days.end * DAY), ibis.literal(False))
        aggregates[element.name] = running[f"c{place}"].ifelse(lost.ifelse(1, 0), ibis.null("int8")).max()
    for days in job.days:
        at, why, there = curve_columns(days)
        axis = running[days.clock]
        aggregates |= {at: axis.min(), there: running.count()}
        if days.causes:
            # Why the first one ended, even where that says nothing; those that still run have no end and no reason.
            aggregates[why] = earliest(ibis.coalesce(running.reason, ibis.literal("")), axis, axis.notnull())
    return running.group_by("unit").aggregate(**aggregates), {}


def _number(table: Any, element: Element, maps: Mapping[str, _Maps], needs: Needs) -> Any:
    """The number of each unit: zero where there is nothing, null only where the definition does not apply."""

    def known(name: str, kind: str = "") -> Any:
        """A count or sum, zero where there is nothing."""
        parts = (table[part] for part in needs.totals.get(name, (name,)))
        # Engines add 64-bit numbers in wider ones than Ibis knows of, which take twice the room and time from here on.
        numbers = (ops.Cast(part, kind).to_expr() if kind else part for part in parts)
        return reduce(add, (ibis.coalesce(number, ibis.literal(0)) for number in numbers))

    match element.kind:
        case "column":
            assert isinstance(element.operation, Column)
            return _column(table, element.operation, element.scale)
        case "cancelled":
            return table[element.name].cast("int8")
        case "last" | "first_buying" | "last_buying":
            return table[element.name]
        case "active" | "inactive":
            assert element.days is not None
            if element.name in needs.counted:
                there = known(needs.counted[element.name]) > 0
            else:
                activity = maps[element.use.fact.source][element.use.condition, element.days.axis]
                there = activity.within(table, element.days)
            found = there if element.kind == "active" else ~there
            # By way of an integer: PostgreSQL makes no smaller one of a truth value.
            return found.cast("int32").cast("int8")
        case "count" | "distinct" | "active_days" | "buying_days":
            return known(element.name).cast("int32")
        case "sum":
            return known(element.name, "float64" if element.scale is None else "int64")


def _column(table: Any, operation: Column, scale: int | None) -> Any:
    column = outcome(table, operation.column)
    kind = column.type()
    one = 1 if scale is None else 10**scale
    number = "float64" if scale is None else "int64"
    if kind.is_boolean():
        found = column.ifelse(one, 0).cast(number)
        found = column.isnull().ifelse(ibis.null(number), found)
    elif kind.is_numeric():
        found = scaled(column, scale)
    else:
        raise DataError(
            f'column "{operation.column}" holds {kind}, not numbers; a column metric needs numbers or true and false'
        )
    if operation.nulls == "zero":
        found = ibis.coalesce(found, ibis.literal(0))
    return one - found if operation.complement else found
