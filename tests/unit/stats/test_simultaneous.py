"""Several comparisons at once: bounds and adjusted p-values give one verdict, and awkward families have an answer."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from holdfast.model.outcome import NotEstimable
from holdfast.stats.arm import Arm
from holdfast.stats.contrast import Interval, difference, fieller_lift
from holdfast.stats.simultaneous import Simultaneous, contrast_correlation, dunnett, simultaneous, stepwise

quiet = settings(derandomize=True, max_examples=40, deadline=None, database=None)
sizes = st.integers(min_value=3, max_value=5000)


@st.composite
def arms(draw: st.DrawFn) -> Arm:
    return Arm(draw(st.floats(8.0, 12.0)), draw(st.floats(0.01, 0.5)), draw(sizes))


def one(value: object) -> Simultaneous:
    assert isinstance(value, Simultaneous)
    return value


def bounds(value: object) -> Interval:
    assert isinstance(value, Interval)
    return value


@quiet
@given(st.lists(arms(), min_size=1, max_size=4), arms(), st.sampled_from([0.8, 0.95, 0.999]))
def test_difference_lift_and_adjusted_p_agree(treated: list[Arm], control: Arm, confidence: float) -> None:
    for arm, result in zip(treated, dunnett(treated, control, confidence=confidence), strict=True):
        found = one(result)
        assume(abs(found.p - (1 - confidence)) > 1e-9)
        own = bounds(difference(arm, control, confidence=found.confidence))
        assert (own.lower > 0.0 or own.upper < 0.0) == (found.p < 1 - confidence)
        assert own.upper - own.estimate == pytest.approx(found.critical * own.se, rel=1e-7)
        lift = fieller_lift(arm, control, confidence=found.confidence)
        if isinstance(lift, Interval):
            assert (lift.lower > 0.0 or lift.upper < 0.0) == (found.p < 1 - confidence)


@quiet
@given(st.lists(arms(), min_size=2, max_size=4), arms())
def test_between_one_test_and_bonferroni(treated: list[Arm], control: Arm) -> None:
    for arm, result in zip(treated, dunnett(treated, control, confidence=0.95), strict=True):
        nominal = bounds(difference(arm, control, confidence=0.95))
        found = one(result)
        assert nominal.p <= found.p <= min(1.0, nominal.p * len(treated)) * (1 + 1e-9)
        assert 1 - 0.05 < found.confidence <= 1 - 0.05 / len(treated) + 1e-12


def test_one_variant_is_the_plain_test() -> None:
    treated, control = Arm(1.2, 0.01, 40), Arm(1.0, 0.02, 30)
    found = one(dunnett([treated], control, confidence=0.95)[0])
    plain = bounds(difference(treated, control, confidence=0.95))
    assert (found.p, found.confidence) == pytest.approx((plain.p, 0.95), rel=1e-9)


def test_what_was_planned_stays_in_the_family() -> None:
    control = Arm(1.0, 0.02, 50)
    good = Arm(1.4, 0.01, 50)
    alone, planned = (one(dunnett([good], control, confidence=0.95, family=k)[0]) for k in (1, 3))
    missing = dunnett([good, Arm(math.nan, 0.01, 50), Arm(1.0, 0.01, 50, df=0.0)], control, confidence=0.95)
    assert alone.p < planned.p
    assert one(missing[0]).p == pytest.approx(planned.p)
    reasons = [each.reason for each in missing if isinstance(each, NotEstimable)]
    assert reasons == ["not_finite", "too_few_units"]
    with pytest.raises(ValueError, match="cannot hold 1"):
        dunnett([good], control, confidence=0.95, family=0)
    assert dunnett([], control, confidence=0.95) == []


def test_order_and_units_play_no_part() -> None:
    control, a, b = Arm(10.0, 0.02, 90), Arm(10.4, 0.03, 70), Arm(10.1, 0.01, 200)
    forth, back = dunnett([a, b], control, confidence=0.9), dunnett([b, a], control, confidence=0.9)
    for here, there in zip(forth, reversed(back), strict=True):
        assert (one(here).p, one(here).critical) == pytest.approx((one(there).p, one(there).critical))
    scaled = [Arm(arm.theta * 1e9, arm.variance * 1e18, arm.n) for arm in (a, b, control)]
    for one_scale, other in zip(forth, dunnett(scaled[:2], scaled[2], confidence=0.9), strict=True):
        assert one(one_scale).p == pytest.approx(one(other).p, rel=1e-9)


@pytest.mark.parametrize("n", [50, 10**9])
def test_p_below_what_a_double_holds(n: int) -> None:
    control = Arm(0.0, 1.0, n)
    found = [one(each) for each in dunnett([Arm(60.0, 1.0, n), Arm(1e5, 1e-9, n)], control, confidence=0.95)]
    assert all(math.isfinite(each.log10_p) and 0.0 <= each.p < 1e-20 for each in found)
    assert found[1].log10_p < found[0].log10_p < -20


def test_control_without_noise_and_with_all_of_it() -> None:
    exact, noisy = Arm(1.0, 0.0, 100), Arm(1.0, 1.0, 10**9)
    own = [one(each) for each in dunnett([Arm(3.0, 1.0, 10**9)] * 2, exact, confidence=0.95)]
    # Independent comparisons: Sidak's exact bound, 1 - 0.95^(1/2).
    assert 1 - own[0].confidence == pytest.approx(1 - math.sqrt(0.95), rel=1e-6)
    shared = [one(each) for each in dunnett([Arm(3.0, 1e-18, 10**9)] * 2, noisy, confidence=0.95)]
    assert 1 - shared[0].confidence == pytest.approx(0.05, rel=1e-5)


def test_any_comparisons() -> None:
    a, b, c = Arm(1.0, 0.02, 100), Arm(1.5, 0.02, 100), Arm(1.3, 0.02, 100)
    effects = [difference(*pair, confidence=0.95) for pair in ((b, a), (c, a), (b, c))]
    matrix = contrast_correlation([[0.02, 0, 0], [0, 0.02, 0], [0, 0, 0.02]], [(1, 0), (2, 0), (1, 2)])
    assert isinstance(matrix, list)
    found = [one(each) for each in simultaneous(effects, correlation=matrix, confidence=0.95)]
    # Tukey's critical value for three groups and 198 degrees of freedom is 2.3613 (studentised range / sqrt 2).
    assert found[0].critical == pytest.approx(2.3613, abs=2e-3)
    assert found[0].p < found[1].p < found[2].p
    missing = simultaneous([*effects[:2], NotEstimable("no_units", "none")], correlation=matrix, confidence=0.95)
    assert isinstance(missing[2], NotEstimable)
    with pytest.raises(ValueError, match="no correlation matrix"):
        simultaneous(effects, correlation=[[1.0, 0.5], [0.5, 1.0]], confidence=0.95)
    assert contrast_correlation([[math.nan, 0], [0, 1]], [(1, 0)]) == NotEstimable(
        "not_finite", "a covariance is not finite"
    )
    still = contrast_correlation([[1.0, 1.0], [1.0, 1.0]], [(1, 0)])
    assert isinstance(still, NotEstimable)
    assert still.reason == "zero_variance"


def test_steps() -> None:
    assert stepwise([0.01, 0.04, 0.03], method="holm") == pytest.approx([0.03, 0.06, 0.06])
    assert stepwise([0.01, 0.04, 0.03], method="hochberg") == pytest.approx([0.03, 0.04, 0.04])
    assert stepwise([0.01], method="holm", family=5) == pytest.approx([0.05])
    assert stepwise([0.0, None], method="hochberg") == [0.0, None]
    assert stepwise([None], method="holm") == [None]
    assert stepwise([], method="holm") == []
    with pytest.raises(ValueError, match="between 0 and 1"):
        stepwise([math.nan], method="holm")
    with pytest.raises(ValueError, match="cannot hold"):
        stepwise([0.1, 0.2], method="holm", family=1)
