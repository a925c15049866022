"""Whole curves of two or more variants compared: the log-rank test, and whether they were followed equally long.

Each variant is one `Curve`, or a list with one of each stratum, such as each week of assignment, in the same order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holdfast.model.outcome import NotEstimable
from holdfast.model.reading import Curve
from holdfast.stats.survival import check_curve
from holdfast.stats.tails import upper_chi_square

_Array = npt.NDArray[np.float64]
_RANK = 1e-10
"""Directions with less than this share of the largest variance do not vary."""


@dataclass(frozen=True, slots=True)
class LogRank:
    """The test of equal curves."""

    statistic: float
    """Chi-square statistic."""
    df: int
    """Variants less one, of those at risk beside others."""
    p: float
    """Two-sided p-value; 0.0 once it is below what a double can hold."""
    log10_p: float
    """Base-10 logarithm of p, exact also where p is 0.0."""
    z: float | None
    """For two variants the signed root: positive where the first has more events than expected. None for more."""
    observed: tuple[int, ...]
    """Events of each variant."""
    expected: tuple[float, ...]
    """Events that each would have had, if the hazard were the same in all on every day."""
    method: str
    """The method in words."""


def log_rank(*variants: Curve | Sequence[Curve], rho: float = 0.0, gamma: float = 0.0) -> LogRank | NotEstimable:
    """How probable curves as different as these are, if the event is as likely in every variant on every day.

    Args:
        variants: the counts of each variant; or for each a list of its counts by stratum, for the stratified test.
        rho, gamma: Fleming and Harrington's weights S^rho (1 - S)^gamma, S the pooled curve of the stratum just before
            the day: rho 1 counts early days more, gamma 1 late ones. They have to be planned; (0, 0) is the log-rank
            test.

    Formula: on each day with d events among n units at risk, variant a expects e_a = d n_a / n, and the covariances are
    d (n - d) / (n - 1) (n_a / n) (1[a = b] - n_b / n); with sums over days and strata, weighted by w and w^2,
    chi-square = (O - E)' V^- (O - E).
    Sources: Mantel (1966), Cancer Chemotherapy Reports 50:163; Peto and Peto (1972), Journal of the Royal Statistical
    Society A 135:185; Fleming and Harrington (1991), Counting Processes and Survival Analysis.

    Returns:
        NotEstimable "no_units" where fewer than two variants have units, "no_events" where there is no event on a day
        with two variants at risk.

    Raises:
        ValueError: for fewer than two variants, lists of different length, counts that cannot be, or negative weights.

    >>> slow = Curve(at_risk=(100, 95, 90), events=(5, 5, 4), censored=(0, 0, 86))
    >>> fast = Curve(at_risk=(100, 88, 78), events=(12, 10, 7), censored=(0, 0, 71))
    >>> test = log_rank(fast, slow)
    >>> round(test.statistic, 4), round(test.p, 4), round(test.z, 4)
    (6.7333, 0.0095, 2.5949)
    """
    if not (rho >= 0.0 and gamma >= 0.0 and math.isfinite(rho + gamma)):
        raise ValueError(f"weights are 0 or more: rho {rho}, gamma {gamma}")
    strata = by_stratum(variants)
    if sum(any(any(curve.at_risk) for curve in own) for own in zip(*strata, strict=True)) < 2:
        return NotEstimable("no_units", "fewer than two variants have units that are followed for a day")
    parts = [_stratum(*daily(stratum), rho=rho, gamma=gamma) for stratum in strata]
    observed, expected, surplus, variance = (sum(each[1:], each[0]) for each in zip(*parts, strict=True))
    found = _quadratic(surplus, variance)
    if found is None:
        return NotEstimable("no_events", "no event on a day with two variants at risk")
    statistic, df = found
    p, log10_p = upper_chi_square(statistic, df=df)
    return LogRank(
        statistic=statistic,
        df=df,
        p=p,
        log10_p=log10_p,
        z=math.copysign(math.sqrt(statistic), float(surplus[0])) if len(variants) == 2 else None,
        observed=tuple(int(value) for value in observed),
        expected=tuple(float(value) for value in expected),
        method=_name(rho, gamma, len(strata)),
    )


def follow_up_difference(*variants: Curve | Sequence[Curve]) -> LogRank | NotEstimable:
    """How probable follow-up as different as this is, if units of all variants are followed alike.

    A check of the data: the end of follow-up depends on when units were assigned, which a random assignment makes the
    same in all variants. Where it is not, one variant was enrolled at another time or lost sight of earlier, and
    comparisons of their curves are in doubt.

    Args:
        variants: the counts of each variant; or for each a list of its counts by stratum.

    Formula: the log-rank test with the end of follow-up as the event, and the event as its end: on each day those
    without an event are at risk of not being followed any longer. The last day of the curve, on which all of them leave
    by definition, adds nothing.
    Source: the reverse Kaplan-Meier method, Schemper and Smith (1996), Controlled Clinical Trials 17:343.

    Returns:
        As `log_rank`, observed and expected being units that leave sight; "no_events" where all are followed to the end
        of the curve.

    Raises:
        ValueError: as `log_rank`.

    >>> late = Curve(at_risk=(100, 60, 30), events=(0, 0, 0), censored=(40, 30, 30))
    >>> early = Curve(at_risk=(100, 80, 60), events=(0, 0, 0), censored=(20, 20, 60))
    >>> round(follow_up_difference(late, early).p, 5)
    2e-05
    """
    strata = by_stratum(variants)
    reversed_ = [[_end_of_follow_up(curve) for curve in stratum] for stratum in strata]
    return log_rank(*([stratum[place] for stratum in reversed_] for place in range(len(variants))))


def by_stratum(variants: Sequence[Curve | Sequence[Curve]]) -> list[list[Curve]]:
    """The curves of all variants in each stratum.

    Raises:
        ValueError: for fewer than two variants, lists of different length or none, or counts that cannot be.
    """
    lists = [[each] if isinstance(each, Curve) else list(each) for each in variants]
    if len(lists) < 2:
        raise ValueError("a comparison needs two variants")
    if len({len(each) for each in lists}) > 1 or not lists[0]:
        raise ValueError("every variant has a curve in every stratum")
    for each in lists:
        for curve in each:
            check_curve(curve)
    return [list(stratum) for stratum in zip(*lists, strict=True)]


def daily(curves: Sequence[Curve]) -> tuple[_Array, _Array]:
    """Units at risk and events of several variants: a row for each day, a column for each variant."""
    days = max(len(curve.at_risk) for curve in curves)

    def table(rows: Sequence[Sequence[int]]) -> _Array:
        return np.asarray([[*row, *(0,) * (days - len(row))] for row in rows], dtype=np.float64).T.reshape(days, -1)

    return table([curve.at_risk for curve in curves]), table([curve.events for curve in curves])


def _end_of_follow_up(curve: Curve) -> Curve:
    """The same units with the end of follow-up as the event; an event on the next day ends a unit's part in that."""
    at_risk = tuple(n - d for n, d in zip(curve.at_risk, curve.events, strict=True))
    return Curve(at_risk=at_risk, events=curve.censored, censored=(*curve.events[1:], 0) if at_risk else ())


