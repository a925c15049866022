"""Studies of proportions, means, ratios, relative changes, guardrails, selected metrics and the split."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from holdfast.stats import (
    Arm,
    Interval,
    OneSided,
    SrmTest,
    benjamini_hochberg,
    difference,
    fieller_lift,
    koopman_lift,
    mean_arm,
    mn_difference,
    mn_non_inferiority,
    non_inferiority,
    proportion_arm,
    ratio_arm,
    srm,
)
from tests.calibration.study import Study

Generator = np.random.Generator
Hits = Callable[[Generator, int], Sequence[float]]
EFFECTS = np.r_[np.zeros(15), np.full(5, 3.0)]
"""Of twenty metrics, in standard errors."""


def arm(value: object) -> Arm:
    assert isinstance(value, Arm)
    return value


def interval(value: object) -> Interval:
    assert isinstance(value, Interval)
    return value


def covers(effect: object, truth: float) -> bool:
    """Whether the interval holds the truth; where it is not estimable the set is unbounded, and does."""
    return not isinstance(effect, Interval) or effect.lower <= truth <= effect.upper


def spending(rng: Generator, n: int, *, sigma: float, factor: float = 1.0) -> Arm:
    """One variant of n customers of whom 10% buy, for lognormal amounts."""
    buyers = int(rng.binomial(n, 0.1))
    amounts = factor * rng.lognormal(3.0, sigma, buyers)
    mean = float(amounts.sum()) / n
    squares = float(((amounts - mean) ** 2).sum()) + (n - buyers) * mean * mean
    return arm(mean_arm(n=n, mean=mean, variance=squares / (n - 1)))


def shares(rng: Generator, p: float, n: int, runs: int) -> list[tuple[int, int]]:
    """Successes and units of one variant in every run."""
    return [(int(successes), n) for successes in rng.binomial(n, p, runs)]


def _welch(rng: Generator, runs: int) -> list[bool]:
    return [
        interval(difference(spending(rng, 5_000, sigma=1.5), spending(rng, 5_000, sigma=1.5), confidence=0.95)).p < 0.05
        for _ in range(runs)
    ]


def _lift_of_revenue(rng: Generator, runs: int) -> list[bool]:
    found = []
    for _ in range(runs):
        treated = spending(rng, 4_000, sigma=1.0, factor=1.3)
        found.append(covers(fieller_lift(treated, spending(rng, 4_000, sigma=1.0), confidence=0.95), 0.3))
    return found


def _lift_of_shares(rng: Generator, runs: int) -> list[bool]:
    pairs = zip(shares(rng, 0.065, 400, runs), shares(rng, 0.05, 400, runs), strict=True)
    arms = ([arm(proportion_arm(n=n, successes=x)) for x, n in pair] for pair in pairs)
    return [covers(fieller_lift(treated, control, confidence=0.95), 0.3) for treated, control in arms]


def _score_difference(rng: Generator, runs: int) -> list[bool]:
    pairs = zip(shares(rng, 0.01, 900, runs), shares(rng, 0.015, 100, runs), strict=True)
    return [covers(mn_difference(treated=t, control=c, confidence=0.95), -0.005) for t, c in pairs]


def _score_lift(rng: Generator, runs: int) -> list[bool]:
    pairs = zip(shares(rng, 0.08, 150, runs), shares(rng, 0.05, 150, runs), strict=True)
    return [covers(koopman_lift(treated=t, control=c, confidence=0.95), 0.6) for t, c in pairs]


def _score_test(rng: Generator, runs: int) -> list[bool]:
    pairs = zip(shares(rng, 0.1, 120, runs), shares(rng, 0.1, 300, runs), strict=True)
    return [interval(mn_difference(treated=t, control=c, confidence=0.95)).p < 0.05 for t, c in pairs]


def _score_margin(rng: Generator, runs: int, *, state: str, relative: bool, margin: float) -> list[bool]:
    pairs = zip(shares(rng, 0.12, 600, runs), shares(rng, 0.15, 600, runs), strict=True)
    found = []
    for t, c in pairs:
        judged = mn_non_inferiority(
            treated=t, control=c, margin=margin, relative=relative, increase_is_good=True, confidence=0.95
        )
        assert isinstance(judged, OneSided)
        found.append(judged.state == state)
    return found


def _welch_margin(rng: Generator, runs: int, *, state: str) -> list[bool]:
    found = []
    for _ in range(runs):
        judged = non_inferiority(
            spending(rng, 6_000, sigma=0.8, factor=0.9),
            spending(rng, 6_000, sigma=0.8),
            margin=0.1,
            relative=True,
            increase_is_good=True,
            confidence=0.95,
        )
        assert isinstance(judged, OneSided)
        found.append(judged.state == state)
    return found


def baskets(rng: Generator, factor: float, runs: int) -> list[Arm]:
    """Revenue per order in every run: 400 customers, Poisson orders, each customer with a price level of their own."""
    orders: npt.NDArray[np.float64] = rng.poisson(1.2, (runs, 400)).astype(float)
    level = factor * rng.lognormal(3.0, 0.6, (runs, 400))
    revenue = level * rng.gamma(np.maximum(4.0 * orders, 1e-9), 0.25) * (orders > 0)
    r, o = revenue.mean(axis=1), orders.mean(axis=1)
    dr, do = revenue - r[:, None], orders - o[:, None]
    moments = [(a * b).sum(axis=1) / 399 for a, b in ((dr, dr), (do, do), (dr, do))]
    return [
        arm(
            ratio_arm(
                n=400,
                numerator_mean=float(r[run]),
                denominator_mean=float(o[run]),
                numerator_variance=float(moments[0][run]),
                denominator_variance=float(moments[1][run]),
                covariance=float(moments[2][run]),
            )
        )
        for run in range(runs)
    ]


def _lift_of_ratio(rng: Generator, runs: int) -> list[bool]:
    pairs = zip(baskets(rng, 1.1, runs), baskets(rng, 1.0, runs), strict=True)
    return [covers(fieller_lift(t, c, confidence=0.95), 0.1) for t, c in pairs]


def _compared(z: float, confidence: float) -> Interval:
    """A difference of so many standard errors."""
    treated, control = (Arm(theta=value, variance=0.5, n=2, df=np.inf) for value in (z, 0.0))
    return interval(difference(treated, control, confidence=confidence))


def _selected(rng: Generator, runs: int) -> Iterator[tuple[float, float]]:
    """Share of the metrics found that have no effect, and share of their intervals that miss; none where none is."""
    for z in rng.normal(EFFECTS, 1.0, (runs, 20)):
        selection = benjamini_hochberg([_compared(float(value), 0.95).p for value in z], q=0.1, family=20)
        found = [place for place, selected in enumerate(selection.selected) if selected]
        missed = [not covers(_compared(float(z[i]), 1.0 - selection.level), float(EFFECTS[i])) for i in found]
        yield sum(i < 15 for i in found) / max(len(found), 1), sum(missed) / max(len(found), 1)


def _false_discoveries(rng: Generator, runs: int) -> list[float]:
    return [false for false, _ in _selected(rng, runs)]


def _false_coverage(rng: Generator, runs: int) -> list[float]:
    return [missed for _, missed in _selected(rng, runs)]


def _split(rng: Generator, runs: int, *, units: int, alarm: float, method: str) -> list[bool]:
    found = []
    for counts in rng.multinomial(units, [0.5, 0.3, 0.2], runs):
        result = srm([int(count) for count in counts], [5.0, 3.0, 2.0])
        assert isinstance(result, SrmTest)
        assert result.method == method
        found.append(result.p < alarm)
    return found


def _margins() -> Iterator[Study]:
    """Harm exactly at the tolerated one: called safe, and called harm, in 5% each."""
    for state, words in (("safe", "called safe"), ("harm", "called harmful")):
        tolerated: tuple[tuple[bool, float, str], ...] = ((False, 0.03, "3 points"), (True, 0.2, "a fifth"))
        edges: list[tuple[str, str, int, Hits]] = [
            (
                f"Farrington-Manning score test, {words}",
                f"12% of 600 against 15% of 600, where {margin_words} less is tolerated",
                20_007,
                partial(_score_margin, state=state, relative=relative, margin=margin),
            )
            for relative, margin, margin_words in tolerated
        ]
        edges.append(
            (
                f"Welch t of a relative margin, {words}",
                "Revenue of 6,000 units a variant, 10% buy, lognormal (sigma 0.8); 10% less, which is tolerated",
                20_008,
                partial(_welch_margin, state=state),
            )
        )
        for method, data, seed, hits in edges:
            yield Study(
                topic="Guardrails",
                method=method,
                data=data,
                measures="type I error",
                nominal=0.05,
                seed=seed,
                hits=hits,
            )


def _splits() -> Iterator[Study]:
    for units, alarm, method, seed in (
        (10_000, 0.05, "chi-square", 20_011),
        (10_000, 0.01, "chi-square", 20_011),
        (60, 0.05, "exact multinomial", 20_012),
    ):
        yield Study(
            topic="Sample ratio mismatch",
            method=f"{method} test, p < {alarm}",
            data=f"{units:,} units over 5:3:2, assigned as planned",
            measures="false alarms",
            nominal=alarm,
            at_most=method == "exact multinomial",
            seed=seed,
            hits=partial(_split, units=units, alarm=alarm, method=method),
        )


STUDIES = [
    Study(
        topic="Proportions",
        method="Score test",
        data="10% of 120 against 10% of 300, no effect",
        measures="type I error",
        nominal=0.05,
        seed=20_006,
        hits=_score_test,
    ),
    Study(
        topic="Proportions",
        method="Miettinen-Nurminen difference",
        data="1% of 900 against 1.5% of 100, where the Wald interval covers 78%",
        measures="coverage",
        nominal=0.95,
        at_most=True,  # counts are whole numbers: summed over all of them the coverage is 95.95%
        seed=20_004,
        hits=_score_difference,
    ),
    Study(
        topic="Means",
        method="Welch t",
        data="Revenue of 5,000 units a variant, 10% buy, lognormal (sigma 1.5), no effect",
        measures="type I error",
        nominal=0.05,
        at_most=True,  # few large orders decide: with equal sizes the tails of t are a little short
        seed=20_001,
        hits=_welch,
    ),
    Study(
        topic="Relative change",
        method="Fieller lift of a mean",
        data="Revenue of 4,000 units a variant, 10% buy, lognormal (sigma 1), +30%",
        measures="coverage",
        nominal=0.95,
        seed=20_002,
        hits=_lift_of_revenue,
    ),
    Study(
        topic="Relative change",
        method="Fieller lift of a proportion",
        data="6.5% against 5% of 400 units a variant: +30%",
        measures="coverage",
        nominal=0.95,
        seed=20_003,
        hits=_lift_of_shares,
    ),
    Study(
        topic="Relative change",
        method="Koopman lift",
        data="8% against 5% of 150 units a variant: +60%, 7.5 successes expected in control",
        measures="coverage",
        nominal=0.95,
        seed=20_005,
        hits=_score_lift,
    ),
    Study(
        topic="Ratios",
        method="Delta method over units, Fieller lift",
        data="Revenue per order of 400 customers a variant, whose orders are alike within each; +10%",
        measures="coverage",
        nominal=0.95,
        seed=20_009,
        hits=_lift_of_ratio,
    ),
    *_margins(),
    Study(
        topic="Several metrics",
        method="Benjamini-Hochberg: metrics without an effect among those found",
        data="20 metrics, 5 of them with an effect of 3 standard errors; q = 10%, times 15/20 without one",
        measures="false discovery rate",
        nominal=0.075,
        seed=20_010,
        hits=_false_discoveries,
    ),
    Study(
        topic="Several metrics",
        method="Benjamini-Yekutieli intervals that miss, among those of the metrics found",
        data="20 metrics, 5 of them with an effect of 3 standard errors; q = 10%",
        measures="false coverage rate",
        nominal=0.1,
        at_most=True,
        seed=20_010,
        hits=_false_coverage,
    ),
    *_splits(),
]
