"""How much more likely the event is in one variant than in another on any day, and whether one number says so.

Each variant is one `Curve`, or a list with one of each stratum, such as each week of assignment, in the same order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from holdfast.model.outcome import NotEstimable
from holdfast.model.reading import Curve
from holdfast.stats.contrast import Interval
from holdfast.stats.log_rank import by_stratum, daily
from holdfast.stats.tails import checked_confidence, critical, two_sided

Ties = Literal["efron", "breslow", "grouped"]
_Array = npt.NDArray[np.float64]
_Slope = Callable[[_Array], tuple[_Array, _Array]]
"""First derivatives of a log-likelihood, and minus the second ones."""
_MOST = 100.0
"""A logarithm beyond this is that of no hazard."""
_STEPS = 200
_ONE_SIDED = "a variant has no event while both are at risk; the ratio would be 0 or infinite"
_SERIES = 30
"""From here on four terms of the digamma function's series are exact to a double."""


@dataclass(frozen=True, slots=True)
class ProportionalHazards:
    """The test of one hazard ratio for all days."""

    statistic: float
    """Chi-square statistic with 1 degree of freedom."""
    p: float
    """Two-sided p-value; small speaks against one ratio."""
    log10_p: float
    """Base-10 logarithm of p."""
    direction: Literal["rises", "falls"]
    """How the ratio of treated to control moves with time, if it does."""


@dataclass(frozen=True, slots=True)
class _Rows:
    """Days on which both variants are at risk and an event happens, of all strata."""

    time: _Array
    """The end of the day, in days since assignment."""
    n_t: _Array
    n_c: _Array
    d_t: _Array
    d_c: _Array


def hazard_ratio(
    treated: Curve | Sequence[Curve], control: Curve | Sequence[Curve], *, confidence: float, ties: Ties = "efron"
) -> Interval | NotEstimable:
    """How many times as likely the event is in the treated variant as in control on any day: 0.8 is 20% less likely.

    One number for the whole time only where `proportional_hazards` does not speak against it. "No effect" is 1.

    Args:
        treated, control: the counts of the two variants; or for each a list of its counts by stratum.
        confidence: two-sided, 0.95 for 95%.
        ties: how events of one day are taken together. "efron" or "breslow": Cox's partial likelihood with either
            approximation; "grouped": the exact likelihood of events grouped by day, of Prentice and Gloeckler.

    Formula: with r = exp(b), n units at risk and d events on a day, the derivative of Efron's log partial likelihood is
    sum over days of d_t - sum over j = 0..d-1 of (n_t - f d_t) r / ((n_t - f d_t) r + n_c - f d_c), f = j/d; Breslow's
    has f = 0; both are solved by Newton's method. Grouped: events are binomial with log(-log(1 - h)) = a_day + b x.
    V(b) is the inverse of the information; the interval is exp(b -+ z sqrt(V)), statistic = b / sqrt(V) and
    se = exp(b) sqrt(V).
    Sources: Cox (1972), Journal of the Royal Statistical Society B 34:187; Efron (1977), Journal of the American
    Statistical Association 72:557; Prentice and Gloeckler (1978), Biometrics 34:57.

    Returns:
        NotEstimable "no_units" where a variant has none, "no_events" where a variant has no event on a day with both at
        risk: its ratio would be 0 or infinite; "not_finite", "no_convergence".

    Raises:
        ValueError: for counts that cannot be, lists of different length, or a confidence outside (0, 1).

    >>> slow = Curve(at_risk=(100, 95, 90), events=(5, 5, 4), censored=(0, 0, 86))
    >>> fast = Curve(at_risk=(100, 88, 78), events=(12, 10, 7), censored=(0, 0, 71))
    >>> effect = hazard_ratio(slow, fast, confidence=0.95)
    >>> round(effect.estimate, 4), round(effect.lower, 4), round(effect.upper, 4), round(effect.p, 4)
    (0.4396, 0.2322, 0.8321, 0.0116)
    """
    z = critical(confidence=checked_confidence(confidence), df=math.inf)
    rows = _rows(treated, control)
    if isinstance(rows, NotEstimable):
        return rows
    fitted = _grouped(rows) if ties == "grouped" else _partial(rows, efron=ties == "efron")
    if isinstance(fitted, NotEstimable):
        return fitted
    log_ratio, se = fitted
    statistic = log_ratio / se
    if abs(log_ratio) + z * se > 700.0:
        return NotEstimable("not_finite", f"the logarithm of the ratio is {log_ratio:.4g} with standard error {se:.4g}")
    p, log10_p = two_sided(statistic, df=math.inf)
    ratio = math.exp(log_ratio)
    return Interval(
        estimate=ratio,
        se=ratio * se,
        lower=math.exp(log_ratio - z * se),
        upper=math.exp(log_ratio + z * se),
        statistic=statistic,
        df=math.inf,
        p=p,
        log10_p=log10_p,
        confidence=confidence,
        method={"efron": "Cox, Efron ties", "breslow": "Cox, Breslow ties", "grouped": "grouped by day"}[ties],
    )


