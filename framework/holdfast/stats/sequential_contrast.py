"""Two variants compared at one of several planned looks: difference, lift and margin at the critical value of the look.

An interval here is a repeated one: those of all looks together cover the truth with the stated confidence, whether or
not the experiment stops. Source: Jennison and Turnbull (1989), Journal of the Royal Statistical Society B 51:305.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scipy import special

from holdfast.model.outcome import NotEstimable
from holdfast.stats.arm import Arm
from holdfast.stats.contrast import Interval, OneSided, State, difference, fieller_bounds, fieller_lift, finite
from holdfast.stats.contrast import non_inferiority as fixed_non_inferiority
from holdfast.stats.group_sequential import log_bounds
from holdfast.stats.spending import RHO, Spending
from holdfast.stats.tails import checked_confidence, two_sided

_LOG10 = math.log(10.0)
_ANY = 0.95
"""A confidence for calls of which only estimate, standard error and statistic are used."""
_LARGEST = 0.999
"""An error above this is given as 1."""
_LAST = 37.5
"""The normal value whose tail is the last that a double holds."""
_FARTHEST = 1e100
"""A statistic beyond this counts as this one; its square still fits a double."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at an experiment, as it is written down when it is taken."""

    information: float
    """How precise the estimate is: 1 / se^2, or mature units where their variance swings (heavy tails)."""
    fraction: float
    """The share of the plan that it stands for: information over planned information, or 1 for the last look."""


def look(*, information: float, planned: float, last: bool = False) -> Look:
    """The look at which that much of the planned information is in.

    Args:
        information, planned: now and in the plan, on the same scale, above 0.
        last: whether no look follows; then it spends all that is left, however much came in.

    Raises:
        ValueError: for information or a plan that is not positive and finite.

    >>> look(information=600.0, planned=1000.0), look(information=900.0, planned=1000.0, last=True)
    (Look(information=600.0, fraction=0.6), Look(information=900.0, fraction=1.0))
    """
    if not (math.isfinite(information) and information > 0.0 and math.isfinite(planned) and planned > 0.0):
        raise ValueError(f"information {information} of {planned} planned; both are positive")
    return Look(information=information, fraction=1.0 if last else min(1.0, information / planned))


def precision(treated: Arm, control: Arm, *, covariance: float = 0.0) -> float | NotEstimable:
    """How precise the difference of two variants is, 1 / se^2: the information of a look.

    >>> round(precision(Arm(theta=1.0, variance=0.03, n=50), Arm(theta=1.0, variance=0.01, n=50)), 6)
    25.0
    """
    effect = difference(treated, control, confidence=_ANY, covariance=covariance)
    return effect if isinstance(effect, NotEstimable) else 1.0 / effect.se / effect.se


def repeated_interval(estimate: float, *, se: float, critical: float) -> tuple[float, float]:
    """The repeated interval of any estimate with a normal error: estimate -+ critical se.

    >>> repeated_interval(1.0, se=0.25, critical=3.0)
    (0.25, 1.75)
    """
    return estimate - critical * se, estimate + critical * se


def interval_at(
    treated: Arm, control: Arm, *, reach: float, confidence: float, relative: bool = False, covariance: float = 0.0
) -> Interval | NotEstimable:
    """The difference or the lift with an interval that reaches a given number of standard errors.

    Args:
        treated, control: the two variants.
        reach: the critical value on the scale of the statistic, above 0.
        confidence: what the interval claims; carried along, not used.
        relative: Fieller's interval of the lift instead of the difference.
        covariance: of the two estimates.

    Formula: those of `difference` and `fieller_lift`, with t replaced by `reach`. statistic, df and p are theirs.

    Returns:
        NotEstimable as those two.

    Raises:
        ValueError: for a reach that is not positive and finite, or a negative variance.

    >>> treated, control = Arm(theta=12.0, variance=0.09, n=100), Arm(theta=10.0, variance=0.16, n=80)
    >>> effect = interval_at(treated, control, reach=3.0, confidence=0.95)
    >>> round(effect.lower, 6), round(effect.upper, 6)
    (0.5, 3.5)
    """
    if not (math.isfinite(reach) and reach > 0.0):
        raise ValueError(f"an interval that reaches {reach} standard errors")
    effect = difference(treated, control, confidence=_ANY, covariance=covariance)
    if isinstance(effect, NotEstimable):
        return effect
    lower, upper = repeated_interval(effect.estimate, se=effect.se, critical=reach)
    effect = replace(effect, lower=lower, upper=upper, confidence=confidence)
    return _lift_at(effect, treated, control, reach, covariance) if relative else finite(effect)


