"""Two variants compared: difference, relative lift and non-inferiority, all from the same two arms and the same df.

A variant's estimate may be a mean, a share, a ratio or an adjusted mean; these functions do not care which.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from holdfast.model.outcome import NotEstimable
from holdfast.stats.arm import Arm
from holdfast.stats.tails import checked_confidence, critical, two_sided, upper_tail

State = Literal["safe", "harm", "cannot_tell"]


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimated effect with its two-sided confidence interval and p-value."""

    estimate: float
    """The effect: a difference in the metric's unit, or a relative lift (0.1 is +10%)."""
    se: float
    """Standard error of the estimate, on the same scale. Score intervals: half their width over z."""
    lower: float
    """Lower confidence bound."""
    upper: float
    """Upper confidence bound."""
    statistic: float
    """The test statistic of "no effect". A lift carries that of its difference."""
    df: float
    """Degrees of freedom of the statistic; infinite for a normal one."""
    p: float
    """Two-sided p-value; 0.0 once it is below what a double can hold."""
    log10_p: float
    """Base-10 logarithm of p, exact also where p is 0.0."""
    confidence: float
    """Two-sided confidence of the interval, 0.95 for 95%."""
    method: str
    """The method in words."""


@dataclass(frozen=True, slots=True)
class OneSided:
    """An effect judged against a tolerated harm."""

    estimate: float
    """The effect: a relative change where `relative`, else a difference."""
    se: float
    """Standard error of the estimate, on the same scale."""
    lower: float
    """Lower one-sided bound at `confidence`."""
    upper: float
    """Upper one-sided bound at `confidence`; with `lower` the two-sided interval at 2 * confidence - 1."""
    p_safe: float
    """One-sided p-value of "the harm is at least the margin"; small speaks for safe."""
    p_harm: float
    """One-sided p-value of "the harm is at most the margin"; small speaks for harm."""
    confidence: float
    """One-sided confidence of each bound."""
    margin: float
    """The tolerated harm as it was given, positive: a difference, or a share of the control's estimate."""
    relative: bool
    """True where estimate, se, lower and upper are relative changes; False where they are differences."""
    state: State
    """safe: harm beyond the margin is ruled out. harm: it is shown. cannot_tell: neither."""
    method: str
    """The method in words."""


def difference(treated: Arm, control: Arm, *, confidence: float, covariance: float = 0.0) -> Interval | NotEstimable:
    """How much higher the treated variant is than control, in the metric's own unit.

    Args:
        treated, control: the two variants.
        confidence: two-sided, 0.95 for 95%.
        covariance: of the two estimates; not 0 only where an adjustment used units of both variants.

    Formula: d = theta_t - theta_c; se^2 = V_t + V_c - 2 C; t with df = (V_t + V_c)^2 / (V_t^2/df_t + V_c^2/df_c).
    Sources: Welch (1947), Biometrika 34:28; Satterthwaite (1946), Biometrics Bulletin 2:110.

    Returns:
        NotEstimable "zero_variance" where neither variant varies (also when they are equal), "too_few_units" where a
        variance has no degrees of freedom, "not_finite" for infinite or missing numbers.

    Raises:
        ValueError: for a confidence outside (0, 1), or a negative variance.

    >>> treated, control = Arm(theta=12.0, variance=0.09, n=100), Arm(theta=11.0, variance=0.16, n=80)
    >>> effect = difference(treated, control, confidence=0.95)
    >>> effect.estimate, round(effect.lower, 3), round(effect.upper, 3), round(effect.p, 4)
    (1.0, 0.012, 1.988, 0.0473)
    """
    checked_confidence(confidence)
    spread = _spread(treated, control, covariance)
    if isinstance(spread, NotEstimable):
        return spread
    se, df = spread
    estimate = treated.theta - control.theta
    reach = critical(confidence=confidence, df=df) * se
    statistic = estimate / se
    p, log10_p = two_sided(statistic, df=df)
    return finite(
        Interval(
            estimate=estimate,
            se=se,
            lower=estimate - reach,
            upper=estimate + reach,
            statistic=statistic,
            df=df,
            p=p,
            log10_p=log10_p,
            confidence=confidence,
            method="Welch t",
        )
    )


