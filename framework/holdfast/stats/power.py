"""What a planned size can tell, before there are data: by the normal approximation, for two variants of any sizes."""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri

from holdfast.model.outcome import NotEstimable


def detectable_difference(
    *, unit_variance: float, treated: int, control: int, alpha: float, power: float
) -> float | NotEstimable:
    """The smallest true difference that a two-sided test finds with the given power.

    Args:
        unit_variance: variance between units; p (1 - p) for a proportion.
        treated, control: units of each variant.
        alpha: two-sided significance level.
        power: the chance to find it, 0.8 for 80%.

    Formula: (z_(1 - alpha/2) + z_power) sqrt(s² (1/n_t + 1/n_c)). Source: Cohen (1988), Statistical Power Analysis.

    >>> round(detectable_difference(unit_variance=0.09, treated=5000, control=5000, alpha=0.05, power=0.8), 4)
    0.0168
    """
    se = _se(unit_variance, treated, control)
    return se if isinstance(se, NotEstimable) else float((ndtri(1 - alpha / 2) + ndtri(power)) * se)


def non_inferiority_power(
    *, unit_variance: float, margin: float, treated: int, control: int, confidence: float
) -> float | NotEstimable:
    """The chance that a guardrail reads safe when the tactic does no harm at all.

    Args:
        unit_variance: variance between units.
        margin: the tolerated harm on the metric's own scale, above zero.
        treated, control: units of each variant.
        confidence: one-sided, 0.95.

    Formula: Phi(margin / sqrt(s² (1/n_t + 1/n_c)) - z_confidence). Source: Chow, Shao and Wang (2008), Sample Size
    Calculations in Clinical Research, 3.2.

    >>> sizes = {"treated": 12_000, "control": 12_000}
    >>> round(non_inferiority_power(unit_variance=0.0036, margin=0.003, confidence=0.95, **sizes), 3)
    0.987
    """
    se = _se(unit_variance, treated, control)
    return se if isinstance(se, NotEstimable) else float(ndtr(margin / se - ndtri(confidence)))


def non_inferiority_units(
    *, unit_variance: float, margin: float, shares: tuple[float, float], confidence: float, power: float
) -> int | NotEstimable:
    """How many units in the two variants together let a guardrail read safe with the given power.

    Args:
        unit_variance: variance between units.
        margin: the tolerated harm on the metric's own scale, above zero.
        shares: of these units, how many are treated and how many control; they add up to 1.
        confidence: one-sided, 0.95.
        power: the chance to read safe, 0.8 for 80%.

    Formula: (z_confidence + z_power)² s² (1/q_t + 1/q_c) / margin².
    """
    if not (unit_variance > 0 and margin > 0 and all(share > 0 for share in shares)):
        return NotEstimable("zero_variance", "the variance, the margin and both shares are above zero")
    spread = unit_variance * sum(1 / share for share in shares)
    return math.ceil(float((ndtri(confidence) + ndtri(power)) ** 2) * spread / margin**2)


def _se(unit_variance: float, treated: int, control: int) -> float | NotEstimable:
    if treated < 1 or control < 1:
        return NotEstimable("no_units", "both variants have units")
    if not (math.isfinite(unit_variance) and unit_variance > 0):
        return NotEstimable("zero_variance", "the variance between units is above zero")
    return math.sqrt(unit_variance * (1 / treated + 1 / control))
