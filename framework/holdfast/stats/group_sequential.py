"""Boundaries of a test that is read at several looks, and what such a plan costs.

A look is known by two numbers: its information (1 / se^2 of the estimate, or mature units: any scale that grows in
proportion), which says how the looks depend on each other, and the share of the plan that it stands for, which says how
much error may be spent. Looks need not be equal, nor known in advance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from scipy import special

from holdfast.stats.spending import RHO, Spending, log_difference, log_spent
from holdfast.stats.walk import LEAST_GROWTH, Walk, advance, at_least, at_most, log_tail, start

_FAR = math.log(1e-13)
"""A look that spends less than this has the normal quantile as its boundary: who stopped before hardly matters."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """The critical value of every look so far."""

    information: tuple[float, ...]
    """Information at each look, as it was given."""
    critical: tuple[float, ...]
    """How many standard errors from "no effect" stop the experiment at each look; infinite where a look has nothing to
    spend, because it adds no information or all was spent before."""
    spent: tuple[float, ...]
    """The error spent up to each look, both sides together."""
    sides: int
    """2 where either direction stops, 1 where only an estimate that is high does."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """How likely each look is to be the one that stops the experiment."""

    upper: tuple[float, ...]
    """At each look: the probability to cross the upper boundary there and none before."""
    lower: tuple[float, ...]
    """The same of the lower boundary; zeros where there is none."""


@dataclass(frozen=True, slots=True)
class Inflation:
    """The size of an experiment with looks, in units of one that is read once with the same alpha and power."""

    maximum: float
    """Size where no look stops it."""
    expected_no_effect: float
    """Mean size where there is no effect."""
    expected_effect: float
    """Mean size where the effect is the one that it was planned to find."""
    drift: float
    """Expected statistic at the full information under that effect."""


def bounds(
    fractions: Sequence[float],
    *,
    alpha: float,
    spending: Spending = "obrien_fleming",
    sides: int = 2,
    rho: float = RHO,
    information: Sequence[float] | None = None,
) -> Boundary:
    """How large the statistic of each look must be, so that all looks together err with probability alpha.

    Args:
        fractions: at each look the share of the planned information; it never falls. From 1 on all is spent, so give 1
            for the last look even where less came in than was planned.
        alpha: the error of all looks together, both sides of a two-sided test.
        spending: how it is spread over the looks, see `holdfast.stats.spending`.
        sides: 2 for boundaries +-c, each side with alpha / 2; 1 for an upper boundary alone.
        rho: exponent of the power family.
        information: what was measured at each look where it is not in proportion to the fractions; any scale.

    Formula: c_k solves P(no look before k stops, Z_k >= c_k) = a(t_k) - a(t_(k-1)), with corr(Z_j, Z_k) =
    sqrt(I_j / I_k). A look that adds no information spends nothing, and leaves its share to the next.
    Sources: Lan and DeMets (1983), Biometrika 70:659; the recursion of Armitage, McPherson and Rowe (1969).

    Raises:
        ValueError: without a look, for fractions that fall or are negative, information that is not positive and
            finite or of another length, an alpha outside (0, 1), or sides other than 1 and 2.

    >>> [round(c, 3) for c in bounds([0.25, 0.5, 0.75, 1.0], alpha=0.05).critical]
    [4.333, 2.963, 2.359, 2.014]
    >>> [round(c, 3) for c in bounds([0.25, 0.5, 0.75, 1.0], alpha=0.05, spending="pocock").critical]
    [2.368, 2.368, 2.358, 2.35]
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha is {alpha}; it must lie between 0 and 1")
    return log_bounds(
        fractions, log_alpha=math.log(alpha), spending=spending, sides=sides, rho=rho, information=information
    )


