"""The commands that look around: where every experiment stands, and whether everything is in order to work."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from holdfast.cli.console import marked, note, out, pairs, progress, table, write
from holdfast.cli.options import JsonOption, ProjectOption, QuietOption, SlugsArgument

if TYPE_CHECKING:
    from holdfast.project.diagnosis import Line
    from holdfast.project.standing import Standing

STATUS_SCHEMA, DOCTOR_SCHEMA = "holdfast.status/1", "holdfast.doctor/1"
"""Published by `holdfast schema status` and `holdfast schema doctor`."""
_SEVERITY = {"problem": "error", "note": "note"}


def status(
    slugs: SlugsArgument = None,
    project: ProjectOption = Path(),
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DATE", help="As things stood on this date; default: today.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print where every experiment stands: state, dates, enrolled, mature share, split. No effects, no data read."""
    from holdfast.project import open_project

    found = open_project(project).status(*(slugs or ()), as_of=as_of)
    if as_json:
        write(_json({"schema": STATUS_SCHEMA, "experiments": [asdict(item) for item in found]}))
    elif slugs and len(found) == 1:
        _print_one(found[0])
    elif found:
        header = ("experiment", "state", "enrolled", "mature", "readout", "split", "report", "next")
        table(header, [_row(item) for item in found])
    else:
        note("no experiment yet; make one with: holdfast new winback-voucher --tactic incentive")


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n"


def _row(item: Standing) -> tuple[str, ...]:
    return (
        item.slug,
        _state(item),
        _enrolled(item),
        "" if item.mature is None else f"{item.mature:.0%}",
        _readout(item),
        item.health,
        str(item.reported or ""),
        item.next,
    )


def _state(item: Standing) -> str:
    if item.todos:
        return f"{item.state}, {item.todos} TODO"
    return f"{item.state}, {item.errors} errors" if item.errors > 1 else item.state


def _enrolled(item: Standing) -> str:
    if not item.enrolled:
        return ""
    total = f"{sum(item.enrolled.values()):,}"
    return f"{total} of about {item.expected_total:,}" if item.expected_total and item.state == "enrolling" else total


def _readout(item: Standing) -> str:
    if item.readout is None or item.days_to_readout is None:
        return ""
    return f"{item.readout} (in {item.days_to_readout}d)" if item.days_to_readout > 0 else str(item.readout)


_UNREAD = ("invalid file", "changed after its start")
"""States in which it is not looked up who is enrolled."""


def _print_one(item: Standing) -> None:
    """One experiment in full."""
    out(f"{item.title} ({item.slug})" if item.title and item.title != item.slug else item.slug)
    dates = f"{item.start or ''} to {item.end}" if item.end and item.start != item.end else str(item.end or "")
    split = ", ".join(f"{key} {n:,} (planned {item.planned[key]:,.0f})" for key, n in item.enrolled.items())
    rows = [
        ("state", _state(item)),
        ("enrolment", dates),
        ("enrolled", f"{_enrolled(item)}: {split}" if split else "" if item.state in _UNREAD else "nobody yet"),
        ("assigned until", str(item.assigned_until or "")),
        ("a day", f"{item.per_day:,.0f}" if item.per_day is not None else ""),
        ("mature", f"{item.mature:.0%} of them for the primary metric" if item.mature is not None else ""),
        ("readout", _readout(item)),
        ("split", item.health),
        ("report", item.report or ""),
        ("next", item.next),
    ]
    pairs((name, value) for name, value in rows if value)


def doctor(
    project: ProjectOption = Path(),
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Check installation, files, folders, connection and sources, and say what to do. Works outside a project too."""
    from holdfast.project.diagnosis import doctor as look

    with progress(quiet or as_json) as show:
        lines = look(project, show)
    problems = [line for line in lines if line.answer == "problem"]
    if as_json:
        write(_json({"schema": DOCTOR_SCHEMA, "problems": len(problems), "lines": [asdict(line) for line in lines]}))
    else:
        _print_lines(lines)
        counted = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        note(f"{counted}, {sum(line.answer == 'note' for line in lines)} to know, {len(lines)} looked at")
    if problems:
        raise typer.Exit(3 if all(line.transient for line in problems) else 1)


def _print_lines(lines: Sequence[Line]) -> None:
    """One line each, by area; what to do stands below what it is about."""
    width = max(len(line.what) for line in lines)
    area = ""
    for line in lines:
        if line.area != area:
            area = line.area
            out(area)
        text = f"{line.what.ljust(width)}  {line.found}".rstrip()
        out(f"  {marked(line.answer.ljust(8), _SEVERITY.get(line.answer, ''))} {text}")
        if line.do:
            out(f"  {'':8} {'':{width}}  -> {line.do}")
