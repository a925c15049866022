"""Whether units of all variants are followed equally long: a log-rank test whose event is the end of observation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from holdfast.model.outcome import NotEstimable

_Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FollowUp:
    """The test of equal follow-up."""

    p: float
    """Probability of follow-up at least this different, if its end does not depend on the variant."""
    statistic: float
    """Chi-square statistic."""
    df: int
    """Groups that were followed, less one."""
    excess: tuple[float, ...]
    """For each group: units whose follow-up ended, less those expected; above zero where it ended early."""


def follow_up(at_risk: Sequence[Sequence[int]], ended: Sequence[Sequence[int]]) -> FollowUp | NotEstimable:
    """How probable it is that follow-up ends as differently between groups as it did, if it is the same in all.

    Where observation ends at one date for all, how long a unit is followed depends on the day of its assignment alone;
    assigned at random, the variants hold the same days.

    Args:
        at_risk: for each group, units that are followed on each day since assignment.
        ended: for each group, those of them whose last followed day it is.

    Formula: with n_ak at risk, d_ak ended and n_k, d_k their sums on day k, U_a = sum_k (d_ak - d_k n_ak / n_k) and
    V_ab = sum_k d_k (n_k - d_k) / (n_k - 1) n_ak / n_k (1{a = b} - n_bk / n_k); U' V^- U is about chi-square with one
    degree of freedom for each group but one. A day on which all who are left end at once tells nothing.
    Source: Mantel (1966), Cancer Chemotherapy Reports 50:163; Peto and Peto (1972), JRSS A 135:185.

    Returns:
        NotEstimable "no_units" with fewer than two groups that are followed, "no_events" where no follow-up ended while
        another unit's went on.

    Raises:
        ValueError: for groups or days of different length, or more units that end than are at risk.

    >>> test = follow_up([[100, 90, 60], [100, 70, 40]], [[10, 30, 60], [30, 30, 40]])
    >>> round(test.statistic, 3), test.df, [round(each, 2) for each in test.excess]
    (10.912, 1, [-13.75, 13.75])
    """
    if len(at_risk) != len(ended) or len({len(days) for days in [*at_risk, *ended]}) > 1:
        raise ValueError("every group has both counts on every day")
    risk, end = _array(at_risk), _array(ended)
    if risk.size and ((end < 0).any() or (end > risk).any()):
        raise ValueError("on no day do more units end than are followed, or fewer than none")
    followed = [place for place in range(len(risk)) if risk[place].any()] if risk.size else []
    if len(followed) < 2:
        return NotEstimable("no_units", "follow-up of two groups with units is compared")
    together, all_ended = risk.sum(axis=0), end.sum(axis=0)
    days = (all_ended > 0) & (together > all_ended)
    if not days.any():
        return NotEstimable("no_events", "nobody's follow-up ended before that of all others")
    n, d = together[days], all_ended[days]
    shares = risk[:, days] / n
    excess = (end[:, days] - d * shares).sum(axis=1)
    weight = d * (n - d) / (n - 1)
    variance = np.diag((shares * weight).sum(axis=1)) - (shares * weight) @ shares.T
    statistic, df = _quadratic(excess[followed], variance[np.ix_(followed, followed)])
    if df == 0:
        return NotEstimable("no_events", "no two groups were followed at the same time")
    return FollowUp(float(special.chdtrc(df, statistic)), statistic, df, tuple(float(each) for each in excess))


def _quadratic(excess: _Array, variance: _Array) -> tuple[float, int]:
    """U' V^- U and the rank of V: the differences add up to zero, so one is always too many."""
    values, vectors = np.linalg.eigh(variance)
    kept = values > 1e-9 * max(float(values[-1]), 0.0) if values[-1] > 0 else np.zeros(len(values), dtype=bool)
    along = vectors[:, kept].T @ excess
    return math.fsum(along**2 / values[kept]), int(kept.sum())


def _array(values: Sequence[Sequence[int]]) -> _Array:
    return np.asarray(values, dtype=np.float64)
