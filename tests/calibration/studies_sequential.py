"""Tests and intervals that are read at several looks, or every day, on simulated experiments of known truth."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from holdfast.stats.after_stopping import Stopped, after_stopping
from holdfast.stats.always_valid import LEAST_EVENTS, LEAST_UNITS, log_e_one_sided, mixing, reach
from holdfast.stats.group_sequential import bounds
from holdfast.stats.spending import Spending
from tests.calibration.study import Study

Array = npt.NDArray[np.float64]
Answers = list[bool]

DAYS = 28
WEEKS = [7, 14, 21, 28]
CHUNK = 250
"""Replications at a time: customers of 250 experiments fit the memory."""


@dataclass(frozen=True)
class Path:
    """Both variants after every day, replications by days."""

    estimate: Array
    """Treated minus control."""
    variance: Array
    units: Array
    """Mature units of both variants together."""
    ready: npt.NDArray[np.bool_]
    """Whether every variant had the units and events that a first look needs."""

    @property
    def z(self) -> Array:
        return self.estimate / np.sqrt(self.variance)


def chunks(simulate: Callable[[np.random.Generator, int], Path], rng: np.random.Generator, runs: int) -> Path:
    """Replications in chunks, put together."""
    parts = [simulate(rng, min(CHUNK, runs - first)) for first in range(0, runs, CHUNK)]
    return Path(*(np.concatenate([getattr(part, name) for part in parts]) for name in Path.__dataclass_fields__))


def mature(daily: int) -> npt.NDArray[np.int64]:
    """Units of one variant that mature on each day: many came in the first week, few in the last."""
    return np.round(daily * np.linspace(1.5, 0.5, DAYS)).astype(np.int64)


def day_sums(values: Array, sizes: npt.NDArray[np.int64]) -> Array:
    """Sums of values (replications by units) up to the end of each day."""
    found: Array = np.cumsum(values, axis=1)[:, np.cumsum(sizes) - 1]
    return found


def enough(events: list[Array], units: Array) -> npt.NDArray[np.bool_]:
    fewest = np.minimum.reduce(events)
    found: npt.NDArray[np.bool_] = (fewest >= LEAST_EVENTS) & (units >= 2 * LEAST_UNITS)
    return found


def shares(daily: int, control: float, treated: float) -> Callable[[np.random.Generator, int], Path]:
    """Customers who come back, or do not."""

    def simulate(rng: np.random.Generator, runs: int) -> Path:
        sizes = mature(daily)
        n = np.cumsum(sizes).astype(float)
        counts = [np.cumsum(rng.binomial(sizes, p, (runs, DAYS)), axis=1).astype(float) for p in (treated, control)]
        p = [x / n for x in counts]
        variance = sum(each * (1.0 - each) / (n - 1.0) for each in p)
        return Path(p[0] - p[1], np.asarray(variance), np.broadcast_to(2 * n, p[0].shape), enough(counts, 2 * n))

    return simulate


def spending_customers(rng: np.random.Generator, runs: int, units: int) -> Array:
    """Revenue of customers of whom 20% buy, for lognormal amounts with sigma 1."""
    return (rng.random((runs, units)) < 0.2) * rng.lognormal(3.0, 1.0, (runs, units))


def revenue(daily: int) -> Callable[[np.random.Generator, int], Path]:
    """Revenue per customer, zeros included; no effect."""

    def simulate(rng: np.random.Generator, runs: int) -> Path:
        sizes = mature(daily)
        n = np.cumsum(sizes).astype(float)
        means, variances, buyers = [], [], []
        for _ in range(2):
            y = spending_customers(rng, runs, int(sizes.sum()))
            s1, s2 = day_sums(y, sizes), day_sums(y * y, sizes)
            means.append(s1 / n)
            variances.append((s2 - s1 * s1 / n) / (n - 1.0) / n)
            buyers.append(day_sums((y > 0.0).astype(float), sizes))
        return Path(means[0] - means[1], variances[0] + variances[1], np.tile(2 * n, (runs, 1)), enough(buyers, 2 * n))

    return simulate


def ratio(daily: int) -> Callable[[np.random.Generator, int], Path]:
    """Revenue per order by the delta method, customers being what is randomised; no effect."""

    def simulate(rng: np.random.Generator, runs: int) -> Path:
        sizes = mature(daily)
        n = np.cumsum(sizes).astype(float)
        ratios, variances, buyers = [], [], []
        for _ in range(2):
            o = rng.poisson(1.2, (runs, int(sizes.sum()))).astype(float)
            r = o * rng.lognormal(3.0, 0.6, o.shape)
            so, sr, soo, srr, sro = (day_sums(v, sizes) for v in (o, r, o * o, r * r, o * r))
            each = sr / so
            # The linearised values r - R o have mean 0, so that their squares are all of the variance.
            variances.append((srr - 2 * each * sro + each**2 * soo) / (n - 1.0) / n / (so / n) ** 2)
            ratios.append(each)
            buyers.append(day_sums((o > 0.0).astype(float), sizes))
        return Path(
            ratios[0] - ratios[1], variances[0] + variances[1], np.tile(2 * n, (runs, 1)), enough(buyers, 2 * n)
        )

    return simulate


def adjusted(daily: int) -> Callable[[np.random.Generator, int], Path]:
    """Revenue per customer adjusted for revenue before (correlation about 0.7) with the slope in each variant, and the
    variance of regression with unequal slopes; no effect."""

    def simulate(rng: np.random.Generator, runs: int) -> Path:
        sizes = mature(daily)
        n = np.cumsum(sizes).astype(float)
        moments = []
        for _ in range(2):
            x = rng.gamma(2.0, 10.0, (runs, int(sizes.sum())))
            y = x * rng.lognormal(-0.08, 0.4, x.shape) + rng.gamma(1.0, 9.0, x.shape)
            sx, sy, sxx, sxy, syy = (day_sums(v, sizes) for v in (x, y, x * x, x * y, y * y))
            xx, xy, yy = (a - b * c / n for a, b, c in ((sxx, sx, sx), (sxy, sx, sy), (syy, sy, sy)))
            moments.append((sx / n, sy / n, xx, xy / xx, (yy - xy * xy / xx) / (n - 2.0)))
        (xt, yt, xxt, bt, rt), (xc, yc, xxc, bc, rc) = moments
        middle = (xt + xc) / 2.0
        estimate = yt - bt * (xt - middle) - (yc - bc * (xc - middle))
        spread = (xxt + xxc + n / 2.0 * (xt - xc) ** 2) / (2.0 * n - 1.0)
        variance = rt / n + rc / n + (bt - bc) ** 2 * spread / (2.0 * n)
        return Path(estimate, variance, np.tile(2 * n, (runs, 1)), np.tile(n >= LEAST_UNITS, (runs, 1)))

    return simulate


def _any(out: npt.NDArray[np.bool_]) -> Answers:
    """For each replication whether something is so at any look."""
    return [bool(row.any()) for row in out]


def every_day(simulate: Callable[[np.random.Generator, int], Path], effect: float = 0.0, cover: bool = False) -> Any:
    """Whether the confidence sequence leaves out the truth on any day (or, to cover, on none)."""

    def hits(rng: np.random.Generator, runs: int) -> Answers:
        path = chunks(simulate, rng, runs)
        units = path.units[0].astype(int)
        weight = mixing(planned=int(units[-1]), alpha=0.05)
        limits = np.array([reach(n=int(n), mixing=weight, alpha=0.05) for n in units])
        out = path.ready & (np.abs(path.estimate - effect) >= limits * np.sqrt(path.variance))
        return [each is not cover for each in _any(out)]

    return hits


def alarms(simulate: Callable[[np.random.Generator, int], Path], margin: float) -> Any:
    """Whether the harm alarm goes on any day although the harm is just what is tolerated."""

    def hits(rng: np.random.Generator, runs: int) -> Answers:
        path = chunks(simulate, rng, runs)
        units = path.units[0].astype(int)
        weight = mixing(planned=int(units[-1]), alpha=0.05, sides=1)
        z = -(path.estimate + margin) / np.sqrt(path.variance)
        limits = np.array([_limit(int(n), weight) for n in units])
        return _any(path.ready & (z >= limits))

    return hits


def _limit(n: int, weight: float) -> float:
    """The z at which the one-sided evidence reaches 1 / 0.05."""
    low, high = 0.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (low, middle) if log_e_one_sided(z=middle, n=n, mixing=weight) >= math.log(20.0) else (middle, high)
    return high


def weekly(
    simulate: Callable[[np.random.Generator, int], Path],
    spending: Spending,
    *,
    days: list[int] = WEEKS,
    margin: float | None = None,
    effect: float = 0.0,
    cover: bool = False,
) -> Any:
    """Whether a look crosses its boundary; with a margin the lower one of a one-sided test of that harm; to cover,
    whether the repeated intervals of all looks hold the effect."""

    def hits(rng: np.random.Generator, runs: int) -> Answers:
        path = chunks(simulate, rng, runs)
        at = [day - 1 for day in days]
        n = path.units[0][at]
        sides = 2 if margin is None else 1
        critical = np.array(bounds(list(n / n[-1]), alpha=0.05, spending=spending, sides=sides).critical)
        if margin is None:
            size = np.abs(path.estimate - effect)[:, at] / np.sqrt(path.variance[:, at])
        else:
            size = -(path.estimate + margin)[:, at] / np.sqrt(path.variance[:, at])
        return [each is not cover for each in _any(size >= critical)]

    return hits


def measured(simulate: Callable[[np.random.Generator, int], Path], spending: Spending, planned: float) -> Any:
    """Weekly looks whose information is 1 / se^2 as it was measured, of a plan that was 10% too hopeful; the last look
    spends the rest."""

    def hits(rng: np.random.Generator, runs: int) -> Answers:
        path = chunks(simulate, rng, runs)
        at = [day - 1 for day in WEEKS]
        information = 1.0 / path.variance[:, at]
        answers = []
        for z, found in zip(np.abs(path.z[:, at]), information, strict=True):
            fractions = np.maximum.accumulate(np.minimum(found / planned, 1.0))
            fractions[-1] = 1.0
            critical = bounds(list(fractions), alpha=0.05, spending=spending, information=list(found)).critical
            answers.append(bool((z >= np.array(critical)).any()))
        return answers

    return hits


def stopped(
    simulate: Callable[[np.random.Generator, int], Path], effect: float, spending: Spending, *, median: bool
) -> Any:
    """After stopping: whether the stagewise interval holds the effect; or whether the estimate is above it."""

    def hits(rng: np.random.Generator, runs: int) -> Answers:
        path = chunks(simulate, rng, runs)
        at = [day - 1 for day in WEEKS]
        n = path.units[0][at]
        critical = bounds(list(n / n[-1]), alpha=0.05, spending=spending).critical
        answers = []
        for z, variance in zip(path.z[:, at], path.variance[:, at], strict=True):
            crossed = [k for k, c in enumerate(critical) if abs(z[k]) >= c]
            k = crossed[0] if crossed else len(at) - 1
            se = math.sqrt(variance[k])
            found = after_stopping(list(n[: k + 1]), critical[: k + 1], float(z[k]), se=se, confidence=0.95)
            assert isinstance(found, Stopped)
            answers.append(found.estimate > effect if median else found.lower <= effect <= found.upper)
        return answers

    return hits


TOPIC = "Several looks"
DAILY, ONCE_A_WEEK = "28 daily looks, ", "4 weekly looks, "
PLANNED_RATIO = 1.7
"""Planned 1 / se^2 of the difference in revenue per order; about 1.56 come in."""

STUDIES = [
    Study(
        topic=TOPIC,
        method="always-valid",
        data=DAILY + "5% return, 50 customers a day and variant, no effect",
        measures="type I error",
        nominal=0.05,
        at_most=True,
        seed=3211,
        hits=every_day(shares(50, 0.05, 0.05)),
    ),
    Study(
        topic=TOPIC,
        method="always-valid",
        data=DAILY + "20% buy for lognormal amounts (sigma 1), 50 customers a day and variant, no effect",
        measures="type I error",
        nominal=0.05,
        at_most=True,
        seed=3212,
        hits=every_day(revenue(50)),
    ),
    Study(
        topic=TOPIC,
        method="always-valid, ratio by the delta method",
        data=DAILY + "revenue per order of 50 customers a day and variant, no effect",
        measures="type I error",
        nominal=0.05,
        at_most=True,
        seed=3213,
        hits=every_day(ratio(50)),
    ),
    Study(
        topic=TOPIC,
        method="always-valid, adjusted for the time before",
        data=DAILY + "skewed revenue of 50 customers a day and variant, correlation 0.7, no effect",
        measures="type I error",
        nominal=0.05,
        at_most=True,
        seed=3214,
        hits=every_day(adjusted(50)),
    ),
    Study(
        topic=TOPIC,
        method="always-valid interval, all days at once",
        data=DAILY + "30% against 34% return, 100 customers a day and variant",
        measures="coverage",
        nominal=0.95,
        at_most=True,
        seed=3215,
        hits=every_day(shares(100, 0.3, 0.34), 0.04, cover=True),
    ),
    Study(
        topic=TOPIC,
        method="always-valid harm alarm",
        data=DAILY
        + "20% return in control and 18% treated, exactly the tolerated harm, 100 customers a day and variant",
        measures="false alarms",
        nominal=0.05,
        at_most=True,
        seed=3216,
        hits=alarms(shares(100, 0.2, 0.18), 0.02),
    ),
    Study(
        topic=TOPIC,
        method="group sequential, O'Brien-Fleming type",
        data=ONCE_A_WEEK + "15% return, 100 customers a day and variant, no effect",
        measures="type I error",
        nominal=0.05,
        seed=3221,
        hits=weekly(shares(100, 0.15, 0.15), "obrien_fleming"),
    ),
    Study(
        topic=TOPIC,
        method="group sequential, Pocock type",
        data=ONCE_A_WEEK + "20% buy for lognormal amounts (sigma 1), 60 customers a day and variant, no effect",
        measures="type I error",
        nominal=0.05,
        at_most=True,  # 120 buyers at the first look: beyond 2.4 the tails of such a statistic are a little short
        seed=3222,
        hits=weekly(revenue(60), "pocock"),
    ),
    Study(
        topic=TOPIC,
        method="group sequential, Pocock type",
        data=ONCE_A_WEEK + "20% buy for lognormal amounts (sigma 1), 200 customers a day and variant, no effect",
        measures="type I error",
        nominal=0.05,
        seed=3231,
        hits=weekly(revenue(200), "pocock"),
    ),
    Study(
        topic=TOPIC,
        method="group sequential, power family, information as measured",
        data=ONCE_A_WEEK + "revenue per order of 50 customers a day and variant, no effect",
        measures="type I error",
        nominal=0.05,
        seed=3223,
        hits=measured(ratio(50), "power", PLANNED_RATIO),
    ),
    Study(
        topic=TOPIC,
        method="group sequential, O'Brien-Fleming type, adjusted for the time before",
        data=ONCE_A_WEEK + "skewed revenue of 50 customers a day and variant, correlation 0.7, no effect",
        measures="type I error",
        nominal=0.05,
        seed=3224,
        hits=weekly(adjusted(50), "obrien_fleming"),
    ),
    Study(
        topic=TOPIC,
        method="group sequential, Pocock type, looks nobody planned",
        data="looks on days 6, 7, 8, 20, 27 and 28, 15% return, 100 customers a day and variant, no effect",
        measures="type I error",
        nominal=0.05,
        seed=3225,
        hits=weekly(shares(100, 0.15, 0.15), "pocock", days=[6, 7, 8, 20, 27, 28]),
    ),
    Study(
        topic=TOPIC,
        method="group sequential harm boundary, one-sided",
        data=ONCE_A_WEEK + "30% return in control and 28% treated, exactly the tolerated harm",
        measures="false alarms",
        nominal=0.05,
        seed=3226,
        hits=weekly(shares(100, 0.3, 0.28), "obrien_fleming", margin=0.02),
    ),
    Study(
        topic=TOPIC,
        method="repeated intervals, all looks at once",
        data=ONCE_A_WEEK + "15% against 18% return, 100 customers a day and variant",
        measures="coverage",
        nominal=0.95,
        seed=3227,
        hits=weekly(shares(100, 0.15, 0.18), "pocock", effect=0.03, cover=True),
    ),
    Study(
        topic=TOPIC,
        method="stagewise interval after stopping, O'Brien-Fleming type",
        data=ONCE_A_WEEK + "15% against 18% return, 100 customers a day and variant",
        measures="coverage",
        nominal=0.95,
        seed=3228,
        cheap=False,
        hits=stopped(shares(100, 0.15, 0.18), 0.03, "obrien_fleming", median=False),
    ),
    Study(
        topic=TOPIC,
        method="stagewise interval after stopping, Pocock type",
        data=ONCE_A_WEEK + "15% against 18% return, 100 customers a day and variant",
        measures="coverage",
        nominal=0.95,
        seed=3229,
        cheap=False,
        hits=stopped(shares(100, 0.15, 0.18), 0.03, "pocock", median=False),
    ),
    Study(
        topic=TOPIC,
        method="median-unbiased estimate after stopping: how often above the truth",
        data=ONCE_A_WEEK + "15% against 18% return, 100 customers a day and variant, Pocock type",
        measures="coverage",
        nominal=0.5,
        seed=3230,
        cheap=False,
        hits=stopped(shares(100, 0.15, 0.18), 0.03, "pocock", median=True),
    ),
]
