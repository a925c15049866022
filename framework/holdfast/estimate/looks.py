"""Several looks at one experiment: how far along it is at each, what it takes to conclude, and the alarm of harm."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace

from holdfast import stats
from holdfast.estimate.comparison import Anytime, Comparison, Rule, Spent
from holdfast.model.clock import midnight
from holdfast.model.found import Alarm, Look
from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import Plan, PlannedMetric
from holdfast.model.reading import Reading
from holdfast.model.result import Estimate

_WEEK = dt.timedelta(days=7)
_NOT_ALL = 0.99
"""Before the last look some of the error is left, however fast units came in."""


def rule(plan: Plan, reading: Reading, planned: PlannedMetric) -> Rule:
    """How a metric's error is kept over the looks of the plan; None for a plan that is read once."""
    looks = plan.looks
    if looks is None or planned.window is None:
        return None
    if looks.method == "always_valid":
        return Anytime(planned_pair(plan, reading))
    return Spent(tuple(taken(plan, reading, planned)), looks.spending)


def taken(plan: Plan, reading: Reading, planned: PlannedMetric) -> Iterator[stats.Look]:
    """The looks so far, by the units whose window had closed at each: known from their dates of assignment alone.

    A metric whose windows have all closed was looked at for the last time then, whatever looks follow for others.
    """
    assert plan.looks is not None
    before, fraction = 0, 0.0
    for date in plan.looks.dates:
        if date > plan.as_of:
            return
        mature, expected = _mature(plan, reading, planned, date), _expected(plan, reading, date)
        over = plan.enrolled_until is not None and date >= plan.enrolled_until
        last = date == plan.readout or (over and mature >= expected)
        if mature > before:
            found = stats.look(information=float(mature), planned=float(expected), last=last)
            # What was expected may have grown since the look before; what that one spent is spent.
            fraction = max(fraction, found.fraction if last else min(found.fraction, _NOT_ALL))
            yield replace(found, fraction=fraction)
            before = mature
        if last:
            return


def _expected(plan: Plan, reading: Reading, date: dt.date) -> int:
    """Units of all variants that the plan leads to, as it looked on a date: those enrolled, or, while enrolment went
    on, as many a day to its end. A later look counts the same for an earlier one, so that no bound is ever changed."""
    begun, ends = plan.enrolled_from, plan.enrolled_until
    if begun is None or ends is None or date >= ends or not reading.by_day:
        return max(sum(reading.assigned.values()), 1)
    so_far = sum(sum(counts.values()) for day, counts in reading.by_day.items() if day < date)
    return max(round(so_far * (ends - begun).days / max((date - begun).days, 1)), 1)


def planned_pair(plan: Plan, reading: Reading) -> int:
    """Units of two variants at the planned end: what an always-valid interval is narrowest at.

    Worked out from the first week of enrolment, once and for all: a number that moved from look to look would spoil
    what is valid at all of them together.
    """
    begun, ends = plan.enrolled_from, plan.enrolled_until
    units = max(sum(reading.assigned.values()), 1)
    if begun is not None and ends is not None and begun + _WEEK < ends and reading.by_day:
        units = _expected(plan, reading, begun + _WEEK)
    weights = [variant.weight for variant in plan.study.experiment.variants.values() if variant.weight]
    largest_two = sum(sorted(weights, reverse=True)[:2])
    return max(round(units * largest_two / sum(weights)), 1)


def _mature(plan: Plan, reading: Reading, planned: PlannedMetric, date: dt.date) -> int:
    """Units whose window had closed by a date, and whose facts had arrived."""
    assert planned.window is not None
    zone, late = plan.study.timezone, plan.cutoff - planned.observed_until
    days = dt.timedelta(days=planned.window.end_day)
    enroll = plan.study.experiment.enroll
    # Those who enter at an event do so at any time of their day.
    entered = dt.timedelta(days=1) if enroll and enroll.at and planned.clock == "elapsed" else dt.timedelta(0)

    def closes(day: dt.date) -> dt.datetime:
        return midnight(day + days, zone) if planned.clock == "calendar" else midnight(day + entered, zone) + days

    known = midnight(date, zone) - late
    return sum(sum(counts.values()) for day, counts in reading.by_day.items() if closes(day) <= known)


def look(plan: Plan, reading: Reading, estimates: Sequence[Estimate]) -> Look | None:
    """Which look this is; None for a plan that is read once."""
    looks = plan.looks
    if looks is None:
        return None
    primary = [row for row in estimates if row.role == "primary" and row.estimand == "difference"]
    crossed = tuple(row.variant for row in primary if row.state in {"better", "worse"})
    widths = [_critical(row) for row in primary]
    so_far = list(taken(plan, reading, plan.primary))
    return Look(
        method=looks.method,
        spending=looks.spending if looks.method == "group_sequential" else "",
        number=len(so_far) if looks.method == "group_sequential" else 1,
        of=len(looks.dates) if looks.method == "group_sequential" else None,
        fraction=so_far[-1].fraction if so_far else None,
        critical=next((width for width in widths if width is not None), None),
        crossed=crossed,
        last=not plan.goes_on,
    )


def _critical(row: Estimate) -> float | None:
    if row.lower_adjusted is None or row.upper_adjusted is None or not row.se:
        return None
    return (row.upper_adjusted - row.lower_adjusted) / 2 / row.se


def alarms(plan: Plan, reading: Reading, compared: Sequence[Comparison]) -> Iterator[Alarm]:
    """Before the readout of a plan that is read once: whether harm has been shown, on primary and guardrails.

    The error of all alarms together is 1 - confidence, however often they are read: it is split over them.
    """
    watched = [one for one in compared if one.planned.role in {"primary", "guardrail"}]
    alpha = (1 - plan.confidence) / max(len(watched), 1)
    for one in watched:
        arms = one.arms
        alarm = Alarm(metric=one.planned.key, variant=one.variant, crossed=False, readable=False)
        if isinstance(arms, NotEstimable) or stats.burn_in(*arms) is not None:
            yield alarm
            continue
        tolerate = one.planned.tolerate
        found = stats.harm_alarm(
            *arms,
            margin=tolerate.plain if tolerate else 0.0,
            relative=tolerate.is_relative if tolerate else False,
            increase_is_good=one.planned.direction == "increase",
            mixing=stats.mixing(planned=planned_pair(plan, reading), alpha=alpha, sides=1),
            alpha=alpha,
            covariance=one.covariance,
        )
        if isinstance(found, NotEstimable):
            yield alarm
        else:
            yield Alarm(metric=one.planned.key, variant=one.variant, crossed=found.crossed)
