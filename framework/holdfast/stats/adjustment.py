"""Estimates adjusted for what was known before assignment: covariates, strata or both, from moments alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from holdfast.model.outcome import NotEstimable
from holdfast.model.reading import Moments
from holdfast.stats.arm import Arm
from holdfast.stats.balance import Group, says_more

Left = Literal["constant", "dependent", "too_few_units"]
"""Why a covariate is not used: one value for all units of a variant; it follows from covariates before it; a variant
has too few units for one more slope."""

_ROUNDING = 1e-13
"""A residual variance below this share of what it was subtracted from is rounding noise, thus zero."""
_FEWEST = 16
"""A variant with fewer degrees of freedom keeps its plain mean, or that of its strata: a slope would cost too many."""
_DF_PER_SLOPE = 4
"""Degrees of freedom that a variant needs for each slope."""
_Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """The adjusted estimates of all variants, each at the covariates and strata of all units together."""

    arms: Mapping[str, Arm | NotEstimable]
    """Variant to its adjusted mean or ratio."""
    covariances: Mapping[tuple[str, str], float]
    """(variant, other variant), in both orders, to the covariance of their estimates: both use the mean of all units'
    covariates. Pass it to every comparison."""
    explained: Mapping[str, float]
    """Variant to the share of its outcome's variance, 0 to 1, that covariates and strata explain."""
    columns: tuple[int, ...]
    """The covariates that are used, by place, the first one being 0."""
    left_out: Mapping[int, Left]
    """The covariates that are not used, by place, and why."""
    unadjusted: tuple[str, ...]
    """Variants too small for any slope; only strata adjust them."""
    strata: int
    """Strata that are used, after mergers; 1 where there are none."""


@dataclass(frozen=True, slots=True)
class _Cells:
    """Counts and moments by stratum (first axis) and variant (second axis); a vector is (outcome, covariates)."""

    n: _Array
    mean: _Array
    covariance: _Array
    level: _Array
    """What the outcome was measured from, by variant: a ratio is 0 after its linearisation."""
    size: _Array
    """Sum of squares that the outcome's own was computed from, by variant: what its rounding error is a share of."""

    @property
    def weights(self) -> _Array:
        """The share of all units in each stratum."""
        shares: _Array = self.n.sum(axis=1) / self.n.sum()
        return shares


@dataclass(frozen=True, slots=True)
class _Fit:
    """By variant: estimates, their covariance matrix, degrees of freedom, and the share of variance explained."""

    theta: _Array
    covariance: _Array
    df: _Array
    explained: _Array


def adjusted(groups: Mapping[str, Group], *, outcomes: int) -> Adjustment:
    """Each variant's mean or ratio, had all variants had the same covariates: chance differences are taken out.

    Args:
        groups: variant to units, means and covariances (n - 1) of the outcome and then its covariates. All covariates
            date from before assignment; missing ones are 0, with an indicator among the covariates.
        outcomes: 1 where the vector starts with a value, 2 where it starts with a numerator and a denominator.

    Formula: with slopes b_a of variant a from its own units, x its covariates' means and X those of all N units,
    theta_a = y_a - b_a'(x_a - X); V_a = s2_a (1/n_a + (x_a - X)' (SS_a)^-1 (x_a - X)) + b_a' S b_a / N;
    Cov(theta_a, theta_c) = b_a' S b_c / N. s2_a is the residual variance with n_a - k - 1 df, SS_a the covariates' sum
    of squares in a, S their covariance over all units around X. The second term of V_a is the uncertainty of the
    slopes, of order 1/n^2; the third is there because the units are a sample of the customers to come. In a difference
    the third terms are (b_t - b_c)' S (b_t - b_c) / N. A ratio R_a is linearised, (r - R_a o) / mean(o), and the
    linear values are regressed. Slopes use columns that vary and are independent in every variant, in the order given.
    Sources: Lin (2013), Annals of Applied Statistics 7:295; Negi and Wooldridge (2021), Econometric Reviews 40:504;
    Deng, Xu, Kohavi and Walker (2013), WSDM.

    Returns:
        For a variant NotEstimable "no_units", "too_few_units" with 1 unit, "not_finite", or "zero_denominator"; the
        others are adjusted among themselves.

    Raises:
        ValueError: for outcomes that are not 1 or 2, vectors of different length, negative n or a negative variance.

    >>> groups = {"control": Group(400, [10.0, 8.1], [[9.0, 6.0], [6.0, 8.0]]),
    ...           "email": Group(400, [10.4, 7.9], [[9.0, 6.0], [6.0, 8.0]])}
    >>> found = adjusted(groups, outcomes=1)
    >>> round(found.arms["control"].theta, 3), round(found.arms["email"].theta, 3), found.explained["email"]
    (9.925, 10.475, 0.5)
    """
    return post_stratified({"": groups}, outcomes=outcomes)


