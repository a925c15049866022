"""Several tests at once: the family-wise and the false-discovery corrections, with the pre-registered family size.

The family is what was planned. A test that could not be computed stays in it, so it never makes the others easier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tests of a family are findings."""

    adjusted: tuple[float, ...]
    """Benjamini-Hochberg adjusted p-values, in the order given."""
    selected: tuple[bool, ...]
    """True for findings, in the order given."""
    level: float
    """One minus the confidence at which an interval leaves out 0 exactly where its test is a finding."""


def bonferroni(p: Sequence[float], *, family: int) -> list[float]:
    """The p-values multiplied by the size of their family, at most 1, in the order given.

    Args:
        p: p-values, 0 to 1; may be empty.
        family: how many tests were planned, at least len(p).

    Raises:
        ValueError: for a p that is no probability or not a number, or a family smaller than the tests.

    >>> bonferroni([0.01, 0.4], family=3)
    [0.03, 1.0]
    """
    _check(p, family)
    return [min(1.0, value * family) for value in p]


def benjamini_hochberg(p: Sequence[float], *, q: float, family: int, alpha: float = 1.0) -> Selection:
    """The tests that are findings when a share q of findings may be false, with the level for their intervals.

    Args:
        p: p-values, 0 to 1; may be empty.
        q: the false discovery rate, 0.1 for 10%.
        family: how many tests were planned, at least len(p); those without a p-value count as not found.
        alpha: no test with a p above this is a finding, however many others are.

    Formula: c_k = min(k q / m, alpha); R is the largest k with p_(k) <= c_k; findings are all p <= c_R. Bounds below
    those of Benjamini and Hochberg keep their guarantee. The adjusted p_(k) is theirs: the smallest m p_(j) / j over
    j >= k, at most 1. level = c_max(R, 1), at most the false coverage rate level: an interval at confidence 1 - level
    leaves out 0 exactly for findings. Ties share one verdict.
    Sources: Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57:289; Benjamini and Yekutieli
    (2005), Journal of the American Statistical Association 100:71.

    Raises:
        ValueError: for a p that is no probability or not a number, a q or alpha outside (0, 1), or a family smaller
            than the tests.

    >>> benjamini_hochberg([0.04, 0.001, 0.2], q=0.1, family=4)
    Selection(adjusted=(0.08, 0.004, 0.26666666666666666), selected=(True, True, False), level=0.05)
    """
    _check(p, family)
    if not 0.0 < q < 1.0:
        raise ValueError(f"a false discovery rate lies between 0 and 1: {q}")
    if not 0.0 < alpha <= 1.0:
        raise ValueError(f"a significance level lies between 0 and 1: {alpha}")
    order = sorted(range(len(p)), key=lambda index: p[index])
    bounds = [min(k * q / family, alpha) for k in range(1, len(p) + 1)]
    found = max((k for k, index in enumerate(order, start=1) if p[index] <= bounds[k - 1]), default=0)
    level = bounds[max(found, 1) - 1] if bounds else min(q / max(family, 1), alpha)
    adjusted = [1.0] * len(p)
    smallest = 1.0
    for k in range(len(order), 0, -1):
        smallest = min(smallest, p[order[k - 1]] * family / k)
        adjusted[order[k - 1]] = smallest
    return Selection(adjusted=tuple(adjusted), selected=tuple(value <= level for value in p), level=level)


def _check(p: Sequence[float], family: int) -> None:
    """Refuse what is no family of p-values."""
    wrong = [value for value in p if not 0.0 <= value <= 1.0]
    if wrong:
        raise ValueError(f"a p-value lies between 0 and 1: {wrong[0]}")
    if family < len(p):
        raise ValueError(f"a family of {family} cannot hold {len(p)} tests")
