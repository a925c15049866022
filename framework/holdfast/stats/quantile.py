"""Quantiles of one variant (the median order, the 90th percentile of waiting) from a few of its sorted values."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from scipy import special

from holdfast.model.outcome import NotEstimable
from holdfast.stats.arm import Arm
from holdfast.stats.tails import checked_confidence, critical


@dataclass(frozen=True, slots=True)
class Ranks:
    """Which of a variant's sorted values the engine has to return; rank 1 is the smallest value."""

    n: int
    """Units."""
    q: float
    """Which quantile, 0.9 for the 90th percentile."""
    confidence: float
    """Two-sided; the confidence that was asked for."""
    estimate: int
    """Rank of the quantile itself."""
    lower: int
    """Rank of the lower confidence bound."""
    upper: int
    """Rank of the upper confidence bound."""
    coverage: float
    """The exact probability that the bounds hold the quantile: at least the confidence, more for values with ties."""


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile of one variant."""

    arm: Arm
    """As an arm for differences, with Woodruff's standard error."""
    lower: float
    """Exact lower bound for this variant alone."""
    upper: float
    """Exact upper bound for this variant alone."""


def ranks(n: int, q: float, confidence: float) -> Ranks | NotEstimable:
    """Which sorted values are a quantile and its exact confidence bounds, whatever the distribution.

    Args:
        n: units that have a value.
        q: which quantile, above 0 and below 1, meant as the decimal that it is written as.
        confidence: two-sided, 0.95 for 95%.

    Formula: the quantile is the inverse of the empirical distribution function, the smallest value that at least a
    share q of units does not exceed, rank ceil(n q). With B ~ Binomial(n, q) the bounds are the largest rank l with
    P(B < l) <= alpha/2 and the smallest rank u with P(B >= u) <= alpha/2; both sides err at most alpha/2.
    Sources: Hyndman and Fan (1996), The American Statistician 50:361, definition 1; Thompson (1936), Annals of
    Mathematical Statistics 7:122.

    Returns:
        NotEstimable "no_units" for n = 0, "too_few_units" where a bound would lie beyond the smallest or largest value.

    Raises:
        ValueError: for a negative n, a q that is not between 0 and 1, or a confidence outside (0, 1).

    >>> found = ranks(100, 0.5, 0.95)
    >>> found.lower, found.estimate, found.upper, round(found.coverage, 4)
    (40, 50, 61, 0.9648)
    """
    if n < 0:
        raise ValueError(f"a number of units is never negative: {n}")
    if not 0.0 < q < 1.0:
        raise ValueError(f"a quantile lies between 0 and 1: {q}")
    tail = (1.0 - checked_confidence(confidence)) / 2.0
    if n == 0:
        return NotEstimable("no_units", "no units in this variant")
    largest_miss = max(q**n, (1.0 - q) ** n)
    if largest_miss > tail:
        needed = math.ceil(math.log(tail) / math.log(max(q, 1.0 - q)))
        return NotEstimable("too_few_units", f"{n} units; bounds at this confidence take {needed}")
    lower = _last(n, lambda rank: _at_most(rank - 1, n, q) <= tail)
    upper = _last(n, lambda rank: _at_least(rank, n, q) > tail) + 1
    return Ranks(
        n=n,
        q=q,
        confidence=confidence,
        estimate=math.ceil(n * Fraction(repr(float(q)))),
        lower=lower,
        upper=upper,
        coverage=1.0 - _at_most(lower - 1, n, q) - _at_least(upper, n, q),
    )


def quantile_arm(at: Ranks, *, estimate: float, lower: float, upper: float) -> Quantile | NotEstimable:
    """A quantile of one variant with its exact bounds, and as an arm that can be compared.

    Args:
        at: the ranks.
        estimate, lower, upper: the variant's sorted values at `at.estimate`, `at.lower` and `at.upper`.

    Formula: se = (upper - lower) / (2 z), z of the exact coverage of the two ranks: half of the interval is z standard
    errors. Where a bound equals the estimate values are tied, as whole numbers are, and the longer side takes the place
    of half the width: a count that jumps from 0 to 1 is not half sure of either. Differences and lifts of such arms
    cover at least as often as they say at the confidence that the ranks were asked for.
    Source: Woodruff (1952), Journal of the American Statistical Association 47:635.

    Returns:
        NotEstimable "not_finite" for values that are infinite or not numbers. Where all three are one value the arm's
        variance is 0: a difference of two such arms is not estimable, while the exact bounds hold.

    Raises:
        ValueError: for values that are not in order.

    >>> at = ranks(100, 0.5, 0.95)
    >>> found = quantile_arm(at, estimate=12.0, lower=10.0, upper=13.5)
    >>> found.arm.theta, round(math.sqrt(found.arm.variance), 3), (found.lower, found.upper)
    (12.0, 0.831, (10.0, 13.5))
    """
    if not all(math.isfinite(value) for value in (estimate, lower, upper)):
        return NotEstimable("not_finite", "a value at the ranks is not finite")
    if not lower <= estimate <= upper:
        raise ValueError("the values at the ranks are not in order")
    below, above = estimate - lower, upper - estimate
    tied = below == 0.0 or above == 0.0
    reach = max(below, above) if tied else below / 2.0 + above / 2.0
    se = reach / critical(confidence=at.coverage, df=math.inf)
    if not (math.isfinite(se) and math.isfinite(estimate) and se < 1e154):
        return NotEstimable("not_finite", "the spread of the values is too large to compute")
    return Quantile(arm=Arm(theta=float(estimate), variance=se * se, n=at.n), lower=float(lower), upper=float(upper))


def _at_most(k: int, n: int, q: float) -> float:
    """P(B <= k) of a binomial."""
    if k < 0:
        return 0.0
    return 1.0 if k >= n else float(special.betainc(n - k, k + 1, 1.0 - q))


def _at_least(k: int, n: int, q: float) -> float:
    """P(B >= k) of a binomial."""
    if k <= 0:
        return 1.0
    return 0.0 if k > n else float(special.betainc(k, n - k + 1, q))


def _last(n: int, holds: Callable[[int], bool]) -> int:
    """The last of the ranks 1 to n for which something holds that holds for rank 1 and never again once it fails."""
    low, high = 1, n + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
