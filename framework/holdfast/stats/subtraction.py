"""What sums over some groups of units tell of others: whether adding and subtracting them shows few units alone.

Cells are what all groups cut the units into; each group is a sum of cells. What can be had by subtraction is the row
space of the groups: of it, sums of cells that are all small are looked at, and the smallest of them is found by linear
programming. The programme also takes parts of cells, so that what it finds is never more than the truth.

With many small cells that takes too long: then each group is set against the others one by one, and what is left of it
once the known groups within it are taken away.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_TOLERANCE = 1e-9
_MOST_CELLS = 24
"""Small cells up to which the whole space of sums is looked at."""
Groups = Sequence[Sequence[bool]]
"""A row a group: whether it holds each cell."""


def tells_more(known: Groups, asked: Groups, sizes: Sequence[int], minimum: int) -> bool:
    """Whether groups that are asked for tell, beside those that are known, of fewer units than may be shown.

    Args:
        known: groups whose sums are known.
        asked: groups whose sums would be known as well.
        sizes: units of each cell.
        minimum: the fewest units that may be shown.

    What the known groups tell already is no reason to refuse.
    """
    counts = np.asarray(sizes, dtype=np.float64)
    both = np.asarray([*known, *asked], dtype=np.float64).reshape(-1, len(counts))
    cells, places = np.unique(both[:, counts > 0], axis=1, return_inverse=True)
    merged = np.bincount(np.ravel(places), weights=counts[counts > 0], minlength=cells.shape[1]).astype(np.float64)
    if (merged < minimum).sum() > _MOST_CELLS:
        held = cells > 0
        return _left_over(held[: len(known)], held[len(known) :], merged, minimum)
    found = _of_small(cells, merged, minimum)
    if not len(found):
        return False
    earlier = _of_small(cells[: len(known)], merged, minimum)
    return len(found) > len(earlier) and _smallest(found, merged[merged < minimum]) < minimum - 0.5


def _left_over(known: NDArray[np.bool_], asked: NDArray[np.bool_], sizes: NDArray[np.float64], minimum: int) -> bool:
    """Whether a group that is asked for, set against one of all or beside those within it, leaves few units."""
    for place, group in enumerate(asked):
        others = np.concatenate([known, asked[:place]])
        within = [other for other in others if not (other & ~group).any()]
        around = [other & ~group for other in others if not (group & ~other).any()]
        beside = [other for other in others if not (other & group).any()]
        pieces = [(group, within), *((outer, [*beside, *within]) for outer in around)]
        if any(_few_left(piece, inner, sizes, minimum) for piece, inner in pieces):
            return True
    return False


def _few_left(
    group: NDArray[np.bool_], others: list[NDArray[np.bool_]], sizes: NDArray[np.float64], minimum: int
) -> bool:
    """Whether few units are left of a group: of itself, without any one of the others that lie within it, or without
    all of them that do not meet each other, the largest first."""
    inside = sorted((each for each in others if not (each & ~group).any()), key=lambda each: -float(sizes @ each))
    rest = group
    left = [group, *(group & ~each for each in inside)]
    for each in inside:
        if not (each & ~rest).any():
            rest = rest & ~each
            left.append(rest)
    return any(0 < sizes @ each < minimum for each in left)


def _of_small(groups: NDArray[np.float64], sizes: NDArray[np.float64], minimum: int) -> NDArray[np.float64]:
    """A basis of the sums that can be had and hold small cells alone."""
    small = sizes < minimum
    if not len(groups) or not small.any():
        return np.zeros((0, int(small.sum())))
    # Combinations of groups in which the large cells cancel out.
    left, scale, _ = np.linalg.svd(groups[:, ~small], full_matrices=True)
    rank = int((scale > _TOLERANCE * max(groups.shape)).sum())
    sums = left[:, rank:].T @ groups[:, small]
    _, scale, basis = np.linalg.svd(sums, full_matrices=False)
    return np.asarray(basis[: int((scale > _TOLERANCE * max(groups.shape)).sum())])


def _smallest(basis: NDArray[np.float64], sizes: NDArray[np.float64]) -> float:
    """The fewest units that a sum of whole cells may hold; infinite where there is none."""
    from scipy.optimize import linprog

    rows = basis.T
    fewest = np.inf
    for place in np.flatnonzero(np.abs(basis).max(axis=0) > _TOLERANCE):
        found = linprog(
            rows.T @ sizes, A_ub=-rows, b_ub=np.zeros(len(rows)), A_eq=rows[[place]], b_eq=[1.0], bounds=(None, None)
        )
        if found.status == 0:
            fewest = min(fewest, float(found.fun))
        elif found.status != 2:  # not merely impossible: nothing is known
            return 0.0
    return float(fewest)
