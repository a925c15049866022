"""Whether an effect differs between segments, and the segments' effects drawn towards what they have in common.

"Significant in one segment and not in another" says nothing: the test of the difference between them does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from holdfast.model.outcome import NotEstimable
from holdfast.stats.effect import Effect, unusable
from holdfast.stats.portfolio import paule_mandel
from holdfast.stats.tails import checked_confidence, critical, upper_f


@dataclass(frozen=True, slots=True)
class Interaction:
    """The test that all segments have one effect."""

    q: float
    """Cochran's Q: the squared distances from the common effect in standard errors."""
    f: float
    """The statistic as F; for two segments the square of the t of their difference."""
    df: tuple[float, float]
    """Degrees of freedom of F; the second is infinite where standard errors are as good as known."""
    p: float
    """Probability of effects at least this different, if all segments had one."""
    log10_p: float
    """Base-10 logarithm of p, also where p is 0.0."""


@dataclass(frozen=True, slots=True)
class Reversal:
    """The test that no segment is harmed where another gains."""

    statistic: float
    """Gail and Simon's: the smaller of the two sums of squared z, of positive and of negative effects."""
    p: float
    """Probability of effects this opposite, if none truly had the other sign."""
    positive: int
    """Segments with an estimate above 0."""
    negative: int
    """Segments with an estimate below 0."""


@dataclass(frozen=True, slots=True)
class Shrunken:
    """One segment's effect, drawn towards the common effect."""

    estimate: float
    """The shrunken effect."""
    se: float
    """Its standard error, with that of the common effect and of the spread between segments in it."""
    lower: float
    """Lower bound."""
    upper: float
    """Upper bound."""
    weight: float
    """The share of the segment's own estimate in it, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """All segments' effects, shrunken."""

    common: float
    """The effect that segments are drawn towards: their mean, weighted by 1 / (se^2 + tau2)."""
    tau2: float
    """Variance of true effects between segments, by Paule and Mandel; 0 where they differ no more than by chance."""
    confidence: float
    """Two-sided confidence of the bounds."""
    effects: tuple[Shrunken, ...]
    """In the order given."""


def interaction(effects: Sequence[Effect]) -> Interaction | NotEstimable:
    """How probable it is that segments with one and the same effect show effects as different as these.

    Args:
        effects: one for each segment, from different units: differences, or log ratios for the relative view.

    Formula: Q = sum w_i (e_i - e)^2 with w_i = 1/se_i^2 and e their weighted mean; with A = sum (1 - w_i/W)^2/df_i,
    F = [Q/(k-1)] / [1 + 2 (k-2) A/(k^2-1)] with k - 1 and (k^2-1)/(3 A) degrees of freedom. For two segments that is
    Welch's t squared; with df_i infinite, Q as chi-square with k - 1 degrees of freedom.
    Sources: Cochran (1937), Journal of the Royal Statistical Society Supplement 4:102; Welch (1951), Biometrika 38:330.

    Returns:
        NotEstimable "not_planned" for fewer than two segments, "zero_variance", "too_few_units", "not_finite".

    Raises:
        ValueError: for a negative standard error.

    >>> test = interaction([Effect(0.030, 0.008), Effect(0.011, 0.010), Effect(0.005, 0.009)])
    >>> round(test.q, 3), round(test.p, 4)
    (4.778, 0.0917)
    """
    missing = unusable(effects, least=2, reason="not_planned", what="segments")
    if missing is not None:
        return missing
    k = len(effects)
    # In units of the smallest standard error: no weight overflows.
    unit = min(effect.se for effect in effects)
    weights = [(unit / effect.se) * (unit / effect.se) for effect in effects]
    whole = math.fsum(weights)
    common = sum(w * (e.estimate / unit) for w, e in zip(weights, effects, strict=True)) / whole
    gaps = [(e.estimate / unit - common) for e in effects]
    q = sum(w * gap * gap for w, gap in zip(weights, gaps, strict=True))
    if not math.isfinite(q):
        return NotEstimable("not_finite", "the effects are too large to compare")
    parts = sum((1.0 - w / whole) * (1.0 - w / whole) / e.df for w, e in zip(weights, effects, strict=True))
    f = q / (k - 1) / (1.0 + 2.0 * (k - 2) * parts / (k * k - 1))
    df = (k - 1.0, (k * k - 1.0) / (3.0 * parts) if parts > 0.0 else math.inf)
    p, log10_p = upper_f(f, df1=df[0], df2=df[1])
    return Interaction(q, f, df, p, log10_p)


