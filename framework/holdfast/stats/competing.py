"""Events of several causes, of which a unit has one: how many units each cause takes, where not all are followed long.

One minus Kaplan and Meier's curve of one cause, the others taken as censored, says how many it would take if there were
no other; that is more than it does take. Aalen and Johansen's estimate is the share of units that it takes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holdfast.model.outcome import NotEstimable
from holdfast.model.reading import Curve
from holdfast.stats.arm import Arm
from holdfast.stats.survival import Steps, check_curve, reaching, steps_of, survival_bounds
from holdfast.stats.tails import checked_confidence, critical

_Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class IncidenceDay:
    """One day of a cumulative incidence; the share is that after the day."""

    day: int
    """The day, counted from 0."""
    at_risk: int
    """Units that were followed on the whole day and had had no event before."""
    events: int
    """Events of the cause on the day."""
    incidence: float
    """Share of units that have had an event of the cause by the end of the day."""
    se: float
    """Its standard error; 0.0 where there has been no such event."""
    lower: float
    """Lower confidence bound of the share on this day alone."""
    upper: float
    """Upper confidence bound of the share on this day alone."""


@dataclass(frozen=True, slots=True)
class Incidence:
    """The share of units that a cause has taken, by day."""

    cause: str
    n: int
    """Units followed for a day at least."""
    days: tuple[IncidenceDay, ...]
    """From day 0 to the last day on which a unit is at risk."""
    confidence: float
    """Two-sided confidence of each day's interval."""


def cumulative_incidence(curve: Curve, *, cause: str, confidence: float) -> Incidence | NotEstimable:
    """The share of units that have had an event of one cause by the end of each day.

    The shares of all causes add up to one minus Kaplan and Meier's curve of any event.

    Args:
        curve: the counts of one variant, with its causes.
        cause: its name; one that the counts do not list has no events.
        confidence: two-sided, of the interval of each day; 0.95 for 95%.

    Formula: as `incidence_at`; the interval is 1 - (1 - F)^exp(-+z se / ((1 - F) |log(1 - F)|)), for a single cause
    that of `kaplan_meier`. Without an event of the cause F is 0, and its upper bound 1 - (alpha/2)^(1/n) for the n
    units still at risk.
    Source: Aalen and Johansen (1978), Scandinavian Journal of Statistics 5:141.

    Returns:
        NotEstimable "no_units" where no unit is followed for a day.

    Raises:
        ValueError: for counts that cannot be, causes that do not add up to the events, or a confidence outside (0, 1).

    >>> week = Curve(at_risk=(100, 90, 60), events=(10, 5, 3), censored=(0, 25, 57),
    ...              causes={"price": (6, 3, 3), "moved": (4, 2, 0)})
    >>> day = cumulative_incidence(week, cause="price", confidence=0.95).days[-1]
    >>> round(day.incidence, 4), round(day.se, 4), round(day.lower, 4), round(day.upper, 4)
    (0.1325, 0.0363, 0.0767, 0.2236)
    """
    z = critical(confidence=checked_confidence(confidence), df=math.inf)
    taken = _events_of(curve, cause)
    steps = steps_of(curve)
    if isinstance(steps, NotEstimable):
        return steps
    taken = taken[: len(steps.survival)]
    shares, variances = _incidence(steps, taken, range(1, len(taken) + 1))
    days: list[IncidenceDay] = []
    for day, (share, variance) in enumerate(zip(shares.tolist(), variances.tolist(), strict=True)):
        lower, upper = _bounds(share, variance, n=float(steps.at_risk[day]), z=z, alpha=1.0 - confidence)
        days.append(
            IncidenceDay(
                day=day,
                at_risk=int(steps.at_risk[day]),
                events=int(taken[day]),
                incidence=share,
                se=math.sqrt(variance),
                lower=lower,
                upper=upper,
            )
        )
    return Incidence(cause=cause, n=steps.n, days=tuple(days), confidence=confidence)


