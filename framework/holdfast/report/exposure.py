"""Who was exposed of those assigned, and how soon, where only exposed units count: figure, table and lookups."""

from __future__ import annotations

from holdfast.report import numbers
from holdfast.report.numbers import Scale
from holdfast.report.pictures import Picture
from holdfast.report.sections import Part
from holdfast.report.text import Safe
from holdfast.report.view import Table, View

NAME = "exposure"
_MOST_ROWS = 8


def reached(view: View, variant: str) -> tuple[tuple[int, int], ...]:
    """Day since assignment to the units of a variant that were exposed by its end; none where they are not shown."""
    found = view.analysis.exposure
    if found is None or not dict(found.offered).get(variant):
        return ()
    so_far, points = 0, []
    for step in found.days:
        so_far += dict(step.counts).get(variant, 0)
        points.append((step.last_day, so_far))
    return tuple(points)


def offered(view: View, variant: str) -> int:
    """Units of a variant that were assigned, exposed or not."""
    found = view.analysis.exposure
    return dict(found.offered).get(variant, 0) if found else 0


def drawn(view: View) -> bool:
    """Whether there is a line to draw."""
    return view.analysis.exposure is not None and len(view.analysis.exposure.days) > 1


def exposure(view: View) -> Part | None:
    """The part of the health checks; None where everybody who was assigned counts."""
    found, voice = view.analysis.exposure, view.voice
    if found is None:
        return None
    shown = [info for info in view.ordered if reached(view, info.key)]
    head = (voice.say("exposure.by_end"), *(view.name(info.key) for info in shown))
    known = {info.key: dict(reached(view, info.key)) for info in shown}
    rows = [
        (_day(view, day), *(_share(view, info.key, known[info.key][day], counted=True) for info in shown))
        for day in _listed(tuple(step.last_day for step in found.days))
    ]
    totals = (voice.say("exposure.assigned"), *(view.counter(offered(view, info.key)) for info in shown))
    return Part(
        title=voice.say("exposure.heading"),
        intro=voice.say("exposure.intro", units=view.units),
        picture=Picture(NAME, alt(view)) if drawn(view) else None,
        link=voice.say("exposure.svg", link=Safe(f"figures/{NAME}.svg")) if drawn(view) else Safe(""),
        table=Table(head, "l" + "r" * len(shown), (*rows, totals)),
    )


def alt(view: View) -> Safe:
    """The figure in words and numbers: where each variant starts and ends, and whether that is alike."""
    voice, ends = view.voice, []
    for info in view.ordered:
        if not (points := reached(view, info.key)):
            continue
        (first_day, first), (last_day, last) = points[0], points[-1]
        values = {"first_day": _day(view, first_day), "last_day": _day(view, last_day)}
        shares = {"first": _share(view, info.key, first), "last": _share(view, info.key, last)}
        ends.append(voice.say("exposure.end", variant=view.name(info.key), **values, **shares))
    check = view.check("exposure")
    found = Safe("")
    if check is not None and check.value is not None:
        found = voice.say(f"exposure.found_{check.status}", p=numbers.p_value(check.value))
    return voice.together([voice.say("exposure.alt", units=view.units, ends=voice.joined(ends)), found])


def _day(view: View, day: int) -> Safe:
    return view.voice.say("exposure.day", day=numbers.count(day))


def _share(view: View, variant: str, units: int, *, counted: bool = False) -> Safe:
    share = view.numbers.level(units / offered(view, variant), Scale("share"), 1)
    return view.voice.say("exposure.counted", share=share, units=numbers.count(units)) if counted else share


def _listed(days: tuple[int, ...]) -> tuple[int, ...]:
    """At most eight of the days, spread over all of them, the first and the last among them."""
    steps = min(_MOST_ROWS, len(days)) - 1
    return tuple(days[round(place * (len(days) - 1) / steps)] for place in range(steps + 1)) if steps else days
