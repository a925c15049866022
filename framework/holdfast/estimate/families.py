"""The rows of the scorecard: difference and lift of every comparison, corrected within the family of its role."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from holdfast import stats
from holdfast.estimate.comparison import Comparison, Effect, Rule
from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import Plan, PlannedMetric
from holdfast.model.result import Estimand, Estimate, State

Rules = Callable[[PlannedMetric], Rule]
"""How the error of a metric is kept over several looks."""


def estimates(plan: Plan, compared: Sequence[Comparison], rules: Rules) -> Iterator[Estimate]:
    """Every row: the difference and the lift of each comparison, corrected within the family of its role."""

    def of(role: str) -> list[Comparison]:
        return [one for one in compared if one.planned.role == role]

    primary = of("primary")
    alpha = 1 - plan.confidence
    yield from _corrected(
        plan,
        primary,
        level=1 - alpha / max(len(primary), 1),
        factor=len(primary),
        correction=f"bonferroni:{len(primary)}",
        rules=rules,
    )
    yield from _secondary(plan, of("secondary"))
    for one in of("guardrail"):
        yield from _guardrail(plan, one, rules(one.planned))
    yield from _corrected(plan, of("descriptive"), level=plan.confidence, factor=1, correction="none", tested=False)


def _secondary(plan: Plan, compared: list[Comparison]) -> Iterator[Estimate]:
    """Benjamini-Hochberg over secondary metrics and comparisons; intervals at the matching coverage level."""
    tests = [one.effect(plan.confidence, relative=False) for one in compared]
    values = [test.p for test in tests if isinstance(test, stats.Interval)]
    # An interval is never narrower than the nominal one, so that nothing reads better at p = 0.07.
    selection = (
        stats.benjamini_hochberg(values, q=plan.fdr, family=len(compared), alpha=1 - plan.confidence)
        if compared
        else None
    )
    adjusted = iter(selection.adjusted if selection else ())
    for one, test in zip(compared, tests, strict=True):
        level = 1 - selection.level if selection else plan.confidence
        p_adjusted = next(adjusted) if isinstance(test, stats.Interval) else None
        for row, _ in _rows(plan, one, level, f"benjamini_hochberg:{len(compared)}"):
            yield _stated(replace(row, p_adjusted=p_adjusted if row.status == "estimated" else None), one)


def _corrected(
    plan: Plan,
    compared: Iterable[Comparison],
    *,
    level: float,
    factor: int,
    correction: str,
    tested: bool = True,
    rules: Rules | None = None,
) -> Iterator[Estimate]:
    """Rows whose p-values are multiplied by the number of comparisons and whose intervals are widened to match."""
    for one in compared:
        rule = rules(one.planned) if rules else None
        for row, over_looks in _rows(plan, one, level, correction, rule):
            corrected = row.p
            if rule is not None:
                corrected = over_looks.p if isinstance(over_looks, stats.Interval) else None
            row_with_p = replace(row, p_adjusted=None if corrected is None else min(1.0, corrected * factor))
            yield _stated(row_with_p, one) if tested else row_with_p


def _rows(
    plan: Plan, one: Comparison, level: float, correction: str, rule: Rule = None
) -> Iterator[tuple[Estimate, Effect]]:
    """The difference and the lift, each at the nominal and at the corrected level; and the effect at the latter."""
    estimands: tuple[Estimand, ...] = ("difference", "lift")
    for estimand in estimands:
        relative = estimand == "lift"
        nominal = one.effect(plan.confidence, relative=relative)
        adjusted = one.effect(level, relative=relative, rule=rule)
        found = _row(one, estimand, nominal, adjusted, correction)
        found = _beside(found, nominal, one.unadjusted(plan.confidence, relative=relative))
        yield _before_cap(found, one.uncapped(plan.confidence, relative=relative)), adjusted


def _row(one: Comparison, estimand: Estimand, nominal: Effect, adjusted: Effect, correction: str) -> Estimate:
    n, n_baseline = one.n
    common = Estimate(
        metric=one.planned.key,
        role=one.planned.role,
        variant=one.variant,
        baseline=one.baseline,
        estimand=estimand,
        status="not_estimable",
        n=n,
        n_baseline=n_baseline,
        correction=correction,
    )
    if isinstance(nominal, NotEstimable):
        return replace(common, reason=nominal.reason, detail=nominal.detail, state="not_estimable")
    row = replace(
        common,
        status="estimated",
        estimator=f"{nominal.method}, adjusted" if one.adjusted else nominal.method,
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


def _beside(row: Estimate, effect: Effect, plain: Effect | None) -> Estimate:
    """A row with what it was before the adjustment."""
    if not isinstance(plain, stats.Interval) or not isinstance(effect, stats.Interval):
        return row
    return replace(
        row,
        unadjusted=plain.estimate,
        unadjusted_lower=plain.lower,
        unadjusted_upper=plain.upper,
        variance_saved=1 - (effect.se / plain.se) ** 2 if plain.se > 0 else None,
    )


def _before_cap(row: Estimate, uncapped: Effect | None) -> Estimate:
    """A row with what it was before the cap."""
    if row.status != "estimated" or not isinstance(uncapped, stats.Interval):
        return row
    return replace(row, uncapped=uncapped.estimate, uncapped_lower=uncapped.lower, uncapped_upper=uncapped.upper)


def _stated(row: Estimate, one: Comparison) -> Estimate:
    """A tested row with its reading: better or worse when the corrected interval excludes zero."""
    if row.status != "estimated" or one.planned.direction == "none":
        return row
    state: State = "cannot_tell"
    sign = 1 if one.planned.direction == "increase" else -1
    if row.lower_adjusted is not None and row.upper_adjusted is not None:
        if row.lower_adjusted > 0:
            state = "better" if sign > 0 else "worse"
        elif row.upper_adjusted < 0:
            state = "worse" if sign > 0 else "better"
    return replace(row, state=state)


def _guardrail(plan: Plan, one: Comparison, rule: Rule) -> Iterator[Estimate]:
    """Non-inferiority: safe when harm beyond the margin is ruled out, harm when it is shown. Not corrected: every
    guardrail has to hold, so testing several makes shipping harder, never easier."""
    rows = _rows(plan, one, 2 * plan.confidence - 1, "non_inferiority", rule)
    tolerate = one.planned.tolerate
    assert tolerate is not None
    test = one.judged(tolerate.plain, relative=tolerate.is_relative, confidence=plan.confidence, rule=rule)
    for row, _ in rows:
        same_scale = (row.estimand == "lift") == tolerate.is_relative
        margin = tolerate.plain if same_scale else None
        if row.status != "estimated":
            yield replace(row, margin=margin)
        elif isinstance(test, NotEstimable):
            # There is a difference, but a relative margin means nothing against a baseline of zero.
            yield replace(row, margin=margin, state="not_estimable", reason=test.reason, detail=test.detail)
        else:
            yield replace(row, margin=margin, state=test.state, p_adjusted=test.p_safe if same_scale else None)
