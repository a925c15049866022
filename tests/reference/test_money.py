"""Money and decomposition against second derivations: values a unit, root finding and plain regression."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from scipy import optimize, stats

from holdfast.stats.arm import Arm
from holdfast.stats.balance import Group
from holdfast.stats.cannibalisation import Cannibalisation, cannibalisation
from holdfast.stats.contrast import Interval, fieller_lift
from holdfast.stats.decomposition import Decomposition, decompose
from holdfast.stats.joint import Quantity, difference_ratio, quotient
from holdfast.stats.money import Incremental, incremental, net_arm, redemption_break_even, return_on_cost
from holdfast.stats.pull_forward import Persistence, by_week, offer_and_total, persistence

Array = npt.NDArray[np.float64]
RNG = np.random.default_rng(3490)
N = {"treated": 700, "control": 500}


def group(*columns: Array) -> Group:
    values = np.stack(columns)
    return Group(values.shape[1], values.mean(axis=1).tolist(), np.atleast_2d(np.cov(values)).tolist())


def customers(n: int, share: float) -> tuple[Array, Array, Array, Array]:
    """Bought, orders, revenue and cost of a voucher."""
    bought = (RNG.random(n) < share).astype(float)
    orders = bought * (1.0 + RNG.poisson(0.5, n))
    revenue = orders * RNG.lognormal(3.0, 0.8, n)
    return bought, orders, revenue, 0.1 * revenue * (RNG.random(n) < 0.7)


TREATED, CONTROL = customers(N["treated"], 0.4), customers(N["control"], 0.3)
NO_COST = np.zeros(N["control"])


def quantity(value: object) -> Quantity:
    assert isinstance(value, Quantity)
    return value


def test_net_margin_is_welch_on_the_net_of_each_customer() -> None:
    """scipy.stats.ttest_ind(equal_var=False) on margin minus cost, one value a customer."""
    net_t, net_c = 0.5 * TREATED[2] - TREATED[3], 0.5 * CONTROL[2]
    test = stats.ttest_ind(net_t, net_c, equal_var=False)
    found = incremental(group(0.5 * TREATED[2], TREATED[3]), group(0.5 * CONTROL[2], NO_COST), confidence=0.9)
    assert isinstance(found, Incremental) and isinstance(found.net, Interval)
    low, high = test.confidence_interval(0.9)
    assert (found.net.lower, found.net.upper, found.net.p) == pytest.approx((low, high, test.pvalue), rel=1e-9)
    assert found.spent == pytest.approx(TREATED[3].mean(), rel=1e-12)
    arm = net_arm(group(0.5 * TREATED[2], TREATED[3]))
    assert isinstance(arm, Arm)
    assert arm.variance == pytest.approx(net_t.var(ddof=1) / net_t.size, rel=1e-12)


def test_return_on_cost_is_where_the_test_of_each_return_turns() -> None:
    """The bounds by root finding: the return x at which Welch's t of margin - (1 + x) cost, one value a customer, is
    the critical value. The degrees of freedom are those of x = 0 throughout.
    """
    found = quantity(
        return_on_cost(group(0.5 * TREATED[2], TREATED[3]), group(0.5 * CONTROL[2], NO_COST), confidence=0.95)
    )
    df = stats.ttest_ind(0.5 * TREATED[2] - TREATED[3], 0.5 * CONTROL[2], equal_var=False).df
    assert found.df == pytest.approx(df, rel=1e-9)

    def beyond(x: float) -> float:
        left = 0.5 * TREATED[2] - (1.0 + x) * TREATED[3]
        t = stats.ttest_ind(left, 0.5 * CONTROL[2], equal_var=False).statistic
        return abs(float(t)) - float(stats.t.ppf(0.975, df))

    assert found.lower == pytest.approx(optimize.brentq(beyond, -30.0, found.estimate), rel=1e-8)
    assert found.upper == pytest.approx(optimize.brentq(beyond, found.estimate, 60.0), rel=1e-8)
    margin = 0.5 * (TREATED[2].mean() - CONTROL[2].mean())
    assert found.estimate == pytest.approx(margin / TREATED[3].mean() - 1.0, rel=1e-10)


def test_quotient_is_the_lift_of_two_arms() -> None:
    """`fieller_lift` of arms with a covariance, plus 1, at the same degrees of freedom."""
    for above, below, shared in ((12.0, 10.0, 0.05), (-3.0, 10.0, -0.1), (0.1, 4.0, 0.0)):
        treated, control = Arm(above, 0.4, 50), Arm(below, 0.6, 60)
        lift = fieller_lift(treated, control, confidence=0.95, covariance=shared)
        assert isinstance(lift, Interval)
        found = quantity(
            quotient(
                numerator=above,
                denominator=below,
                numerator_variance=0.4,
                denominator_variance=0.6,
                covariance=shared,
                df=lift.df,
                confidence=0.95,
            )
        )
        figures = (found.estimate - 1.0, found.lower - 1.0, found.upper - 1.0, found.se)
        assert figures == pytest.approx((lift.estimate, lift.lower, lift.upper, lift.se), rel=1e-9)


def test_redemption_break_even_is_where_the_net_effect_ends_at_zero() -> None:
    """At the cost of a redemption that is the lower bound, the net effect's own lower bound is 0, and so above."""
    used = (TREATED[3] > 0).astype(float)
    treated, control = group(0.5 * TREATED[2], used), group(0.5 * CONTROL[2], NO_COST)
    found = quantity(redemption_break_even(treated, control, confidence=0.95))
    for cost, bound in ((found.lower, "lower"), (found.upper, "upper")):
        net = incremental(group(0.5 * TREATED[2], cost * used), control, confidence=0.95)
        assert isinstance(net, Incremental) and isinstance(net.net, Interval)
        assert getattr(net.net, bound) == pytest.approx(0.0, abs=0.01 * net.net.se)