def post_stratified(parts: Mapping[str, Mapping[str, Group]], *, outcomes: int) -> Adjustment:
    """Each variant's mean or ratio, had all variants had the same strata and the same covariates.

    Args:
        parts: stratum to variant to units and moments, as for `adjusted`. Strata date from before assignment; units
            whose stratum is unknown are one of their own.
        outcomes: 1 where the vectors start with a value, 2 where they start with a numerator and a denominator.

    Formula: theta_a = sum_k w_k (y_ak - b_a'(x_ak - X_k)), w_k = N_k / N the share of all units that are in stratum k
    and b_a the slopes within strata; V_a = sum_k w_k^2 s2_ak / n_ak plus the slopes' uncertainty and the covariance
    over all units of what strata and covariates predict, over N. Without covariates the first term is the HC2 variance
    of Lin's regression on stratum dummies. It holds where the variants' shares or the variances differ between strata.
    Strata with fewer than 2 units in some variant are merged into the smallest other one. Without covariates and with
    one stratum these are the plain mean and ratio. df: Satterthwaite over strata, less the share taken by the slopes.
    Sources: Miratrix, Sekhon and Yu (2013), Journal of the Royal Statistical Society B 75:369; those of `adjusted`.

    Returns:
        For a variant NotEstimable as in `adjusted`.

    Raises:
        ValueError: as `adjusted`.

    >>> parts = {"new": {"control": Group(60, [1.0], [[1.0]]), "email": Group(40, [1.5], [[1.0]])},
    ...          "old": {"control": Group(40, [3.0], [[1.0]]), "email": Group(60, [3.5], [[1.0]])}}
    >>> found = post_stratified(parts, outcomes=1)
    >>> found.arms["control"].theta, found.arms["email"].theta
    (2.0, 2.5)
    """
    known, refused = _known(parts, outcomes)
    names = [name for name in known if name not in refused]
    if not names:
        return Adjustment(refused, {}, {}, (), {}, (), 0)
    with np.errstate(all="ignore"):  # What overflows is found at the end, and is a reason.
        return _estimate(names, _cells(_merged(parts, names), names, outcomes), refused)


def _known(
    parts: Mapping[str, Mapping[str, Group]], outcomes: int
) -> tuple[Mapping[str, Moments], dict[str, Arm | NotEstimable]]:
    """The variants over all strata, and why some of them cannot be estimated."""
    _check([group for variants in parts.values() for group in variants.values()], outcomes)
    known: dict[str, Moments] = {}
    for variants in parts.values():
        for name, group in variants.items():
            known[name] = known[name] + _moments(group) if name in known else _moments(group)
    reasons = {name: _refusal(moments, outcomes) for name, moments in known.items()}
    return known, {name: reason for name, reason in reasons.items() if reason is not None}


def _check(groups: Sequence[Group], outcomes: int) -> None:
    """Refuse what are no moments."""
    if outcomes not in (1, 2):
        raise ValueError(f"a vector starts with 1 or 2 outcomes, not {outcomes}")
    if len({len(group.mean) for group in groups}) > 1 or any(len(group.mean) < outcomes for group in groups):
        raise ValueError("every group has the same outcomes and covariates")
    if any(group.n < 0 for group in groups):
        raise ValueError("a number of units is never negative")
    if any(group.covariance[place][place] < 0.0 for group in groups for place in range(len(group.mean))):
        raise ValueError("a variance is never negative")


def _refusal(moments: Moments, outcomes: int) -> NotEstimable | None:
    if moments.n < 2:
        return NotEstimable("too_few_units" if moments.n else "no_units", f"{moments.n} units; a variance needs 2")
    if not (np.isfinite(moments.mean).all() and np.isfinite(moments.covariance).all()):
        return NotEstimable("not_finite", "an outcome or a covariate is not finite")
    if outcomes == 2 and moments.mean[1] <= 0.0:
        return NotEstimable("zero_denominator", f"the mean of the denominator is {moments.mean[1]:g}")
    return None


def _moments(group: Group) -> Moments:
    return Moments(group.n, tuple(map(float, group.mean)), tuple(tuple(map(float, row)) for row in group.covariance))


