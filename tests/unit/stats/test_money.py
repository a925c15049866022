"""Money, decomposition and lifetime value: awkward input has a reason, and what must hold for all input holds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.outcome import NotEstimable
from holdfast.stats.arm import Arm
from holdfast.stats.balance import Group
from holdfast.stats.bayes import Prior
from holdfast.stats.cannibalisation import Cannibalisation, cannibalisation
from holdfast.stats.contracts import contract_value, fit_contracts, projected_survival
from holdfast.stats.contrast import Interval
from holdfast.stats.customer_value import Customers, project_value
from holdfast.stats.decomposition import Decomposition, decompose
from holdfast.stats.joint import Quantity, difference_ratio, linear, quotient, spread_of
from holdfast.stats.lifetime import FormulaValue, formula_projection, years_worth
from holdfast.stats.likelihood import Fit
from holdfast.stats.money import (
    Chance,
    Incremental,
    Projection,
    before_cost,
    break_even,
    cost_per_retained,
    coupon_break_even_lift,
    incremental,
    net_arm,
    probability_of_loss,
    project,
    return_on_cost,
)
from holdfast.stats.pull_forward import Persistence, by_week, offer_and_total, persistence
from holdfast.stats.purchases import Histories, alive, expected_purchases, fit_purchases, projected_purchases
from holdfast.stats.spend import Spending, expected_spend, fit_spend, mean_spend

TREATED = Group(1000, [80.0, 20.0], [[900.0, 60.0], [60.0, 100.0]])
CONTROL = Group(900, [50.0, 0.0], [[800.0, 0.0], [0.0, 0.0]])
EVERY: list[Callable[[Group, Group], object]] = [
    lambda t, c: incremental(t, c, confidence=0.95),
    lambda t, c: return_on_cost(t, c, confidence=0.95),
    lambda t, c: cost_per_retained(t, c, confidence=0.95),
    lambda t, c: persistence(t, c, confidence=0.95),
    lambda t, c: by_week(t, c, confidence=0.95),
    lambda t, c: decompose(t, c, confidence=0.95),
]


def reason(value: object) -> str:
    assert isinstance(value, NotEstimable)
    assert value.detail
    return value.reason


def quantity(value: object) -> Quantity:
    assert isinstance(value, Quantity)
    return value


@pytest.mark.parametrize("method", EVERY)
def test_variants_without_a_variance(method: Callable[[Group, Group], object]) -> None:
    for n, code in ((0, "no_units"), (1, "too_few_units")):
        assert reason(method(replace(TREATED, n=n), CONTROL)) == code
        assert reason(method(TREATED, replace(CONTROL, n=n))) == code
    for wrong in (math.nan, math.inf):
        assert reason(method(replace(TREATED, mean=[wrong, 1.0]), CONTROL)) == "not_finite"
        assert reason(method(TREATED, replace(CONTROL, covariance=[[wrong, 0.0], [0.0, 1.0]]))) == "not_finite"
    for bad in (replace(TREATED, n=-1), replace(TREATED, covariance=[[-1.0, 0.0], [0.0, 1.0]])):
        with pytest.raises(ValueError, match="never negative"):
            method(bad, CONTROL)
    with pytest.raises(ValueError, match=r"."):
        method(Group(9, [1.0, 1.0], [[1.0]]), CONTROL)


def test_return_is_not_told_without_a_cost() -> None:
    free = replace(TREATED, mean=[80.0, 0.0], covariance=[[900.0, 0.0], [0.0, 0.0]])
    assert reason(return_on_cost(free, CONTROL, confidence=0.95)) == "baseline_not_positive"
    assert (
        reason(return_on_cost(replace(TREATED, mean=[80.0, -2.0]), CONTROL, confidence=0.95)) == "baseline_not_positive"
    )
    unsure = replace(TREATED, mean=[80.0, 0.1])
    assert reason(return_on_cost(unsure, CONTROL, confidence=0.95)) == "baseline_too_close_to_zero"


def test_quotients_of_constants() -> None:
    still = Group(10, [2.0, 1.0], [[0.0, 0.0], [0.0, 0.0]])
    none = Group(10, [0.0, 0.0], [[0.0, 0.0], [0.0, 0.0]])
    assert reason(difference_ratio(still, none, confidence=0.95)) == "zero_variance"
    # Cost that is exactly twice the purchases: the quotient is known without error.
    twice = Group(50, [2.0, 1.0], [[4.0, 2.0], [2.0, 1.0]])
    assert reason(difference_ratio(twice, replace(none, n=50), confidence=0.95)) == "zero_variance"
    money = incremental(still, none, confidence=0.95)
    assert isinstance(money, Incremental) and money.spent == 1.0
    assert reason(money.cost) == reason(money.net) == "zero_variance"


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1e9, 1e100])
def test_money_in_any_currency(scale: float) -> None:
    """Return does not depend on the unit of money; a billion customers neither overflow nor lose the covariance."""
    here = return_on_cost(TREATED, CONTROL, confidence=0.95)

    def scaled(group: Group) -> Group:
        spread = (np.asarray(group.covariance) * scale * scale).tolist()
        return Group(group.n, [value * scale for value in group.mean], spread)

    there = return_on_cost(scaled(TREATED), scaled(CONTROL), confidence=0.95)
    first, second = quantity(here), quantity(there)
    assert (second.estimate, second.lower, second.upper) == pytest.approx((first.estimate, first.lower, first.upper))
    many = quantity(return_on_cost(replace(TREATED, n=10**9), replace(CONTROL, n=10**9), confidence=0.95))
    assert 0.0 < many.upper - many.lower < 0.001 * abs(many.estimate)


means = st.floats(0.5, 500.0)
spreads = st.floats(0.5, 5e3)
turns = st.floats(-0.95, 0.95)
sizes = st.integers(5, 10**7)


@st.composite
def groups(draw: st.DrawFn) -> Group:
    first, second, turn = draw(spreads), draw(spreads), draw(turns)
    shared = turn * math.sqrt(first * second)
    return Group(draw(sizes), [draw(means), draw(means)], [[first, shared], [shared, second]])


@settings(derandomize=True, deadline=None, max_examples=150)
@given(groups(), groups())
def test_return_and_net_margin_agree(treated: Group, control: Group) -> None:
    """The interval of the return leaves out 0 exactly when that of the net margin does, on the same side."""
    money, back = incremental(treated, control, confidence=0.95), return_on_cost(treated, control, confidence=0.95)
    if isinstance(money, NotEstimable) or isinstance(money.net, NotEstimable) or isinstance(back, NotEstimable):
        return
    if abs(abs(money.net.statistic) / max(1e-9, abs(money.net.lower - money.net.estimate) / money.net.se) - 1.0) < 1e-9:
        return
    assert (back.lower > 0.0) == (money.net.lower > 0.0)
    assert (back.upper < 0.0) == (money.net.upper < 0.0)
    assert back.lower <= back.estimate <= back.upper
    assert back.estimate == pytest.approx(money.net.estimate / money.spent, rel=1e-6, abs=1e-9)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(groups(), groups())
def test_contributions_add_up_and_turn_with_the_variants(treated: Group, control: Group) -> None:
    found, turned = decompose(treated, control, confidence=0.95), decompose(control, treated, confidence=0.95)
    assert isinstance(found, Decomposition) and isinstance(turned, Decomposition)
    assert sum(factor.log for factor in found.factors) == pytest.approx(found.total.log, abs=1e-12)
    for one, other in zip(found.factors, turned.factors, strict=True):
        assert one.log == pytest.approx(-other.log, abs=1e-12)
        assert (1.0 + one.change) * (1.0 + other.change) == pytest.approx(1.0, rel=1e-9)


def test_decomposition_without_buyers_or_spread() -> None:
    some = Group(50, [0.2, 0.3, 9.0], [[0.16, 0.2, 7.0], [0.2, 0.5, 12.0], [7.0, 12.0, 900.0]])
    none = Group(50, [0.0, 0.0, 0.0], np.zeros((3, 3)).tolist())
    assert reason(decompose(some, none, confidence=0.95)) == "no_events"
    assert reason(decompose(none, some, confidence=0.95)) == "no_events"
    refunds = replace(some, mean=[0.2, 0.3, -1.0])
    assert reason(decompose(refunds, some, confidence=0.95)) == "baseline_not_positive"
    # One order a buyer in both variants: that factor adds exactly nothing, and has no interval.
    single = Group(50, [0.2, 0.2, 9.0], [[0.16, 0.16, 7.0], [0.16, 0.16, 7.0], [7.0, 7.0, 900.0]])
    found = decompose(single, replace(single, mean=[0.3, 0.3, 9.0]), confidence=0.95)
    assert isinstance(found, Decomposition)
    assert found.factors[1].log == 0.0
    assert reason(found.factors[1].log_interval) == "zero_variance"
    assert isinstance(found.factors[0].change_interval, Interval)


def test_linear_sums() -> None:
    with pytest.raises(ValueError, match="weights"):
        linear(TREATED, [[1.0]])
    with pytest.raises(ValueError, match="too large"):
        linear(Group(9, [1.0, 1.0], [[1.0, 5.0], [5.0, 1.0]]), [[1.0, -1.0]])
    same = linear(Group(9, [1.0, 1.0], [[0.1 + 0.2, 0.3], [0.3, 0.3]]), [[1.0, -1.0]])
    assert isinstance(same, Group) and same.covariance == ((0.0,),)
    assert reason(linear(Group(9, [1e308, 1e308], [[1.0, 0.0], [0.0, 1.0]]), [[1.0, 1.0]])) == "not_finite"
    back = before_cost(Group(9, [60.0, 20.0], [[880.0, -40.0], [-40.0, 100.0]]))
    assert isinstance(back, Group)
    assert net_arm(back) == net_arm(Group(9, [80.0, 20.0], [[900.0, 60.0], [60.0, 100.0]]))
    assert reason(spread_of(Arm(1.0, 0.0, 1), confidence=0.9)) == "too_few_units"


def test_quotient_refuses_what_cannot_be() -> None:
    def found(**changed: float) -> Quantity | NotEstimable:
        numbers = {"numerator": 2.0, "denominator": 5.0, "numerator_variance": 0.1, "denominator_variance": 0.2}
        return quotient(**({**numbers, "covariance": 0.01, "df": math.inf, "confidence": 0.95} | changed))

    assert quantity(found()).lower < 0.4 < quantity(found()).upper
    assert reason(found(numerator=math.nan)) == "not_finite"
    assert reason(found(numerator=1e300, denominator=1e-20, denominator_variance=0.0)) == "not_finite"
    for wrong in ({"df": 0.0}, {"numerator_variance": -1.0}, {"confidence": 1.0}):
        with pytest.raises(ValueError, match=r"."):
            found(**wrong)


def test_break_even_and_rollout() -> None:
    money = incremental(TREATED, CONTROL, confidence=0.95)
    assert isinstance(money, Incremental) and isinstance(money.net, Interval)
    even = break_even(money.net, spent=money.spent)
    assert (even.actual, even.estimate) == (20.0, 30.0)
    # At the cost that the lower bound allows, the net effect's lower bound is 0.
    dearer = replace(TREATED, mean=[80.0, even.lower])
    again = incremental(dearer, CONTROL, confidence=0.95)
    assert isinstance(again, Incremental) and isinstance(again.net, Interval)
    assert again.net.lower == pytest.approx(0.0, abs=1e-9)
    rollout = project(money.net, customers=1000.0, once=500.0)
    assert isinstance(rollout, Projection)
    assert (rollout.estimate, rollout.once) == (9500.0, 500.0)
    assert rollout.upper - rollout.lower == pytest.approx(1000.0 * (money.net.upper - money.net.lower))
    assert reason(project(money.net, customers=1e308)) == "not_finite"
    with pytest.raises(ValueError, match="never negative"):
        project(money.net, customers=-1.0)
    assert coupon_break_even_lift(order_margin=10.0, coupon=0.0) == 0.0
    assert reason(coupon_break_even_lift(order_margin=5.0, coupon=5.0)) == "zero_denominator"
    assert reason(coupon_break_even_lift(order_margin=math.nan, coupon=5.0)) == "not_finite"


def test_probability_of_loss() -> None:
    for estimate, loss, gain in ((0.0, 0.5, 0.5), (1e6, 0.0, 1.0), (-1e6, 1.0, 0.0)):
        chance = probability_of_loss(estimate=estimate, se=1.0)
        assert isinstance(chance, Chance)
        assert (chance.loss, chance.gain) == (loss, gain)
        assert chance.expected_loss == pytest.approx(
            max(0.0, -estimate) + (0.3989422804014327 if not estimate else 0.0)
        )
    # A prior as sharp as the data halves the effect; one without information changes nothing.
    sharp = probability_of_loss(estimate=2.0, se=1.0, prior=Prior(0.0, 1.0, "past offers"))
    assert isinstance(sharp, Chance)
    assert (sharp.mean, sharp.sd) == pytest.approx((1.0, math.sqrt(0.5)))
    assert "past offers" in sharp.method
    vague, flat = (probability_of_loss(estimate=2.0, se=1.0, prior=p) for p in (Prior(9.0, 1e9, "none"), None))
    assert isinstance(vague, Chance) and isinstance(flat, Chance)
    assert vague.loss == pytest.approx(flat.loss)
    assert reason(probability_of_loss(estimate=1.0, se=0.0)) == "zero_variance"
    assert reason(probability_of_loss(estimate=math.inf, se=1.0)) == "not_finite"
    for bad in (Prior(0.0, 0.0, "x"), Prior(math.nan, 1.0, "x")):
        with pytest.raises(ValueError, match="prior"):
            probability_of_loss(estimate=1.0, se=1.0, prior=bad)


def test_persistence_without_a_gain_has_no_share() -> None:
    treated = Group(50, [1.0, 3.0], [[9.0, 9.0], [9.0, 18.0]])
    found = persistence(treated, replace(treated, mean=[1.01, 2.0]), confidence=0.95)
    assert isinstance(found, Persistence)
    assert reason(found.share) == "baseline_not_positive"
    assert isinstance(found.total, Interval) and isinstance(found.after, Interval)
    for weeks in (0, 2):
        with pytest.raises(ValueError, match="offer"):
            offer_and_total(treated, offer_weeks=weeks)


def test_cannibalisation_without_buyers() -> None:
    none = Group(90, [0.0, 0.0, 0.0], np.zeros((3, 3)).tolist())
    found = cannibalisation(none, none, confidence=0.95)
    assert isinstance(found, Cannibalisation)
    assert reason(found.incremental_buyers) == reason(found.of_buyers) == "zero_variance"
    assert reason(found.of_redeemers_bounds) == reason(found.given_away) == "no_events"
    with pytest.raises(ValueError, match="within bought"):
        cannibalisation(Group(90, [0.1, 0.2, 1.0], np.eye(3).tolist()), none, confidence=0.95)


def test_formula_projections() -> None:
    group = Group(100, [1.0, 20.0], [[2.0, 30.0], [30.0, 900.0]])
    found = formula_projection(group, days=365.0, years=1.0)
    assert isinstance(found, FormulaValue)
    assert (found.projected.theta, found.projected.variance) == (0.0, 0.0)
    nobody = formula_projection(Group(100, [0.0, 0.0], [[0.0, 0.0], [0.0, 0.0]]), days=90.0, years=3.0)
    assert isinstance(nobody, FormulaValue) and reason(nobody.order_value) == "zero_denominator"
    assert reason(formula_projection(group, days=90.0, years=math.inf)) == "not_finite"
    for days, years in ((0.0, 1.0), (400.0, 1.0), (90.0, math.nan)):
        with pytest.raises(ValueError, match="window"):
            formula_projection(group, days=days, years=years)
    assert years_worth(years=5.0, retention=0.0) == 1.0
    assert years_worth(years=1e9, discount=0.1) == pytest.approx(11.0)
    assert reason(years_worth(years=1e6, discount=-0.5)) == "not_finite"


def test_contracts_that_say_too_little() -> None:
    assert reason(fit_contracts(lost=[0, 0], still=[0, 0])) == "no_units"
    assert reason(fit_contracts(lost=[0, 0], still=[5, 5])) == "no_events"
    assert reason(fit_contracts(lost=[9, 0], still=[5, 0])) == "not_followed"
    assert reason(fit_contracts(lost=[math.inf, 0], still=[5, 0])) == "not_finite"
    # Everybody leaves at the same rate: beta binomial without spread, alpha and beta without end.
    assert reason(fit_contracts(lost=[500, 250, 125, 62], still=[0, 0, 0, 63])) == "no_convergence"
    with pytest.raises(ValueError, match="never negative"):
        fit_contracts(lost=[-1, 0], still=[5, 0])
    fit = fit_contracts(lost=[131, 126, 90], still=[0, 0, 653])
    assert isinstance(fit, Fit)
    left = [quantity(projected_survival(fit, renewals=t, confidence=0.9)).estimate for t in (0, 1, 5, 100)]
    assert left[0] == 1.0 and all(a > b > 0.0 for a, b in itertools.pairwise(left))
    with pytest.raises(ValueError, match="periods"):
        contract_value(fit, payment=1.0, periods=0, discount=0.1, confidence=0.9)


def test_histories_that_say_too_little() -> None:
    assert reason(fit_purchases(Histories([], [], [], []))) == "no_units"
    assert reason(fit_purchases(Histories([0, 0], [0, 0], [9, 8], [5, 7]))) == "no_events"
    assert reason(fit_purchases(Histories([1], [math.nan], [9], [5]))) == "not_finite"
    # Everybody bought last on the last day: nothing shows that anybody stops.
    assert reason(fit_purchases(Histories([3, 4], [9, 9], [9, 9], [50, 70]))) == "no_convergence"
    for bad in (([1], [10], [9], [1]), ([0], [3], [9], [1]), ([-1], [0], [9], [1]), ([1, 2], [3], [9], [1])):
        with pytest.raises(ValueError, match=r"."):
            fit_purchases(Histories(*bad))


def test_projections_of_purchases() -> None:
    logs = np.log([0.243, 4.414, 0.793, 2.426])
    who = Histories([0, 3, 3, 1000], [0, 5, 38, 38], [39] * 4, [1] * 4)
    assert alive(logs, who)[0] == 1.0 and alive(logs, who)[1] < alive(logs, who)[2]
    bought = np.stack([expected_purchases(logs, who, ahead) for ahead in (0.0, 1.0, 52.0, 5200.0)])
    assert (bought[0] == 0.0).all() and (np.diff(bought, axis=0) > 0.0).all() and np.isfinite(bought).all()
    fit = fit_purchases(Histories([0, 1, 2, 4, 8], [0, 9, 20, 30, 36], [39] * 5, [600, 180, 90, 50, 20]))
    assert isinstance(fit, Fit)
    in_days = fit_purchases(Histories([0, 1, 2, 4, 8], [0, 63, 140, 210, 252], [273] * 5, [600, 180, 90, 50, 20]))
    assert isinstance(in_days, Fit)
    assert in_days["alpha"] == pytest.approx(7.0 * fit["alpha"], rel=1e-5)
    assert in_days["r"] == pytest.approx(fit["r"], rel=1e-5)
    assert reason(projected_purchases(fit, Histories([], [], [], []), ahead=1.0, confidence=0.9)) == "no_units"
    with pytest.raises(ValueError, match="never negative"):
        expected_purchases(logs, who, -1.0)


def test_spend_that_says_too_little() -> None:
    assert reason(fit_spend(Spending([0, 1], [0.0, 0.0], [5, 5]))) == "no_events"
    assert reason(fit_spend(Spending([1], [math.inf], [5]))) == "not_finite"
    assert reason(fit_spend(Spending([1, 2], [7.0, 7.0], [50, 50]))) == "no_convergence"
    no_mean = Fit(("p", "q", "gamma"), (5.0, 0.9, 3.0), ((0.1, 0, 0), (0, 0.1, 0), (0, 0, 0.1)), -9.0, 50)
    assert reason(mean_spend(no_mean, confidence=0.95)) == "not_finite"
    assert expected_spend(no_mean.logs, np.array([2.0]), np.array([10.0]))[0] > 0.0


def test_values_that_cannot_be_projected() -> None:
    nobody = Customers(Histories([0, 0], [0, 0], [9, 8], [5, 7]), [0.0, 0.0], [1.0, 1.0])
    assert reason(project_value(nobody, years=1.0, year=52.0)) == "no_events"
    assert reason(project_value(replace(nobody, realised=[math.nan, 1.0]), years=1.0, year=52.0)) == "not_finite"
    with pytest.raises(ValueError, match="length"):
        project_value(replace(nobody, spend=[0.0]), years=1.0, year=52.0)
