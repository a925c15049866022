"""Figures of the health checks against exact arithmetic, statsmodels and scipy.stats."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy import stats
from statsmodels.multivariate.manova import MANOVA

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


def sequential(looks: list[list[int]], weights: list[float], **more: Any) -> SequentialSplit:
    found = sequential_split(looks, weights, **more)
    assert isinstance(found, SequentialSplit)
    return found


def exact_log_factor(counts: list[int], weights: list[int], concentration: int = 100) -> float:
    """The Bayes factor in fractions, as rising factorials: prod_i a_i (a_i + 1) ... / (A (A + 1) ... prod s_i^x_i)."""
    factor = Fraction(1)
    for count, weight in zip(counts, weights, strict=True):
        share = Fraction(weight, sum(weights))
        for step in range(count):
            factor *= (concentration * share + step) / share
    for step in range(sum(counts)):
        factor /= concentration + step
    with localcontext() as context:
        context.prec = 50
        return float((Decimal(factor.numerator) / Decimal(factor.denominator)).ln())


@pytest.mark.parametrize(
    ("counts", "weights"),
    [([50, 50], [1, 1]), ([110, 190], [1, 1]), ([0, 40], [1, 1]), ([7, 0, 3], [5, 3, 2]), ([1, 900], [1, 999]),
     ([300, 180, 140], [5, 3, 2]), ([1], [1]) , ([2, 1, 0, 0], [1, 1, 1, 97])],
)  # fmt: skip
def test_the_bayes_factor_is_that_of_exact_arithmetic(counts: list[int], weights: list[int]) -> None:
    if len(counts) == 1:
        assert not isinstance(sequential_split([counts], weights), SequentialSplit)
        return
    found = sequential([counts], [float(weight) for weight in weights])
    exact = exact_log_factor(counts, weights)
    assert found.log_bayes_factor == pytest.approx(exact, rel=1e-12, abs=1e-12)
    assert found.p[-1] == pytest.approx(min(1.0, math.exp(-exact)), rel=1e-11)


def log_gamma(z: Decimal) -> Decimal:
    """Stirling's series with nine terms in 60 digits, after shifting z above 400: good to 40 digits."""
    shift = Decimal(0)
    while z < 400:
        shift += z.ln()
        z += 1
    bernoulli = [(1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730), (7, 6), (-3617, 510), (43867, 798)]
    pi = Decimal("3.14159265358979323846264338327950288419716939937510582097494")
    series = sum(
        Decimal(a) / b / (2 * m * (2 * m - 1)) / z ** (2 * m - 1) for m, (a, b) in enumerate(bernoulli, start=1)
    )
    return (z - Decimal("0.5")) * z.ln() - z + (2 * pi).ln() / 2 + series - shift


@pytest.mark.parametrize(
    ("counts", "weights"),
    [
        ([500_000_000, 500_000_000], [1, 1]),
        ([500_040_000, 499_960_000], [1, 1]),
        ([333_300_000, 333_400_000, 333_300_000], [1, 1, 1]),
        ([999_000_123, 999_877], [999, 1]),
        ([1_000_000_000, 0], [1, 1]),
        ([12, 999_999_988], [1, 99]),
        ([10_000_000, 10_009_000], [1, 1]),
    ],
)
def test_a_thousand_million_units_lose_no_digits(counts: list[int], weights: list[int]) -> None:
    """The formula as the paper has it, in 60 decimal digits; in doubles its terms of 2e10 leave no more than six."""
    with localcontext() as context:
        context.prec = 60
        k, whole = Decimal(100), Decimal(sum(weights))
        priors = [k * weight / whole for weight in weights]
        exact = log_gamma(k) - log_gamma(k + sum(counts))
        for count, weight, prior in zip(counts, weights, priors, strict=True):
            exact += log_gamma(prior + count) - log_gamma(prior) - count * (weight / whole).ln()
    found = sequential([counts], [float(weight) for weight in weights])
    assert found.log_bayes_factor == pytest.approx(float(exact), rel=1e-11, abs=1e-9)
    assert found.log10_p == pytest.approx(-max(0.0, float(exact)) / math.log(10), rel=1e-11, abs=1e-9)


def test_looks_that_are_known_by_hand() -> None:
    """a = (50, 50): BF of one unit is 1; of two alike 50 51 / (100 101) x 4 = 102/101."""
    found = sequential([[1, 0], [1, 0], [0, 2]], [1.0, 1.0])
    assert found.p == pytest.approx((1.0, 101 / 102, 101 / 102), rel=1e-14)
    assert found.log_bayes_factor == pytest.approx(exact_log_factor([2, 2], [1, 1]), rel=1e-12)
    assert found.first_below(0.995) == 1


def test_homogeneity_is_that_of_scipy() -> None:
    """scipy.stats.chi2_contingency without continuity correction, on tables with large counts."""
    rng = np.random.default_rng(5)
    for shape in ((2, 2), (5, 3), (40, 4)):
        table = rng.integers(20, 400, shape)
        found = homogeneity(table.tolist())
        assert isinstance(found, Homogeneity)
        statistic, p, df, expected = stats.chi2_contingency(table, correction=False)
        assert (found.statistic, found.p, found.df) == pytest.approx((statistic, p, df), rel=1e-10)
        assert found.worst == (int(((table - expected) ** 2 / expected).sum(axis=1).argmax()),)
        assert found.merged == 0


