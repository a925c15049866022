"""Shares compared between variants: exact where few units have it, and what both paths have in common."""

from __future__ import annotations

import math
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.outcome import NotEstimable
from holdfast.stats.shares import EqualShares, equal_shares

SETTINGS = settings(derandomize=True, max_examples=60, deadline=None)


def judged(counts: list[int], totals: list[int]) -> EqualShares:
    found = equal_shares(counts, totals)
    assert isinstance(found, EqualShares)
    return found


def listed(counts: list[int], totals: list[int]) -> float:
    """The exact p-value by every outcome in Python's own integers."""
    having = sum(counts)

    def ways(outcome: tuple[int, ...]) -> int:
        return math.prod(math.comb(n, x) for n, x in zip(totals, outcome, strict=True))

    outcomes = [o for o in product(*(range(n + 1) for n in totals)) if sum(o) == having]
    seen = ways(tuple(counts))
    return sum(w for o in outcomes if (w := ways(o)) <= seen) / math.comb(sum(totals), having)


@SETTINGS
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=2, max_size=4))
def test_few_units_are_listed_one_by_one(pairs: list[tuple[int, int]]) -> None:
    counts, totals = [x for x, _ in pairs], [x + y for x, y in pairs]
    found = equal_shares(counts, totals)
    if sum(n > 0 for n in totals) < 2 or sum(counts) in {0, sum(totals)}:
        assert isinstance(found, NotEstimable)
        return
    assert isinstance(found, EqualShares)
    if found.method == "exact":
        assert found.p == pytest.approx(listed(counts, totals), rel=1e-9)


@SETTINGS
@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 5000)), min_size=2, max_size=5), st.randoms())
def test_order_and_complement_change_nothing(pairs: list[tuple[int, int]], random: object) -> None:
    counts, totals = [x for x, _ in pairs], [x + y for x, y in pairs]
    found = equal_shares(counts, totals)
    other = equal_shares([n - x for x, n in zip(counts, totals, strict=True)], totals)
    back = equal_shares(counts[::-1], totals[::-1])
    if isinstance(found, NotEstimable):
        assert isinstance(other, NotEstimable)
        return
    assert isinstance(other, EqualShares)
    assert isinstance(back, EqualShares)
    assert 0.0 <= found.p <= 1.0
    assert found.p == pytest.approx(other.p, rel=1e-9) == pytest.approx(back.p, rel=1e-9)
    assert found.statistic == pytest.approx(other.statistic, rel=1e-9, abs=1e-12)


def test_equal_shares_are_no_surprise() -> None:
    assert judged([100, 200, 10], [1000, 2000, 100]).p == pytest.approx(1.0)
    assert judged([1, 1], [500, 500]).p == 1.0


def test_the_one_that_stands_out() -> None:
    assert judged([30, 31, 80, 29], [1000, 1000, 1000, 1000]).worst == 2
    assert judged([0, 30, 31, 80], [0, 1000, 1000, 1000]).worst == 3


def test_where_nothing_can_be_compared() -> None:
    for counts, totals, reason in (
        ([], [], "no_units"),
        ([0, 0], [0, 0], "no_units"),
        ([1, 0], [9, 0], "no_units"),
        ([0, 0], [9, 9], "zero_variance"),
        ([9, 8], [9, 8], "zero_variance"),
    ):
        found = equal_shares(counts, totals)
        assert isinstance(found, NotEstimable)
        assert found.reason == reason
    for counts, totals in (([1], [1, 2]), ([3, 1], [2, 2]), ([-1, 1], [2, 2])):
        with pytest.raises(ValueError, match="between 0 and its units"):
            equal_shares(counts, totals)


def test_very_many_units() -> None:
    """Four of a billion in one variant, none in the other: 1/8, as coins fall. Huge effects do not overflow."""
    assert judged([0, 4], [10**9, 10**9]).p == pytest.approx(0.125, rel=1e-6)
    assert judged([0, 10**9], [10**9, 10**9]).p == 0.0
    assert judged([5 * 10**8, 5 * 10**8 + 40_000], [10**9, 10**9]).p == pytest.approx(0.0736, abs=1e-4)


def test_more_outcomes_than_can_be_listed() -> None:
    """A variant of ten units among a million, and a third of them: chi-square, and it says so."""
    found = judged([300_000, 300_000, 3], [10**6, 10**6, 10])
    assert found.method.startswith("chi-square (")
    assert found.p > 0.9
