"""What a tactic earned, what it cost, and what is left: a group's values are (margin, cost) of a unit throughout.

`margin` is the contribution margin of a customer's orders before the tactic's own cost (vouchers, sending, gifts), and
`cost` is that cost; both over the same window, customers with nothing as zeros. Net is margin minus cost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import special

from holdfast.model.outcome import NotEstimable
from holdfast.stats.arm import Arm
from holdfast.stats.balance import Group
from holdfast.stats.bayes import Prior
from holdfast.stats.contrast import Interval
from holdfast.stats.joint import Quantity, arm_of, difference_in, difference_ratio, linear


@dataclass(frozen=True, slots=True)
class Incremental:
    """What the tactic changed per assigned customer, beside control."""

    net: Interval | NotEstimable
    """Margin minus cost: what decides."""
    margin: Interval | NotEstimable
    """Margin before the tactic's cost."""
    cost: Interval | NotEstimable
    """The tactic's cost; NotEstimable "zero_variance" where every customer costs the same."""
    spent: float
    """The estimate of `cost`, known also where it does not vary."""


@dataclass(frozen=True, slots=True)
class Projection:
    """What an effect per customer comes to over a number of customers."""

    estimate: float
    """Customers times the effect, less what is paid once."""
    se: float
    """Standard error: that of the effect alone, since the number of customers is taken as known."""
    lower: float
    upper: float
    confidence: float
    customers: float
    """Customers that the projection covers."""
    once: float
    """What is paid once, and taken off."""


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The tactic's cost per assigned customer at which nothing is left, if customers bought the same for it."""

    actual: float
    """What it costs now."""
    estimate: float
    """The cost at which the estimate of the net effect is 0."""
    lower: float
    """The cost at which its lower bound is 0: below it a gain is shown."""
    upper: float
    """The cost at which its upper bound is 0: above it a loss is shown."""
    confidence: float


@dataclass(frozen=True, slots=True)
class Chance:
    """How probable it is that the tactic loses money, under the prior that is named."""

    loss: float
    """Probability of an effect below 0."""
    gain: float
    """Probability of an effect above 0, exact also where it is far below 1e-16."""
    expected_loss: float
    """What is lost on average by going ahead: the losses times their probability, in the unit of the effect."""
    mean: float
    """The effect after the prior was taken into account."""
    sd: float
    """Its standard deviation."""
    method: str
    """The model and its prior in words."""


def net_arm(group: Group) -> Arm | NotEstimable:
    """What is left per customer of one variant, as an arm: margin minus the tactic's cost.

    Args:
        group: (margin before the tactic's cost, cost) of one variant.

    Formula: m - k, variance (s2_m - 2 s_mk + s2_k) / n.

    Returns:
        What `linear` returns.

    >>> net_arm(Group(100, [90.0, 20.0], [[400.0, 30.0], [30.0, 60.0]]))
    Arm(theta=70.0, variance=4.0, n=100, df=99.0, successes=None)
    """
    _two(group)
    net = linear(group, [[1.0, -1.0]])
    return net if isinstance(net, NotEstimable) else arm_of(net)


def before_cost(group: Group) -> Group | NotEstimable:
    """(margin before the tactic's cost, cost) of a variant whose margin was given after that cost.

    Returns:
        What `linear` returns.

    >>> before_cost(Group(100, [70.0, 20.0], [[400.0, -30.0], [-30.0, 60.0]]))
    Group(n=100, mean=(90.0, 20.0), covariance=((400.0, 30.0), (30.0, 60.0)))
    """
    _two(group)
    return linear(group, [[1.0, 1.0], [0.0, 1.0]])


def incremental(treated: Group, control: Group, *, confidence: float) -> Incremental | NotEstimable:
    """What the tactic earned per assigned customer, what it cost, and what is left of it.

    Args:
        treated, control: (margin before the tactic's cost, cost) of each variant.
        confidence: two-sided, 0.95 for 95%.

    Formula: Welch's difference of each of m - k, m and k. Whoever was assigned counts, offer used or not.

    Returns:
        NotEstimable "no_units", "too_few_units" or "not_finite" where a variant's moments cannot be used.

    Raises:
        ValueError: for moments that cannot be, or a confidence outside (0, 1).

    >>> treated = Group(12012, [824.0, 59.0], [[4.4e6, 2.9e4], [2.9e4, 4.0e4]])
    >>> control = Group(11988, [684.0, 0.0], [[4.0e6, 0.0], [0.0, 0.0]])
    >>> money = incremental(treated, control, confidence=0.95)
    >>> money.net.estimate, round(money.net.lower), round(money.net.upper), money.spent
    (81.0, 29, 133, 59.0)
    """
    groups = []
    for group in (treated, control):
        _two(group)
        parts = linear(group, [[1.0, -1.0], [1.0, 0.0], [0.0, 1.0]])
        if isinstance(parts, NotEstimable):
            return parts
        groups.append(parts)
    net, margin, cost = (difference_in(groups[0], groups[1], place, confidence=confidence) for place in range(3))
    return Incremental(net, margin, cost, float(treated.mean[1] - control.mean[1]))


