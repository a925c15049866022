"""Lifetime value: what was realised, and what a model expects on top. A model never decides."""

from __future__ import annotations

from holdfast.model.found import LifetimeRow
from holdfast.report import numbers
from holdfast.report.quantities import change_of, level_of
from holdfast.report.sections import Part, Section
from holdfast.report.text import Safe
from holdfast.report.view import Table, View


def lifetime(view: View) -> Section | None:
    """The section with a table for each metric; None where there is no lifetime value, and for an interim run."""
    rows = view.analysis.lifetime
    if not rows or view.analysis.plan.interim:
        return None
    keys = dict.fromkeys((row.metric, row.model, row.years) for row in rows)
    parts = tuple(
        _part(view, [row for row in rows if (row.metric, row.model, row.years) == key], several=len(keys) > 1)
        for key in keys
    )
    return Section(view.voice.say("heading.lifetime"), view.voice.say("lifetime.intro"), parts)


def _part(view: View, rows: list[LifetimeRow], *, several: bool) -> Part:
    voice, first = view.voice, rows[0]
    names = {"control": view.name(view.control.key)}
    columns = ("realised", "projected", "difference")
    head = (voice.say("table.variant"), *(voice.say(f"lifetime.{key}", **names) for key in columns))
    body = tuple(_row(view, row) for row in rows)
    model = voice.one_of("lifetime", f"model_{first.model}")
    line = voice.say("lifetime.model", model=model, years=Safe(f"{first.years:g}"))
    title = view.title(first.metric) if several else Safe("")
    return Part(title=title, table=Table(head, "lrrr", body), lines=(line,))


def _row(view: View, row: LifetimeRow) -> tuple[Safe, ...]:
    scale = view.scale(row.metric)
    decimals = numbers.places(None, scale)
    return (
        view.name(row.variant),
        Safe("–") if row.realised is None else view.numbers.level(row.realised, scale, decimals),
        level_of(view, row.projected, scale),
        Safe("–") if row.difference is None else change_of(view, row.difference, scale),
    )
