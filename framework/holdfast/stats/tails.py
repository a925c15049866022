"""Tail probabilities and critical values of the t and normal distributions, exact far beyond where p underflows.

`df = math.inf` means the normal distribution everywhere in this package.
"""

from __future__ import annotations

import math

from scipy import special

_LOG10 = math.log(10.0)
_SMALLEST_DIRECT = 1e-290
"""Below this a probability is near the end of what a double holds, and its logarithm is computed directly."""
_NORMAL_DF = 1e8
"""From here on the t distribution is a normal one after Wallace's transformation, to better than 1e-12 in log p."""
_TERMS = 500


def checked_confidence(confidence: float, *, one_sided: bool = False) -> float:
    """The confidence itself, once it is known to be a usable one.

    Raises:
        ValueError: unless 0 < confidence < 1, or 0.5 < confidence < 1 for a one-sided bound.
    """
    floor = 0.5 if one_sided else 0.0
    if not floor < confidence < 1.0:
        raise ValueError(f"confidence is {confidence}; it must lie between {floor:g} and 1")
    return confidence


def critical(*, confidence: float, df: float, one_sided: bool = False) -> float:
    """How many standard errors reach from the estimate to a confidence bound.

    Two-sided: the (1 + confidence) / 2 quantile; one-sided: the confidence quantile; of t with `df` degrees of freedom.

    >>> round(critical(confidence=0.95, df=math.inf), 6), round(critical(confidence=0.95, df=10.0), 6)
    (1.959964, 2.228139)

    Raises:
        ValueError: for a confidence that is not one.
    """
    tail = 1.0 - checked_confidence(confidence, one_sided=one_sided)
    if not one_sided:
        tail /= 2.0
    quantile = special.ndtri(tail) if math.isinf(df) else special.stdtrit(df, tail)
    return -float(quantile)


def upper_tail(statistic: float, *, df: float) -> float:
    """The probability of a larger statistic, P(T > statistic), without the loss of 1 - cdf.

    >>> round(upper_tail(1.96, df=math.inf), 6)
    0.024998
    """
    return float(special.ndtr(-statistic) if math.isinf(df) else special.stdtr(df, -statistic))


def two_sided(statistic: float, *, df: float) -> tuple[float, float]:
    """The two-sided p-value and its base-10 logarithm; the logarithm stays exact where p itself becomes 0.

    >>> p, log10_p = two_sided(60.0, df=math.inf)
    >>> p, round(log10_p, 3)
    (0.0, -783.606)
    """
    size = abs(statistic)
    p = min(1.0, 2.0 * upper_tail(size, df=df))
    if p > _SMALLEST_DIRECT:
        return p, math.log10(p)
    return p, (_log_upper_tail(size, df=df) + math.log(2.0)) / _LOG10


def _log_upper_tail(statistic: float, *, df: float) -> float:
    """log P(T > statistic) for a statistic far in the upper tail."""
    if math.isinf(df):
        return float(special.log_ndtr(-statistic))
    overflows = statistic > 1e150
    growth = 2.0 * math.log(statistic) - math.log(df) if overflows else math.log1p(statistic * statistic / df)
    if df > _NORMAL_DF:
        return float(special.log_ndtr(-math.sqrt(df * growth) * (8.0 * df + 1.0) / (8.0 * df + 3.0)))
    return _log_incomplete_beta(df / 2.0, growth) - math.log(2.0)


def _log_incomplete_beta(a: float, growth: float) -> float:
    """log I_x(a, 1/2) at x = exp(-growth), by Lentz's continued fraction (DLMF 8.17.22), for small x^a.

    With T of t, df = 2a and growth = log(1 + t^2/df), I_x(a, 1/2) = P(|T| > t).
    """
    b = 0.5
    x = math.exp(-growth)
    front = -a * growth + b * math.log(-math.expm1(-growth)) - math.log(a) - float(special.betaln(a, b))
    numerator = 1.0
    denominator = 1.0 / (1.0 - (a + b) * x / (a + 1.0))
    fraction = denominator
    for m in range(1, _TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for term in (even, odd):
            denominator = 1.0 / (1.0 + term * denominator)
            numerator = 1.0 + term / numerator
            fraction *= numerator * denominator
        if abs(numerator * denominator - 1.0) < 1e-15:
            break
    return front + math.log(fraction)
