"""How probable it is that at least one of several correlated statistics is large: normal or t, without random numbers.

`df = math.inf` means the normal distribution.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import special

from holdfast.stats.quadrature import Array, panels

_FAR = 9.0
"""Standard deviations beyond which a normal density adds nothing to a double."""
_UNDERFLOW = 40.0
"""Standard deviations beyond which a normal tail is below what a double holds."""
_DENSE = 1000
"""Points up to which one even grid serves; a control far noisier than the variants needs uneven ones."""
_STEEP = np.array([-8.0, -4.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0, 8.0])
_POINTS = 2**14
_DEPENDENT = 1e-10


def shared_control_tail(size: float, *, loads: Sequence[float], df: float) -> float:
    """P(any |T_i| > size) where T_i = (Z_i sqrt(1 - l_i^2) + l_i U) / S: one control U, and one S, shared by all.

    Args:
        size: 0 or more.
        loads: l_i, 0 to 1; the correlation of two statistics is l_i l_j.
        df: degrees of freedom of S, which is the root of a chi-square over its df.

    Formula: the integral of phi(u) [1 - prod (1 - q_i(u))] over u, q_i(u) = P(|T_i| > size | u), and over the density
    of log S. Every term is positive, so that small probabilities keep their digits.
    Source: Dunnett (1955), Journal of the American Statistical Association 50:1096.

    >>> round(shared_control_tail(2.21213, loads=[0.5**0.5] * 2, df=math.inf), 5)
    0.05
    """
    spread = np.asarray(loads, dtype=np.float64)
    if math.isinf(df):
        return float(_shared_normal(np.array([size], dtype=np.float64), spread)[0])
    at, weight = _log_scale(df, size)
    return min(1.0, float(weight @ _shared_normal(size * np.exp(at), spread)))


def correlated_tail(size: float, *, correlation: Sequence[Sequence[float]], df: float) -> float:
    """P(any |T_i| > size) for normal or t statistics of any correlation, to about four digits.

    Args:
        size: 0 or more.
        correlation: a correlation matrix; it may be singular, as that of all pairs of three variants is.
        df: degrees of freedom of the standard deviation that all share.

    Formula: sum over j of P(|T_j| > size) P(|T_i| <= size for all i < j given that), the second by Genz's separation of
    variables on a fixed lattice, after S given T_j. Every term is positive.
    Sources: Genz (1992), Journal of Computational and Graphical Statistics 1:141; Genz and Bretz (2009), chapter 4.

    >>> round(correlated_tail(2.21213, correlation=[[1.0, 0.5], [0.5, 1.0]], df=math.inf), 4)
    0.05
    """
    matrix = np.asarray(correlation, dtype=np.float64)
    single = float(special.ndtr(-size) if math.isinf(df) else special.stdtr(df, -size))
    if single <= 0.0:
        return 0.0
    total = 2.0 * single
    for j in range(1, len(matrix)):
        order = [j, *range(j)]
        total += 2.0 * single * _inside(size, matrix[np.ix_(order, order)], df, single)
    return min(1.0, total)


def _shared_normal(sizes: Array, loads: Array) -> Array:
    """The integral over the control's part, for standard deviations that are known."""
    found = np.zeros_like(sizes)
    near = np.flatnonzero(sizes <= _UNDERFLOW)
    own = np.maximum(np.sqrt((1.0 - loads) * (1.0 + loads)), 1e-12)
    # The trapezium rule errs by exp(-2 pi^2 / (step^2 bend)) here; bend says how fast the integrand turns.
    bend = 1.0 + float(((loads / own) ** 2).sum())
    step = math.sqrt(2.0 * math.pi**2 / (32.0 * bend))
    if len(near) and (sizes[near].max() + _FAR) / step < _DENSE:
        u = np.arange(0.0, sizes[near].max() + _FAR, step)
        weight = np.full_like(u, 2.0 * step)
        weight[0] = step
        found[near] = _outside(sizes[near, None], u, loads, own) @ (weight * np.exp(-0.5 * u * u))
    else:
        for place in near:
            u, weight = _steep_panels(float(sizes[place]), loads, own)
            outside = _outside(sizes[place], u, loads, own)
            found[place] = 2.0 * float(outside @ (weight * np.exp(-0.5 * u * u)))
    return np.minimum(1.0, found / math.sqrt(2.0 * math.pi))


