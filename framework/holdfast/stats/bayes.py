"""The Bayesian view of an effect: what it is worth to ship and to hold back, with the prior said beside the number.

It is a display beside the test, and looking often spoils it as much.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from holdfast.model.outcome import NotEstimable
from holdfast.stats.effect import Effect, unusable
from holdfast.stats.quadrature import Array, panels
from holdfast.stats.tails import checked_confidence, critical

_STEPS = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0, 40.0])
_FAR = 720.0


@dataclass(frozen=True, slots=True)
class Prior:
    """What was believed of effects before the data: a normal distribution, on the effect's own scale."""

    mean: float
    """The usual effect."""
    sd: float
    """How far effects usually are from it; infinite for no prior at all."""
    name: str = ""
    """Where it comes from, as the reader should see it: "12 vouchers of 2025"."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """What is believed of the effect after the data. Better means higher, or lower where an increase is bad."""

    mean: float
    """The expected effect."""
    sd: float
    """Its uncertainty."""
    lower: float
    """Lower end of the credible interval."""
    upper: float
    """Upper end of the credible interval."""
    p_better: float
    """Probability that the effect is better than none."""
    p_worthwhile: float
    """Probability that it is better than none by at least the smallest worthwhile effect."""
    loss_ship: float
    """Expected loss of shipping: the expected harm, 0 where there is none; never negative, in the effect's unit."""
    loss_hold: float
    """Expected loss of not shipping: the expected gain that is forgone."""
    confidence: float
    """Probability of the credible interval."""
    prior: Prior
    """The prior that was used."""


@dataclass(frozen=True, slots=True)
class SharePosterior:
    """Two shares compared, each with its own Beta prior."""

    difference: float
    """Expected difference, treated less control."""
    p_better: float
    """Probability that treated's share is the better one."""
    p_worthwhile: float
    """Probability that it is better by at least the smallest worthwhile difference."""
    loss_ship: float
    """Expected loss of shipping treated, as a difference of shares."""
    loss_hold: float
    """Expected loss of staying with control."""
    prior: tuple[float, float]
    """The Beta prior of each share."""


def normal_posterior(
    effect: Effect,
    prior: Prior,
    *,
    confidence: float,
    worthwhile: float = 0.0,
    increase_is_good: bool = True,
) -> Posterior | NotEstimable:
    """What to believe of an effect, given its estimate and what effects usually are.

    Args:
        effect: a difference or lift with its standard error; many units, as its likelihood is taken for normal.
        prior: on the same scale. An infinite sd gives the numbers of the test: p_better is one minus the one-sided p.
        confidence: probability of the credible interval, 0.95 for 95%.
        worthwhile: the smallest effect worth having, 0 or more.
        increase_is_good: False where a rise is the harm.

    Formula: variance v = 1/(1/se^2 + 1/sd^2), mean m = v (e/se^2 + m0/sd^2); with x = m/sqrt(v) turned so that positive
    is good, p_better = Phi(x), loss_ship = sqrt(v) [phi(x) - x Phi(-x)], loss_hold = sqrt(v) [phi(x) + x Phi(x)].
    Source: Gelman et al. (2013), Bayesian Data Analysis, 2.5; DeGroot (1970), Optimal Statistical Decisions, 11.9.

    Returns:
        NotEstimable "zero_variance" for a standard error of 0, "not_finite", "too_few_units".

    Raises:
        ValueError: for a confidence outside (0, 1), a prior with a mean that is not finite or an sd that is not
            positive, a negative standard error or smallest worthwhile effect.

    >>> found = normal_posterior(Effect(0.04, 0.02), Prior(0.0, 0.05), confidence=0.95)
    >>> round(found.mean, 4), round(found.p_better, 4), round(found.loss_ship, 5)
    (0.0345, 0.9683, 0.00023)
    """
    checked_confidence(confidence)
    if not (math.isfinite(prior.mean) and prior.sd > 0.0):
        raise ValueError(f"a prior has a finite mean and a positive sd: {prior.mean}, {prior.sd}")
    if not (math.isfinite(worthwhile) and worthwhile >= 0.0):
        raise ValueError(f"a smallest worthwhile effect is 0 or more: {worthwhile}")
    missing = unusable([effect], least=1, reason="too_few_studies", what="effects")
    if missing is not None:
        return missing
    # Ratios of standard deviations, so that nothing is squared that could overflow.
    own = 0.0 if math.isinf(prior.sd) else 1.0 / (1.0 + (prior.sd / effect.se) * (prior.sd / effect.se))
    mean = effect.estimate + own * (prior.mean - effect.estimate)
    sd = effect.se * math.sqrt(1.0 - own) if own < 0.5 else prior.sd * math.sqrt(own)
    sign = 1.0 if increase_is_good else -1.0
    reach = critical(confidence=confidence, df=math.inf)
    numbers = (mean, sd, mean - reach * sd, mean + reach * sd)
    if not (all(math.isfinite(number) for number in numbers) and sd > 0.0):
        return NotEstimable("not_finite", "the effect or its prior is out of range")
    x = sign * mean / sd
    return Posterior(
        mean=mean,
        sd=sd,
        lower=numbers[2],
        upper=numbers[3],
        p_better=float(special.ndtr(x)),
        p_worthwhile=float(special.ndtr((sign * mean - worthwhile) / sd)),
        loss_ship=sd * _expected_above(-x),
        loss_hold=sd * _expected_above(x),
        confidence=confidence,
        prior=prior,
    )