def proportional_hazards(
    treated: Curve | Sequence[Curve], control: Curve | Sequence[Curve], *, ties: Literal["efron", "breslow"] = "efron"
) -> ProportionalHazards | NotEstimable:
    """How probable a hazard ratio that changes with time as much as here is, if it is the same on all days.

    Args:
        treated, control, ties: as for `hazard_ratio`.

    Formula: the score test of a term b2 x time in Cox's model, with the information at its estimate:
    U^2 / (I_22 - I_12^2 / I_11) with U = sum time (d_t - e), I_22 = sum time^2 v, I_12 = sum time v, I_11 = sum v, and
    e and v a day's expected events and information.
    Source: Grambsch and Therneau (1994), Biometrika 81:515, in the exact form of R's survival 3.

    Returns:
        What `hazard_ratio` returns where there is no ratio; "too_few_units" where all events are on one day.

    Raises:
        ValueError: as `hazard_ratio`.

    >>> early = Curve(at_risk=(400, 360, 340), events=(40, 20, 10), censored=(0, 0, 330))
    >>> late = Curve(at_risk=(400, 390, 370), events=(10, 20, 40), censored=(0, 0, 330))
    >>> test = proportional_hazards(late, early)
    >>> round(test.statistic, 2), test.direction
    (35.83, 'rises')
    """
    rows = _rows(treated, control)
    if isinstance(rows, NotEstimable):
        return rows
    fitted = _partial(rows, efron=ties == "efron")
    if isinstance(fitted, NotEstimable):
        return fitted
    expected, information = _moments(rows, fitted[0], efron=ties == "efron")
    # About its mean: the same number, without the difference of two large ones.
    time = rows.time - float(rows.time @ information) / float(information.sum())
    score = float(time @ (rows.d_t - expected))
    spread = float(time * time @ information)
    if not spread > 0.0:
        return NotEstimable("too_few_units", "all events with both variants at risk are on one day")
    p, log10_p = two_sided(score / math.sqrt(spread), df=math.inf)
    return ProportionalHazards(
        statistic=score * score / spread, p=p, log10_p=log10_p, direction="rises" if score > 0.0 else "falls"
    )


def _rows(treated: Curve | Sequence[Curve], control: Curve | Sequence[Curve]) -> _Rows | NotEstimable:
    """The days that tell two variants apart."""
    parts: list[_Array] = []
    units = np.zeros(2)
    for stratum in by_stratum([treated, control]):
        n, d = daily(stratum)
        units += n[0] if len(n) else 0.0
        used = (n > 0.0).all(axis=1) & (d.sum(axis=1) > 0.0)
        parts.append(np.column_stack([np.flatnonzero(used) + 1.0, n[used], d[used]]))
    if not (units > 0.0).all():
        return NotEstimable("no_units", "a variant has no unit that is followed for a day")
    rows = _Rows(*np.concatenate(parts).T)
    if not (rows.d_t.any() and rows.d_c.any()):
        return NotEstimable("no_events", _ONE_SIDED)
    return rows


def _partial(rows: _Rows, *, efron: bool) -> tuple[float, float] | NotEstimable:
    """The logarithm of the ratio and its standard error, by Cox's partial likelihood."""

    def slope(b: _Array) -> tuple[_Array, _Array]:
        expected, information = _moments(rows, float(b[0]), efron=efron)
        return (rows.d_t - expected).sum(keepdims=True), information.sum(keepdims=True)

    return _fitted(slope)


def _grouped(rows: _Rows) -> tuple[float, float] | NotEstimable:
    """The logarithm of the ratio and its standard error in the binomial model with a complementary log-log link.

    The effects of the days are solved for at each ratio. statsmodels' GLM takes seconds for 90 days, warns of perfect
    prediction and does not converge from some millions of units on.
    """
    # A day on which all units have the event has no finite effect, and says nothing about the ratio.
    used = rows.d_t + rows.d_c < rows.n_t + rows.n_c
    d_t, d_c, left_t, left_c = (each[used] for each in (rows.d_t, rows.d_c, rows.n_t - rows.d_t, rows.n_c - rows.d_c))
    if not (d_t.any() and d_c.any()):
        return NotEstimable("no_events", _ONE_SIDED)
    day = np.log((d_t + d_c) / (left_t + left_c))

    def of_days(a: _Array, b: float) -> tuple[_Array, _Array, _Array, _Array]:
        h_t, h_c = np.exp(np.minimum(a + b, _MOST)), np.exp(np.minimum(a, _MOST))
        r_t, r_c = 1.0 / special.exprel(h_t), 1.0 / special.exprel(h_c)
        weights = (d_t + left_t) * h_t * r_t, (d_c + left_c) * h_c * r_c
        return d_t * r_t - left_t * h_t, d_c * r_c - left_c * h_c, *weights

    def slope(b: _Array) -> tuple[_Array, _Array]:
        nonlocal day

        def of_day(a: _Array) -> tuple[_Array, _Array]:
            score_t, score_c, w_t, w_c = of_days(a, float(b[0]))
            return score_t + score_c, w_t + w_c

        day = _root(of_day, day)
        score, _, w_t, w_c = of_days(day, float(b[0]))
        return score.sum(keepdims=True), (w_t * w_c / (w_t + w_c)).sum(keepdims=True)

    return _fitted(slope)


