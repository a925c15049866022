"""Segments, portfolios, selection and posteriors: what holds for every input, and awkward input."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.outcome import NotEstimable
from holdfast.stats.arm import Arm
from holdfast.stats.bayes import Posterior, Prior, SharePosterior, normal_posterior, prior_from_past, share_posterior
from holdfast.stats.effect import Effect, absolute_effect, relative_effect
from holdfast.stats.portfolio import Pooled, paule_mandel, pool, pool_groups
from holdfast.stats.segments import Interaction, Reversal, Shrinkage, interaction, reversal, shrink
from holdfast.stats.selection_bias import Corrected, conditional_estimate, exaggeration, total_bias

quiet = settings(derandomize=True, max_examples=80, deadline=None, database=None)
effects = st.builds(
    Effect, st.floats(-5.0, 5.0), st.floats(0.05, 3.0), st.one_of(st.just(math.inf), st.floats(2.0, 1e6))
)
several = st.lists(effects, min_size=3, max_size=7)


def reason(value: object) -> str:
    assert isinstance(value, NotEstimable)
    assert value.detail
    return value.reason


def times(given_effects: list[Effect], factor: float) -> list[Effect]:
    return [Effect(each.estimate * factor, each.se * abs(factor), each.df) for each in given_effects]


@quiet
@given(several, st.sampled_from([-1.0, 1e-150, 1e120]))
def test_units_and_sign_play_no_part(given_effects: list[Effect], factor: float) -> None:
    other = times(given_effects, factor)
    here, there = interaction(given_effects), interaction(other)
    assert isinstance(here, Interaction)
    assert isinstance(there, Interaction)
    assert here.p == pytest.approx(there.p, rel=1e-6, abs=1e-12)
    mine, theirs = pool(given_effects, confidence=0.95), pool(other, confidence=0.95)
    assert isinstance(mine, Pooled)
    assert isinstance(theirs, Pooled)
    assert theirs.estimate == pytest.approx(mine.estimate * factor, rel=1e-6, abs=1e-9 * abs(factor))
    assert theirs.i2 == pytest.approx(mine.i2, abs=1e-6)
    same, turned = reversal(given_effects), reversal(other)
    assert isinstance(same, Reversal)
    assert isinstance(turned, Reversal)
    assert same.p == pytest.approx(turned.p)


@quiet
@given(several)
def test_shrunken_effects_lie_between_their_own_and_the_common(given_effects: list[Effect]) -> None:
    found = shrink(given_effects, confidence=0.95)
    assert isinstance(found, Shrinkage)
    for raw, drawn in zip(given_effects, found.effects, strict=True):
        low, high = sorted((raw.estimate, found.common))
        assert low - 1e-9 <= drawn.estimate <= high + 1e-9
        assert drawn.lower < drawn.estimate < drawn.upper
        assert 0.0 <= drawn.weight <= 1.0


@quiet
@given(several)
def test_bounds_for_the_next_are_wider(given_effects: list[Effect]) -> None:
    found = pool(given_effects, confidence=0.9)
    assert isinstance(found, Pooled)
    assert found.expected_lower <= found.lower <= found.estimate <= found.upper <= found.expected_upper
    assert (found.p < 0.1) == (found.lower > 0 or found.upper < 0)
    assert 0.0 <= found.i2 < 1.0


@pytest.mark.parametrize("function", [interaction, reversal])
def test_awkward_segments(function: object) -> None:
    assert callable(function)
    good = Effect(1.0, 0.5)
    assert reason(function([good])) == "not_planned"
    assert reason(function([])) == "not_planned"
    assert reason(function([good, Effect(1.0, 0.0)])) == "zero_variance"
    assert reason(function([good, Effect(math.nan, 1.0)])) == "not_finite"
    assert reason(function([good, Effect(1.0, math.inf)])) == "not_finite"
    assert reason(function([good, Effect(1.0, 1.0, 0.0)])) == "too_few_units"
    assert reason(function([Effect(1e300, 1e-10), Effect(-1e300, 1e-10)])) == "not_finite"
    with pytest.raises(ValueError, match="never negative"):
        function([good, Effect(1.0, -1.0)])


def test_large_effects_keep_a_logarithm() -> None:
    found = interaction([Effect(0.0, 1.0), Effect(100.0, 1.0)])
    assert isinstance(found, Interaction)
    assert found.p == 0.0
    # z = 100/sqrt 2; log10 of 2 Phi(-z) by the asymptotic series.
    z = 100.0 / math.sqrt(2.0)
    expected = (-z * z / 2 - math.log(z * math.sqrt(2 * math.pi) / 2) + math.log1p(-1 / z**2)) / math.log(10)
    assert found.log10_p == pytest.approx(expected, rel=1e-8)


def test_effects_of_variants() -> None:
    treated, control = Arm(12.0, 0.09, 100), Arm(10.0, 0.16, 80)
    relative = relative_effect(treated, control)
    assert isinstance(relative, Effect)
    assert math.expm1(relative.estimate) == pytest.approx(0.2)
    assert reason(relative_effect(treated, Arm(0.0, 0.1, 80))) == "baseline_not_positive"
    assert reason(relative_effect(Arm(-1.0, 0.1, 80), control)) == "baseline_not_positive"
    assert reason(relative_effect(Arm(math.nan, 0.1, 80), control)) == "not_finite"
    assert reason(relative_effect(Arm(math.inf, 0.1, 80), control)) == "not_finite"
    assert reason(absolute_effect(Arm(1.0, 0.0, 80), Arm(1.0, 0.0, 9))) == "zero_variance"


def test_awkward_portfolios() -> None:
    good = Effect(0.02, 0.01)
    assert reason(pool([good], confidence=0.95)) == "too_few_studies"
    assert reason(paule_mandel([good])) == "too_few_studies"
    assert reason(shrink([good, good], confidence=0.95)) == "too_few_studies"
    assert reason(prior_from_past([good])) == "too_few_studies"
    assert reason(prior_from_past([good, good])) == "zero_variance"
    assert reason(prior_from_past([good, Effect(9.0, 0.01)], mean=math.nan)) == "not_finite"
    assert reason(pool([good, Effect(0.1, 0.0)], confidence=0.95)) == "zero_variance"
    assert reason(pool([good, Effect(math.inf, 0.1)], confidence=0.95)) == "not_finite"
    assert reason(pool([Effect(0.0, 1e-200), Effect(0.0, 1e200)], confidence=0.95)) == "not_finite"
    assert reason(pool([Effect(1e300, 1e10), Effect(-1e300, 1e10)], confidence=0.95)) == "not_finite"
    equal = pool([good] * 4, confidence=0.95)
    assert isinstance(equal, Pooled)
    assert (equal.tau2, equal.i2, equal.se) == pytest.approx((0.0, 0.0, 0.005))
    groups = pool_groups({"discount": [good] * 3, "call": [good]}, confidence=0.95)
    assert [isinstance(each, Pooled) for each in groups.values()] == [True, False]


@quiet
@given(st.floats(1.97, 60.0), st.floats(0.0, 1.96))
def test_correction_is_towards_zero_and_never_past_it(z: float, cut: float) -> None:
    found = conditional_estimate(Effect(-z, 1.0), cut=cut, confidence=0.95)
    assert isinstance(found, Corrected)
    assert -z - 1e-9 <= found.estimate <= 1e-9
    assert found.lower <= found.estimate <= found.upper


def test_awkward_corrections() -> None:
    assert reason(conditional_estimate(Effect(1.0, 1.0), cut=1.96, confidence=0.95)) == "not_planned"
    assert reason(conditional_estimate(Effect(math.nan, 1.0), cut=1.96, confidence=0.95)) == "not_finite"
    assert reason(conditional_estimate(Effect(1e300, 1e-300), cut=1.96, confidence=0.95)) == "not_finite"
    assert reason(conditional_estimate(Effect(1.0, 0.0), cut=1.96, confidence=0.95)) == "zero_variance"
    with pytest.raises(ValueError, match="cut"):
        conditional_estimate(Effect(3.0, 1.0), cut=-1.0, confidence=0.95)
    assert reason(total_bias([], cuts=[])) == "too_few_studies"
    assert reason(total_bias([Effect(1.0, 1.0)], cuts=[math.nan])) == "not_finite"
    with pytest.raises(ValueError, match="2 cuts"):
        total_bias([Effect(1.0, 1.0)], cuts=[1.0, 2.0])
    with pytest.raises(ValueError, match="not 0"):
        exaggeration(effect=0.0, se=1.0)
    sure = exaggeration(effect=-50.0, se=1.0)
    assert (sure.power, sure.wrong_sign, sure.exaggeration) == pytest.approx((1.0, 0.0, 1.0))


@quiet
@given(effects, st.floats(-1.0, 1.0), st.floats(0.01, 10.0))
def test_posteriors_are_coherent(effect: Effect, mean: float, sd: float) -> None:
    found = normal_posterior(effect, Prior(mean, sd), confidence=0.9, worthwhile=0.1)
    turned = normal_posterior(effect, Prior(mean, sd), confidence=0.9, increase_is_good=False)
    assert isinstance(found, Posterior)
    assert isinstance(turned, Posterior)
    assert found.p_better + turned.p_better == pytest.approx(1.0)
    assert found.p_worthwhile < found.p_better or found.p_better in {0.0, 1.0}
    assert (found.loss_ship, found.loss_hold) == (turned.loss_hold, turned.loss_ship)
    assert found.loss_hold - found.loss_ship == pytest.approx(found.mean, abs=1e-12)
    assert found.sd < min(effect.se, sd)


def test_no_prior_gives_the_numbers_of_the_test() -> None:
    found = normal_posterior(Effect(1.96, 1.0), Prior(0.0, math.inf), confidence=0.95)
    assert isinstance(found, Posterior)
    assert (found.mean, found.sd, found.p_better) == pytest.approx((1.96, 1.0, 0.9750021))
    tiny = normal_posterior(Effect(30.0, 1.0), Prior(0.0, math.inf), confidence=0.95)
    assert isinstance(tiny, Posterior)
    assert 0.0 < tiny.loss_ship < 1e-196
    assert reason(normal_posterior(Effect(1.0, 0.0), Prior(0.0, 1.0), confidence=0.95)) == "zero_variance"
    assert reason(normal_posterior(Effect(math.inf, 1.0), Prior(0.0, 1.0), confidence=0.95)) == "not_finite"
    with pytest.raises(ValueError, match="positive sd"):
        normal_posterior(Effect(1.0, 1.0), Prior(0.0, 0.0), confidence=0.95)
    with pytest.raises(ValueError, match="0 or more"):
        normal_posterior(Effect(1.0, 1.0), Prior(0.0, 1.0), confidence=0.95, worthwhile=-1.0)


shares = st.sampled_from(
    [(0, 1), (1, 1), (0, 50), (50, 50), (3, 40), (20, 40), (900, 10**4), (0, 10**9), (10**8, 10**9)]
)


@settings(derandomize=True, max_examples=50, deadline=None, database=None)
@given(shares, shares)
def test_shares_are_coherent(treated: tuple[int, int], control: tuple[int, int]) -> None:
    found = share_posterior(treated=treated, control=control, worthwhile=0.01)
    back = share_posterior(treated=control, control=treated)
    worse = share_posterior(treated=treated, control=control, increase_is_good=False)
    assert isinstance(found, SharePosterior)
    assert isinstance(back, SharePosterior)
    assert isinstance(worse, SharePosterior)
    assert found.p_better + back.p_better == pytest.approx(1.0, abs=1e-7)
    assert (found.loss_ship, found.loss_hold) == pytest.approx((worse.loss_hold, worse.loss_ship), abs=1e-15)
    assert 0.0 <= found.p_worthwhile <= found.p_better + 1e-9 <= 1.0 + 1e-9
    assert found.loss_hold - found.loss_ship == pytest.approx(found.difference, abs=1e-9)


def test_impossible_shares() -> None:
    assert reason(share_posterior(treated=(0, 0), control=(1, 2))) == "no_units"
    for wrong in ({"treated": (3, 2)}, {"prior": (0.0, 1.0)}, {"worthwhile": -0.1}):
        arguments = {"treated": (1, 2), "control": (1, 2), **wrong}
        with pytest.raises(ValueError, match=r"cannot have|positive|or more"):
            share_posterior(**arguments)  # type: ignore[arg-type]