def share_posterior(
    *,
    treated: tuple[int, int],
    control: tuple[int, int],
    prior: tuple[float, float] = (1.0, 1.0),
    worthwhile: float = 0.0,
    increase_is_good: bool = True,
) -> SharePosterior | NotEstimable:
    """What to believe of the difference of two shares, exactly, also for few units.

    Args:
        treated, control: (successes, units).
        prior: the Beta distribution of each share before the data; (1, 1) for all shares alike.
        worthwhile: the smallest difference worth having, 0 or more.
        increase_is_good: False where a rise is the harm (churn).

    Formula: shares are Beta(a + x, b + n - x); P(T > C + d) is the integral of P(T > c + d) over the density of c, and
    the expected loss of shipping, E max(C - T, 0), that of P(T < x) P(C > x) over x, both by Gauss-Legendre on the
    scale of the log odds.

    Returns:
        NotEstimable "no_units" where a variant has none.

    Raises:
        ValueError: for counts that cannot be, a prior that is not positive, or a negative smallest difference.

    >>> found = share_posterior(treated=(120, 1000), control=(100, 1000))
    >>> round(found.p_better, 6), round(found.loss_ship, 7)
    (0.923183, 0.0004846)
    """
    for successes, n in (treated, control):
        if not 0 <= successes <= n:
            raise ValueError(f"{successes} of {n} units cannot have the outcome")
    if not all(math.isfinite(each) and each > 0.0 for each in prior):
        raise ValueError(f"a Beta prior has two positive numbers: {prior}")
    if not (math.isfinite(worthwhile) and worthwhile >= 0.0):
        raise ValueError(f"a smallest worthwhile difference is 0 or more: {worthwhile}")
    if treated[1] == 0 or control[1] == 0:
        return NotEstimable("no_units", "a variant has no units")
    own = [(prior[0] + x, prior[1] + n - x) for x, n in (treated, control)]
    means = [a / (a + b) for a, b in own]
    better, worse = own if increase_is_good else own[::-1]
    return SharePosterior(
        difference=means[0] - means[1],
        p_better=_above(better, worse, 0.0),
        p_worthwhile=_above(better, worse, worthwhile),
        loss_ship=_expected_gap(worse, better),
        loss_hold=_expected_gap(better, worse),
        prior=prior,
    )


def prior_from_past(effects: Sequence[Effect], *, mean: float | None = None) -> Prior | NotEstimable:
    """The prior that past experiments suggest: the spread of their true effects around the usual one.

    Args:
        effects: of past experiments, on the scale of the one to be judged; that one is not among them, and those that
            failed are.
        mean: the usual effect where it is taken as known, such as 0; by default it is estimated.

    Formula: method of moments: sd^2 = mean (e_i - m)^2 k/(k-1) - mean se_i^2, m the plain mean of effects; for a known
    mean without k/(k-1).

    Returns:
        NotEstimable "too_few_studies" under two experiments, "zero_variance" where effects differ no more than by
        chance, for which no prior can be told, "not_finite", "too_few_units".

    Raises:
        ValueError: for a negative standard error.

    >>> past = [Effect(0.1, 0.03), Effect(-0.02, 0.04), Effect(0.01, 0.05)]
    >>> round(prior_from_past(past, mean=0.0).sd, 6)
    0.042817
    """
    missing = unusable(effects, least=2, reason="too_few_studies", what="past experiments")
    if missing is not None:
        return missing
    k = len(effects)
    unit = max(max(abs(effect.estimate), effect.se) for effect in effects)
    seen = [effect.estimate / unit for effect in effects]
    centre = math.fsum(seen) / k if mean is None else mean / unit
    spread = math.fsum((each - centre) * (each - centre) for each in seen) / (k - 1 if mean is None else k)
    excess = spread - math.fsum((effect.se / unit) * (effect.se / unit) for effect in effects) / k
    if not math.isfinite(excess):
        return NotEstimable("not_finite", "the mean is not finite")
    if not excess > 0.0:
        return NotEstimable("zero_variance", "past effects differ no more than by chance")
    return Prior(centre * unit, math.sqrt(excess) * unit)


