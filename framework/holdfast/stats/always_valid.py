"""Intervals and tests that hold at every moment at once, however often and for whatever reason one looks.

The asymptotic confidence sequence, the mixture sequential probability ratio test and the e-value here are one formula.
What is fixed before the first look is `mixing`, which says at what size the sequence is narrowest.
Sources: Robbins (1970), Annals of Mathematical Statistics 41:1397; Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas
(2024), Annals of Statistics 52:2613, theorem 2.2; Johari, Koomen, Pekelis and Walsh (2022), Operations Research
70:1806.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from scipy import special

from holdfast.model.outcome import NotEstimable
from holdfast.stats.arm import Arm
from holdfast.stats.contrast import Interval, checked_margin, difference, slack
from holdfast.stats.sequential_contrast import interval_at
from holdfast.stats.tails import checked_confidence

LEAST_UNITS = 100
"""Units that each variant needs before the first look."""
LEAST_EVENTS = 25
"""Units with the outcome that each variant needs before the first look."""
_LOG10 = math.log(10.0)


@dataclass(frozen=True, slots=True)
class Alarm:
    """Whether a metric has shown harm beyond what is tolerated."""

    crossed: bool
    """True once the evidence at this look is strong enough."""
    log_e: float
    """Natural logarithm of the evidence; the alarm is at log(1 / alpha)."""
    p: float
    """The always-valid p-value of this look, one-sided."""
    alpha: float
    """The probability that a tactic without such harm ever raises the alarm."""


def mixing(*, planned: int, alpha: float, exact: bool = True, sides: int = 2) -> float:
    """The parameter that makes the sequence narrowest when as many units are in as the plan says.

    Args:
        planned: units of both variants together at which the decision is expected; 1 or more. It must not change once
            there was a look.
        alpha: the error that is allowed over all looks.
        exact: the best value; otherwise its usual approximation.
        sides: 1 for an alarm in one direction, for which 2 alpha is put in.

    Formula: (-W(-alpha^2/e) - 1) / planned with W the lower branch of Lambert's function, or
    (-2 log alpha + log(1 - 2 log alpha)) / planned. Source: Waudby-Smith et al. (2024), appendix; Howard, Ramdas,
    McAuliffe and Sekhon (2021), Annals of Statistics 49:1055, proposition 3.

    Raises:
        ValueError: for no planned units, an alpha / sides that is not in (0, 0.5), or sides other than 1 and 2.

    >>> [round(1000 * mixing(planned=1000, alpha=0.05, exact=exact), 4) for exact in (True, False)]
    [8.212, 7.9362]
    """
    if planned < 1 or sides not in (1, 2) or not 0.0 < alpha < sides / 2.0:
        raise ValueError(f"{planned} planned units, alpha {alpha} on {sides} sides")
    error = alpha if sides == 2 else 2.0 * alpha
    if not exact:
        return (-2.0 * math.log(error) + math.log1p(-2.0 * math.log(error))) / planned
    return (-float(special.lambertw(-error * error / math.e, -1).real) - 1.0) / planned


def reach(*, n: int, mixing: float, alpha: float) -> float:
    """How many standard errors the sequence reaches from the estimate, at n units.

    Args:
        n: units of both variants together.
        mixing: from `mixing`, the same at every look.
        alpha: the error that is allowed over all looks; 0.05 for 95% confidence.

    Formula: sqrt(2 (x + 1)/x log(sqrt(x + 1)/alpha)), x = n mixing.

    Raises:
        ValueError: for no units, a mixing that is not positive, or an alpha outside (0, 1).

    >>> round(reach(n=1000, mixing=mixing(planned=1000, alpha=0.05), alpha=0.05), 3)
    3.035
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha is {alpha}; it must lie between 0 and 1")
    x = _weight(n, mixing)
    return math.sqrt(2.0 * (1.0 + 1.0 / x) * (0.5 * math.log1p(x) - math.log(alpha)))


def half_width(*, variance: float, n: int, mixing: float, alpha: float) -> float:
    """Half the width of the confidence sequence, in the unit of the estimate.

    Args:
        variance: se^2 of the estimate at this look.
        n, mixing, alpha: as in `reach`.

    Formula: sqrt(s2) sqrt(2 (n r + 1)/(n^2 r) log(sqrt(n r + 1)/alpha)), s2 = n variance, r = mixing.

    Raises:
        ValueError: for a negative variance, and as `reach`.

    >>> round(half_width(variance=0.0004, n=1000, mixing=0.008, alpha=0.05), 4)
    0.0607
    """
    if not variance >= 0.0:
        raise ValueError(f"a variance is never negative: {variance}")
    return reach(n=n, mixing=mixing, alpha=alpha) * math.sqrt(variance)


