"""One variant reduced to an estimate and its variance: what every contrast, test and interval is made of."""

from __future__ import annotations

import math
from dataclasses import dataclass

from holdfast.model.outcome import NotEstimable

_ROUNDING = 16.0 * 2.0**-52
"""A delta-method variance below this share of the terms it was subtracted from is rounding noise, thus zero."""


@dataclass(frozen=True, slots=True)
class Arm:
    """The estimate of one variant, with what is needed to compare it.

    >>> Arm(theta=0.25, variance=0.0004, n=470).df
    469.0
    """

    theta: float
    """The estimate: a mean, a share, a ratio or an adjusted mean."""
    variance: float
    """The variance of the estimate (not of the units): its standard error squared."""
    n: int
    """Units behind the estimate."""
    df: float = math.nan
    """Degrees of freedom behind the variance; n - 1 where none are given."""
    successes: int | None = None
    """Units with the outcome, for a share."""

    def __post_init__(self) -> None:
        if math.isnan(self.df):
            object.__setattr__(self, "df", float(self.n - 1))


def mean_arm(*, n: int, mean: float, variance: float) -> Arm | NotEstimable:
    """The mean of one variant as an arm.

    Args:
        n: units, those with value 0 included.
        mean: the mean of the value over units, in the unit of the value (yen, orders, days).
        variance: the variance of the value over units with divisor n - 1, in that unit squared.

    Formula: theta = mean, V = variance / n, df = n - 1.

    Returns:
        NotEstimable "no_units" for n = 0, "too_few_units" for n = 1, "not_finite" for a mean or variance that is
        infinite or not a number.

    Raises:
        ValueError: for a negative n or variance.

    >>> mean_arm(n=100, mean=12.0, variance=9.0)
    Arm(theta=12.0, variance=0.09, n=100, df=99.0, successes=None)
    """
    missing = _too_few(n)
    if missing is not None:
        return missing
    if not (math.isfinite(mean) and math.isfinite(variance)):
        return NotEstimable("not_finite", f"mean {mean}, variance {variance}")
    if variance < 0.0:
        raise ValueError(f"a variance is never negative: {variance}")
    return Arm(theta=float(mean), variance=variance / n, n=n)


def proportion_arm(*, n: int, successes: int) -> Arm | NotEstimable:
    """The share of one variant's units that had the outcome, as an arm.

    Args:
        n: units.
        successes: units with the outcome, 0 to n.

    Formula: theta = p = successes / n, V = p (1 - p) / (n - 1): the unit variance p (1 - p) n / (n - 1) of zeros and
    ones, over n. df = n - 1.

    Returns:
        NotEstimable "no_units" for n = 0, "too_few_units" for n = 1.

    Raises:
        ValueError: for successes below 0 or above n.

    >>> proportion_arm(n=101, successes=50)
    Arm(theta=0.49504950495049505, variance=0.0024997549259876484, n=101, df=100.0, successes=50)
    """
    missing = _too_few(n)
    if missing is not None:
        return missing
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} units cannot have the outcome")
    share = successes / n
    return Arm(theta=share, variance=share * ((n - successes) / n) / (n - 1), n=n, successes=successes)


def ratio_arm(
    *,
    n: int,
    numerator_mean: float,
    denominator_mean: float,
    numerator_variance: float,
    denominator_variance: float,
    covariance: float,
) -> Arm | NotEstimable:
    """The ratio of two totals of one variant (revenue per order, say) as an arm, units being what was randomised.

    Args:
        n: units.
        numerator_mean, denominator_mean: means over units of the two values (revenue and orders per customer).
        numerator_variance, denominator_variance, covariance: their moments over units, divisor n - 1.

    Formula: R = r / o; V = (s2_r - 2 R s_ro + R^2 s2_o) / (n o^2), the delta method, which is the variance of the mean
    of the linearised values (r_i - R o_i) / o. Source: Deng, Knoblich and Lu (2018), KDD. df = n - 1.

    Returns:
        NotEstimable "no_units" for n = 0, "too_few_units" for n = 1, "not_finite" for moments or results that are
        infinite or not numbers, "zero_denominator" where the denominator's mean is not positive.

    Raises:
        ValueError: for a negative n or variance, and for a covariance that the two variances rule out.

    >>> arm = ratio_arm(n=400, numerator_mean=30.0, denominator_mean=1.5, numerator_variance=900.0,
    ...                 denominator_variance=1.0, covariance=20.0)
    >>> arm.theta, round(arm.variance, 6)
    (20.0, 0.555556)
    """
    missing = _too_few(n)
    if missing is not None:
        return missing
    moments = (numerator_mean, denominator_mean, numerator_variance, denominator_variance, covariance)
    if not all(math.isfinite(moment) for moment in moments):
        return NotEstimable("not_finite", f"moments {moments}")
    if numerator_variance < 0.0 or denominator_variance < 0.0:
        raise ValueError(f"a variance is never negative: {numerator_variance}, {denominator_variance}")
    if denominator_mean <= 0.0:
        return NotEstimable("zero_denominator", f"the mean of the denominator is {denominator_mean:g}")
    ratio = numerator_mean / denominator_mean
    terms = (numerator_variance, -2.0 * ratio * covariance, ratio * ratio * denominator_variance)
    size = sum(abs(term) for term in terms)
    if not math.isfinite(size):
        return NotEstimable("not_finite", f"moments {moments}")
    linear = math.fsum(terms)
    if linear < -1e-9 * size:
        raise ValueError(f"a covariance of {covariance} is too large for these variances")
    linear = 0.0 if linear <= _ROUNDING * size else linear
    variance = linear / denominator_mean / denominator_mean / n
    if not (math.isfinite(ratio) and math.isfinite(variance)):
        return NotEstimable("not_finite", f"ratio {ratio}, variance {variance}")
    return Arm(theta=ratio, variance=variance, n=n)


def _too_few(n: int) -> NotEstimable | None:
    """Why n units carry no variance, or None where they do."""
    if n < 0:
        raise ValueError(f"a number of units is never negative: {n}")
    if n == 0:
        return NotEstimable("no_units", "no units in this variant")
    if n == 1:
        return NotEstimable("too_few_units", "1 unit; a variance needs 2")
    return None
