"""Whether a split was the same in every part: every day, every send, every segment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special

from holdfast.model.outcome import NotEstimable

_SMALL_EXPECTED = 5.0
"""Parts with fewer expected units in a variant are put together with other small ones."""


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """The test of one split in all parts."""

    p: float
    """Probability of parts at least this different, if all were split alike."""
    statistic: float
    """Chi-square statistic."""
    df: int
    """(parts - 1) (variants - 1), of what is left after putting small parts together."""
    worst: tuple[int, ...]
    """The part that adds most to the statistic, by its place in the list given; several if put together."""
    merged: int
    """Parts that do not stand alone."""


def homogeneity(parts: Sequence[Sequence[int]]) -> Homogeneity | NotEstimable:
    """How probable it is that parts of units, all split alike, differ as much as these do.

    Args:
        parts: for each part, such as a day or a send, its units by variant.

    Formula: X^2 = sum (n_pv - e_pv)^2 / e_pv with e_pv = n_p n_v / n, chi-square with (P - 1)(V - 1) degrees of
    freedom. Parts with an expected count below 5 in any variant are put together with the next such parts until they
    have 5; that depends on their size only, never on their split. Which split was planned plays no part.
    Source: Pearson (1900); the rule of five is Cochran's (1954).

    Returns:
        NotEstimable "no_units" without any unit, "not_planned" with fewer than two parts or variants with units,
        "too_few_units" where fewer than two parts are left.

    Raises:
        ValueError: for parts of different length, or negative counts.

    >>> test = homogeneity([[500, 500], [490, 510], [400, 600]])
    >>> round(test.statistic, 3), test.df, test.worst
    (24.398, 2, (2,))
    """
    if len({len(counts) for counts in parts}) > 1 or any(count < 0 for counts in parts for count in counts):
        raise ValueError("every part has a count for every variant, and none is negative")
    filled = {place: counts for place, counts in enumerate(parts) if sum(counts)}
    if not filled:
        return NotEstimable("no_units", "no units in any part")
    columns = [v for v in range(len(parts[0])) if any(counts[v] for counts in filled.values())]
    if len(filled) < 2 or len(columns) < 2:
        return NotEstimable("not_planned", "a comparison needs two parts and two variants with units")
    totals = [sum(counts[v] for counts in filled.values()) for v in columns]
    shares = [total / sum(totals) for total in totals]
    together = _together({place: sum(counts) for place, counts in filled.items()}, _SMALL_EXPECTED / min(shares))
    if len(together) < 2:
        return NotEstimable("too_few_units", f"{len(filled)} parts, too small to stand alone")
    table = [[sum(filled[place][v] for place in places) for v in columns] for places in together]
    terms = [_distance(counts, shares) for counts in table]
    statistic = math.fsum(terms)
    df = (len(table) - 1) * (len(columns) - 1)
    worst = together[max(range(len(terms)), key=lambda row: terms[row])]
    merged = sum(len(places) for places in together if len(places) > 1)
    return Homogeneity(float(special.chdtrc(df, statistic)), statistic, df, worst, merged)


def _together(sizes: dict[int, int], enough: float) -> list[tuple[int, ...]]:
    """The parts, those that are too small together with the next ones that are; what is left joins the last of them."""
    alone = [(place,) for place, size in sizes.items() if size >= enough]
    bins: list[list[int]] = []
    waiting: list[int] = []
    for place, size in sizes.items():
        if size >= enough:
            continue
        waiting.append(place)
        if sum(sizes[each] for each in waiting) >= enough:
            bins.append(waiting)
            waiting = []
    if waiting and bins:
        bins[-1] += waiting
    elif waiting and alone:
        # Nothing else is small: they join the smallest part that stands alone.
        nearest = min(alone, key=lambda places: sizes[places[0]])
        alone.remove(nearest)
        bins.append([*nearest, *waiting])
    return [*alone, *(tuple(places) for places in bins)]


def _distance(counts: Sequence[int], shares: Sequence[float]) -> float:
    """What one part adds to the statistic."""
    total = sum(counts)
    return math.fsum(
        (count - total * share) ** 2 / (total * share) for count, share in zip(counts, shares, strict=True)
    )
