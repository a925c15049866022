"""The share of units without an event compared between two variants: at one day, and at several days together.

`difference` and `fieller_lift` compare the arms of `survival_at` and `rmst` for many events; these functions hold for
few events and for none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from holdfast.model.outcome import NotEstimable
from holdfast.model.reading import Curve
from holdfast.stats.arm import Arm
from holdfast.stats.contrast import Interval, difference, fieller_lift
from holdfast.stats.proportion import koopman_lift, mn_difference
from holdfast.stats.survival import Steps, reaching
from holdfast.stats.tails import checked_confidence, critical, two_sided

_Array = npt.NDArray[np.float64]
SMALL = 50
"""With fewer events by the day in a variant, or fewer units that stay beyond it, shares are not compared as normal."""
_MOST_DAYS = 25
"""Days of one band that are integrated together; more of them are taken by Bonferroni's bound."""
_RARE = 1e-3
"""Below this Bonferroni's bound of a p-value is used: it is close, and the integral has four digits."""
_SAME = 1.0 - 1e-9


@dataclass(frozen=True, slots=True)
class Band:
    """Two curves compared at several days, all intervals at once."""

    points: tuple[Interval | NotEstimable, ...]
    """The difference of shares at each day, in the order given; p is the probability of one as large at any of them."""
    critical: float
    """How many standard errors the intervals reach: more than for one day alone, less than for independent ones."""
    p: float
    """Two-sided p-value of "the shares are equal at all these days": the smallest of the points."""
    method: str
    """How the days are taken together, in words."""


def survival_difference(treated: Curve, control: Curve, *, day: int, confidence: float) -> Interval | NotEstimable:
    """How much higher the treated share without an event after so many days is than control's, also for few events.

    Args:
        treated, control: the counts of the two variants.
        day: how many whole days, 1 or more, as for `survival_at`.
        confidence: two-sided, 0.95 for 95%.

    Formula: with 50 events by the day and 50 units beyond it in both variants, `difference` of their arms. With fewer,
    A = log(-log S) with variance V = G / (log S)^2 is taken as normal: z = (A_c - A_t) / sqrt(V_t + V_c), and the
    interval holds all S_t - S_c whose A lie within z^2 >= (A_t - a)^2 / V_t + (A_c - b)^2 / V_c of the estimates; it
    leaves out 0 exactly when |z| exceeds its critical value. Where a share is 0 or 1 the score interval of Miettinen
    and Nurminen for the effective number of units, S (1 - S) / V rounded, or of those at risk on the last day.
    se is half the width of the interval over z, where it is not that of `difference`.
    Sources: Klein, Logan, Harhoff and Andersen (2007), Statistics in Medicine 26:4505, for the test; Cutler and Ederer
    (1958), Journal of Chronic Diseases 8:699, for effective numbers.

    Returns:
        NotEstimable as `survival_at`.

    Raises:
        ValueError: for a day below 1, counts that cannot be, or a confidence outside (0, 1).

    >>> slow = Curve(at_risk=(100, 95, 90), events=(5, 5, 4), censored=(0, 0, 86))
    >>> fast = Curve(at_risk=(100, 88, 78), events=(12, 10, 7), censored=(0, 0, 71))
    >>> effect = survival_difference(slow, fast, day=3, confidence=0.95)
    >>> round(effect.estimate, 3), round(effect.lower, 4), round(effect.upper, 4), round(effect.p, 4)
    (0.15, 0.0354, 0.2657, 0.0119)
    """
    return _compare(treated, control, day=day, confidence=confidence, relative=False)


