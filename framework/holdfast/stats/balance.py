"""Balance: whether the variants were alike before the experiment, one property at a time and all together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from holdfast.model.outcome import NotEstimable

LARGE = 0.1
"""From this standardised difference on a property is usually called unbalanced (Austin 2009)."""
_DEPENDENT = 1e-9
"""A column whose variance beside the columns before it is less than this share of its own says nothing new."""
_SPARE = 5
"""Degrees of freedom that have to be left for the spread within variants, beyond two for each column."""
_Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Group:
    """One variant: units, and means and covariances (n - 1) of the same short vector of properties."""

    n: int
    mean: Sequence[float]
    covariance: Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Omnibus:
    """The test of all properties together."""

    p: float
    """Probability of means at least this far apart, if the variants were drawn alike."""
    statistic: float
    """Lawley and Hotelling's trace times the residual degrees of freedom: about chi-square for many units."""
    f: float
    """The statistic as F; both are infinite where a property tells the variants apart without error."""
    df: tuple[float, float]
    """Degrees of freedom of F."""
    columns: tuple[int, ...]
    """The columns that entered, by place: the others are constant, or follow from those before them."""


def standardised_difference(
    mean: float, variance: float, base_mean: float, base_variance: float
) -> float | NotEstimable:
    """The difference between two groups in units of their common spread.

    Formula: (m_t - m_c) / sqrt((s_t^2 + s_c^2) / 2). It does not grow with the number of units, so it says how large an
    imbalance is, and not whether chance made it. Source: Austin (2009), Statistics in Medicine 28:3083.

    Returns:
        NotEstimable "zero_variance" where neither group varies and their means differ; 0.0 where all values are equal.

    >>> standardised_difference(10.5, 4.0, 10.0, 6.0)
    0.22360679774997896
    """
    if not all(math.isfinite(value) for value in (mean, variance, base_mean, base_variance)):
        return NotEstimable("not_finite", "a mean or variance is not finite")
    pooled = (variance + base_variance) / 2.0
    if pooled > 0.0:
        return (mean - base_mean) / math.sqrt(pooled)
    return 0.0 if mean == base_mean else NotEstimable("zero_variance", "the property does not vary within the groups")


def distance(group: Group, base: Group, columns: Sequence[int]) -> float | NotEstimable:
    """The standardised difference of a property of several columns, such as one a country; never negative.

    Formula: sqrt((m_t - m_c)' S^-1 (m_t - m_c)), S the average of both covariance matrices, over the columns that do
    not follow from the others. For one column it is the size of the standardised difference.
    Source: Yang and Dalton (2012), SAS Global Forum 335.

    Returns:
        NotEstimable "zero_variance" where nothing varies and the means differ.
    """
    places = list(columns)
    gap = _array(group.mean)[places] - _array(base.mean)[places]
    spread = (_array(group.covariance) + _array(base.covariance))[np.ix_(places, places)] / 2.0
    used = _independent(spread)
    if not used:
        return NotEstimable("zero_variance", "the property does not vary within the groups") if gap.any() else 0.0
    chosen = gap[used] / np.sqrt(np.diag(spread)[used])
    return math.sqrt(max(0.0, float(chosen @ np.linalg.solve(_correlation(spread, used), chosen))))


