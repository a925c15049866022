"""How much effects are overstated because only those that looked good were shipped or told."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scipy import special

from holdfast.model.outcome import NotEstimable
from holdfast.stats.effect import Effect, unusable
from holdfast.stats.tails import checked_confidence, critical

_ROOT = math.sqrt(2.0 * math.pi)


@dataclass(frozen=True, slots=True)
class Corrected:
    """An effect that was looked at because it was significant, with that taken into account."""

    estimate: float
    """The conditional maximum likelihood estimate."""
    lower: float
    """Lower bound, given the selection."""
    upper: float
    """Upper bound, given the selection."""
    confidence: float
    """Two-sided confidence of the bounds."""


@dataclass(frozen=True, slots=True)
class TotalBias:
    """The sum of the effects that were selected, corrected."""

    selected: int
    """Effects above their threshold."""
    total: float
    """Sum of their estimates."""
    bias: float
    """By how much that sum is expected to overstate their true effects."""
    corrected: float
    """total - bias."""


@dataclass(frozen=True, slots=True)
class Exaggeration:
    """What a significant result of a design is worth, for a true effect of a given size."""

    power: float
    """Probability of a significant result."""
    wrong_sign: float
    """Type S: the probability that a significant estimate has the wrong sign."""
    exaggeration: float
    """Type M: by what factor significant estimates overstate the effect on average."""


def conditional_estimate(effect: Effect, *, cut: float, confidence: float) -> Corrected | NotEstimable:
    """The effect, corrected for having been looked at because |estimate| was above cut standard errors.

    Args:
        effect: the estimate that was selected.
        cut: the critical value of the selection, such as 1.96; 0 for none.
        confidence: two-sided, 0.95 for 95%.

    Formula: z = estimate/se is normal around m, given |z| > cut: density phi(z - m)/P(m), with
    P(m) = Phi(m - cut) + Phi(-m - cut). The estimate is se times the m of the highest density; bounds are those m at
    which the observed z is the upper or lower quantile of its conditional distribution.
    Source: Zhong and Prentice (2008), Biostatistics 9:621.

    Returns:
        NotEstimable "not_planned" where |z| is not above cut, for which there is nothing to correct; "zero_variance",
        "not_finite".

    Raises:
        ValueError: for a negative standard error or cut, or a confidence outside (0, 1).

    >>> round(conditional_estimate(Effect(0.030, 0.012), cut=1.96, confidence=0.95).estimate, 4)
    0.0137
    """
    checked_confidence(confidence)
    if not (math.isfinite(cut) and cut >= 0.0):
        raise ValueError(f"a cut is 0 or more: {cut}")
    missing = unusable([effect], least=1, reason="too_few_studies", what="effects")
    if missing is not None:
        return missing
    z = abs(effect.estimate) / effect.se
    if not z > cut:
        return NotEstimable("not_planned", f"the estimate is {z:.3g} standard errors from 0; {cut:.3g} was not passed")
    if not math.isfinite(z):
        return NotEstimable("not_finite", "the estimate is too many standard errors from 0")
    tail = (1.0 - confidence) / 2.0
    found = [_falls_to_zero(lambda m: z - m - _pull(m, cut), z)]
    for share in (1.0 - tail, tail):
        target = math.log(share) - math.log1p(-share)
        found.append(_falls_to_zero(_beyond(z, cut, target), z))
    sign = math.copysign(effect.se, effect.estimate)
    estimate, first, second = (sign * m for m in found)
    return Corrected(estimate, min(first, second), max(first, second), confidence)


def total_bias(effects: Sequence[Effect], *, cuts: Sequence[float]) -> TotalBias | NotEstimable:
    """The sum of all effects that were shipped for being large enough, less what chance added to it.

    Args:
        effects: one for each experiment, those that were not shipped included.
        cuts: for each, the estimate above which it was shipped, on the effects' own scale (0.02, or 1.96 se).

    Formula: bias = sum over all experiments of se_i phi((cut_i - e_i)/se_i).
    Source: Lee and Shen (2018), KDD, Winner's curse: bias estimation for total effects of features.

    Returns:
        NotEstimable "too_few_studies" without experiments, "zero_variance", "not_finite".

    Raises:
        ValueError: for a negative standard error, or other than one cut for each experiment.

    >>> found = total_bias([Effect(0.03, 0.012), Effect(0.01, 0.012)], cuts=[0.0235, 0.0235])
    >>> found.selected, round(found.bias, 5), round(found.corrected, 5)
    (1, 0.00668, 0.02332)
    """
    if len(cuts) != len(effects):
        raise ValueError(f"{len(cuts)} cuts for {len(effects)} experiments")
    missing = unusable(effects, least=1, reason="too_few_studies", what="experiments")
    if missing is not None:
        return missing
    if not all(math.isfinite(cut) for cut in cuts):
        return NotEstimable("not_finite", "a cut is not finite")
    chosen = [effect.estimate for effect, cut in zip(effects, cuts, strict=True) if effect.estimate > cut]
    bias = math.fsum(
        effect.se * _density((cut - effect.estimate) / effect.se) for effect, cut in zip(effects, cuts, strict=True)
    )
    total = math.fsum(chosen)
    return TotalBias(len(chosen), total, bias, total - bias)


def exaggeration(*, effect: float, se: float, alpha: float = 0.05) -> Exaggeration:
    """How often a significant result of this precision has the wrong sign, and how far it overstates the effect.

    Args:
        effect: a true effect that is plausible from outside the experiment, not its own estimate; not 0.
        se: the standard error of the design, on the same scale.
        alpha: two-sided level of the test.

    Formula: m = |effect|/se, c is the critical value, power = Phi(m - c) + Phi(-m - c), type S = Phi(-m - c)/power,
    type M = [phi(c - m) + phi(c + m) + m (Phi(m - c) - Phi(-m - c))] / (m power).
    Sources: Gelman and Carlin (2014), Perspectives on Psychological Science 9:641; the closed form of type M is from
    Lu, Qiu and Deng (2019), British Journal of Mathematical and Statistical Psychology 72:1.

    Raises:
        ValueError: for an effect of 0, a standard error that is not positive, numbers that are not finite, or an alpha
            outside (0, 1).

    >>> found = exaggeration(effect=0.1, se=3.28)
    >>> round(found.power, 2), round(found.wrong_sign, 2), round(found.exaggeration)
    (0.05, 0.46, 77)
    """
    if not (math.isfinite(effect) and math.isfinite(se) and effect != 0.0 and se > 0.0):
        raise ValueError(f"a true effect is not 0 and its standard error positive: {effect}, {se}")
    c = critical(confidence=1.0 - alpha, df=math.inf)
    m = abs(effect) / se
    if not math.isfinite(m) or m == 0.0:
        raise ValueError(f"an effect of {effect} with a standard error of {se} is out of range")
    right, wrong = float(special.ndtr(m - c)), float(special.ndtr(-m - c))
    power = right + wrong
    above = _density(c - m) + _density(c + m) + m * (right - wrong)
    return Exaggeration(power, wrong / power, above / (m * power))


def _density(x: float) -> float:
    return math.exp(-0.5 * x * x) / _ROOT if abs(x) < 40.0 else 0.0


def _log_sum(a: float, b: float) -> float:
    return max(a, b) + math.log1p(math.exp(-abs(a - b)))


def _pull(m: float, cut: float) -> float:
    """The slope of log P(m): how far selection moves the mean of z from m, in standard errors."""
    near, far = float(special.log_ndtr(m - cut)), float(special.log_ndtr(-m - cut))
    whole = _log_sum(near, far)
    half = 0.5 * math.log(2.0 * math.pi)
    return math.exp(-0.5 * (m - cut) ** 2 - half - whole) - math.exp(-0.5 * (m + cut) ** 2 - half - whole)


def _log_odds_below(z: float, m: float, cut: float) -> float:
    """The log odds of a smaller z given |z| > cut, for an observed z above cut. It falls as m grows."""
    above = float(special.log_ndtr(m - z))
    # Between cut and z, and below -cut: both are differences of tails on the side where they are small.
    upper, lower = (cut - m, z - m) if cut > m else (m - z, m - cut)
    big = float(special.log_ndtr(-upper if cut > m else lower))
    small = float(special.log_ndtr(-lower if cut > m else upper))
    gap = small - big
    between = big + math.log(-math.expm1(gap)) if gap < 0.0 else -math.inf
    return _log_sum(float(special.log_ndtr(-m - cut)), between) - above


def _beyond(z: float, cut: float, target: float) -> Callable[[float], float]:
    """How far the log odds of a smaller z exceed a target, as a function of m."""
    return lambda m: _log_odds_below(z, m, cut) - target


def _falls_to_zero(function: Callable[[float], float], z: float) -> float:
    """Where a falling function of m crosses 0."""
    from scipy.optimize import brentq

    low, high, reach = 0.0, z, 1.0
    while function(low) < 0.0 and reach < 1e6:
        low, reach = low - reach, reach * 2.0
    reach = 1.0
    while function(high) > 0.0 and reach < 1e6:
        high, reach = high + reach, reach * 2.0
    return float(brentq(function, low, high, xtol=1e-13, rtol=1e-13))