def survival_lift(treated: Curve, control: Curve, *, day: int, confidence: float) -> Interval | NotEstimable:
    """By what share the treated share without an event after so many days is higher than control's: 0.1 is +10%.

    The interval leaves out 0 exactly when that of `survival_difference` does; statistic and p are the same.

    Args:
        treated, control, day, confidence: as for `survival_difference`.

    Formula: as `survival_difference`, with Fieller's and Koopman's intervals, and S_t / S_c - 1.

    Returns:
        NotEstimable as `survival_at`, "baseline_not_positive" where none of control is left, and whatever
        `fieller_lift` returns.

    Raises:
        ValueError: as `survival_difference`.

    >>> slow = Curve(at_risk=(100, 95, 90), events=(5, 5, 4), censored=(0, 0, 86))
    >>> fast = Curve(at_risk=(100, 88, 78), events=(12, 10, 7), censored=(0, 0, 71))
    >>> lift = survival_lift(slow, fast, day=3, confidence=0.95)
    >>> round(lift.estimate, 4), round(lift.lower, 4), round(lift.upper, 4)
    (0.2113, 0.0464, 0.4289)
    """
    return _compare(treated, control, day=day, confidence=confidence, relative=True)


def survival_band(treated: Curve, control: Curve, *, days: Sequence[int], confidence: float) -> Band | NotEstimable:
    """How much higher the treated share without an event is than control's at each of several days, all at once.

    Args:
        treated, control: the counts of the two variants.
        days: after how many days each, 1 or more; listed in the plan.
        confidence: two-sided, that all intervals hold their truth at once.

    Formula: d = S_t - S_c with variances and covariances sum over variants of S(s) S(t) G(min(s, t)); the intervals are
    d -+ c se with c such that P(all |Z| <= c) is the confidence, Z normal with these correlations. A point's p is
    1 - P(all |Z| <= |d| / se). For more than 25 days, and for p below 0.001, Bonferroni's bounds.
    Source: Hothorn, Bretz and Westfall (2008), Biometrical Journal 50:346, for the principle.

    Returns:
        Points are NotEstimable "not_followed" where no unit of a variant is followed for so many days, "zero_variance"
        where neither variant has an event by then; the others are taken together, in the family of all listed days
        that are estimable. NotEstimable instead of a band where no point is; "no_units", "too_few_units".

    Raises:
        ValueError: for no days or a day below 1, counts that cannot be, or a confidence outside (0, 1).

    >>> slow = Curve(at_risk=(900, 840, 790), events=(60, 50, 40), censored=(0, 0, 750))
    >>> fast = Curve(at_risk=(900, 800, 720), events=(100, 80, 50), censored=(0, 0, 670))
    >>> band = survival_band(slow, fast, days=[1, 3], confidence=0.95)
    >>> [(round(point.lower, 3), round(point.upper, 3)) for point in band.points], round(band.critical, 2)
    ([(0.015, 0.074), (0.047, 0.131)], 2.2)
    """
    checked_confidence(confidence)
    if not days:
        raise ValueError("a band needs a day")
    found = [(reaching(treated, day), reaching(control, day)) for day in days]
    differences = [_point(t, c, day=day, confidence=confidence) for (t, c), day in zip(found, days, strict=True)]
    places = [place for place, point in enumerate(differences) if isinstance(point, Interval)]
    if not places:
        return next(point for point in differences if isinstance(point, NotEstimable))
    known = [days[place] for place in places]
    pair = tuple(steps for steps in found[places[0]] if isinstance(steps, Steps))
    correlation = _correlation(pair, known)
    reach = _critical(correlation, confidence)
    points: list[Interval | NotEstimable] = []
    for point in differences:
        if isinstance(point, NotEstimable):
            points.append(point)
            continue
        p, log10_p = _any_as_large(correlation, point)
        bounds = (point.estimate - reach * point.se, point.estimate + reach * point.se)
        points.append(replace(point, lower=bounds[0], upper=bounds[1], p=p, log10_p=log10_p))
    smallest = min(point.p for point in points if isinstance(point, Interval))
    method = "simultaneous normal" if _integrated(correlation, 1.0 - confidence) else "Bonferroni"
    return Band(points=tuple(points), critical=reach, p=smallest, method=method)


