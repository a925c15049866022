"""Whom a tactic moves: effects predicted for each unit, and whether aiming by them would pay.

Every unit is judged by a model that was fitted to other, earlier folds only. That order matters: where each fold is
judged by a model of all the others, chance patterns are found and confirmed in the same data, and tests reject about
twice as often as they say.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holdfast.model.outcome import NotEstimable
from holdfast.stats.contrast import Interval
from holdfast.stats.tails import checked_confidence, critical, two_sided

Array = npt.NDArray[np.float64]
Predict = Callable[[Array], Array]
Learner = Callable[[Array, Array], Predict]
"""Fits values to a matrix of properties, and gives back what predicts them."""


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """The data of one experiment with two variants, one row for each unit."""

    properties: Array
    """Known before assignment: units by properties, without missing values."""
    outcome: Array
    """The value that is to rise, such as margin less the cost of the incentive."""
    treated: npt.NDArray[np.bool_]
    """Whether the unit got the tactic."""
    propensity: Array
    """The planned probability of the tactic, for each unit."""
    folds: npt.NDArray[np.int64]
    """The fold of each unit, 0 to K - 1, drawn at random, such as by hash."""


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """Units that were judged by a model that never saw them, in the order of the data."""

    unit: npt.NDArray[np.int64]
    """The place of each in the data."""
    fold: npt.NDArray[np.int64]
    """Its fold."""
    predicted: Array
    """Its predicted effect."""
    score: Array
    """Its doubly robust score, whose mean over any group chosen beforehand is the effect in that group."""


@dataclass(frozen=True, slots=True)
class Targeting:
    """What aiming by predicted effects would gain, per unit of the whole audience."""

    share: float
    """Share of units with a predicted gain, who would be treated."""
    aimed_over_all: Interval | NotEstimable
    """Gain of treating those over treating everyone."""
    aimed_over_none: Interval | NotEstimable
    """Gain of treating those over treating no one."""
    all_over_none: Interval | NotEstimable
    """Gain of treating everyone over treating no one."""
    worth_aiming: bool
    """Whether aiming is shown to beat both treating everyone and no one: both intervals are above 0."""


def trial(
    *,
    properties: npt.ArrayLike,
    outcome: npt.ArrayLike,
    treated: npt.ArrayLike,
    propensity: npt.ArrayLike,
    folds: npt.ArrayLike,
) -> Trial | NotEstimable:
    """The data of an experiment, once they are known to fit together.

    Args:
        properties: units by properties.
        outcome, treated, propensity, folds: one for each unit; the propensity may be one number for all.

    Returns:
        NotEstimable "no_units" without units; "not_finite"; "too_few_units" for fewer than three folds, or folds with
        fewer than two units in a variant.

    Raises:
        ValueError: for arrays of different length, or a propensity that is not between 0 and 1.
    """
    table, values = np.asarray(properties, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    table = table[:, None] if table.ndim == 1 else table
    got = np.asarray(treated, dtype=np.bool_)
    chance = np.broadcast_to(np.asarray(propensity, dtype=np.float64), values.shape).copy()
    fold = np.asarray(folds, dtype=np.int64)
    if not len(table) == len(values) == len(got) == len(fold):
        raise ValueError("every unit has properties, an outcome, a variant and a fold")
    if len(values) == 0:
        return NotEstimable("no_units", "no units")
    if not (np.isfinite(table).all() and np.isfinite(values).all()):
        return NotEstimable("not_finite", "a property or an outcome is missing or not finite")
    if not ((chance > 0.0) & (chance < 1.0)).all():
        raise ValueError("a propensity lies between 0 and 1")
    if fold.min() < 0:
        raise ValueError("folds are counted from 0")
    cells = np.bincount(fold * 2 + got, minlength=2 * (int(fold.max()) + 1))
    if len(cells) < 6 or cells.min() < 2:
        return NotEstimable("too_few_units", "each of at least 3 folds needs 2 units of each variant")
    return Trial(table, values, got, chance, fold)


def effect_scores(data: Trial, *, outcome: Learner, effect: Learner, start: int = 2) -> Scores:
    """The predicted effect and the doubly robust score of every unit of the folds from `start` on.

    Args:
        data: the experiment.
        outcome: learns the outcome in each variant.
        effect: learns the effect from scores.
        start: how many folds are only learnt from, at least 2.

    Formula: fold k is judged by models of folds 0..k-1. Score: G = m1 - m0 + (T - e)/(e (1 - e)) (Y - m_T), with m0, m1
    the learnt outcomes and e the known propensity. The effect is learnt from scores of folds 0..k-1, whose m0 and m1
    leave out the unit's own fold (the DR-learner).
    Sources: Kennedy (2023), Electronic Journal of Statistics 17:3008; Luedtke and van der Laan (2016), Annals of
    Statistics 44:713, for the order of folds.

    Raises:
        ValueError: for a start below 2, or one that leaves no fold to judge.
    """
    last = int(data.folds.max())
    if not 2 <= start <= last:
        raise ValueError(f"folds up to {start} of {last + 1} leave nothing to learn from or to judge")
    places, predicted, scores = [], [], []
    for fold in range(start, last + 1):
        rows, past = np.flatnonzero(data.folds == fold), data.folds < fold
        learnt, known = _learning_scores(data, past, outcome)
        predicted.append(np.asarray(effect(data.properties[learnt], known)(data.properties[rows]), dtype=np.float64))
        scores.append(_doubly_robust(data, past, rows, outcome))
        places.append(rows)
    unit = np.concatenate(places)
    order = np.argsort(unit)
    unit = unit[order]
    return Scores(unit, data.folds[unit], np.concatenate(predicted)[order], np.concatenate(scores)[order])


def effect_model(data: Trial, *, outcome: Learner, effect: Learner) -> Predict:
    """What predicts the effect of new units, learnt from all of the data: whom to treat next, once aiming has paid.

    Formula: the DR-learner of `effect_scores` on all folds.
    """
    learnt, known = _learning_scores(data, np.ones(len(data.folds), dtype=np.bool_), outcome)
    return effect(data.properties[learnt], known)


def autoc(
    scores: Scores, *, rng: np.random.Generator, confidence: float, resamples: int = 200
) -> Interval | NotEstimable:
    """How much higher the effect is among those ranked first than among all, averaged over how many are first.

    0 means that the ranking says nothing about effects; p is two-sided, and a ranking is useful where lower > 0.

    Args:
        scores: of `effect_scores`.
        rng: makes the half-samples; the same seed gives the same standard error.
        confidence: two-sided, 0.95 for 95%.
        resamples: half-samples of each fold.

    Formula: TOC(u) = mean score of the first share u by predicted effect - mean score of all; AUTOC is its mean over
    u = 1/n, ..., 1, units of one predicted effect having the mean score of them all. Within each fold, as each has its
    own model; then the mean of folds, weighted by units. se: spread of AUTOC over random halves of each fold, scores
    and predictions fixed.
    Source: Yadlowsky, Fleming, Shah, Brunskill and Wager (2025), Journal of the American Statistical Association
    120:38.

    Returns:
        NotEstimable "too_few_units" for folds under four units, "zero_variance" where every ranking is the same, as for
        one predicted effect for all; "not_finite".

    Raises:
        ValueError: for a confidence outside (0, 1), or fewer than two resamples.
    """
    checked_confidence(confidence)
    if resamples < 2:
        raise ValueError(f"{resamples} resamples have no spread")
    if not (np.isfinite(scores.predicted).all() and np.isfinite(scores.score).all()):
        return NotEstimable("not_finite", "a prediction or score is not finite")
    estimate, variance, n = 0.0, 0.0, len(scores.unit)
    for fold in np.unique(scores.fold):
        rows = np.flatnonzero(scores.fold == fold)
        if len(rows) < 4:
            return NotEstimable("too_few_units", "a fold has fewer than 4 units")
        order = rows[np.argsort(-scores.predicted[rows], kind="stable")]
        ranked, group = scores.score[order], _groups(scores.predicted[order])
        halves = np.empty(resamples)
        for draw in range(resamples):
            half = np.sort(rng.permutation(len(rows))[: len(rows) // 2])
            halves[draw] = _area_above_mean(ranked[half], group[half])
        share = len(rows) / n
        estimate += share * _area_above_mean(ranked, group)
        variance += share * share * float(np.var(halves, ddof=1))
    largest = float(np.abs(scores.score).max())
    return _normal(
        estimate, math.sqrt(variance), scale=largest, confidence=confidence, method="AUTOC, half-sample bootstrap"
    )


def toc_curve(scores: Scores) -> tuple[Array, Array]:
    """The curve behind `autoc`: shares ranked first (0 to 1), and how much higher the effect is among them.

    Formula: TOC of each fold at u = 0.01, ..., 1 by linear interpolation, averaged over folds by their units.
    """
    at = np.arange(1, 101) / 100.0
    total = np.zeros(100)
    for fold in np.unique(scores.fold):
        rows = np.flatnonzero(scores.fold == fold)
        order = rows[np.argsort(-scores.predicted[rows], kind="stable")]
        curve = _above_mean(scores.score[order], _groups(scores.predicted[order]))
        total += len(rows) / len(scores.unit) * np.interp(at, np.arange(1, len(rows) + 1) / len(rows), curve)
    return at, total


def targeting(scores: Scores, *, confidence: float, cost: npt.ArrayLike = 0.0) -> Targeting:
    """What treating only those with a predicted net gain would bring, against treating everyone and no one.

    Args:
        scores: of `effect_scores`. Their outcome is net of costs that differ with what a unit does (a redeemed coupon).
        confidence: two-sided, 0.95 for 95%.
        cost: a further cost of treating a unit, in the outcome's unit: one number, or one for each row of `scores`.

    Formula: net gain g = G - cost; treated are those with predicted effect - cost > 0. Differences between policies are
    means of g over the units they treat differently, over all units; their standard errors are paired, and within
    folds. Source: Athey and Wager (2021), Econometrica 89:133.

    Returns:
        In place of an interval NotEstimable "zero_variance" where both policies treat the same units, "not_finite".

    Raises:
        ValueError: for a confidence outside (0, 1), or a cost that is not finite.
    """
    checked_confidence(confidence)
    price = np.broadcast_to(np.asarray(cost, dtype=np.float64), scores.score.shape)
    if not np.isfinite(price).all():
        raise ValueError("a cost is not finite")
    aimed = scores.predicted - price > 0.0
    gain = scores.score - price
    over_all = _paired(np.where(aimed, 0.0, -gain), scores.fold, confidence)
    over_none = _paired(np.where(aimed, gain, 0.0), scores.fold, confidence)
    beats = [isinstance(each, Interval) and each.lower > 0.0 for each in (over_all, over_none)]
    return Targeting(float(aimed.mean()), over_all, over_none, _paired(gain, scores.fold, confidence), all(beats))


def linear_learner(properties: Array, values: Array) -> Predict:
    """What predicts values by least squares with an intercept; columns that follow from others do no harm.

    >>> predict = linear_learner(np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0]))
    >>> predict(np.array([[3.0]])).round(6).tolist()
    [7.0]
    """
    centre = properties.mean(axis=0)
    scale = properties.std(axis=0)
    scale = np.where(scale > 0.0, scale, 1.0)
    slopes = np.linalg.lstsq((properties - centre) / scale, values - values.mean(), rcond=1e-10)[0]
    level = float(values.mean())
    return lambda new: level + (new - centre) / scale @ slopes


def boosted_learner(*, seed: int, min_leaf: int = 50) -> Learner:
    """A learner of gradient-boosted trees by scikit-learn, for effects that are no straight lines.

    Args:
        seed: the same seed gives the same model.
        min_leaf: units in each leaf at least.

    Raises:
        ImportError: where scikit-learn is not installed; the message says how.
    """
    try:
        ensemble = importlib.import_module("sklearn.ensemble")
    except ImportError as error:
        raise ImportError("boosted trees need scikit-learn: pip install 'holdfast[uplift]'") from error

    def learn(properties: Array, values: Array) -> Predict:
        model = ensemble.HistGradientBoostingRegressor(
            max_iter=100, learning_rate=0.05, max_leaf_nodes=15, min_samples_leaf=min_leaf, l2_regularization=1.0,
            early_stopping=False, random_state=seed,
        )  # fmt: skip
        model.fit(properties, values)
        return lambda new: np.asarray(model.predict(new), dtype=np.float64)

    return learn


def _learning_scores(
    data: Trial, among: npt.NDArray[np.bool_], outcome: Learner
) -> tuple[npt.NDArray[np.int64], Array]:
    """Units of some folds with their scores, each by outcome models of the other ones of those folds."""
    places, scores = [], []
    for fold in np.unique(data.folds[among]):
        rows = np.flatnonzero(among & (data.folds == fold))
        scores.append(_doubly_robust(data, among & (data.folds != fold), rows, outcome))
        places.append(rows)
    return np.concatenate(places), np.concatenate(scores)


def _doubly_robust(data: Trial, learn: npt.NDArray[np.bool_], rows: npt.NDArray[np.int64], outcome: Learner) -> Array:
    """The scores of some rows by outcome models of others."""
    levels = []
    for variant in (False, True):
        chosen = learn & (data.treated == variant)
        model = outcome(data.properties[chosen], data.outcome[chosen])
        levels.append(np.asarray(model(data.properties[rows]), dtype=np.float64))
    got, chance = data.treated[rows], data.propensity[rows]
    gap = data.outcome[rows] - np.where(got, levels[1], levels[0])
    found: Array = levels[1] - levels[0] + (got - chance) / (chance * (1.0 - chance)) * gap
    return found


def _groups(ranked: Array) -> npt.NDArray[np.int64]:
    """A number for each run of equal predictions."""
    found: npt.NDArray[np.int64] = np.concatenate([[0], np.cumsum(np.diff(ranked) != 0.0)]).astype(np.int64)
    return found


def _above_mean(ranked: Array, group: npt.NDArray[np.int64]) -> Array:
    """Mean score of the first k less that of all, for every k; within a group all have its mean."""
    starts = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]]))
    sizes = np.diff(np.append(starts, len(ranked)))
    level = np.repeat(np.add.reduceat(ranked, starts) / sizes, sizes)
    found: Array = np.cumsum(level) / np.arange(1, len(ranked) + 1) - ranked.mean()
    return found


def _area_above_mean(ranked: Array, group: npt.NDArray[np.int64]) -> float:
    return float(_above_mean(ranked, group).mean())


def _paired(gain: Array, fold: npt.NDArray[np.int64], confidence: float) -> Interval | NotEstimable:
    """The mean gain with a standard error from within folds."""
    if not np.isfinite(gain).all():
        return NotEstimable("not_finite", "a score is not finite")
    variance = 0.0
    for each in np.unique(fold):
        part = gain[fold == each]
        if len(part) < 2:
            return NotEstimable("too_few_units", "a fold has one unit")
        variance += len(part) * float(np.var(part, ddof=1))
    se, largest = math.sqrt(variance) / len(gain), float(np.abs(gain).max())
    return _normal(float(gain.mean()), se, scale=largest, confidence=confidence, method="paired, doubly robust")


def _normal(estimate: float, se: float, *, scale: float, confidence: float, method: str) -> Interval | NotEstimable:
    """A normal interval, where the standard error is more than rounding of numbers of that scale."""
    if not (math.isfinite(estimate) and math.isfinite(se)):
        return NotEstimable("not_finite", "a score is not finite")
    if not se > 1e-13 * scale:
        return NotEstimable("zero_variance", "nothing differs between what is compared")
    reach, statistic = critical(confidence=confidence, df=math.inf) * se, estimate / se
    p, log10_p = two_sided(statistic, df=math.inf)
    return Interval(
        estimate=estimate,
        se=se,
        lower=estimate - reach,
        upper=estimate + reach,
        statistic=statistic,
        df=math.inf,
        p=p,
        log10_p=log10_p,
        confidence=confidence,
        method=method,
    )
