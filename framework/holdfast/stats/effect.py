"""An effect reduced to its estimate and standard error: what segments and past experiments are compared by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.model.outcome import NotEstimable, Reason
from holdfast.stats.arm import Arm
from holdfast.stats.contrast import Interval, difference


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect: that of a segment, or of an experiment."""

    estimate: float
    """The effect, on a scale where 0 is none: a difference, a lift or a log ratio."""
    se: float
    """Its standard error, on the same scale."""
    df: float = math.inf
    """Degrees of freedom of the standard error; infinite where it is as good as known."""


def absolute_effect(treated: Arm, control: Arm, *, covariance: float = 0.0) -> Effect | NotEstimable:
    """The difference between two variants as an effect, in the metric's unit.

    Formula: that of `difference`, with its Satterthwaite degrees of freedom.

    Returns:
        NotEstimable for the reasons of `difference`.

    >>> effect = absolute_effect(Arm(theta=12.0, variance=0.09, n=101), Arm(theta=10.0, variance=0.16, n=101))
    >>> effect.estimate, effect.se, round(effect.df, 3)
    (2.0, 0.5, 185.46)
    """
    found = difference(treated, control, confidence=0.95, covariance=covariance)
    return Effect(found.estimate, found.se, found.df) if isinstance(found, Interval) else found


def relative_effect(treated: Arm, control: Arm, *, covariance: float = 0.0) -> Effect | NotEstimable:
    """The log of the ratio of two variants as an effect: expm1 of it is the lift, 0.1 being +10%.

    Formula: log(theta_t / theta_c), se^2 = V_t/theta_t^2 + V_c/theta_c^2 - 2 C/(theta_t theta_c), the delta method;
    degrees of freedom are Satterthwaite's of those two terms.

    Returns:
        NotEstimable "baseline_not_positive" where either estimate is 0 or less, and the reasons of `difference`.

    >>> effect = relative_effect(Arm(theta=12.0, variance=0.09, n=101), Arm(theta=10.0, variance=0.16, n=101))
    >>> round(effect.estimate, 6), round(effect.se, 6)
    (0.182322, 0.04717)
    """
    for arm in (treated, control):
        if math.isfinite(arm.theta) and arm.theta <= 0.0:
            return NotEstimable("baseline_not_positive", f"an estimate is {arm.theta:.6g}; a ratio needs positive ones")
    scaled = [Arm(1.0, arm.variance / arm.theta / arm.theta, arm.n, arm.df) for arm in (treated, control)]
    found = difference(*scaled, confidence=0.95, covariance=covariance / treated.theta / control.theta)
    if isinstance(found, NotEstimable):
        return found
    size = math.log(treated.theta) - math.log(control.theta)
    return Effect(size, found.se, found.df) if math.isfinite(size) else NotEstimable("not_finite", "an infinite ratio")


def unusable(effects: Sequence[Effect], *, least: int, reason: Reason, what: str) -> NotEstimable | None:
    """Why effects cannot be put together; None where they can.

    Returns:
        NotEstimable with the reason given under `least` effects; "not_finite"; "zero_variance" where a standard error
        is 0; "too_few_units" where one has no degrees of freedom.

    Raises:
        ValueError: for a negative standard error.
    """
    if any(effect.se < 0.0 for effect in effects):
        raise ValueError("a standard error is never negative")
    if not all(math.isfinite(number) for effect in effects for number in (effect.estimate, effect.se)):
        return NotEstimable("not_finite", f"{what} has an effect or standard error that is not finite")
    if len(effects) < least:
        return NotEstimable(reason, f"{len(effects)} {what}; at least {least} are needed")
    if any(effect.se == 0.0 for effect in effects):
        return NotEstimable("zero_variance", f"{what} has a standard error of 0")
    if not all(effect.df > 0.0 for effect in effects):
        return NotEstimable("too_few_units", f"{what} has a standard error without degrees of freedom")
    return None
