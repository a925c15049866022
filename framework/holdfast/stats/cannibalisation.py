"""How much of an offer went to customers who would have bought without it.

Nobody can be seen both with and without an offer, so all of this rests on an assumption that is part of the result.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from holdfast.model.outcome import NotEstimable
from holdfast.stats.arm import Arm, ratio_arm
from holdfast.stats.balance import Group
from holdfast.stats.contrast import Interval, difference
from holdfast.stats.joint import Quantity, arm_of, quotient, unusable
from holdfast.stats.tails import critical

NOBODY_PUT_OFF = "nobody is put off buying by the offer"
ONLY_BY_REDEEMING = "whoever buys because of the offer redeems it"
ALIKE = "those who would have bought anyway cost as much a buyer as the others"


@dataclass(frozen=True, slots=True)
class Cannibalisation:
    """Who bought because of an offer, and what those were given who would have bought anyway."""

    incremental_buyers: Interval | NotEstimable
    """Share of assigned customers who bought because of the offer. Assumes NOBODY_PUT_OFF to speak of persons."""
    of_buyers: Quantity | NotEstimable
    """Share of the treated buyers who bought because of it. Assumes NOBODY_PUT_OFF."""
    of_redeemers: Quantity | NotEstimable
    """Share of those who redeemed who bought because of it. Assumes NOBODY_PUT_OFF and ONLY_BY_REDEEMING."""
    of_redeemers_bounds: tuple[float, float] | NotEstimable
    """Least and most that share can be without ONLY_BY_REDEEMING, as if the shares were known without error."""
    given_away: Quantity | NotEstimable
    """Cost per assigned customer given to those who would have bought anyway. Assumes NOBODY_PUT_OFF and ALIKE."""


def cannibalisation(treated: Group, control: Group, *, confidence: float) -> Cannibalisation | NotEstimable:
    """What share of buyers and redemptions an offer really brought, and what it gave away.

    Args:
        treated: (bought as 0 or 1, redeemed as 0 or 1, cost of redemptions) of the variant with the offer.
        control: the same of the variant without; only the first is used.
        confidence: two-sided, 0.95 for 95%, of each interval by itself.

    Formula: with p bought, q redeemed and k cost a customer, and customers who buy either way a share p_c of all
    (nobody put off): incremental p_t - p_c; of buyers (p_t - p_c) / p_t; of redeemers (p_t - p_c) / q_t, both by
    Fieller with the covariance of bought and redeemed within the treated variant; without the second assumption between
    max(0, q_t - p_c) / q_t and min(q_t, p_t - p_c) / q_t. Given away: p_c k_t / p_t, t interval on its logarithm by the
    delta method. Principal strata: Frangakis and Rubin (2002), Biometrics 58:21.

    Returns:
        NotEstimable "no_units", "too_few_units" or "not_finite" where a variant's moments cannot be used. Parts of the
        result are NotEstimable by themselves, "no_events" where nobody bought or redeemed.

    Raises:
        ValueError: for moments that cannot be, shares outside [0, 1], more redeemers than buyers, or a confidence
            outside (0, 1).

    >>> treated = Group(10000, [0.14, 0.10, 50.0], [[0.1204, 0.086, 43], [0.086, 0.09, 45], [43, 45, 23000]])
    >>> control = Group(10000, [0.12, 0.0, 0.0], [[0.1056, 0, 0], [0, 0, 0], [0, 0, 0]])
    >>> found = cannibalisation(treated, control, confidence=0.95)
    >>> round(found.of_buyers.estimate, 3), round(found.of_redeemers.estimate, 3), round(found.given_away.estimate, 1)
    (0.143, 0.2, 42.9)
    """
    missing = _checked(treated, control)
    if missing is not None:
        return missing
    ours, theirs = arm_of(treated), arm_of(control)
    if isinstance(ours, NotEstimable):
        return ours
    if isinstance(theirs, NotEstimable):
        return theirs
    buyers = difference(ours, theirs, confidence=confidence)
    of_buyers = _share(buyers, treated, place=0, confidence=confidence)
    of_redeemers = _share(buyers, treated, place=1, confidence=confidence)
    away = _given_away(treated, theirs, confidence=confidence)
    return Cannibalisation(buyers, of_buyers, of_redeemers, _bounds(treated, control), away)


def _checked(treated: Group, control: Group) -> NotEstimable | None:
    """Why moments cannot be used; ValueError where they cannot be."""
    if len(treated.mean) != 3 or not control.mean:
        raise ValueError("bought, redeemed and cost are three values")
    missing = unusable(treated) or unusable(control)
    if missing is not None:
        return missing
    bought, redeemed, cost = treated.mean
    if not (0.0 <= redeemed <= bought * (1.0 + 1e-9) and bought <= 1.0 and 0.0 <= control.mean[0] <= 1.0):
        raise ValueError(f"shares lie between 0 and 1, redeemed within bought: {bought}, {redeemed}, {control.mean[0]}")
    if cost < 0.0:
        raise ValueError(f"a cost is never negative: {cost}")
    return None


def _share(
    buyers: Interval | NotEstimable, treated: Group, *, place: int, confidence: float
) -> Quantity | NotEstimable:
    """The incremental buyers as a share of a mean of the treated variant."""
    if isinstance(buyers, NotEstimable):
        return buyers
    if treated.mean[place] == 0.0:
        return NotEstimable("no_events", "nobody bought" if place == 0 else "nobody redeemed")
    return quotient(
        numerator=buyers.estimate,
        denominator=treated.mean[place],
        numerator_variance=buyers.se**2,
        denominator_variance=treated.covariance[place][place] / treated.n,
        covariance=treated.covariance[0][place] / treated.n,
        df=buyers.df,
        confidence=confidence,
    )


def _bounds(treated: Group, control: Group) -> tuple[float, float] | NotEstimable:
    """Least and most share of redeemers who bought because of the offer."""
    bought, redeemed, _ = treated.mean
    if redeemed == 0.0:
        return NotEstimable("no_events", "nobody redeemed")
    anyway = control.mean[0]
    most = min(1.0, max(0.0, bought - anyway) / redeemed)
    return min(most, max(0.0, redeemed - anyway) / redeemed), most


def _given_away(treated: Group, control: Arm, *, confidence: float) -> Quantity | NotEstimable:
    """Cost a customer that went to those who would have bought anyway."""
    bought, _, cost = treated.mean
    if 0.0 in (bought, cost, control.theta):
        return NotEstimable("no_events", "nobody bought, or no cost was incurred")
    spread = treated.covariance
    per_buyer = ratio_arm(
        n=treated.n,
        numerator_mean=cost,
        denominator_mean=bought,
        numerator_variance=spread[2][2],
        denominator_variance=spread[0][0],
        covariance=spread[0][2],
    )
    if isinstance(per_buyer, NotEstimable):
        return per_buyer
    logs = [Arm(math.log(arm.theta), arm.variance / arm.theta**2, arm.n) for arm in (control, per_buyer)]
    total = difference(*logs, confidence=confidence)
    if isinstance(total, NotEstimable):
        return total
    estimate = control.theta * per_buyer.theta
    reach = critical(confidence=confidence, df=total.df) * total.se
    if reach > 700.0:
        return NotEstimable("not_finite", "too few buyers to say what they were given")
    low, high = estimate * math.exp(-reach), estimate * math.exp(reach)
    return Quantity(estimate, estimate * total.se, low, high, total.df, confidence, "delta method on the logarithm")
