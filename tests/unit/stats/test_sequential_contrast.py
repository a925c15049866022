"""Difference, lift and margin at a look: they agree with each other and with their p-values, and are the fixed ones for
one look."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from holdfast.model.outcome import NotEstimable
from holdfast.stats import Arm, Interval, OneSided, difference, fieller_lift, non_inferiority
from holdfast.stats.sequential_contrast import (
    Look,
    critical_at_df,
    interval_at,
    look,
    normal_scale,
    precision,
    repeated_p,
    sequential_effect,
    sequential_non_inferiority,
)
from holdfast.stats.spending import Spending

quiet = settings(derandomize=True, max_examples=100, deadline=None, database=None)
ways = st.sampled_from(["obrien_fleming", "pocock", "power"])
confidences = st.sampled_from([0.8, 0.95, 0.999])
ONCE = [Look(1.0, 1.0)]


@st.composite
def arms(draw: st.DrawFn) -> Arm:
    return Arm(
        theta=draw(st.floats(min_value=-20.0, max_value=50.0)),
        variance=draw(st.floats(min_value=1e-3, max_value=20.0)),
        n=draw(st.integers(min_value=5, max_value=5000)),
    )


@st.composite
def looks(draw: st.DrawFn) -> list[Look]:
    steps = draw(st.lists(st.floats(min_value=0.05, max_value=1.0), min_size=1, max_size=5))
    planned = draw(st.floats(min_value=0.5, max_value=1.5)) * math.fsum(steps)
    sums = [math.fsum(steps[: k + 1]) for k in range(len(steps))]
    last = draw(st.booleans())
    found = [look(information=each, planned=planned) for each in sums[:-1]]
    assume(not found or found[-1].fraction < 0.99)
    return [*found, look(information=sums[-1], planned=planned, last=last)]


def interval(value: object) -> Interval:
    assert isinstance(value, Interval)
    return value


def judged(value: object) -> OneSided:
    assert isinstance(value, OneSided)
    return value


def excludes_zero(effect: Interval) -> bool:
    return effect.lower > 0.0 or effect.upper < 0.0


@quiet
@given(arms(), arms(), looks(), ways, confidences, st.floats(min_value=-0.9, max_value=0.9))
def test_lift_difference_and_p_agree_at_every_look(
    t: Arm, c: Arm, taken: list[Look], way: Spending, confidence: float, correlation: float
) -> None:
    shared = correlation * math.sqrt(t.variance * c.variance)
    effect = interval(sequential_effect(t, c, looks=taken, confidence=confidence, spending=way, covariance=shared))
    alpha = 1.0 - confidence
    assume(abs(effect.p - alpha) > 1e-6 * alpha)
    assert excludes_zero(effect) is (effect.p < alpha)
    assert effect.log10_p == pytest.approx(math.log10(effect.p) if effect.p else effect.log10_p, abs=1e-9)
    fixed = interval(difference(t, c, confidence=confidence, covariance=shared))
    assert effect.p >= fixed.p * (1.0 - 1e-4)
    lift = sequential_effect(t, c, looks=taken, confidence=confidence, spending=way, covariance=shared, relative=True)
    if isinstance(lift, Interval):
        assert excludes_zero(lift) is excludes_zero(effect)
        assert (lift.p, lift.statistic) == (effect.p, effect.statistic)
        assert lift.lower <= lift.estimate <= lift.upper


@quiet
@given(arms(), arms(), confidences)
def test_one_look_is_the_fixed_interval(t: Arm, c: Arm, confidence: float) -> None:
    fixed, once = difference(t, c, confidence=confidence), sequential_effect(t, c, looks=ONCE, confidence=confidence)
    for one, two in (
        (interval(fixed), interval(once)),
        (
            fieller_lift(t, c, confidence=confidence),
            sequential_effect(t, c, looks=ONCE, confidence=confidence, relative=True),
        ),
    ):
        if not (isinstance(one, Interval) and isinstance(two, Interval)):
            assert type(one) is type(two)
            continue
        assert (two.lower, two.upper) == pytest.approx((one.lower, one.upper), rel=1e-8, abs=1e-8)
        assert two.log10_p == pytest.approx(one.log10_p, rel=1e-7, abs=5e-4)  # from 0.999 on p is 1


@quiet
@given(arms(), arms(), looks())
def test_swapping_variants_flips_the_interval(t: Arm, c: Arm, taken: list[Look]) -> None:
    one = interval(sequential_effect(t, c, looks=taken, confidence=0.95))
    two = interval(sequential_effect(c, t, looks=taken, confidence=0.95))
    assert (one.lower, one.upper, one.p) == pytest.approx((-two.upper, -two.lower, two.p), rel=1e-9)


@quiet
@given(
    arms(),
    arms(),
    looks(),
    ways,
    st.booleans(),
    st.booleans(),
    st.sampled_from([0.0, 0.1, 0.5]),
    st.sampled_from([0.8, 0.95]),
)
def test_state_bounds_and_p_of_a_margin_agree(
    t: Arm, c: Arm, taken: list[Look], way: Spending, relative: bool, good: bool, margin: float, confidence: float
) -> None:
    found = sequential_non_inferiority(
        t,
        c,
        margin=margin,
        relative=relative,
        increase_is_good=good,
        looks=taken,
        confidence=confidence,
        spending=way,
    )
    if isinstance(found, NotEstimable):
        assert found.reason == "baseline_not_positive"
        return
    alpha = 1.0 - confidence
    assume(all(abs(p - alpha) > 1e-6 for p in (found.p_safe, found.p_harm)))
    assert (found.state == "safe") is (found.p_safe < alpha)
    assert (found.state == "harm") is (found.p_harm < alpha)
    if found.relative or not relative:
        safe = found.lower > -margin if good else found.upper < margin
        harm = found.upper < -margin if good else found.lower > margin
        gaps = [abs(abs(bound) - margin) for bound in (found.lower, found.upper)]
        assume(min(gaps) > 1e-9)
        assert (found.state == "safe") is safe
        assert (found.state == "harm") is harm


@quiet
@given(arms(), arms(), st.booleans(), st.booleans(), st.sampled_from([0.0, 0.1]))
def test_one_look_at_a_margin_is_the_fixed_one(t: Arm, c: Arm, relative: bool, good: bool, margin: float) -> None:
    fixed = non_inferiority(t, c, margin=margin, relative=relative, increase_is_good=good, confidence=0.95)
    once = sequential_non_inferiority(
        t, c, margin=margin, relative=relative, increase_is_good=good, looks=ONCE, confidence=0.95
    )
    if isinstance(fixed, NotEstimable):
        assert isinstance(once, NotEstimable)
        return
    found = judged(once)
    assert found.state == fixed.state
    assert (found.lower, found.upper) == pytest.approx((fixed.lower, fixed.upper), rel=1e-6, abs=1e-6)
    assert found.p_safe == pytest.approx(fixed.p_safe, rel=1e-6, abs=1.1e-3)  # from 0.999 on it is 1
    assert found.relative is fixed.relative


@quiet
@given(st.floats(min_value=-40.0, max_value=40.0), st.sampled_from([5.0, 80.0, 1e4, 1e9]))
def test_scales_of_t_and_normal_are_inverse(statistic: float, df: float) -> None:
    z = normal_scale(statistic, df=df)
    assert math.copysign(1.0, z) == math.copysign(1.0, statistic)
    assume(1e-6 < abs(z) < 30.0)
    assert critical_at_df(abs(z), df=df) == pytest.approx(abs(statistic), rel=1e-6)


def test_an_effect_beyond_what_p_can_hold() -> None:
    """z = 200 at the half and at the end: no warning, p is 0 and its logarithm is right."""
    t, c = Arm(theta=200.0, variance=0.5, n=10**9), Arm(theta=0.0, variance=0.5, n=10**9)
    end = interval(sequential_effect(t, c, looks=[Look(1.0, 0.5), Look(2.0, 1.0)], confidence=0.95))
    fixed = interval(difference(t, c, confidence=0.95))
    assert end.p == 0.0
    assert end.log10_p == pytest.approx(fixed.log10_p, rel=1e-3)
    half = interval(sequential_effect(t, c, looks=[Look(1.0, 0.5)], confidence=0.95))
    assert half.log10_p == pytest.approx(fixed.log10_p / 2.0, rel=1e-2)  # of that type, z sqrt(1/2) is what counts


def test_a_first_look_that_is_far_too_early_is_wide_but_finite() -> None:
    t, c = Arm(theta=1.0, variance=0.5, n=10_000), Arm(theta=0.0, variance=0.5, n=10_000)
    early = interval(sequential_effect(t, c, looks=[Look(1.0, 0.01)], confidence=0.95))
    assert 22.0 < early.upper - early.estimate < 23.0
    assert early.p > 0.05
    nothing = sequential_effect(t, c, looks=[Look(1.0, 0.001)], confidence=0.95)
    assert isinstance(nothing, NotEstimable)
    assert nothing.reason == "not_planned"


@pytest.mark.parametrize("second", [Look(2.0, 1.0), Look(1.0, 0.9)])
def test_a_look_without_a_share_of_the_error_says_so(second: Look) -> None:
    """All was spent before; or it has the same data as the look before."""
    taken = [Look(1.0, 1.0 if second.fraction == 1.0 else 0.5), second]
    t, c = Arm(theta=9.0, variance=0.5, n=500), Arm(theta=1.0, variance=0.5, n=500)
    for found in (
        sequential_effect(t, c, looks=taken, confidence=0.95),
        sequential_non_inferiority(
            t, c, margin=0.1, relative=False, increase_is_good=True, looks=taken, confidence=0.95
        ),
    ):
        assert isinstance(found, NotEstimable)
        assert found.reason == "not_planned"
    assert repeated_p(9.0, looks=taken) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("t", "reason"),
    [
        (Arm(theta=1.0, variance=0.0, n=50), "zero_variance"),
        (Arm(theta=math.nan, variance=1.0, n=50), "not_finite"),
        (Arm(theta=1.0, variance=math.inf, n=50), "not_finite"),
        (Arm(theta=1.0, variance=1.0, n=1), "too_few_units"),
    ],
)
def test_what_cannot_be_compared_has_a_reason(t: Arm, reason: str) -> None:
    c = Arm(theta=1.0, variance=0.0, n=50)
    for found in (
        sequential_effect(t, c, looks=ONCE, confidence=0.95),
        interval_at(t, c, reach=2.0, confidence=0.95),
        precision(t, c),
        sequential_non_inferiority(
            t, c, margin=0.1, relative=False, increase_is_good=True, looks=ONCE, confidence=0.95
        ),
    ):
        assert isinstance(found, NotEstimable)
        assert found.reason == reason


def test_a_lift_needs_a_baseline_that_the_look_can_tell_from_zero() -> None:
    t, c = Arm(theta=5.0, variance=0.5, n=500), Arm(theta=4.0, variance=1.0, n=500)
    assert isinstance(interval_at(t, c, reach=3.9, confidence=0.95, relative=True), Interval)
    found = interval_at(t, c, reach=4.1, confidence=0.95, relative=True)
    assert isinstance(found, NotEstimable)
    assert found.reason == "baseline_too_close_to_zero"
    below = interval_at(t, replace(c, theta=-4.0), reach=2.0, confidence=0.95, relative=True)
    assert isinstance(below, NotEstimable)
    assert below.reason == "baseline_not_positive"


@pytest.mark.parametrize(
    "call",
    [
        lambda t: interval_at(t, t, reach=math.inf, confidence=0.95),
        lambda t: interval_at(t, t, reach=0.0, confidence=0.95),
        lambda t: sequential_effect(t, t, looks=[], confidence=0.95),
        lambda t: sequential_effect(t, t, looks=ONCE, confidence=1.0),
        lambda t: sequential_effect(t, t, looks=[Look(1.0, 0.6), Look(2.0, 0.5)], confidence=0.95),
        lambda t: sequential_effect(t, t, looks=[Look(math.nan, 0.6)], confidence=0.95),
        lambda t: look(information=0.0, planned=1.0),
        lambda t: look(information=1.0, planned=math.inf),
    ],
)
def test_impossible_looks_are_refused(call: object) -> None:
    with pytest.raises(ValueError):
        call(Arm(theta=1.0, variance=1.0, n=50))  # type: ignore[operator]