def _compare(treated: Curve, control: Curve, *, day: int, confidence: float, relative: bool) -> Interval | NotEstimable:
    """The difference or the lift of the shares after so many days."""
    z = critical(confidence=checked_confidence(confidence), df=math.inf)
    both = reaching(treated, day), reaching(control, day)
    for steps in both:
        if isinstance(steps, NotEstimable):
            return steps
    t, c = (steps for steps in both if isinstance(steps, Steps))
    if relative and not c.after(day) > 0.0:
        return NotEstimable("baseline_not_positive", "no unit of control is left")
    if not all(0.0 < steps.after(day) < 1.0 for steps in (t, c)):
        compare = koopman_lift if relative else mn_difference
        effect = compare(treated=_effective(t, day), control=_effective(c, day), confidence=confidence)
        return _around(effect, _effect(t.after(day), c.after(day), relative=relative))
    if min(_fewest(t, day), _fewest(c, day)) >= SMALL:
        arms = _arm(t, day), _arm(c, day)
        return (fieller_lift if relative else difference)(*arms, confidence=confidence)
    return _log_log(t, c, day=day, z=z, confidence=confidence, relative=relative)


def _effect(treated: float, control: float, *, relative: bool) -> float:
    return (treated - control) / control if relative else treated - control


def _arm(steps: Steps, day: int) -> Arm:
    share = steps.after(day)
    return Arm(theta=share, variance=share * share * steps.greenwood_after(day), n=steps.n)


def _fewest(steps: Steps, day: int) -> float:
    """Events by the day, or units that are followed to its end without one, whichever are fewer."""
    last = min(day, len(steps.events))
    return min(float(steps.events[:last].sum()), float(steps.at_risk[last - 1] - steps.events[last - 1]))


def _effective(steps: Steps, day: int) -> tuple[int, int]:
    """Units without an event and units, whose plain share would be as sure as this one."""
    share = steps.after(day)
    if 0.0 < share < 1.0:
        n = max(1, round((1.0 - share) / share / steps.greenwood_after(day)))
        return round(share * n), n
    left = int(steps.at_risk[min(day, len(steps.at_risk)) - 1])
    return (left if share > 0.0 else 0), left


def _around(effect: Interval | NotEstimable, estimate: float) -> Interval | NotEstimable:
    """The interval of rounded counts with the estimate itself, which it holds."""
    if isinstance(effect, NotEstimable):
        return effect
    return replace(
        effect,
        estimate=estimate,
        lower=min(effect.lower, estimate),
        upper=max(effect.upper, estimate),
        method=f"{effect.method}, effective units",
    )


def _log_log(t: Steps, c: Steps, *, day: int, z: float, confidence: float, relative: bool) -> Interval:
    """The comparison on the scale of log(-log S)."""
    (a_t, se_t), (a_c, se_c) = (_transformed(steps, day) for steps in (t, c))
    statistic = (a_c - a_t) / math.hypot(se_t, se_c)
    p, log10_p = two_sided(statistic, df=math.inf)

    def effect(angle: _Array) -> _Array:
        kept_t = np.exp(a_t + z * se_t * np.cos(angle))
        kept_c = np.exp(a_c + z * se_c * np.sin(angle))
        return np.expm1(kept_c - kept_t) if relative else np.exp(-kept_t) - np.exp(-kept_c)

    # The treated share is highest, and control's lowest, between these angles; and the other way round.
    upper = _highest(effect, 0.5 * math.pi, math.pi)
    lower = -_highest(lambda angle: -effect(angle), 1.5 * math.pi, 2.0 * math.pi)
    return Interval(
        estimate=_effect(t.after(day), c.after(day), relative=relative),
        se=(upper - lower) / (2.0 * z),
        lower=lower,
        upper=upper,
        statistic=statistic,
        df=math.inf,
        p=p,
        log10_p=log10_p,
        confidence=confidence,
        method="complementary log-log",
    )


