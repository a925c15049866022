"""Moments: exact whatever the offset, addable, defined for no unit and for one."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.model.reading import Moments

quiet = settings(derandomize=True, max_examples=60, deadline=None, database=None)

small = st.integers(min_value=-1000, max_value=1000)


def of_integers(rows: Sequence[Sequence[int]], scales: tuple[int, ...]) -> Moments:
    """Moments of rows of integers that stand for value * 10**scale."""
    size = len(scales)
    sums = tuple(sum(row[i] for row in rows) for i in range(size))
    products = {(i, j): sum(row[i] * row[j] for row in rows) for i in range(size) for j in range(i, size)}
    return Moments.from_sums(len(rows), sums, products, scales)


def exact_covariance(x: Sequence[Fraction], y: Sequence[Fraction]) -> Fraction:
    mean_x, mean_y = sum(x, Fraction(0)) / len(x), sum(y, Fraction(0)) / len(y)
    return sum(((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)), Fraction(0)) / (len(x) - 1)


@pytest.mark.parametrize("offset", [0, 10**9, 10**12, -(10**12), 10**15])
@pytest.mark.parametrize("scale", [0, 2, 4, 9])
def test_the_offset_costs_no_digit(offset: int, scale: int) -> None:
    """The nearest double to the exact rational value, not merely a close one."""
    values = [(7 * i * i + 3 * i) % 101 + offset * 10**scale for i in range(500)]
    others = [(11 * i) % 97 - offset * 10**scale for i in range(500)]
    moments = of_integers(list(zip(values, others, strict=True)), (scale, scale))
    x = [Fraction(value, 10**scale) for value in values]
    y = [Fraction(value, 10**scale) for value in others]
    assert moments.n == 500
    assert moments.mean == (float(statistics.mean(x)), float(statistics.mean(y)))
    assert moments.covariance[0][0] == float(statistics.variance(x))
    assert moments.covariance[1][1] == float(statistics.variance(y))
    assert moments.covariance[0][1] == moments.covariance[1][0] == float(exact_covariance(x, y))


def test_raw_floating_sums_would_have_failed() -> None:
    """The same numbers through sum(x^2) - sum(x)^2 / n in doubles are useless: the exact path is not for show."""
    values = [10**12 + i % 3 for i in range(300)]
    floating = (sum(float(v) ** 2 for v in values) - sum(map(float, values)) ** 2 / 300) / 299
    true = float(statistics.variance([i % 3 for i in range(300)]))
    assert abs(floating - true) > 0.5
    assert of_integers([[v] for v in values], (0,)).covariance == ((true,),)


def test_scales_may_differ() -> None:
    moments = of_integers([[150, 1], [250, 3]], (2, 0))
    assert moments.mean == (2.0, 2.0)
    assert moments.covariance == ((0.5, 1.0), (1.0, 2.0))


def test_no_unit_and_one_unit() -> None:
    none = of_integers([], (2, 0))
    assert none == Moments(0, (0.0, 0.0), ((0.0, 0.0), (0.0, 0.0)))
    one = of_integers([[123456, 7]], (2, 0))
    assert one == Moments(1, (1234.56, 7.0), ((0.0, 0.0), (0.0, 0.0)))
    assert none + one == one
    assert one + none == one
    assert none + none == none


def test_two_single_units_have_a_spread() -> None:
    both = of_integers([[1]], (0,)) + of_integers([[4]], (0,))
    assert both == Moments(2, (2.5,), ((4.5,),))


def test_constants_have_no_variance() -> None:
    assert of_integers([[123456789]] * 1000, (4,)).covariance == ((0.0,),)
    half = of_integers([[7]] * 500, (0,))
    assert (half + half).covariance == ((0.0,),)


@quiet
@given(
    st.lists(st.tuples(small, small), max_size=30),
    st.lists(st.tuples(small, small), max_size=30),
    st.sampled_from([0, 10**9, 10**12]),
)
def test_parts_add_up_to_the_whole(left: list[tuple[int, int]], right: list[tuple[int, int]], offset: int) -> None:
    parts = [[(x + offset, y - offset) for x, y in part] for part in (left, right)]
    merged = of_integers(parts[0], (0, 0)) + of_integers(parts[1], (0, 0))
    whole = of_integers([*parts[0], *parts[1]], (0, 0))
    assert merged.n == whole.n
    # The means of the parts are doubles: on an offset of 1e12 they are good to about 1e-4.
    slack = max(1e-9, offset * 2.0**-50)
    assert merged.mean == pytest.approx(whole.mean, rel=1e-12, abs=1e-9)
    for i in range(2):
        for j in range(2):
            assert merged.covariance[i][j] == pytest.approx(whole.covariance[i][j], rel=1e-9, abs=1e-6 + slack * 4000)


@quiet
@given(st.lists(st.lists(small, min_size=1, max_size=8), min_size=3, max_size=3))
def test_the_order_of_the_parts_does_not_matter(groups: list[list[int]]) -> None:
    a, b, c = (of_integers([[value] for value in group], (0,)) for group in groups)
    for other in ((a + b) + c, a + (b + c), c + (a + b)):
        assert other.n == (a + b + c).n
        assert other.mean == pytest.approx((a + b + c).mean, rel=1e-12, abs=1e-9)
        assert other.covariance[0] == pytest.approx((a + b + c).covariance[0], rel=1e-9, abs=1e-9)


@quiet
@given(st.lists(small, min_size=2, max_size=40))
def test_variances_are_never_negative_and_agree_with_the_library(values: list[int]) -> None:
    moments = of_integers([[value] for value in values], (3,))
    assert moments.covariance[0][0] == pytest.approx(statistics.variance(values) / 10**6, rel=1e-12)
    assert moments.covariance[0][0] >= 0.0