def _merged(parts: Mapping[str, Mapping[str, Group]], names: Sequence[str]) -> list[list[Moments]]:
    """By stratum and variant, after strata with fewer than 2 units in some variant went into the smallest other one."""
    width = max(len(group.mean) for variants in parts.values() for group in variants.values())
    empty = Moments(0, (0.0,) * width, ((0.0,) * width,) * width)

    def size(stratum: list[Moments]) -> int:
        return sum(cell.n for cell in stratum)

    found = [[_moments(variants[name]) if name in variants else empty for name in names] for variants in parts.values()]
    strata = sorted((stratum for stratum in found if size(stratum)), key=size)
    while len(strata) > 1:
        thin = next((place for place, stratum in enumerate(strata) if min(cell.n for cell in stratum) < 2), None)
        if thin is None:
            break
        first = strata.pop(thin)
        second = strata.pop(0)
        strata = sorted([[a + b for a, b in zip(first, second, strict=True)], *strata], key=size)
    return strata


def _cells(strata: list[list[Moments]], names: Sequence[str], outcomes: int) -> _Cells:
    """The moments as arrays, ratios linearised, covariates measured from a common origin in units of their spread."""
    n = np.array([[cell.n for cell in stratum] for stratum in strata], dtype=np.float64)
    mean = np.array([[cell.mean for cell in stratum] for stratum in strata])
    covariance = np.array([[cell.covariance for cell in stratum] for stratum in strata])
    level, size = np.zeros(len(names)), ((n - 1.0) * covariance[:, :, 0, 0]).sum(axis=0)
    if outcomes == 2:
        shares = n.sum(axis=1) / n.sum()
        totals = np.einsum("k,kap->ap", shares, mean[:, :, :2])
        level = totals[:, 0] / totals[:, 1]
        turn = np.zeros((len(names), mean.shape[2] - 1, mean.shape[2]))
        turn[:, 1:, 2:] = np.eye(mean.shape[2] - 2)
        turn[:, 0, 0], turn[:, 0, 1] = 1.0 / totals[:, 1], -level / totals[:, 1]
        terms = np.abs(turn[:, 0, :2, None] * turn[:, 0, None, :2] * covariance[:, :, :2, :2]).sum(axis=(2, 3))
        size = ((n - 1.0) * terms).sum(axis=0)
        mean = np.einsum("apq,kaq->kap", turn, mean)
        covariance = turn @ covariance @ turn.transpose(0, 2, 1)
    origin = mean[0, 0].copy()
    origin[0] = 0.0
    within = np.einsum("ka,kapp->p", n - 1.0, covariance) / (n - 1.0).sum()
    scale = np.sqrt(within)
    scale[~(scale > 1e-14 * np.abs(origin))] = np.inf  # Below what doubles can tell apart: one value, thus constant.
    scale[0] = 1.0
    return _Cells(n, (mean - origin) / scale, covariance / scale[:, None] / scale, level, size)