def test_persistence_is_that_of_values_a_unit() -> None:
    weeks = {name: RNG.gamma(2.0, 1.0, (6, n)) for name, n in N.items()}
    weeks["treated"][:2] += 0.8
    weeks["treated"][2:] -= 0.1
    groups = {name: group(*values) for name, values in weeks.items()}
    found = by_week(groups["treated"], groups["control"], confidence=0.95)
    assert isinstance(found, tuple)
    for place, week in enumerate(found):
        sums = [weeks[name][: place + 1].sum(axis=0) for name in N]
        test = stats.ttest_ind(*sums, equal_var=False)
        assert isinstance(week.cumulative, Interval)
        interval = test.confidence_interval(0.95)
        assert (week.cumulative.lower, week.cumulative.upper) == pytest.approx((interval.low, interval.high), rel=1e-9)
    pairs = [offer_and_total(groups[name], offer_weeks=2) for name in ("treated", "control")]
    assert isinstance(pairs[0], Group) and isinstance(pairs[1], Group)
    held = persistence(pairs[0], pairs[1], confidence=0.95)
    assert isinstance(held, Persistence) and isinstance(held.after, Interval)
    after = stats.ttest_ind(*(weeks[name][2:].sum(axis=0) for name in N), equal_var=False)
    assert held.after.p == pytest.approx(after.pvalue, rel=1e-9)
    during, total = ([weeks[name][:end].sum(axis=0) for name in N] for end in (2, 6))
    share = quantity(held.share)
    assert share.estimate == pytest.approx((total[0].mean() - total[1].mean()) / (during[0].mean() - during[1].mean()))
    # Delta method by the influence of each unit: (total - share during) over the difference during.
    gap = during[0].mean() - during[1].mean()
    spread = sum((total[i] - share.estimate * during[i]).var(ddof=1) / total[i].size for i in (0, 1))
    assert share.se == pytest.approx(math.sqrt(spread) / gap, rel=1e-9)


