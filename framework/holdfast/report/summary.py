"""The first screen made shorter, whole parts at a time, until it fits where a comment or a job's summary goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from holdfast.model.result import Analysis
from holdfast.report.first import FirstScreen, first_screen
from holdfast.report.text import Safe
from holdfast.report.verdict import Alert, alerts, label
from holdfast.report.view import View

LIMIT = 60_000
"""Bytes: GitHub takes comments of up to 65,536 characters."""
_NONE = Safe("")


def shorter(view: View) -> Iterator[tuple[tuple[Alert, ...], FirstScreen, bool]]:
    """The alerts and the first screen, shorter each time; and whether anything is left out. The last is short whatever
    the plan holds."""
    told, first = alerts(view), first_screen(view)
    yield told, first, False
    for empty in (
        {"unknown": _NONE},
        {"decomposition": ()},
        {"not_measured": ()},
        {"cost": ()},
        {"harm": ()},
        {"variants": ()},
        {"tables": first.tables[:1]},
        {"tables": ()},
        {"who": _NONE},
        {"next": _NONE},
    ):
        first = replace(first, **empty)
        yield told, first, True
    yield told[:1], first, True
    yield (Alert(told[0].kind, (Safe(f"**{label(view, view.analysis.verdict)}**"),)),), first, True


def writer(analysis: Analysis) -> str:
    """What writes the whole report: the command that made the analysis, or in Python the call."""
    command = analysis.provenance.command
    return command if command.startswith("holdfast analyze ") else "analysis.write(folder)"


def address(path: str, link: str) -> str:
    """Where the report can be read: its path, after the address of the project's files where there is one."""
    return f"{link.rstrip('/')}/{path}" if link else path
