"""Studies of regression adjustment, post-stratification, quantiles, few clusters and caps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from holdfast.stats.adjustment import Adjustment, adjusted, post_stratified
from holdfast.stats.arm import Arm, mean_arm
from holdfast.stats.balance import Group
from holdfast.stats.clustering import cluster_arm
from holdfast.stats.contrast import Interval, difference, fieller_lift
from holdfast.stats.quantile import Quantile, Ranks, quantile_arm, ranks
from tests.calibration.study import Study

Generator = np.random.Generator
Values = npt.NDArray[np.float64]


def group(*columns: npt.NDArray[Any]) -> Group:
    """Units, means and covariances of columns of equal length."""
    rows = np.array(columns, dtype=np.float64)
    mean = rows.mean(axis=1)
    apart = rows - mean[:, None]
    return Group(rows.shape[1], mean.tolist(), (apart @ apart.T / (rows.shape[1] - 1)).tolist())


def effect(found: Adjustment, *, lift: bool = False) -> Interval:
    """The difference (or lift) of t to c at 95%."""
    treated, control = found.arms["t"], found.arms["c"]
    assert isinstance(treated, Arm)
    assert isinstance(control, Arm)
    compare = fieller_lift if lift else difference
    interval = compare(treated, control, confidence=0.95, covariance=found.covariances["t", "c"])
    assert isinstance(interval, Interval)
    return interval


def holds(interval: Interval, truth: float) -> bool:
    return interval.lower <= truth <= interval.upper


def covering(
    one: Callable[[Generator], Adjustment], truth: float, *, lift: bool = False
) -> Callable[[Generator, int], list[bool]]:
    """Whether the interval of each simulated experiment holds the truth."""
    return lambda rng, runs: [holds(effect(one(rng), lift=lift), truth) for _ in range(runs)]


def unequal_slopes(rng: Generator) -> Mapping[str, Group]:
    """900 and 100 units; the covariate's slope is 1 in control and 3 in treatment, whose effect is 0 on average."""
    found = {}
    for name, n, slope in (("c", 900, 1.0), ("t", 100, 3.0)):
        x = rng.normal(size=n)
        found[name] = group(slope * x + rng.normal(size=n), x)
    return found


def _revenue(rng: Generator) -> Adjustment:
    found = {}
    for name in ("c", "t"):
        often = rng.beta(0.5, 3.0, 1_000)
        before, now = ((rng.random(1_000) < often) * rng.lognormal(3.0 + often, 1.0) for _ in range(2))
        found[name] = group(now, before)
    return adjusted(found, outcomes=1)


def _retained(rng: Generator) -> Adjustment:
    found = {}
    for name, n, gain in (("c", 600, 0.0), ("t", 300, 0.1)):
        active = rng.random(n) < 0.3
        orders = rng.poisson(0.5 + 2.0 * active)
        stays = rng.random(n) < 0.1 + 0.4 * active + gain * active
        found[name] = group(stays, active, orders)
    return adjusted(found, outcomes=1)


def _order_value(rng: Generator) -> Adjustment:
    found = {}
    for name, n, price in (("c", 800, 20.0), ("t", 400, 22.0)):
        often, level = rng.gamma(1.5, 0.8, n), rng.lognormal(-0.08, 0.4, n)
        orders = [rng.poisson(often).astype(float) for _ in range(2)]
        spent = [count * level * rng.lognormal(-0.02, 0.2, n) for count in orders]
        found[name] = group(spent[1] * price, orders[1], spent[0] * 20.0, orders[0])
    return adjusted(found, outcomes=2)


def _blocks(rng: Generator) -> Adjustment:
    sizes = rng.multinomial(600, [0.6, 0.3, 0.1])
    parts = {}
    for tier, (n, level, gain) in enumerate(zip(sizes, (1.0, 3.0, 10.0), (0.0, 0.5, 2.5), strict=True)):
        treated = rng.permutation(np.arange(n) % 2 == 0)
        y = level * rng.exponential(size=n) + gain * treated
        parts[str(tier)] = {"c": group(y[~treated]), "t": group(y[treated])}
    return post_stratified(parts, outcomes=1)