def test_decomposition_is_that_of_values_a_unit() -> None:
    """Contributions by hand, and their covariance from the influence of each unit on the logs of its factors."""
    found = decompose(group(*TREATED[:3]), group(*CONTROL[:3]), confidence=0.95)
    assert isinstance(found, Decomposition)
    means = [[column.mean() for column in side[:3]] for side in (TREATED, CONTROL)]
    factors = [[m[0], m[1] / m[0], m[2] / m[1]] for m in means]
    logs = [math.log(t / c) for t, c in zip(*factors, strict=True)]
    assert [factor.log for factor in found.factors] == pytest.approx(logs, rel=1e-12)
    assert math.fsum(factor.log for factor in found.factors) == pytest.approx(found.total.log, abs=1e-14)
    product = math.prod(1.0 + factor.change for factor in found.factors)
    assert product == pytest.approx(means[0][2] / means[1][2], rel=1e-12)
    covariance = np.zeros((3, 3))
    for side, mean in zip((TREATED, CONTROL), means, strict=True):
        scaled = [column / m for column, m in zip(side[:3], mean, strict=True)]
        influence = np.stack([scaled[0], scaled[1] - scaled[0], scaled[2] - scaled[1]])
        covariance += np.cov(influence) / influence.shape[1]
    assert np.asarray(found.covariance) == pytest.approx(covariance, rel=1e-9)
    for place, factor in enumerate(found.factors):
        assert isinstance(factor.log_interval, Interval) and isinstance(factor.change_interval, Interval)
        assert factor.log_interval.se == pytest.approx(math.sqrt(covariance[place][place]), rel=1e-9)
        assert factor.change_interval.lower == pytest.approx(math.exp(factor.log_interval.lower) - 1.0, rel=1e-9)
    total = found.total.log_interval
    assert isinstance(total, Interval)
    assert total.se**2 == pytest.approx(float(covariance.sum()), rel=1e-9)


def test_decomposition_of_two_means_is_the_log_ratio() -> None:
    """With one value the standard error is sqrt(V_t / m_t^2 + V_c / m_c^2)."""
    found = decompose(Group(90, [4.0], [[9.0]]), Group(80, [5.0], [[16.0]]), confidence=0.95)
    assert isinstance(found, Decomposition) and isinstance(found.total.log_interval, Interval)
    assert found.total.log_interval.se == pytest.approx(math.sqrt(9.0 / 90 / 16 + 16.0 / 80 / 25), rel=1e-12)


def test_cannibalisation_recovers_what_was_simulated() -> None:
    """Known persons: of 100,000 customers 12% buy anyway, 3% more buy only with the offer and always redeem; of those
    who buy anyway half redeem, at a cost of 5. So redemptions are 9%, a third of them incremental, and the cost given
    to those who would have bought anyway is .12 * .5 * 5 = .30; by average cost a buyer (.45 / .15) it is .36, since
    the assumption that they cost as much as the others is not met here.
    """
    n = 100_000
    rank = np.arange(n) / n
    anyway, moved = rank < 0.12, (rank >= 0.12) & (rank < 0.15)
    redeemed = (rank < 0.06) | moved
    treated = group((anyway | moved).astype(float), redeemed.astype(float), 5.0 * redeemed.astype(float))
    control = group(anyway.astype(float), np.zeros(n), np.zeros(n))
    found = cannibalisation(treated, control, confidence=0.95)
    assert isinstance(found, Cannibalisation) and isinstance(found.incremental_buyers, Interval)
    assert found.incremental_buyers.estimate == pytest.approx(0.03, abs=1e-12)
    assert quantity(found.of_buyers).estimate == pytest.approx(0.2, rel=1e-9)
    assert quantity(found.of_redeemers).estimate == pytest.approx(1 / 3, rel=1e-9)
    assert found.of_redeemers_bounds == pytest.approx((0.0, 1 / 3), abs=1e-12)
    assert quantity(found.given_away).estimate == pytest.approx(0.36, rel=1e-9)


def test_a_cost_that_is_the_same_for_all_is_known() -> None:
    """0.6 a customer over a gain of .05 in retention: the bounds are 0.6 over those of the retention, by the same t."""
    treated = Group(4000, [0.6, 0.25], [[0.0, 0.0], [0.0, 0.1875]])
    control = Group(4000, [0.0, 0.20], [[0.0, 0.0], [0.0, 0.16]])
    found = quantity(difference_ratio(treated, control, confidence=0.95))
    se = math.sqrt((0.1875 + 0.16) / 4000)
    reach = float(stats.t.ppf(0.975, found.df)) * se
    assert (found.lower, found.upper) == pytest.approx((0.6 / (0.05 + reach), 0.6 / (0.05 - reach)), rel=1e-9)
