"""The Qini curve: what a tactic brings when only those ranked first get it, from outcomes alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holdfast.model.outcome import NotEstimable
from holdfast.stats.quadrature import Array


@dataclass(frozen=True, slots=True, eq=False)
class Qini:
    """The curve and its area."""

    share: Array
    """Share of units ranked first, from 0 to 1; one point after each group of equal predictions."""
    gain: Array
    """Gain in mean outcome if those are treated and nobody else, per unit of the whole audience."""
    area: float
    """Area between the curve and the straight line to its end, which is treating that share at random; in the unit of
    the outcome. It is not divided by the area of a perfect model, which no one knows for sums of money."""
    random_area: float
    """Area under that straight line, half the effect of treating everyone."""


def qini(*, predicted: npt.ArrayLike, outcome: npt.ArrayLike, treated: npt.ArrayLike) -> Qini | NotEstimable:
    """How much of the whole gain is had by treating those with the highest predicted effects.

    Args:
        predicted, outcome, treated: one for each unit; the predictions by a model that did not see these units. The
            probability of the tactic is the same for all units.

    Formula: after the first k units, Q(k) = [Y_t(k) - Y_c(k) n_t(k)/n_c(k)] / n_t, sums of outcomes and counts of
    treated and control units so far, n_t all treated ones; Y_t(k)/n_t while there is no control unit. Units of one
    prediction come together. The curve ends at the difference of means; the area is by trapezia.
    Source: Radcliffe (2007), Direct Marketing Analytics Journal 1:14.

    Returns:
        NotEstimable "no_units" where a variant has none, "not_finite".

    Raises:
        ValueError: for arrays of different length.

    >>> found = qini(predicted=[2, 2, 1, 1], outcome=[1.0, 0.0, 0.0, 0.0], treated=[True, False, True, False])
    >>> found.gain.tolist(), found.area
    ([0.0, 0.5, 0.5], 0.125)
    """
    rank, value = np.asarray(predicted, dtype=np.float64), np.asarray(outcome, dtype=np.float64)
    got = np.asarray(treated, dtype=np.bool_)
    if not len(rank) == len(value) == len(got):
        raise ValueError("every unit has a prediction, an outcome and a variant")
    if not got.any() or got.all():
        return NotEstimable("no_units", "a variant has no units")
    if not (np.isfinite(rank).all() and np.isfinite(value).all()):
        return NotEstimable("not_finite", "a prediction or an outcome is not finite")
    order = np.argsort(-rank, kind="stable")
    rank, value, got = rank[order], value[order], got[order]
    last = np.flatnonzero(np.append(rank[1:] != rank[:-1], True))
    n_t, n_c = np.cumsum(got)[last], np.cumsum(~got)[last]
    y_t, y_c = np.cumsum(value * got)[last], np.cumsum(value * ~got)[last]
    curve = (y_t - y_c * (n_t / np.maximum(n_c, 1))) / got.sum()
    share, gain = np.append(0.0, (last + 1) / len(rank)), np.append(0.0, curve)
    whole = float(np.sum(np.diff(share) * (gain[1:] + gain[:-1]) / 2.0))
    random_area = float(gain[-1]) / 2.0
    if not np.isfinite(gain).all():
        return NotEstimable("not_finite", "the outcomes are too large to add up")
    return Qini(share, gain, whole - random_area, random_area)