def omnibus(groups: Sequence[Group]) -> Omnibus | NotEstimable:
    """How probable groups as different as these are in any of their properties, if units were drawn at random.

    Formula: with W the pooled sum of squares and products within groups and B the one between them, U = tr(W^-1 B),
    Lawley and Hotelling's trace, as F by McKeon (1974); for two groups that is Hotelling's T^2, exact for normal
    properties. (N - A) U is about chi-square with k (A - 1) degrees of freedom. Columns that are constant, or that
    follow from columns before them, are left out.
    A property that tells the variants apart without error gives p = 0.
    Source: McKeon (1974), Biometrika 61:381; Anderson (2003), Multivariate Statistical Analysis, 8.6.

    Returns:
        NotEstimable "no_units" with fewer than two groups with units, "zero_variance" where no column varies,
        "too_few_units" where too few units are left for so many columns, "not_finite".

    Raises:
        ValueError: for groups with vectors of different length.

    >>> control = Group(400, [1.0, 0.30], [[4.0, 0.1], [0.1, 0.21]])
    >>> test = omnibus([control, Group(400, [1.4, 0.33], [[4.2, 0.1], [0.1, 0.22]])])
    >>> round(test.p, 4), round(test.statistic, 3)
    (0.0171, 8.19)
    """
    if len({len(group.mean) for group in groups}) > 1:
        raise ValueError("every group has the same properties")
    known = [group for group in groups if group.n > 0]
    residual = sum(group.n for group in known) - len(known)
    if refusal := _refusal(known, residual):
        return refusal
    within: _Array = sum((_array(group.covariance) * (group.n - 1) for group in known), np.zeros(())) / residual
    sizes, means = _array([group.n for group in known]), _array([group.mean for group in known])
    apart = np.sqrt(sizes)[:, None] * (means - sizes @ means / sizes.sum())
    # Judged with the differences between the variants in: a property that is one value in each must not pass for none.
    used = _independent(within + apart.T @ apart / residual)
    if not used:
        return NotEstimable("zero_variance", "no property varies")
    if residual < 2 * len(used) + _SPARE:
        return NotEstimable("too_few_units", f"{residual + len(known)} units for {len(used)} columns")
    if len(_independent(within[np.ix_(used, used)])) < len(used):
        df = (float(len(used) * (len(known) - 1)), float(residual))
        return Omnibus(0.0, math.inf, math.inf, df, tuple(used))
    apart = apart[:, used] / np.sqrt(np.diag(within)[used])
    statistic = float((apart.T * np.linalg.solve(_correlation(within, used), apart.T)).sum())
    return _as_f(max(0.0, statistic), columns=tuple(used), between=len(known) - 1, residual=residual)


def _refusal(known: Sequence[Group], residual: int) -> NotEstimable | None:
    """Why groups cannot be compared at all; None where they can."""
    if len(known) < 2:
        return NotEstimable("no_units", "balance needs two variants with units")
    if not all(np.isfinite(_array(part)).all() for group in known for part in (group.mean, group.covariance)):
        return NotEstimable("not_finite", "a property holds a value that is not finite")
    return NotEstimable("too_few_units", "one unit in every variant") if residual < 1 else None


def _as_f(statistic: float, *, columns: tuple[int, ...], between: int, residual: int) -> Omnibus:
    """McKeon's approximation: the trace as F, with the right mean and variance."""
    k, n = len(columns), (residual - len(columns) - 1) / 2.0
    spread = (k + 2.0 * n) * (between + 2.0 * n) / (2.0 * (2.0 * n + 1.0) * (n - 1.0))
    df = (float(k * between), 4.0 + (k * between + 2.0) / (spread - 1.0))
    scale = (df[1] - 2.0) / (2.0 * n)
    f = statistic / residual * df[1] / (df[0] * scale)
    return Omnibus(float(special.fdtrc(*df, f)), statistic, f, df, columns)


def _array(values: object) -> _Array:
    return np.asarray(values, dtype=np.float64)


def _independent(covariance: _Array) -> list[int]:
    """The columns, in order, that vary and do not follow from those before them."""
    used: list[int] = []
    spread = np.diag(covariance)
    for place in range(len(spread)):
        if spread[place] > 0.0 and says_more(covariance, used, place):
            used.append(place)
    return used


def says_more(covariance: _Array, used: list[int], place: int) -> bool:
    """Whether a column that varies does not follow from those that are used."""
    if not used:
        return True
    spread = np.diag(covariance)
    across = covariance[used, place] / np.sqrt(spread[used] * spread[place])
    left = 1.0 - float(across @ np.linalg.solve(_correlation(covariance, used), across))
    return left >= _DEPENDENT


def _correlation(covariance: _Array, used: list[int]) -> _Array:
    """The correlations of some columns: in their own units money and shares could not be solved for together."""
    spread = np.sqrt(np.diag(covariance)[used])
    found: _Array = covariance[np.ix_(used, used)] / np.outer(spread, spread)
    return found