def anytime_inflation(*, planned: int, alpha: float, power: float) -> float:
    """How many times as many units it takes to find an effect at the planned end, as with one look there.

    Args:
        planned: units of both variants together at the planned end.
        alpha: the error that is allowed over all looks, two-sided.
        power: the chance to find the effect at the planned end.

    Formula: ((reach + z_power) / (z_(1 - alpha/2) + z_power))^2, `reach` at the planned units with the best mixing.

    Raises:
        ValueError: for no planned units, or an alpha or power that is not between 0 and 1.

    >>> round(anytime_inflation(planned=20_000, alpha=0.05, power=0.8), 2)
    1.91
    """
    if not 0.0 < power < 1.0:
        raise ValueError(f"a power lies between 0 and 1: {power}")
    width = reach(n=planned, mixing=mixing(planned=planned, alpha=alpha), alpha=alpha)
    z_power = float(special.ndtri(power))
    return ((width + z_power) / (float(special.ndtri(1.0 - alpha / 2.0)) + z_power)) ** 2


def log_e_value(*, z: float, n: int, mixing: float) -> float:
    """The evidence against "no effect" at this look, as a natural logarithm: how much a fair bet on it has gained.

    Args:
        z: estimate / se.
        n, mixing: as in `reach`.

    Formula: x z^2 / (2 (x + 1)) - log(x + 1)/2, x = n mixing. Without an effect P(it ever exceeds log(1/alpha)) <=
    alpha, asymptotically. Equal to the log of the mixture ratio sqrt(V/(V + T)) exp(T d^2/(2 V (V + T))) with
    T = mixing n V.

    >>> round(log_e_value(z=3.5, n=1000, mixing=0.008), 4)
    4.3458
    """
    x = _weight(n, mixing)
    return 0.5 * (z * z * (x / (x + 1.0)) - math.log1p(x))


def log_e_one_sided(*, z: float, n: int, mixing: float) -> float:
    """The evidence for an effect above 0 at this look, against 0 or less, as a natural logarithm.

    Args:
        z: estimate / se, positive in the direction that is looked for.
        n, mixing: as in `reach`; mixing was made with sides=1.

    Formula: log 2 + log Phi(z sqrt(x/(x + 1))) + x z^2/(2 (x + 1)) - log(x + 1)/2: the mixture over the positive half
    of the normal. Source: Robbins (1970); Howard et al. (2021), proposition 6.

    >>> round(log_e_one_sided(z=3.5, n=1000, mixing=0.008), 4), round(log_e_one_sided(z=-3.5, n=1000, mixing=0.008), 4)
    (5.0385, -2.595)
    """
    x = _weight(n, mixing)
    ahead = float(special.log_ndtr(z * math.sqrt(x / (x + 1.0))))
    return math.log(2.0) + ahead + log_e_value(z=z, n=n, mixing=mixing)


def running_p(log_e: Iterable[float]) -> list[float]:
    """The always-valid p-value after each look: the smallest so far, which never rises.

    >>> [round(p, 3) for p in running_p([-1.0, 2.0, 1.0, 3.5])]
    [1.0, 0.135, 0.135, 0.03]
    """
    strongest, found = 0.0, []
    for each in log_e:
        strongest = max(strongest, each)
        found.append(math.exp(-strongest))
    return found


def burn_in(treated: Arm, control: Arm, *, events: tuple[int, int] | None = None) -> NotEstimable | None:
    """Why it is too early for a first look, or None where it is not.

    Args:
        treated, control: the two variants.
        events: units with the outcome (buyers, say) of treated and control; for shares they are known, and the units
            without the outcome count as well.

    Rule: 100 units and 25 events in each variant, from where on the estimates are near enough to normal.

    >>> burn_in(Arm(theta=0.1, variance=0.0009, n=120, successes=12), Arm(theta=0.3, variance=0.001, n=150)).detail
    '12 units with the outcome in a variant; a first look needs 25'
    """
    for each in (treated, control):
        if each.n < LEAST_UNITS:
            return NotEstimable("too_few_units", f"{each.n} units in a variant; a first look needs {LEAST_UNITS}")
    counts = [min(each.successes, each.n - each.successes) for each in (treated, control) if each.successes is not None]
    fewest = min([*counts, *(events or ())], default=LEAST_EVENTS)
    if fewest < LEAST_EVENTS:
        words = f"{fewest} units with the outcome in a variant; a first look needs {LEAST_EVENTS}"
        return NotEstimable("too_few_units", words)
    return None


