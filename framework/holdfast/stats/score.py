"""Score statistics of two proportions under a fixed difference or ratio, and the intervals that invert them.

Both statistics divide by the variance at the constrained maximum likelihood estimate, with the factor N / (N - 1) of
Miettinen and Nurminen (1985), Statistics in Medicine 4:213. At "no difference" and "ratio 1" they are the same number,
so the test, the interval of the difference and the interval of the lift never contradict each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

_STEPS = 200


@dataclass(frozen=True, slots=True)
class Counts:
    """Successes and units of the two variants."""

    x_t: int
    n_t: int
    x_c: int
    n_c: int


def difference_score(counts: Counts, difference: float) -> float:
    """The score z of "p_t - p_c equals this difference": positive where the data lie above it.

    >>> round(difference_score(Counts(x_t=15, n_t=120, x_c=8, n_c=100), 0.0), 4)
    1.0837
    """
    p_c = _share_given_difference(counts, difference)
    p_t = min(1.0, max(0.0, p_c + difference))
    variance = p_t * (1.0 - p_t) / counts.n_t + p_c * (1.0 - p_c) / counts.n_c
    return _score(counts.x_t / counts.n_t - counts.x_c / counts.n_c - difference, variance, counts)


def ratio_score(counts: Counts, ratio: float) -> float:
    """The score z of "p_t / p_c equals this ratio": positive where the data lie above it.

    >>> round(ratio_score(Counts(x_t=15, n_t=120, x_c=8, n_c=100), 1.0), 4)
    1.0837
    """
    p_c = _share_given_ratio(counts, ratio)
    p_t = min(1.0, ratio * p_c)
    variance = p_t * (1.0 - p_t) / counts.n_t + ratio * ratio * p_c * (1.0 - p_c) / counts.n_c
    return _score(counts.x_t / counts.n_t - ratio * counts.x_c / counts.n_c, variance, counts)


def difference_bounds(counts: Counts, z: float) -> tuple[float, float]:
    """The lowest and highest difference whose score is within z of 0."""
    estimate = counts.x_t / counts.n_t - counts.x_c / counts.n_c
    lower = _crossing(lambda d: difference_score(counts, d) - z, -1.0, estimate)
    upper = _crossing(lambda d: difference_score(counts, d) + z, estimate, 1.0)
    return lower, upper


def ratio_bounds(counts: Counts, z: float) -> tuple[float, float]:
    """The lowest and highest ratio whose score is within z of 0; control needs at least one success."""
    estimate = (counts.x_t / counts.n_t) / (counts.x_c / counts.n_c)
    lower = _crossing(lambda r: ratio_score(counts, r) - z, 0.0, estimate)
    above = max(1.0, 2.0 * estimate)
    while ratio_score(counts, above) > -z:
        above *= 2.0
    return lower, _crossing(lambda r: ratio_score(counts, r) + z, estimate, above)


def _score(gap: float, variance: float, counts: Counts) -> float:
    """The gap in standard errors; 0 where there is neither gap nor variance."""
    total = counts.n_t + counts.n_c
    if variance > 0.0:
        return gap / math.sqrt(variance * (total / (total - 1)))
    return math.copysign(math.inf, gap) if gap else 0.0


def _crossing(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function passes 0 between low and high; an end, where it does not. By bisection."""
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if high - low <= 1e-16 + 4e-16 * abs(middle):
            break
        if falling(middle) > 0.0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


def _share_given_ratio(counts: Counts, ratio: float) -> float:
    """Control's maximum likelihood share when the treated share is `ratio` times it (Koopman 1984, Biometrics 40:513).

    The smaller root of N r p^2 - (r (n_t + x_c) + x_t + n_c) p + x = 0, in the form that does not cancel.
    """
    a = ratio * (counts.n_t + counts.n_c)
    b = ratio * (counts.n_t + counts.x_c) + counts.x_t + counts.n_c
    c = counts.x_t + counts.x_c
    return min(1.0, 2.0 * c / (b + math.sqrt(max(0.0, b * b - 4.0 * a * c))))


def _share_given_difference(counts: Counts, difference: float) -> float:
    """Control's maximum likelihood share when the treated share is higher by `difference`.

    The root of a cubic has a closed form (Farrington and Manning 1990, Statistics in Medicine 9:1447), which loses half
    the digits near a double root. It is the start; Newton steps on the concave log-likelihood do the rest.
    """
    low, high = max(0.0, -difference), min(1.0, 1.0 - difference)
    end = _share_at_an_end(counts, difference, low, high)
    if end is not None:
        return end
    p = _cubic_root(counts, difference)
    if not low < p < high:
        p = 0.5 * (low + high)
    for _ in range(_STEPS):
        slope, curvature = _likelihood_slope(counts, p, difference)
        if slope > 0.0:
            low = p
        else:
            high = p
        step = p + slope / curvature
        if not low < step < high:
            step = 0.5 * (low + high)
        if abs(step - p) <= 1e-15 * p:
            return step
        p = step
    return p


def _share_at_an_end(counts: Counts, difference: float, low: float, high: float) -> float | None:
    """The end of the possible range of control's share where the likelihood is highest, if it is highest at an end."""
    if not low < high:
        return low
    pinned_low = counts.x_c if difference >= 0.0 else counts.x_t
    pinned_high = counts.n_t - counts.x_t if difference >= 0.0 else counts.n_c - counts.x_c
    if difference == 0.0:
        pinned_low = counts.x_c + counts.x_t
        pinned_high = counts.n_t + counts.n_c - pinned_low
    if pinned_low == 0 and _likelihood_slope(counts, low, difference)[0] <= 0.0:
        return low
    if pinned_high == 0 and _likelihood_slope(counts, high, difference)[0] >= 0.0:
        return high
    return None


def _likelihood_slope(counts: Counts, p: float, difference: float) -> tuple[float, float]:
    """First derivative of the log-likelihood in control's share p, and minus the second."""
    q = p + difference
    slope = curvature = 0.0
    for count, distance, sign in (
        (counts.x_c, p, 1.0),
        (counts.n_c - counts.x_c, 1.0 - p, -1.0),
        (counts.x_t, q, 1.0),
        (counts.n_t - counts.x_t, 1.0 - q, -1.0),
    ):
        if count:
            rate = count / distance if distance > 0.0 else math.inf
            slope += sign * rate
            curvature += rate / distance if distance > 0.0 else math.inf
    return slope, curvature


def _cubic_root(counts: Counts, d: float) -> float:
    """The closed form of control's constrained share."""
    total = counts.n_t + counts.n_c
    x = counts.x_t + counts.x_c
    a = ((counts.n_t + 2 * counts.n_c) * d - total - x) / (3.0 * total)
    b = ((counts.n_c * d - total - 2 * counts.x_c) * d + x) / total
    c = counts.x_c * d * (1.0 - d) / total
    q = a * a * a - a * b / 2.0 + c / 2.0
    u = math.copysign(math.sqrt(max(0.0, a * a - b / 3.0)), q)
    cube = u * u * u
    angle = (math.pi + math.acos(min(1.0, max(-1.0, q / cube)))) / 3.0 if cube else math.pi / 2.0
    return 2.0 * u * math.cos(angle) - a
