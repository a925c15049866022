"""Always-valid intervals, p-values and alarms: they agree, they cover covariance and margins, bad input is refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from holdfast.model.outcome import NotEstimable
from holdfast.stats import Arm, Interval, difference
from holdfast.stats.always_valid import (
    Alarm,
    always_valid,
    burn_in,
    half_width,
    harm_alarm,
    log_e_one_sided,
    log_e_value,
    mixing,
    reach,
    running_p,
)

quiet = settings(derandomize=True, max_examples=150, deadline=None, database=None)
weights = st.floats(min_value=1e-7, max_value=1.0)


@st.composite
def arms(draw: st.DrawFn) -> Arm:
    return Arm(
        theta=draw(st.floats(min_value=-20.0, max_value=50.0)),
        variance=draw(st.floats(min_value=1e-3, max_value=20.0)),
        n=draw(st.integers(min_value=5, max_value=5000)),
    )


def excludes_zero(effect: Interval) -> bool:
    return effect.lower > 0.0 or effect.upper < 0.0


@quiet
@given(arms(), arms(), weights, st.sampled_from([0.8, 0.95, 0.999]), st.floats(min_value=-0.9, max_value=0.9))
def test_lift_difference_and_p_agree(t: Arm, c: Arm, r: float, confidence: float, correlation: float) -> None:
    shared = correlation * math.sqrt(t.variance * c.variance)
    effect = always_valid(t, c, mixing=r, confidence=confidence, covariance=shared)
    assert isinstance(effect, Interval)
    alpha = 1.0 - confidence
    assume(abs(effect.p - alpha) > 1e-9)
    assert excludes_zero(effect) is (effect.p < alpha)
    variance = t.variance + c.variance - 2.0 * shared
    width = half_width(variance=variance, n=t.n + c.n, mixing=r, alpha=alpha)
    assert effect.upper - effect.estimate == pytest.approx(width, rel=1e-9)
    fixed = difference(t, c, confidence=confidence, covariance=shared)
    assert isinstance(fixed, Interval)
    if t.n > 100 and c.n > 100:
        assert effect.lower < fixed.lower < fixed.upper < effect.upper
    lift = always_valid(t, c, mixing=r, confidence=confidence, covariance=shared, relative=True)
    if isinstance(lift, Interval):
        assert excludes_zero(lift) is excludes_zero(effect)
        assert lift.p == effect.p


@quiet
@given(arms(), arms(), weights, st.booleans(), st.booleans(), st.sampled_from([0.0, 0.1, 0.5]))
def test_alarm_is_a_test_of_the_margin(t: Arm, c: Arm, r: float, relative: bool, good: bool, margin: float) -> None:
    """Shifted by the margin, the alarm is that of no margin; a relative one is the contrast with a scaled control."""
    found = harm_alarm(t, c, margin=margin, relative=relative, increase_is_good=good, mixing=r, alpha=0.05)
    if relative and c.theta <= 0.0:
        assert isinstance(found, NotEstimable)
        assert found.reason == "baseline_not_positive"
        return
    assert isinstance(found, Alarm)
    sign = 1.0 if good else -1.0
    if relative:
        k = 1.0 - sign * margin
        moved = Arm(theta=k * c.theta, variance=k * k * c.variance, n=c.n)
    else:
        moved = Arm(theta=c.theta - sign * margin, variance=c.variance, n=c.n)
    plain = harm_alarm(t, moved, margin=0.0, relative=False, increase_is_good=good, mixing=r, alpha=0.05)
    assert isinstance(plain, Alarm)
    assert found.log_e == pytest.approx(plain.log_e, rel=1e-9, abs=1e-9)
    assert found.crossed is (found.log_e >= math.log(20.0))
    assert found.p == pytest.approx(min(1.0, math.exp(-found.log_e)))


@quiet
@given(st.floats(min_value=-50.0, max_value=50.0), st.integers(min_value=1, max_value=10**9), weights)
def test_one_sided_evidence(z: float, n: int, r: float) -> None:
    """The two halves of the prior make the whole; evidence rises with z; p never beats the fixed one."""
    up, down = log_e_one_sided(z=z, n=n, mixing=r), log_e_one_sided(z=-z, n=n, mixing=r)
    whole = log_e_value(z=z, n=n, mixing=r)
    assert max(up, down) + math.log1p(math.exp(-abs(up - down))) - math.log(2.0) == pytest.approx(whole, abs=1e-9)
    assert log_e_one_sided(z=z + 0.01, n=n, mixing=r) > up
    assert whole <= z * z / 2.0


@quiet
@given(st.integers(min_value=1, max_value=10**9), weights, st.sampled_from([0.001, 0.05, 0.2]))
def test_reach_is_wider_than_any_fixed_interval(n: int, r: float, alpha: float) -> None:
    assert reach(n=n, mixing=r, alpha=alpha) > math.sqrt(-2.0 * math.log(alpha))
    assert reach(n=n, mixing=r, alpha=alpha / 2.0) > reach(n=n, mixing=r, alpha=alpha)


def test_p_runs_down_only() -> None:
    assert running_p([]) == []
    assert running_p([-3.0, -1.0]) == [1.0, 1.0]
    values = running_p([0.5, 3.0, 1.0, 800.0])
    assert values == pytest.approx([math.exp(-0.5), math.exp(-3.0), math.exp(-3.0), 0.0])
    assert values == sorted(values, reverse=True)


def test_an_effect_beyond_what_p_can_hold() -> None:
    t, c = Arm(theta=100.0, variance=0.5, n=10**9), Arm(theta=0.0, variance=0.5, n=10**9)
    found = always_valid(t, c, mixing=mixing(planned=2 * 10**9, alpha=0.05), confidence=0.95)
    assert isinstance(found, Interval)
    assert found.p == 0.0
    assert found.log10_p == pytest.approx(-1935.0, abs=5.0)
    alarm = harm_alarm(c, t, margin=0.0, relative=False, increase_is_good=True, mixing=1e-9, alpha=0.05)
    assert isinstance(alarm, Alarm)
    assert alarm.crossed
    assert alarm.p == 0.0


@pytest.mark.parametrize(
    ("t", "reason"),
    [
        (Arm(theta=1.0, variance=0.0, n=50), "zero_variance"),
        (Arm(theta=math.nan, variance=1.0, n=50), "not_finite"),
        (Arm(theta=1.0, variance=math.inf, n=50), "not_finite"),
        (Arm(theta=1e200, variance=1e-20, n=50), "not_finite"),
        (Arm(theta=1.0, variance=1.0, n=1), "too_few_units"),
    ],
)
def test_what_cannot_be_compared_has_a_reason(t: Arm, reason: str) -> None:
    c = Arm(theta=1.0, variance=0.0, n=50)
    for found in (
        always_valid(t, c, mixing=0.01, confidence=0.95),
        harm_alarm(t, c, margin=0.0, relative=False, increase_is_good=False, mixing=0.01, alpha=0.05),
    ):
        assert isinstance(found, NotEstimable)
        assert found.reason == reason


def test_without_units() -> None:
    nobody = Arm(theta=0.0, variance=1.0, n=0, df=9.0)
    for found in (
        always_valid(nobody, nobody, mixing=0.01, confidence=0.95),
        harm_alarm(nobody, nobody, margin=0.0, relative=False, increase_is_good=True, mixing=0.01, alpha=0.05),
    ):
        assert isinstance(found, NotEstimable)
        assert found.reason == "no_units"


def test_a_margin_that_leaves_no_variance() -> None:
    """Perfectly shared information: the contrast with the margin is a constant, though the difference is not."""
    t, c = Arm(theta=0.5, variance=0.25, n=500), Arm(theta=1.0, variance=1.0, n=500)
    found = harm_alarm(t, c, margin=0.5, relative=True, increase_is_good=True, mixing=0.01, alpha=0.05, covariance=0.5)
    assert isinstance(found, NotEstimable)
    assert found.reason == "zero_variance"


def test_burn_in() -> None:
    def share(n: int, successes: int) -> Arm:
        return Arm(theta=successes / n, variance=0.001, n=n, successes=successes)

    assert burn_in(share(100, 25), share(150, 75)) is None
    assert burn_in(share(1_000, 975), share(1_000, 900)) is None
    mean = Arm(theta=3.0, variance=0.01, n=100)
    assert burn_in(mean, mean) is None
    assert burn_in(mean, mean, events=(25, 30)) is None
    for early in (
        burn_in(share(99, 50), share(150, 75)),
        burn_in(share(1_000, 24), share(1_000, 90)),
        burn_in(share(1_000, 980), share(1_000, 900)),
        burn_in(mean, mean, events=(24, 30)),
    ):
        assert early is not None
        assert early.reason == "too_few_units"


@pytest.mark.parametrize(
    "call",
    [
        lambda t: mixing(planned=0, alpha=0.05),
        lambda t: mixing(planned=10, alpha=1.0),
        lambda t: mixing(planned=10, alpha=0.5, sides=1),
        lambda t: mixing(planned=10, alpha=0.05, sides=3),
        lambda t: reach(n=0, mixing=0.1, alpha=0.05),
        lambda t: reach(n=10, mixing=0.0, alpha=0.05),
        lambda t: reach(n=10, mixing=math.nan, alpha=0.05),
        lambda t: reach(n=10, mixing=0.1, alpha=0.0),
        lambda t: half_width(variance=-1.0, n=10, mixing=0.1, alpha=0.05),
        lambda t: always_valid(t, t, mixing=0.1, confidence=0.0),
        lambda t: always_valid(t, t, mixing=-0.1, confidence=0.95),
        lambda t: harm_alarm(t, t, margin=-0.1, relative=False, increase_is_good=True, mixing=0.1, alpha=0.05),
        lambda t: harm_alarm(t, t, margin=1.0, relative=True, increase_is_good=True, mixing=0.1, alpha=0.05),
        lambda t: harm_alarm(t, t, margin=0.1, relative=False, increase_is_good=True, mixing=0.1, alpha=1.0),
    ],
)
def test_impossible_input_is_refused(call: object) -> None:
    with pytest.raises(ValueError):
        call(Arm(theta=1.0, variance=1.0, n=50))  # type: ignore[operator]
