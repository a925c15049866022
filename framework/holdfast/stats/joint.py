"""Several values of the same units taken together: sums of them, and quotients of two differences between variants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holdfast.model.outcome import NotEstimable
from holdfast.stats.arm import Arm, mean_arm
from holdfast.stats.balance import Group
from holdfast.stats.contrast import Interval, difference
from holdfast.stats.tails import checked_confidence, critical

_ROUNDING = 16.0 * 2.0**-52
"""A variance below this share of the terms it was summed from is rounding noise, thus zero."""
_Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A figure with its two-sided confidence interval, where no test goes with it."""

    estimate: float
    """The figure, in its own unit."""
    se: float
    """Standard error by the delta method, on the same scale."""
    lower: float
    """Lower confidence bound."""
    upper: float
    """Upper confidence bound."""
    df: float
    """Degrees of freedom behind the bounds; infinite for normal ones."""
    confidence: float
    """Two-sided confidence of the interval, 0.95 for 95%."""
    method: str
    """The method in words."""


def linear(group: Group, rows: Sequence[Sequence[float]]) -> Group | NotEstimable:
    """Means and covariances of weighted sums of a group's values: margin minus cost, or the weeks up to each week.

    Args:
        group: one variant, k values a unit.
        rows: one list of k weights for each sum.

    Formula: mean A m, covariance A S A'. A variance that is rounding noise beside the terms it was summed from is 0.

    Returns:
        NotEstimable "no_units" for n = 0, "too_few_units" for n = 1, "not_finite" for infinite or missing numbers.

    Raises:
        ValueError: for a negative n, a negative variance, moments that do not fit each other or the weights, and
            covariances that the variances rule out.

    >>> linear(Group(9, [5.0, 2.0], [[4.0, 1.0], [1.0, 3.0]]), [[1.0, -1.0]])
    Group(n=9, mean=(3.0,), covariance=((5.0,),))
    """
    missing = unusable(group)
    if missing is not None:
        return missing
    weights = np.asarray(rows, dtype=np.float64)
    if weights.ndim != 2 or weights.shape[1] != len(group.mean):
        raise ValueError(f"every sum needs {len(group.mean)} weights")
    means, spread = np.asarray(group.mean, dtype=np.float64), np.asarray(group.covariance, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        mean, covariance = weights @ means, weights @ spread @ weights.T
        size = np.einsum("ij,ik,jk->i", np.abs(weights), np.abs(weights), np.abs(spread))
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all() and np.isfinite(size).all()):
        return NotEstimable("not_finite", "a sum or its variance is too large to compute")
    if (np.diag(covariance) < -1e-9 * size).any():
        raise ValueError("a covariance is too large for these variances")
    noise = np.diag(covariance) <= _ROUNDING * size
    covariance[noise, :] = 0.0
    covariance[:, noise] = 0.0
    return Group(group.n, tuple(mean.tolist()), tuple(tuple(row) for row in covariance.tolist()))


def arm_of(group: Group, place: int = 0) -> Arm | NotEstimable:
    """The mean of one of a group's values as an arm.

    Returns:
        What `mean_arm` returns.

    >>> arm_of(Group(9, [5.0, 2.0], [[4.0, 1.0], [1.0, 3.0]]), 1).theta
    2.0
    """
    return mean_arm(n=group.n, mean=group.mean[place], variance=group.covariance[place][place])


def spread_of(arm: Arm, *, confidence: float) -> Quantity | NotEstimable:
    """The estimate of one variant with its interval, where it is shown by itself.

    Formula: theta -+ t sqrt(V) at the arm's degrees of freedom.

    Returns:
        NotEstimable "too_few_units" without degrees of freedom, "not_finite".

    Raises:
        ValueError: for a confidence outside (0, 1), or a negative variance.

    >>> found = spread_of(Arm(theta=12.0, variance=0.09, n=100), confidence=0.95)
    >>> round(found.lower, 3), round(found.upper, 3)
    (11.405, 12.595)
    """
    checked_confidence(confidence)
    if not (math.isfinite(arm.theta) and math.isfinite(arm.variance)):
        return NotEstimable("not_finite", f"estimate {arm.theta}, variance {arm.variance}")
    if arm.variance < 0.0:
        raise ValueError(f"a variance is never negative: {arm.variance}")
    if not arm.df > 0.0:
        return NotEstimable("too_few_units", f"{arm.df:g} degrees of freedom")
    se = math.sqrt(arm.variance)
    reach = critical(confidence=confidence, df=arm.df) * se
    return Quantity(arm.theta, se, arm.theta - reach, arm.theta + reach, arm.df, confidence, "t")


