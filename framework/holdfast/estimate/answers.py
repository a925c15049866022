"""What the engine answered, without what may not be shown: for whoever wants to work out the estimates again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from holdfast.estimate.segments import by_level, hidden_levels
from holdfast.model.answers import CurveRow, MomentRow, Of
from holdfast.model.plan import Plan
from holdfast.model.reading import ACROSS, Cell, Curve, Moments, Reading

Place = tuple[str, str, str | None, str | None]
"""Metric, variant, dimension and level."""


def moment_rows(plan: Plan, reading: Reading) -> Iterator[MomentRow]:
    """Counts, means and covariances of every metric in every variant, segment and stratum that may be shown.

    Before the readout only those of what is shown there: nothing of a plan that is read once.
    """
    names = {vector.key: [part.name for part in vector.parts] for vector in plan.vectors}
    keys = _keys(plan)
    minimum = plan.study.project.privacy.minimum_cell
    for (metric, variant), cell in reading.cells.items():
        if metric in keys and cell.moments.n >= minimum:
            yield from _of_cell((metric, variant, None, None), cell, names.get(metric))
    dimensions = dict.fromkeys((key, name) for key, _, name, _ in reading.segments if key in keys)
    hidden_of = {name: hidden_levels(plan, reading, name) for name in dict.fromkeys(name for _, name in dimensions)}
    for metric, dimension in dimensions:
        cells, hidden = by_level(reading, metric, dimension), hidden_of[dimension]
        if dimension == ACROSS and hidden:
            # Beside the strata one by one, what is left of these cells would tell of the others.
            continue
        for level, by_variant in cells.items():
            for variant, cell in by_variant.items():
                if level not in hidden:
                    yield from _of_cell((metric, variant, dimension, level), cell, None)


def curve_rows(plan: Plan, reading: Reading) -> Iterator[CurveRow]:
    """At risk, events and censored by day of every curve and variant, as far as so many units are followed that they
    may be shown."""
    keys, minimum = _keys(plan), plan.study.project.privacy.minimum_cell
    for (key, variant), curve in reading.curves.items():
        if key in keys:
            yield from _of_curve(key, variant, curve, minimum)


def _keys(plan: Plan) -> set[str]:
    """Metrics, curves and what is read together, as far as their numbers are shown as of this date."""
    if plan.interim:
        return set()
    if plan.goes_on:
        return {planned.key for planned in plan.metrics if planned.role in {"primary", "guardrail"}}
    return {
        *(planned.key for planned in plan.metrics),
        *(vector.key for vector in plan.vectors),
        *(curve.key for curve in plan.curves),
    }


def _of_cell(place: Place, cell: Cell, names: Sequence[str] | None) -> Iterator[MomentRow]:
    own = names or (["value"] if len(cell.moments.mean) == 1 else ["numerator", "denominator"])
    named = [f"covariate_{place}_{name}" for place, name in enumerate(cell.covariates, start=1)]
    yield from _rows(place, "compared", cell.joint or cell.moments, [*own, *named])
    if cell.raw is not None:
        yield from _rows(place, "uncapped", cell.raw, own)
    if cell.clusters is not None:
        # A cluster's units are what the sum of its values is divided by.
        yield from _rows(place, "clusters", cell.clusters, ["value", "units"] if len(own) == 1 else own)


def _rows(place: Place, of: Of, moments: Moments, names: Sequence[str]) -> Iterator[MomentRow]:
    for i, name in enumerate(names):
        yield MomentRow(*place, of, moments.n, "mean", name, None, moments.mean[i])
    for i, name in enumerate(names):
        for j in range(i, len(names)):
            yield MomentRow(*place, of, moments.n, "covariance", name, names[j], moments.covariance[i][j])


def _of_curve(key: str, variant: str, curve: Curve, minimum: int) -> Iterator[CurveRow]:
    following = [*curve.at_risk[1:], 0]
    for day, (risk, events, censored) in enumerate(zip(curve.at_risk, curve.events, curve.censored, strict=True)):
        # Who leaves on a day tells how many are at risk on the next.
        if risk < minimum or 0 < following[day] < minimum:
            return
        yield CurveRow(key, variant, day, None, risk, events, censored)
        for cause, counts in curve.causes.items():
            yield CurveRow(key, variant, day, cause, risk, counts[day], censored)
