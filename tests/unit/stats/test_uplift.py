"""Targeting: honest folds, curves by a second route, and awkward data."""

from __future__ import annotations

import importlib
import math
from typing import Any

import numpy as np
import pytest

from holdfast.model.outcome import NotEstimable
from holdfast.stats.contrast import Interval
from holdfast.stats.qini import Qini, qini
from holdfast.stats.uplift import (
    Array,
    Predict,
    Scores,
    Trial,
    autoc,
    boosted_learner,
    effect_model,
    effect_scores,
    linear_learner,
    targeting,
    toc_curve,
    trial,
)


def shop(n: int = 3000, *, slope: float = 1.0, level: float = 0.2, seed: int = 7) -> Trial:
    rng = np.random.default_rng(seed)
    properties = rng.normal(size=(n, 2))
    treated = rng.random(n) < 0.4
    outcome = properties[:, 1] + (level + slope * properties[:, 0]) * treated + rng.normal(size=n)
    data = trial(properties=properties, outcome=outcome, treated=treated, propensity=0.4, folds=rng.permutation(n) % 5)
    assert isinstance(data, Trial)
    return data


def linear_scores(data: Trial) -> Scores:
    return effect_scores(data, outcome=linear_learner, effect=linear_learner)


def interval(value: object) -> Interval:
    assert isinstance(value, Interval)
    return value


def reason(value: object) -> str:
    assert isinstance(value, NotEstimable)
    assert value.detail
    return value.reason


def some(predicted: list[float], score: list[float]) -> Scores:
    n = len(predicted)
    return Scores(np.arange(n), np.zeros(n, dtype=np.int64), np.array(predicted), np.array(score))


def area(found: object) -> Qini:
    assert isinstance(found, Qini)
    return found


def test_scores_are_right_on_average_and_effects_are_found() -> None:
    data = shop()
    scores = linear_scores(data)
    truth = 0.2 + data.properties[scores.unit, 0]
    assert np.corrcoef(scores.predicted, truth)[0, 1] > 0.95
    high = truth > 0.2
    for chosen in (high, ~high):
        gap = scores.score[chosen] - truth[chosen]
        assert abs(gap.mean()) < 3.5 * gap.std() / math.sqrt(chosen.sum())
    model = effect_model(data, outcome=linear_learner, effect=linear_learner)
    assert model(np.array([[1.0, 0.0], [-1.0, 0.0]])) == pytest.approx([1.2, -0.8], abs=0.2)


def test_no_unit_is_judged_by_its_own_or_a_later_fold() -> None:
    """Outcomes of a fold may change its own scores and those of later folds, never what is predicted for it."""
    data = shop(500)
    before = linear_scores(data)
    assert sorted(set(before.fold.tolist())) == [2, 3, 4]
    for fold in (3, 4):
        outcome = np.where(data.folds == fold, data.outcome + 100.0 * data.treated, data.outcome)
        after = linear_scores(Trial(data.properties, outcome, data.treated, data.propensity, data.folds))
        untouched, own = before.fold < fold, before.fold == fold
        assert np.array_equal(before.predicted[untouched | own], after.predicted[untouched | own])
        assert np.array_equal(before.score[untouched], after.score[untouched])
        assert not np.array_equal(before.score[own], after.score[own])


def test_a_known_score() -> None:
    """With learners that always say 0 the score is that of inverse probabilities: Y/e for treated, -Y/(1-e) else."""

    def nothing(properties: Array, values: Array) -> Predict:
        return lambda new: np.zeros(len(new))

    data = shop(300)
    scores = effect_scores(data, outcome=nothing, effect=nothing)
    outcome, treated = data.outcome[scores.unit], data.treated[scores.unit]
    assert scores.score == pytest.approx(np.where(treated, outcome / 0.4, -outcome / 0.6))
    assert reason(autoc(scores, rng=np.random.default_rng(1), confidence=0.95)) == "zero_variance"
    found = targeting(scores, confidence=0.95)
    assert (found.share, reason(found.aimed_over_none), found.worth_aiming) == (0.0, "zero_variance", False)
    assert interval(found.aimed_over_all).estimate == pytest.approx(-interval(found.all_over_none).estimate)