def log_bounds(
    fractions: Sequence[float],
    *,
    log_alpha: float,
    spending: Spending,
    sides: int,
    rho: float = RHO,
    information: Sequence[float] | None = None,
) -> Boundary:
    """As `bounds`, for an error that may be smaller than a double can hold; log_alpha is its natural logarithm."""
    times = tuple(float(t) for t in fractions)
    if any(after < before for before, after in pairwise(times)):
        raise ValueError(f"shares of the planned information never fall: {times}")
    measured = checked_information(times if information is None else information, sides=sides)
    if len(measured) != len(times):
        raise ValueError(f"{len(times)} looks cannot have information {measured}")
    a = log_alpha - math.log(sides)
    amounts = tuple(log_spent(t, log_alpha=a, spending=spending, rho=rho) for t in times)
    critical, spent = _solved(measured, amounts, sides)
    return Boundary(information=measured, critical=critical, spent=spent, sides=sides)


def crossing(
    information: Sequence[float], critical: Sequence[float], *, drift: float = 0.0, sides: int = 2
) -> Crossing:
    """How likely each look is to stop the experiment under a true effect.

    Args:
        information: at each look, rising where the critical value is finite.
        critical: at each look; infinite where it cannot stop.
        drift: the true effect: the expected statistic at information I is drift sqrt(I). With information 1 / se^2 it
            is the effect itself.
        sides: 2 for boundaries +-c, 1 for an upper boundary alone.

    Raises:
        ValueError: for lists of different lengths, information that is not positive, finite and rising, or a drift that
            is not a finite number.

    >>> found = crossing([0.5, 1.0], [2.797, 1.977], drift=2.8016)
    >>> [round(p, 3) for p in found.upper], round(sum(found.lower), 6)
    ([0.207, 0.59], 2e-06)
    """
    measured = checked_information(information, sides=sides)
    if len(measured) != len(critical) or not math.isfinite(drift):
        raise ValueError(f"looks {measured}, critical values {tuple(critical)} and drift {drift} do not fit")
    live = [place for place, c in enumerate(critical) if c < math.inf]
    upper, lower, walk = [0.0] * len(measured), [0.0] * len(measured), start()
    for place, following in zip(live, [*live[1:], None], strict=True):
        at, c = measured[place], critical[place]
        if at <= walk.information:
            raise ValueError(f"information rises from look to look: {measured}")
        upper[place] = at_least(walk, information=at, z=c, drift=drift)
        if sides == 2:
            lower[place] = at_most(walk, information=at, z=-c, drift=drift)
        if following is not None:
            low = -c if sides == 2 else -math.inf
            walk = advance(walk, information=at, low=low, high=c, following=measured[following], drift=drift)
    return Crossing(upper=tuple(upper), lower=tuple(lower))


def classical_constant(looks: int, *, alpha: float, shape: float, sides: int = 2) -> float:
    """The constant C of the classical boundaries C (k/K)^(shape - 1/2) at K equal looks.

    Args:
        looks: K, 1 or more.
        alpha: the error of all looks together.
        shape: 0.5 for Pocock (1977), Biometrika 64:191; 0 for O'Brien and Fleming (1979), Biometrics 35:549.
        sides: 2 or 1.

    Source: Wang and Tsiatis (1987), Biometrics 43:193. The last look's critical value is C.

    Raises:
        ValueError: without a look or for an alpha outside (0, 1).

    >>> round(classical_constant(5, alpha=0.05, shape=0.5), 3), round(classical_constant(5, alpha=0.05, shape=0.0), 3)
    (2.413, 2.04)
    """
    from scipy.optimize import brentq

    if looks < 1 or not 0.0 < alpha < 1.0:
        raise ValueError(f"{looks} looks at alpha {alpha}: there is a look, and alpha lies between 0 and 1")
    times = [(k + 1) / looks for k in range(looks)]

    def excess(c: float) -> float:
        found = crossing(times, [c * t ** (shape - 0.5) for t in times], sides=sides)
        return sum(found.upper) + sum(found.lower) - alpha

    single, strict = (-float(special.ndtri(alpha / sides / share)) for share in (1, looks))
    return single if looks == 1 else float(brentq(excess, single - 1e-9, strict + 1e-9, xtol=1e-10))