def test_small_parts_are_put_together_in_their_order() -> None:
    """Days of 3 units wait for the next ones until there are 5 of each variant; what is left at the end joins the last
    that were put together. Large days stand alone."""
    small, large = [[2, 1]] * 5 + [[1, 2]] * 5, [[60, 40], [45, 55]]
    found = homogeneity([*small[:5], large[0], *small[5:], large[1], [0, 1]])
    assert isinstance(found, Homogeneity)
    # 111 of 231 units are in the second variant: 5 of them are expected in 10.4 units, which takes four days.
    statistic, p, df, _ = stats.chi2_contingency([[60, 40], [45, 55], [8, 4], [7, 12]], correction=False)
    assert (found.statistic, found.p, found.df) == pytest.approx((statistic, p, df), rel=1e-12)
    assert found.merged == 11


def people(sizes: tuple[int, ...], seed: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Correlated and skewed numbers, a flag and a dummy of a rare category."""
    rng = np.random.default_rng(seed)
    n = sum(sizes)
    spend = rng.lognormal(3, 1, n)
    table = np.column_stack([spend, np.sqrt(spend) + rng.normal(size=n), rng.random(n) < 0.4, rng.random(n) < 0.05])
    return table.astype(float), np.repeat(np.arange(len(sizes)), sizes)


def group(rows: npt.NDArray[np.float64]) -> Group:
    return Group(len(rows), rows.mean(axis=0).tolist(), np.cov(rows, rowvar=False).tolist())


def groups(table: npt.NDArray[np.float64], variant: npt.NDArray[np.int64]) -> list[Group]:
    return [group(table[variant == place]) for place in np.unique(variant)]


@pytest.mark.parametrize("sizes", [(40, 45), (200, 210, 190), (900, 100), (60, 50, 40, 70, 30)])
def test_the_omnibus_is_the_manova_of_statsmodels(sizes: tuple[int, ...]) -> None:
    """statsmodels MANOVA.from_formula("y ~ C(variant)"), row Hotelling-Lawley trace: value, both df, F and p."""
    table, variant = people(sizes, 11)
    frame = pd.DataFrame(table, columns=list("abcd")).assign(variant=variant)
    tested = MANOVA.from_formula("a + b + c + d ~ C(variant)", frame).mv_test(skip_intercept_test=True)
    row = tested.results["C(variant)"]["stat"].loc["Hotelling-Lawley trace"]
    found = omnibus(groups(table, variant))
    assert isinstance(found, Omnibus)
    assert found.columns == (0, 1, 2, 3)
    assert found.statistic / (sum(sizes) - len(sizes)) == pytest.approx(float(row["Value"]), rel=1e-9)
    assert (found.df[0], found.df[1], found.f, found.p) == pytest.approx(
        (float(row["Num DF"]), float(row["Den DF"]), float(row["F Value"]), float(row["Pr > F"])), rel=1e-9
    )


def test_one_column_and_two_groups_are_the_t_test() -> None:
    """Student's t-test with pooled variance: F = t^2."""
    table, variant = people((70, 30), 12)
    columns = [table[variant == place, 0] for place in (0, 1)]
    found = omnibus([Group(x.size, [float(x.mean())], [[float(x.var(ddof=1))]]) for x in columns])
    t, p = stats.ttest_ind(*columns)
    assert isinstance(found, Omnibus)
    assert (found.f, found.p) == pytest.approx((t * t, p), rel=1e-10)


def test_many_units_are_a_chi_square() -> None:
    """With a million units F and chi-square are one."""
    table, variant = people((1000, 1000), 13)
    found = omnibus([Group(500 * g.n, g.mean, g.covariance) for g in groups(table, variant)])
    assert isinstance(found, Omnibus)
    assert found.p == pytest.approx(float(stats.chi2.sf(found.statistic, 4)), rel=1e-2)


def test_differences_in_units_of_spread() -> None:
    """By their definition with numpy, and the distance of several columns by a plain inverse."""
    table, variant = people((300, 200), 14)
    base, treated = table[variant == 0], table[variant == 1]
    for column in range(4):
        x, y = treated[:, column], base[:, column]
        found = standardised_difference(float(x.mean()), float(x.var(ddof=1)), float(y.mean()), float(y.var(ddof=1)))
        expected = (x.mean() - y.mean()) / math.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2)
        assert found == pytest.approx(float(expected), rel=1e-10)
        assert distance(group(treated), group(base), [column]) == pytest.approx(abs(float(expected)), rel=1e-10)
    spread = (np.cov(treated, rowvar=False) + np.cov(base, rowvar=False)) / 2
    gap = treated.mean(axis=0) - base.mean(axis=0)
    expected = math.sqrt(float(gap @ np.linalg.inv(spread) @ gap))
    assert distance(group(treated), group(base), [0, 1, 2, 3]) == pytest.approx(expected, rel=1e-9)
