"""`holdfast diff`: why two reports of one experiment do not say the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.console import out, table, write
from holdfast.cli.figures import number
from holdfast.cli.options import JsonOption, ProjectOption

if TYPE_CHECKING:
    from holdfast.model.changed import Diff, EstimateChange, FieldChange

_WHY = {
    "another_version": "they are of different versions of the experiment",
    "configuration": "the files were changed in between",
    "newly_assigned": "more units were assigned",
    "late_assignments": "units of days that were counted already came later, or are gone",
    "newly_mature": "the windows of more units have closed",
    "late_facts": "facts of the same units came later, or were corrected",
    "software": "another version of Holdfast or of the engine, or other sources",
}


def diff(
    slug: str,
    start: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="The earlier report; default: the one before.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="The later report; default: the newest.")
    ] = None,
    project: ProjectOption = Path(),
    as_json: JsonOption = False,
) -> None:
    """Print why two reports of an experiment differ, from their results.json alone; no data are needed."""
    from holdfast import report
    from holdfast.project import open_project

    found = open_project(project).diff(slug, start, end)
    if as_json:
        write(report.canonical(found, "diff"))
    else:
        _print(found)


def _print(found: Diff) -> None:
    out(f"{found.experiment}: {found.before} and {found.after}")
    for reason in found.why:
        out(f"  because {_WHY[reason]}")
    if not found.why:
        out("  the same files, the same units, the same totals")
    same = found.verdict_before == found.verdict_after
    out(f"verdict  {found.verdict_after}" + (" at both" if same else f"; before: {found.verdict_before}"))
    out()
    header = ("metric", "variant", "n before", "n after", "newly mature", "late total", "value before", "value after")
    table(header, [tuple(_text(cell) for cell in row) for row in _levels(found)])
    if any(each.estimand == "difference" for each in found.estimates):
        out()
        compared = ("difference in", "comparison", "before", "after", "reading")
        table(compared, [_estimate(each) for each in found.estimates if each.estimand == "difference"])
    _print_changes(found)


def _levels(found: Diff) -> Iterator[tuple[object, ...]]:
    for each in found.levels:
        counts = (each.n_before, each.n_after, each.newly_mature, each.late_total)
        yield (each.metric, each.variant, *counts, each.value_before, each.value_after)


def _print_changes(found: Diff) -> None:
    lines = [_field(each) for each in found.fields]
    if found.config_hash_before != found.config_hash_after and not lines:
        lines = ["something that results.json does not hold, such as the definition of a source; see version control"]
    _section("configuration", lines)
    _section("software and sources", [_field(each) for each in found.software])
    _section(
        "checks", [f"{each.id}: {each.before or 'not made'}, now {each.after or 'not made'}" for each in found.checks]
    )
    gone = [f"no longer: {each}" for each in found.deviations_gone]
    _section("deviations", [*(f"new: {each}" for each in found.deviations_added), *gone])


def _section(title: str, lines: list[str]) -> None:
    if lines:
        out()
        out(title)
        for line in lines:
            out(f"  {line}")


def _field(each: FieldChange) -> str:
    return f"{each.field}: {each.before or 'nothing'}, now {each.after or 'nothing'}"


def _estimate(each: EstimateChange) -> tuple[str, ...]:
    before = _interval(each.before, each.lower_before, each.upper_before)
    after = _interval(each.after, each.lower_after, each.upper_after)
    states = dict.fromkeys(state for state in (each.state_before, each.state_after) if state)
    return (each.metric, f"{each.variant} against {each.baseline}", before, after, ", now ".join(states))


def _interval(estimate: float | None, lower: float | None, upper: float | None) -> str:
    if estimate is None:
        return "–"
    ends = "" if lower is None or upper is None else f" ({number(lower, signed=True)} to {number(upper, signed=True)})"
    return f"{number(estimate, signed=True)}{ends}"


def _text(cell: object) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return number(cell)
    return f"{cell:,}" if isinstance(cell, int) else str(cell)
