"""Sample ratio mismatch: whether the variants hold as many units as the planned split gives them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from holdfast.model.outcome import NotEstimable

_SMALL_EXPECTED = 20.0
"""Below this expected number of units in a variant the chi-square approximation is not trusted."""
_MOST_OUTCOMES = 200_000
"""Outcomes that the exact test may list: about 20 ms of work."""
_TIE = 1e-7
"""Relative tolerance for outcomes as likely as the observed one."""


@dataclass(frozen=True, slots=True)
class SrmTest:
    """The test of the planned split."""

    p: float
    """Probability of counts at least this far from the split."""
    statistic: float
    """Chi-square statistic; infinite where a variant with weight 0 has units."""
    df: int
    """Degrees of freedom: variants with a weight, less one."""
    expected: tuple[float, ...]
    """Units that the split gives each variant, in the order given; 0.0 for weight 0."""
    method: str
    """The method in words."""


def srm(counts: Sequence[int], weights: Sequence[float]) -> SrmTest | NotEstimable:
    """How probable a split as uneven as the observed one is, if units were assigned by the planned weights.

    Args:
        counts: units in each variant.
        weights: the planned weights in the same order, on any scale; 0 for a variant that should have no units.

    Formula: X^2 = sum (n_a - e_a)^2 / e_a over variants with a weight, chi-square with k - 1 degrees of freedom. Where
    an expected count is below 20 and there are at most 200,000 outcomes: the exact multinomial test, the probability of
    all outcomes no more likely than the observed one. A unit in a variant with weight 0 is impossible: p = 0.
    Source: Fabijan et al. (2019), KDD.

    Returns:
        NotEstimable "no_units" without any unit, "not_planned" where fewer than two variants have a weight.

    Raises:
        ValueError: for lists of different length, negative counts, or weights that are negative, not finite or all 0.

    >>> srm([5000, 5200], [1, 1])
    SrmTest(p=0.0476703806561615, statistic=3.9215686274509802, df=1, expected=(5100.0, 5100.0), method='chi-square')
    """
    check_split(counts, weights)
    total = sum(counts)
    if total == 0:
        return NotEstimable("no_units", "no units in any variant")
    shares = _shares(weights)
    planned = [index for index, share in enumerate(shares) if share > 0.0]
    expected = tuple(total * share for share in shares)
    if any(count and not share > 0.0 for count, share in zip(counts, shares, strict=True)):
        return SrmTest(0.0, math.inf, max(len(planned) - 1, 1), expected, "units in a variant with weight 0")
    if len(planned) < 2:
        return NotEstimable("not_planned", "a split needs two variants with a weight")
    df = len(planned) - 1
    statistic = math.fsum((counts[i] - expected[i]) * ((counts[i] - expected[i]) / expected[i]) for i in planned)
    if min(expected[i] for i in planned) >= _SMALL_EXPECTED:
        return SrmTest(float(special.chdtrc(df, statistic)), statistic, df, expected, "chi-square")
    if math.comb(total + df, df) > _MOST_OUTCOMES:
        method = "chi-square (too many outcomes for the exact test)"
        return SrmTest(float(special.chdtrc(df, statistic)), statistic, df, expected, method)
    p = _exact([counts[i] for i in planned], [shares[i] for i in planned])
    return SrmTest(p, statistic, df, expected, "exact multinomial")


def _exact(counts: Sequence[int], shares: Sequence[float]) -> float:
    """The probability of all outcomes that are no more likely than the observed counts."""
    total = sum(counts)
    left = np.array([total])
    log_p = np.array([float(special.gammaln(total + 1))])
    for share in shares[:-1]:
        branches = left + 1
        parent = np.repeat(np.arange(left.size), branches)
        units = np.arange(parent.size) - np.repeat(np.cumsum(branches) - branches, branches)
        log_p = log_p[parent] + units * math.log(share) - special.gammaln(units + 1)
        left = left[parent] - units
    log_p = log_p + left * math.log(shares[-1]) - special.gammaln(left + 1)
    observed = special.gammaln(total + 1) + sum(
        count * math.log(share) - special.gammaln(count + 1) for count, share in zip(counts, shares, strict=True)
    )
    return min(1.0, float(np.exp(log_p[log_p <= observed + _TIE]).sum()))


def _shares(weights: Sequence[float]) -> list[float]:
    """The weights as shares of 1, whatever their scale."""
    largest = max(weights)
    scaled = [float(weight / largest) for weight in weights]
    total = math.fsum(scaled)
    return [weight / total for weight in scaled]


def check_split(counts: Sequence[int], weights: Sequence[float]) -> None:
    """Refuse what is no split.

    Raises:
        ValueError: for lists of different length, negative counts, or weights that are negative, not finite or all 0.
    """
    if len(counts) != len(weights):
        raise ValueError(f"{len(counts)} counts and {len(weights)} weights")
    if any(count < 0 for count in counts):
        raise ValueError(f"a number of units is never negative: {tuple(counts)}")
    if any(not (math.isfinite(weight) and weight >= 0.0) for weight in weights) or not any(weights):
        raise ValueError(f"weights are finite, 0 or more, and not all 0: {tuple(weights)}")
