"""How long the units of one variant stay: Kaplan and Meier's curve, its value at a day and its mean within some days.

Everything is computed from the counts of a `Curve`. Day k, counted from 0, is the time from k to k + 1 days after
assignment, and an event on day k has happened by time k + 1: S after day k is S(k + 1), and S(0) is 1. Whoever is last
followed on a day was at risk on it, so that events come before censoring, as is usual.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holdfast.model.outcome import NotEstimable
from holdfast.model.reading import Curve
from holdfast.stats.arm import Arm
from holdfast.stats.tails import checked_confidence, critical

_Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SurvivalDay:
    """One day of a survival curve; the share is that after the day."""

    day: int
    """The day, counted from 0: the share is S(day + 1)."""
    at_risk: int
    """Units that were followed on the whole day and had had no event before."""
    events: int
    """Events on the day."""
    censored: int
    """Units whose last followed day it is, without an event."""
    survival: float
    """Share of units without an event by the end of the day."""
    se: float
    """Greenwood's standard error of the share; 0.0 where the share is 0 or 1."""
    lower: float
    """Lower confidence bound of the share on this day alone; 0.0 where the share is 0."""
    upper: float
    """Upper confidence bound of the share on this day alone; 1.0 where the share is 1."""


@dataclass(frozen=True, slots=True)
class SurvivalCurve:
    """The share of units without an event, by day."""

    n: int
    """Units followed for a day at least."""
    days: tuple[SurvivalDay, ...]
    """From day 0 to the last day on which a unit is at risk."""
    confidence: float
    """Two-sided confidence of each day's interval; the bounds of many days are no band for the whole curve."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Kaplan and Meier's product with what its variances are made of, by day up to the last with a unit at risk."""

    at_risk: _Array
    """Units at risk on each day."""
    events: _Array
    """Events on each day."""
    survival: _Array
    """S after each day."""
    log_survival: _Array
    """Its logarithm, exact also where S is close to 1; minus infinity where it is 0."""
    greenwood: _Array
    """The sum of d / (n (n - d)) up to each day, without the day that takes the last units: S is 0 from there."""

    @property
    def n(self) -> int:
        """Units at the start."""
        return int(self.at_risk[0])

    def reaches(self, day: int) -> bool:
        """Whether the share after so many days is known: units are followed for all of them, or none is left."""
        return 0 <= day <= len(self.survival) or not self.survival[-1] > 0.0

    def after(self, days: int) -> float:
        """S after so many days, S(days)."""
        return float(self.survival[min(days, len(self.survival)) - 1]) if days else 1.0

    def greenwood_after(self, days: int) -> float:
        """Greenwood's sum over so many days."""
        return float(self.greenwood[min(days, len(self.greenwood)) - 1]) if days else 0.0


