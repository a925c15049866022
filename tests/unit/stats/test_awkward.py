"""Awkward input has a defined value or a reason, and impossible input is refused."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest

from holdfast.model.outcome import NotEstimable
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
    mean_arm,
    mn_difference,
    mn_non_inferiority,
    non_inferiority,
    pooled_z,
    proportion_arm,
    ratio_arm,
    srm,
    wilson,
)

GOOD = Arm(theta=2.0, variance=0.1, n=50)


def reason(value: object) -> str:
    assert isinstance(value, NotEstimable)
    assert value.detail
    return value.reason


def ratio(
    *, n: int = 10, o: float = 2.0, s_r: float = 4.0, s_o: float = 1.0, s_ro: float = 1.0, r: float = 6.0
) -> Arm | NotEstimable:
    return ratio_arm(
        n=n, numerator_mean=r, denominator_mean=o, numerator_variance=s_r, denominator_variance=s_o, covariance=s_ro
    )


@pytest.mark.parametrize(("n", "code"), [(0, "no_units"), (1, "too_few_units")])
def test_arms_without_a_variance(n: int, code: str) -> None:
    assert reason(mean_arm(n=n, mean=1.0, variance=1.0)) == code
    assert reason(proportion_arm(n=n, successes=n)) == code
    assert reason(ratio(n=n)) == code


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_arms_of_numbers_that_are_none(wrong: float) -> None:
    assert reason(mean_arm(n=5, mean=wrong, variance=1.0)) == "not_finite"
    assert reason(mean_arm(n=5, mean=1.0, variance=wrong)) == "not_finite"
    assert reason(ratio(o=wrong)) == "not_finite"


def test_ratio_arms_at_the_edge() -> None:
    assert reason(ratio(o=0.0)) == "zero_denominator"
    assert reason(ratio(o=-1.0)) == "zero_denominator"
    assert reason(ratio(r=1e300, o=1e-300)) == "not_finite"
    assert reason(ratio(r=1e200, s_o=1e200)) == "not_finite"
    # Every order costs 0.1: the linearised value does not vary, and rounding must not invent a variance.
    constant = ratio(r=0.3, o=3.0, s_r=0.07, s_o=7.0, s_ro=0.7)
    assert isinstance(constant, Arm)
    assert constant.variance == 0.0


def test_degrees_of_freedom_are_n_less_one_unless_given() -> None:
    assert Arm(theta=1.0, variance=1.0, n=8).df == 7.0
    assert Arm(theta=1.0, variance=1.0, n=8, df=3.5).df == 3.5


@pytest.mark.parametrize("other", [2.0, 3.0])
def test_no_variance_is_no_test(other: float) -> None:
    a, b = Arm(theta=2.0, variance=0.0, n=9), Arm(theta=other, variance=0.0, n=9)
    assert reason(difference(a, b, confidence=0.95)) == "zero_variance"
    assert reason(fieller_lift(a, b, confidence=0.95)) == "zero_variance"
    judged = non_inferiority(a, b, margin=0.1, relative=False, increase_is_good=True, confidence=0.95)
    assert reason(judged) == "zero_variance"


def test_one_variant_without_variance_is_tested_with_the_degrees_of_the_other() -> None:
    effect = difference(GOOD, Arm(theta=1.0, variance=0.0, n=3), confidence=0.95)
    assert isinstance(effect, Interval)
    assert effect.df == pytest.approx(49.0)


def test_one_unit_behind_a_variance_is_too_few() -> None:
    assert reason(difference(GOOD, Arm(theta=1.0, variance=0.1, n=1), confidence=0.95)) == "too_few_units"


@pytest.mark.parametrize(
    ("theta", "variance", "code"),
    [
        (0.0, 0.1, "baseline_not_positive"),
        (-1.0, 0.001, "baseline_not_positive"),
        (0.5, 0.1, "baseline_too_close_to_zero"),
        (1e-300, 0.1, "baseline_too_close_to_zero"),
    ],
)
def test_baselines_without_a_lift(theta: float, variance: float, code: str) -> None:
    control = Arm(theta=theta, variance=variance, n=50)
    assert reason(fieller_lift(GOOD, control, confidence=0.95)) == code
    judged = non_inferiority(GOOD, control, margin=0.1, relative=True, increase_is_good=True, confidence=0.95)
    if theta > 0.0:
        assert isinstance(judged, OneSided)
        assert judged.relative is False
        assert judged.estimate == pytest.approx(2.0 - theta)
    else:
        assert reason(judged) == "baseline_not_positive"


def test_a_lift_of_minus_100_percent_keeps_its_precision() -> None:
    lift = fieller_lift(Arm(theta=1e-9, variance=0.0, n=9), Arm(theta=1.0, variance=0.01, n=90), confidence=0.95)
    assert isinstance(lift, Interval)
    assert lift.se == pytest.approx(1e-10, rel=1e-6)
    assert lift.lower <= lift.estimate <= lift.upper


def test_the_extremes_of_a_double() -> None:
    """Every pair of extreme arms gives finite, ordered numbers or a reason."""
    thetas = (0.0, 1.0, -1.0, 1e-300, 1e300, -1e300, 5e-324, 1e308, math.inf, math.nan)
    variances = (0.0, 1.0, 1e-300, 5e-324, 1e308, math.inf, math.nan)
    extremes = [Arm(theta=theta, variance=variance, n=5) for theta in thetas for variance in variances]
    for t, c in itertools.product(extremes, extremes):
        shown = (
            difference(t, c, confidence=0.95),
            fieller_lift(t, c, confidence=0.95),
            non_inferiority(t, c, margin=0.1, relative=True, increase_is_good=False, confidence=0.95),
        )
        for effect in shown:
            if isinstance(effect, NotEstimable):
                continue
            assert math.isfinite(effect.se)
            assert -math.inf < effect.lower <= effect.estimate <= effect.upper < math.inf
            if isinstance(effect, Interval):
                assert 0.0 <= effect.p <= 1.0
                assert math.isfinite(effect.log10_p)
            else:
                assert 0.0 <= effect.p_safe <= 1.0
                assert 0.0 <= effect.p_harm <= 1.0


def test_a_p_too_small_for_a_double_keeps_its_logarithm() -> None:
    effect = mn_difference(treated=(600_000_000, 10**9), control=(500_000_000, 10**9), confidence=0.95)
    assert isinstance(effect, Interval)
    assert effect.p == 0.0
    assert effect.log10_p < -1e6
    assert (effect.lower, effect.upper) == pytest.approx((0.1 - 4.338e-5, 0.1 + 4.338e-5), abs=1e-7)


@pytest.mark.parametrize("successes", [0, 40])
def test_no_event_and_nothing_but_events(successes: int) -> None:
    pair = (successes, 40)
    effect = mn_difference(treated=pair, control=pair, confidence=0.95)
    assert isinstance(effect, Interval)
    assert (effect.estimate, effect.statistic, effect.p, effect.log10_p) == (0.0, 0.0, 1.0, 0.0)
    assert effect.lower == pytest.approx(-effect.upper, rel=1e-9)
    assert 0.08 < effect.upper < 0.1
    assert pooled_z(treated=pair, control=pair) == (0.0, 1.0)


def test_score_methods_without_events_in_one_variant() -> None:
    assert reason(koopman_lift(treated=(3, 40), control=(0, 40), confidence=0.95)) == "baseline_not_positive"
    gone = koopman_lift(treated=(0, 40), control=(8, 40), confidence=0.95)
    assert isinstance(gone, Interval)
    assert gone.estimate == -1.0
    assert gone.lower == pytest.approx(-1.0, abs=1e-12)
    assert -1.0 < gone.upper < 0.0
    judged = mn_non_inferiority(
        treated=(5, 10), control=(0, 10), margin=0.1, relative=True, increase_is_good=True, confidence=0.95
    )
    assert isinstance(judged, OneSided)
    assert (judged.state, judged.relative, judged.estimate) == ("safe", False, 0.5)


def test_score_methods_without_units_and_with_one() -> None:
    assert reason(mn_difference(treated=(0, 0), control=(3, 9), confidence=0.95)) == "no_units"
    assert reason(koopman_lift(treated=(3, 9), control=(0, 0), confidence=0.95)) == "no_units"
    judged = mn_non_inferiority(
        treated=(3, 9), control=(0, 0), margin=0.1, relative=False, increase_is_good=True, confidence=0.95
    )
    assert reason(judged) == "no_units"
    with pytest.raises(ValueError, match="no units"):
        pooled_z(treated=(0, 0), control=(3, 9))
    one = mn_difference(treated=(1, 1), control=(0, 1), confidence=0.95)
    assert isinstance(one, Interval)
    assert (one.estimate, one.upper) == (1.0, 1.0)
    assert one.lower < 0.0


def test_a_margin_beyond_every_share_is_safe() -> None:
    judged = mn_non_inferiority(
        treated=(0, 10), control=(9, 10), margin=1.5, relative=False, increase_is_good=True, confidence=0.95
    )
    assert isinstance(judged, OneSided)
    assert (judged.state, judged.p_safe, judged.p_harm) == ("safe", 0.0, 1.0)


def test_wilson_at_the_ends() -> None:
    assert wilson(n=0, successes=0, confidence=0.95) == (0.0, 1.0)
    assert wilson(n=10, successes=0, confidence=0.95)[0] == 0.0
    assert wilson(n=10, successes=10, confidence=0.95)[1] == 1.0


def test_families_at_the_edge() -> None:
    assert bonferroni([], family=0) == []
    assert bonferroni([0.0, 1e-300, 0.9], family=4) == [0.0, 4e-300, 1.0]
    empty = benjamini_hochberg([], q=0.1, family=0)
    assert (empty.adjusted, empty.selected, empty.level) == ((), (), 0.1)
    tied = benjamini_hochberg([0.02, 0.0, 0.02, 1.0], q=0.1, family=4)
    assert tied.adjusted == pytest.approx((0.02 * 4 / 3, 0.0, 0.02 * 4 / 3, 1.0))
    assert tied.selected == (True, True, True, False)


def test_split_test_at_the_edge() -> None:
    assert reason(srm([0, 0], [1, 1])) == "no_units"
    assert reason(srm([5], [1])) == "not_planned"
    assert reason(srm([0, 5], [0, 1])) == "not_planned"
    impossible = srm([3, 5, 2], [0, 0.5, 0.5])
    assert isinstance(impossible, SrmTest)
    assert (impossible.p, impossible.statistic, impossible.expected) == (0.0, math.inf, (0.0, 5.0, 5.0))
    ignored = srm([0, 5200, 5000], [0, 1, 1])
    assert isinstance(ignored, SrmTest)
    assert ignored.df == 1
    assert ignored.p == pytest.approx(0.04767038)
    huge = srm([10**9, 2 * 10**9], [1, 1])
    assert isinstance(huge, SrmTest)
    assert huge.p == 0.0
    many = srm([1] * 30, [1.0] * 30)
    assert isinstance(many, SrmTest)
    assert many.method == "chi-square (too many outcomes for the exact test)"


REFUSED: list[Callable[[], object]] = [
    lambda: difference(GOOD, GOOD, confidence=1.0),
    lambda: difference(GOOD, GOOD, confidence=math.nan),
    lambda: difference(GOOD, Arm(theta=1.0, variance=-0.1, n=5), confidence=0.95),
    lambda: non_inferiority(GOOD, GOOD, margin=-0.1, relative=False, increase_is_good=True, confidence=0.95),
    lambda: non_inferiority(GOOD, GOOD, margin=math.nan, relative=False, increase_is_good=True, confidence=0.95),
    lambda: non_inferiority(GOOD, GOOD, margin=1.0, relative=True, increase_is_good=True, confidence=0.95),
    lambda: non_inferiority(GOOD, GOOD, margin=0.1, relative=True, increase_is_good=True, confidence=0.4),
    lambda: mean_arm(n=-1, mean=0.0, variance=1.0),
    lambda: mean_arm(n=9, mean=0.0, variance=-1.0),
    lambda: proportion_arm(n=9, successes=10),
    lambda: ratio(s_ro=50.0),
    lambda: ratio(s_r=-1.0),
    lambda: mn_difference(treated=(5, 4), control=(1, 4), confidence=0.95),
    lambda: koopman_lift(treated=(-1, 4), control=(1, 4), confidence=0.95),
    lambda: wilson(n=3, successes=4, confidence=0.95),
    lambda: bonferroni([math.nan], family=2),
    lambda: bonferroni([0.1, 0.2], family=1),
    lambda: benjamini_hochberg([1.1], q=0.1, family=2),
    lambda: benjamini_hochberg([math.nan], q=0.1, family=2),
    lambda: benjamini_hochberg([0.1], q=1.0, family=2),
    lambda: srm([1, 2], [1]),
    lambda: srm([-1, 2], [1, 1]),
    lambda: srm([1, 2], [0, 0]),
    lambda: srm([1, 2], [math.nan, 1]),
]


@pytest.mark.parametrize("call", REFUSED)
def test_impossible_input_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        call()
