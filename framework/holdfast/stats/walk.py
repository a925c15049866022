"""Where a test statistic is after each look, among the experiments that no look has stopped yet.

The estimate at information I is normal with variance 1/I and has independent increments, so the score w = z sqrt(I) is
a random walk in I with drift: after each look its density, cut off outside the boundaries, is carried to the next look.
Source: Armitage, McPherson and Rowe (1969), Journal of the Royal Statistical Society A 132:235.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import special

Vector = npt.NDArray[np.float64]

LEAST_GROWTH = 1e-6
"""A look that adds a smaller share than this to the information adds nothing."""
_REACH = 9.0
"""Standard deviations around the centre beyond which no more than 1e-18 of the paths are."""
_PANEL = 3.0
"""Width of a panel in standard deviations of the narrower of two steps."""
_POINTS = 10
"""Nodes of a panel: with these two the integral of a product of normal densities is right to 1e-10."""
_ROWS = 256


@dataclass(frozen=True, slots=True)
class Walk:
    """The paths that go on after a look."""

    information: float
    """At that look, 0 before the first."""
    nodes: Vector
    """Values of the score, rising."""
    mass: Vector
    """The probability that each node stands for; in total that of having come so far."""

    @property
    def total(self) -> float:
        """The probability of having come so far."""
        return float(self.mass.sum())


def start() -> Walk:
    """All paths, before the first look."""
    return Walk(0.0, np.zeros(1), np.ones(1))


def at_least(walk: Walk, *, information: float, z: float, drift: float = 0.0) -> float:
    """The probability of having come so far and then showing at least z at the next look.

    Args:
        walk: after the look before.
        information: at the next look, above that of the walk.
        z: value of the statistic.
        drift: the true effect, in units whose square times information has no unit.

    >>> round(at_least(start(), information=4.0, z=1.0, drift=0.5), 6)
    0.5
    """
    step = information - walk.information
    ahead = (walk.nodes + drift * step - z * math.sqrt(information)) / math.sqrt(step)
    return float(walk.mass @ special.ndtr(ahead))


def at_most(walk: Walk, *, information: float, z: float, drift: float = 0.0) -> float:
    """The probability of having come so far and then showing at most z at the next look."""
    step = information - walk.information
    ahead = (z * math.sqrt(information) - walk.nodes - drift * step) / math.sqrt(step)
    return float(walk.mass @ special.ndtr(ahead))


def log_tail(walk: Walk, *, information: float, z: float) -> tuple[float, float]:
    """The natural logarithm of `at_least` without drift, and its slope in z; exact where a double would be 0."""
    sd = math.sqrt(information - walk.information)
    ahead = (walk.nodes - z * math.sqrt(information)) / sd
    log_mass = np.log(np.maximum(walk.mass, 1e-300))
    tail = _log_sum(log_mass + special.log_ndtr(ahead))
    density = _log_sum(log_mass - 0.5 * ahead * ahead)
    scale = math.sqrt(information / (2.0 * math.pi)) / sd
    return tail, -scale * math.exp(density - tail)


def advance(
    walk: Walk, *, information: float, low: float, high: float, following: float, drift: float = 0.0, reach: float = 0.0
) -> Walk:
    """The paths that go on after the next look because its statistic lies between low and high.

    Args:
        walk: after the look before.
        information: at the next look.
        low, high: the statistics between which an experiment goes on.
        following: the information at the look after that, to which the nodes must be fine enough.
        drift: the true effect.
        reach: how many standard deviations around the centre matter, where these are more than 9.
    """
    step = information - walk.information
    scale, centre, reach = math.sqrt(information), drift * information, max(reach, _REACH)
    left, right = max(low, -reach + centre / scale) * scale, min(high, reach + centre / scale) * scale
    if not (left < right and walk.nodes.size):
        return Walk(information, np.empty(0), np.empty(0))
    finest = math.sqrt(min(step, following - information))
    nodes, weights = _panels(left, right, max(4, math.ceil((right - left) / (_PANEL * finest))))
    return Walk(information, nodes, weights * _carried(walk, nodes - drift * step, step))


def _log_sum(logs: Vector) -> float:
    """log sum exp, without the overhead of a general one: this is called hundreds of times for a plan."""
    largest = float(logs.max())
    return largest + math.log(float(np.exp(logs - largest).sum()))


def _carried(walk: Walk, nodes: Vector, step: float) -> Vector:
    """The density at the nodes of the score after a step. Only paths from nearby are summed: nodes may be many."""
    sd = math.sqrt(step)
    found = np.empty_like(nodes)
    for first in range(0, nodes.size, _ROWS):
        rows = nodes[first : first + _ROWS]
        near = slice(*np.searchsorted(walk.nodes, [rows[0] - _REACH * sd, rows[-1] + _REACH * sd]))
        ahead = (rows[:, None] - walk.nodes[near]) / sd
        found[first : first + _ROWS] = np.exp(-0.5 * ahead * ahead) @ walk.mass[near]
    return found / (sd * math.sqrt(2.0 * math.pi))


def _panels(left: float, right: float, panels: int) -> tuple[Vector, Vector]:
    """Nodes and weights of the Gauss-Legendre rule on equal panels."""
    points, weights = _legendre()
    half = (right - left) / (2.0 * panels)
    middles = left + half * (2.0 * np.arange(panels) + 1.0)
    return (middles[:, None] + half * points).ravel(), np.tile(half * weights, panels)


@cache
def _legendre() -> tuple[Vector, Vector]:
    points, weights = np.polynomial.legendre.leggauss(_POINTS)
    return points, weights