def return_on_cost(treated: Group, control: Group, *, confidence: float) -> Quantity | NotEstimable:
    """What came back on top of each 1 spent on the tactic: 1.37 means that 1 spent returned itself and 1.37 more.

    Args:
        treated, control: (margin before the tactic's cost, cost) of each variant.
        confidence: two-sided, 0.95 for 95%.

    Formula: (dM - dK) / dK = dM / dK - 1, dM and dK the differences in margin before the tactic's cost and in cost; by
    Fieller, with the variances and covariance of net margin and cost within each variant. The interval leaves out 0
    exactly when that of the net margin does. 0 is break even, -1 a total loss of what was spent.

    Returns:
        NotEstimable "baseline_not_positive" where the tactic did not cost more than control, and
        "baseline_too_close_to_zero" where the interval of its cost reaches 0; and what `linear` returns.

    Raises:
        ValueError: for moments that cannot be, or a confidence outside (0, 1).

    >>> treated = Group(12012, [824.0, 59.0], [[4.4e6, 2.9e4], [2.9e4, 4.0e4]])
    >>> control = Group(11988, [684.0, 0.0], [[4.0e6, 0.0], [0.0, 0.0]])
    >>> found = return_on_cost(treated, control, confidence=0.95)
    >>> round(found.estimate, 2), round(found.lower, 2), round(found.upper, 2)
    (1.37, 0.49, 2.26)
    """
    groups = []
    for group in (treated, control):
        _two(group)
        parts = linear(group, [[1.0, -1.0], [0.0, 1.0]])
        if isinstance(parts, NotEstimable):
            return parts
        groups.append(parts)
    return difference_ratio(*groups, confidence=confidence)


def cost_per_retained(treated: Group, control: Group, *, confidence: float) -> Quantity | NotEstimable:
    """What it cost to retain one customer who would not have stayed without the tactic.

    Args:
        treated, control: (cost, retained as 0 or 1) of each variant, over all assigned customers.
        confidence: two-sided, 0.95 for 95%.

    Formula: (k_t - k_c) / (p_t - p_c) by Fieller. A cost that is the same for everybody is taken as known.

    Returns:
        NotEstimable "baseline_not_positive" where no more customers stayed than without the tactic,
        "baseline_too_close_to_zero" where the interval of the extra share reaches 0, and what `linear` returns.

    Raises:
        ValueError: for moments that cannot be, or a confidence outside (0, 1).

    >>> treated = Group(20000, [59.0, 0.131], [[4.0e4, 20.0], [20.0, 0.1138]])
    >>> control = Group(20000, [0.0, 0.118], [[0.0, 0.0], [0.0, 0.1041]])
    >>> found = cost_per_retained(treated, control, confidence=0.95)
    >>> round(found.estimate), round(found.lower), round(found.upper)
    (4538, 3051, 8954)
    """
    return difference_ratio(treated, control, confidence=confidence)


def break_even(net: Interval, *, spent: float) -> BreakEven:
    """The cost per assigned customer at which the estimate of the net effect, and the ends of its interval, are 0.

    Args:
        net: the effect on net margin per assigned customer.
        spent: the tactic's cost per assigned customer now, in the same unit.

    Formula: cost + net; the same for both bounds. Assumes that customers would have bought as they did, and that the
    change in cost is the same for every customer. For a cost that falls on redemptions see `redemption_break_even`.

    >>> from holdfast.stats.contrast import difference
    >>> net = difference(Arm(81.0, 400.0, 12012), Arm(0.0, 329.0, 11988), confidence=0.95)
    >>> [round(cost) for cost in (break_even(net, spent=59.0).lower, break_even(net, spent=59.0).upper)]
    [87, 193]
    """
    low, high = spent + net.lower, spent + net.upper
    return BreakEven(spent, spent + net.estimate, low, high, net.confidence)


def redemption_break_even(treated: Group, control: Group, *, confidence: float) -> Quantity | NotEstimable:
    """The cost of one redemption at which the tactic neither earned nor lost.

    Args:
        treated, control: (margin before the cost of redemptions, number of redemptions) of each variant.
        confidence: two-sided, 0.95 for 95%.

    Formula: (m_t - m_c) / (q_t - q_c) by Fieller, since the net effect at a cost k a redemption is dM - k dQ: at the
    bounds k its own interval ends at 0. Assumes that customers would have bought and redeemed as they did.

    Returns:
        What `difference_ratio` returns.

    >>> treated = Group(12012, [824.0, 0.1], [[4.4e6, 150.0], [150.0, 0.09]])
    >>> control = Group(11988, [684.0, 0.0], [[4.0e6, 0.0], [0.0, 0.0]])
    >>> found = redemption_break_even(treated, control, confidence=0.95)
    >>> round(found.estimate), round(found.lower), round(found.upper)
    (1400, 887, 1911)
    """
    return difference_ratio(treated, control, confidence=confidence)