def kaplan_meier(curve: Curve, *, confidence: float) -> SurvivalCurve | NotEstimable:
    """The share of units that have had no event by the end of each day, where not all are followed equally long.

    Args:
        curve: the counts of one variant.
        confidence: two-sided, of the interval of each day; 0.95 for 95%.

    Formula: S = prod (1 - d/n); Greenwood's variance S^2 G with G = sum d / (n (n - d)); the interval
    S^exp(-+z sqrt(G) / log S), symmetric on the scale of log(-log S). Where no event has happened S is 1, and its lower
    bound is that of Clopper and Pearson for the n units still at risk, (alpha/2)^(1/n); where all units have had the
    event S is 0, and its upper bound is 1 - (alpha/2)^(1/n) for the n that were left for the last day, or the bound of
    the day before, if lower.
    Sources: Kaplan and Meier (1958), Journal of the American Statistical Association 53:457; Kalbfleisch and Prentice
    (1980), The Statistical Analysis of Failure Time Data; Clopper and Pearson (1934), Biometrika 26:404.

    Returns:
        NotEstimable "no_units" where no unit is followed for a day.

    Raises:
        ValueError: for counts that cannot be, or those of an activity that units can repeat; a confidence outside
            (0, 1).

    >>> week = Curve(at_risk=(100, 90, 60), events=(10, 5, 0), censored=(0, 25, 60))
    >>> day = kaplan_meier(week, confidence=0.95).days[1]
    >>> round(day.survival, 4), round(day.se, 4), round(day.lower, 4), round(day.upper, 4)
    (0.85, 0.0357, 0.7636, 0.9067)
    """
    z = critical(confidence=checked_confidence(confidence), df=math.inf)
    steps = steps_of(curve)
    if isinstance(steps, NotEstimable):
        return steps
    alpha = 1.0 - confidence
    days: list[SurvivalDay] = []
    above = 1.0
    for day, share in enumerate(steps.survival.tolist()):
        lower, upper = survival_bounds(
            share, steps.log_survival[day], math.sqrt(steps.greenwood[day]), n=steps.at_risk[day], z=z, alpha=alpha
        )
        upper = min(upper, above) if share == 0.0 else upper
        above = upper
        days.append(
            SurvivalDay(
                day=day,
                at_risk=int(curve.at_risk[day]),
                events=int(curve.events[day]),
                censored=int(curve.censored[day]),
                survival=share,
                se=share * math.sqrt(steps.greenwood[day]),
                lower=lower,
                upper=upper,
            )
        )
    return SurvivalCurve(n=steps.n, days=tuple(days), confidence=confidence)


def survival_at(curve: Curve, *, day: int) -> Arm | NotEstimable:
    """The share of units that have had no event within the first `day` days, as an arm.

    Without censoring it is the plain share of units, with the variance p (1 - p) / n.

    Args:
        curve: the counts of one variant.
        day: how many whole days, 1 or more: S(day) counts the events of days 0 to day - 1.

    Formula: theta = S(day), V = S^2 sum d / (n (n - d)) (Greenwood), df = units - 1, as for a share. V is 0 where the
    share is 0 or 1: `survival_difference` compares few events, or none.
    Source: Greenwood (1926), Reports on Public Health and Medical Subjects 33.

    Returns:
        NotEstimable "no_units" where no unit is followed for a day, "too_few_units" for one unit, "not_followed" where
        none is followed for so many days while some have had no event.

    Raises:
        ValueError: for a day below 1, or counts that cannot be.

    >>> week = Curve(at_risk=(100, 90, 60), events=(10, 5, 0), censored=(0, 25, 60))
    >>> arm = survival_at(week, day=3)
    >>> round(arm.theta, 4), round(arm.variance, 6), arm.df
    (0.85, 0.001275, 99.0)
    """
    steps = reaching(curve, day)
    if isinstance(steps, NotEstimable):
        return steps
    share = steps.after(day)
    return Arm(theta=share, variance=share * share * steps.greenwood_after(day), n=steps.n)


def rmst(curve: Curve, *, tau: int) -> Arm | NotEstimable:
    """The mean number of days that a unit keeps within the first `tau` days, as an arm.

    The restricted mean survival time. The day of the event counts as kept: a unit whose event is on day k keeps
    min(k + 1, tau) days, which is what the steps of the curve mean. Differences between variants are days gained.

    Args:
        curve: the counts of one variant.
        tau: over how many days, 1 or more; fixed in the plan.

    Formula: theta = S(0) + S(1) + ... + S(tau - 1), the area below the steps up to tau;
    V = sum over days k of [S(k + 1) + ... + S(tau - 1)]^2 d / (n (n - d)); df = units - 1.
    Source: Klein and Moeschberger (2003), Survival Analysis, section 4.5.

    Returns:
        NotEstimable "no_units" where no unit is followed for a day, "too_few_units" for one unit, "not_followed" where
        none is followed for tau days while some have had no event.

    Raises:
        ValueError: for a tau below 1, or counts that cannot be.

    >>> week = Curve(at_risk=(100, 90, 60), events=(10, 5, 0), censored=(0, 25, 60))
    >>> arm = rmst(week, tau=3)
    >>> round(arm.theta, 4), round(arm.variance, 6)
    (2.75, 0.003875)
    """
    steps = reaching(curve, tau)
    if isinstance(steps, NotEstimable):
        return steps
    used = min(tau - 1, len(steps.survival))
    shares = steps.survival[:used]
    ahead = np.cumsum(shares[::-1])[::-1]
    increments = np.diff(steps.greenwood[:used], prepend=0.0)
    return Arm(theta=1.0 + math.fsum(shares), variance=math.fsum(ahead * ahead * increments), n=steps.n)