def _shares_differ(rng: Generator) -> Adjustment:
    tiers = rng.choice(3, size=900, p=[0.6, 0.3, 0.1])
    treated = rng.random(900) < np.array([0.15, 0.5, 0.8])[tiers]
    before = rng.normal(size=900) + tiers
    spread = np.array([1.0, 1.0, 6.0])[tiers]
    y = 2.0 * tiers + (1.0 + treated) * (before - tiers) + spread * rng.normal(size=900)
    parts: dict[str, dict[str, Group]] = {str(tier): {} for tier in range(3)}
    for cell in range(6):
        members = 2 * tiers + treated == cell
        parts[str(cell // 2)]["ct"[cell % 2]] = group(y[members], before[members])
    return post_stratified(parts, outcomes=1)


def _newcomers(rng: Generator) -> Adjustment:
    found = {}
    for name, n, slope in (("c", 450, 1.0), ("t", 150, 2.0)):
        new = rng.random(n) < 0.4
        x = rng.gamma(2.0, 1.0, n)
        y = np.where(new, 5.0, slope * (x - 2.0)) + rng.normal(size=n)
        found[name] = group(y, np.where(new, 0.0, x), new)
    return adjusted(found, outcomes=1)


def quantile_of(values: Values, at: Ranks) -> Arm:
    """The quantile of some values as an arm."""
    order = np.sort(values)
    found = quantile_arm(
        at,
        estimate=float(order[at.estimate - 1]),
        lower=float(order[at.lower - 1]),
        upper=float(order[at.upper - 1]),
    )
    assert isinstance(found, Quantile)
    return found.arm


def _quantiles(
    draw: Callable[[Generator, int], Values], *, q: float, sizes: tuple[int, int], shift: float
) -> Callable[[Generator, int], list[bool]]:
    at = [ranks(n, q, 0.95) for n in sizes]

    def hits(rng: Generator, runs: int) -> list[bool]:
        found = []
        for _ in range(runs):
            arms = []
            for place, rank in enumerate(at):
                assert isinstance(rank, Ranks)
                arms.append(quantile_of(draw(rng, sizes[place]) + shift * place, rank))
            interval = difference(arms[1], arms[0], confidence=0.95)
            # Two quantiles without any spread: their difference is said to be what it is.
            exact = arms[1].theta - arms[0].theta == shift
            found.append(holds(interval, shift) if isinstance(interval, Interval) else exact)
        return found

    return hits


def stores(rng: Generator, count: int) -> list[tuple[float, float]]:
    """Sum of the value and number of units of clusters of uneven size with an intraclass correlation of 0.1."""
    n = np.maximum(2.0, rng.lognormal(3.0, 0.8, count).round())
    sums = 5.0 * n + n * rng.normal(0.0, 0.1**0.5, count) + np.sqrt(0.9 * n) * rng.normal(size=count)
    return list(zip(sums.tolist(), n.tolist(), strict=True))


def _clusters(treated: int, control: int) -> Callable[[Generator, int], list[bool]]:
    def hits(rng: Generator, runs: int) -> list[bool]:
        found = []
        for _ in range(runs):
            t, c = cluster_arm(stores(rng, treated)), cluster_arm(stores(rng, control))
            assert isinstance(t, Arm)
            assert isinstance(c, Arm)
            interval = difference(t, c, confidence=0.95)
            assert isinstance(interval, Interval)
            found.append(interval.p < 0.05)
        return found

    return hits


def _capped(rng: Generator, runs: int) -> list[bool]:
    """Only buyers are drawn, the other units being zeros."""
    found = []
    units = 5_000
    for _ in range(runs):
        spent = [rng.lognormal(3.0, 1.8, rng.binomial(units, 0.1)) for _ in range(2)]
        cap = np.quantile(np.concatenate(spent), 0.999)
        arms = []
        for values in spent:
            below = np.minimum(values, cap)
            mean = below.sum() / units
            variance = (((below - mean) ** 2).sum() + (units - below.size) * mean**2) / (units - 1)
            arm = mean_arm(n=units, mean=float(mean), variance=float(variance))
            assert isinstance(arm, Arm)
            arms.append(arm)
        interval = difference(arms[0], arms[1], confidence=0.95)
        assert isinstance(interval, Interval)
        found.append(interval.p < 0.05)
    return found


def _whole(rng: Generator, n: int) -> Values:
    return rng.poisson(np.log(2.0), n).astype(float)


STUDIES = [
    Study(
        topic="Regression adjustment",
        method="Adjusted difference",
        data="900 against 100 units, one covariate with slopes 1 and 3, no effect on average",
        measures="coverage",
        nominal=0.95,
        seed=3301,
        hits=covering(lambda rng: adjusted(unequal_slopes(rng), outcomes=1), 0.0),
    ),
    Study(
        topic="Regression adjustment",
        method="Adjusted difference",
        data="Revenue of 1,000 units a variant, one in seven buys, lognormal; adjusted for the same before; no effect",
        measures="coverage",
        nominal=0.95,
        seed=3302,
        hits=covering(_revenue, 0.0),
    ),
    Study(
        topic="Regression adjustment",
        method="Adjusted difference",
        data="Retention of 22% in 600 against 300 units, adjusted for activity and orders before; +3 points",
        measures="coverage",
        nominal=0.95,
        seed=3303,
        hits=covering(_retained, 0.03),
    ),
    Study(
        topic="Regression adjustment",
        method="Adjusted lift of a ratio, Fieller",
        data="Order value of 800 against 400 customers, adjusted for revenue and orders before; +10%",
        measures="coverage",
        nominal=0.95,
        seed=3304,
        hits=covering(_order_value, 0.1, lift=True),
    ),
    Study(
        topic="Regression adjustment",
        method="Adjusted difference with a missing indicator",
        data="450 against 150 units, 40% of them new, without a covariate; slopes 1 and 2, no effect on average",
        measures="coverage",
        nominal=0.95,
        seed=3305,
        hits=covering(_newcomers, 0.0),
    ),
    Study(
        topic="Post-stratification",
        method="Post-stratified difference",
        data="600 units in three tiers, assigned half and half within each; skewed values; effects 0, 0.5 and 2.5",
        measures="coverage",
        nominal=0.95,
        seed=3306,
        hits=covering(_blocks, 0.4),
    ),
    Study(
        topic="Post-stratification",
        method="Post-stratified and adjusted difference",
        data="900 units in three tiers, treated with 15%, 50% and 80%; the spread differs six-fold; no effect",
        measures="coverage",
        nominal=0.95,
        seed=3307,
        hits=covering(_shares_differ, 0.0),
    ),
    Study(
        topic="Quantiles",
        method="Difference of medians, Woodruff",
        data="Lognormal values of 500 units a variant, +1",
        measures="coverage",
        nominal=0.95,
        at_most=True,
        seed=3308,
        hits=_quantiles(lambda rng, n: rng.lognormal(3.0, 1.0, n), q=0.5, sizes=(500, 500), shift=1.0),
    ),
    Study(
        topic="Quantiles",
        method="Difference of 90th percentiles, Woodruff",
        data="Lognormal values of 1,500 against 500 units, +5",
        measures="coverage",
        nominal=0.95,
        at_most=True,
        seed=3309,
        hits=_quantiles(lambda rng, n: rng.lognormal(3.0, 1.0, n), q=0.9, sizes=(1_500, 500), shift=5.0),
    ),
    Study(
        topic="Quantiles",
        method="Difference of medians, Woodruff",
        data="Whole numbers of 300 units a variant, half of them 0, so that the median is 0 or 1 by chance; no effect",
        measures="coverage",
        nominal=0.95,
        at_most=True,
        seed=3310,
        hits=_quantiles(_whole, q=0.5, sizes=(300, 300), shift=0.0),
    ),
    Study(
        topic="Clusters",
        method="CR2 with Satterthwaite's df",
        data="6 against 6 stores of 2 to 100 units, intraclass correlation 0.1, no effect",
        measures="type I error",
        nominal=0.05,
        seed=3311,
        hits=_clusters(6, 6),
    ),
    Study(
        topic="Clusters",
        method="CR2 with Satterthwaite's df",
        data="12 against 25 stores of 2 to 100 units, intraclass correlation 0.1, no effect",
        measures="type I error",
        nominal=0.05,
        seed=3312,
        hits=_clusters(12, 25),
    ),
    Study(
        topic="Means",
        method="Welch t of a capped mean",
        data="Revenue of 5,000 units a variant, 10% buy, lognormal (sigma 1.8), capped at P99.9 of buyers; no effect",
        measures="type I error",
        nominal=0.05,
        seed=3313,
        hits=_capped,
    ),
]
