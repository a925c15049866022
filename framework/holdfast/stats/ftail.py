"""Upper tails of the F and chi-square distributions, with a logarithm that stays exact where the probability is 0."""

from __future__ import annotations

import math

from scipy import special

_LOG10 = math.log(10.0)
_SMALLEST_DIRECT = 1e-290
_CHI_SQUARE_DF = 1e8
"""From here on df1 F is chi-square for the logarithm of a tiny p."""
_TERMS = 2000
_TINY = 1e-300


def upper_f(f: float, *, df1: float, df2: float) -> tuple[float, float]:
    """The probability of a larger F and its base-10 logarithm; df2 = infinity is the chi-square of df1 F.

    >>> p, log10_p = upper_f(4.0, df1=2.0, df2=math.inf)
    >>> round(p, 6), round(log10_p, 3)
    (0.018316, -1.737)
    >>> round(upper_f(2000.0, df1=2.0, df2=math.inf)[1], 3)
    -868.589
    """
    p = float(special.chdtrc(df1, df1 * f) if math.isinf(df2) else special.fdtrc(df1, df2, f))
    if p > _SMALLEST_DIRECT:
        return p, math.log10(p)
    if df2 > _CHI_SQUARE_DF:
        return p, _log_upper_gamma(df1 / 2.0, df1 * f / 2.0) / _LOG10
    return p, _log_beta(df2 / 2.0, df1 / 2.0, math.log1p(df1 * f / df2)) / _LOG10


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


def _log_beta(a: float, b: float, growth: float) -> float:
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
