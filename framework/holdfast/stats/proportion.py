"""Two shares compared by score methods, right at small counts and at none; and the intervals of one share.

A variant is (successes, units). Every test and interval here inverts one statistic, that of `holdfast.stats.score`.
"""

from __future__ import annotations

import math

from holdfast.model.outcome import NotEstimable
from holdfast.stats.contrast import Interval, OneSided, checked_margin, judge
from holdfast.stats.score import Counts, difference_bounds, difference_score, ratio_bounds, ratio_score
from holdfast.stats.tails import checked_confidence, critical, two_sided


def mn_difference(*, treated: tuple[int, int], control: tuple[int, int], confidence: float) -> Interval | NotEstimable:
    """How much higher the treated share is than control's, right also for rare outcomes.

    Args:
        treated, control: (successes, units) of the two variants.
        confidence: two-sided, 0.95 for 95%.

    Formula: all d with |p_t - p_c - d| <= z sqrt(V(d) N / (N - 1)), V(d) at the shares most likely under d. p is that
    of the same score at d = 0, so the interval leaves out 0 exactly when p < 1 - confidence. Without a success (or
    without a failure) in either variant the difference is 0 with p = 1. se is half the width of the interval over z.
    Source: Miettinen and Nurminen (1985), Statistics in Medicine 4:213.

    Returns:
        NotEstimable "no_units" where a variant has none.

    Raises:
        ValueError: for counts that cannot be, or a confidence outside (0, 1).

    >>> effect = mn_difference(treated=(15, 120), control=(8, 100), confidence=0.95)
    >>> round(effect.estimate, 4), round(effect.lower, 4), round(effect.upper, 4), round(effect.p, 4)
    (0.045, -0.0395, 0.1277, 0.2785)
    """
    checked_confidence(confidence)
    counts = _counts(treated, control)
    if isinstance(counts, NotEstimable):
        return counts
    z = critical(confidence=confidence, df=math.inf)
    bounds = difference_bounds(counts, z)
    estimate = counts.x_t / counts.n_t - counts.x_c / counts.n_c
    return _interval(
        counts, estimate=estimate, bounds=bounds, z=z, confidence=confidence, method="Miettinen-Nurminen score"
    )


def koopman_lift(*, treated: tuple[int, int], control: tuple[int, int], confidence: float) -> Interval | NotEstimable:
    """By what share the treated share is higher than control's (0.1 is +10%), right also for rare outcomes.

    Args:
        treated, control: (successes, units) of the two variants.
        confidence: two-sided, 0.95 for 95%.

    Formula: all lifts r - 1 with |p_t - r p_c| <= z sqrt(V(r) N / (N - 1)), V(r) at the shares most likely under r;
    Koopman's interval with the factor N / (N - 1). It leaves out 0 exactly when that of `mn_difference` does, and
    statistic and p are the same. se is half the width of the interval over z.
    Sources: Koopman (1984), Biometrics 40:513; Miettinen and Nurminen (1985), Statistics in Medicine 4:213.

    Returns:
        NotEstimable "no_units" where a variant has none, "baseline_not_positive" where control has no success.

    Raises:
        ValueError: for counts that cannot be, or a confidence outside (0, 1).

    >>> lift = koopman_lift(treated=(15, 120), control=(8, 100), confidence=0.95)
    >>> round(lift.estimate, 4), round(lift.lower, 4), round(lift.upper, 4)
    (0.5625, -0.291, 2.4865)
    """
    checked_confidence(confidence)
    counts = _counts(treated, control)
    if isinstance(counts, NotEstimable):
        return counts
    if counts.x_c == 0:
        return NotEstimable("baseline_not_positive", f"none of the control's {counts.n_c} units had the outcome")
    z = critical(confidence=confidence, df=math.inf)
    low, high = ratio_bounds(counts, z)
    share = counts.x_c / counts.n_c
    lift = (counts.x_t / counts.n_t - share) / share
    bounds = (low - 1.0, high - 1.0)
    return _interval(counts, estimate=lift, bounds=bounds, z=z, confidence=confidence, method="Koopman score")