def coupon_break_even_lift(*, order_margin: float, coupon: float) -> float | NotEstimable:
    """By what share the number of orders has to rise for a coupon that every order uses to pay for itself.

    Args:
        order_margin: margin of an order before the coupon.
        coupon: cost of the coupon on an order, in the same unit.

    Formula: with p orders a customer, p_t (m - c) = p_c m at p_t / p_c - 1 = c / (m - c): those who would have bought
    anyway use it too.

    Returns:
        NotEstimable "zero_denominator" where the coupon takes the whole margin: no number of orders pays for it.

    Raises:
        ValueError: for a negative coupon.

    >>> coupon_break_even_lift(order_margin=15.0, coupon=5.0)
    0.5
    """
    if not (math.isfinite(order_margin) and math.isfinite(coupon)):
        return NotEstimable("not_finite", f"margin {order_margin}, coupon {coupon}")
    if coupon < 0.0:
        raise ValueError(f"a coupon is never negative: {coupon}")
    left = order_margin - coupon
    lift = coupon / left if left > 0.0 else math.inf
    if not math.isfinite(lift):
        return NotEstimable(
            "zero_denominator", f"of a margin of {order_margin:g} a coupon of {coupon:g} leaves nothing"
        )
    return lift


def probability_of_loss(*, estimate: float, se: float, prior: Prior | None = None) -> Chance | NotEstimable:
    """How probable it is that the tactic loses money, given the estimate of its net effect and a prior.

    Args:
        estimate, se: the net effect and its standard error, per customer or in all.
        prior: None takes every effect for equally probable beforehand; then `loss` is the one-sided p-value.

    Formula: normal; with a prior N(m0, s0^2) the mean is (d/s^2 + m0/s0^2) v with v = 1/(1/s^2 + 1/s0^2).
    loss = Phi(-m/s), expected loss = s phi(m/s) - m Phi(-m/s).

    Returns:
        NotEstimable "zero_variance" for a standard error of 0, "not_finite".

    Raises:
        ValueError: for a negative standard error, or a prior whose spread is not above 0.

    >>> chance = probability_of_loss(estimate=81.0, se=27.0)
    >>> round(chance.loss, 5), chance.method
    (0.00135, 'normal, every effect equally probable beforehand')
    >>> probability_of_loss(estimate=81.0, se=27.0, prior=Prior(0.0, 30.0, "past vouchers")).method
    'normal, prior past vouchers: mean 0, standard deviation 30'
    """
    if not (math.isfinite(estimate) and math.isfinite(se)):
        return NotEstimable("not_finite", f"estimate {estimate}, standard error {se}")
    if se < 0.0:
        raise ValueError(f"a standard error is never negative: {se}")
    if se == 0.0:
        return NotEstimable("zero_variance", "the net effect has no error")
    mean, sd, method = estimate, se, "normal, every effect equally probable beforehand"
    if prior is not None:
        if not (prior.sd > 0.0 and math.isfinite(prior.sd) and math.isfinite(prior.mean)):
            raise ValueError(f"a prior has a finite mean and a spread above 0: {prior}")
        weight = 1.0 / (1.0 + (se / prior.sd) ** 2)
        mean, sd = weight * estimate + (1.0 - weight) * prior.mean, se * math.sqrt(weight)
        method = f"normal, prior {prior.name}: mean {prior.mean:g}, standard deviation {prior.sd:g}"
    z = mean / sd
    loss, gain = float(special.ndtr(-z)), float(special.ndtr(z))
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi) if abs(z) < 40.0 else 0.0
    return Chance(loss, gain, max(0.0, sd * (density - z * loss)), mean, sd, method)


def project(effect: Interval, *, customers: float, once: float = 0.0) -> Projection | NotEstimable:
    """What an effect per customer is worth over the customers of a rollout.

    Args:
        effect: per assigned customer, over the window it was measured in.
        customers: customers that the rollout reaches in the period that the reader is told.
        once: what is paid once, such as design.

    Formula: customers * effect - once; the same for both bounds. The interval holds the error of the measured effect
    only: other customers, seasons or longer horizons than those of the experiment are not in it.

    Returns:
        NotEstimable "not_finite" where the product leaves the range of a double.

    Raises:
        ValueError: for a negative number of customers.

    >>> from holdfast.stats.contrast import difference
    >>> net = difference(Arm(765.0, 400.0, 12012), Arm(684.0, 329.0, 11988), confidence=0.95)
    >>> rollout = project(net, customers=42000)
    >>> rollout.estimate, round(rollout.lower, -5), round(rollout.upper, -5)
    (3402000.0, 1200000.0, 5600000.0)
    """
    if customers < 0.0:
        raise ValueError(f"a number of customers is never negative: {customers}")
    figures = [customers * number for number in (effect.estimate, effect.se, effect.lower, effect.upper)]
    if not all(math.isfinite(figure) for figure in (*figures, once)):
        return NotEstimable("not_finite", "the projection is too large to compute")
    middle, se, low, high = figures
    return Projection(middle - once, se, low - once, high - once, effect.confidence, customers, once)


def _two(group: Group) -> None:
    """Refuse anything but pairs of values."""
    if len(group.mean) != 2:
        raise ValueError(f"margin and cost are two values, not {len(group.mean)}")