def _stratum(n: _Array, d: _Array, *, rho: float, gamma: float) -> tuple[_Array, _Array, _Array, _Array]:
    """Observed and expected events of each variant in a stratum, and the weighted surplus with its covariances."""
    weight = _weights(n, d, rho, gamma)
    total, events = n.sum(axis=1), d.sum(axis=1)
    share = np.divide(n, total[:, None], where=total[:, None] > 0.0, out=np.zeros_like(n))
    expected = share * events[:, None]
    factor = weight**2 * events * (total - events) / np.maximum(total - 1.0, 1.0)
    variance = np.diag(factor @ share) - (share * factor[:, None]).T @ share
    return d.sum(axis=0), expected.sum(axis=0), weight @ (d - expected), variance


def _weights(n: _Array, d: _Array, rho: float, gamma: float) -> _Array:
    """Fleming and Harrington's weight of each day."""
    total, events = n.sum(axis=1), d.sum(axis=1)
    step = np.divide(events, total, where=total > 0.0, out=np.zeros_like(total))
    before = np.concatenate([[1.0], np.cumprod(1.0 - step)[:-1]]) if len(step) else step
    weight: _Array = before**rho * (1.0 - before) ** gamma
    return weight


def _quadratic(surplus: _Array, variance: _Array) -> tuple[float, int] | None:
    """The surplus over its covariances, and how many directions of it vary; None where none does."""
    if len(surplus) == 2:  # Its own sum of products, without the rounding of an inverse.
        return (float(surplus[0] ** 2 / variance[0, 0]), 1) if variance[0, 0] > 0.0 else None
    values, vectors = np.linalg.eigh(variance)
    used = values > _RANK * max(float(values[-1]), 0.0)
    if not used.any() or not values[-1] > 0.0:
        return None
    along = (surplus @ vectors)[used]
    return float((along**2 / values[used]).sum()), int(used.sum())


def _name(rho: float, gamma: float, strata: int) -> str:
    base = "log-rank" if not (rho or gamma) else f"Fleming-Harrington ({rho:g}, {gamma:g})"
    return base if strata == 1 else f"{base}, {strata} strata"
