"""What must hold for every input: symmetry, invariance, and one verdict from difference, lift and margin."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from holdfast.stats import (
    Arm,
    Interval,
    OneSided,
    SrmTest,
    benjamini_hochberg,
    bonferroni,
    difference,
    fieller_lift,
    koopman_lift,
    mn_difference,
    mn_non_inferiority,
    non_inferiority,
    srm,
    wilson,
)

quiet = settings(derandomize=True, max_examples=150, deadline=None, database=None)

thetas = st.floats(min_value=-50.0, max_value=50.0)
variances = st.floats(min_value=1e-4, max_value=20.0)
sizes = st.integers(min_value=2, max_value=5000)
confidences = st.sampled_from([0.8, 0.9, 0.95, 0.99, 0.9999])


@st.composite
def arms(draw: st.DrawFn) -> Arm:
    return Arm(theta=draw(thetas), variance=draw(variances), n=draw(sizes))


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    n = draw(st.sampled_from([1, 2, 7, 40, 333, 10_000, 1_000_000]))
    share = draw(st.sampled_from([0.0, 0.003, 0.1, 0.5, 0.9, 1.0]))
    jitter = draw(st.floats(min_value=0.7, max_value=1.3))
    return min(n, round(n * share * jitter)), n


def interval(value: object) -> Interval:
    assert isinstance(value, Interval)
    return value


def judged(value: object) -> OneSided:
    assert isinstance(value, OneSided)
    return value


def excludes_zero(effect: Interval) -> bool:
    return effect.lower > 0.0 or effect.upper < 0.0


def significant(effect: Interval) -> bool:
    """p < alpha; a p at alpha to the last digits says nothing about either side."""
    alpha = 1.0 - effect.confidence
    assume(abs(effect.p - alpha) > 1e-9 * alpha)
    return effect.p < alpha


@quiet
@given(arms(), arms(), confidences)
def test_swapping_variants_flips_the_difference(t: Arm, c: Arm, confidence: float) -> None:
    one, two = interval(difference(t, c, confidence=confidence)), interval(difference(c, t, confidence=confidence))
    assert one.estimate == -two.estimate
    assert (one.lower, one.upper) == pytest.approx((-two.upper, -two.lower), rel=1e-12)
    assert one.p == pytest.approx(two.p, rel=1e-9)


@quiet
@given(counts(), counts(), confidences)
def test_swapping_variants_flips_the_score_difference(
    t: tuple[int, int], c: tuple[int, int], confidence: float
) -> None:
    one = interval(mn_difference(treated=t, control=c, confidence=confidence))
    two = interval(mn_difference(treated=c, control=t, confidence=confidence))
    assert (one.lower, one.upper) == pytest.approx((-two.upper, -two.lower), abs=1e-9)
    assert one.p == pytest.approx(two.p, rel=1e-9)


@quiet
@given(counts(), counts())
def test_counting_failures_flips_the_score_difference(t: tuple[int, int], c: tuple[int, int]) -> None:
    one = interval(mn_difference(treated=t, control=c, confidence=0.95))
    two = interval(mn_difference(treated=(t[1] - t[0], t[1]), control=(c[1] - c[0], c[1]), confidence=0.95))
    assert (one.lower, one.upper) == pytest.approx((-two.upper, -two.lower), abs=1e-9)


@quiet
@given(arms(), arms(), st.sampled_from([1e-6, 0.007, 155.0, 1e7]))
def test_another_currency_changes_neither_lift_nor_p(t: Arm, c: Arm, rate: float) -> None:
    scaled_t = replace(t, theta=t.theta * rate, variance=t.variance * rate * rate)
    scaled_c = replace(c, theta=c.theta * rate, variance=c.variance * rate * rate)
    one, two = fieller_lift(t, c, confidence=0.95), fieller_lift(scaled_t, scaled_c, confidence=0.95)
    if not isinstance(one, Interval) or not isinstance(two, Interval):
        assert type(one) is type(two)
        return
    assume(1.0 - (c.variance * 4.0) / c.theta**2 > 1e-3)
    assert (two.estimate, two.lower, two.upper) == pytest.approx((one.estimate, one.lower, one.upper), rel=1e-6)
    assert two.log10_p == pytest.approx(one.log10_p, rel=1e-9, abs=1e-12)


@quiet
@given(arms(), arms(), confidences, st.floats(min_value=-0.9, max_value=0.9))
def test_lift_difference_and_p_agree(t: Arm, c: Arm, confidence: float, correlation: float) -> None:
    covariance = correlation * math.sqrt(t.variance * c.variance)
    effect = interval(difference(t, c, confidence=confidence, covariance=covariance))
    assert excludes_zero(effect) is significant(effect)
    lift = fieller_lift(t, c, confidence=confidence, covariance=covariance)
    if isinstance(lift, Interval):
        assert excludes_zero(lift) is excludes_zero(effect)
        assert (lift.p, lift.df, lift.statistic) == (effect.p, effect.df, effect.statistic)
        assert lift.lower <= lift.estimate <= lift.upper


@quiet
@given(counts(), counts(), confidences)
def test_score_lift_difference_and_p_agree(t: tuple[int, int], c: tuple[int, int], confidence: float) -> None:
    effect = interval(mn_difference(treated=t, control=c, confidence=confidence))
    assert -1.0 <= effect.lower <= effect.estimate <= effect.upper <= 1.0
    assert excludes_zero(effect) is significant(effect)
    lift = koopman_lift(treated=t, control=c, confidence=confidence)
    if isinstance(lift, Interval):
        assert -1.0 <= lift.lower <= lift.estimate <= lift.upper
        assert excludes_zero(lift) is excludes_zero(effect)
        assert lift.p == effect.p


def state_from_bounds(result: OneSided, increase_is_good: bool) -> str:
    """What the two bounds say of the margin."""
    best, worst = (result.upper, result.lower) if increase_is_good else (-result.lower, -result.upper)
    assume(min(abs(best + result.margin), abs(worst + result.margin)) > 1e-9)
    return "safe" if worst > -result.margin else "harm" if best < -result.margin else "cannot_tell"


@quiet
@given(arms(), arms(), st.booleans(), st.booleans(), st.sampled_from([0.0, 0.05, 0.3]))
def test_state_and_bounds_of_the_margin_agree(t: Arm, c: Arm, relative: bool, good: bool, margin: float) -> None:
    result = non_inferiority(t, c, margin=margin, relative=relative, increase_is_good=good, confidence=0.95)
    if isinstance(result, OneSided) and result.relative is relative:
        assert result.state == state_from_bounds(result, good)
        assert (result.p_safe < 0.05, result.p_harm < 0.05) == (result.state == "safe", result.state == "harm")


@quiet
@given(counts(), counts(), st.booleans(), st.booleans(), st.sampled_from([0.0, 0.003, 0.1]))
def test_state_and_bounds_of_the_score_margin_agree(
    t: tuple[int, int], c: tuple[int, int], relative: bool, good: bool, margin: float
) -> None:
    result = judged(
        mn_non_inferiority(
            treated=t, control=c, margin=margin, relative=relative, increase_is_good=good, confidence=0.95
        )
    )
    assert (result.p_safe < 0.05, result.p_harm < 0.05) == (result.state == "safe", result.state == "harm")
    if result.relative is relative:
        assert result.state == state_from_bounds(result, good)


@quiet
@given(arms(), arms(), st.sampled_from([0.0, 0.2, 3.0]))
def test_good_and_bad_are_mirror_images(t: Arm, c: Arm, margin: float) -> None:
    mirrored = replace(t, theta=-t.theta), replace(c, theta=-c.theta)
    one = judged(non_inferiority(t, c, margin=margin, relative=False, increase_is_good=True, confidence=0.9))
    two = judged(non_inferiority(*mirrored, margin=margin, relative=False, increase_is_good=False, confidence=0.9))
    assert one.state == two.state
    assert one.p_safe == pytest.approx(two.p_safe, rel=1e-12)


@quiet
@given(arms(), arms())
def test_more_confidence_is_a_wider_interval(t: Arm, c: Arm) -> None:
    narrow, wide = interval(difference(t, c, confidence=0.9)), interval(difference(t, c, confidence=0.99))
    assert wide.lower < narrow.lower < narrow.upper < wide.upper


@quiet
@given(counts(), confidences)
def test_wilson_holds_its_share(count: tuple[int, int], confidence: float) -> None:
    lower, upper = wilson(n=count[1], successes=count[0], confidence=confidence)
    assert 0.0 <= lower <= count[0] / count[1] <= upper <= 1.0


@quiet
@given(
    st.lists(st.floats(min_value=0.0, max_value=1.0), max_size=12),
    st.integers(min_value=0, max_value=5),
    st.sampled_from([0.05, 0.1, 0.5]),
)
def test_corrections_keep_order_and_the_level_selects(p: list[float], extra: int, q: float) -> None:
    selection = benjamini_hochberg(p, q=q, family=len(p) + extra)
    assert selection.selected == tuple(value <= selection.level for value in p)
    for raw, adjusted, strict in zip(p, selection.adjusted, bonferroni(p, family=len(p) + extra), strict=True):
        assert raw <= adjusted * (1.0 + 1e-12)
        assert adjusted <= strict <= 1.0
    ranked = [adjusted for _, adjusted in sorted(zip(p, selection.adjusted, strict=True))]
    assert ranked == sorted(ranked)
    for adjusted, selected in zip(selection.adjusted, selection.selected, strict=True):
        if abs(adjusted - q) > 1e-12:
            assert selected is (adjusted <= q)


@quiet
@given(st.lists(st.integers(min_value=0, max_value=60), min_size=2, max_size=4))
def test_the_split_test_does_not_depend_on_order_or_scale(units: list[int]) -> None:
    assume(sum(units) > 0)
    weights = [1.0, 2.0, 3.0, 4.0][: len(units)]
    one = srm(units, weights)
    two = srm(units[::-1], [weight * 0.1 for weight in weights[::-1]])
    assert isinstance(one, SrmTest)
    assert isinstance(two, SrmTest)
    assert one.p == pytest.approx(two.p, rel=1e-6)
    assert one.expected == pytest.approx(two.expected[::-1])
