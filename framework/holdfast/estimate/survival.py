"""Times to an event over all their days: curves with bands, tests of whole curves, hazard ratios, reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from holdfast import stats
from holdfast.estimate.arms import Measure
from holdfast.estimate.quantities import quantity
from holdfast.model.found import CauseRow, SurvivalComparison, SurvivalDifference, SurvivalPoint, SurvivalResult
from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import Plan
from holdfast.model.reading import Curve


def survival(plan: Plan, measure: Measure) -> SurvivalResult:
    """One planned time to an event in every variant."""
    planned, curves = measure.planned, measure.curves
    assert planned.window is not None
    points = [point for variant, curve in curves.items() for point in _points(variant, curve, plan.confidence)]
    return SurvivalResult(
        metric=planned.key,
        title=planned.metric.title or planned.key.replace("_", " ").capitalize(),
        days=planned.window.end_day,
        confidence=plan.confidence,
        points=tuple(points),
        comparisons=tuple(
            _comparison(curves, variant, baseline, plan.confidence) for variant, baseline in plan.comparisons
        ),
        causes=tuple(_causes(plan, curves, planned.window.end_day)),
        differences=tuple(_differences(plan, curves, planned.window.end_day)),
    )


def _points(variant: str, curve: Curve, confidence: float) -> Iterator[SurvivalPoint]:
    found = stats.kaplan_meier(curve, confidence=confidence)
    if isinstance(found, NotEstimable):
        return
    for day in found.days:
        yield SurvivalPoint(
            variant=variant,
            day=day.day + 1,
            at_risk=day.at_risk,
            events=day.events,
            share=day.survival,
            lower=day.lower,
            upper=day.upper,
        )


def _differences(plan: Plan, curves: Mapping[str, Curve], last: int) -> Iterator[SurvivalDifference]:
    """Each variant's share beside control's, after every day on which both are followed."""
    control = plan.study.experiment.control
    for variant in plan.study.experiment.treatments:
        for day in range(1, last + 1):
            found = stats.survival_difference(curves[variant], curves[control], day=day, confidence=plan.confidence)
            if isinstance(found, NotEstimable):
                break
            yield SurvivalDifference(variant=variant, baseline=control, day=day, difference=quantity(found))


def _comparison(curves: Mapping[str, Curve], variant: str, baseline: str, confidence: float) -> SurvivalComparison:
    treated, control = curves[variant], curves[baseline]
    whole = stats.log_rank(treated, control)
    even = stats.proportional_hazards(treated, control)
    return SurvivalComparison(
        variant=variant,
        baseline=baseline,
        log_rank_p=None if isinstance(whole, NotEstimable) else whole.p,
        hazard_ratio=quantity(stats.hazard_ratio(treated, control, confidence=confidence)),
        proportional_p=None if isinstance(even, NotEstimable) else even.p,
    )


def _causes(plan: Plan, curves: Mapping[str, Curve], day: int) -> Iterator[CauseRow]:
    """The share that each reason has taken by the end of the window, beside control's."""
    control = plan.study.experiment.control
    names = list(dict.fromkeys(cause for curve in curves.values() for cause in curve.causes))
    for cause in names:
        base = stats.incidence_at(curves[control], cause=cause, day=day)
        for variant, curve in curves.items():
            arm = stats.incidence_at(curve, cause=cause, day=day)
            difference = None
            p = None
            if variant != control:
                both = next((each for each in (arm, base) if isinstance(each, NotEstimable)), None)
                difference = quantity(
                    both if both else stats.difference(_arm(arm), _arm(base), confidence=plan.confidence)
                )
                sides = (stats.cause_specific(each, cause=cause) for each in (curve, curves[control]))
                whole = stats.log_rank(*sides)
                p = None if isinstance(whole, NotEstimable) else whole.p
            yield CauseRow(
                cause=cause,
                variant=variant,
                events=sum(curve.causes.get(cause, ())),
                share=None if isinstance(arm, NotEstimable) else arm.theta,
                difference=difference,
                log_rank_p=p,
            )


def _arm(value: stats.Arm | NotEstimable) -> stats.Arm:
    assert isinstance(value, stats.Arm)
    return value
