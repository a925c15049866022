"""Tests of the health checks beside R 4.2.2 and its package survival 3.5-3."""

from __future__ import annotations

import pytest
from scipy import stats

from holdfast.model.reading import Curve
from holdfast.stats.log_rank import LogRank, follow_up_difference
from holdfast.stats.shares import EqualShares, equal_shares

SHARES = [
    # fisher.test(matrix(c(1, 8, 199, 192), 2))$p.value
    ([1, 8], [200, 200], "exact", 0.0369666378838),
    # fisher.test(matrix(c(9, 5, 991, 95), 2))$p.value
    ([9, 5], [1000, 100], "exact", 0.00579334344014),
    # fisher.test(matrix(c(3, 9, 1, 97, 191, 399), 3))$p.value
    ([3, 9, 1], [100, 200, 400], "exact", 0.000317870709725),
    # chisq.test(matrix(c(30, 55, 47, 970, 945, 953), 3), correct = FALSE): X-squared = 7.750095093
    ([30, 55, 47], [1000, 1000, 1000], "chi-square", 0.0207533511),
]


@pytest.mark.parametrize(("counts", "totals", "method", "p"), SHARES)
def test_shares(counts: list[int], totals: list[int], method: str, p: float) -> None:
    """The line of R stands above each case."""
    found = equal_shares(counts, totals)
    assert isinstance(found, EqualShares)
    assert found.method == method
    assert found.p == pytest.approx(p, rel=1e-8)


def test_shares_beside_scipy() -> None:
    counts, totals = [812, 790, 640], [10_000, 9_900, 8_000]
    table = [counts, [n - x for x, n in zip(counts, totals, strict=True)]]
    found = equal_shares(counts, totals)
    expected = stats.chi2_contingency(table, correction=False)
    assert isinstance(found, EqualShares)
    assert found.statistic == pytest.approx(expected.statistic, rel=1e-12)
    assert found.p == pytest.approx(expected.pvalue, rel=1e-9)


def leaving(n: int, ended: list[int]) -> Curve:
    """Of n units that have no event so many are followed up to each day, and the others for longer."""
    risk = tuple(n - sum(ended[:day]) for day in range(len(ended)))
    return Curve(at_risk=risk, events=(0,) * len(ended), censored=tuple(ended))


def test_two_groups_followed_to_their_end() -> None:
    """d <- data.frame(t = c(rep(1:3, c(10, 30, 60)), rep(1:3, c(30, 30, 40))), e = 1, g = rep(1:2, each = 100))
    survdiff(Surv(t, e) ~ g, d)$chisq"""
    found = follow_up_difference(leaving(100, [10, 30, 60]), leaving(100, [30, 30, 40]))
    assert isinstance(found, LogRank)
    assert found.statistic == pytest.approx(10.9115914396, rel=1e-11)


def test_three_groups_some_followed_to_the_end() -> None:
    """d3 <- data.frame(t = c(rep(1:4, c(5, 10, 20, 65)), rep(1:4, c(12, 8, 25, 45)), rep(1:4, c(3, 9, 15, 23))),
      e = c(rep(c(1, 1, 1, 0), c(5, 10, 20, 65)), rep(c(1, 1, 1, 0), c(12, 8, 25, 45)),
        rep(c(1, 1, 1, 0), c(3, 9, 15, 23))), g = rep(1:3, c(100, 90, 50)))
    s <- survdiff(Surv(t, e) ~ g, d3); s$chisq; s$obs - s$exp"""
    found = follow_up_difference(leaving(100, [5, 10, 20]), leaving(90, [12, 8, 25]), leaving(50, [3, 9, 15]))
    assert isinstance(found, LogRank)
    assert found.statistic == pytest.approx(6.46090347442, rel=1e-11)
    surplus = [seen - due for seen, due in zip(found.observed, found.expected, strict=True)]
    assert surplus == pytest.approx([-11.41729470875, 6.16561469618, 5.25168001256], rel=1e-11)
    assert found.p == pytest.approx(stats.chi2.sf(6.46090347442, 2), rel=1e-9)