def always_valid(
    treated: Arm,
    control: Arm,
    *,
    mixing: float,
    confidence: float,
    relative: bool = False,
    covariance: float = 0.0,
) -> Interval | NotEstimable:
    """How much higher the treated variant is than control, with an interval that may be read at any time.

    Args:
        treated, control: the two variants now.
        mixing: from `mixing`, the same at every look.
        confidence: of all looks together, 0.95 for 95%.
        relative: the lift by Fieller's method instead of the difference.
        covariance: of the two estimates.

    Formula: `interval_at` with `reach`, n = units of both variants; p = min(1, exp(-log_e_value)). The interval leaves
    out 0 exactly when p <= 1 - confidence, and difference and lift agree. p is that of this look; `running_p` carries
    the smallest on. Approximate until the estimates are near normal: see `burn_in`.

    Returns:
        NotEstimable as `difference` and `fieller_lift`.

    Raises:
        ValueError: for a confidence outside (0, 1), a mixing that is not positive, or a negative variance.

    >>> treated, control = Arm(theta=0.26, variance=0.0001, n=2000), Arm(theta=0.2, variance=0.0001, n=2000)
    >>> effect = always_valid(treated, control, mixing=0.002, confidence=0.95)
    >>> round(effect.lower, 4), round(effect.upper, 4), round(effect.p, 5)
    (0.0171, 0.1029, 0.00101)
    """
    alpha = 1.0 - checked_confidence(confidence)
    n = treated.n + control.n
    if n < 1:
        return NotEstimable("no_units", "no units in either variant")
    width = reach(n=n, mixing=mixing, alpha=alpha)
    shown = interval_at(treated, control, reach=width, confidence=confidence, relative=relative, covariance=covariance)
    if isinstance(shown, NotEstimable):
        return shown
    log_e = max(0.0, log_e_value(z=shown.statistic, n=n, mixing=mixing))
    if not math.isfinite(log_e):
        return NotEstimable("not_finite", f"the statistic {shown.statistic:g} is too large to compute with")
    method = "always-valid Fieller" if relative else "always-valid"
    return replace(shown, p=math.exp(-log_e), log10_p=-log_e / _LOG10, df=math.inf, method=method)


def harm_alarm(
    treated: Arm,
    control: Arm,
    *,
    margin: float,
    relative: bool,
    increase_is_good: bool,
    mixing: float,
    alpha: float,
    covariance: float = 0.0,
) -> Alarm | NotEstimable:
    """Whether harm beyond the tolerated margin is shown, at any moment; a primary metric has the margin 0.

    Args:
        treated, control: the two variants now.
        margin, relative: the tolerated harm, 0 or more: in the metric's unit, or where relative as a share of control.
        increase_is_good: True where a fall is the harm (revenue), False where a rise is (complaints).
        mixing: from `mixing` with sides=1, the same at every look.
        alpha: the probability that a tactic without such harm ever raises the alarm.
        covariance: of the two estimates.

    Formula: `log_e_one_sided` of z = -slack/se(slack), both from `slack`. Crossed where it is log(1/alpha) or more.

    Returns:
        NotEstimable "baseline_not_positive" for a relative margin where control's estimate is 0 or less, and as
        `difference`.

    Raises:
        ValueError: for a margin that `non_inferiority` refuses, an alpha outside (0, 1), or a mixing not above 0.

    >>> treated, control = Arm(theta=0.14, variance=0.0001, n=2000), Arm(theta=0.2, variance=0.0001, n=2000)
    >>> harm_alarm(treated, control, margin=0.1, relative=True, increase_is_good=True, mixing=0.002, alpha=0.05).crossed
    True
    """
    checked_margin(margin, relative=relative, increase_is_good=increase_is_good)
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha is {alpha}; it must lie between 0 and 1")
    if treated.n + control.n < 1:
        return NotEstimable("no_units", "no units in either variant")
    effect = difference(treated, control, confidence=1.0 - alpha, covariance=covariance)
    if isinstance(effect, NotEstimable):
        return effect
    left = slack(
        treated, control, margin=margin, relative=relative, increase_is_good=increase_is_good, covariance=covariance
    )
    if isinstance(left, NotEstimable):
        return left
    log_e = log_e_one_sided(z=-left[0] / math.sqrt(left[1]), n=treated.n + control.n, mixing=mixing)
    if not math.isfinite(log_e):
        return NotEstimable("not_finite", f"a slack of {left[0]:g} with variance {left[1]:g} is too large to compute")
    return Alarm(crossed=log_e >= -math.log(alpha), log_e=log_e, p=math.exp(-max(0.0, log_e)), alpha=alpha)


def _weight(n: int, mixing: float) -> float:
    """x = n mixing: the information that the mixture is worth against that of the data."""
    if n < 1 or not (math.isfinite(mixing) and mixing > 0.0):
        raise ValueError(f"{n} units and a mixing of {mixing}; both are positive")
    return n * mixing