def reaching(curve: Curve, day: int) -> Steps | NotEstimable:
    """The steps of a curve, where they say what share is left after so many days and how sure that is."""
    if day < 1:
        raise ValueError(f"a share after {day} days; it is 1 day or more")
    steps = steps_of(curve)
    if isinstance(steps, NotEstimable):
        return steps
    if steps.n == 1:
        return NotEstimable("too_few_units", "1 unit; a variance needs 2")
    if not steps.reaches(day):
        return NotEstimable(
            "not_followed", f"no unit is followed for {day} days, the longest for {len(steps.survival)}"
        )
    return steps


def steps_of(curve: Curve) -> Steps | NotEstimable:
    """Kaplan and Meier's product by day; NotEstimable "no_units" where no unit is followed for a day."""
    check_curve(curve)
    at_risk = np.asarray(curve.at_risk, dtype=np.float64)
    last = int(np.count_nonzero(at_risk))
    if not last:
        return NotEstimable("no_units", "no unit is followed for a whole day")
    n, d = at_risk[:last], np.asarray(curve.events[:last], dtype=np.float64)
    left = n - d
    some = left > 0.0
    log_step = np.log1p(-d / n, where=some, out=np.full(last, -math.inf))
    increments = np.divide(d, n * left, where=some, out=np.zeros(last))
    return Steps(
        at_risk=n,
        events=d,
        survival=np.multiply.accumulate(left / n),
        log_survival=np.cumsum(log_step),
        greenwood=np.cumsum(increments),
    )


def survival_bounds(
    share: float, log_share: float, se_log: float, *, n: float, z: float, alpha: float
) -> tuple[float, float]:
    """The interval of a share of survivors on the log-log scale; exact one-sided bounds where the share is 0 or 1.

    Args:
        share, log_share: S and its logarithm.
        se_log: the standard error of that logarithm, sqrt(G).
        n: units at risk on the day.
        z, alpha: the critical value, and what it leaves on both sides together.
    """
    if 0.0 < share < 1.0 and se_log > 0.0:
        reach = math.exp(z * se_log / -log_share)
        return math.exp(log_share * reach), math.exp(log_share / reach)
    rare = (alpha / 2.0) ** (1.0 / n)
    return (rare, 1.0) if share > 0.0 else (0.0, 1.0 - rare)


def check_curve(curve: Curve) -> None:
    """Refuse counts that are not those of an event which a unit has once.

    Raises:
        ValueError: for counts of different length, negative ones, or units at risk that do not go on from day to day.
    """
    counts = (curve.at_risk, curve.events, curve.censored)
    if len({len(each) for each in (*counts, *curve.causes.values())}) > 1:
        raise ValueError("a curve counts units at risk, events, causes and censored on the same days")
    if any(not count >= 0 for each in (*counts, *curve.causes.values()) for count in each):
        raise ValueError("a number of units is never negative")
    before = None
    for day, (n, d, c) in enumerate(zip(*counts, strict=True)):
        if d + c > n:
            raise ValueError(f"{d} events and {c} censored of {n} units at risk on day {day}")
        if before is not None and n != before:
            message = f"{n} units at risk on day {day}, and {before} left of the day before"
            raise ValueError(f"{message}; the event must be one that a unit has once")
        before = n - d - c
