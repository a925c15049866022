"""Several comparisons at once, segments, portfolios and targeting on simulated data of known truth."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from holdfast.model.outcome import NotEstimable
from holdfast.stats.arm import Arm, mean_arm
from holdfast.stats.contrast import Interval
from holdfast.stats.effect import Effect, absolute_effect, relative_effect
from holdfast.stats.multiplicity import benjamini_hochberg
from holdfast.stats.portfolio import Pooled, pool
from holdfast.stats.segments import Interaction, Shrinkage, interaction, shrink
from holdfast.stats.selection_bias import Corrected, conditional_estimate
from holdfast.stats.simultaneous import Simultaneous, dunnett
from holdfast.stats.uplift import Targeting, Trial, autoc, effect_scores, linear_learner, targeting, trial
from tests.calibration.study import Study

Values = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Values]


def bernoulli(share: float) -> Draw:
    return lambda rng, size: (rng.random(size) < share).astype(float)


def revenue(rng: np.random.Generator, size: tuple[int, ...]) -> Values:
    """One in five buys, for a lognormal amount."""
    found: Values = (rng.random(size) < 0.2) * rng.lognormal(3.0, 0.8, size)
    return found


def skewed(rng: np.random.Generator, size: tuple[int, ...]) -> Values:
    return rng.lognormal(3.0, 0.8, size)


def arms(rng: np.random.Generator, draw: Draw, sizes: list[int], runs: int) -> list[list[Arm]]:
    """For each run the arms of variants of these sizes, all drawn alike."""
    moments = []
    for n in sizes:
        # A million values at a time.
        cuts = [*range(0, runs, max(1, 10**6 // n)), runs]
        parts = [draw(rng, (end - begin, n)) for begin, end in itertools.pairwise(cuts)]
        means = np.concatenate([part.mean(axis=1) for part in parts])
        moments.append((n, means, np.concatenate([part.var(axis=1, ddof=1) for part in parts])))
    result = []
    for run in range(runs):
        row = [mean_arm(n=n, mean=float(mean[run]), variance=float(spread[run])) for n, mean, spread in moments]
        result.append([arm for arm in row if isinstance(arm, Arm)])
    return result


def dunnett_errs(rng: np.random.Generator, runs: int, *, draw: Draw, sizes: list[int]) -> list[bool]:
    """Whether any variant is told apart from control; the control comes first."""
    hits = []
    for control, *others in arms(rng, draw, sizes, runs):
        found = dunnett(others, control, confidence=0.95)
        hits.append(any(isinstance(each, Simultaneous) and each.p < 0.05 for each in found))
    return hits


def interaction_errs(
    rng: np.random.Generator, runs: int, *, draw: Draw, sizes: list[int], relative: bool = False
) -> list[bool]:
    """Whether segments with one effect, none, are told apart; each segment has two variants of its size."""
    hits = []
    for row in arms(rng, draw, [n for size in sizes for n in (size, size)], runs):
        pairs = zip(row[::2], row[1::2], strict=True)
        effects = [(relative_effect if relative else absolute_effect)(t, c) for t, c in pairs]
        test = interaction([effect for effect in effects if isinstance(effect, Effect)])
        hits.append(isinstance(test, Interaction) and test.p < 0.05)
    return hits


def pool_covers(rng: np.random.Generator, runs: int, *, k: int, tau: float) -> list[bool]:
    hits = []
    for _ in range(runs):
        se = rng.uniform(0.006, 0.02, k)
        seen = 0.015 + tau * rng.normal(size=k) + se * rng.normal(size=k)
        found = pool([Effect(*pair) for pair in zip(seen.tolist(), se.tolist(), strict=True)], confidence=0.95)
        assert isinstance(found, Pooled)
        hits.append(found.lower <= 0.015 <= found.upper)
    return hits


def shrunken_covers(rng: np.random.Generator, runs: int, *, k: int, tau: float) -> list[bool]:
    """Whether the interval of a segment, by turns, holds its true effect."""
    hits = []
    for run in range(runs):
        se = np.linspace(0.7, 1.4, k)
        truth = 0.5 + tau * rng.normal(size=k)
        seen = truth + se * rng.normal(size=k)
        found = shrink([Effect(*pair) for pair in zip(seen.tolist(), se.tolist(), strict=True)], confidence=0.95)
        assert isinstance(found, Shrinkage)
        hits.append(found.effects[run % k].lower <= truth[run % k] <= found.effects[run % k].upper)
    return hits


def corrected_covers(rng: np.random.Generator, runs: int, *, effect: float) -> list[bool]:
    """Whether the corrected interval of estimates that were significant holds the effect, in standard errors."""
    hits: list[bool] = []
    while len(hits) < runs:
        z = effect + float(rng.normal())
        if abs(z) > 1.96:
            found = conditional_estimate(Effect(z, 1.0), cut=1.96, confidence=0.95)
            assert isinstance(found, Corrected)
            hits.append(found.lower <= effect <= found.upper)
    return hits


def segment_findings(rng: np.random.Generator, runs: int) -> list[bool]:
    """For each run, whether a finding drawn at random among those of ten dimensions is false; without one, no error."""
    hits = []
    for _ in range(runs):
        p = []
        for dimension in range(10):
            gaps = 0.04 if dimension < 3 else 0.0
            effects = [Effect(gaps * level + 0.01 * float(rng.normal()), 0.01) for level in range(3)]
            test = interaction(effects)
            assert isinstance(test, Interaction)
            p.append(test.p)
        found = np.flatnonzero(benjamini_hochberg(p, q=0.1, family=10).selected)
        hits.append(bool(len(found)) and bool(rng.choice(found) >= 3))
    return hits


def shop(rng: np.random.Generator, n: int, *, slope: float, level: float) -> tuple[Trial, Values]:
    """Margin of customers with three properties, and the true effect of each."""
    properties = rng.normal(size=(n, 3))
    treated = rng.random(n) < 0.5
    effect: Values = level + slope * properties[:, 0]
    outcome = 2.0 * properties[:, 1] + effect * treated + rng.exponential(2.0, n)
    data = trial(properties=properties, outcome=outcome, treated=treated, propensity=0.5, folds=rng.permutation(n) % 5)
    assert isinstance(data, Trial)
    return data, effect


def autoc_errs(rng: np.random.Generator, runs: int) -> list[bool]:
    """Whether a ranking passes for useful where all customers have one effect."""
    hits = []
    for _ in range(runs):
        data, _ = shop(rng, 400, slope=0.0, level=0.3)
        found = autoc(
            effect_scores(data, outcome=linear_learner, effect=linear_learner), rng=rng, confidence=0.9, resamples=50
        )
        assert isinstance(found, Interval)
        hits.append(found.lower > 0.0)
    return hits


def value_covers(rng: np.random.Generator, runs: int, *, slope: float, level: float) -> list[bool]:
    """Whether the interval of aiming over treating everyone holds what that aiming is worth to these customers."""
    hits = []
    for _ in range(runs):
        data, effect = shop(rng, 600, slope=slope, level=level)
        scores = effect_scores(data, outcome=linear_learner, effect=linear_learner)
        found = targeting(scores, confidence=0.95)
        assert isinstance(found, Targeting)
        truth = float(np.mean(np.where(scores.predicted > 0.0, 0.0, -effect[scores.unit])))
        interval = found.aimed_over_all
        hits.append(isinstance(interval, NotEstimable) or interval.lower <= truth <= interval.upper)
    return hits


def beats_all_errs(rng: np.random.Generator, runs: int) -> list[bool]:
    """Whether aiming passes for better than treating everyone where no one gains or loses anything."""
    hits = []
    for _ in range(runs):
        data, _ = shop(rng, 600, slope=0.0, level=0.0)
        found = targeting(effect_scores(data, outcome=linear_learner, effect=linear_learner), confidence=0.95)
        hits.append(isinstance(found.aimed_over_all, Interval) and found.aimed_over_all.lower > 0.0)
    return hits


def of(hits: Callable[..., list[bool]], **fixed: object) -> Callable[[np.random.Generator, int], list[bool]]:
    return functools.partial(hits, **fixed)


STUDIES = [
    Study(
        topic="Several variants",
        method="Dunnett",
        data="retention of 30%, 400 units in each of 3 variants",
        measures="family-wise error",
        nominal=0.05,
        seed=3501,
        hits=of(dunnett_errs, draw=bernoulli(0.3), sizes=[400, 400, 400]),
        cheap=False,
    ),
    Study(
        topic="Several variants",
        method="Dunnett",
        data="retention of 30%, 900 units in control and 300 in each of 3 variants",
        measures="family-wise error",
        nominal=0.05,
        seed=3502,
        hits=of(dunnett_errs, draw=bernoulli(0.3), sizes=[900, 300, 300, 300]),
        cheap=False,
    ),
    Study(
        topic="Several variants",
        method="Dunnett",
        data="lognormal amounts, 60 units in each of 3 variants",
        measures="family-wise error",
        nominal=0.05,
        at_most=True,  # the mean of 60 skewed values has shorter tails than a t of as many degrees of freedom
        seed=3503,
        hits=of(dunnett_errs, draw=skewed, sizes=[60] * 3),
        cheap=False,
    ),
    Study(
        topic="Segments",
        method="Interaction test",
        data="retention of 20%, 4 segments with 800, 400, 200 and 100 units in each variant, no effect in any",
        measures="type I error",
        nominal=0.05,
        seed=3511,
        hits=of(interaction_errs, draw=bernoulli(0.2), sizes=[800, 400, 200, 100]),
    ),
    Study(
        topic="Segments",
        method="Interaction test",
        data="lognormal amounts, 5 segments with 30 units in each variant, no effect in any",
        measures="type I error",
        nominal=0.05,
        at_most=True,
        seed=3512,
        hits=of(interaction_errs, draw=skewed, sizes=[30] * 5),
    ),
    Study(
        topic="Segments",
        method="Interaction test",
        data="revenue of which four in five are 0, 3 segments with 300 units in each variant, no effect in any",
        measures="type I error",
        nominal=0.05,
        seed=3513,
        hits=of(interaction_errs, draw=revenue, sizes=[300] * 3),
    ),
    Study(
        topic="Segments",
        method="Interaction test, relative",
        data="revenue of which four in five are 0, 3 segments with 600 units in each variant, no effect in any",
        measures="type I error",
        nominal=0.05,
        seed=3514,
        hits=of(interaction_errs, draw=revenue, sizes=[600] * 3, relative=True),
    ),
    Study(
        topic="Segments",
        method="Benjamini-Hochberg over dimensions",
        data="10 dimensions of 3 segments, effects differ in 3 of them",
        measures="false discovery rate",
        nominal=0.1,
        at_most=True,
        seed=3515,
        hits=segment_findings,
    ),
    Study(
        topic="Segments",
        method="Shrunken effect",
        data="6 segments, true effects spread as widely as the noise",
        measures="coverage",
        nominal=0.95,
        at_most=True,
        seed=3516,
        hits=of(shrunken_covers, k=6, tau=1.0),
    ),
    Study(
        topic="Segments",
        method="Shrunken effect",
        data="4 segments, true effects spread three times as widely as the noise",
        measures="coverage",
        nominal=0.95,
        at_most=True,
        seed=3517,
        hits=of(shrunken_covers, k=4, tau=3.0),
    ),
    Study(
        topic="Portfolio",
        method="REML, Knapp-Hartung",
        data="8 experiments of unequal size, true effects spread by 0.015",
        measures="coverage",
        nominal=0.95,
        seed=3521,
        hits=of(pool_covers, k=8, tau=0.015),
        cheap=False,
    ),
    Study(
        topic="Portfolio",
        method="REML, Knapp-Hartung",
        data="5 experiments of unequal size, all with one effect",
        measures="coverage",
        nominal=0.95,
        seed=3522,
        hits=of(pool_covers, k=5, tau=0.0),
        cheap=False,
    ),
    Study(
        topic="Portfolio",
        method="Effect given that it was significant",
        data="a true effect of 1.5 standard errors, looked at only where |z| > 1.96",
        measures="coverage",
        nominal=0.95,
        seed=3524,
        hits=of(corrected_covers, effect=1.5),
    ),
    Study(
        topic="Targeting",
        method="AUTOC above 0",
        data="400 customers, one effect for all",
        measures="type I error",
        nominal=0.05,
        seed=3531,
        hits=autoc_errs,
        cheap=False,
    ),
    Study(
        topic="Targeting",
        method="Aiming over treating everyone",
        data="600 customers, effects from -1 to 2",
        measures="coverage",
        nominal=0.95,
        seed=3532,
        hits=of(value_covers, slope=0.6, level=0.3),
        cheap=False,
    ),
    Study(
        topic="Targeting",
        method="Aiming shown to beat treating everyone",
        data="600 customers, no effect on any",
        measures="type I error",
        nominal=0.025,
        at_most=True,
        seed=3533,
        hits=beats_all_errs,
        cheap=False,
    ),
]
