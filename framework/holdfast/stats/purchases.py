"""Purchases without a contract, after Fader, Hardie and Lee: who still buys, and how often they will (BG/NBD).

While customers buy they do so at random at their own rate (gamma over customers); after each purchase they may stop for
good, each with their own probability (beta over customers). A model: what follows from it is a projection.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from holdfast.model.outcome import NotEstimable
from holdfast.stats.joint import Quantity
from holdfast.stats.likelihood import Array, Fit, derived, maximise

_MOST_NODES = 320
_MOST_YEARS = 200
PARAMETERS = ("r", "alpha", "a", "b")


@dataclass(frozen=True, slots=True)
class Histories:
    """Customers counted by their purchases since the first one, which is not counted itself."""

    purchases: Sequence[float]
    """x: purchases after the first."""
    last: Sequence[float]
    """t_x: time from the first purchase to the last one; 0 where x is 0."""
    observed: Sequence[float]
    """T: time from the first purchase to the end of observation, in the same unit."""
    customers: Sequence[float]
    """Customers with these three numbers."""


def fit_purchases(histories: Histories) -> Fit | NotEstimable:
    """The BG/NBD model of a group of customers: r and alpha of buying, a and b of stopping.

    Args:
        histories: time in any unit; alpha is in that unit, and projections take it too.

    Formula, a customer: B(a, b+x) / B(a, b) * G(r+x) alpha^r / (G(r) (alpha+T)^(r+x)) + [x > 0] B(a+1, b+x-1) / B(a, b)
    * G(r+x) alpha^r / (G(r) (alpha+t_x)^(r+x)), as a sum of logarithms that cannot overflow.
    Source: Fader, Hardie and Lee (2005), Marketing Science 24:275.

    Returns:
        NotEstimable "no_units" without customers, "no_events" where nobody bought again, "not_finite", and
        "no_convergence" where the data do not determine the model, as where nobody seems to stop.

    Raises:
        ValueError: for histories that cannot be.

    >>> fit = fit_purchases(Histories([0, 1, 2, 4, 8], [0, 9, 20, 30, 36], [39] * 5, [600, 180, 90, 50, 20]))
    >>> [round(fit[name], 2) for name in PARAMETERS]
    [0.33, 12.37, 0.22, 0.45]
    """
    x, last, observed, customers = table(histories)
    if not customers.sum() > 0.0:
        return NotEstimable("no_units", "no customers")
    if not all(np.isfinite(column).all() for column in (x, last, observed, customers)):
        return NotEstimable("not_finite", "a history holds a number that is infinite or missing")
    if not (customers @ x > 0.0 and observed.max() > 0.0):
        return NotEstimable("no_events", "nobody bought again")

    def rows(logs: Array) -> tuple[Array, Array]:
        return purchase_rows(logs, x, last, observed)

    scale = (1.0, float(customers @ observed / customers.sum()), 1.0, 1.0)
    return maximise(rows, weights=customers, names=PARAMETERS, scale=scale, start=(0.5, 0.3, 0.7, 2.0))


def table(histories: Histories) -> tuple[Array, Array, Array, Array]:
    """The histories as arrays.

    Raises:
        ValueError: for negative numbers, a last purchase outside of the time observed, or columns of unequal length.
    """
    columns = (histories.purchases, histories.last, histories.observed, histories.customers)
    x, last, observed, customers = (np.asarray(column, dtype=np.float64) for column in columns)
    if len({len(column) for column in columns}) > 1:
        raise ValueError("the columns of the histories differ in length")
    if any((column < 0.0).any() for column in (x, last, observed, customers)):
        raise ValueError("purchases, times and customers are never negative")
    if (last > observed).any() or ((x == 0.0) & (last > 0.0)).any():
        raise ValueError("the last purchase lies between the first one and the end of observation")
    return x, last, observed, customers


def purchase_rows(logs: Array, x: Array, last: Array, observed: Array) -> tuple[Array, Array]:
    """The log-likelihood of each history and its gradients, one column a parameter."""
    r, alpha, a, b = np.exp(logs)
    digamma = special.digamma
    counts, places = np.unique(x, return_inverse=True)  # special functions are slow, and histories share their counts
    bought = x > 0.0
    before = np.where(bought, b + x - 1.0, 1.0)
    common = special.gammaln(r + counts) - special.gammaln(r) + r * math.log(alpha)
    common = (common + special.betaln(a, b + counts) - special.betaln(a, b))[places]
    late, early = np.log(alpha + observed), np.log(alpha + last)
    staying_on = -(r + x) * late
    gone = np.where(bought, math.log(a) - np.log(before) - (r + x) * early, -np.inf)
    value = np.logaddexp(staying_on, gone)
    stopped = np.where(bought, np.exp(gone - value), 0.0)
    staying = 1.0 - stopped
    both = (digamma(a + b) - digamma(a + b + counts))[places]
    buying, stopping = (digamma(r + counts) - digamma(r))[places], (digamma(b + counts) - digamma(b))[places]
    slopes = np.stack(
        [
            r * (buying + math.log(alpha) - staying * late - stopped * early),
            r - alpha * (r + x) * (staying / (alpha + observed) + stopped / (alpha + last)),
            a * both + stopped,
            b * (stopping + both - stopped / before),
        ],
        axis=1,
    )
    return common + value, slopes


def alive(logs: Array, histories: Histories) -> Array:
    """How probable it is, for each history, that these customers have not stopped.

    Formula: 1 / (1 + [x > 0] a / (b + x - 1) ((alpha + T) / (alpha + t_x))^(r + x)).

    >>> print(alive(np.log([0.243, 4.414, 0.793, 2.426]), Histories([2], [30.43], [38.86], [1])).round(4))
    [0.7266]
    """
    x, last, observed, _ = table(histories)
    r, alpha, a, b = np.exp(logs)
    odds = (
        math.log(a)
        - np.log(np.where(x > 0.0, b + x - 1.0, 1.0))
        + (r + x) * np.log((alpha + observed) / (alpha + last))
    )
    found: Array = np.where(x > 0.0, special.expit(-odds), 1.0)
    return found


def expected_purchases(logs: Array, histories: Histories, ahead: float) -> Array:
    """Purchases to expect of a customer with each history in the time ahead.

    Args:
        logs: of r, alpha, a and b.
        ahead: time from the end of observation, in the unit of the histories.

    Formula: P(alive) times the mean over p, beta(a, b + x), of (1 - (1 + p t / (alpha + T))^-(r + x)) / p, by Gauss's
    quadrature for that beta: the same as equation 10 of Fader, Hardie and Lee (2005) without its singularity at a = 1
    and without a hypergeometric function.

    Raises:
        ValueError: for a negative time.

    >>> print(expected_purchases(np.log([0.243, 4.414, 0.793, 2.426]), Histories([2], [30.43], [38.86], [1]), 39.0))
    [1.22602817]
    """
    if not ahead >= 0.0:
        raise ValueError(f"the time ahead is never negative: {ahead}")
    return _weighted(logs, histories, np.array([ahead]), np.ones(1))


def discounted_purchases(logs: Array, histories: Histories, *, ahead: float, year: float, discount: float) -> Array:
    """Purchases to expect in the time ahead, each worth less the later it comes.

    Args:
        logs: of r, alpha, a and b.
        ahead: time from the end of observation, in the unit of the histories.
        year: the length of a year in that unit: 365, 52.14 weeks or 12.
        discount: interest a year.

    Formula: the purchases of each month, the last one in part, times (1 + discount)^-(middle of the month in years).

    Raises:
        ValueError: for a time that is negative or too long to count months, a year not above 0, or interest of -1.

    >>> logs, customer = np.log([0.243, 4.414, 0.793, 2.426]), Histories([2], [30.43], [38.86], [1])
    >>> print(discounted_purchases(logs, customer, ahead=39.0, year=365 / 7, discount=0.1).round(4))
    [1.1857]
    """
    if not (0.0 <= ahead < math.inf and 0.0 < year < math.inf and discount > -1.0):
        raise ValueError(f"no time to project over: {ahead}, a year of {year}, interest {discount}")
    if discount == 0.0:
        return expected_purchases(logs, histories, ahead)
    months = math.ceil(12.0 * ahead / year)
    if months > 12 * _MOST_YEARS:
        raise ValueError(f"a projection over {ahead / year:.6g} years; at most {_MOST_YEARS}")
    ends = np.minimum(np.arange(1, months + 1) * year / 12.0, ahead)
    middles = (ends + np.concatenate([np.zeros(1), ends])[:-1]) / 2.0
    return _weighted(logs, histories, ends, (1.0 + discount) ** -(middles / year))


def _weighted(logs: Array, histories: Histories, ends: Array, weights: Array) -> Array:
    """Expected purchases of each history up to each end since the one before, times the weights, added up."""
    x, _, observed, _ = table(histories)
    r, alpha, a, b = np.exp(logs)
    found = alive(logs, histories)
    counts, places = np.unique(x, return_inverse=True)
    if not len(counts):
        return found
    furthest = float((ends.max(initial=0.0) / (alpha + observed)).max())
    nodes, shares = (part[places] for part in _beta_nodes(float(a), float(b) + counts, furthest=furthest))
    power, pace = -(r + x)[:, None], nodes / (alpha + observed)[:, None]
    sums, before = np.zeros_like(nodes), np.zeros_like(nodes)
    for end, weight in zip(ends, weights, strict=True):
        upto = -np.expm1(power * np.log1p(pace * end))
        sums += weight * (upto - before)
        before = upto
    found *= (sums / nodes * shares).sum(axis=1)
    return found


def projected_purchases(fit: Fit, histories: Histories, *, ahead: float, confidence: float) -> Quantity | NotEstimable:
    """Purchases to expect per customer of these histories in the time ahead, with the error of the parameters.

    Returns:
        NotEstimable "no_units" without customers, "not_finite".

    Raises:
        ValueError: for histories that cannot be, or a negative time.
    """
    customers = table(histories)[3]
    if not customers.sum() > 0.0:
        return NotEstimable("no_units", "no customers")

    def mean(logs: Array) -> float:
        return float(customers @ expected_purchases(logs, histories, ahead) / customers.sum())

    return derived(mean, fit, confidence=confidence)


def _beta_nodes(a: float, b: Array, *, furthest: float) -> tuple[Array, Array]:
    """Places in (0, 1) and weights whose weighted sums are means over beta distributions: a row for each b.

    Gauss's quadrature by Golub and Welsch (1969), Mathematics of Computation 23:221. The integrand has a singularity at
    -1 / furthest; the nearer to 0 that is, the more nodes are taken.
    """
    far = 1.0 + 2.0 / max(furthest, 1e-3)
    nodes = int(min(_MOST_NODES, 16.0 + 30.0 / math.log(far + math.sqrt(far * far - 1.0))))
    j = np.arange(2.0, nodes)
    b = b[:, None]
    both = a + b - 2.0  # Jacobi polynomials with exponents b - 1 at -1 and a - 1 at 1, mirrored onto (0, 1)
    top = 2.0 * np.arange(1.0, nodes) + both
    matrix = np.zeros((len(b), nodes, nodes))
    on, off = np.arange(nodes), np.arange(nodes - 1)
    matrix[:, on, on] = np.concatenate([(b - a) / (a + b), (b - a) * both / (top * (top + 2.0))], axis=1)
    first = 4.0 * a * b / ((a + b) ** 2 * (a + b + 1.0))
    size = 2.0 * j + both
    rest = 4.0 * j * (j + a - 1.0) * (j + b - 1.0) * (j + both) / (size**2 * (size + 1.0) * (size - 1.0))
    matrix[:, off + 1, off] = np.sqrt(np.concatenate([first, rest], axis=1))
    places, vectors = np.linalg.eigh(matrix)
    return np.clip((1.0 - places) / 2.0, 1e-300, 1.0), vectors[:, 0, :] ** 2