def reversal(effects: Sequence[Effect]) -> Reversal | NotEstimable:
    """How probable effects this opposite are, if no segment truly lost where another gains (or the other way round).

    Args:
        effects: one for each segment, from different units; many units each, as z is taken for normal.

    Formula: min(sum of z^2 over e > 0, sum over e < 0); p = sum over h = 1..k-1 of Binomial(h; k-1, 1/2) times the
    upper tail of chi-square with h degrees of freedom. Source: Gail and Simon (1985), Biometrics 41:361.

    Returns:
        NotEstimable for the reasons of `interaction`. Where all effects have one sign the statistic is 0 and p is 1.

    Raises:
        ValueError: for a negative standard error.

    >>> test = reversal([Effect(0.163, 0.0788), Effect(-0.114, 0.0689), Effect(-0.047, 0.0614), Effect(-0.151, 0.0547)])
    >>> round(test.statistic, 2), round(test.p, 3)
    (4.28, 0.088)
    """
    missing = unusable(effects, least=2, reason="not_planned", what="segments")
    if missing is not None:
        return missing
    z = [effect.estimate / effect.se for effect in effects]
    sides = [sum(each * each for each in z if each * sign > 0.0) for sign in (1.0, -1.0)]
    statistic = min(sides)
    if not math.isfinite(statistic):
        return NotEstimable("not_finite", "the effects are too large to compare")
    others = len(effects) - 1
    tails = [math.comb(others, h) * 0.5**others * float(special.chdtrc(h, statistic)) for h in range(1, others + 1)]
    p = math.fsum(tails) if statistic > 0.0 else 1.0
    return Reversal(statistic, p, sum(each > 0.0 for each in z), sum(each < 0.0 for each in z))


def shrink(effects: Sequence[Effect], *, confidence: float) -> Shrinkage | NotEstimable:
    """The segments' effects with the noise of small segments taken out: what to expect of each from now on.

    Args:
        effects: one for each segment, from different units; at least three.
        confidence: two-sided, 0.95 for 95%.

    Formula: true effects are N(mu, tau^2), estimates N(true, se_i^2). mu is the mean weighted by 1/(se_i^2 + tau^2).
    Each effect is (1 - s_i) e_i + s_i mu with s_i = c se_i^2/(se_i^2 + tau^2), where c = (k-3)/(k-1), but 1/2 for three
    segments, keeps some of every segment's own estimate since tau^2 is itself estimated. Variance:
    se_i^2 (1 - (1 - h_i) s_i) + 2/(k-1) s_i^2 (e_i - mu)^2, h_i the share of segment i in mu.
    Source: Morris (1983), Journal of the American Statistical Association 78:47; tau^2 by Paule and Mandel (1982).

    Returns:
        NotEstimable "too_few_studies" for fewer than three segments, "zero_variance", "too_few_units", "not_finite".

    Raises:
        ValueError: for a negative standard error, or a confidence outside (0, 1).
    """
    checked_confidence(confidence)
    missing = unusable(effects, least=3, reason="too_few_studies", what="segments")
    if missing is not None:
        return missing
    tau2 = paule_mandel(effects)
    if isinstance(tau2, NotEstimable):
        return tau2
    k = len(effects)
    spread = np.array([effect.se * effect.se for effect in effects])
    seen = np.array([effect.estimate for effect in effects])
    share = 1.0 / (spread + tau2)
    share = share / share.sum()
    common = float(share @ seen)
    kept = max((k - 3.0) / (k - 1.0), 0.5)
    drawn = kept * spread / (spread + tau2)
    values = seen + drawn * (common - seen)
    variance = spread * (1.0 - (1.0 - share) * drawn) + 2.0 / (k - 1.0) * drawn**2 * (seen - common) ** 2
    reach = critical(confidence=confidence, df=math.inf)
    found = tuple(
        Shrunken(float(value), se, float(value) - reach * se, float(value) + reach * se, 1.0 - float(part))
        for value, se, part in zip(values, np.sqrt(variance).tolist(), drawn, strict=True)
    )
    return Shrinkage(common, tau2, confidence, found)