def sequential_effect(
    treated: Arm,
    control: Arm,
    *,
    looks: Sequence[Look],
    confidence: float,
    spending: Spending = "obrien_fleming",
    rho: float = RHO,
    relative: bool = False,
    covariance: float = 0.0,
) -> Interval | NotEstimable:
    """How much higher the treated variant is than control, at the last of several looks.

    Args:
        treated, control: the two variants at this look.
        looks: all looks so far; the last one is this.
        confidence: of all looks together, two-sided; 0.95 errs in 5% of experiments however early they stop.
        spending, rho: how the error is spread over the looks, as planned.
        relative: the lift by Fieller's method instead of the difference; one leaves out 0 exactly when the other does.
        covariance: of the two estimates.

    Formula: d -+ t se, t the quantile of `difference`'s t distribution at the tail of the look's critical value c_k (so
    with one look it is `difference`). p is the repeated p-value, the smallest error at which this look would stop: the
    interval leaves out 0 exactly when p < 1 - confidence.
    Source: Jennison and Turnbull (2000), Group Sequential Methods with Applications to Clinical Trials, chapter 9.

    Returns:
        NotEstimable "not_planned" where the plan gives this look nothing to spend (all was spent before, or it adds no
        information), and whatever `difference` and `fieller_lift` return.

    Raises:
        ValueError: for a confidence outside (0, 1) and looks that `bounds` refuses.

    >>> treated, control = Arm(theta=12.0, variance=0.09, n=1000), Arm(theta=11.0, variance=0.16, n=1000)
    >>> effect = sequential_effect(treated, control, looks=[Look(2.0, 0.5), Look(4.0, 1.0)], confidence=0.95)
    >>> round(effect.lower, 4), round(effect.upper, 4), round(effect.p, 4)
    (0.0151, 1.9849, 0.0465)
    """
    effect = difference(treated, control, confidence=checked_confidence(confidence), covariance=covariance)
    if isinstance(effect, NotEstimable):
        return effect
    critical = _critical(looks, math.log1p(-confidence), sides=2, spending=spending, rho=rho)
    reach = critical_at_df(critical, df=effect.df)
    if reach == math.inf:
        return _nothing_to_spend()
    shown = interval_at(treated, control, reach=reach, confidence=confidence, relative=relative, covariance=covariance)
    if isinstance(shown, NotEstimable):
        return shown
    z = normal_scale(effect.statistic, df=effect.df)
    p, log10_p = repeated_p(z, looks=looks, spending=spending, rho=rho)
    return replace(shown, p=p, log10_p=log10_p, method=f"{shown.method}, look {len(looks)}")


def sequential_non_inferiority(
    treated: Arm,
    control: Arm,
    *,
    margin: float,
    relative: bool,
    increase_is_good: bool,
    looks: Sequence[Look],
    confidence: float,
    spending: Spending = "obrien_fleming",
    rho: float = RHO,
    covariance: float = 0.0,
) -> OneSided | NotEstimable:
    """Whether the treated variant is safe, or harmful, at the last of several looks.

    Args:
        treated, control, margin, relative, increase_is_good, covariance: as in `non_inferiority`.
        looks: all looks so far; the last one is this.
        confidence: one-sided, above 0.5, of all looks together, for "safe" and for "harm" each.
        spending, rho: how the error is spread over the looks.

    Formula: the statistic of `non_inferiority` against the one-sided critical value of the look. p_safe and p_harm are
    repeated p-values: below 1 - confidence exactly where the state says so.

    Returns:
        NotEstimable "not_planned" where the plan gives this look nothing to spend, and as `non_inferiority`.

    Raises:
        ValueError: as `non_inferiority`, and for looks that `bounds` refuses.

    >>> treated, control = Arm(theta=9.4, variance=0.01, n=900), Arm(theta=10.0, variance=0.01, n=900)
    >>> judged = sequential_non_inferiority(treated, control, margin=0.02, relative=True, increase_is_good=True,
    ...                                     looks=[Look(50.0, 0.6)], confidence=0.95)
    >>> judged.state, round(judged.p_harm, 4)
    ('harm', 0.0175)
    """
    fixed = fixed_non_inferiority(
        treated,
        control,
        margin=margin,
        relative=relative,
        increase_is_good=increase_is_good,
        confidence=confidence,
        covariance=covariance,
    )
    effect = difference(treated, control, confidence=_ANY, covariance=covariance)
    if isinstance(fixed, NotEstimable):
        return fixed
    if isinstance(effect, NotEstimable):
        return effect
    critical = _critical(looks, math.log1p(-confidence), sides=1, spending=spending, rho=rho)
    reach = critical_at_df(critical, df=effect.df)
    if reach == math.inf:
        return _nothing_to_spend()
    shown, as_lift = _on_scale(treated, control, reach=reach, relative=relative, covariance=covariance)
    if isinstance(shown, NotEstimable):
        return shown
    limit = float(special.ndtr(-critical))
    state: State = "safe" if fixed.p_safe < limit else "harm" if fixed.p_harm < limit else "cannot_tell"
    z = _z_of_tails(fixed.p_safe, fixed.p_harm)
    return replace(
        fixed,
        estimate=shown.estimate,
        se=shown.se,
        lower=shown.lower,
        upper=shown.upper,
        relative=as_lift,
        p_safe=repeated_p(z, looks=looks, sides=1, spending=spending, rho=rho)[0],
        p_harm=repeated_p(-z, looks=looks, sides=1, spending=spending, rho=rho)[0],
        state=state,
        method=f"{fixed.method}, look {len(looks)}",
    )


