"""The projection from counts: its variance by brute force over pairs, by a jackknife and by repeated samples."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from holdfast.model.outcome import NotEstimable
from holdfast.stats.counted_value import CountedValue, project_counts
from holdfast.stats.likelihood import gradient
from holdfast.stats.purchases import Histories, discounted_purchases, purchase_rows
from holdfast.stats.spend import Spending, expected_spend, spend_rows

Rows = list[tuple[int, float, float, float]]
"""Repeat purchases, time of the last one, time observed and mean spend of each customer."""
R, ALPHA, A, B = 0.8, 8.0, 0.9, 2.5
P, Q, GAMMA = 4.0, 5.0, 40.0
WEEKS = 26.0


def simulated(rng: np.random.Generator, n: int) -> Rows:
    """Customers who buy, stop and spend as the models say; times in weeks."""
    rows: Rows = []
    for pace, stops, level in zip(
        rng.gamma(R, 1 / ALPHA, n), rng.beta(A, B, n), rng.gamma(Q, 1 / GAMMA, n), strict=True
    ):
        start, at, times = float(rng.integers(0, 8)), rng.exponential(1 / pace), [0.0]
        while start + at < WEEKS:
            times.append(at)
            at += rng.exponential(1 / pace) if rng.random() >= stops else math.inf
        mean = rng.gamma(P * len(times), 1 / (level * len(times)))
        rows.append((len(times) - 1, times[-1], WEEKS - start, mean))
    return rows


def counted(rows: Rows) -> tuple[Histories, Spending]:
    histories, spend = Counter(row[:3] for row in rows), Counter((row[0] + 1, row[3]) for row in rows)
    x, last, observed = (list(map(float, column)) for column in zip(*histories, strict=True))
    bought, mean = (list(map(float, column)) for column in zip(*spend, strict=True))
    return (
        Histories(x, last, observed, [float(n) for n in histories.values()]),
        Spending(bought, mean, [float(n) for n in spend.values()]),
    )


def value_of(rows: Rows) -> CountedValue:
    found = project_counts(*counted(rows), years=1.0, year=52.0)
    assert isinstance(found, CountedValue)
    return found


def test_the_closed_form_is_the_sum_over_all_pairs() -> None:
    """Every history beside every spend of as many purchases, weighted by how many of such pairs are to be expected; the
    mean and the sum of squared influences by a plain double loop."""
    histories, spending = counted(simulated(np.random.default_rng(1), 150))
    found = project_counts(histories, spending, years=1.0, year=52.0, discount=0.1)
    assert isinstance(found, CountedValue)
    logs, spend_logs = found.purchase_model.logs, found.spend_model.logs
    x, heads = np.array(histories.purchases), np.array(spending.customers)
    bought, mean = np.array(spending.purchases), np.array(spending.mean)
    size = {level: np.array(histories.customers)[x == level].sum() for level in set(x)}
    pairs = [(j, k) for j in range(len(x)) for k in range(len(mean)) if x[j] + 1 == bought[k]]
    weight = np.array([histories.customers[j] * heads[k] / size[x[j]] for j, k in pairs])
    left, right = np.array(pairs).T
    assert weight.sum() == pytest.approx(150)

    def value(at: np.ndarray) -> np.ndarray:
        ahead = discounted_purchases(at[:4], histories, ahead=52.0, year=52.0, discount=0.1)
        return np.asarray(ahead[left] * expected_spend(at[4:], bought, mean)[right])

    both = np.concatenate([logs, spend_logs])
    slopes = gradient(lambda at: np.array([value(at) @ weight / 150]), both)[0]
    scores = purchase_rows(logs, *(np.array(each) for each in (x, histories.last, histories.observed)))[1]
    carried = scores @ np.array(found.purchase_model.log_covariance) @ slopes[:4]
    spent = spend_rows(spend_logs, bought, mean)[1] @ np.array(found.spend_model.log_covariance) @ slopes[4:]
    theta = value(both) @ weight / 150
    influence = (value(both) - theta) / 150 + carried[left] + spent[right]
    assert found.projected.theta == pytest.approx(theta, rel=1e-12)
    assert found.projected.variance == pytest.approx(weight @ influence**2 * 150 / 149, rel=1e-9)


def test_the_error_is_that_of_a_jackknife() -> None:
    """Leave out 1 of 15 groups of customers at a time: variance (g - 1)/g times the sum of squared deviations."""
    rows = simulated(np.random.default_rng(2), 600)
    left_out = [value_of(rows[:place] + rows[place + 40 :]).projected.theta for place in range(0, 600, 40)]
    jackknife = math.sqrt(14 / 15 * np.sum((np.array(left_out) - np.mean(left_out)) ** 2))
    # 15 groups tell a standard error to 19%.
    assert math.sqrt(value_of(rows).projected.variance) == pytest.approx(jackknife, rel=0.4)


def test_the_error_is_that_of_repeated_samples() -> None:
    """40 samples of 500 customers; the truth is what the true parameters promise 40,000 others. Standardised, their
    mean square is 1 and their mean 0: right ones leave the bands of 3.29 standard errors once in a thousand."""
    rng = np.random.default_rng(3)
    others = simulated(rng, 40_000)
    histories = counted(others)[0]
    ahead = discounted_purchases(np.log([R, ALPHA, A, B]), histories, ahead=52.0, year=52.0, discount=0.0)
    x, size = np.array(histories.purchases), np.array(histories.customers)
    bought, mean = np.array([(row[0], row[3]) for row in others]).T
    each = expected_spend(np.log([P, Q, GAMMA]), bought + 1.0, mean)
    truth = sum((ahead * size)[x == level].sum() * each[bought == level].mean() for level in set(x)) / 40_000
    arms = [value_of(simulated(rng, 500)).projected for _ in range(40)]
    z = np.array([(arm.theta - truth) / math.sqrt(arm.variance) for arm in arms])
    assert abs(z.mean()) < 3.29 / math.sqrt(40)
    assert abs((z**2).mean() - 1) < 3.29 * math.sqrt(2 / 40)


def test_what_cannot_be_projected_says_why() -> None:
    once = Histories([0.0], [0.0], [10.0], [50.0])
    found = project_counts(once, Spending([1.0], [20.0], [50.0]), years=1.0, year=52.0)
    assert isinstance(found, NotEstimable) and found.reason == "no_events"
    histories, spending = counted(simulated(np.random.default_rng(4), 200))
    free = Spending(spending.purchases, [0.0] * len(spending.mean), spending.customers)
    found = project_counts(histories, free, years=1.0, year=52.0)
    assert isinstance(found, NotEstimable) and found.reason == "no_events"
    with pytest.raises(ValueError, match="the same customers"):
        project_counts(histories, Spending([1.0], [20.0], [200.0]), years=1.0, year=52.0)
    with pytest.raises(ValueError, match="years"):
        project_counts(histories, spending, years=math.inf, year=52.0)
