"""Retention curves from points, each the share of units active in one period."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast import stats
from holdfast.errors import DataError
from holdfast.estimate.arms import Measure, kind, raw_arm, successes
from holdfast.estimate.comparison import Comparison
from holdfast.estimate.quantities import quantity
from holdfast.model.found import CurveDifference
from holdfast.model.plan import Plan, PlannedCurve
from holdfast.model.reading import Cell, Reading
from holdfast.model.result import CurvePoint, CurveResult


def curves(plan: Plan, reading: Reading) -> Iterator[CurveResult]:
    """Every retention curve of the plan.

    Raises:
        DataError: a point is no proportion.
    """
    for curve in plan.curves:
        _check_points(curve, plan, reading)
        points = [
            _point(reading, variant, (first, last, key), plan.confidence)
            for variant in plan.study.experiment.variants
            for first, last, key in curve.points
        ]
        differences = tuple(_differences(plan, reading, curve))
        yield CurveResult(title=curve.title, confidence=plan.confidence, points=tuple(points), differences=differences)


def _check_points(curve: PlannedCurve, plan: Plan, reading: Reading) -> None:
    """Only the data can tell that a column is no proportion."""
    for _, _, key in curve.points:
        counted = any(reading.cells[key, variant].moments.n for variant in plan.study.experiment.variants)
        if counted and kind(plan.metric(key), reading) != "proportion":
            raise DataError(
                f'a retention curve is made of proportions, and "{key}" holds other values than 0 and 1; '
                "take it out of the curve, or correct the column"
            )


def _point(reading: Reading, variant: str, period: tuple[int, int, str], confidence: float) -> CurvePoint:
    first, last, key = period
    cell = reading.cells[key, variant]
    events, n = successes(cell)
    lower, upper = band(cell, confidence) if n else (None, None)
    return CurvePoint(
        variant=variant,
        first_day=first,
        last_day=last,
        at_risk=n,
        events=events,
        censored=reading.assigned[variant] - cell.mature,
        rate=events / n if n else None,
        lower=lower,
        upper=upper,
    )


def _differences(plan: Plan, reading: Reading, curve: PlannedCurve) -> Iterator[CurveDifference]:
    """Each period of each variant beside control's, of the same shares that the curve has."""
    control = plan.study.experiment.control
    for variant in plan.study.experiment.treatments:
        for first, last, key in curve.points:
            cells = {each: reading.cells[key, each] for each in (variant, control)}
            arms = {each: raw_arm(cell, "proportion") for each, cell in cells.items()}
            pair = Comparison(Measure(plan.metric(key), "proportion", arms, cells), variant, control)
            yield CurveDifference(
                variant=variant,
                baseline=control,
                first_day=first,
                last_day=last,
                difference=quantity(pair.effect(plan.confidence, relative=False)),
            )


def band(cell: Cell, confidence: float) -> tuple[float, float]:
    """The interval of a share; where clusters were assigned as one, of as many independent units as they are worth."""
    events, n = successes(cell)
    arm, alone = raw_arm(cell, "proportion"), stats.proportion_arm(n=n, successes=events)
    if cell.clusters is not None and isinstance(arm, stats.Arm) and isinstance(alone, stats.Arm) and alone.variance:
        worth = max(1.0, arm.variance / alone.variance)
        n, events = max(1, round(n / worth)), round(events / worth)
    return stats.wilson(n=n, successes=min(events, n), confidence=confidence)