def mn_non_inferiority(
    *,
    treated: tuple[int, int],
    control: tuple[int, int],
    margin: float,
    relative: bool,
    increase_is_good: bool,
    confidence: float,
) -> OneSided | NotEstimable:
    """Whether the treated share is safe, that is, not worse than control's by as much as the tolerated harm.

    Args:
        treated, control: (successes, units) of the two variants.
        margin: the tolerated harm, 0 or more: a difference of shares (0.003 is 0.3 points), or where `relative` a part
            of control's share.
        relative: how margin is meant.
        increase_is_good: True where a fall is the harm (retention), False where a rise is (unsubscribing).
        confidence: one-sided, above 0.5; 0.95 tests at 5% on each side.

    Formula: the score z of `mn_difference` at d = -margin (+margin where an increase is bad), or that of `koopman_lift`
    at the ratio 1 - margin (1 + margin), turned so that positive is inside the margin. safe: z above the one-sided
    critical value; harm: below its negative; otherwise cannot_tell. p_safe = P(Z > z), p_harm = P(Z < z).
    Sources: Farrington and Manning (1990), Statistics in Medicine 9:1447; Miettinen and Nurminen (1985).

    Returns:
        For an absolute margin, estimate, se, lower and upper are those of `mn_difference` at 2 * confidence - 1. For a
        relative one they are those of `koopman_lift`, with `relative` True; where control has no success they are those
        of the difference, with `relative` False, while state and p-values still judge the ratio. Bounds and state
        agree. NotEstimable "no_units" where a variant has none.

    Raises:
        ValueError: for counts that cannot be, a margin that is negative or not finite, a relative margin of 1 or more
            where an increase is good, a confidence outside (0.5, 1).

    >>> judged = mn_non_inferiority(treated=(70, 10000), control=(60, 10000), margin=0.003, relative=False,
    ...                             increase_is_good=False, confidence=0.95)
    >>> judged.state, round(judged.upper, 5), round(judged.p_safe, 4)
    ('safe', 0.0029, 0.0417)
    """
    checked_margin(margin, relative=relative, increase_is_good=increase_is_good)
    two_sided_confidence = 2.0 * checked_confidence(confidence, one_sided=True) - 1.0
    counts = _counts(treated, control)
    if isinstance(counts, NotEstimable):
        return counts
    shown = mn_difference(treated=treated, control=control, confidence=two_sided_confidence)
    sign = 1.0 if increase_is_good else -1.0
    as_lift = False
    if relative:
        lift = koopman_lift(treated=treated, control=control, confidence=two_sided_confidence)
        if isinstance(lift, Interval):
            shown, as_lift = lift, True
    if isinstance(shown, NotEstimable):
        return shown
    score = ratio_score(counts, 1.0 - sign * margin) if relative else difference_score(counts, -sign * margin)
    method = "score test of the ratio" if relative else "score test of the difference"
    return judge(shown, statistic=sign * score, margin=margin, relative=as_lift, confidence=confidence, method=method)


def pooled_z(*, treated: tuple[int, int], control: tuple[int, int]) -> tuple[float, float]:
    """The classical pooled two-proportion z and its two-sided p-value, as the square root of the chi-square test.

    Args:
        treated, control: (successes, units) of the two variants, each with at least one unit.

    Formula: z = (p_t - p_c) / sqrt(p (1 - p) (1/n_t + 1/n_c)), p = all successes over all units. Without a success, or
    without a failure, in either variant: (0, 1).

    Raises:
        ValueError: for counts that cannot be, or a variant without units.

    >>> z, p = pooled_z(treated=(15, 120), control=(8, 100))
    >>> round(z, 4), round(p, 4)
    (1.0862, 0.2774)
    """
    counts = _counts(treated, control)
    if isinstance(counts, NotEstimable):
        raise ValueError(counts.detail)
    share = (counts.x_t + counts.x_c) / (counts.n_t + counts.n_c)
    variance = share * (1.0 - share) * (1.0 / counts.n_t + 1.0 / counts.n_c)
    if not variance > 0.0:
        return 0.0, 1.0
    z = (counts.x_t / counts.n_t - counts.x_c / counts.n_c) / math.sqrt(variance)
    return z, two_sided(z, df=math.inf)[0]


def wilson(*, n: int, successes: int, confidence: float) -> tuple[float, float]:
    """The Wilson interval of one share, (lower, upper), within 0 to 1.

    Args:
        n: units; with none the interval is (0, 1).
        successes: units with the outcome.
        confidence: two-sided, 0.95 for 95%.

    Formula: (p + z^2/2n -+ z sqrt(p (1 - p)/n + z^2/4n^2)) / (1 + z^2/n). Source: Wilson (1927), Journal of the
    American Statistical Association 22:209.

    Raises:
        ValueError: for counts that cannot be, or a confidence outside (0, 1).

    >>> lower, upper = wilson(n=100, successes=8, confidence=0.95)
    >>> round(lower, 4), round(upper, 4)
    (0.0411, 0.15)
    """
    checked_confidence(confidence)
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} of {n} units cannot have the outcome")
    if n == 0:
        return 0.0, 1.0
    z = critical(confidence=confidence, df=math.inf)
    share = successes / n
    scale = 1.0 + z * z / n
    centre = share + z * z / (2 * n)
    half = z * math.sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n))
    # The product of the two roots is share^2 / scale: the lower one from it loses no digits near 0.
    upper = 1.0 if successes == n else (centre + half) / scale
    lower = share * share / (centre + half) if successes else 0.0
    return lower, upper


def _counts(treated: tuple[int, int], control: tuple[int, int]) -> Counts | NotEstimable:
    """The counts, once they are known to be possible."""
    for successes, n in (treated, control):
        if not 0 <= successes <= n:
            raise ValueError(f"{successes} of {n} units cannot have the outcome")
    if treated[1] == 0 or control[1] == 0:
        return NotEstimable("no_units", "a variant has no units")
    return Counts(x_t=treated[0], n_t=treated[1], x_c=control[0], n_c=control[1])


def _interval(
    counts: Counts, *, estimate: float, bounds: tuple[float, float], z: float, confidence: float, method: str
) -> Interval:
    """A score interval with the test of "no difference" that it inverts."""
    statistic = difference_score(counts, 0.0)
    p, log10_p = two_sided(statistic, df=math.inf)
    lower, upper = bounds
    return Interval(
        estimate=estimate,
        se=(upper - lower) / (2.0 * z),
        lower=lower,
        upper=upper,
        statistic=statistic,
        df=math.inf,
        p=p,
        log10_p=log10_p,
        confidence=confidence,
        method=method,
    )