def _transformed(steps: Steps, day: int) -> tuple[float, float]:
    """log(-log S) and its standard error."""
    hazard = -float(steps.log_survival[min(day, len(steps.survival)) - 1])
    return math.log(hazard), math.sqrt(steps.greenwood_after(day)) / hazard


def _highest(function: Callable[[_Array], _Array], low: float, high: float) -> float:
    """The highest value of a function with one peak on an interval, by ever finer grids."""
    best = -math.inf
    for _ in range(8):
        grid = np.linspace(low, high, 65)
        values = function(grid)
        place = int(values.argmax())
        best = max(best, float(values[place]))
        low, high = float(grid[max(place - 1, 0)]), float(grid[min(place + 1, 64)])
    return best


def _point(t: Steps | NotEstimable, c: Steps | NotEstimable, *, day: int, confidence: float) -> Interval | NotEstimable:
    """The difference at one day with a normal test, before the days are taken together."""
    if isinstance(t, NotEstimable):
        return t
    if isinstance(c, NotEstimable):
        return c
    effect = difference(replace(_arm(t, day), df=math.inf), replace(_arm(c, day), df=math.inf), confidence=confidence)
    return replace(effect, method="simultaneous over days") if isinstance(effect, Interval) else effect


def _correlation(both: Sequence[Steps], days: Sequence[int]) -> _Array:
    """The correlations of the differences at these days."""
    covariance = np.zeros((len(days), len(days)))
    for steps in both:
        share = np.array([steps.after(day) for day in days])
        hazard = np.array([steps.greenwood_after(day) for day in days])
        covariance += np.outer(share, share) * np.minimum.outer(hazard, hazard)
    se = np.sqrt(np.diag(covariance))
    correlation: _Array = covariance / np.outer(se, se)
    different: list[int] = []
    for place in range(len(days)):
        if all(abs(correlation[place, other]) < _SAME for other in different):
            different.append(place)
    return correlation[np.ix_(different, different)]


def _integrated(correlation: _Array, level: float) -> bool:
    """Whether the normal distribution is integrated for a probability outside; otherwise Bonferroni's bound is used."""
    return 1 < len(correlation) <= _MOST_DAYS and level >= _RARE


def _critical(correlation: _Array, confidence: float) -> float:
    """How many standard errors hold all differences at once with this probability."""
    size = len(correlation)
    alone = critical(confidence=confidence, df=math.inf)
    bonferroni = critical(confidence=1.0 - (1.0 - confidence) / size, df=math.inf)
    if not _integrated(correlation, 1.0 - confidence):
        return bonferroni
    from scipy.optimize import brentq

    def surplus(c: float) -> float:
        return _within(correlation, c) - confidence

    if surplus(alone) >= 0.0 or surplus(bonferroni) <= 0.0:
        return bonferroni
    return float(brentq(surplus, alone, bonferroni, xtol=5e-4))


def _any_as_large(correlation: _Array, point: Interval) -> tuple[float, float]:
    """The probability that any difference is as large as this one, and its base-10 logarithm."""
    size = len(correlation)
    bound, log10_bound = point.p * size, point.log10_p + math.log10(size)
    if not _integrated(correlation, bound):
        return min(1.0, bound), min(0.0, log10_bound)
    p = min(bound, 1.0, max(point.p, 1.0 - _within(correlation, abs(point.statistic))))
    return p, math.log10(p)


def _within(correlation: _Array, reach: float) -> float:
    """P(all |Z| <= reach) for normal Z with these correlations, to about four digits, the same every time."""
    from scipy.stats import multivariate_normal

    edge = np.full(len(correlation), reach)
    return float(
        multivariate_normal.cdf(
            edge,
            cov=correlation,
            allow_singular=True,
            lower_limit=-edge,
            rng=np.random.default_rng(1),
            abseps=1e-4,
            maxpts=20_000,
        )
    )