def _expected_above(x: float) -> float:
    """E max(Z + x, 0) for a standard normal Z, with all its digits also where it is tiny."""
    if x > 0.0:
        return x + _expected_above(-x)
    mills = math.sqrt(math.pi / 2.0) * float(special.erfcx(-x / math.sqrt(2.0)))
    density = math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi) if x > -40.0 else 0.0
    return density * max(0.0, 1.0 + x * mills)


def _log_odds(shapes: tuple[float, float]) -> Array:
    """Break points on the scale of the log odds: around the mode of a Beta distribution, and far out."""
    a, b = shapes
    middle, width = math.log(a) - math.log(b), math.sqrt(1.0 / a + 1.0 / b)
    steps = np.concatenate([-_STEPS[::-1], _STEPS]) * width
    far = [each for each in (2.0**power for power in range(10)) if each > 40.0 * width]
    return np.clip(middle + np.concatenate([steps, far, [-each for each in far]]), -_FAR, _FAR)


def _above(first: tuple[float, float], second: tuple[float, float], shift: float) -> float:
    """P(first > second + shift) of two independent Beta shares."""
    edges = special.expit(_log_odds(first)) - shift
    moved = special.logit(edges[(edges > 1e-300) & (edges < 1.0)])
    x, weight = panels([*_log_odds(second), *moved, -_FAR, _FAR])
    share, rest = special.expit(x), special.expit(-x)
    a, b = second
    log_density = _log_beta_density(x, a, b)
    with np.errstate(under="ignore"):
        tail = _upper(first, share + shift, rest - shift)
        return min(1.0, float(weight @ (np.exp(log_density) * tail)))


def _expected_gap(first: tuple[float, float], second: tuple[float, float]) -> float:
    """E max(first - second, 0) of two independent Beta shares: the integral of P(second < x) P(first > x)."""
    x, weight = panels([*_log_odds(first), *_log_odds(second), -_FAR, _FAR])
    share, rest = special.expit(x), special.expit(-x)
    with np.errstate(under="ignore"):
        below = _upper((second[1], second[0]), rest, share)
        return float(weight @ (below * _upper(first, share, rest) * share * rest))


def _upper(shapes: tuple[float, float], share: Array, rest: Array) -> Array:
    """P(Beta > share), where rest is one minus share with all its digits."""
    found: Array = special.betainc(shapes[1], shapes[0], np.clip(rest, 0.0, 1.0))
    return np.where(share >= 1.0, 0.0, found)


def _log_beta_density(x: Array, a: float, b: float) -> Array:
    """The log density of the log odds of a Beta share, without the loss of digits of large a and b."""
    middle = math.log(a) - math.log(b)
    gap = x - middle
    # At the mode of the log odds the density is exp(a log(a/(a+b)) + b log(b/(a+b)) - log B(a, b)).
    low, high = min(a, b), max(a, b)
    top = low * math.log(low / (a + b)) + high * math.log1p(-low / (a + b)) - float(special.betaln(a, b))
    if min(a, b) > 50.0:
        top = 0.5 * (math.log(a) + math.log(b) - math.log(a + b) - math.log(2.0 * math.pi))
        top += _stirling(a + b) - _stirling(a) - _stirling(b)
    share = a / (a + b)
    # a gap - (a + b) log(1 + share (e^gap - 1)), by the smaller of the two sides.
    with np.errstate(over="ignore"):
        rise = np.where(
            gap > 0.0,
            -b * gap - (a + b) * np.log1p((1.0 - share) * np.expm1(-np.abs(gap))),
            a * gap - (a + b) * np.log1p(share * np.expm1(-np.abs(gap))),
        )
    found: Array = top + rise
    return found


def _stirling(z: float) -> float:
    """log Gamma(z) less Stirling's (z - 1/2) log z - z + log(2 pi)/2, for z above 50."""
    square = 1.0 / (z * z)
    return (1.0 / 12.0 - square * (1.0 / 360.0 - square / 1260.0)) / z