def fieller_lift(treated: Arm, control: Arm, *, confidence: float, covariance: float = 0.0) -> Interval | NotEstimable:
    """By what share the treated variant is higher than control: 0.1 is +10%.

    The interval leaves out 0 exactly when that of `difference` does, and statistic, df and p are those of `difference`
    with the same arguments.

    Args:
        treated, control: the two variants.
        confidence: two-sided, 0.95 for 95%.
        covariance: of the two estimates; not 0 only where an adjustment used units of both variants.

    Formula: all lifts x with |theta_t - (1 + x) theta_c| <= t sqrt(V_t + (1 + x)^2 V_c - 2 (1 + x) C), t at the df of
    the difference; an interval where g = t^2 V_c / theta_c^2 < 1. se is that of the delta method.
    Source: Fieller (1954), Journal of the Royal Statistical Society B 16:175.

    Returns:
        NotEstimable "baseline_not_positive" where control's estimate is 0 or less, "baseline_too_close_to_zero" where
        its own interval reaches 0 (g >= 1), and whatever `difference` returns.

    Raises:
        ValueError: for a confidence outside (0, 1), or a negative variance.

    >>> treated, control = Arm(theta=12.0, variance=0.09, n=100), Arm(theta=10.0, variance=0.16, n=80)
    >>> lift = fieller_lift(treated, control, confidence=0.95)
    >>> round(lift.estimate, 3), round(lift.lower, 3), round(lift.upper, 3)
    (0.2, 0.095, 0.32)
    """
    absolute = difference(treated, control, confidence=confidence, covariance=covariance)
    if isinstance(absolute, NotEstimable):
        return absolute
    base = control.theta
    if base <= 0.0:
        return NotEstimable("baseline_not_positive", f"the control's estimate is {base:.6g}")
    t = critical(confidence=confidence, df=absolute.df)
    base_variance = control.variance / base / base
    if not t * t * base_variance < 1.0:
        return NotEstimable(
            "baseline_too_close_to_zero",
            f"the control's estimate is {base:.6g} with a standard error of {math.sqrt(control.variance):.6g}",
        )
    shared = covariance / base / base
    ratio = treated.theta / base
    variance = treated.variance / base / base + ratio * ratio * base_variance - 2.0 * ratio * shared
    se = math.sqrt(max(variance, 0.0))
    lower, upper = fieller_bounds(absolute, base=base, t=t, base_variance=base_variance, shared=shared, se=se)
    lift = absolute.estimate / base
    return finite(replace(absolute, estimate=lift, se=se, lower=lower, upper=upper, method="Fieller"))


def non_inferiority(
    treated: Arm,
    control: Arm,
    *,
    margin: float,
    relative: bool,
    increase_is_good: bool,
    confidence: float,
    covariance: float = 0.0,
) -> OneSided | NotEstimable:
    """Whether the treated variant is safe, that is, not worse than control by as much as the tolerated harm.

    Args:
        treated, control: the two variants.
        margin, relative: the tolerated harm, 0 or more: in the metric's unit, or where relative as a share of control.
        increase_is_good: True where a fall is the harm (revenue), False where a rise is (complaints).
        confidence: one-sided, above 0.5; 0.95 tests at 5% on each side.
        covariance: of the two estimates; not 0 only where an adjustment used units of both variants.

    Formula: t = slack / se(slack), both from `slack`, at the df of `difference`. safe: t above the one-sided critical
    value; harm: below its negative. p_safe = P(T > t), p_harm = P(T < t).

    Returns:
        For an absolute margin, estimate, se, lower and upper are those of the difference at 2 * confidence - 1. For a
        relative one they are those of Fieller's lift, with `relative` True; where that is not estimable they are those
        of the difference, with `relative` False, while state and p-values still judge the relative margin. State and
        bounds on the same scale agree: safe iff the bound on the harmful side is inside the margin.
        NotEstimable "baseline_not_positive" for a relative margin where control's estimate is 0 or less, and whatever
        `difference` returns.

    Raises:
        ValueError: for a margin that is negative or not finite, a relative margin of 1 or more where an increase is
            good, a confidence outside (0.5, 1), or a negative variance.

    >>> judged = non_inferiority(Arm(theta=9.9, variance=0.01, n=900), Arm(theta=10.0, variance=0.01, n=900),
    ...                          margin=0.05, relative=True, increase_is_good=True, confidence=0.95)
    >>> judged.state, round(judged.lower, 4), round(judged.upper, 4), judged.relative
    ('safe', -0.0329, 0.0134, True)
    """
    checked_margin(margin, relative=relative, increase_is_good=increase_is_good)
    two_sided_confidence = 2.0 * checked_confidence(confidence, one_sided=True) - 1.0
    shown = difference(treated, control, confidence=two_sided_confidence, covariance=covariance)
    if isinstance(shown, NotEstimable):
        return shown
    left = slack(
        treated, control, margin=margin, relative=relative, increase_is_good=increase_is_good, covariance=covariance
    )
    if isinstance(left, NotEstimable):
        return left
    as_lift = False
    if relative:
        lift = fieller_lift(treated, control, confidence=two_sided_confidence, covariance=covariance)
        if isinstance(lift, Interval):
            shown, as_lift = lift, True
    statistic, method = left[0] / math.sqrt(left[1]), "one-sided Welch t on the contrast with the margin"
    return judge(shown, statistic=statistic, margin=margin, relative=as_lift, confidence=confidence, method=method)


