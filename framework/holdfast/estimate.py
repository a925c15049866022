"""From moments to estimates: the method of each metric by rule, corrections by role, one state per row.

Everything random or heavy lives below, in `stats`; this module only chooses and arranges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from holdfast import stats
from holdfast.errors import DataError
from holdfast.model.metric import Family
from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import Plan, PlannedCurve, PlannedMetric
from holdfast.model.reading import Cell, Reading
from holdfast.model.result import CurvePoint, CurveResult, Decomposition, Estimand, Estimate, Level, Projection, State

SMALL = 50
"""Below this many successes or failures in a variant, proportions are tested by score methods."""


@dataclass(frozen=True, slots=True)
class Results:
    """All that was estimated."""

    levels: tuple[Level, ...]
    estimates: tuple[Estimate, ...]
    curves: tuple[CurveResult, ...]
    decomposition: tuple[Decomposition, ...]
    money: tuple[Projection, ...]


@dataclass(frozen=True, slots=True)
class _Contrast:
    """One comparison of one metric: both cells and the estimates of both variants."""

    planned: PlannedMetric
    variant: str
    baseline: str
    family: Family
    cell: Cell
    base: Cell
    arm: stats.Arm | NotEstimable
    base_arm: stats.Arm | NotEstimable

    @property
    def small(self) -> bool:
        """Whether counts are too small for the normal approximation of a proportion."""
        if self.family != "proportion" or self.cell.clusters is not None:
            return False
        counts = [_successes(self.cell), _successes(self.base)]
        return any(x < SMALL or n - x < SMALL for x, n in counts)


def run(plan: Plan, reading: Reading) -> Results:
    """Everything that the plan asks for, from what was read. Nothing is computed before the readout of a fixed plan."""
    if plan.interim:
        return Results((), (), (), (), ())
    kinds = {planned.key: kind(planned, reading) for planned in plan.metrics}
    shown = [planned for planned in plan.metrics if planned.role != "curve"]
    levels = tuple(
        _level(reading.cells[planned.key, variant], kinds[planned.key])
        for planned in shown
        for variant in plan.study.experiment.variants
    )
    contrasts = [
        _contrast(planned, kinds[planned.key], reading, variant, baseline)
        for planned in shown
        for variant, baseline in plan.comparisons
    ]
    estimates = tuple(_estimates(plan, contrasts))
    return Results(
        levels=levels,
        estimates=estimates,
        curves=tuple(_curves(plan, reading, kinds)),
        decomposition=tuple(_decompositions(plan, reading, kinds)),
        money=tuple(_money(plan, estimates)) if kinds[plan.primary.key] == "mean" else (),
    )


def kind(planned: PlannedMetric, reading: Reading) -> Family:
    """How a metric is tested; a column is a proportion when all of its values are 0 and 1."""
    if planned.family:
        return planned.family
    cells = [cell for (key, _), cell in reading.cells.items() if key == planned.key and cell.moments.n]
    return "proportion" if cells and all(cell.binary for cell in cells) else "mean"


def _successes(cell: Cell) -> tuple[int, int]:
    n = cell.moments.n
    return round(cell.moments.mean[0] * n), n


def _arm(cell: Cell, family: Family) -> stats.Arm | NotEstimable:
    moments = cell.moments
    if cell.clusters is not None:
        # Units of one cluster share its draw: the metric is a ratio of sums over clusters.
        moments, family = cell.clusters, "ratio"
    match family:
        case "proportion":
            return stats.proportion_arm(n=moments.n, successes=_successes(cell)[0])
        case "mean":
            return stats.mean_arm(n=moments.n, mean=moments.mean[0], variance=moments.covariance[0][0])
        case "ratio":
            return stats.ratio_arm(
                n=moments.n,
                numerator_mean=moments.mean[0],
                denominator_mean=moments.mean[1],
                numerator_variance=moments.covariance[0][0],
                denominator_variance=moments.covariance[1][1],
                covariance=moments.covariance[0][1],
            )


def _explained(cell: Cell, arm: stats.Arm | NotEstimable) -> stats.Arm | NotEstimable:
    """Say why there are no units: none assigned, or none mature yet."""
    if isinstance(arm, NotEstimable) and arm.reason == "no_units" and not cell.mature:
        return NotEstimable("no_mature_units", arm.detail)
    return arm


def _contrast(planned: PlannedMetric, family: Family, reading: Reading, variant: str, baseline: str) -> _Contrast:
    cell, base = reading.cells[planned.key, variant], reading.cells[planned.key, baseline]
    arm = _empty(reading, variant) or _explained(cell, _arm(cell, family))
    base_arm = _empty(reading, baseline) or _explained(base, _arm(base, family))
    return _Contrast(planned, variant, baseline, family, cell, base, arm, base_arm)


def _empty(reading: Reading, variant: str) -> NotEstimable | None:
    return None if reading.assigned.get(variant) else NotEstimable("no_units", variant)


def _level(cell: Cell, family: Family) -> Level:
    arm = _arm(cell, family)
    known = not isinstance(arm, NotEstimable)
    n = cell.moments.n
    single = family != "ratio"
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
    )


def _estimates(plan: Plan, contrasts: Sequence[_Contrast]) -> Iterator[Estimate]:
    """Every row: the difference and the lift of each contrast, corrected within the family of its role."""
    by_role = {
        role: [c for c in contrasts if c.planned.role == role]
        for role in ("primary", "secondary", "guardrail", "descriptive")
    }
    primary = by_role["primary"]
    alpha = 1 - plan.confidence
    yield from _corrected(
        plan,
        primary,
        level=1 - alpha / max(len(primary), 1),
        factor=len(primary),
        correction=f"bonferroni:{len(primary)}",
    )
    yield from _secondary(plan, by_role["secondary"])
    for contrast in by_role["guardrail"]:
        yield from _guardrail(plan, contrast)
    yield from _corrected(
        plan, by_role["descriptive"], level=plan.confidence, factor=1, correction="none", tested=False
    )


def _secondary(plan: Plan, contrasts: list[_Contrast]) -> Iterator[Estimate]:
    """Benjamini-Hochberg over secondary metrics and comparisons; intervals at the matching coverage level."""
    tests = [_difference(contrast, plan.confidence) for contrast in contrasts]
    values = [test.p for test in tests if isinstance(test, stats.Interval)]
    # An interval is never narrower than the nominal one, so that nothing reads better at p = 0.07.
    selection = (
        stats.benjamini_hochberg(values, q=plan.fdr, family=len(contrasts), alpha=1 - plan.confidence)
        if contrasts
        else None
    )
    adjusted = iter(selection.adjusted if selection else ())
    for contrast, test in zip(contrasts, tests, strict=True):
        level = 1 - selection.level if selection else plan.confidence
        p_adjusted = next(adjusted) if isinstance(test, stats.Interval) else None
        for row in _rows(plan, contrast, level, f"benjamini_hochberg:{len(contrasts)}"):
            yield _stated(replace(row, p_adjusted=p_adjusted if row.status == "estimated" else None), contrast)


def _corrected(
    plan: Plan, contrasts: Iterable[_Contrast], *, level: float, factor: int, correction: str, tested: bool = True
) -> Iterator[Estimate]:
    """Rows whose p-values are multiplied by the number of comparisons and whose intervals are widened to match."""
    for contrast in contrasts:
        for row in _rows(plan, contrast, level, correction):
            p = None if row.p is None else min(1.0, row.p * factor)
            row_with_p = replace(row, p_adjusted=p)
            yield _stated(row_with_p, contrast) if tested else row_with_p


def _rows(plan: Plan, contrast: _Contrast, level: float, correction: str) -> tuple[Estimate, Estimate]:
    """The difference and the lift, each at the nominal and at the corrected level."""
    return (
        _row(contrast, "difference", _difference(contrast, plan.confidence), _difference(contrast, level), correction),
        _row(contrast, "lift", _lift(contrast, plan.confidence), _lift(contrast, level), correction),
    )


def _difference(contrast: _Contrast, confidence: float) -> stats.Interval | NotEstimable:
    if isinstance(contrast.arm, NotEstimable):
        return contrast.arm
    if isinstance(contrast.base_arm, NotEstimable):
        return contrast.base_arm
    if contrast.small:
        return stats.mn_difference(
            treated=_successes(contrast.cell), control=_successes(contrast.base), confidence=confidence
        )
    return stats.difference(contrast.arm, contrast.base_arm, confidence=confidence)


def _lift(contrast: _Contrast, confidence: float) -> stats.Interval | NotEstimable:
    if isinstance(contrast.arm, NotEstimable):
        return contrast.arm
    if isinstance(contrast.base_arm, NotEstimable):
        return contrast.base_arm
    if contrast.small:
        return stats.koopman_lift(
            treated=_successes(contrast.cell), control=_successes(contrast.base), confidence=confidence
        )
    return stats.fieller_lift(contrast.arm, contrast.base_arm, confidence=confidence)


def _row(
    contrast: _Contrast,
    estimand: Estimand,
    nominal: stats.Interval | NotEstimable,
    adjusted: stats.Interval | NotEstimable,
    correction: str,
) -> Estimate:
    common = Estimate(
        metric=contrast.planned.key,
        role=contrast.planned.role,
        variant=contrast.variant,
        baseline=contrast.baseline,
        estimand=estimand,
        status="not_estimable",
        n=contrast.cell.moments.n,
        n_baseline=contrast.base.moments.n,
        correction=correction,
    )
    if isinstance(nominal, NotEstimable):
        return replace(common, reason=nominal.reason, detail=nominal.detail, state="not_estimable")
    row = replace(
        common,
        status="estimated",
        estimator=nominal.method,
        estimate=nominal.estimate,
        se=nominal.se,
        lower=nominal.lower,
        upper=nominal.upper,
        confidence=nominal.confidence,
        p=nominal.p,
        log10_p=nominal.log10_p,
    )
    if isinstance(adjusted, NotEstimable):
        # The lift may have an interval at 95 % and none at a stricter level.
        return replace(row, reason=adjusted.reason, detail=adjusted.detail)
    return replace(
        row, lower_adjusted=adjusted.lower, upper_adjusted=adjusted.upper, confidence_adjusted=adjusted.confidence
    )


def _stated(row: Estimate, contrast: _Contrast) -> Estimate:
    """A tested row with its reading: better or worse when the corrected interval excludes zero."""
    if row.status != "estimated" or contrast.planned.direction == "none":
        return row
    state: State = "cannot_tell"
    sign = 1 if contrast.planned.direction == "increase" else -1
    if row.lower_adjusted is not None and row.upper_adjusted is not None:
        if row.lower_adjusted > 0:
            state = "better" if sign > 0 else "worse"
        elif row.upper_adjusted < 0:
            state = "worse" if sign > 0 else "better"
    return replace(row, state=state)


def _guardrail(plan: Plan, contrast: _Contrast) -> Iterator[Estimate]:
    """Non-inferiority: safe when harm beyond the margin is ruled out, harm when it is shown. Not corrected: every
    guardrail has to hold, so testing several makes shipping harder, never easier."""
    rows = _rows(plan, contrast, 2 * plan.confidence - 1, "non_inferiority")
    tolerate = contrast.planned.tolerate
    assert tolerate is not None
    test = _non_inferiority(contrast, tolerate.plain, relative=tolerate.is_relative, confidence=plan.confidence)
    for row in rows:
        same_scale = (row.estimand == "lift") == tolerate.is_relative
        margin = tolerate.plain if same_scale else None
        if row.status != "estimated":
            yield replace(row, margin=margin)
        elif isinstance(test, NotEstimable):
            # There is a difference, but a relative margin means nothing against a baseline of zero.
            yield replace(row, margin=margin, state="not_estimable", reason=test.reason, detail=test.detail)
        else:
            yield replace(row, margin=margin, state=test.state, p_adjusted=test.p_safe if same_scale else None)


def _non_inferiority(
    contrast: _Contrast, margin: float, *, relative: bool, confidence: float
) -> stats.OneSided | NotEstimable:
    if isinstance(contrast.arm, NotEstimable):
        return contrast.arm
    if isinstance(contrast.base_arm, NotEstimable):
        return contrast.base_arm
    good = contrast.planned.direction == "increase"
    if contrast.small:
        return stats.mn_non_inferiority(
            treated=_successes(contrast.cell),
            control=_successes(contrast.base),
            margin=margin,
            relative=relative,
            increase_is_good=good,
            confidence=confidence,
        )
    return stats.non_inferiority(
        contrast.arm, contrast.base_arm, margin=margin, relative=relative, increase_is_good=good, confidence=confidence
    )


def _curves(plan: Plan, reading: Reading, kinds: dict[str, Family]) -> Iterator[CurveResult]:
    for curve in plan.curves:
        _check_points(curve, plan, reading, kinds)
        points = [
            _point(reading, variant, (first, last, key), plan.confidence)
            for variant in plan.study.experiment.variants
            for first, last, key in curve.points
        ]
        yield CurveResult(title=curve.title, confidence=plan.confidence, points=tuple(points))


def _check_points(curve: PlannedCurve, plan: Plan, reading: Reading, kinds: dict[str, Family]) -> None:
    """Only the data can tell that a column is no proportion."""
    for _, _, key in curve.points:
        counted = any(reading.cells[key, variant].moments.n for variant in plan.study.experiment.variants)
        if counted and kinds[key] != "proportion":
            raise DataError(
                f'a retention curve is made of proportions, and "{key}" holds other values than 0 and 1; '
                "take it out of the curve, or correct the column"
            )


def _point(reading: Reading, variant: str, period: tuple[int, int, str], confidence: float) -> CurvePoint:
    first, last, key = period
    cell = reading.cells[key, variant]
    events, n = _successes(cell)
    lower, upper = _band(cell, confidence) if n else (None, None)
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


def _band(cell: Cell, confidence: float) -> tuple[float, float]:
    """The interval of a share; where clusters were assigned as one, of as many independent units as they are worth."""
    events, n = _successes(cell)
    arm, alone = _arm(cell, "proportion"), stats.proportion_arm(n=n, successes=events)
    if cell.clusters is not None and isinstance(arm, stats.Arm) and isinstance(alone, stats.Arm) and alone.variance:
        worth = max(1.0, arm.variance / alone.variance)
        n, events = max(1, round(n / worth)), round(events / worth)
    return stats.wilson(n=n, successes=min(events, n), confidence=confidence)


def _decompositions(plan: Plan, reading: Reading, kinds: dict[str, Family]) -> Iterator[Decomposition]:
    """Revenue per unit as share who bought x orders a buyer x order value, for the ratio of the trio.

    Only where each part is a number: some units are active in every variant.
    """
    for planned in plan.metrics:
        if kinds[planned.key] != "ratio" or planned.trio != "average_order_value":
            continue
        cells = {variant: reading.cells[planned.key, variant] for variant in plan.study.experiment.variants}
        if not all(cell.active and cell.moments.mean[1] > 0 and cell.moments.mean[0] > 0 for cell in cells.values()):
            continue
        base = _parts(planned.key, cells[plan.study.experiment.control])
        for cell in cells.values():
            parts = _parts(planned.key, cell)
            yield parts if cell.variant == base.variant else _changes(parts, base)


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


def _money(plan: Plan, estimates: Sequence[Estimate]) -> Iterator[Projection]:
    """The effect on a primary metric that is money per unit, times the customers that shipping would reach."""
    rollout, currency = plan.study.experiment.rollout, plan.primary.unit
    if rollout is None or currency is None or not (len(currency) == 3 and currency.isupper()):
        return
    control = plan.study.experiment.control
    for row in estimates:
        if row.role != "primary" or row.estimand != "difference" or row.baseline != control or row.estimate is None:
            continue
        if row.lower_adjusted is None or row.upper_adjusted is None:
            continue
        yield Projection(
            variant=row.variant,
            customers=rollout.customers,
            every_days=rollout.every.whole_days,
            value=row.estimate * rollout.customers,
            lower=row.lower_adjusted * rollout.customers,
            upper=row.upper_adjusted * rollout.customers,
            currency=currency,
        )