def repeated_p(
    z: float, *, looks: Sequence[Look], sides: int = 2, spending: Spending = "obrien_fleming", rho: float = RHO
) -> tuple[float, float]:
    """The smallest error of all looks together at which the last look would stop, and its base-10 logarithm.

    Args:
        z: the statistic, on the normal scale; its size counts where `sides` is 2.
        looks, spending, rho: as in `sequential_effect`.
        sides: 1 for the error of an upper boundary alone.

    Formula: the alpha with c_k(alpha) = z; 1 where it would be above 0.999, or the look has nothing to spend.

    Raises:
        ValueError: for a z that is not a number, and looks that `bounds` refuses.

    >>> [round(value, 4) for value in repeated_p(2.5, looks=[Look(1.0, 1.0)])]
    [0.0124, -1.9059]
    """
    from scipy.optimize import brentq

    if math.isnan(z):
        raise ValueError("the statistic is not a number")
    size = max(min(abs(z) if sides == 2 else z, _FARTHEST), -_FARTHEST)

    def log_error(quantile: float) -> float:
        return float(special.log_ndtr(-quantile)) + math.log(sides)

    def excess(quantile: float) -> float:
        return _critical(looks, log_error(quantile), sides=sides, spending=spending, rho=rho) - size

    low, high, step = -float(special.ndtri(_LARGEST / sides)), size, 1e-3 * max(1.0, abs(size))
    if high <= low or excess(low) >= 0.0:
        return 1.0, 0.0
    while excess(high) < 0.0:  # a two-sided path may cross below and come back: its c_k is a hair under the quantile
        high, step = high + step, 2.0 * step
    log_p = log_error(float(brentq(excess, low, high, xtol=1e-12, rtol=1e-14)))
    return math.exp(log_p), log_p / _LOG10


def normal_scale(statistic: float, *, df: float) -> float:
    """The standard normal value with the tail of a t statistic, and its sign.

    >>> round(normal_scale(2.228139, df=10.0), 4)
    1.96
    """
    log_tail = two_sided(statistic, df=df)[1] * _LOG10 - math.log(2.0)
    return math.copysign(-float(special.ndtri_exp(log_tail)), statistic)


def critical_at_df(critical: float, *, df: float) -> float:
    """The t quantile with the tail of a normal critical value; infinite where that tail is below what a double holds.

    >>> round(critical_at_df(1.959964, df=10.0), 4)
    2.2281
    """
    if math.isinf(df) or math.isinf(critical):
        return critical
    tail = float(special.ndtr(-critical))
    return -float(special.stdtrit(df, tail)) if tail > 0.0 else math.inf


def _on_scale(
    treated: Arm, control: Arm, *, reach: float, relative: bool, covariance: float
) -> tuple[Interval | NotEstimable, bool]:
    """The interval to show beside a margin, and whether it is a lift: where that is not estimable the difference is."""
    if relative:
        lift = interval_at(treated, control, reach=reach, confidence=_ANY, relative=True, covariance=covariance)
        if isinstance(lift, Interval):
            return lift, True
    return interval_at(treated, control, reach=reach, confidence=_ANY, covariance=covariance), False


def _z_of_tails(above: float, below: float) -> float:
    """The normal value with these tails, from the smaller one, which has all its digits."""
    z = -float(special.ndtri(above)) if above < below else float(special.ndtri(below))
    return max(-_LAST, min(_LAST, z))


def _lift_at(effect: Interval, treated: Arm, control: Arm, reach: float, covariance: float) -> Interval | NotEstimable:
    """Fieller's interval at a given reach, of the difference at that reach."""
    lift = fieller_lift(treated, control, confidence=1e-6, covariance=covariance)
    if isinstance(lift, NotEstimable):
        return lift
    base = control.theta
    base_variance, shared = control.variance / base / base, covariance / base / base
    if not reach * reach * base_variance < 1.0:
        return NotEstimable(
            "baseline_too_close_to_zero",
            f"the control's estimate is {base:.6g} with a standard error of {math.sqrt(control.variance):.6g}",
        )
    lower, upper = fieller_bounds(effect, base=base, t=reach, base_variance=base_variance, shared=shared, se=lift.se)
    return finite(replace(lift, lower=lower, upper=upper, confidence=effect.confidence))


def _critical(looks: Sequence[Look], log_alpha: float, *, sides: int, spending: Spending, rho: float) -> float:
    """The critical value of the last look."""
    found = log_bounds(
        [each.fraction for each in looks],
        log_alpha=log_alpha,
        spending=spending,
        sides=sides,
        rho=rho,
        information=[each.information for each in looks],
    )
    return found.critical[-1]


def _nothing_to_spend() -> NotEstimable:
    return NotEstimable(
        "not_planned", "the plan gives this look no share of the error: spent before, or nothing is new"
    )
