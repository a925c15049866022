"""Whether units were active on some days: a few bits a unit answer for every window, and for a whole curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from operator import and_
from typing import Any

import ibis

from holdfast.warehouse.clock import DAY
from holdfast.warehouse.elements import Days

WORD = 62
"""Days that one 64-bit integer holds on every engine."""
_WINDOWS = 30
"""Windows that share one integer: each may add two stretches of days that have a bit of their own."""


@dataclass(frozen=True, slots=True)
class Activity:
    """The bits of one kind of fact on one clock.

    Days 0 to `daily` each have a bit of their own, in words of 62. Windows beyond them are cut into the stretches
    between their ends, and each stretch has a bit.
    """

    name: str
    """What its columns begin with."""
    daily: int
    windows: tuple[Days, ...]

    @property
    def _words(self) -> range:
        return range(-(-self.daily // WORD))

    @property
    def _groups(self) -> list[tuple[Days, ...]]:
        left = [window for window in self.windows if not self._covered(window)]
        return [tuple(left[start : start + _WINDOWS]) for start in range(0, len(left), _WINDOWS)]

    def _covered(self, window: Days) -> bool:
        return window.first >= 0 and window.end <= self.daily

    def aggregates(self, since: Any, counts: Any | None, *, past: bool) -> dict[str, Any]:
        """The integers of each unit; `since` are microseconds since its assignment on the clock, `past` says whether
        facts before it are among the rows, and `counts` which rows do."""
        found: dict[str, Any] = {}
        for word in self._words:
            first = word * WORD
            inside = _and(_between(since, first, min(first + WORD, self.daily), past=past), counts)
            day = (since // DAY - first).cast("int64") if first else (since // DAY).cast("int64")
            bit = ibis.literal(1, type="int64") << day
            found[f"{self.name}_d{word}"] = inside.ifelse(bit, ibis.literal(0, type="int64")).bit_or()
        for place, group in enumerate(self._groups):
            column = f"{self.name}_w{place}"
            if len(group) == 1:
                inside = _and(_between(since, group[0].first, group[0].end, past=past), counts)
                found[column] = inside.ifelse(1, 0).max()
            else:
                bits = _bits(since, group)
                bits = counts.ifelse(bits, ibis.literal(0, type="int64")) if counts is not None else bits
                found[column] = bits.bit_or()
        return found

    def within(self, table: Any, window: Days) -> Any:
        """Whether each unit was active in a window; false where it had no fact at all."""
        if self._covered(window):
            parts = []
            for word in self._words:
                first, end = max(window.first, word * WORD), min(window.end, (word + 1) * WORD)
                if first < end:
                    mask = ((1 << (end - first)) - 1) << (first - word * WORD)
                    parts.append((self._word(table, f"_d{word}") & mask) != 0)
            return reduce(lambda one, other: one | other, parts)
        for place, group in enumerate(self._groups):
            if window in group:
                word = self._word(table, f"_w{place}")
                return word != 0 if len(group) == 1 else (word & _mask(group, window)) != 0
        raise KeyError(window)

    def day(self, table: Any, day: int) -> Any:
        """1 where a unit was active on a day, otherwise 0."""
        return (self._word(table, f"_d{day // WORD}") >> (day % WORD)) & 1

    @property
    def words(self) -> tuple[str, ...]:
        """The columns that hold a bit for each day."""
        return tuple(f"{self.name}_d{word}" for word in self._words)

    def _word(self, table: Any, ending: str) -> Any:
        return ibis.coalesce(table[f"{self.name}{ending}"], ibis.literal(0)).cast("int64")


def _between(since: Any, first: int, end: int, *, past: bool) -> Any:
    before_end = since < end * DAY
    return before_end if first == 0 and not past else (since >= first * DAY) & before_end


def _and(one: Any, other: Any | None) -> Any:
    return one if other is None else reduce(and_, (one, other))


def _ends(group: Sequence[Days]) -> list[int]:
    return sorted({end for window in group for end in (window.first, window.end)})


def _mask(group: Sequence[Days], window: Days) -> int:
    """The bits of the stretches that a window is made of."""
    return sum(1 << place for place, start in enumerate(_ends(group)[:-1]) if window.first <= start < window.end)


def _bits(since: Any, group: Sequence[Days]) -> Any:
    """The bit of the stretch that each row lies in; none where no window holds it."""
    ends = _ends(group)
    cases = [(since < ends[0] * DAY, ibis.literal(0, type="int64"))]
    for place, (start, end) in enumerate(pairwise(ends)):
        used = any(window.first <= start < window.end for window in group)
        cases.append((since < end * DAY, ibis.literal(1 << place if used else 0, type="int64")))
    return ibis.cases(*cases, else_=ibis.literal(0, type="int64"))
