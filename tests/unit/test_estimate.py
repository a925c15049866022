"""From moments to rows: method by rule, correction by role, one state a row, and reasons in place of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats import proportion, weightstats

from holdfast import estimate, planning
from holdfast.errors import DataError
from holdfast.estimate import Results
from holdfast.model.outcome import Reason
from holdfast.model.plan import Plan
from holdfast.model.reading import Cell, Moments
from holdfast.model.result import Estimate
from tests.builders import number_cell, outcomes, ratio_cell, reading, share_cell

AS_OF = date(2026, 6, 1)


quiet = settings(derandomize=True, max_examples=40, deadline=None, database=None)

RATIO = {
    "operation": "ratio",
    "numerator": {"operation": "column", "column": "revenue"},
    "denominator": {"operation": "column", "column": "orders"},
    "unit_of_measure": "USD",
}


def made(metrics: dict[str, Any], plan: dict[str, Any], **changes: Any) -> Plan:
    full = {name: {"desired_change": "increase", **metric} for name, metric in metrics.items()}
    return planning.plan(outcomes(full, plan, **changes), AS_OF)


def one(family: str = "auto", **changes: Any) -> Plan:
    """A plan with the one metric `a`."""
    return made({"a": {"kind": family, **changes.pop("metric", {})}}, {"primary": "a"}, **changes)


def rows(results: Results, metric: str = "a", variant: str = "treated", baseline: str = "control") -> list[Estimate]:
    found = [row for row in results.estimates if (row.metric, row.variant, row.baseline) == (metric, variant, baseline)]
    assert [row.estimand for row in found] == ["difference", "lift"]
    return found


def of(plan: Plan, cells: Sequence[Cell], metric: str = "a", **more: Any) -> list[Estimate]:
    return rows(estimate.run(plan, reading(cells)), metric, **more)


def shares(control: tuple[int, int], treated: tuple[int, int], metric: str = "a") -> list[Cell]:
    return [share_cell(metric, "control", *control), share_cell(metric, "treated", *treated)]


def numbers(control: Sequence[float], treated: Sequence[float], metric: str = "a") -> list[Cell]:
    return [number_cell(metric, "control", control), number_cell(metric, "treated", treated)]


def draw(seed: int, n: int, mean: float, sd: float = 2.0) -> list[float]:
    return [float(value) for value in np.random.default_rng(seed).normal(mean, sd, n)]


SCORE = ["Miettinen-Nurminen score", "Koopman score"]
WELCH = ["Welch t", "Fieller"]


@pytest.mark.parametrize(
    ("control", "treated", "methods"),
    [
        ((50, 100), (50, 100), WELCH),
        ((50, 1000), (50, 1000), WELCH),
        ((950, 1000), (950, 1000), WELCH),
        ((49, 1000), (500, 1000), SCORE),
        ((500, 1000), (49, 1000), SCORE),
        ((951, 1000), (500, 1000), SCORE),
        ((500, 1000), (951, 1000), SCORE),
        ((0, 1000), (500, 1000), SCORE[:1]),
        ((40, 80), (40, 80), SCORE),
    ],
)
def test_small_counts_are_tested_by_score(
    control: tuple[int, int], treated: tuple[int, int], methods: list[str]
) -> None:
    found = of(one(), shares(control, treated))
    assert [row.estimator for row in found if row.status == "estimated"] == methods


@pytest.mark.parametrize(
    ("given_kind", "cells", "methods"),
    [
        ("auto", numbers([0, 1] * 40, [0, 1] * 40), SCORE),
        ("auto", numbers([0, 1] * 40, [0, 1] * 40 + [2]), WELCH),
        ("auto", numbers([0.5, 1] * 40, [0, 1] * 40), WELCH),
        ("auto", numbers([0, 1] * 400, [0, 1] * 400), WELCH),
        ("mean", numbers([0, 1] * 40, [0, 1] * 40), WELCH),
        ("proportion", numbers([0, 1] * 40, [0, 1] * 40), SCORE),
    ],
)
def test_an_automatic_column_is_a_proportion_when_all_of_it_is_0_and_1(
    given_kind: str, cells: list[Cell], methods: list[str]
) -> None:
    assert [row.estimator for row in of(one(given_kind), cells)] == methods


def test_a_variant_without_values_has_no_say_in_the_kind() -> None:
    plan = one(variants=("treated", "other"))
    cells = [*numbers([0, 1] * 40, [0, 1] * 30), replace(number_cell("a", "other", []), binary=False, mature=5)]
    assert estimate.kind(plan.primary, reading(cells)) == "proportion"
    assert [row.estimator for row in of(plan, cells)] == SCORE


def test_means_are_those_of_scipy_and_statsmodels() -> None:
    control, treated = draw(1, 230, 10.0), draw(2, 180, 10.6, 3.0)
    difference, lift = of(one("mean"), numbers(control, treated))
    test = stats.ttest_ind(treated, control, equal_var=False)
    compare = weightstats.CompareMeans(weightstats.DescrStatsW(treated), weightstats.DescrStatsW(control))
    low, high = compare.tconfint_diff(alpha=0.05, usevar="unequal")
    assert difference.estimate == pytest.approx(np.mean(treated) - np.mean(control), rel=1e-10)
    assert difference.p == pytest.approx(test.pvalue, rel=1e-8)
    assert (difference.lower, difference.upper) == pytest.approx((low, high), rel=1e-8)
    assert (difference.lower_adjusted, difference.upper_adjusted) == (difference.lower, difference.upper)
    assert (difference.n, difference.n_baseline) == (180, 230)
    assert lift.estimate == pytest.approx(np.mean(treated) / np.mean(control) - 1, rel=1e-10)
    assert lift.p == difference.p
    # Fieller: each bound is the ratio at which the contrast is exactly at the critical value.
    assert lift.lower is not None
    assert lift.upper is not None
    for bound in (lift.lower, lift.upper):
        scaled = np.array(control) * (1 + bound)
        gap = abs(np.mean(treated) - np.mean(scaled))
        se = math.sqrt(np.var(treated, ddof=1) / 180 + np.var(scaled, ddof=1) / 230)
        assert gap / se == pytest.approx(stats.t.ppf(0.975, test.df), rel=1e-6)


def test_proportions_are_those_of_statsmodels() -> None:
    difference, lift = of(one(), shares((8, 100), (15, 120)))
    z, _ = proportion.proportions_ztest([15, 8], [120, 100])
    assert difference.p == pytest.approx(2 * stats.norm.sf(abs(z) * math.sqrt(219 / 220)), rel=1e-10)
    low, high = proportion.confint_proportions_2indep(15, 120, 8, 100, method="score", compare="ratio")
    assert (lift.lower, lift.upper) == pytest.approx((low - 1, high - 1), rel=1e-4)
    large, _ = of(one(), shares((800, 10_000), (900, 12_000)))
    control, treated = np.repeat([1.0, 0.0], [800, 9200]), np.repeat([1.0, 0.0], [900, 11_100])
    assert large.p == pytest.approx(stats.ttest_ind(treated, control, equal_var=False).pvalue, rel=1e-8)


def test_ratios_are_tests_of_the_linearised_values() -> None:
    rng = np.random.default_rng(3)
    orders = [rng.poisson(1.5, 400) + 0, rng.poisson(1.7, 350) + 0]
    pairs = [[(int(rng.integers(5, 50)) * int(k), int(k)) for k in group] for group in orders]
    plan = made({"a": RATIO}, {"primary": "a"})
    cells = [ratio_cell("a", "control", pairs[0]), ratio_cell("a", "treated", pairs[1])]
    difference, lift = of(plan, cells)
    arms = [np.array(group, dtype=float) for group in pairs]
    ratios = [arm[:, 0].sum() / arm[:, 1].sum() for arm in arms]
    linear = [
        ratio + (arm[:, 0] - ratio * arm[:, 1]) / arm[:, 1].mean() for ratio, arm in zip(ratios, arms, strict=True)
    ]
    test = stats.ttest_ind(linear[1], linear[0], equal_var=False)
    assert difference.estimate == pytest.approx(ratios[1] - ratios[0], rel=1e-10)
    assert difference.p == pytest.approx(test.pvalue, rel=1e-8)
    assert lift.estimate == pytest.approx(ratios[1] / ratios[0] - 1, rel=1e-10)


def test_bonferroni_over_variants_and_the_pairs_asked_for() -> None:
    plan = one("mean", variants=("mail", "push", "post"), analysis={"comparisons": [["push", "mail"]]})
    data = {"control": draw(1, 90, 10), "mail": draw(2, 80, 10.9), "push": draw(3, 70, 11.2), "post": draw(4, 60, 10.1)}
    results = estimate.run(plan, reading([number_cell("a", key, values) for key, values in data.items()]))
    assert len(results.estimates) == 8
    for variant, baseline in plan.comparisons:
        difference, lift = rows(results, "a", variant, baseline)
        test = stats.ttest_ind(data[variant], data[baseline], equal_var=False)
        interval = test.confidence_interval(1 - 0.05 / 4)
        assert difference.p == pytest.approx(test.pvalue, rel=1e-8)
        assert difference.p_adjusted == pytest.approx(min(1, 4 * test.pvalue), rel=1e-8)
        assert difference.confidence_adjusted == pytest.approx(1 - 0.05 / 4)
        assert difference.confidence == 0.95
        assert (difference.lower_adjusted, difference.upper_adjusted) == pytest.approx(tuple(interval), rel=1e-7)
        assert difference.correction == lift.correction == "bonferroni:4"
        assert lift.p_adjusted == difference.p_adjusted
        significant = 4 * test.pvalue < 0.05
        sign = test.statistic > 0
        assert difference.state == lift.state == (("better" if sign else "worse") if significant else "cannot_tell")


def test_a_comparison_that_cannot_be_made_stays_in_the_family() -> None:
    plan = one("mean", variants=("mail", "push"))
    cells = [*[number_cell("a", key, draw(i, 50, 10)) for i, key in enumerate(("control", "mail"))]]
    results = estimate.run(plan, reading([*cells, number_cell("a", "push", [])]))
    assert rows(results, variant="mail")[0].correction == "bonferroni:2"
    assert rows(results, variant="push")[0].correction == "bonferroni:2"
    assert rows(results, variant="push")[0].p_adjusted is None


def secondary(values: dict[str, tuple[list[float], list[float]]], **changes: Any) -> tuple[Plan, Results]:
    metrics: dict[str, Any] = {key: {"kind": "mean"} for key in ("a", *values)}
    plan = made(metrics, {"primary": "a", "secondary": list(values)}, **changes)
    cells = numbers([1, 2, 3], [1, 2, 4])
    for key, (control, treated) in values.items():
        cells += numbers(control, treated, key)
    return plan, estimate.run(plan, reading(cells))


@pytest.mark.parametrize("shift", [0.0, 0.3, 0.5, 1.0])
def test_secondary_metrics_keep_the_false_discovery_rate(shift: float) -> None:
    values = {f"s{i}": (draw(10 + i, 60, 10), draw(30 + i, 60, 10 + shift * i)) for i in range(6)}
    _, results = secondary(values)
    tests = [stats.ttest_ind(treated, control, equal_var=False) for control, treated in values.values()]
    p = [float(test.pvalue) for test in tests]
    adjusted = stats.false_discovery_control(p)
    # With the nominal level as a ceiling: nothing above it is a finding.
    ordered = sorted(p)
    found = max((k for k in range(1, 7) if ordered[k - 1] <= min(0.1 * k / 6, 0.05)), default=0)
    level = min(max(found, 1) * 0.1 / 6, 0.05)
    for i, key in enumerate(values):
        difference, lift = rows(results, key)
        assert difference.p_adjusted == pytest.approx(adjusted[i], rel=1e-8)
        assert difference.p_adjusted == lift.p_adjusted
        assert difference.confidence_adjusted == pytest.approx(1 - level, rel=1e-12)
        interval = tests[i].confidence_interval(1 - level)
        assert (difference.lower_adjusted, difference.upper_adjusted) == pytest.approx(tuple(interval), rel=1e-6)
        wanted = "cannot_tell" if p[i] > level else "better" if tests[i].statistic > 0 else "worse"
        assert difference.state == lift.state == wanted
        assert difference.correction == "benjamini_hochberg:6"


def test_a_secondary_metric_without_a_number_stays_in_the_family() -> None:
    strong = (draw(1, 200, 10), draw(2, 200, 11.2))
    _, alone = secondary({"s": strong})
    _, results = secondary({"s": strong, "flat": ([3.0] * 9, [3.0] * 9), "gone": ([], [])})
    p = rows(results, "s")[0].p
    assert p is not None
    assert rows(results, "s")[0].p_adjusted == pytest.approx(3 * p)
    assert rows(alone, "s")[0].p_adjusted == pytest.approx(p)
    assert [rows(results, key)[0].p_adjusted for key in ("flat", "gone")] == [None, None]
    assert rows(results, "s")[0].confidence_adjusted == pytest.approx(1 - 0.1 / 3)


def test_only_secondary_metrics_with_a_direction_have_a_state() -> None:
    plan = made({"a": {}, "s": {"desired_change": "none"}}, {"primary": "a", "secondary": ["s"]})
    cells = [*shares((50, 100), (50, 100)), *shares((500, 1000), (900, 1000), "s")]
    assert [row.state for row in of(plan, cells, "s")] == ["described", "described"]


def test_what_is_only_described_is_never_tested() -> None:
    plan = made({"a": {}, "d": {}}, {"primary": "a", "descriptive": ["d"]}, variants=("treated", "other"))
    cells = [*shares((50, 100), (50, 100)), *shares((500, 1000), (900, 1000), "d")]
    cells += [share_cell("a", "other", 50, 100), share_cell("d", "other", 500, 1000)]
    for row in of(plan, cells, "d"):
        assert (row.state, row.role, row.correction) == ("described", "descriptive", "none")
        assert row.p_adjusted == row.p
        assert row.confidence_adjusted == row.confidence == 0.95
    # It is in nobody's family.
    assert of(plan, cells)[0].correction == "bonferroni:2"


def guarded(tolerate: str, direction: str, kind: str = "mean", **changes: Any) -> Plan:
    metrics = {"a": {}, "g": {"desired_change": direction, "kind": kind, "unit_of_measure": "USD"}}
    return made(metrics, {"primary": "a", "guardrails": [{"metric": "g", "tolerate": tolerate}]}, **changes)


@pytest.mark.parametrize("shift", [-1.5, -0.5, -0.1, 0.0, 0.1, 0.5, 1.5])
@pytest.mark.parametrize("tolerate", ["5%", "0.5 USD"])
@pytest.mark.parametrize("direction", ["increase", "decrease"])
def test_guardrails_are_one_sided_contrasts_with_the_margin(direction: str, tolerate: str, shift: float) -> None:
    control, treated = draw(5, 300, 10.0), draw(6, 400, 10.0 + shift)
    difference, lift = of(
        guarded(tolerate, direction), [*shares((50, 100), (50, 100)), *numbers(control, treated, "g")], "g"
    )
    sign, relative = (1 if direction == "increase" else -1), tolerate.endswith("%")
    scale = 1 - sign * 0.05 if relative else 1.0
    allowed = 0.0 if relative else sign * 0.5
    contrast = np.mean(treated) - scale * np.mean(control) + allowed
    se = math.sqrt(np.var(treated, ddof=1) / 400 + scale**2 * np.var(control, ddof=1) / 300)
    df = stats.ttest_ind(treated, control, equal_var=False).df
    safe, harm = stats.t.sf(sign * contrast / se, df), stats.t.cdf(sign * contrast / se, df)
    state = "safe" if safe < 0.05 else "harm" if harm < 0.05 else "cannot_tell"
    assert difference.state == lift.state == state
    own, other = (lift, difference) if relative else (difference, lift)
    assert own.margin == pytest.approx(0.05 if relative else 0.5)
    assert own.p_adjusted == pytest.approx(safe, rel=1e-7)
    assert (other.margin, other.p_adjusted) == (None, None)
    # The two-sided 90 % interval on the margin's own scale says the same.
    assert own.confidence_adjusted == pytest.approx(0.9)
    assert own.lower_adjusted is not None
    assert own.upper_adjusted is not None
    assert own.margin is not None
    worst, best = (own.lower_adjusted, own.upper_adjusted) if sign > 0 else (-own.upper_adjusted, -own.lower_adjusted)
    assert (worst > -own.margin) == (state == "safe")
    assert (best < -own.margin) == (state == "harm")


def test_guardrails_are_not_corrected_for_several_variants() -> None:
    data = {"control": draw(1, 90, 10), "treated": draw(2, 80, 10.2), "other": draw(3, 80, 9.9)}
    cells = [number_cell("g", key, values) for key, values in data.items()]
    cells += [share_cell("a", key, 50, 100) for key in data]
    two, three = guarded("5%", "increase"), guarded("5%", "increase", variants=("treated", "other"))
    assert of(two, cells, "g") == of(three, cells, "g")


@pytest.mark.parametrize(
    ("tolerate", "control", "treated", "state"),
    [
        ("2pt", (10, 1000), (10, 1000), "safe"),
        ("2pt", (10, 1000), (60, 1000), "harm"),
        ("2pt", (10, 1000), (25, 1000), "cannot_tell"),
        ("2pt", (0, 1000), (0, 1000), "safe"),
        ("200%", (30, 1000), (30, 1000), "safe"),
        ("20%", (30, 1000), (90, 1000), "harm"),
        ("20%", (30, 1000), (30, 1000), "cannot_tell"),
    ],
)
def test_guardrails_of_small_counts(
    tolerate: str, control: tuple[int, int], treated: tuple[int, int], state: str
) -> None:
    plan = made(
        {"a": {}, "g": {"desired_change": "decrease"}},
        {"primary": "a", "guardrails": [{"metric": "g", "tolerate": tolerate}]},
    )
    difference, lift = of(plan, [*shares((50, 100), (50, 100)), *shares(control, treated, "g")], "g")
    assert difference.state == state
    assert difference.estimator == "Miettinen-Nurminen score"
    if lift.status == "estimated":
        assert lift.state == state


def test_a_relative_margin_against_a_baseline_of_zero_is_no_estimate() -> None:
    """The difference has a number, but nobody has judged it: it must not read as "only described"."""
    plan = guarded("5%", "increase")
    cells = [*shares((50, 100), (50, 100)), *numbers([0.0, 0.0, 0.0], [0.0, 1.0, 2.0], "g")]
    difference, lift = of(plan, cells, "g")
    assert (difference.status, difference.state) == ("estimated", "not_estimable")
    assert difference.reason == lift.reason == "baseline_not_positive"
    assert (lift.status, lift.state, lift.margin) == ("not_estimable", "not_estimable", 0.05)


def test_a_metric_where_less_is_better() -> None:
    plan = one(metric={"desired_change": "decrease"})
    assert [row.state for row in of(plan, shares((500, 1000), (400, 1000)))] == ["better", "better"]
    assert [row.state for row in of(plan, shares((400, 1000), (500, 1000)))] == ["worse", "worse"]


@quiet
@given(
    st.integers(min_value=2, max_value=3000),
    st.integers(min_value=2, max_value=3000),
    st.floats(min_value=0, max_value=1),
    st.floats(min_value=0, max_value=1),
    st.sampled_from(["increase", "decrease"]),
)
def test_the_state_is_what_the_interval_and_the_p_value_say(n: int, m: int, p: float, q: float, direction: str) -> None:
    plan = one("proportion", metric={"desired_change": direction}, variants=("treated", "other"))
    cells = [*shares((round(n * p), n), (round(m * q), m)), share_cell("a", "other", 5, 10)]
    difference, lift = of(plan, cells)
    for row in (difference, lift):
        if row.status != "estimated":
            assert (row.state, row.estimate, row.p, row.lower_adjusted) == ("not_estimable", None, None, None)
            assert row.reason
            continue
        assert row.p_adjusted is not None
        assert row.estimate is not None
        if row.lower_adjusted is None or row.upper_adjusted is None:
            assert row.estimand == "lift"
            assert row.reason == "baseline_too_close_to_zero"
            assert row.state == "cannot_tell"
            continue
        excluded = row.lower_adjusted > 0 or row.upper_adjusted < 0
        assert excluded == (row.state in {"better", "worse"})
        if abs(row.p_adjusted - 0.05) > 1e-9:
            assert excluded == (row.p_adjusted < 0.05)
        assert row.lower_adjusted <= row.estimate <= row.upper_adjusted
        if excluded:
            assert (row.state == "better") == ((row.estimate > 0) == (direction == "increase"))
    if lift.status == difference.status == "estimated" and lift.lower_adjusted is not None:
        assert lift.state == difference.state
        assert lift.p_adjusted == difference.p_adjusted


@quiet
@given(
    st.lists(st.integers(min_value=-50, max_value=500), min_size=2, max_size=30),
    st.lists(st.integers(min_value=-50, max_value=500), min_size=2, max_size=30),
)
def test_swapping_the_variants_turns_the_sign(control: list[int], treated: list[int]) -> None:
    there, _ = of(one("mean"), numbers(control, treated))
    back, _ = of(one("mean"), numbers(treated, control))
    assert there.status == back.status
    if there.status == "estimated":
        assert there.estimate is not None
        assert there.lower is not None
        assert back.upper is not None
        assert back.estimate == pytest.approx(-there.estimate)
        assert back.upper == pytest.approx(-there.lower)
        assert back.p == pytest.approx(there.p)
        opposite = {"better": "worse", "worse": "better", "cannot_tell": "cannot_tell"}
        assert back.state == opposite[there.state]


REASONS: dict[str, tuple[Plan, list[Cell], Reason, Reason | None]] = {
    "nobody in the variant": (one("mean"), numbers([1, 2, 3], []), "no_units", "no_units"),
    "nobody in control": (one("mean"), numbers([], [1, 2, 3]), "no_units", "no_units"),
    "nobody mature": (
        one("mean"),
        [number_cell("a", "control", [1, 2, 3]), replace(number_cell("a", "treated", []), mature=0)],
        "no_mature_units",
        "no_mature_units",
    ),
    "one unit": (one("mean"), numbers([1, 2, 3], [1]), "too_few_units", "too_few_units"),
    "one unit, share": (one(), shares((1, 10), (1, 1)), "too_few_units", "too_few_units"),
    "constants": (one("mean"), numbers([5, 5, 5], [5, 5, 5]), "zero_variance", "zero_variance"),
    "other constants": (one("mean"), numbers([5, 5, 5], [7, 7, 7]), "zero_variance", "zero_variance"),
    "no orders": (
        made({"a": RATIO}, {"primary": "a"}),
        [ratio_cell("a", "control", [(10, 1), (20, 2), (0, 0)]), ratio_cell("a", "treated", [(0, 0)] * 3)],
        "zero_denominator",
        "zero_denominator",
    ),
    "not a number": (
        one("mean"),
        [
            number_cell("a", "control", [1, 2, 3]),
            replace(number_cell("a", "treated", [1, 2, 3]), moments=Moments(3, (math.inf,), ((1.0,),))),
        ],
        "not_finite",
        "not_finite",
    ),
}


@pytest.mark.parametrize("name", REASONS)
def test_what_cannot_be_computed_says_why(name: str) -> None:
    plan, cells, reason, lift_reason = REASONS[name]
    assigned = {"control": 3, "treated": 3}
    if name == "nobody in the variant":
        assigned["treated"] = 0
    if name == "nobody in control":
        assigned["control"] = 0
    results = estimate.run(plan, reading(cells, assigned=assigned))
    difference, lift = rows(results)
    assert (difference.reason, lift.reason) == (reason, lift_reason)
    for row in (difference, lift):
        assert row.status == row.state == "not_estimable"
        numeric = (row.estimate, row.se, row.lower, row.upper, row.p, row.log10_p, row.lower_adjusted, row.p_adjusted)
        assert set(numeric) == {None}
    assert not results.money


@pytest.mark.parametrize(
    ("control", "treated", "reason"),
    [
        ([0, 0, 0], [0, 1, 2], "baseline_not_positive"),
        ([-3, -2, -1], [0, 1, 2], "baseline_not_positive"),
        ([-10, 0, 11], [0, 1, 2], "baseline_too_close_to_zero"),
    ],
)
def test_a_difference_may_exist_where_the_lift_does_not(
    control: list[float], treated: list[float], reason: str
) -> None:
    difference, lift = of(one("mean"), numbers(control, treated))
    assert difference.status == "estimated"
    assert (lift.status, lift.reason) == ("not_estimable", reason)


def test_nobody_lost_in_either_variant_is_a_difference_of_zero() -> None:
    difference, lift = of(one("proportion"), shares((0, 500), (0, 400)))
    assert (difference.estimate, difference.p, difference.state) == (0.0, 1.0, "cannot_tell")
    assert difference.lower is not None
    assert difference.upper is not None
    assert difference.lower < 0 < difference.upper
    assert lift.reason == "baseline_not_positive"


def test_a_lift_may_lose_its_interval_at_the_stricter_level() -> None:
    """95 % is possible, 99 % reaches a baseline of zero: the nominal interval stays, with the reason."""
    plan = one("mean", variants=("treated", "b", "c", "d", "e"))
    cells = numbers([-0.44, 1.56] * 10, [9.0, 10.0, 11.0, 12.0] * 5)
    cells += [number_cell("a", key, [1.0, 2.0, 3.0]) for key in "bcde"]
    difference, lift = of(plan, cells)
    assert lift.status == "estimated"
    assert lift.lower is not None
    assert lift.lower_adjusted is None
    assert lift.reason == "baseline_too_close_to_zero"
    assert difference.state == "better"


def test_levels() -> None:
    plan = made({"a": {"kind": "mean"}, "r": RATIO, "p": {}}, {"primary": "a", "secondary": ["r", "p"]})
    cells = [
        replace(number_cell("a", "control", [1.0, 2.0, 6.0]), mature=5, excluded=2, raw=Moments(3, (9.0,), ((1.0,),))),
        number_cell("a", "treated", [4.0]),
        ratio_cell("r", "control", [(10, 1), (30, 3), (20, 1)]),
        ratio_cell("r", "treated", [(0, 0)]),
        share_cell("p", "control", 3, 12),
        share_cell("p", "treated", 0, 0),
    ]
    levels = {
        (level.metric, level.variant): level
        for level in estimate.run(plan, reading(cells, assigned={"control": 12, "treated": 1})).levels
    }
    assert len(levels) == 6
    mean = levels["a", "control"]
    assert (mean.n, mean.mature, mean.excluded, mean.value, mean.raw_value) == (3, 5, 2, 3.0, 9.0)
    assert mean.se == pytest.approx(stats.sem([1, 2, 6]))
    assert mean.unit_variance == pytest.approx(7.0)
    assert mean.totals == (9.0,)
    alone = levels["a", "treated"]
    assert (alone.n, alone.value, alone.se, alone.unit_variance) == (1, 4.0, None, None)
    ratio = levels["r", "control"]
    assert (ratio.value, ratio.active, ratio.unit_variance) == (12.0, 3, None)
    assert ratio.totals == pytest.approx((60.0, 5.0))
    assert levels["r", "treated"].value is None
    share = levels["p", "control"]
    assert (share.value, share.active) == (0.25, 3)
    assert share.se == pytest.approx(stats.sem([1] * 3 + [0] * 9))
    assert (levels["p", "treated"].value, levels["p", "treated"].n) == (None, 0)


@quiet
@given(
    st.lists(st.tuples(st.integers(min_value=1, max_value=900), st.integers(min_value=0, max_value=9)), min_size=3),
    st.lists(st.tuples(st.integers(min_value=1, max_value=900), st.integers(min_value=0, max_value=9)), min_size=3),
)
def test_the_parts_multiply_to_the_whole(control: list[tuple[int, int]], treated: list[tuple[int, int]]) -> None:
    groups = [[(price * orders, orders) for price, orders in group] for group in (control, treated)]
    parts = _own_columns(groups)
    if not all(any(orders for _, orders in group) for group in groups):
        assert parts == ()
        return
    base, changed = parts
    for part, group in zip((base, changed), groups, strict=True):
        assert part.share_active * part.per_active * part.ratio == pytest.approx(part.per_unit, rel=1e-12)
        assert part.per_unit == pytest.approx(sum(revenue for revenue, _ in group) / len(group), rel=1e-12)
        buyers = [orders for _, orders in group if orders]
        assert part.share_active == pytest.approx(len(buyers) / len(group), rel=1e-12)
        assert part.per_active == pytest.approx(sum(buyers) / len(buyers), rel=1e-12)
    assert base.change_per_unit is None
    assert changed.change_per_unit is not None
    assert changed.change_share_active is not None
    assert changed.change_per_active is not None
    assert changed.change_ratio is not None
    product = (1 + changed.change_share_active) * (1 + changed.change_per_active) * (1 + changed.change_ratio)
    assert product - 1 == pytest.approx(changed.change_per_unit, rel=1e-9, abs=1e-12)


def _own_columns(groups: list[list[tuple[int, int]]]) -> tuple[Any, ...]:
    """The decomposition of an average order value that the experiment defines over its own columns."""
    study = outcomes({"a": {"desired_change": "increase"}}, {"primary": "a"})
    plan = planning.plan(study, AS_OF)
    whole = made({"average_order_value": RATIO}, {"primary": "average_order_value"}).primary
    trio = replace(whole, role="secondary", trio="average_order_value")
    plan = replace(plan, metrics=(*plan.metrics, trio))
    cells = [*shares((1, 3), (1, 3))]
    cells += [
        ratio_cell("average_order_value", key, group) for key, group in zip(("control", "treated"), groups, strict=True)
    ]
    return estimate.run(plan, reading(cells)).decomposition


def money(**changes: Any) -> Plan:
    metric = {"kind": "mean", "unit_of_measure": "USD", **changes.pop("metric", {})}
    return one(metric=metric, rollout={"customers": 20_000, "every": "4w"}, **changes)


def test_money_is_the_effect_times_the_customers() -> None:
    plan = money(variants=("treated", "other"), analysis={"comparisons": [["treated", "other"]]})
    cells = [number_cell("a", key, draw(i, 60, 10 + i)) for i, key in enumerate(("control", "treated", "other"))]
    results = estimate.run(plan, reading(cells))
    assert [projection.variant for projection in results.money] == ["treated", "other"]
    for projection in results.money:
        difference, _ = rows(results, variant=projection.variant)
        assert difference.estimate is not None
        assert difference.lower_adjusted is not None
        assert difference.upper_adjusted is not None
        assert projection.value == difference.estimate * 20_000
        assert projection.lower == difference.lower_adjusted * 20_000
        assert projection.upper == difference.upper_adjusted * 20_000
        assert (projection.customers, projection.every_days, projection.currency) == (20_000, 28, "USD")


def test_no_money_without_a_rollout_a_currency_or_a_number() -> None:
    cells = numbers([1, 2, 3], [4, 5, 6])
    assert estimate.run(money(), reading(cells)).money
    assert not estimate.run(one("mean", metric={"unit_of_measure": "USD"}), reading(cells)).money
    for unit in ("orders", "usd", None):
        assert not estimate.run(money(metric={"unit_of_measure": unit}), reading(cells)).money
    assert not estimate.run(money(), reading(numbers([1, 2, 3], [4]))).money


def test_a_change_in_order_value_times_customers_is_no_money() -> None:
    """USD per order is not USD per customer."""
    plan = made({"a": RATIO}, {"primary": "a"}, rollout={"customers": 20_000, "every": "4w"})
    pairs = [(10, 1), (30, 2), (0, 0)]
    cells = [ratio_cell("a", "control", pairs), ratio_cell("a", "treated", [(20, 1), (50, 2), (0, 0)])]
    results = estimate.run(plan, reading(cells))
    assert rows(results)[0].status == "estimated"
    assert not results.money


def test_nothing_before_the_readout() -> None:
    plan = money()
    assert estimate.run(plan, reading(numbers([1, 2, 3], [4, 5, 6]))).estimates
    early = estimate.run(replace(plan, interim=True), reading(numbers([1, 2, 3], [4, 5, 6])))
    assert early == Results((), (), (), (), ())


def curved() -> Plan:
    return made({"a": {}, "day_1": {}, "day_7": {}}, {"primary": "a", "curves": [{"points": {1: "day_1", 7: "day_7"}}]})


def test_curve_points_are_shares_with_wilson_intervals() -> None:
    cells = [*shares((5, 10), (5, 10)), *shares((60, 80), (1, 90), "day_1"), *shares((0, 50), (0, 0), "day_7")]
    read = reading(cells, assigned={"control": 100, "treated": 90})
    (curve,) = estimate.run(curved(), read).curves
    assert [(point.variant, point.first_day) for point in curve.points] == [
        ("control", 1),
        ("control", 7),
        ("treated", 1),
        ("treated", 7),
    ]
    first, zero, low, none = curve.points
    assert (first.rate, first.at_risk, first.events, first.censored) == (0.75, 80, 60, 20)
    expected = proportion.proportion_confint(60, 80, method="wilson")
    assert (first.lower, first.upper) == pytest.approx(expected, rel=1e-9)
    assert (zero.rate, zero.lower, zero.censored) == (0.0, 0.0, 50)
    assert low.rate == pytest.approx(1 / 90)
    assert (none.rate, none.lower, none.upper, none.at_risk, none.censored) == (None, None, None, 0, 90)


def test_a_curve_of_what_is_no_share_is_the_users_to_correct() -> None:
    cells = [*shares((5, 10), (5, 10)), *numbers([0, 1, 2, 9], [0, 1], "day_1"), *shares((0, 50), (0, 10), "day_7")]
    with pytest.raises(DataError, match=r'a retention curve is made of proportions, and "day_1"'):
        estimate.run(curved(), reading(cells))
    empty = [*shares((5, 10), (5, 10)), *numbers([], [], "day_1"), *numbers([], [], "day_7")]
    assert [point.rate for point in estimate.run(curved(), reading(empty)).curves[0].points] == [None] * 4


def test_the_rows_come_by_role_and_in_the_order_of_the_plan() -> None:
    metrics: dict[str, Any] = {key: {} for key in "asgd"}
    plan = made(
        metrics,
        {
            "primary": "a",
            "secondary": ["s"],
            "guardrails": [{"metric": "g", "tolerate": "1pt"}],
            "descriptive": ["d"],
        },
    )
    cells = [cell for key in metrics for cell in shares((500, 1000), (510, 1000), key)]
    results = estimate.run(plan, reading(cells))
    assert [(row.metric, row.role, row.estimand) for row in results.estimates] == [
        (key, role, estimand)
        for key, role in (("a", "primary"), ("s", "secondary"), ("g", "guardrail"), ("d", "descriptive"))
        for estimand in ("difference", "lift")
    ]