def difference_in(treated: Group, control: Group, place: int, *, confidence: float) -> Interval | NotEstimable:
    """How much higher the treated variant is in one of the values: Welch's difference.

    Returns:
        What `mean_arm` and `difference` return.

    >>> treated, control = Group(100, [12.0], [[9.0]]), Group(80, [11.0], [[12.8]])
    >>> difference_in(treated, control, 0, confidence=0.95).estimate
    1.0
    """
    ours, theirs = arm_of(treated, place), arm_of(control, place)
    if isinstance(ours, NotEstimable):
        return ours
    return theirs if isinstance(theirs, NotEstimable) else difference(ours, theirs, confidence=confidence)


def unusable(group: Group) -> NotEstimable | None:
    """Why a group's moments cannot be used, or None where they can.

    Raises:
        ValueError: for a negative n or variance, or moments of different length.
    """
    if group.n < 0:
        raise ValueError(f"a number of units is never negative: {group.n}")
    spread = np.asarray(group.covariance, dtype=np.float64)
    if spread.shape != (len(group.mean), len(group.mean)):
        raise ValueError(f"{len(group.mean)} means and covariances of shape {spread.shape}")
    if group.n < 2:
        detail = f"{group.n} units in a variant; a variance needs 2"
        return NotEstimable("no_units", detail) if group.n == 0 else NotEstimable("too_few_units", detail)
    if not (np.isfinite(spread).all() and np.isfinite(np.asarray(group.mean, dtype=np.float64)).all()):
        return NotEstimable("not_finite", "a mean or covariance is infinite or missing")
    if (np.diag(spread) < 0.0).any():
        raise ValueError("a variance is never negative")
    return None


def quotient(
    *,
    numerator: float,
    denominator: float,
    numerator_variance: float,
    denominator_variance: float,
    covariance: float,
    df: float,
    confidence: float,
) -> Quantity | NotEstimable:
    """One estimate divided by another that varies with it, with its interval.

    The interval leaves out 0 exactly when the numerator's own interval at these degrees of freedom does.

    Args:
        numerator, denominator: the two estimates.
        numerator_variance, denominator_variance, covariance: of the estimates, not of units.
        df: degrees of freedom; math.inf for the normal distribution.
        confidence: two-sided, 0.95 for 95%.

    Formula: all x with (N - x D)^2 <= t^2 (V_N - 2 x C + x^2 V_D); an interval where t^2 V_D < D^2.
    Source: Fieller (1954), Journal of the Royal Statistical Society B 16:175.

    Returns:
        NotEstimable "baseline_not_positive" for a denominator of 0 or less, "baseline_too_close_to_zero" where its own
        interval reaches 0, "zero_variance" where the quotient does not vary, "not_finite".

    Raises:
        ValueError: for a confidence outside (0, 1), a negative variance, or degrees of freedom not above 0.

    >>> found = quotient(numerator=81.0, denominator=59.0, numerator_variance=729.0, denominator_variance=4.0,
    ...                  covariance=-8.0, df=math.inf, confidence=0.95)
    >>> round(found.estimate, 2), round(found.lower, 2), round(found.upper, 2)
    (1.37, 0.47, 2.3)
    """
    checked_confidence(confidence)
    if not df > 0.0:
        raise ValueError(f"degrees of freedom lie above 0: {df}")
    missing = _undividable(numerator, denominator, numerator_variance, denominator_variance, covariance)
    if missing is not None:
        return missing
    t = critical(confidence=confidence, df=df)
    other, shared, own = (v / denominator / denominator for v in (numerator_variance, covariance, denominator_variance))
    if not t * t * own < 1.0:
        detail = f"what it is divided by is {denominator:.6g}, standard error {math.sqrt(denominator_variance):.6g}"
        return NotEstimable("baseline_too_close_to_zero", detail)
    ratio = numerator / denominator
    variance = other - 2.0 * ratio * shared + ratio * ratio * own
    size = other + 2.0 * abs(ratio * shared) + ratio * ratio * own
    if math.isfinite(size) and not variance > _ROUNDING * size:
        return NotEstimable("zero_variance", "the quotient does not vary")
    lower, upper = _bounds(ratio, variance=variance, own=own, shared=shared, other=other, t=t)
    if not all(map(math.isfinite, (size, ratio, lower, upper))):
        return NotEstimable("not_finite", "the quotient or its interval is too large to compute")
    return Quantity(ratio, math.sqrt(variance), lower, upper, df, confidence, "Fieller")


