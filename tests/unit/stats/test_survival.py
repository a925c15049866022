"""Retention over time: what holds for every curve, and what happens to awkward ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from holdfast.model.outcome import NotEstimable
from holdfast.model.reading import Curve
from holdfast.stats.arm import Arm
from holdfast.stats.competing import Incidence, cause_specific, cumulative_incidence, incidence_at
from holdfast.stats.contrast import Interval, difference, fieller_lift, non_inferiority
from holdfast.stats.hazard import ProportionalHazards, Ties, _reciprocal_sums, hazard_ratio, proportional_hazards
from holdfast.stats.log_rank import LogRank, follow_up_difference, log_rank
from holdfast.stats.survival import SurvivalCurve, kaplan_meier, rmst, survival_at
from holdfast.stats.survival_compare import Band, survival_band, survival_difference, survival_lift

quiet = settings(derandomize=True, max_examples=120, deadline=None, database=None)
TIES: list[Ties] = ["efron", "breslow", "grouped"]


def curve(events: Sequence[int], censored: Sequence[int], causes: dict[str, tuple[int, ...]] | None = None) -> Curve:
    gone = [0, *accumulate(d + c for d, c in zip(events, censored, strict=True))]
    return Curve(
        at_risk=tuple(gone[-1] - before for before in gone[:-1]),
        events=tuple(events),
        censored=tuple(censored),
        causes=causes or {},
    )


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    days = draw(st.integers(min_value=1, max_value=8))
    largest = draw(st.sampled_from([1, 4, 30, 3000]))
    count = st.integers(min_value=0, max_value=largest)
    one = draw(st.lists(count, min_size=days, max_size=days))
    other = draw(st.lists(count, min_size=days, max_size=days))
    left = draw(st.lists(count, min_size=days, max_size=days))
    events = [a + b for a, b in zip(one, other, strict=True)]
    return curve(events, left, {"one": tuple(one), "other": tuple(other)})


def scaled(original: Curve, times: int) -> Curve:
    return curve([times * d for d in original.events], [times * c for c in original.censored])


def reason(value: object) -> str:
    assert isinstance(value, NotEstimable)
    assert value.detail
    return value.reason


def arm(value: object) -> Arm:
    assert isinstance(value, Arm)
    return value


def interval(value: object) -> Interval:
    assert isinstance(value, Interval)
    return value


def ranked(value: object) -> LogRank:
    assert isinstance(value, LogRank)
    return value


NOBODY = Curve(at_risk=(0, 0), events=(0, 0), censored=(0, 0))
EMPTY = Curve(at_risk=(), events=(), censored=())
ONE = curve([1, 0], [0, 0])
NO_EVENT = curve([0, 0, 0], [0, 20, 80])
ALL_GONE = curve([40, 40, 20], [0, 0, 0])
SLOW = curve([5, 5, 4], [10, 10, 66])
FAST = curve([12, 10, 7], [10, 10, 51])


@quiet
@given(curves())
def test_shares_fall_within_their_intervals(group: Curve) -> None:
    found = kaplan_meier(group, confidence=0.95)
    if not isinstance(found, SurvivalCurve):
        assert found.reason == "no_units"
        return
    assert found.n == group.at_risk[0]
    before = 1.0
    for day in found.days:
        assert 0.0 <= day.lower <= day.survival <= day.upper <= 1.0
        assert day.survival <= before
        assert day.lower < day.upper
        before = day.survival


@quiet
@given(curves(), st.integers(min_value=1, max_value=9))
def test_days_kept_add_up_from_shares(group: Curve, tau: int) -> None:
    now, then, share = rmst(group, tau=tau), rmst(group, tau=tau + 1), survival_at(group, day=tau)
    if not isinstance(then, Arm):
        return
    assert isinstance(now, Arm)
    assert isinstance(share, Arm)
    assert then.theta - now.theta == pytest.approx(share.theta, abs=1e-12)
    assert 1.0 <= now.theta <= tau
    assert then.variance >= now.variance - 1e-12


@quiet
@given(curves(), st.sampled_from([10, 100_000_000]))
def test_more_of_the_same_is_the_same_with_less_doubt(group: Curve, times: int) -> None:
    days = len(group.at_risk)
    for before, after in (
        (survival_at(group, day=days), survival_at(scaled(group, times), day=days)),
        (rmst(group, tau=days), rmst(scaled(group, times), tau=days)),
    ):
        if isinstance(before, Arm):
            assert isinstance(after, Arm)
            assert after.theta == pytest.approx(before.theta, rel=1e-12)
            assert after.variance * times == pytest.approx(before.variance, rel=1e-9, abs=1e-30)


@quiet
@given(curves())
def test_shares_of_all_causes_add_up_to_those_of_any(group: Curve) -> None:
    both = [cumulative_incidence(group, cause=cause, confidence=0.95) for cause in ("one", "other")]
    any_event = kaplan_meier(group, confidence=0.95)
    if not isinstance(any_event, SurvivalCurve):
        return
    one, other = both
    assert isinstance(one, Incidence)
    assert isinstance(other, Incidence)
    for first, second, day in zip(one.days, other.days, any_event.days, strict=True):
        assert first.incidence + second.incidence == pytest.approx(1.0 - day.survival, abs=1e-12)
        for each in (first, second):
            assert 0.0 <= each.lower <= each.incidence + 1e-12
            assert each.incidence - 1e-12 <= each.upper <= 1.0
        at = incidence_at(group, cause="one", day=first.day + 1)
        if isinstance(at, Arm):
            assert (at.theta, math.sqrt(at.variance)) == pytest.approx((first.incidence, first.se), abs=1e-15)


@quiet
@given(curves(), curves())
def test_log_rank_turns_with_the_variants(treated: Curve, control: Curve) -> None:
    one, other = log_rank(treated, control), log_rank(control, treated)
    if not isinstance(one, LogRank):
        assert one == other
        return
    assert isinstance(other, LogRank)
    assert one.z == pytest.approx(-(other.z or 0.0), rel=1e-7, abs=1e-9)
    assert sum(one.expected) == pytest.approx(sum(one.observed))
    # A third variant without units, and a stratum without any, change nothing.
    assert ranked(log_rank(treated, control, NOBODY)).statistic == pytest.approx(one.statistic, rel=1e-7, abs=1e-12)
    assert ranked(log_rank([treated, NOBODY], [control, NOBODY])).statistic == one.statistic


@quiet
@given(st.lists(curves(), min_size=2, max_size=4))
def test_follow_up_is_compared_in_any_order(groups: list[Curve]) -> None:
    one, other = follow_up_difference(*groups), follow_up_difference(*groups[::-1])
    if not isinstance(one, LogRank):
        assert one == other
        return
    assert isinstance(other, LogRank)
    assert one.statistic == pytest.approx(other.statistic, rel=1e-7, abs=1e-9)
    assert one.expected == pytest.approx(other.expected[::-1])
    assert one.df == other.df < len(groups)


@quiet
@given(curves(), curves(), st.sampled_from(TIES))
def test_hazard_ratio_turns_with_the_variants(treated: Curve, control: Curve, ties: Ties) -> None:
    one = hazard_ratio(treated, control, confidence=0.95, ties=ties)
    other = hazard_ratio(control, treated, confidence=0.95, ties=ties)
    if isinstance(one, Interval):
        assert isinstance(other, Interval)
        assert math.log(one.estimate) == pytest.approx(-math.log(other.estimate), rel=1e-6, abs=1e-9)
        assert one.p == pytest.approx(other.p, rel=1e-6)
        assert math.log(one.lower) == pytest.approx(-math.log(other.upper), rel=1e-6, abs=1e-9)
        assert (one.lower > 1.0 or one.upper < 1.0) == (one.p < 0.05)


@quiet
@given(curves(), curves(), st.sampled_from([0.8, 0.95, 0.999]))
def test_difference_lift_and_p_never_contradict(treated: Curve, control: Curve, confidence: float) -> None:
    day = min(len(treated.at_risk), len(control.at_risk))
    one = survival_difference(treated, control, day=day, confidence=confidence)
    other = survival_difference(control, treated, day=day, confidence=confidence)
    lift = survival_lift(treated, control, day=day, confidence=confidence)
    if not isinstance(one, Interval):
        return
    assert isinstance(other, Interval)
    assert (one.estimate, one.lower, one.upper) == pytest.approx(
        (-other.estimate, -other.upper, -other.lower), rel=1e-7, abs=1e-9
    )
    assert -1.0 <= one.lower <= one.estimate <= one.upper <= 1.0
    if abs(one.p - (1.0 - confidence)) < 1e-9:
        return
    assert (one.lower > 0.0 or one.upper < 0.0) == (one.p < 1.0 - confidence)
    if isinstance(lift, Interval):
        assert lift.p == one.p
        assert (lift.lower > 0.0 or lift.upper < 0.0) == (lift.p < 1.0 - confidence)


def test_efron_is_the_sum_over_its_steps() -> None:
    """The score of the partial likelihood, step by step, is 0 at the ratio found, for thousands of events a day too."""
    treated, control = curve([3000, 70, 2, 900], [50, 0, 0, 0]), curve([2500, 95, 40, 100], [0, 10, 0, 900])
    b = math.log(interval(hazard_ratio(treated, control, confidence=0.95)).estimate)
    score = information = 0.0
    for day in range(4):
        d_t, d_c = treated.events[day], control.events[day]
        f = np.arange(d_t + d_c) / (d_t + d_c)
        at_t = (treated.at_risk[day] - f * d_t) * math.exp(b)
        share = at_t / (at_t + control.at_risk[day] - f * d_c)
        score += d_t - share.sum()
        information += float((share * (1.0 - share)).sum())
    assert score == pytest.approx(0.0, abs=1e-8)
    found = interval(hazard_ratio(treated, control, confidence=0.95))
    assert found.se / found.estimate == pytest.approx(1.0 / math.sqrt(information), rel=1e-11)


@pytest.mark.parametrize(("u", "d"), [(40.0, 40.0), (31.5, 31.0), (10.25, 7.0), (1000.5, 900.0), (1e9, 50.0)])
def test_sums_of_reciprocals_are_those_of_their_terms(u: float, d: float) -> None:
    terms = [1.0 / (u - j) for j in range(int(d))]
    one, two = _reciprocal_sums(np.array([u]), np.array([d]))
    assert one[0] == pytest.approx(math.fsum(terms), rel=1e-14)
    assert two[0] == pytest.approx(math.fsum(term * term for term in terms), rel=1e-14)


@pytest.mark.parametrize("ties", TIES)
def test_a_billion_units_are_as_good_as_a_thousand(ties: Ties) -> None:
    slow, fast = scaled(SLOW, 10**7), scaled(FAST, 10**7)
    found = interval(hazard_ratio(slow, fast, confidence=0.95, ties=ties))
    small = interval(hazard_ratio(scaled(SLOW, 10), scaled(FAST, 10), confidence=0.95, ties=ties))
    assert found.estimate == pytest.approx(small.estimate, rel=1e-3)
    assert found.statistic == pytest.approx(small.statistic * 1000.0, rel=2e-3)
    assert found.p == 0.0
    assert found.log10_p == pytest.approx(-(found.statistic**2) / 2.0 / math.log(10.0), rel=1e-5)
    assert ranked(log_rank(slow, fast)).log10_p < -1e6
    assert isinstance(proportional_hazards(slow, fast), ProportionalHazards)
    assert interval(survival_difference(slow, fast, day=3, confidence=0.95)).log10_p < -1e6
    band = survival_band(slow, fast, days=[1, 2, 3], confidence=0.95)
    assert isinstance(band, Band)
    assert band.p == 0.0


def test_a_p_too_small_for_a_double_keeps_its_logarithm() -> None:
    groups = [scaled(SLOW, 3000), scaled(FAST, 3000), scaled(curve([9, 9, 3], [10, 10, 59]), 3000), scaled(FAST, 2000)]
    three, four = ranked(log_rank(*groups[:3])), ranked(log_rank(*groups))
    assert (three.df, four.df, three.p) == (2, 3, 0.0)
    # With two degrees of freedom the tail is exp(-x / 2).
    assert three.log10_p == pytest.approx(-three.statistic / 2.0 / math.log(10.0), rel=1e-12)
    # With three it is erfc(r) + 2 r exp(-r^2) / sqrt(pi), r^2 = x / 2; scipy.stats.chi2.logsf is minus infinity here.
    root = math.sqrt(four.statistic / 2.0)
    log_p = math.log(float(special.erfcx(root)) + 2.0 * root / math.sqrt(math.pi)) - root * root
    assert four.log10_p == pytest.approx(log_p / math.log(10.0), rel=1e-12)


def test_arms_go_through_every_contrast() -> None:
    slow, fast = scaled(SLOW, 20), scaled(FAST, 20)
    for treated, control in (
        (arm(survival_at(slow, day=3)), arm(survival_at(fast, day=3))),
        (arm(rmst(slow, tau=3)), arm(rmst(fast, tau=3))),
    ):
        effect = interval(difference(treated, control, confidence=0.95))
        lift = interval(fieller_lift(treated, control, confidence=0.95))
        assert 0.0 < effect.lower < effect.upper
        assert 0.0 < lift.lower < lift.upper
        judged = non_inferiority(treated, control, margin=0.02, relative=True, increase_is_good=True, confidence=0.95)
        assert not isinstance(judged, NotEstimable)
        assert judged.state == "safe"
    # From 50 events and 50 stayers on the comparison at a day is that of the arms.
    assert survival_difference(slow, fast, day=3, confidence=0.95) == difference(
        arm(survival_at(slow, day=3)), arm(survival_at(fast, day=3)), confidence=0.95
    )


@pytest.mark.parametrize("nobody", [NOBODY, EMPTY])
def test_no_units(nobody: Curve) -> None:
    assert reason(kaplan_meier(nobody, confidence=0.95)) == "no_units"
    assert reason(survival_at(nobody, day=1)) == "no_units"
    assert reason(rmst(nobody, tau=1)) == "no_units"
    assert reason(cumulative_incidence(nobody, cause="one", confidence=0.95)) == "no_units"
    assert reason(log_rank(nobody, SLOW)) == "no_units"
    assert reason(follow_up_difference(SLOW, nobody)) == "no_units"
    assert reason(hazard_ratio(nobody, SLOW, confidence=0.95)) == "no_units"
    assert reason(proportional_hazards(SLOW, nobody)) == "no_units"
    assert reason(survival_difference(SLOW, nobody, day=1, confidence=0.95)) == "no_units"
    assert reason(survival_band(nobody, SLOW, days=[1], confidence=0.95)) == "no_units"


def test_one_unit() -> None:
    assert reason(survival_at(ONE, day=1)) == "too_few_units"
    assert reason(rmst(ONE, tau=2)) == "too_few_units"
    found = kaplan_meier(ONE, confidence=0.95)
    assert isinstance(found, SurvivalCurve)
    (day,) = found.days
    assert (day.survival, day.lower, day.upper) == pytest.approx((0.0, 0.0, 0.975))


def test_no_event() -> None:
    """The lower bound is that of Clopper and Pearson for units followed to the day: beta.ppf(0.025, n, 1)."""
    found = kaplan_meier(NO_EVENT, confidence=0.95)
    assert isinstance(found, SurvivalCurve)
    for day, n in zip(found.days, (100, 100, 80), strict=True):
        assert (day.survival, day.se, day.upper) == (1.0, 0.0, 1.0)
        assert day.lower == pytest.approx(float(stats.beta.ppf(0.025, n, 1)), rel=1e-9)
    share = arm(survival_at(NO_EVENT, day=3))
    assert (share.theta, share.variance) == (1.0, 0.0)
    assert arm(rmst(NO_EVENT, tau=3)) == Arm(theta=3.0, variance=0.0, n=100)
    for compared in (log_rank(NO_EVENT, NO_EVENT), hazard_ratio(NO_EVENT, SLOW, confidence=0.95)):
        assert reason(compared) == "no_events"
    assert reason(proportional_hazards(SLOW, NO_EVENT)) == "no_events"
    effect = interval(survival_difference(NO_EVENT, FAST, day=3, confidence=0.95))
    assert 0.0 < effect.lower < effect.estimate < effect.upper
    assert effect.p < 0.001
    none = interval(survival_difference(NO_EVENT, NO_EVENT, day=3, confidence=0.95))
    assert (none.estimate, none.p) == (0.0, 1.0)
    assert none.lower < 0.0 < none.upper
    assert reason(survival_band(NO_EVENT, NO_EVENT, days=[1, 3], confidence=0.95)) == "zero_variance"


def test_all_gone() -> None:
    found = kaplan_meier(ALL_GONE, confidence=0.95)
    assert isinstance(found, SurvivalCurve)
    last = found.days[-1]
    assert (last.survival, last.se, last.lower) == (0.0, 0.0, 0.0)
    assert last.upper == pytest.approx(1.0 - 0.025 ** (1 / 20))
    # With nobody left the share stays 0, and days kept do not grow.
    assert arm(survival_at(ALL_GONE, day=30)).theta == 0.0
    assert arm(rmst(ALL_GONE, tau=30)) == arm(rmst(ALL_GONE, tau=3))
    assert reason(survival_lift(FAST, ALL_GONE, day=3, confidence=0.95)) == "baseline_not_positive"
    effect = interval(survival_difference(ALL_GONE, FAST, day=3, confidence=0.95))
    assert -1.0 <= effect.lower <= effect.estimate <= effect.upper < 0.0


def test_the_last_unit_does_not_raise_the_bound() -> None:
    """One of one unit alone would allow a share of 0.975; the day before allowed much less."""
    found = kaplan_meier(curve([990, 9, 1], [0, 0, 0]), confidence=0.95)
    assert isinstance(found, SurvivalCurve)
    assert found.days[2].upper == found.days[1].upper < 0.01


def test_not_followed() -> None:
    assert reason(survival_at(SLOW, day=4)) == "not_followed"
    assert reason(rmst(SLOW, tau=4)) == "not_followed"
    assert reason(incidence_at(curve([1], [9], {"one": (1,)}), cause="one", day=2)) == "not_followed"
    assert reason(survival_difference(SLOW, FAST, day=4, confidence=0.95)) == "not_followed"
    band = survival_band(SLOW, FAST, days=[4, 2, 3], confidence=0.95)
    assert isinstance(band, Band)
    assert reason(band.points[0]) == "not_followed"
    assert all(isinstance(point, Interval) for point in band.points[1:])


def test_all_censored_on_the_first_day() -> None:
    group = curve([0, 0], [50, 0])
    assert arm(survival_at(group, day=1)).theta == 1.0
    assert reason(survival_at(group, day=2)) == "not_followed"
    assert reason(log_rank(group, group)) == "no_events"
    assert reason(follow_up_difference(group, group)) == "no_events"
    assert ranked(follow_up_difference(group, NO_EVENT)).p < 1e-10
    alike = ranked(follow_up_difference(*[curve([0, 0, 0, 0], [5, 0, 7, 20])] * 3))
    assert (alike.p, alike.df) == (1.0, 2)


def test_hazards_that_no_ratio_compares() -> None:
    # Control has its events only after the last treated unit has left.
    for ties in TIES:
        found = hazard_ratio(curve([5, 0], [5, 0]), curve([0, 4], [0, 6]), confidence=0.95, ties=ties)
        assert reason(found) == "no_events"
    # All treated units have the event at once: the grouped likelihood rises for ever.
    assert reason(hazard_ratio(curve([9, 0], [0, 0]), curve([1, 0], [0, 5]), confidence=0.95, ties="grouped")) in {
        "not_finite",
        "no_convergence",
    }
    one_day = curve([5, 0], [0, 20])
    assert reason(proportional_hazards(one_day, one_day)) == "too_few_units"


def test_a_band_is_wider_than_a_day_and_narrower_than_bonferroni() -> None:
    slow, fast = scaled(SLOW, 20), scaled(FAST, 20)
    alone = survival_band(slow, fast, days=[3], confidence=0.95)
    band = survival_band(slow, fast, days=[3, 1, 2], confidence=0.95)
    many = survival_band(slow, fast, days=[1, 2, 3], confidence=0.9999)
    assert isinstance(alone, Band)
    assert isinstance(band, Band)
    assert isinstance(many, Band)
    assert alone.critical == pytest.approx(1.959964, abs=1e-6)
    assert 1.97 < band.critical < 2.3940
    assert many.method == "Bonferroni"
    assert survival_band(slow, fast, days=[3, 1, 2], confidence=0.95) == band
    for point in band.points:
        found = interval(point)
        assert (found.lower > 0.0) == (found.p < 0.05)
    # The same day twice is one test.
    twice = survival_band(slow, fast, days=[3, 3], confidence=0.95)
    assert isinstance(twice, Band)
    assert twice.critical == alone.critical


def test_causes_that_are_not_listed_have_no_events() -> None:
    group = curve([3, 2], [1, 4], {"price": (3, 2)})
    arm_of = arm(incidence_at(group, cause="moved", day=2))
    assert (arm_of.theta, arm_of.variance) == (0.0, 0.0)
    found = cumulative_incidence(group, cause="moved", confidence=0.95)
    assert isinstance(found, Incidence)
    assert found.days[0].upper == pytest.approx(1.0 - 0.025 ** (1 / 10))
    assert cause_specific(group, cause="moved").events == (0, 0)


def test_impossible_counts_are_refused() -> None:
    activity = Curve(at_risk=(10, 10), events=(4, 3), censored=(0, 7))
    with pytest.raises(ValueError, match="a unit has once"):
        kaplan_meier(activity, confidence=0.95)
    with pytest.raises(ValueError, match="never negative"):
        rmst(Curve(at_risk=(5,), events=(-1,), censored=(1,)), tau=1)
    with pytest.raises(ValueError, match="of 5 units at risk on day 0"):
        survival_at(Curve(at_risk=(5,), events=(4,), censored=(2,)), day=1)
    with pytest.raises(ValueError, match="same days"):
        kaplan_meier(Curve(at_risk=(5, 1), events=(4,), censored=(0,)), confidence=0.95)
    with pytest.raises(ValueError, match="do not add up"):
        incidence_at(curve([3], [1], {"price": (2,)}), cause="price", day=1)
    with pytest.raises(ValueError, match="do not add up"):
        cause_specific(SLOW, cause="price")


def test_impossible_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="1 day or more"):
        survival_at(SLOW, day=0)
    with pytest.raises(ValueError, match="1 day or more"):
        rmst(SLOW, tau=0)
    with pytest.raises(ValueError, match="confidence"):
        kaplan_meier(SLOW, confidence=1.0)
    with pytest.raises(ValueError, match="two variants"):
        log_rank(SLOW)
    with pytest.raises(ValueError, match="every stratum"):
        log_rank([SLOW, SLOW], [FAST])
    with pytest.raises(ValueError, match="weights"):
        log_rank(SLOW, FAST, rho=-1.0)
    with pytest.raises(ValueError, match="weights"):
        log_rank(SLOW, FAST, gamma=math.nan)
    with pytest.raises(ValueError, match="needs a day"):
        survival_band(SLOW, FAST, days=[], confidence=0.95)
    with pytest.raises(ValueError, match="confidence"):
        hazard_ratio(SLOW, FAST, confidence=0.0)