def slack(
    treated: Arm, control: Arm, *, margin: float, relative: bool, increase_is_good: bool, covariance: float = 0.0
) -> tuple[float, float] | NotEstimable:
    """How far the treated variant is inside the tolerated harm, positive where it is, and the variance of that.

    Args:
        treated, control, margin, relative, increase_is_good, covariance: as in `non_inferiority`.

    Formula: with s = 1 where an increase is good, else -1: s (theta_t - theta_c) + margin, with the variance of
    theta_t - theta_c; for a relative margin r: s (theta_t - w theta_c), w = 1 - s r, with V_t + w^2 V_c - 2 w C.

    Returns:
        NotEstimable "baseline_not_positive" for a relative margin where control's estimate is 0 or less,
        "zero_variance" where the variance is not above 0.

    >>> left, variance = slack(Arm(theta=9.9, variance=0.01, n=900), Arm(theta=10.0, variance=0.01, n=900),
    ...                        margin=0.05, relative=True, increase_is_good=True)
    >>> round(left, 4), round(variance, 6)
    (0.4, 0.019025)
    """
    sign = 1.0 if increase_is_good else -1.0
    weight, tolerated = 1.0, margin
    if relative:
        if control.theta <= 0.0:
            return NotEstimable("baseline_not_positive", f"the control's estimate is {control.theta:.6g}")
        weight, tolerated = 1.0 - sign * margin, margin * control.theta
    variance = treated.variance + weight * weight * control.variance - 2.0 * weight * covariance
    if not variance > 0.0:
        return NotEstimable("zero_variance", "the contrast with the margin does not vary")
    return sign * (treated.theta - control.theta) + tolerated, variance


def judge(
    shown: Interval,
    *,
    statistic: float,
    margin: float,
    relative: bool,
    confidence: float,
    method: str,
) -> OneSided:
    """The effect `shown`, judged by the statistic of its slack against the margin (positive: inside the margin)."""
    limit = critical(confidence=confidence, df=shown.df, one_sided=True)
    state: State = "safe" if statistic > limit else "harm" if statistic < -limit else "cannot_tell"
    return OneSided(
        estimate=shown.estimate,
        se=shown.se,
        lower=shown.lower,
        upper=shown.upper,
        p_safe=upper_tail(statistic, df=shown.df),
        p_harm=upper_tail(-statistic, df=shown.df),
        confidence=confidence,
        margin=margin,
        relative=relative,
        state=state,
        method=method,
    )


def checked_margin(margin: float, *, relative: bool, increase_is_good: bool) -> float:
    """The margin itself, once it is known to be a tolerated harm.

    Raises:
        ValueError: for a negative or infinite margin, or a relative one of 1 or more where an increase is good.
    """
    if not (math.isfinite(margin) and margin >= 0.0):
        raise ValueError(f"a margin is a tolerated harm, 0 or more: {margin}")
    if relative and increase_is_good and margin >= 1.0:
        raise ValueError(f"a relative margin of {margin} tolerates the loss of everything")
    return margin


def _spread(treated: Arm, control: Arm, covariance: float) -> tuple[float, float] | NotEstimable:
    """Standard error of the difference and its Satterthwaite degrees of freedom."""
    numbers = (treated.theta, treated.variance, control.theta, control.variance, covariance)
    if not all(math.isfinite(number) for number in numbers):
        return NotEstimable("not_finite", f"estimates and variances {numbers}")
    if treated.variance < 0.0 or control.variance < 0.0:
        raise ValueError(f"a variance is never negative: {treated.variance}, {control.variance}")
    both = treated.variance + control.variance
    total = both - 2.0 * covariance
    if not (both > 0.0 and total > 0.0):
        return NotEstimable("zero_variance", "neither variant varies")
    share = treated.variance / both
    if (share > 0.0 and not treated.df > 0.0) or (share < 1.0 and not control.df > 0.0):
        return NotEstimable("too_few_units", f"degrees of freedom {treated.df:g} and {control.df:g}")
    parts = (share * share / treated.df if share > 0.0 else 0.0) + (
        (1.0 - share) * (1.0 - share) / control.df if share < 1.0 else 0.0
    )
    return math.sqrt(total), 1.0 / parts if parts > 0.0 else math.inf


def fieller_bounds(
    absolute: Interval, *, base: float, t: float, base_variance: float, shared: float, se: float
) -> tuple[float, float]:
    """Fieller's bounds of the lift x: the roots of slope x^2 - 2 middle x + product, all variances in units of base^2.

    Written so that the product of the roots has exactly the sign of the product of the difference's own two bounds, and
    with a discriminant that is a sum of squares.
    """
    lift, own = absolute.estimate / base, base_variance - shared
    slope = 1.0 - t * t * base_variance  # 1 - g
    middle = lift + t * t * own
    product = (absolute.lower / base) * (absolute.upper / base)
    bend = t * t * (own + base_variance * lift)
    outer = middle + math.copysign(math.sqrt(bend * bend + slope * t * t * se * se), middle)
    roots = (outer / slope, product / outer) if outer else (0.0, 0.0)
    return min(*roots, lift), max(*roots, lift)


def finite(interval: Interval) -> Interval | NotEstimable:
    """The interval, unless a number in it left the range of a double."""
    numbers = (interval.estimate, interval.se, interval.lower, interval.upper, interval.statistic, interval.log10_p)
    if all(math.isfinite(number) for number in numbers):
        return interval
    return NotEstimable("not_finite", "the effect or its interval is too large to compute")