def incidence_at(curve: Curve, *, cause: str, day: int) -> Arm | NotEstimable:
    """The share of units that have had an event of one cause within the first `day` days, as an arm.

    Args:
        curve: the counts of one variant, with its causes.
        cause: its name; one that the counts do not list has no events.
        day: how many whole days, 1 or more: events of days 0 to day - 1 count.

    Formula: F(day) = sum over days k of S(k) d_ck / n_k, S the share without any event; by the delta method
    V = sum [F(day) - F(k + 1)]^2 d_k / (n_k (n_k - d_k)) + sum S(k)^2 d_ck (n_k - d_ck) / n_k^3
    - 2 sum [F(day) - F(k + 1)] S(k) d_ck / n_k^2. df = units - 1. Without censoring F is the plain share.
    Sources: Aalen and Johansen (1978); Gaynor et al. (1993), Journal of the American Statistical Association 88:400.

    Returns:
        NotEstimable as `survival_at`.

    Raises:
        ValueError: for a day below 1, counts that cannot be, or causes that do not add up to the events.

    >>> week = Curve(at_risk=(100, 90, 60), events=(10, 5, 3), censored=(0, 25, 57),
    ...              causes={"price": (6, 3, 3), "moved": (4, 2, 0)})
    >>> arm = incidence_at(week, cause="price", day=3)
    >>> round(arm.theta, 4), round(arm.variance, 6)
    (0.1325, 0.001318)
    """
    taken = _events_of(curve, cause)
    steps = reaching(curve, day)
    if isinstance(steps, NotEstimable):
        return steps
    shares, variances = _incidence(steps, taken[: len(steps.survival)], [day])
    return Arm(theta=float(shares[0]), variance=float(variances[0]), n=steps.n)


def cause_specific(curve: Curve, *, cause: str) -> Curve:
    """The counts with one cause as the event, and the others as the end of follow-up.

    For `log_rank` and `hazard_ratio`, which then say whether units that are still there leave for this cause at another
    rate. What the cause takes in total depends on the others too, and is `incidence_at`.

    Raises:
        ValueError: for counts that cannot be, or causes that do not add up to the events.

    >>> week = Curve(at_risk=(9, 5), events=(3, 2), censored=(1, 3), causes={"price": (1, 2), "moved": (2, 0)})
    >>> cause_specific(week, cause="price")
    Curve(at_risk=(9, 5), events=(1, 2), censored=(3, 3), causes={})
    """
    own = tuple(int(count) for count in _events_of(curve, cause))
    left = tuple(c + d - mine for c, d, mine in zip(curve.censored, curve.events, own, strict=True))
    return Curve(at_risk=curve.at_risk, events=own, censored=left)


def _events_of(curve: Curve, cause: str) -> _Array:
    """The events of a cause by day."""
    check_curve(curve)
    sums = [sum(day) for day in zip(*curve.causes.values(), strict=True)] or [0] * len(curve.events)
    if sums != list(curve.events):
        raise ValueError("the events of all causes do not add up to the events")
    return np.asarray(curve.causes.get(cause, (0,) * len(curve.events)), dtype=np.float64)


def _incidence(steps: Steps, taken: _Array, days: Sequence[int]) -> tuple[_Array, _Array]:
    """Aalen and Johansen's shares after so many days each, and their variances."""
    n, d = steps.at_risk, steps.events
    before = np.concatenate([[1.0], steps.survival[:-1]])
    shares = np.cumsum(before * taken / n)
    place = np.minimum(np.asarray(days), len(n)) - 1
    counts = np.arange(len(n)) <= place[:, None]
    ahead = np.where(counts, shares[place][:, None] - shares, 0.0)
    any_event = np.divide(d, n * (n - d), where=n > d, out=np.zeros(len(n)))
    own = before * before * taken * (n - taken) / n**3
    variance = ahead * ahead * any_event + counts * own - 2.0 * ahead * before * taken / n**2
    return shares[place], np.maximum(variance.sum(axis=1), 0.0)


def _bounds(share: float, variance: float, *, n: float, z: float, alpha: float) -> tuple[float, float]:
    """The interval of a share that has had the event, from that of the share that has not."""
    kept = 1.0 - share
    log_kept = math.log1p(-share) if share < 1.0 else -math.inf
    se_log = math.sqrt(variance) / kept if kept > 0.0 else 0.0
    lower, upper = survival_bounds(kept, log_kept, se_log, n=n, z=z, alpha=alpha)
    return 1.0 - upper, 1.0 - lower
