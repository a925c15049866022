"""What sums over groups tell of few units, against every sum of groups with small whole factors."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.stats import tells_more

MINIMUM = 20
ALL = [True, True, True, True]
SIZES = [100, 60, 50, 7]


@pytest.mark.parametrize(
    ("known", "asked", "sizes", "tells"),
    [
        ([ALL], [[True, False, False, False]], SIZES, False),
        ([ALL], [[True, True, True, False]], SIZES, True),
        ([ALL, [True, False, False, False]], [[False, True, True, False]], SIZES, True),
        ([ALL, [True, False, False, False]], [[False, False, True, True]], SIZES, False),
        # Nobody is in the last cell: nobody is told of.
        ([ALL], [[True, True, True, False]], [100, 60, 50, 0], False),
        # Two cells that nothing tells apart are shown as one of twenty.
        ([ALL], [[True, True, False, False]], [100, 60, 11, 9], False),
        ([ALL], [[True, True, True, False]], [100, 60, 11, 9], True),
        # What is known already is no reason.
        ([ALL, [True, True, True, False]], [[False, False, False, True]], SIZES, False),
        ([ALL, [True, True, True, False]], [[True, False, False, False]], SIZES, False),
        ([], [[True, True, True, True]], SIZES, False),
    ],
)
def test_groups_by_hand(known: list[list[bool]], asked: list[list[bool]], sizes: list[int], tells: bool) -> None:
    assert tells_more(known, asked, sizes, MINIMUM) == tells


def had(groups: list[list[bool]], sizes: list[int]) -> set[tuple[int, ...]]:
    """Sets of few units that some sum of groups, each taken up to twice or away, holds alone."""
    found = set()
    rows, counts = np.array(groups, dtype=int).reshape(-1, len(sizes)), np.array(sizes)
    for factors in product(range(-2, 3), repeat=len(groups)):
        total = np.array(factors, dtype=int) @ rows
        held = total[counts > 0]
        if set(held.tolist()) == {0, 1} and 0 < counts[(total == 1)].sum() < MINIMUM:
            found.add(tuple(np.flatnonzero((total == 1) & (counts > 0)).tolist()))
    return found


def test_many_small_cells_are_looked_at_one_by_one_and_soon() -> None:
    """Forty values of ten units each: many questions about some of them, and what each is beside the others."""
    sizes = [10] * 40 + [500]
    everything = [True] * 41

    def some(*places: int) -> list[bool]:
        return [place in places for place in range(41)]

    asked = [some(*range(start, start + width)) for width in (2, 4) for start in range(0, 36, 2)]
    known = [everything, some(40), *asked]
    assert not tells_more([everything], [some(40)], sizes, MINIMUM)
    assert not tells_more(known, [some(0, 1, 2, 3, 4, 5, 6, 7)], sizes, MINIMUM)
    # One value more than was asked for before; all but one value; the one that is left of a segment whose others show.
    assert tells_more([everything, some(0, 1)], [some(0, 1, 2)], sizes, MINIMUM)
    assert tells_more([everything], [some(*range(1, 41))], sizes, MINIMUM)
    assert tells_more([everything, *(some(n, n + 1) for n in range(1, 38, 2))], [some(39, 40)], sizes, MINIMUM)


groups = st.lists(st.lists(st.booleans(), min_size=5, max_size=5), min_size=1, max_size=3)


@settings(derandomize=True, max_examples=200, deadline=None, database=None)
@given(groups, groups, st.lists(st.sampled_from([0, 3, 8, 12, 19, 20, 40, 300]), min_size=5, max_size=5))
def test_no_few_units_can_be_had(known: list[list[bool]], asked: list[list[bool]], sizes: list[int]) -> None:
    """What a sum of groups shows and none of the known ones showed, is found; sums with small factors are all that so
    few groups need."""
    known = [[True] * 5, *known]
    asked = asked[:2]
    if not tells_more(known, asked, sizes, MINIMUM) and not had(known, sizes):
        assert not had([*known, *asked], sizes)
