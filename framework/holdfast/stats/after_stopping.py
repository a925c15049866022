"""What is said of an effect once a look has stopped the experiment: an estimate without the bias of stopping early.

Outcomes are ordered by stage: the earlier a boundary is crossed, the more extreme; at the same look by the statistic.
Sources: Tsiatis, Rosner and Mehta (1984), Biometrics 40:797; Jennison and Turnbull (2000), Group Sequential Methods
with Applications to Clinical Trials, chapter 8.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from scipy import special

from holdfast.model.outcome import NotEstimable
from holdfast.stats.group_sequential import checked_information
from holdfast.stats.tails import checked_confidence, two_sided
from holdfast.stats.walk import advance, at_least, at_most, start

_LOG10 = math.log(10.0)
_FARTHEST = 37.0
"""Statistics beyond this are ordered like this one: the normal tail ends here for a double."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """An effect after the last look."""

    estimate: float
    """The median-unbiased estimate: as often too high as too low, whatever look it stopped at."""
    lower: float
    """Lower bound of the stagewise interval."""
    upper: float
    """Upper bound of the stagewise interval."""
    p: float
    """The stagewise p-value: two-sided for a two-sided test, else that of "no higher"."""
    log10_p: float
    """Its base-10 logarithm."""
    confidence: float
    """Two-sided confidence of the interval."""


def stagewise_tails(
    information: Sequence[float], critical: Sequence[float], z: float, *, drift: float = 0.0, sides: int = 2
) -> tuple[float, float]:
    """The probabilities of an outcome at least as high, and at least as low, as the one seen at the last look.

    Args:
        information: at each look up to the one that stopped.
        critical: of those looks; that of the last one is not used, and may be left out.
        z: the statistic at the last look.
        drift: the true effect: the expected statistic at information I is drift sqrt(I).
        sides: 2 for boundaries +-c, 1 for an upper boundary alone.

    Formula: P(an earlier look crosses the upper boundary) + P(none stops, Z_k >= z); likewise below.

    Raises:
        ValueError: for lists that do not fit, information that does not rise, or a z or drift that is not finite.

    >>> up, down = stagewise_tails([0.5, 1.0], [2.797], 2.5)
    >>> round(up, 5), round(up + down, 10)
    (0.00793, 1.0)
    """
    measured = checked_information(information, sides=sides)
    if len(critical) not in (len(measured) - 1, len(measured)) or not (math.isfinite(z) and math.isfinite(drift)):
        raise ValueError(
            f"{len(measured)} looks, critical values {tuple(critical)}, z {z} and drift {drift} do not fit"
        )
    before = [(at, c) for at, c in zip(measured[:-1], critical, strict=False) if c < math.inf]
    walk, above, below, last = start(), 0.0, 0.0, measured[-1]
    steps = [at for at, _ in before] + [last]
    if any(after <= earlier for earlier, after in pairwise(steps)):
        raise ValueError(f"information rises from look to look: {measured}")
    reach = min(abs(z), _FARTHEST) + 1.0
    for (at, c), following in zip(before, steps[1:], strict=True):
        low = -c if sides == 2 else -math.inf
        above += at_least(walk, information=at, z=c, drift=drift)
        below += at_most(walk, information=at, z=low, drift=drift) if sides == 2 else 0.0
        walk = advance(walk, information=at, low=low, high=c, following=following, drift=drift, reach=reach)
    above += at_least(walk, information=last, z=z, drift=drift)
    below += at_most(walk, information=last, z=z, drift=drift)
    return above, below


def after_stopping(
    information: Sequence[float],
    critical: Sequence[float],
    z: float,
    *,
    se: float,
    confidence: float,
    sides: int = 2,
) -> Stopped | NotEstimable:
    """The effect that the last look leaves, free of the bias that stopping on a high value brings.

    Args:
        information: at each look up to the last; the scale does not matter.
        critical: of those looks; that of the last one is not used.
        z: the statistic at the last look, on the normal scale: estimate / se for a large experiment.
        se: standard error of the usual estimate at the last look, which gives the result its unit.
        confidence: two-sided, 0.95 for 95%.
        sides: 2 for boundaries +-c, 1 for an upper boundary alone.

    Formula: with p(theta) the probability of an outcome at least as high, the estimate solves p = 1/2, the bounds p =
    (1 - confidence)/2 and (1 + confidence)/2. Where the first look stops it is the usual interval. The statistic of
    an experiment that a rule of its own stopped inside the boundaries counts as that of its last look.

    Returns:
        NotEstimable "not_finite" for a z or se that is infinite or not a number, "zero_variance" for an se of 0.

    Raises:
        ValueError: for a confidence outside (0, 1), a negative se, and as `stagewise_tails`.

    >>> found = after_stopping([0.5, 1.0], [2.797], 2.5, se=0.4, confidence=0.95)
    >>> round(found.estimate, 3), round(found.lower, 3), round(found.upper, 3), round(found.p, 4)
    (0.988, 0.189, 1.777, 0.0159)
    """
    checked_confidence(confidence)
    if not (math.isfinite(z) and math.isfinite(se)):
        return NotEstimable("not_finite", f"statistic {z}, standard error {se}")
    if se < 0.0:
        raise ValueError(f"a standard error is never negative: {se}")
    if se == 0.0:
        return NotEstimable("zero_variance", "the estimate does not vary")
    stagewise_tails(information, critical, z, sides=sides)  # refuses looks that do not fit
    tail = (1.0 - confidence) / 2.0
    if any(c < math.inf for c in critical[: len(information) - 1]):
        p, log10_p = _p(information, critical, z, sides)
        lower, middle, upper = (_drift_at(information, critical, z, q, sides) for q in (tail, 0.5, 1.0 - tail))
    else:
        p, log10_p = _first_look(z, sides)
        lower, middle, upper = (z + float(special.ndtri(q)) for q in (tail, 0.5, 1.0 - tail))
    return Stopped(
        estimate=middle * se, lower=lower * se, upper=upper * se, p=p, log10_p=log10_p, confidence=confidence
    )


def _p(information: Sequence[float], critical: Sequence[float], z: float, sides: int) -> tuple[float, float]:
    above, below = stagewise_tails(information, critical, z, sides=sides)
    p = min(1.0, 2.0 * min(above, below)) if sides == 2 else above
    return p, math.log10(p) if p > 0.0 else _first_look(z, sides)[1]


def _first_look(z: float, sides: int) -> tuple[float, float]:
    """The usual p-value, which needs no walk and has a logarithm however small it is."""
    p, log10_p = two_sided(z, df=math.inf)
    if sides == 2:
        return p, log10_p
    return (p / 2.0, log10_p - math.log10(2.0)) if z > 0.0 else (1.0 - p / 2.0, math.log1p(-p / 2.0) / _LOG10)


def _drift_at(information: Sequence[float], critical: Sequence[float], z: float, quantile: float, sides: int) -> float:
    """The drift under which an outcome at least as high has that probability, in standard errors of the last look."""
    from scipy.optimize import brentq

    measured = checked_information(information, sides=sides)
    scaled = [each / measured[-1] for each in measured]

    def excess(shift: float) -> float:
        above, below = stagewise_tails(scaled, critical, z, drift=shift, sides=sides)
        return above - quantile if quantile < 0.5 else (1.0 - quantile) - below

    low, high, step = z - 3.0, z + 3.0, 4.0
    while excess(low) > 0.0:
        low, step = low - step, 2.0 * step
    step = 4.0
    while excess(high) < 0.0:
        high, step = high + step, 2.0 * step
    return float(brentq(excess, low, high, xtol=1e-10))