def _outside(size: Array, u: Array, loads: Array, own: Array) -> Array:
    """P(any |T_i| > size | u) for a standard deviation of one."""
    outside: Array = np.zeros(np.broadcast(size, u).shape)
    for load, scale in zip(loads, own, strict=True):
        alone = special.ndtr((load * u - size) / scale) + special.ndtr((-load * u - size) / scale)
        outside += (1.0 - outside) * alone
    return outside


def _steep_panels(size: float, loads: Array, own: Array) -> tuple[Array, Array]:
    """Points and weights over half of the axis, as the integrand is symmetric, dense where it is steep."""
    end = size + _FAR
    bending = loads > 0.0
    bends = (size + own[bending, None] * _STEEP) / loads[bending, None]
    inner = np.concatenate([np.arange(0.0, end), bends.ravel()])
    return panels([0.0, end, *inner[(inner > 0.0) & (inner < end)]], order=12)


def _log_scale(df: float, size: float) -> tuple[Array, Array]:
    """Points and weights over log S, wide enough for a tail that comes from small S, by the trapezium rule.

    The rule is exact to a double here: the density is analytic and falls off on both sides.
    """
    width = 1.0 / math.sqrt(2.0 * df)
    peak = -0.5 * math.log1p(size * size / df)
    low, high = peak - 1.2 * math.sqrt(34.0 / df) - 34.0 / df, 1.2 * math.sqrt(34.0 / df)
    step = min(0.85 * width, 0.16)
    x = np.arange(low, high + step, step)
    half = df / 2.0
    if half > 50.0:
        top = math.log(2.0) + 0.5 * math.log(half / (2.0 * math.pi)) - 1.0 / (12.0 * half) + 1.0 / (360.0 * half**3)
    else:
        top = math.log(2.0) + half * math.log(half) - half - math.lgamma(half)
    density = np.exp(top + df * (x - np.expm1(2.0 * x) / 2.0))
    return x, density * step


def _inside(size: float, matrix: Array, df: float, single: float) -> float:
    """P(all but the first are within size, given that the first is above it)."""
    points = _lattice(len(matrix) + 1)
    first = points[0] * single
    scale: Array = np.ones(_POINTS)
    if math.isinf(df):
        start = -special.ndtri(first)
    else:
        t = -special.stdtrit(df, first)
        # Given T = t, (df + t^2) S^2 is chi-square with df + 1.
        scale = np.sqrt(_chi_square(df + 1.0) / (df + t * t))
        start = t * scale
    factor, known = _factor(matrix), [start]
    inside: Array = np.ones(_POINTS)
    for row in range(1, len(matrix)):
        middle = sum((factor[row, column] * known[column] for column in range(row)), np.zeros(_POINTS))
        own = factor[row, row]
        if own == 0.0:
            inside = inside * (np.abs(middle) <= size * scale)
            known.append(np.zeros(_POINTS))
            continue
        low, high = special.ndtr((-size * scale - middle) / own), special.ndtr((size * scale - middle) / own)
        inside = inside * (high - low)
        between = np.clip(low + points[row + 1] * (high - low), 1e-300, 1.0 - 1e-16)
        known.append(special.ndtri(between))
    return float(inside.mean())


@functools.lru_cache(maxsize=16)
def _chi_square(df: float) -> Array:
    """The chi-square values at the second coordinate of the lattice."""
    found: Array = 2.0 * special.gammaincinv(df / 2.0, _lattice(3)[1])
    return found


@functools.cache
def _lattice(dimensions: int) -> Array:
    """Richtmyer's points: multiples of the roots of primes, folded so that the integrand is periodic."""
    primes = [n for n in range(2, 400) if all(n % m for m in range(2, math.isqrt(n) + 1))][:dimensions]
    steps = np.arange(1, _POINTS + 1, dtype=np.float64)
    parts = np.outer(np.sqrt(np.asarray(primes, dtype=np.float64)), steps) % 1.0
    folded: Array = np.clip(np.abs(2.0 * parts - 1.0), 1e-12, 1.0 - 1e-12)
    return folded


def _factor(matrix: Array) -> npt.NDArray[np.float64]:
    """Cholesky's factor, with a zero pivot for what follows from the rows before."""
    size = len(matrix)
    factor = np.zeros((size, size))
    for row in range(size):
        for column in range(row):
            rest = matrix[row, column] - factor[row, :column] @ factor[column, :column]
            factor[row, column] = rest / factor[column, column] if factor[column, column] else 0.0
        pivot = matrix[row, row] - factor[row, :row] @ factor[row, :row]
        factor[row, row] = math.sqrt(pivot) if pivot > _DEPENDENT else 0.0
    return factor
