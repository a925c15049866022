"""Several comparisons at once: what each must reach so that the whole family errs as rarely as one test would.

Each comparison gets the confidence of its own interval. `difference` and `fieller_lift` at that confidence give bounds
that leave out 0 exactly where the adjusted p is below one minus the family's confidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from holdfast.model.outcome import NotEstimable
from holdfast.stats.arm import Arm
from holdfast.stats.contrast import Interval, difference
from holdfast.stats.joint_tail import correlated_tail, shared_control_tail
from holdfast.stats.tails import checked_confidence, two_sided

_SMALLEST_DIRECT = 1e-290
_Tail = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Simultaneous:
    """One comparison among several."""

    p: float
    """Adjusted p-value: the probability that any comparison of the family is as extreme as this, without effects."""
    log10_p: float
    """Base-10 logarithm of p, also where p is 0.0."""
    critical: float
    """Standard errors from the estimate to each bound of its simultaneous interval."""
    confidence: float
    """The confidence for the interval of this comparison alone that reaches `critical`."""
    df: float
    """Degrees of freedom of its statistic."""
    method: str
    """The method in words."""


def dunnett(
    treated: Sequence[Arm], control: Arm, *, confidence: float, family: int | None = None
) -> list[Simultaneous | NotEstimable]:
    """Every variant against one control, corrected for their number by Dunnett's method, in the order given.

    Args:
        treated: the variants, of any sizes and variances.
        control: what each is compared with; estimates are independent.
        confidence: of all intervals together, 0.95 for 95%.
        family: how many variants were planned, at least len(treated). One without a number, or not given, stays in
            the family as an independent comparison, which never makes the others easier.

    Formula: T_i is the statistic of `difference`, with its Satterthwaite df; the correlation of T_i and T_j is l_i l_j
    with l_i = sqrt(V_c / (V_i + V_c)). p_i = P(any |T| > |t_i|) for a multivariate t with the df of comparison i;
    its critical value is the size where that is 1 - confidence. With equal variances and df this is Dunnett's test.
    Sources: Dunnett (1955), Journal of the American Statistical Association 50:1096; Hasler and Hothorn (2008),
    Biometrical Journal 50:793, for unequal variances.

    Returns:
        NotEstimable in place of a comparison that `difference` cannot make.

    Raises:
        ValueError: for a confidence outside (0, 1), or a family smaller than the variants.

    >>> base = Arm(theta=10.0, variance=0.01, n=10**6)
    >>> found = dunnett([Arm(theta=10.3, variance=0.01, n=10**6), base], base, confidence=0.95)
    >>> [(round(each.p, 4), round(each.critical, 4)) for each in found]
    [(0.0624, 2.2121), (1.0, 2.2121)]
    """
    checked_confidence(confidence)
    planned = _planned(len(treated), family)
    effects = [difference(arm, control, confidence=confidence) for arm in treated]
    loads = [0.0] * planned
    for place, (arm, effect) in enumerate(zip(treated, effects, strict=True)):
        if isinstance(effect, Interval):
            loads[place] = math.sqrt(control.variance / (arm.variance + control.variance))

    def joint(df: float) -> _Tail:
        return lambda size: shared_control_tail(size, loads=loads, df=df)

    return _adjusted(effects, joint, confidence=confidence, family=planned, method="Dunnett")


def simultaneous(
    effects: Sequence[Interval | NotEstimable],
    *,
    correlation: Sequence[Sequence[float]],
    confidence: float,
    family: int | None = None,
) -> list[Simultaneous | NotEstimable]:
    """Any comparisons, corrected for their number and for what they share, in the order given.

    Args:
        effects: the comparisons, as `difference` gives them; one that is not estimable stays in the family.
        correlation: of their statistics, as `contrast_correlation` gives it. Rows of comparisons that are not estimable
            are not read: those count as independent.
        confidence: of all intervals together, 0.95 for 95%.
        family: how many comparisons were planned, at least len(effects).

    Formula: that of `dunnett`, with the tail of a multivariate t of any correlation, to about four digits.

    Raises:
        ValueError: for a confidence outside (0, 1), a matrix that is no correlation matrix, or a small family.

    >>> a, b = Arm(theta=10.3, variance=0.01, n=10**6), Arm(theta=10.0, variance=0.01, n=10**6)
    >>> effects = [difference(a, b, confidence=0.95), difference(b, b, confidence=0.95)]
    >>> found = simultaneous(effects, correlation=[[1.0, 0.5], [0.5, 1.0]], confidence=0.95)
    >>> round(found[0].p, 3), round(found[0].critical, 3)
    (0.062, 2.212)
    """
    checked_confidence(confidence)
    planned = _planned(len(effects), family)
    known = [place for place, effect in enumerate(effects) if isinstance(effect, Interval)]
    given = np.asarray(correlation, dtype=np.float64)
    matrix = np.eye(planned)
    matrix[np.ix_(known, known)] = _checked(given, len(effects))[np.ix_(known, known)]
    whole = matrix.tolist()

    def joint(df: float) -> _Tail:
        return lambda size: correlated_tail(size, correlation=whole, df=df)

    return _adjusted(effects, joint, confidence=confidence, family=planned, method="multivariate t")


def contrast_correlation(
    covariance: Sequence[Sequence[float]], pairs: Sequence[tuple[int, int]]
) -> list[list[float]] | NotEstimable:
    """The correlations of differences between variants.

    Args:
        covariance: of the variants' estimates: their variances on the diagonal, elsewhere 0 unless an adjustment used
            units of several variants.
        pairs: (treated, control) by place in the covariance.

    Formula: with L the matrix that takes differences, L V L' scaled to ones on its diagonal.

    Returns:
        NotEstimable "not_finite", or "zero_variance" where a difference does not vary.

    >>> contrast_correlation([[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]], [(1, 0), (2, 0), (2, 1)])
    [[1.0, 0.5, -0.5], [0.5, 1.0, 0.5], [-0.5, 0.5, 1.0]]
    """
    whole = np.asarray(covariance, dtype=np.float64)
    if not np.isfinite(whole).all():
        return NotEstimable("not_finite", "a covariance is not finite")
    scale = np.abs(whole).max(initial=0.0)
    take = np.zeros((len(pairs), len(whole)))
    for row, (treated, control) in enumerate(pairs):
        take[row, treated] += 1.0
        take[row, control] -= 1.0
    spread = take @ (whole / scale if scale > 0.0 else whole) @ take.T
    size = np.diag(spread)
    if not (size > 0.0).all():
        return NotEstimable("zero_variance", "a difference between two variants does not vary")
    found = np.clip(spread / np.sqrt(np.outer(size, size)), -1.0, 1.0)
    np.fill_diagonal(found, 1.0)
    rows: list[list[float]] = [[round(value, 15) for value in row] for row in found.tolist()]
    return rows


def stepwise(
    p: Sequence[float | None], *, method: Literal["holm", "hochberg"], family: int | None = None
) -> list[float | None]:
    """Adjusted p-values by Holm's or Hochberg's method, in the order given; None stays None.

    These have no intervals that always agree with them: where bounds are shown use Bonferroni's or Dunnett's.

    Args:
        p: p-values, 0 to 1; None for a test that was planned and could not be computed, which stays in the family.
        method: "holm" is valid always; "hochberg" where tests are not negatively dependent.
        family: how many tests were planned, at least len(p).

    Formula: statsmodels' `multipletests`, with 1 for what is missing.
    Sources: Holm (1979), Scandinavian Journal of Statistics 6:65; Hochberg (1988), Biometrika 75:800.

    Raises:
        ValueError: for a p that is no probability or not a number, or a family smaller than the tests.

    >>> stepwise([0.01, None, 0.02], method="holm")
    [0.03, None, 0.04]
    """
    planned = _planned(len(p), family)
    wrong = [value for value in p if value is not None and not 0.0 <= value <= 1.0]
    if wrong:
        raise ValueError(f"a p-value lies between 0 and 1: {wrong[0]}")
    if not any(value is not None for value in p):
        return [None] * len(p)
    from statsmodels.stats.multitest import multipletests

    filled = [1.0 if value is None else value for value in p] + [1.0] * (planned - len(p))
    found = multipletests(filled, method="holm" if method == "holm" else "simes-hochberg")[1].tolist()
    return [None if value is None else min(1.0, found[place]) for place, value in enumerate(p)]


def _adjusted(
    effects: Sequence[Interval | NotEstimable],
    joint: Callable[[float], _Tail],
    *,
    confidence: float,
    family: int,
    method: str,
) -> list[Simultaneous | NotEstimable]:
    """Each comparison judged by the joint tail at its own degrees of freedom."""
    limits: dict[float, float] = {}
    results: list[Simultaneous | NotEstimable] = []
    for effect in effects:
        if isinstance(effect, NotEstimable):
            results.append(effect)
            continue
        df, tail = effect.df, joint(effect.df)
        if df not in limits:
            limits[df] = _critical(tail, df=df, alpha=1.0 - confidence, family=family)
        single, single_log = effect.p, effect.log10_p
        p = min(max(tail(abs(effect.statistic)), single), 1.0, family * single)
        # Where p underflows the comparisons hardly overlap, and Bonferroni's bound is all but exact.
        log10_p = math.log10(p) if p > _SMALLEST_DIRECT else min(0.0, single_log + math.log10(family))
        own = 1.0 - two_sided(limits[df], df=df)[0]
        results.append(Simultaneous(p, log10_p, limits[df], own, df, method))
    return results


def _critical(tail: _Tail, *, df: float, alpha: float, family: int) -> float:
    """The size at which the joint tail is alpha: between the critical value of one test and Bonferroni's."""
    from scipy.optimize import brentq

    def reach(level: float) -> float:
        return -float(special.ndtri(level / 2.0) if math.isinf(df) else special.stdtrit(df, level / 2.0))

    low, high = reach(alpha), reach(alpha / family)
    if family == 1 or not tail(low) > alpha:
        return low
    if not tail(high) < alpha:
        return high
    found = brentq(lambda size: math.log(tail(size)) - math.log(alpha), low, high, xtol=1e-12, rtol=1e-14)
    return float(found)


def _planned(given: int, family: int | None) -> int:
    """The size of the family, once it is known to hold what was given."""
    if family is not None and family < given:
        raise ValueError(f"a family of {family} cannot hold {given} tests")
    return given if family is None else family


def _checked(matrix: np.typing.NDArray[np.float64], size: int) -> np.typing.NDArray[np.float64]:
    """The matrix itself, once it can be a correlation matrix of that size."""
    right = matrix.shape == (size, size) and np.isfinite(matrix).all()
    if not (right and np.allclose(np.diag(matrix), 1.0) and np.allclose(matrix, matrix.T)):
        raise ValueError(f"this is no correlation matrix of {size} comparisons")
    if (np.abs(matrix) > 1.0 + 1e-9).any():
        raise ValueError("a correlation lies between -1 and 1")
    return matrix