def test_area_of_a_ranking_by_a_second_route() -> None:
    """AUTOC as a weighted sum: the j-th of n has the weight (H_n - H_(j-1) - 1)/n, H the harmonic numbers."""
    rng = np.random.default_rng(2)
    score = rng.normal(size=50)
    harmonic = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, 51))])
    expected = float(((harmonic[50] - harmonic[:50] - 1.0) / 50) @ score)
    found = interval(autoc(some(list(-np.arange(50.0)), score.tolist()), rng=rng, confidence=0.95))
    assert found.estimate == pytest.approx(expected)
    at, curve = toc_curve(some(list(-np.arange(50.0)), score.tolist()))
    assert (at[-1], curve[-1]) == pytest.approx((1.0, 0.0), abs=1e-12)
    # At the half of them it is the mean of 25 less that of all.
    assert curve[49] == pytest.approx(score[:25].mean() - score.mean())


def test_equal_predictions_come_together_and_order_plays_no_part() -> None:
    predicted, score = [2.0, 2.0, 1.0, 1.0, 1.0, 0.0], [5.0, 1.0, 4.0, 0.0, 2.0, -3.0]
    turned = some(predicted[::-1], score[::-1])
    first = interval(autoc(some(predicted, score), rng=np.random.default_rng(1), confidence=0.9))
    other = interval(autoc(turned, rng=np.random.default_rng(1), confidence=0.9))
    # Means 3, 2 and -3 of the three groups: cumulative means 3, 3, 8/3, 10/4, 12/5, 9/6 less 3/2.
    assert first.estimate == pytest.approx((3 + 3 + 8 / 3 + 2.5 + 2.4 + 1.5) / 6 - 1.5)
    assert other.estimate == pytest.approx(first.estimate)


def test_half_sample_error_is_that_of_many_trials() -> None:
    estimates, errors = [], []
    for seed in range(60):
        found = interval(autoc(linear_scores(shop(500, seed=seed)), rng=np.random.default_rng(1), confidence=0.95))
        estimates.append(found.estimate)
        errors.append(found.se)
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=0.3)


def test_aiming_pays_where_effects_differ_and_not_where_all_gain() -> None:
    differ = targeting(linear_scores(shop()), confidence=0.95)
    # Effects are N(0.2, 1): aiming brings E max(effect, 0) = 0.507, everyone 0.2.
    assert differ.worth_aiming
    assert interval(differ.aimed_over_none).estimate == pytest.approx(0.507, abs=0.15)
    assert interval(differ.aimed_over_all).estimate == pytest.approx(0.307, abs=0.12)
    total = interval(differ.aimed_over_all).estimate + interval(differ.all_over_none).estimate
    assert total == pytest.approx(interval(differ.aimed_over_none).estimate)
    alike = targeting(linear_scores(shop(slope=0.0, level=2.0)), confidence=0.95)
    assert (alike.share, alike.worth_aiming, reason(alike.aimed_over_all)) == (1.0, False, "zero_variance")


def test_a_cost_is_taken_off_everyone_who_is_treated() -> None:
    scores = linear_scores(shop())
    dear = targeting(scores, confidence=0.95, cost=50.0)
    assert dear.share == 0.0
    free, priced = (interval(targeting(scores, confidence=0.95, cost=cost).all_over_none) for cost in (0.0, 0.1))
    assert priced.estimate == pytest.approx(free.estimate - 0.1)
    each = targeting(scores, confidence=0.95, cost=np.full(len(scores.unit), 0.1)).all_over_none
    assert interval(each) == priced
    with pytest.raises(ValueError, match="cost"):
        targeting(scores, confidence=0.95, cost=math.nan)


def test_the_same_seed_gives_the_same_interval() -> None:
    scores = linear_scores(shop(400))
    pair = [autoc(scores, rng=np.random.default_rng(5), confidence=0.95) for _ in range(2)]
    assert pair[0] == pair[1]
    with pytest.raises(ValueError, match="resamples"):
        autoc(scores, rng=np.random.default_rng(5), confidence=0.95, resamples=1)