def _estimate(names: Sequence[str], cells: _Cells, refused: Mapping[str, Arm | NotEstimable]) -> Adjustment:
    """All variants' estimates, and what they share."""
    n, strata = cells.n.sum(axis=0), len(cells.n)
    free = n - strata
    within = np.einsum("ka,kapq->apq", cells.n - 1.0, cells.covariance) / free[:, None, None]
    large = [int(a) for a in np.flatnonzero(free >= _FEWEST)]
    used, left_out = _columns(within[large], int(min(free[large], default=0.0)) // _DF_PER_SLOPE)
    slopes = np.zeros((len(names), cells.mean.shape[2] - 1))
    for a in large if used else []:
        slopes[a, used] = _solved(within[a], used, within[a][_places(used), 0])
    fit = _fitted(cells, within, slopes, used, large)
    arms = dict(refused)
    for a, name in enumerate(names):
        arm = Arm(float(fit.theta[a]), float(fit.covariance[a, a]), int(n[a]), float(fit.df[a]))
        finite = np.isfinite([arm.theta, arm.variance, arm.df]).all()
        arms[name] = arm if finite else NotEstimable("not_finite", "the outcome is too large to compute")
    kept = [(a, name) for a, name in enumerate(names) if isinstance(arms[name], Arm)]
    return Adjustment(
        arms=arms,
        covariances={(one, two): float(fit.covariance[a, c]) for a, one in kept for c, two in kept if a != c},
        explained={name: float(fit.explained[a]) for a, name in kept},
        columns=tuple(used),
        left_out=left_out,
        unadjusted=tuple(name for a, name in enumerate(names) if a not in large),
        strata=strata,
    )


def _fitted(cells: _Cells, within: _Array, slopes: _Array, used: list[int], large: list[int]) -> _Fit:
    """Estimates at the strata and covariates of all units, with the formula of `post_stratified`."""
    n, weights, total = cells.n, cells.weights, float(cells.n.sum())
    x = cells.mean[:, :, 1:]
    apart = x - (np.einsum("ka,kap->kp", n, x) / n.sum(axis=1)[:, None])[:, None, :]
    at_all = cells.mean[:, :, 0] - np.einsum("ap,kap->ka", slopes, apart)
    theta = weights @ at_all

    free = n.sum(axis=0) - len(n)
    spare = free - np.array([len(used) if a in large else 0 for a in range(n.shape[1])])
    residual = _residual(cells, slopes)
    left = ((n - 1.0) * residual).sum(axis=0)
    residual *= free / spare
    parts = weights[:, None] ** 2 * residual / n
    covariance = _population(cells, slopes, apart, at_all - theta) / total
    # The strata's means differ by chance too: what their own error adds to the spread between them is taken off.
    by_chance = (weights[:, None] * (1.0 - weights[:, None]) * residual / n).sum(axis=0)
    unsure = np.zeros(len(slopes))
    for a in large if used else []:
        shift = weights @ apart[:, a, used]
        unsure[a] = left[a] / spare[a] / free[a] * (shift @ _solved(within[a], used, shift))
    covariance += np.diag(parts.sum(axis=0) + unsure - by_chance / total)
    return _Fit(
        theta=cells.level + theta,
        covariance=(covariance + covariance.T) / 2.0,
        df=_satterthwaite(parts, n) * spare / free,
        explained=_explained(cells, left),
    )


def _residual(cells: _Cells, slopes: _Array) -> _Array:
    """The variance of the outcome around its slopes, by stratum and variant, with divisor n - 1."""
    turn = np.hstack([np.ones((len(slopes), 1)), -slopes])
    found: _Array = np.maximum(np.einsum("ap,kapq,aq->ka", turn, cells.covariance, turn), 0.0)
    noise = ((cells.n - 1.0) * found).sum(axis=0) <= _ROUNDING * np.minimum(cells.size, np.finfo(float).max)
    found[:, noise] = 0.0
    return found


def _population(cells: _Cells, slopes: _Array, apart: _Array, strata: _Array) -> _Array:
    """Covariances over units, between variants, of what strata and covariates predict for a unit in each variant."""
    n = cells.n
    inside = np.einsum("ka,kapq->pq", n - 1.0, cells.covariance[:, :, 1:, 1:])
    inside += np.einsum("ka,kap,kaq->pq", n, apart, apart)
    found: _Array = slopes @ (inside / (n.sum() - 1.0)) @ slopes.T + strata.T * cells.weights @ strata
    return found


def _satterthwaite(parts: _Array, n: _Array) -> _Array:
    """Degrees of freedom of a sum of variances over strata."""
    by_stratum = (parts**2 / (n - 1.0)).sum(axis=0)
    found: _Array = np.where(by_stratum > 0.0, parts.sum(axis=0) ** 2 / by_stratum, (n - 1.0).sum(axis=0))
    return found


def _explained(cells: _Cells, left: _Array) -> _Array:
    """The share of each variant's sum of squares that is not left."""
    n, y = cells.n, cells.mean[:, :, 0]
    between = (n * (y - (n * y).sum(axis=0) / n.sum(axis=0)) ** 2).sum(axis=0)
    whole = ((n - 1.0) * cells.covariance[:, :, 0, 0]).sum(axis=0) + between
    found: _Array = np.where(whole > 0.0, 1.0 - np.minimum(left / whole, 1.0), 0.0)
    return found


def _columns(within: _Array, most: int) -> tuple[list[int], dict[int, Left]]:
    """The covariates that vary and are independent in every variant, in order, and why the others are not used."""
    used: list[int] = []
    left_out: dict[int, Left] = {}
    for place in range(within.shape[1] - 1):
        column = place + 1
        if any(not 0.0 < found[column, column] < np.inf for found in within):
            left_out[place] = "constant"
        elif len(used) >= most:
            left_out[place] = "too_few_units"
        elif any(not says_more(found, _places(used), column) for found in within):
            left_out[place] = "dependent"
        else:
            used.append(place)
    return used, left_out


def _solved(within: _Array, used: list[int], right: _Array) -> _Array:
    """The covariance matrix of the used covariates inverted times a vector; all are in units of their common spread."""
    places = _places(used)
    return np.asarray(np.linalg.solve(within[places][:, places], right), dtype=np.float64)


def _places(used: list[int]) -> list[int]:
    """Where the covariates are in a vector that starts with the outcome."""
    return [1 + place for place in used]
