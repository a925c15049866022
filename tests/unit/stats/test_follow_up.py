"""Equal follow-up: what the test of it does with groups, days and awkward input."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.outcome import NotEstimable
from holdfast.stats.follow_up import FollowUp, follow_up

SETTINGS = settings(derandomize=True, max_examples=60, deadline=None)
DAYS = st.lists(st.integers(0, 40), min_size=4, max_size=4)


def at_risk(ended: list[int]) -> list[int]:
    """Everybody leaves on some day."""
    return list(accumulate(ended[::-1]))[::-1]


@SETTINGS
@given(st.lists(DAYS, min_size=2, max_size=4))
def test_the_excess_adds_up_to_nothing_and_the_order_plays_no_part(ended: list[list[int]]) -> None:
    found = follow_up([at_risk(days) for days in ended], ended)
    turned = follow_up([at_risk(days) for days in ended[::-1]], ended[::-1])
    if isinstance(found, NotEstimable):
        assert isinstance(turned, NotEstimable)
        return
    assert isinstance(turned, FollowUp)
    assert sum(found.excess) == pytest.approx(0.0, abs=1e-9)
    assert found.excess == pytest.approx(turned.excess[::-1], abs=1e-9)
    assert found.statistic == pytest.approx(turned.statistic, rel=1e-7, abs=1e-9)
    assert 0.0 <= found.p <= 1.0
    assert found.df < len(ended)


def test_the_same_days_are_the_same_follow_up() -> None:
    days = [5, 0, 7, 20]
    found = follow_up([at_risk(days)] * 3, [days] * 3)
    assert isinstance(found, FollowUp)
    assert (found.p, found.df) == (1.0, 2)
    assert found.statistic == pytest.approx(0.0, abs=1e-20)


def test_where_nothing_can_be_compared() -> None:
    for risk, ended, reason in (
        ([], [], "no_units"),
        ([[5, 5]], [[0, 5]], "no_units"),
        ([[5, 5], [0, 0]], [[0, 5], [0, 0]], "no_units"),
        ([[5, 5], [6, 6]], [[0, 5], [0, 6]], "no_events"),
        ([[], []], [[], []], "no_units"),
        ([[5, 0], [0, 5]], [[5, 0], [0, 5]], "no_events"),
    ):
        found = follow_up(risk, ended)
        assert isinstance(found, NotEstimable)
        assert found.reason == reason


def test_impossible_counts() -> None:
    for risk, ended in (([[5], [5]], [[6], [0]]), ([[5], [5]], [[-1], [0]]), ([[5, 4], [5]], [[0, 1], [0]])):
        with pytest.raises(ValueError, match=r"on (no|every) day|every group"):
            follow_up(risk, ended)


def test_very_many_units() -> None:
    """A billion units, one in ten lost a day earlier in one variant: p is below what a double can hold."""
    n = 10**9
    found = follow_up([[n, 9 * n // 10], [n, n]], [[n // 10, 9 * n // 10], [0, n]])
    assert isinstance(found, FollowUp)
    assert found.p == 0.0
    assert found.statistic == pytest.approx(n / 9.5, rel=0.1)