def inflation(
    fractions: Sequence[float],
    *,
    alpha: float,
    power: float,
    spending: Spending = "obrien_fleming",
    sides: int = 2,
    rho: float = RHO,
) -> Inflation:
    """How much larger an experiment with looks must be planned, and how large it is on average.

    Args:
        fractions: the planned looks, rising to 1.
        alpha: the error of all looks together.
        power: the chance to find the planned effect, in its direction; above alpha / sides.
        spending, sides, rho: as in `bounds`.

    Formula: the drift d with sum P(cross the upper boundary first at k) = power; maximum = (d / (z_(1 - alpha/sides) +
    z_power))^2, expected = maximum sum t_k P(stop at k). Source: Jennison and Turnbull (2000), Group Sequential Methods
    with Applications to Clinical Trials, chapters 2 and 7.

    Raises:
        ValueError: for fractions that do not rise to 1, a power not above alpha / sides, and as `bounds`.

    >>> plan = inflation([0.25, 0.5, 0.75, 1.0], alpha=0.05, power=0.8)
    >>> round(plan.maximum, 4), round(plan.expected_effect, 4), round(plan.expected_no_effect, 4)
    (1.0196, 0.8387, 1.0139)
    """
    from scipy.optimize import brentq

    boundary = bounds(fractions, alpha=alpha, spending=spending, sides=sides, rho=rho)
    times = boundary.information
    if not (math.isclose(times[-1], 1.0) and all(c < math.inf for c in boundary.critical)):
        raise ValueError(f"planned looks rise to 1: {times}")
    if not alpha / sides < power < 1.0:
        raise ValueError(f"a power of {power} is not between {alpha / sides} and 1")

    def size(drift: float) -> float:
        found = crossing(times, boundary.critical, drift=drift, sides=sides)
        stops = [up + down for up, down in zip(found.upper, found.lower, strict=True)]
        return 1.0 + sum((t - 1.0) * p for t, p in zip(times, stops, strict=True))

    def excess(drift: float) -> float:
        return sum(crossing(times, boundary.critical, drift=drift, sides=sides).upper) - power

    single = float(special.ndtri(power) - special.ndtri(alpha / sides))
    drift = float(brentq(excess, 0.0, single + 10.0, xtol=1e-10))
    maximum = (drift / single) ** 2
    return Inflation(
        maximum=maximum, expected_no_effect=maximum * size(0.0), expected_effect=maximum * size(drift), drift=drift
    )


def checked_information(information: Sequence[float], *, sides: int) -> tuple[float, ...]:
    """The information of the looks, once it is known to be one.

    Raises:
        ValueError: without a look, for information that is not positive and finite, or sides other than 1 and 2.
    """
    measured = tuple(float(each) for each in information)
    if not measured or not all(math.isfinite(each) and each > 0.0 for each in measured):
        raise ValueError(f"the information of a look is positive and finite, and there is a look: {measured}")
    if sides not in (1, 2):
        raise ValueError(f"a test has 1 or 2 sides, not {sides}")
    return measured


@lru_cache(maxsize=512)
def _solved(
    information: tuple[float, ...], amounts: tuple[float, ...], sides: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Critical values and the error spent, from the logarithms of what one side may have spent by each look."""
    critical, spent, walk, last, pending = [], [], start(), -math.inf, None
    for at, amount in zip(information, amounts, strict=True):
        before = pending[0] if pending else 0.0
        left = log_difference(amount, last)
        if at <= before * (1.0 + LEAST_GROWTH) or left == -math.inf:
            critical.append(math.inf)
        else:
            if pending:
                low = -pending[1] if sides == 2 else -math.inf
                walk = advance(walk, information=before, low=low, high=pending[1], following=at)
            c = _boundary(walk, at, left, floor=0.0 if sides == 2 else -math.inf)
            critical.append(c)
            pending, last = (at, c), amount
        spent.append(sides * math.exp(last))
    return tuple(critical), tuple(spent)


def _boundary(walk: Walk, information: float, log_error: float, *, floor: float) -> float:
    """The z for which P(came so far, Z >= z) is the error: Newton's method on its logarithm, which is concave, from the
    quantile of all paths, which is on its right."""
    c = -float(special.ndtri_exp(log_error))
    if log_error < _FAR:
        return c
    for _ in range(100):
        tail, slope = log_tail(walk, information=information, z=c)
        change = (log_error - tail) / slope
        c = max(c + change, floor)
        if abs(change) < 1e-12 * max(1.0, abs(c)):
            break
    return c