def _fitted(slope: _Slope) -> tuple[float, float] | NotEstimable:
    """The log ratio at which the slope of the log-likelihood is 0, and its standard error."""
    b = _root(slope, np.zeros(1))
    score, information = (float(each[0]) for each in slope(b))
    if information > 0.0 and abs(score) <= 1e-6 * math.sqrt(information):
        return float(b[0]), 1.0 / math.sqrt(information)
    return NotEstimable("no_convergence", "the likelihood of the hazard ratio has no maximum that could be found")


def _root(slope: _Slope, start: _Array) -> _Array:
    """Where falling slopes are 0, each by Newton steps that stay within the range known to hold it."""
    x, low, high = start, np.full(len(start), -math.inf), np.full(len(start), math.inf)
    for _ in range(_STEPS):
        score, information = slope(x)
        low, high = np.where(score > 0.0, x, low), np.where(score > 0.0, high, x)
        step = np.divide(score, information, where=information > 0.0, out=2.0 * np.sign(score))
        proposed = x + np.clip(step, -2.0, 2.0)
        inside = (low <= proposed) & (proposed <= high)
        with np.errstate(invalid="ignore"):
            proposed = np.where(inside, proposed, 0.5 * (low + high))
        done = np.abs(proposed - x) <= 1e-13 * np.maximum(1.0, np.abs(x))
        x = proposed
        if done.all() or np.abs(x).max() > _MOST:
            break
    return x


def _moments(rows: _Rows, b: float, *, efron: bool) -> tuple[_Array, _Array]:
    """Expected events of the treated variant and their information, on each day, at a log hazard ratio."""
    # The smaller of r and 1/r is carried, so that neither overflows.
    w_t, w_c = (math.exp(b), 1.0) if b <= 0.0 else (1.0, math.exp(-b))
    at_risk, d = rows.n_t * w_t + rows.n_c * w_c, rows.d_t + rows.d_c
    if not efron:
        share = rows.n_t * w_t / at_risk
        return d * share, d * share * (rows.n_c * w_c / at_risk)
    # A step j of Efron's has the share (n_t - f d_t) w_t / (N - f D) = alpha + gamma / (u - j), u = d N / D.
    events = rows.d_t * w_t + rows.d_c * w_c
    u, alpha = d * at_risk / events, rows.d_t * w_t / events
    gamma = w_t * w_c * d * (rows.n_t * rows.d_c - rows.d_t * rows.n_c) / events**2
    one, two = _reciprocal_sums(u, d)
    return d * alpha + gamma * one, d * alpha * (1.0 - alpha) + gamma * (1.0 - 2.0 * alpha) * one - gamma**2 * two


def _reciprocal_sums(u: _Array, d: _Array) -> tuple[_Array, _Array]:
    """The sums of 1 / (u - j) and 1 / (u - j)^2 over j = 0..d-1, d at most u, in a time that does not grow with d.

    The smallest divisors are added one by one, the others by the asymptotic series of the digamma and trigamma
    functions about 1/2 (DLMF 5.11): psi(x + 1/2) = log x + 1/(24 x^2) - 7/(960 x^4) + 31/(8064 x^6) - ...
    """
    direct = np.minimum(d, _SERIES)
    steps = np.arange(int(direct.max()))
    divisors = (u - d)[:, None] + 1.0 + steps
    terms = np.where(steps < direct[:, None], 1.0 / divisors, 0.0)
    one, two = terms.sum(axis=1), (terms * terms).sum(axis=1)
    many = d > _SERIES
    top, count = u[many] + 0.5, (d - direct)[many]
    bottom = top - count
    x, y = 1.0 / bottom**2, 1.0 / top**2
    # Differences of powers, each as a product: top and bottom may be close together.
    gap = count * (top + bottom) * x * y
    one[many] += -np.log1p(-count / top) - gap * (
        1.0 / 24.0 - 7.0 / 960.0 * (x + y) + 31.0 / 8064.0 * (x * x + x * y + y * y)
    )
    two[many] += count / (top * bottom) - (
        (bottom**-3 - top**-3) / 12.0 - 7.0 / 240.0 * (bottom**-5 - top**-5) + 31.0 / 1344.0 * (bottom**-7 - top**-7)
    )
    return one, two
