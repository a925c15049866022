"""Reading more than once: which look this is, and the alarm of harm that may be read before the readout."""

from __future__ import annotations

from holdfast.model.found import Alarm
from holdfast.report import numbers
from holdfast.report.numbers import Scale
from holdfast.report.sections import Part, Section
from holdfast.report.text import Safe
from holdfast.report.view import Table, View


def look_sentence(view: View) -> Safe:
    """Which look of a plan with several this is, and whether it concludes; empty for other plans."""
    look = view.analysis.look
    if look is None or view.analysis.plan.interim:
        return Safe("")
    voice = view.voice
    names = [view.name(key) for key in look.crossed]
    crossed = voice.say("look.crossed", variants=voice.listed(names)) if names else voice.say("look.not_crossed")
    return voice.together([*_which(view), crossed, voice.say(f"look.{look.method}")])


def look_precision(view: View) -> tuple[Safe, ...]:
    """What it takes to conclude at this look, as a line; none for plans without looks."""
    look = view.analysis.look
    if look is None or view.analysis.plan.interim:
        return ()
    voice, parts = view.voice, list(_which(view))
    if look.critical is not None:
        critical = view.numbers.level(look.critical, Scale("plain"), 2)
        names = {"metric": view.title(view.analysis.plan.primary), "critical": critical}
        parts.append(voice.say("look.critical", **names))
    if look.spending:
        parts.append(voice.say("look.spending", spending=voice.one_of("spending", look.spending)))
    return (voice.together([*parts, voice.say(f"look.{look.method}")]),)


def _which(view: View) -> tuple[Safe, ...]:
    """The number of the look, and the information that it has."""
    look, voice = view.analysis.look, view.voice
    assert look is not None
    key = "number" if look.of is None else "last" if look.last else "of"
    number, planned = numbers.count(look.number), numbers.count(look.of or 0)
    first = voice.say(f"look.{key}", number=number, of=planned)
    if look.fraction is None:
        return (first,)
    return first, voice.say("look.fraction", fraction=view.numbers.level(look.fraction, Scale("share"), 0))


def alarm_line(view: View) -> tuple[Safe, ...]:
    """Before the readout: the metrics whose alarm is crossed, in a sentence; none where there is no alarm."""
    rows, voice = view.analysis.alarms, view.voice
    if not rows:
        return ()
    crossed = [_named(view, row) for row in rows if row.readable and row.crossed]
    if crossed:
        return (voice.say("alarm.line_crossed", rows=voice.listed(crossed)),)
    early = not any(row.readable for row in rows)
    return (voice.say("alarm.line_early" if early else "alarm.line_open"),)


def alarm_alert(view: View) -> tuple[Safe, ...]:
    """A paragraph for the top of the report where an alarm is crossed; none where none is."""
    crossed = [_named(view, row) for row in view.analysis.alarms if row.readable and row.crossed]
    return (view.voice.say("alarm.alert", rows=view.voice.listed(crossed)),) if crossed else ()


def _named(view: View, row: Alarm) -> Safe:
    several = len(view.treated) > 1
    title = view.title(row.metric)
    return view.voice.say("unknown.row", metric=title, variants=view.name(row.variant)) if several else title


def alarms(view: View) -> Section | None:
    """The table of alarms: crossed, not crossed or too early, and no number; None where there is no alarm."""
    rows, voice = view.analysis.alarms, view.voice
    if not rows:
        return None
    several = len(view.treated) > 1
    names = (voice.say("table.variant"),) if several else ()
    head = (voice.say("table.metric"), *names, voice.say("alarm.alarm"))
    body = tuple(
        (view.title(row.metric), *((view.name(row.variant),) if several else ()), voice.say(f"alarm.{_state(row)}"))
        for row in rows
    )
    table = Table(head, "l" * len(head), body)
    return Section(voice.say("heading.alarms"), voice.say("alarm.intro"), (Part(table=table),))


def _state(row: Alarm) -> str:
    return "early" if not row.readable else "crossed" if row.crossed else "open"
