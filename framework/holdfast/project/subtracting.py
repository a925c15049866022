"""What an exploration tells beside the report and the explorations before it: few units alone, by subtraction?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from holdfast import stats
from holdfast.errors import DataError
from holdfast.estimate.segments import too_few
from holdfast.model.exploration import EARLIER, WITHIN, Explored
from holdfast.model.predicate import Condition
from holdfast.model.reading import Reading, Together
from holdfast.model.study import Study

Question = tuple[str | None, Mapping[str, Condition]]
"""The segment and the conditions of an exploration."""
Group = list[bool]
"""Whether it holds each cell."""


def asked_before(known: Iterable[Explored], now: Explored, names: frozenset[str]) -> tuple[Question, ...]:
    """What was asked before, of any metric, but for what is asked now.

    Args:
        known: the explorations on record. They hold conditions as text; of one that can be read in two ways, both are
            taken for asked.
        now: the exploration that is made.
        names: properties and segments that there are.
    """
    found: dict[tuple[str | None, tuple[tuple[str, str], ...]], list[Question]] = {}
    for each in known:
        asked = (each.segment, tuple(sorted(each.where.items())))
        if asked == (now.segment, tuple(sorted(now.where.items()))) or not {*each.where, each.segment or ""} <= names:
            continue
        readings = product(*(Condition.readings(text) for text in each.where.values()))
        found[asked] = [(each.segment, dict(zip(each.where, reading, strict=True))) for reading in readings]
    return tuple(question for questions in found.values() for question in questions)


def refuse_subtraction(reading: Reading, study: Study, now: Question, earlier: Sequence[Question]) -> None:
    """Stop where what is asked for, beside what is known, would show fewer units than may be shown.

    Raises:
        DataError: it would.
    """
    minimum = study.project.privacy.minimum_cell
    cells = _Cells(reading.asked, reading.together, tuple(study.experiment.variants), minimum)
    planned = dict.fromkeys([*study.experiment.analysis.segments, *study.experiment.assignment.strata])
    known = [cells.everything, *(group for name in planned for group in cells.levels(name, cells.everything))]
    for place, (segment, where) in enumerate(earlier):
        asked = list(cells.of(segment, f"{EARLIER}{place}" if where else None))
        # Of what was asked when less was refused only that is known which tells nothing of few units.
        if not cells.tells_more(known, asked):
            known += asked
    if cells.tells_more(known, list(cells.of(now[0], WITHIN if now[1] else None))):
        raise DataError(
            f"beside what the report and earlier explorations show, this would tell of fewer than {minimum} units of a "
            "variant by subtraction (privacy.minimum_cell); ask for values that are shown, or for all that are not "
            "shown together"
        )


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells that everything that is or was asked cuts the units into."""

    names: tuple[str, ...]
    """What the levels of each cell are of."""
    counted: tuple[Together, ...]
    variants: tuple[str, ...]
    minimum: int

    @property
    def places(self) -> tuple[tuple[str | None, ...], ...]:
        """The levels of each cell."""
        return tuple(dict.fromkeys(item.levels for item in self.counted))

    @property
    def everything(self) -> Group:
        return [True] * len(self.places)

    def of(self, segment: str | None, conditions: str | None) -> Iterator[Group]:
        """What an exploration shows: the units that meet its conditions, and the levels within them."""
        if conditions is None:
            inside = self.everything
        elif conditions in self.names:
            place = self.names.index(conditions)
            inside = [levels[place] in {"true", "True", "1"} for levels in self.places]
        else:
            return
        yield inside
        if segment is not None:
            yield from self.levels(segment, inside)

    def levels(self, segment: str, inside: Group) -> Iterator[Group]:
        """The levels of a segment that are shown of some units."""
        if segment not in self.names:
            return
        place = self.names.index(segment)
        chosen = {levels for levels, holds in zip(self.places, inside, strict=True) if holds}
        units: dict[str | None, list[int]] = {}
        for item in self.counted:
            if item.levels in chosen and item.variant in self.variants:
                row = units.setdefault(item.levels[place], [0] * len(self.variants))
                row[self.variants.index(item.variant)] += item.n
        for level in units.keys() - too_few(units, self.minimum):
            yield [holds and levels[place] == level for levels, holds in zip(self.places, inside, strict=True)]

    def tells_more(self, known: Sequence[Group], asked: Sequence[Group]) -> bool:
        """Whether groups tell of few units of a variant, beside those that are known."""
        places = {levels: place for place, levels in enumerate(self.places)}
        for variant in self.variants:
            sizes = [0] * len(places)
            for item in self.counted:
                if item.variant == variant:
                    sizes[places[item.levels]] += item.n
            if any(sizes) and asked and stats.tells_more(known, asked, sizes, self.minimum):
                return True
        return False
