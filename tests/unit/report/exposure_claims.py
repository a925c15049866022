"""What a report has to say of who was exposed, and how soon, where only exposed units count."""

from __future__ import annotations

import re
from collections.abc import Iterator

from holdfast.model.found import ExposureResult
from tests.unit.report.printed import P, Told
from tests.unit.report.telling import Words

_ROWS = 8
"""Days that the table has at most."""


def exposure(words: Words) -> Iterator[Told | list[Told]]:
    """The introduction, the figure in words, and a row for each day that the table has."""
    found = words.analysis.exposure
    if found is None:
        return
    offered = dict(found.offered)
    shown = [info.key for info in words.ordered if offered.get(info.key)]
    yield words.say("exposure.intro", units=words.units)
    if len(found.days) > 1:
        yield _figure(words, found, shown)
        yield unlinked(words.say("exposure.svg"))
    for place in listed(len(found.days)):
        cells = []
        for key in shown:
            share = words.percent(_reached(found, key, place) / offered[key])
            units = words.count(_reached(found, key, place))
            cells.append(words.say("exposure.counted", share=share, units=units))
        yield [_day(words, found, place), *cells]
    yield [words.say("exposure.assigned"), *(words.counted("counter", offered[key]) for key in shown)]


def _figure(words: Words, found: ExposureResult, shown: list[str]) -> Told:
    """Where each line starts and ends, and what the check says of them."""
    ends, offered = [], dict(found.offered)
    for key in shown:
        values: dict[str, Told] = {}
        for name, place in (("first", 0), ("last", len(found.days) - 1)):
            values[name] = words.cell(words.percent(_reached(found, key, place) / offered[key]))
            values[f"{name}_day"] = _day(words, found, place)
        ends.append(words.say("exposure.end", variant=words.name(key), **values))
    told = [words.say("exposure.alt", units=words.units, ends=words.joined(ends))]
    for check in words.analysis.checks:
        if check.id == "exposure" and check.value is not None:
            told.append(words.say(f"exposure.found_{check.status}", p=[P(check.value)]))
    return words.row(told)


def _reached(found: ExposureResult, variant: str, place: int) -> int:
    """Units that were exposed by the end of a step."""
    return sum(count for step in found.days[: place + 1] for key, count in step.counts if key == variant)


def _day(words: Words, found: ExposureResult, place: int) -> Told:
    return words.say("exposure.day", day=words.count(found.days[place].last_day))


def listed(steps: int) -> list[int]:
    """The steps of the table: all, or eight that are as far apart as they can be, from the first to the last."""
    if steps <= _ROWS:
        return list(range(steps))
    return [round(place * (steps - 1) / (_ROWS - 1)) for place in range(_ROWS)]


def unlinked(link: Told) -> Told:
    """A link as it reads."""
    found = re.match(r"\\\[(.*)\\\]", link.pattern)
    return Told(found[1] if found else link.pattern)
