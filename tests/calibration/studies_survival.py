"""Studies of retention over time: enrolment spread over weeks, follow-up that ends on one date for all."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from holdfast.model.reading import Curve
from holdfast.stats.arm import Arm
from holdfast.stats.competing import cause_specific, cumulative_incidence, incidence_at
from holdfast.stats.contrast import Interval, difference
from holdfast.stats.hazard import Ties, hazard_ratio, proportional_hazards
from holdfast.stats.log_rank import follow_up_difference, log_rank
from holdfast.stats.survival import kaplan_meier, rmst
from holdfast.stats.survival_compare import Band, survival_band, survival_difference
from tests.calibration.study import Study

Rng = np.random.Generator
Floats = npt.NDArray[np.float64]
ALPHA = 0.05
DAYS = 60


def simulated(
    rng: Rng, runs: int, n: int, hazards: Sequence[Sequence[float]], *, enrolment: float = 45.0, longest: float = 75.0
) -> list[Curve]:
    """One curve of n units for each run, with a daily hazard of each cause.

    Units enter evenly over the days of enrolment, and are followed for the whole days until the longest follow-up has
    passed since the first entered, at most 60: from 30 to 60 of them, unless said otherwise.
    """
    daily = np.asarray(hazards, dtype=float)
    any_event = daily.sum(axis=0)
    reached = 1.0 - np.cumprod(1.0 - any_event)
    followed = np.minimum(np.floor(longest - enrolment * rng.random((runs, n))), DAYS).astype(int)
    day = np.searchsorted(reached, rng.random((runs, n)), side="right")
    happened = day < followed
    cause = np.zeros_like(day)
    if len(daily) > 1:
        shares = np.cumsum(np.append(daily / any_event, np.ones((len(daily), 1)), axis=1), axis=0)
        cause = (rng.random((runs, n))[..., None] >= np.moveaxis(shares[:-1, day], 0, -1)).sum(axis=-1)
    run = np.arange(runs)[:, None]

    def counts(chosen: npt.NDArray[np.bool_], at: npt.NDArray[np.int_]) -> npt.NDArray[np.int_]:
        places = (run * DAYS + np.minimum(at, DAYS - 1))[chosen]
        return np.bincount(places, minlength=runs * DAYS).reshape(runs, DAYS)

    events = [counts(happened & (cause == each), day) for each in range(len(daily))]
    censored = counts(~happened & (followed > 0), followed - 1)
    total = np.sum(events, axis=0)
    gone = np.cumsum(total + censored, axis=1)
    at_risk = gone[:, -1:] - np.hstack([np.zeros((runs, 1), dtype=int), gone[:, :-1]])

    def whole(counted: npt.NDArray[np.int_]) -> tuple[int, ...]:
        return tuple(int(value) for value in counted)

    return [
        Curve(
            at_risk=whole(at_risk[each]),
            events=whole(total[each]),
            censored=whole(censored[each]),
            causes={f"cause {place}": whole(own[each]) for place, own in enumerate(events)} if len(daily) > 1 else {},
        )
        for each in range(runs)
    ]


def weibull(scale: float, shape: float = 0.7, ratio: float = 1.0) -> list[float]:
    """The probability of the event on each day of those still there; it falls with time for a shape below 1."""
    kept = [math.exp(-ratio * (day / scale) ** shape) for day in range(DAYS + 1)]
    return [1.0 - after / before for before, after in pairwise(kept)]


def share(hazards: Sequence[float], day: int) -> float:
    return math.prod(1.0 - hazard for hazard in hazards[:day])


def days_kept(hazards: Sequence[float], tau: int) -> float:
    return math.fsum(share(hazards, day) for day in range(tau))


def incidence(own: Sequence[float], other: Sequence[float], day: int) -> float:
    both = [a + b for a, b in zip(own, other, strict=True)]
    return math.fsum(share(both, before) * own[before] for before in range(day))


def arm(value: object) -> Arm:
    assert isinstance(value, Arm)
    return value


def covers(effect: object, truth: float) -> bool:
    """Whether the interval holds the truth; one that is not estimable is unbounded, and does."""
    return not isinstance(effect, Interval) or effect.lower <= truth <= effect.upper


def rejects(test: object) -> bool:
    """Whether a test rejects; one that cannot be had does not."""
    return getattr(test, "p", 1.0) < ALPHA


def pairs(
    rng: Rng, runs: int, n: tuple[int, int], treated: Sequence[float], control: Sequence[float]
) -> list[tuple[Curve, Curve]]:
    return list(zip(simulated(rng, runs, n[0], [treated]), simulated(rng, runs, n[1], [control]), strict=True))


def share_of_one(hazards: Sequence[float], *, n: int, day: int) -> Callable[[Rng, int], list[bool]]:
    truth = share(hazards, day)

    def hits(rng: Rng, runs: int) -> list[bool]:
        found = [kaplan_meier(curve, confidence=0.95) for curve in simulated(rng, runs, n, [hazards])]
        points = [getattr(each, "days", ())[day - 1] for each in found]
        return [point.lower <= truth <= point.upper for point in points]

    return hits


def at_a_day(
    treated: Sequence[float], control: Sequence[float], *, n: tuple[int, int], day: int
) -> Callable[[Rng, int], list[bool]]:
    truth = share(treated, day) - share(control, day)

    def hits(rng: Rng, runs: int) -> list[bool]:
        return [
            covers(survival_difference(t, c, day=day, confidence=0.95), truth)
            for t, c in pairs(rng, runs, n, treated, control)
        ]

    return hits


def days_gained(
    treated: Sequence[float], control: Sequence[float], *, n: tuple[int, int]
) -> Callable[[Rng, int], list[bool]]:
    truth = days_kept(treated, DAYS) - days_kept(control, DAYS)

    def hits(rng: Rng, runs: int) -> list[bool]:
        return [
            covers(difference(arm(rmst(t, tau=DAYS)), arm(rmst(c, tau=DAYS)), confidence=0.95), truth)
            for t, c in pairs(rng, runs, n, treated, control)
        ]

    return hits


def equal_curves(
    hazards: Sequence[float], *, n: tuple[int, int], gamma: float = 0.0
) -> Callable[[Rng, int], list[bool]]:
    def hits(rng: Rng, runs: int) -> list[bool]:
        return [rejects(log_rank(t, c, gamma=gamma)) for t, c in pairs(rng, runs, n, hazards, hazards)]

    return hits


def equal_curves_in_strata(rng: Rng, runs: int) -> list[bool]:
    """Two strata of different hazards and shares, the smaller of which is mostly treated."""
    first = pairs(rng, runs, (60, 180), weibull(80.0), weibull(80.0))
    second = pairs(rng, runs, (140, 60), weibull(25.0), weibull(25.0))
    return [rejects(log_rank([a[0], b[0]], [a[1], b[1]])) for a, b in zip(first, second, strict=True)]


def three_equal_curves(rng: Rng, runs: int) -> list[bool]:
    variants = [simulated(rng, runs, n, [weibull(60.0)]) for n in (150, 150, 300)]
    return [rejects(log_rank(*each)) for each in zip(*variants, strict=True)]


def ratio_of(true: float, *, ties: Ties) -> Callable[[Rng, int], list[bool]]:
    def hits(rng: Rng, runs: int) -> list[bool]:
        return [
            covers(hazard_ratio(t, c, confidence=0.95, ties=ties), true)
            for t, c in pairs(rng, runs, (300, 300), weibull(60.0, ratio=true), weibull(60.0))
        ]

    return hits


def one_ratio(rng: Rng, runs: int) -> list[bool]:
    made = pairs(rng, runs, (400, 400), weibull(60.0, ratio=0.7), weibull(60.0))
    return [rejects(proportional_hazards(t, c)) for t, c in made]


def share_of_a_cause(rng: Rng, runs: int) -> list[bool]:
    own, other = [0.001] * DAYS, weibull(60.0)
    truth = incidence(own, other, DAYS)
    found = [
        cumulative_incidence(curve, cause="cause 0", confidence=0.95)
        for curve in simulated(rng, runs, 300, [own, other])
    ]
    points = [getattr(each, "days", ())[DAYS - 1] for each in found]
    return [point.lower <= truth <= point.upper for point in points]


def cause_compared(rng: Rng, runs: int) -> list[bool]:
    own_t, own_c, other = [0.004] * DAYS, [0.006] * DAYS, weibull(90.0)
    truth = incidence(own_t, other, DAYS) - incidence(own_c, other, DAYS)
    made = zip(simulated(rng, runs, 400, [own_t, other]), simulated(rng, runs, 400, [own_c, other]), strict=True)
    return [
        covers(
            difference(*(arm(incidence_at(each, cause="cause 0", day=DAYS)) for each in pair), confidence=0.95), truth
        )
        for pair in made
    ]


def cause_alike(rng: Rng, runs: int) -> list[bool]:
    """The other cause takes twice as many in one variant."""
    made = zip(
        simulated(rng, runs, 300, [[0.005] * DAYS, [0.010] * DAYS]),
        simulated(rng, runs, 300, [[0.005] * DAYS, [0.005] * DAYS]),
        strict=True,
    )
    return [rejects(log_rank(*(cause_specific(each, cause="cause 0") for each in pair))) for pair in made]


def followed_alike(rng: Rng, runs: int) -> list[bool]:
    """Events differ, which is nothing that this test may find."""
    made = pairs(rng, runs, (300, 300), weibull(90.0), weibull(45.0))
    return [rejects(follow_up_difference(t, c)) for t, c in made]


def all_days_at_once(rng: Rng, runs: int) -> list[bool]:
    treated, control, days = weibull(90.0), weibull(60.0), [14, 45]
    truths = [share(treated, day) - share(control, day) for day in days]
    bands = [survival_band(t, c, days=days, confidence=0.95) for t, c in pairs(rng, runs, (400, 400), treated, control)]
    return [
        isinstance(band, Band) and all(covers(point, truth) for point, truth in zip(band.points, truths, strict=True))
        for band in bands
    ]


def study(method: str, data: str, seed: int, hits: Callable[[Rng, int], list[bool]], **more: Any) -> Study:
    """A study of coverage at 95%, or of a test at 5% where the method is one."""
    test = method.startswith("Test")
    return Study(
        topic="Retention over time",
        method=method,
        data=data,
        measures="type I error" if test else "coverage",
        nominal=ALPHA if test else 1.0 - ALPHA,
        seed=seed,
        hits=hits,
        **more,
    )


SPREAD = "enrolled over 45 days, followed for 30 to 60"
STUDIES = [
    study(
        "Kaplan-Meier, log-log interval",
        f"150 units {SPREAD}; share left after 30 days 97.6%",
        3101,
        share_of_one([1.0 - 0.976 ** (1 / 30)] * DAYS, n=150, day=30),
        # 2.6% of runs have no event, and the exact bound then holds the truth.
        at_most=True,
    ),
    study(
        "Kaplan-Meier, log-log interval",
        f"150 units {SPREAD}; share left after 45 days 90%",
        3121,
        share_of_one([1.0 - 0.9 ** (1 / 45)] * DAYS, n=150, day=45),
    ),
    study(
        "Kaplan-Meier, log-log interval",
        f"60 units {SPREAD}; share left after 55 days 39%",
        3102,
        share_of_one(weibull(60.0), n=60, day=55),
    ),
    study(
        "Difference of shares at a day",
        f"1,000 and 1,000 units {SPREAD}; 47% and 39% left after 55 days",
        3103,
        at_a_day(weibull(83.0), weibull(60.0), n=(1000, 1000), day=55),
    ),
    study(
        "Difference of shares at a day, few events",
        f"150 and 150 units {SPREAD}; 94% and 91% left after 45 days",
        3104,
        at_a_day([1.0 - 0.94 ** (1 / 45)] * DAYS, [1.0 - 0.91 ** (1 / 45)] * DAYS, n=(150, 150), day=45),
    ),
    study(
        "Difference of shares at a day, often no event",
        f"100 and 100 units {SPREAD}; 98.5% and 96% left after 30 days",
        3105,
        at_a_day([1.0 - 0.985 ** (1 / 30)] * DAYS, [1.0 - 0.96 ** (1 / 30)] * DAYS, n=(100, 100), day=30),
        at_most=True,
    ),
    study(
        "Difference of days kept",
        f"300 and 300 units {SPREAD}; 38.7 and 34.9 days of 60",
        3106,
        days_gained(weibull(83.0), weibull(60.0), n=(300, 300)),
    ),
    study(
        "Difference of days kept",
        f"90 and 810 units {SPREAD}; 34.9 days of 60 in both",
        3107,
        days_gained(weibull(60.0), weibull(60.0), n=(90, 810)),
    ),
    study(
        "Test of equal curves, log-rank", f"200 and 200 units {SPREAD}", 3108, equal_curves(weibull(60.0), n=(200, 200))
    ),
    study(
        "Test of equal curves, log-rank, few events",
        f"100 and 400 units {SPREAD}; 95% left after 60 days",
        3109,
        equal_curves([1.0 - 0.95 ** (1 / 60)] * DAYS, n=(100, 400)),
    ),
    study(
        "Test of equal curves, Fleming-Harrington (0, 1)",
        f"200 and 200 units {SPREAD}",
        3110,
        equal_curves(weibull(60.0), n=(200, 200), gamma=1.0),
    ),
    study(
        "Test of equal curves, log-rank by stratum",
        f"60 and 180 units of a stratum, 140 and 60 of another that leaves faster, {SPREAD}",
        3111,
        equal_curves_in_strata,
    ),
    study("Test of equal curves, log-rank of three", f"150, 150 and 300 units {SPREAD}", 3112, three_equal_curves),
    study("Hazard ratio, Efron", f"300 and 300 units {SPREAD}; ratio 0.7", 3113, ratio_of(0.7, ties="efron")),
    study(
        "Hazard ratio, grouped",
        f"300 and 300 units {SPREAD}; ratio 0.7",
        3114,
        ratio_of(0.7, ties="grouped"),
        cheap=False,
    ),
    study("Test of proportional hazards", f"400 and 400 units {SPREAD}; ratio 0.7 on all days", 3115, one_ratio),
    study(
        "Cumulative incidence of a cause, log-log interval",
        f"300 units {SPREAD}; 3.4% leave for the cause, 62% for another",
        3116,
        share_of_a_cause,
    ),
    study(
        "Difference of cumulative incidences",
        f"400 and 400 units {SPREAD}; a cause whose hazard is a third lower",
        3117,
        cause_compared,
    ),
    study(
        "Test of equal hazards of a cause",
        f"300 and 300 units {SPREAD}; the other cause takes twice as many in one variant",
        3118,
        cause_alike,
    ),
    study(
        "Test of equal follow-up",
        f"300 and 300 units {SPREAD}; one variant leaves faster",
        3119,
        followed_alike,
    ),
    study(
        "Band of the difference at two days",
        f"400 and 400 units {SPREAD}; days 14 and 45",
        3120,
        all_days_at_once,
        cheap=False,
    ),
]