def test_qini_by_its_definition() -> None:
    rng = np.random.default_rng(4)
    predicted, outcome, treated = rng.integers(0, 6, 80), rng.normal(size=80), rng.random(80) < 0.5
    found = area(qini(predicted=predicted, outcome=outcome, treated=treated))
    for share, gain in zip(found.share[1:], found.gain[1:], strict=True):
        first = predicted >= np.sort(predicted)[::-1][round(share * 80) - 1]
        n_t, n_c = (first & treated).sum(), (first & ~treated).sum()
        expected = outcome[first & treated].sum() - outcome[first & ~treated].sum() * n_t / n_c
        assert gain == pytest.approx(expected / treated.sum())
    assert found.gain[-1] == pytest.approx(outcome[treated].mean() - outcome[~treated].mean())
    assert len(found.share) == 7
    constant = area(qini(predicted=np.zeros(80), outcome=outcome, treated=treated))
    assert constant.area == pytest.approx(0.0)


def test_qini_of_awkward_data() -> None:
    assert reason(qini(predicted=[], outcome=[], treated=[])) == "no_units"
    assert reason(qini(predicted=[1, 2], outcome=[1, 2], treated=[True, True])) == "no_units"
    assert reason(qini(predicted=[1, math.nan], outcome=[1, 2], treated=[True, False])) == "not_finite"
    with pytest.raises(ValueError, match="every unit"):
        qini(predicted=[1], outcome=[1, 2], treated=[True, False])
    # The first ranked are all treated: no control unit to take off yet.
    found = area(qini(predicted=[3, 2, 1, 0], outcome=[1, 1, 0, 0], treated=[True, True, False, False]))
    assert found.gain.tolist() == [0.0, 0.5, 1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("change", "code"),
    [({"outcome": [math.nan] + [0.0] * 11}, "not_finite"), ({"properties": [math.inf] * 12}, "not_finite"),
     ({"folds": [0, 1] * 6}, "too_few_units"), ({"treated": [True] * 12}, "too_few_units")],
)  # fmt: skip
def test_data_that_cannot_be_learnt_from(change: dict[str, Any], code: str) -> None:
    right: dict[str, Any] = {
        "properties": list(range(12)), "outcome": [1.0] * 12, "treated": [True, False] * 6, "propensity": 0.5,
        "folds": [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2],
    }  # fmt: skip
    assert isinstance(trial(**right), Trial)
    assert reason(trial(**{**right, **change})) == code


def test_impossible_data() -> None:
    empty: dict[str, Any] = {
        "properties": np.zeros((0, 2)),
        "outcome": [],
        "treated": [],
        "propensity": 0.5,
        "folds": [],
    }
    assert reason(trial(**empty)) == "no_units"
    with pytest.raises(ValueError, match="every unit"):
        trial(**{**empty, "outcome": [1.0]})
    with pytest.raises(ValueError, match="propensity"):
        trial(properties=[1], outcome=[1], treated=[True], propensity=1.0, folds=[0])
    with pytest.raises(ValueError, match="counted from 0"):
        trial(properties=[1], outcome=[1], treated=[True], propensity=0.5, folds=[-1])
    for start in (1, 5):
        with pytest.raises(ValueError, match="folds up to"):
            effect_scores(shop(200), outcome=linear_learner, effect=linear_learner, start=start)


def test_constant_and_repeated_properties_do_no_harm() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=40)
    predict = linear_learner(np.column_stack([x, 2 * x, np.ones(40)]), 3 * x + 1)
    assert predict(np.array([[2.0, 4.0, 1.0]])) == pytest.approx([7.0])


def test_without_the_library_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ImportError, match=r"pip install 'holdfast\[uplift\]'"):
        boosted_learner(seed=1)


def test_boosted_trees_find_an_effect_that_is_no_straight_line() -> None:
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(11)
    n = 1500
    properties, treated = rng.normal(size=(n, 2)), rng.random(n) < 0.5
    outcome = (properties[:, 0] ** 2 - 1.0) * treated + rng.normal(size=n)
    data = trial(properties=properties, outcome=outcome, treated=treated, propensity=0.5, folds=rng.permutation(n) % 5)
    assert isinstance(data, Trial)
    learner = boosted_learner(seed=1)
    scores = effect_scores(data, outcome=learner, effect=learner)
    assert np.corrcoef(scores.predicted, properties[scores.unit, 0] ** 2)[0, 1] > 0.6
    assert interval(autoc(scores, rng=rng, confidence=0.95)).lower > 0.0
    assert targeting(scores, confidence=0.95).worth_aiming
    again = learner(properties[:300], outcome[:300])(properties)
    assert np.array_equal(again, learner(properties[:300], outcome[:300])(properties))
