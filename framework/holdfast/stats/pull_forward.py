"""Whether sales were won or only came earlier: the effect while an offer ran, after it, and over the whole window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.model.outcome import NotEstimable
from holdfast.stats.balance import Group
from holdfast.stats.contrast import Interval
from holdfast.stats.joint import Quantity, difference_in, difference_ratio, linear


@dataclass(frozen=True, slots=True)
class Week:
    """The effect in one week since assignment, and up to its end."""

    effect: Interval | NotEstimable
    """The difference per assigned customer in this week alone."""
    cumulative: Interval | NotEstimable
    """The difference per assigned customer from assignment to the end of this week."""


@dataclass(frozen=True, slots=True)
class Persistence:
    """How much of what an offer brought while it ran was still there at the end of the window."""

    during: Interval | NotEstimable
    """The effect per assigned customer up to the end of the offer."""
    after: Interval | NotEstimable
    """The effect after it: negative where sales were pulled forward."""
    total: Interval | NotEstimable
    """The effect over the whole window: what decides."""
    share: Quantity | NotEstimable
    """total / during: 1 nothing was lost afterwards, 0 all of it, above 1 it went on growing."""


def by_week(treated: Group, control: Group, *, confidence: float) -> tuple[Week, ...] | NotEstimable:
    """The effect in each week since assignment, and added up to each week.

    Args:
        treated, control: a value for each week since assignment, of units followed through all of them.
        confidence: two-sided, 0.95 for 95%, of each interval by itself.

    Formula: Welch's difference of the week and of the sum up to it; the variance of a sum comes from the covariances of
    the weeks, since the same customers are in all of them.

    Returns:
        NotEstimable "no_units", "too_few_units" or "not_finite" where a variant's moments cannot be used.

    Raises:
        ValueError: for moments that cannot be, or variants with different numbers of weeks.

    >>> treated = Group(5000, [2.0, 0.8], [[30.0, 2.0], [2.0, 20.0]])
    >>> weeks = by_week(treated, Group(5000, [1.0, 1.0], [[25.0, 2.0], [2.0, 22.0]]), confidence=0.95)
    >>> [(round(week.effect.estimate, 2), round(week.cumulative.estimate, 2)) for week in weeks]
    [(1.0, 1.0), (-0.2, 0.8)]
    """
    weeks = len(treated.mean)
    if len(control.mean) != weeks:
        raise ValueError(f"{weeks} weeks and {len(control.mean)}")
    up_to = [[1.0 if week <= end else 0.0 for week in range(weeks)] for end in range(weeks)]
    sums = linear(treated, up_to), linear(control, up_to)
    for total in sums:
        if isinstance(total, NotEstimable):
            return total
    first, second = (total for total in sums if isinstance(total, Group))
    return tuple(
        Week(
            difference_in(treated, control, week, confidence=confidence),
            difference_in(first, second, week, confidence=confidence),
        )
        for week in range(weeks)
    )


def offer_and_total(weeks: Group, *, offer_weeks: int) -> Group | NotEstimable:
    """(value up to the end of the offer, value over all weeks) of one variant, from a value for each week.

    Raises:
        ValueError: where the offer does not end within the weeks, with at least one after it.

    >>> offer_and_total(Group(50, [2.0, 1.0, 1.0], [[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]]), offer_weeks=1)
    Group(n=50, mean=(2.0, 4.0), covariance=((1.0, 1.0), (1.0, 3.0)))
    """
    count = len(weeks.mean)
    if not 1 <= offer_weeks < count:
        raise ValueError(f"an offer of {offer_weeks} weeks leaves no week before or after it of {count}")
    return linear(weeks, [[1.0] * offer_weeks + [0.0] * (count - offer_weeks), [1.0] * count])


def persistence(treated: Group, control: Group, *, confidence: float) -> Persistence | NotEstimable:
    """How much of the effect at the end of an offer was left at the end of the window.

    The peak is the end of the offer, fixed in advance: the highest of the measured weeks would be high by chance.

    Args:
        treated, control: (value up to the end of the offer, value over the whole window) of each variant.
        confidence: two-sided, 0.95 for 95%, of each interval by itself.

    Formula: Welch's difference of each part and of total - during; their quotient total / during by Fieller, with the
    covariance of both within each variant.

    Returns:
        NotEstimable "no_units", "too_few_units" or "not_finite" where a variant's moments cannot be used; the share
        alone is NotEstimable "baseline_not_positive" or "baseline_too_close_to_zero" where no gain was shown.

    Raises:
        ValueError: for moments that cannot be.

    >>> treated = Group(5000, [2.0, 2.8], [[30.0, 32.0], [32.0, 54.0]])
    >>> found = persistence(treated, Group(5000, [1.0, 2.0], [[25.0, 27.0], [27.0, 51.0]]), confidence=0.95)
    >>> round(found.after.estimate, 2), round(found.share.estimate, 2), round(found.share.lower, 2)
    (-0.2, 0.8, 0.6)
    """
    groups = []
    for group in (treated, control):
        if len(group.mean) != 2:
            raise ValueError(f"the offer and the whole window are two values, not {len(group.mean)}")
        parts = linear(group, [[1.0, 0.0], [-1.0, 1.0], [0.0, 1.0]])
        if isinstance(parts, NotEstimable):
            return parts
        groups.append(parts)
    during, after, total = (difference_in(groups[0], groups[1], place, confidence=confidence) for place in range(3))
    share = difference_ratio(_swapped(treated), _swapped(control), confidence=confidence)
    return Persistence(during, after, total, share)


def _swapped(group: Group) -> Group:
    """The same two values in the other order."""
    covariance: Sequence[Sequence[float]] = [[group.covariance[1 - i][1 - j] for j in (0, 1)] for i in (0, 1)]
    return Group(group.n, (group.mean[1], group.mean[0]), covariance)