def difference_ratio(treated: Group, control: Group, *, confidence: float) -> Quantity | NotEstimable:
    """How much of one effect comes with one of another: cost per customer retained, or margin per unit of cost.

    Args:
        treated, control: the two variants, each with two values a unit: what is above the line and what is below.
        confidence: two-sided, 0.95 for 95%.

    Formula: (a_t - a_c) / (b_t - b_c) by Fieller with V = s2_t/n_t + s2_c/n_c for both differences and their
    covariance, at the Satterthwaite df of the upper difference, or of the lower one where only that varies.

    Returns:
        What `linear` and `quotient` return; "zero_variance" where neither value varies.

    Raises:
        ValueError: for moments that cannot be, or a confidence outside (0, 1).

    >>> treated = Group(1000, [59.0, 0.131], [[40000.0, 20.0], [20.0, 0.114]])
    >>> control = Group(1000, [0.0, 0.05], [[0.0, 0.0], [0.0, 0.0475]])
    >>> found = difference_ratio(treated, control, confidence=0.95)
    >>> round(found.estimate), round(found.lower), round(found.upper)
    (728, 534, 1050)
    """
    for group in (treated, control):
        if len(group.mean) != 2:
            raise ValueError(f"a quotient needs two values a unit, not {len(group.mean)}")
        missing = unusable(group)
        if missing is not None:
            return missing
    upper, lower = (difference_in(treated, control, place, confidence=confidence) for place in (0, 1))
    df = [effect.df for effect in (upper, lower) if isinstance(effect, Interval)]
    if isinstance(upper, NotEstimable) and (not df or upper.reason != "zero_variance"):
        return upper
    spread = [
        [(treated.covariance[i][j] / treated.n + control.covariance[i][j] / control.n) for j in (0, 1)] for i in (0, 1)
    ]
    return quotient(
        numerator=treated.mean[0] - control.mean[0],
        denominator=treated.mean[1] - control.mean[1],
        numerator_variance=spread[0][0],
        denominator_variance=spread[1][1],
        covariance=spread[0][1],
        df=df[0],
        confidence=confidence,
    )


def _undividable(
    numerator: float, denominator: float, numerator_variance: float, denominator_variance: float, covariance: float
) -> NotEstimable | None:
    """Why two estimates cannot be divided, or None where they can."""
    if not all(map(math.isfinite, (numerator, denominator, numerator_variance, denominator_variance, covariance))):
        return NotEstimable("not_finite", "an estimate or its variance is infinite or missing")
    if numerator_variance < 0.0 or denominator_variance < 0.0:
        raise ValueError(f"a variance is never negative: {numerator_variance}, {denominator_variance}")
    if denominator <= 0.0:
        return NotEstimable("baseline_not_positive", f"what it is divided by is {denominator:.6g}")
    return None


def _bounds(ratio: float, *, variance: float, own: float, shared: float, other: float, t: float) -> tuple[float, float]:
    """Fieller's two bounds, all variances in units of the denominator squared.

    Written so that the sign of their product is that of ratio^2 - t^2 other, with a discriminant of two squares.
    """
    slope = 1.0 - t * t * own
    middle = ratio - t * t * shared
    size, reach = abs(ratio), t * math.sqrt(other)
    product = (size - reach) * (size + reach)
    bend = t * t * (shared - ratio * own)
    outer = middle + math.copysign(math.sqrt(bend * bend + slope * t * t * variance), middle)
    roots = (outer / slope, product / outer) if outer else (0.0, 0.0)
    return min(*roots, ratio), max(*roots, ratio)
