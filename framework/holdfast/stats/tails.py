"""Tail probabilities of t, F, normal and chi-square, exact far beyond where p underflows, and critical values.

Infinite degrees of freedom mean the normal distribution, and of an F the chi-square one, everywhere in this package.
"""

from __future__ import annotations

import math

from scipy import special

_LOG10 = math.log(10.0)
_SMALLEST_DIRECT = 1e-290
"""Below this a probability is near the end of what a double holds, and its logarithm is computed directly."""
_NORMAL_DF = 1e8
"""From here on the t distribution is a normal one after Wallace's transformation, to better than 1e-12 in log p."""
_CHI_SQUARE_DF = 1e8
"""From here on df1 F is chi-square for the logarithm of a tiny p."""
_TERMS = 2000
_TINY = 1e-300


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


def upper_f(f: float, *, df1: float, df2: float) -> tuple[float, float]:
    """The probability of a larger F and its base-10 logarithm; df2 = infinity is the chi-square of df1 F.

    >>> p, log10_p = upper_f(4.0, df1=2.0, df2=math.inf)
    >>> round(p, 6), round(log10_p, 3)
    (0.018316, -1.737)
    """
    if math.isinf(df2):
        return upper_chi_square(df1 * f, df=df1)
    p = float(special.fdtrc(df1, df2, f))
    if p > _SMALLEST_DIRECT:
        return p, math.log10(p)
    if df2 > _CHI_SQUARE_DF:
        return p, _log_upper_gamma(df1 / 2.0, df1 * f / 2.0) / _LOG10
    return p, _log_incomplete_beta(df2 / 2.0, df1 / 2.0, math.log1p(df1 * f / df2)) / _LOG10


def upper_chi_square(statistic: float, *, df: float) -> tuple[float, float]:
    """The probability of a larger chi-square statistic and its base-10 logarithm.

    >>> p, log10_p = upper_chi_square(4000.0, df=2.0)
    >>> p, round(log10_p, 3)
    (0.0, -868.589)
    """
    if df == 1:
        return two_sided(math.sqrt(statistic), df=math.inf)
    p = float(special.chdtrc(df, statistic))
    if p > _SMALLEST_DIRECT:
        return p, math.log10(p)
    return p, _log_upper_gamma(df / 2.0, statistic / 2.0) / _LOG10


def _log_upper_tail(statistic: float, *, df: float) -> float:
    """log P(T > statistic) for a statistic far in the upper tail."""
    if math.isinf(df):
        return float(special.log_ndtr(-statistic))
    overflows = statistic > 1e150
    growth = 2.0 * math.log(statistic) - math.log(df) if overflows else math.log1p(statistic * statistic / df)
    if df > _NORMAL_DF:
        return float(special.log_ndtr(-math.sqrt(df * growth) * (8.0 * df + 1.0) / (8.0 * df + 3.0)))
    return _log_incomplete_beta(df / 2.0, 0.5, growth) - math.log(2.0)  # I_x(df/2, 1/2) is P(|T| > t)


def _log_upper_gamma(a: float, x: float) -> float:
    """log Q(a, x) far in the tail, by Lentz's form of Legendre's continued fraction (DLMF 8.9.2)."""
    term = x + 1.0 - a
    c, d = 1.0 / _TINY, 1.0 / term
    fraction = d
    for k in range(1, _TERMS):
        step = -k * (k - a)
        term += 2.0
        d = 1.0 / (step * d + term)
        c = term + step / c
        fraction *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return a * math.log(x) - x - math.lgamma(a) + math.log(fraction)


def _log_incomplete_beta(a: float, b: float, growth: float) -> float:
    """log I_x(a, b) at x = exp(-growth) for x far below a / (a + b), by Lentz's continued fraction (DLMF 8.17.22)."""
    x = math.exp(-growth)
    front = -a * growth + b * math.log(-math.expm1(-growth)) - math.log(a) - float(special.betaln(a, b))
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1.0))
    fraction = d
    for m in range(1, _TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1.0) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1.0))
        for step in (even, odd):
            d = 1.0 / (1.0 + step * d)
            c = 1.0 + step / c
            fraction *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return front + math.log(fraction)
