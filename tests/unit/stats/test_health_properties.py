"""Properties that the statistics of the health checks must have whatever the counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.model.outcome import NotEstimable
from holdfast.stats import (
    Group,
    Homogeneity,
    Omnibus,
    SequentialSplit,
    distance,
    homogeneity,
    omnibus,
    sequential_split,
    standardised_difference,
)

counts = st.lists(st.integers(0, 60), min_size=3, max_size=3)
WEIGHTS = [5.0, 3.0, 2.0]


def sequential(looks: list[list[int]], weights: list[float] = WEIGHTS, **more: Any) -> SequentialSplit:
    found = sequential_split(looks, weights, **more)
    assert isinstance(found, SequentialSplit)
    return found


def reason(found: object) -> str:
    assert isinstance(found, NotEstimable)
    return found.reason


@given(st.lists(counts, min_size=1, max_size=6).filter(lambda days: any(map(any, days))), st.data())
def test_splitting_a_day_changes_the_looks_and_nothing_else(days: list[list[int]], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(days) - 1))
    first = [data.draw(st.integers(0, count)) for count in days[place]]
    rest = [count - part for count, part in zip(days[place], first, strict=True)]
    whole, parts = sequential(days), sequential([*days[:place], first, rest, *days[place + 1 :]])
    assert parts.log_bayes_factor == whole.log_bayes_factor
    assert parts.p[:place] == whole.p[:place]
    # One look more can only find more.
    assert len(parts.p) == len(whole.p) + 1
    assert all(more <= less for more, less in zip(parts.p[place + 1 :], whole.p[place:], strict=True))


@given(st.lists(counts, min_size=1, max_size=6).filter(lambda days: any(map(any, days))))
def test_the_p_value_never_rises_and_stays_a_probability(days: list[list[int]]) -> None:
    found = sequential(days)
    assert all(0.0 < p <= 1.0 for p in found.p)
    assert list(found.p) == sorted(found.p, reverse=True)
    assert found.p[-1] == pytest.approx(10**found.log10_p)
    # A day without units is a look at the same.
    assert sequential([*days, [0, 0, 0]]).p == (*found.p, found.p[-1])


@given(counts.filter(any), st.integers(1, 1000))
def test_neither_the_order_of_variants_nor_the_scale_of_weights_matters(day: list[int], scale: int) -> None:
    found = sequential([day])
    assert sequential([day[::-1]], WEIGHTS[::-1]).log_bayes_factor == pytest.approx(found.log_bayes_factor, abs=1e-10)
    assert sequential([day], [w * scale for w in WEIGHTS]).log_bayes_factor == pytest.approx(
        found.log_bayes_factor, abs=1e-10
    )
    # A variant that should have nobody and has nobody is no variant.
    assert sequential([[*day, 0]], [*WEIGHTS, 0.0]) == found


def test_a_unit_where_nobody_may_be_is_impossible_from_then_on() -> None:
    found = sequential([[5, 5, 0], [5, 5, 1], [5, 5, 0]], [1.0, 1.0, 0.0])
    assert (found.p, found.log10_p, found.log_bayes_factor) == ((1.0, 0.0, 0.0), -math.inf, math.inf)
    assert found.first_below(0.0005) == 1
    assert sequential([[5, 1]], [1.0, 0.0]).p == (0.0,)


def test_what_is_no_split_over_time() -> None:
    assert reason(sequential_split([], [1, 1])) == "no_units"
    assert reason(sequential_split([[0, 0], [0, 0]], [1, 1])) == "no_units"
    assert reason(sequential_split([[5]], [1])) == "not_planned"
    assert reason(sequential_split([[5, 0]], [1, 0])) == "not_planned"
    for looks, weights, more in (
        ([[1, 2, 3]], [1, 1], {}),
        ([[-1, 2]], [1, 1], {}),
        ([[1, 2]], [0, 0], {}),
        ([[1, 2]], [1, math.nan], {}),
        ([[1, 2]], [1, 1], {"concentration": 0.0}),
        ([[1, 2]], [1, 1], {"concentration": math.inf}),
    ):
        with pytest.raises(ValueError, match=r"weights|negative|concentration"):
            sequential_split(looks, weights, **more)


def test_nothing_crossed_is_no_day() -> None:
    assert sequential([[50, 30, 20]]).first_below(0.01) is None


@given(st.lists(st.lists(st.integers(0, 200), min_size=2, max_size=2), min_size=2, max_size=12))
def test_homogeneity_is_a_probability_whatever_the_parts(parts: list[list[int]]) -> None:
    found = homogeneity(parts)
    if isinstance(found, NotEstimable):
        assert found.reason in {"no_units", "not_planned", "too_few_units"}
        return
    assert 0.0 <= found.p <= 1.0
    assert found.statistic >= 0.0
    assert found.df >= 1
    # Which variant stands first makes no difference.
    swapped = homogeneity([part[::-1] for part in parts])
    assert isinstance(swapped, Homogeneity)
    assert swapped.p == pytest.approx(found.p, rel=1e-9, abs=1e-300)


def test_parts_alike_and_parts_apart() -> None:
    alike = homogeneity([[100, 300], [200, 600], [10, 30], [0, 0]])
    assert isinstance(alike, Homogeneity)
    assert (alike.statistic, alike.p, alike.df) == (0.0, 1.0, 2)
    apart = homogeneity([[1000, 0], [0, 1000]])
    assert isinstance(apart, Homogeneity)
    assert apart.p == 0.0
    assert reason(homogeneity([])) == reason(homogeneity([[0, 0]])) == "no_units"
    assert reason(homogeneity([[5, 5]])) == reason(homogeneity([[5, 0], [7, 0]])) == "not_planned"
    assert reason(homogeneity([[1, 1], [2, 1]])) == "too_few_units"
    for wrong in ([[1, 2], [1]], [[1, -1], [2, 2]]):
        with pytest.raises(ValueError, match="every part"):
            homogeneity(wrong)


def group(rows: Any) -> Group:
    return Group(len(rows), rows.mean(axis=0).tolist(), np.cov(rows, rowvar=False).tolist())


def judged(groups: list[Group]) -> Omnibus:
    found = omnibus(groups)
    assert isinstance(found, Omnibus)
    return found


@pytest.fixture
def rows() -> tuple[Any, Any]:
    rng = np.random.default_rng(3)
    mixed = rng.normal(size=(90, 3)) @ rng.normal(size=(3, 3))
    return mixed[:50], mixed[50:]


def test_other_units_of_measure_change_nothing(rows: tuple[Any, Any]) -> None:
    """Money in yen or in millions, temperatures from another zero, variants and columns in another order."""
    plain = judged([group(part) for part in rows])
    scaled = judged([group(part * [1e9, -2.0, 1e-6] + [1e10, 5.0, 1.0]) for part in rows])
    turned = judged([group(part[:, ::-1]) for part in rows[::-1]])
    assert (scaled.p, turned.p) == pytest.approx((plain.p, plain.p), rel=1e-6)


def test_columns_that_say_nothing_new_are_left_out(rows: tuple[Any, Any]) -> None:
    plain = judged([group(part) for part in rows])
    wide = [np.column_stack([np.full(len(x), 7.0), x[:, 0], x, x.sum(axis=1)]) for x in rows]
    found = judged([group(part) for part in wide])
    assert found.columns == (1, 3, 4)
    assert found.p == pytest.approx(plain.p, rel=1e-9)


def test_a_property_that_is_the_variant_is_found() -> None:
    """Within the variants it does not vary, which must not pass for a property that says nothing."""
    rng = np.random.default_rng(4)
    parts = [np.column_stack([rng.normal(size=40), np.full(40, float(place))]) for place in (0, 1)]
    found = judged([group(part) for part in parts])
    assert (found.p, found.statistic, found.columns) == (0.0, math.inf, (0, 1))
    # Nor when it only is so together with another property.
    noise = rng.normal(size=80)
    hidden = np.column_stack([noise, noise + np.repeat([0.0, 1.0], 40)])
    assert judged([group(hidden[:40]), group(hidden[40:])]).p == 0.0


def test_what_cannot_be_compared() -> None:
    one, none = Group(30, [1.0], [[1.0]]), Group(0, [0.0], [[0.0]])
    assert reason(omnibus([one, none])) == reason(omnibus([one])) == "no_units"
    assert reason(omnibus([Group(1, [1.0], [[0.0]]), Group(1, [2.0], [[0.0]])])) == "too_few_units"
    assert reason(omnibus([Group(9, [1.0], [[0.0]])] * 2)) == "zero_variance"
    assert reason(omnibus([Group(9, [math.nan], [[1.0]]), one])) == "not_finite"
    assert reason(omnibus([Group(3, [1.0], [[1.0]])] * 2)) == "too_few_units"
    with pytest.raises(ValueError, match="same properties"):
        omnibus([one, Group(9, [1.0, 2.0], [[1.0, 0.0], [0.0, 1.0]])])
    assert standardised_difference(1.0, 0.0, 1.0, 0.0) == 0.0
    assert reason(standardised_difference(1.0, 0.0, 2.0, 0.0)) == "zero_variance"
    assert reason(standardised_difference(math.inf, 1.0, 2.0, 1.0)) == "not_finite"
    assert reason(distance(Group(9, [1.0], [[0.0]]), Group(9, [2.0], [[0.0]]), [0])) == "zero_variance"
    assert distance(Group(9, [1.0], [[0.0]]), Group(9, [1.0], [[0.0]]), [0]) == 0.0
