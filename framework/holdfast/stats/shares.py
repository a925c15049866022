"""Whether a share is the same in every variant: of units observed to the end, exposed, or left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from holdfast.model.outcome import NotEstimable

_SMALL_EXPECTED = 5.0
"""Below this expected number in a cell the chi-square approximation is not trusted."""
_MOST_OUTCOMES = 200_000
"""Outcomes that the exact test may list: about 20 ms of work."""
_TIE = 1e-7
"""Relative tolerance for outcomes as likely as the observed one."""


@dataclass(frozen=True, slots=True)
class EqualShares:
    """The test of one share in all groups."""

    p: float
    """Probability of shares at least this far apart, if they are the same in all groups."""
    statistic: float
    """Chi-square statistic."""
    df: int
    """Groups with units, less one."""
    method: str
    """The method in words."""
    worst: int
    """The group that adds most to the statistic, by its place in the list given."""


def equal_shares(counts: Sequence[int], totals: Sequence[int]) -> EqualShares | NotEstimable:
    """How probable shares as different as these are, if the share is the same in all groups.

    Args:
        counts: units of each group that have it, such as those left out for a missing value.
        totals: all units of each group, in the same order.

    Formula: X^2 = sum (x_a - n_a q)^2 / (n_a q (1 - q)) with q = sum x_a / sum n_a, chi-square with k - 1 degrees of
    freedom, without a correction for continuity. Where a cell is expected to hold fewer than 5 units and there are at
    most 200,000 outcomes: Fisher's exact test, for more than two groups Freeman and Halton's: the probability, given
    both sums, of all outcomes no more likely than the observed one.
    Sources: Pearson (1900), Philosophical Magazine 50:157; Freeman and Halton (1951), Biometrika 38:141.

    Returns:
        NotEstimable "no_units" with fewer than two groups with units, "zero_variance" where nobody or everybody has it.

    Raises:
        ValueError: for lists of different length, or a count below 0 or above its total.

    >>> test = equal_shares([30, 55], [1000, 1000])
    >>> round(test.p, 6), round(test.statistic, 3), test.method
    (0.005586, 7.679, 'chi-square')
    """
    if len(counts) != len(totals) or any(not 0 <= x <= n for x, n in zip(counts, totals, strict=True)):
        raise ValueError("every group has a count between 0 and its units")
    places = [place for place, n in enumerate(totals) if n > 0]
    if len(places) < 2:
        return NotEstimable("no_units", "shares of two groups with units are compared")
    x, n = [counts[place] for place in places], [totals[place] for place in places]
    having, units = sum(x), sum(n)
    if having in (0, units):
        return NotEstimable("zero_variance", "nobody has it" if not having else "everybody has it")
    share, rest = having / units, (units - having) / units
    # In integers until the division: at large counts a rounded share would lose the units that make the difference.
    gaps = [(each * units - size * having) / units for each, size in zip(x, n, strict=True)]
    terms = [gap * gap / (size * share * rest) for gap, size in zip(gaps, n, strict=True)]
    statistic, df = math.fsum(terms), len(places) - 1
    worst = places[max(range(len(terms)), key=lambda place: terms[place])]
    p, method = float(special.chdtrc(df, statistic)), "chi-square"
    if min(n) * min(share, rest) < _SMALL_EXPECTED:
        # Whoever has it and whoever has not mirror each other; the smaller number has fewer outcomes.
        few = x if having <= units - having else [size - each for each, size in zip(x, n, strict=True)]
        if math.comb(sum(few) + df, df) > _MOST_OUTCOMES:
            method = "chi-square (too many outcomes for the exact test)"
        else:
            p, method = _exact(few, n), "exact"
    return EqualShares(p, statistic, df, method, worst)


def _exact(counts: Sequence[int], totals: Sequence[int]) -> float:
    """The probability, given the sums, of all outcomes that are no more likely than the observed counts."""
    left = np.array([sum(counts)])
    log_weight = np.zeros(1)
    for total in totals[:-1]:
        branches = np.minimum(left, total) + 1
        parent = np.repeat(np.arange(left.size), branches)
        units = np.arange(parent.size) - np.repeat(np.cumsum(branches) - branches, branches)
        log_weight = log_weight[parent] + _log_choose(total, units)
        left = left[parent] - units
    possible = left <= totals[-1]
    log_weight = log_weight[possible] + _log_choose(totals[-1], left[possible])
    observed = math.fsum(float(_log_choose(n, np.array([x]))[0]) for x, n in zip(counts, totals, strict=True))
    weight = np.exp(log_weight - log_weight.max())
    p = float(weight[log_weight <= observed + _TIE].sum() / weight.sum())
    return min(1.0, p)


def _log_choose(n: int, k: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The logarithm of the number of ways to choose k of n; exact to a few digits more than factorials at large n."""
    found: npt.NDArray[np.float64] = -special.betaln(n - k + 1.0, k + 1.0) - math.log(n + 1.0)
    return found
