"""From moments to estimates: the method of each metric by rule, corrections by role, one state per row.

Everything heavy lives below, in `stats`; this stage only chooses and arranges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from holdfast import stats
from holdfast.estimate.answers import curve_rows, moment_rows
from holdfast.estimate.arms import Measure, kind, measure, places
from holdfast.estimate.beliefs import beliefs
from holdfast.estimate.comparison import Comparison, comparisons
from holdfast.estimate.families import estimates
from holdfast.estimate.lifetime import lifetimes
from holdfast.estimate.looks import alarms, look, rule
from holdfast.estimate.parts import decompositions
from holdfast.estimate.pays import pays, projections
from holdfast.estimate.periods import period_effects
from holdfast.estimate.portfolio import portfolio
from holdfast.estimate.retention import curves
from holdfast.estimate.segments import segments
from holdfast.estimate.survival import survival
from holdfast.model.found import (
    Alarm,
    Belief,
    InteractionRow,
    LifetimeRow,
    Look,
    MoneyResult,
    PeriodEffect,
    SegmentRow,
    SurvivalResult,
)
from holdfast.model.plan import Plan
from holdfast.model.reading import Reading
from holdfast.model.result import CurveResult, Decomposition, Estimate, Level, Projection


@dataclass(frozen=True, slots=True)
class Results:
    """All that was estimated."""

    levels: tuple[Level, ...] = ()
    estimates: tuple[Estimate, ...] = ()
    curves: tuple[CurveResult, ...] = ()
    decomposition: tuple[Decomposition, ...] = ()
    money: tuple[Projection, ...] = ()
    survival: tuple[SurvivalResult, ...] = ()
    periods: tuple[PeriodEffect, ...] = ()
    segments: tuple[SegmentRow, ...] = ()
    interactions: tuple[InteractionRow, ...] = ()
    pays: tuple[MoneyResult, ...] = ()
    lifetime: tuple[LifetimeRow, ...] = ()
    beliefs: tuple[Belief, ...] = ()
    look: Look | None = None
    alarms: tuple[Alarm, ...] = ()


def run(plan: Plan, reading: Reading) -> Results:
    """Everything that the plan asks for, from what was read.

    Before the readout of a plan that is read once only the alarm of harm is computed. At a look before the last only
    what may stop the experiment is: the primary metric and the guardrails, at the error of the look, and whether it
    pays where the primary metric is better.
    """
    if plan.interim:
        watched = [measure(plan, reading, planned) for planned in plan.watched] if reading.cells else []
        return Results(alarms=tuple(alarms(plan, reading, comparisons(watched, plan.comparisons))))
    shown = [planned for planned in plan.metrics if planned.role != "curve"]
    planned = [each for each in shown if each.role in {"primary", "guardrail"}] if plan.goes_on else shown
    measures = [measure(plan, reading, each) for each in planned]
    compared = comparisons(measures, plan.comparisons)
    rows = tuple(estimates(plan, compared, partial(rule, plan, reading)))
    concludes = not plan.goes_on or any(row.role == "primary" and row.state == "better" for row in rows)
    results = Results(
        levels=tuple(_level(each, variant) for each in measures for variant in plan.study.experiment.variants),
        estimates=rows,
        pays=tuple(pays(plan, reading)) if concludes else (),
        look=look(plan, reading, rows),
    )
    return results if plan.goes_on else _whole(plan, reading, measures, compared, results)


def _whole(
    plan: Plan, reading: Reading, measures: Sequence[Measure], compared: Sequence[Comparison], results: Results
) -> Results:
    """The same with what stands beside the rows of the scorecard, at the readout."""
    by_segment, interactions = segments(plan, reading, [each for each in measures if not each.curves])
    primary_is_mean = any(each.family == "mean" for each in measures if each.planned.role == "primary")
    return replace(
        results,
        curves=tuple(curves(plan, reading)),
        decomposition=tuple(decompositions(plan, measures)),
        money=tuple(projections(plan, results.estimates, results.pays)) if primary_is_mean else (),
        # Counts by day know nothing of clusters, so their bands and tests would claim too much.
        survival=tuple(survival(plan, each) for each in measures if each.curves and not reading.clusters),
        periods=tuple(period_effects(plan, reading)),
        segments=by_segment,
        interactions=interactions,
        lifetime=tuple(lifetimes(plan, reading)),
        beliefs=tuple(beliefs(plan, compared)),
    )


def _level(measure: Measure, variant: str) -> Level:
    """What a variant reached: adjusted where its estimates are, with the plain value beside."""
    arm = measure.arms[variant]
    plain = measure.plain[variant] if measure.plain else None
    known = isinstance(arm, stats.Arm)
    if measure.curves:
        return Level(
            metric=measure.planned.key,
            variant=variant,
            n=measure.n(variant),
            mature=measure.n(variant),
            excluded=0,
            value=arm.theta if isinstance(arm, stats.Arm) else None,
            se=arm.variance**0.5 if isinstance(arm, stats.Arm) else None,
            unit_variance=None,
            active=sum(measure.curves[variant].events),
        )
    cell = measure.cells[variant]
    n = cell.moments.n
    single = measure.family not in {"ratio", "quantile"}
    # One unit has a value but no spread.
    alone = cell.moments.mean[0] if single and n == 1 else None
    return Level(
        metric=cell.metric,
        variant=cell.variant,
        n=n,
        mature=cell.mature,
        excluded=cell.excluded,
        value=arm.theta if isinstance(arm, stats.Arm) else alone,
        se=arm.variance**0.5 if isinstance(arm, stats.Arm) else None,
        unit_variance=cell.moments.covariance[0][0] if single and known else None,
        raw_value=cell.raw.mean[0] if cell.raw and n else None,
        active=cell.active,
        totals=tuple(mean * n for mean in cell.moments.mean),
        unadjusted=plain.theta if isinstance(plain, stats.Arm) else None,
    )


__all__ = ["Results", "curve_rows", "kind", "moment_rows", "places", "portfolio", "run"]
