"""A test of the planned split that holds however often it is looked at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from holdfast.model.outcome import NotEstimable
from holdfast.stats.srm import check_split

CONCENTRATION = 100.0
"""Units that the prior is worth: more of them find small mismatches better, and large ones later."""
_SERIES = 15.0
"""From here on five terms of Stirling's series are exact to a double."""
_LOG10 = math.log(10.0)


@dataclass(frozen=True, slots=True)
class SequentialSplit:
    """The evidence against the planned split at every look so far."""

    p: tuple[float, ...]
    """At each look: the probability that a right split ever gives evidence at least as strong as the strongest so far;
    it never rises."""
    log10_p: float
    """Logarithm of the last one, for values below what a double can hold; minus infinity where p is exactly 0."""
    log_bayes_factor: float
    """At the last look: the log odds, by these counts, of a split other than the planned one; infinite for a unit in a
    variant with weight 0."""

    def first_below(self, limit: float) -> int | None:
        """The first look, counted from 0, at which p was below a limit; None when it never was."""
        return next((look for look, p in enumerate(self.p) if p < limit), None)


def sequential_split(
    looks: Sequence[Sequence[int]], weights: Sequence[float], *, concentration: float = CONCENTRATION
) -> SequentialSplit | NotEstimable:
    """How probable it is that units assigned by the planned weights ever look as uneven as these did at some look.

    Args:
        looks: for each look in order, such as each day, the units that came since the look before, by variant.
        weights: the planned weights, on any scale; 0 for a variant that should have no units.
        concentration: how close to the plan the alternatives are.

    Formula: the Bayes factor of a Dirichlet(a) prior on the shares, a_i = concentration x share_i, against the plan,
    BF = G(A)/G(A + n) prod G(a_i + x_i)/G(a_i) / prod share_i^x_i, with G the gamma function, A = sum a_i and x_i the
    units so far. Under the plan BF is a martingale with mean 1, so that P(it ever exceeds 1/alpha) <= alpha: p is the
    smallest 1/BF so far, at most 1. In the form computed here the terms of the order n log n have cancelled:
    log BF = sum (y_i - 1/2) log(y_i/m_i) - (k - 1)/2 log(N/A) + sum [d(y_i) - d(a_i)] - [d(N) - d(A)], where
    y_i = a_i + x_i, N = A + n, m_i = share_i N, and d is what Stirling's formula for log G leaves out. A unit in a
    variant with weight 0 is impossible: p = 0 from that look on.
    Source: Lindon and Malek (2022), Anytime-valid inference for multinomial count data, NeurIPS.

    Returns:
        NotEstimable "no_units" without any unit, "not_planned" where fewer than two variants have a weight.

    Raises:
        ValueError: for looks of another length than the weights, negative counts, weights that are negative, not
            finite or all 0, or a concentration that is not positive.

    >>> test = sequential_split([[50, 50], [60, 140]], [1, 1])
    >>> [round(p, 6) for p in test.p], test.first_below(0.01)
    ([1.0, 0.000624], 1)
    """
    if not (math.isfinite(concentration) and concentration > 0.0):
        raise ValueError(f"the concentration is {concentration}; it is positive")
    for counts in looks:
        check_split(counts, weights)
    total = [0] * len(weights)
    if not any(any(counts) for counts in looks):
        return NotEstimable("no_units", "no units in any variant")
    planned = [place for place, weight in enumerate(weights) if weight > 0.0]
    impossible = any(counts[place] for counts in looks for place in range(len(weights)) if place not in planned)
    if len(planned) < 2 and not impossible:
        return NotEstimable("not_planned", "a split needs two variants with a weight")
    whole = sum(Fraction(weights[place]) for place in planned)
    shares = [Fraction(weights[place]) / whole for place in planned]
    strongest, last, values = 0.0, 0.0, []
    for counts in looks:
        total = [before + now for before, now in zip(total, counts, strict=True)]
        outside = sum(total) - sum(total[place] for place in planned)
        last = math.inf if outside else _log_bayes_factor([total[place] for place in planned], shares, concentration)
        strongest = max(strongest, last)
        values.append(math.exp(-strongest))
    return SequentialSplit(p=tuple(values), log10_p=-strongest / _LOG10, log_bayes_factor=last)


def _log_bayes_factor(counts: Sequence[int], shares: Sequence[Fraction], concentration: float) -> float:
    """The log Bayes factor of a Dirichlet prior around the shares against the shares themselves."""
    n = sum(counts)
    parts = [-(len(shares) - 1) / 2.0 * math.log1p(n / concentration), _stirling(concentration)]
    parts.append(-_stirling(concentration + n))
    for x, share in zip(counts, shares, strict=True):
        prior = concentration * float(share)
        seen, meant = prior + x, (concentration + n) * float(share)
        # In exact arithmetic: a large count times a rounded share would lose the units that make the difference.
        gap = float(x - n * share)
        change = gap / meant
        log_ratio = math.log1p(change) if change > -0.5 else math.log(seen / meant)
        # The gaps of all variants sum to zero; taken off here, every term is positive and nothing large cancels.
        parts += [seen * log_ratio - gap, -0.5 * log_ratio, _stirling(seen), -_stirling(prior)]
    return math.fsum(parts)


def _stirling(z: float) -> float:
    """log G(z) less Stirling's (z - 1/2) log z - z + log(2 pi)/2."""
    if z < _SERIES:
        return math.lgamma(z) - ((z - 0.5) * math.log(z) - z + 0.5 * math.log(2.0 * math.pi))
    square = 1.0 / (z * z)
    return (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))) / z
