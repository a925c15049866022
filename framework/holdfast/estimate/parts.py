"""Where a change in revenue per unit comes from: more buyers, more orders a buyer, larger orders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from holdfast import stats
from holdfast.estimate.arms import Measure
from holdfast.estimate.quantities import quantity
from holdfast.model.found import Quantity
from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import Plan
from holdfast.model.reading import Cell
from holdfast.model.result import Decomposition

_NAMES = ("change_share_active", "change_per_active", "change_ratio", "change_per_unit")


def decompositions(plan: Plan, measures: Sequence[Measure]) -> Iterator[Decomposition]:
    """Revenue per unit as share who bought x orders a buyer x order value, for the ratio of the trio.

    Only where each part is a number: some units are active in every variant.
    """
    for measure in measures:
        if measure.family != "ratio" or measure.planned.trio != "average_order_value":
            continue
        cells = measure.cells
        if not all(cell.active and cell.moments.mean[1] > 0 and cell.moments.mean[0] > 0 for cell in cells.values()):
            continue
        control = cells[plan.study.experiment.control]
        base = _parts(measure.planned.key, control)
        for cell in cells.values():
            parts = _parts(measure.planned.key, cell)
            if cell.variant == base.variant:
                yield parts
            else:
                yield replace(_changes(parts, base), intervals=_intervals(plan, cell, control))


def _parts(metric: str, cell: Cell) -> Decomposition:
    numerator, denominator = cell.moments.mean
    share = cell.active / cell.moments.n
    return Decomposition(
        metric=metric,
        variant=cell.variant,
        per_unit=numerator,
        share_active=share,
        per_active=denominator / share,
        ratio=numerator / denominator,
    )


def _changes(parts: Decomposition, base: Decomposition) -> Decomposition:
    return replace(
        parts,
        change_per_unit=parts.per_unit / base.per_unit - 1,
        change_share_active=parts.share_active / base.share_active - 1,
        change_per_active=parts.per_active / base.per_active - 1,
        change_ratio=parts.ratio / base.ratio - 1,
    )


def _intervals(plan: Plan, cell: Cell, control: Cell) -> dict[str, Quantity]:
    """Each relative change with its interval; none where clusters were drawn, whose sums are not read by part."""
    if cell.clusters is not None:
        return {}
    found = stats.decompose(_chain(cell), _chain(control), confidence=plan.confidence)
    if isinstance(found, NotEstimable):
        return dict.fromkeys(_NAMES, quantity(found))
    factors = (*found.factors, found.total)
    return {name: quantity(factor.change_interval) for name, factor in zip(_NAMES, factors, strict=True)}


def _chain(cell: Cell) -> stats.Group:
    """Moments of (active as 0 or 1, denominator, numerator). Whoever is not active has neither of the other two, so the
    covariances with the first follow from the means: cov(a, x) = E[x] (1 - E[a]) n / (n - 1)."""
    moments = cell.moments
    n, share = moments.n, cell.active / moments.n
    numerator, denominator = moments.mean
    by_active = [mean * (1 - share) * n / (n - 1) for mean in (share, denominator, numerator)]
    covariance = (
        (by_active[0], by_active[1], by_active[2]),
        (by_active[1], moments.covariance[1][1], moments.covariance[0][1]),
        (by_active[2], moments.covariance[0][1], moments.covariance[0][0]),
    )
    return stats.Group(n, (share, denominator, numerator), covariance)
