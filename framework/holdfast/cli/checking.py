"""The command that checks files, and shows what an experiment resolves to."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.console import coloured, grouped, note, out, progress, write
from holdfast.cli.options import ProjectOption, QuietOption, SlugsArgument
from holdfast.errors import ConfigError, Finding, UsageError, nearest

FORMS = ("text", "json", "github", "sarif", "junit")
LEVELS = ("error", "warning")


def validate(
    slugs: SlugsArgument = None,
    project: ProjectOption = Path(),
    form: Annotated[
        str | None,
        typer.Option("--format", metavar="FORM", help=f"How findings are printed: {', '.join(FORMS)}; default: text."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine output on stdout, the same as --format json.")] = (
        False
    ),
    data: Annotated[
        bool, typer.Option("--data", help="Look at the data too: columns, types, keys, times, values, freshness.")
    ] = False,
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="DATE", help="With --data: facts up to 00:00 of this date should be there."),
    ] = None,
    quiet: QuietOption = False,
    fail_on: Annotated[
        str, typer.Option("--fail-on", metavar="LEVEL", help="What makes the exit code 1: error or warning.")
    ] = "error",
    explain: Annotated[
        str | None,
        typer.Option("--explain", metavar="SLUG", help="Print every value of an experiment with where it comes from."),
    ] = None,
) -> None:
    """Check every file, and the data with --data, and print every finding at once, with file, line and column."""
    from holdfast import config

    if as_json and form not in {None, "json"}:
        raise UsageError(f"--json and --format {form} ask for two forms; leave one of them out")
    form = "json" if as_json else form or "text"
    _one_of("--format", form, FORMS)
    _one_of("--fail-on", fail_on, LEVELS)
    root = config.find_root(project.resolve())
    if explain is not None:
        if slugs or form != "text" or data:
            raise UsageError("--explain prints one experiment as text; leave out other names, --format and --data")
        _explain(root, explain)
        return
    from holdfast.project.validating import shared_errors
    from holdfast.project.validating import validate as every_finding

    day = _day(as_of) if data else None
    with progress(quiet or not data) as show:
        findings = every_finding(root, slugs or (), data=data, as_of=day, progress=show)
    if data and shared_errors(findings):
        note("the files of configs/ have errors, so the data were not looked at")
    _finish(root, findings, slugs or (), form, fail_on)


def _day(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError as error:
        raise UsageError(f'"{text}" is not a date: write it as 2026-10-01') from error


def _one_of(option: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise UsageError(f'{option} "{value}" is not known{nearest(value, allowed)}')


def _finish(root: Path, findings: Sequence[Finding], slugs: Sequence[str], form: str, fail_on: str) -> None:
    """Print the findings, count them beside, and end with 1 when they are grave enough."""
    from holdfast.config.formats import Checked, checked_files, counts, line_of, render

    if form == "text":
        for finding in findings:
            out(coloured(line_of(finding), finding.severity))
    else:
        checked = Checked(findings, checked_files(root, slugs), _prefix(root), version("holdfast"))
        write(render(checked, form))
    errors, warnings, notes = counts(findings)
    also = f", {_counted(notes, 'note')}" if notes else ""
    note(f"{_counted(errors, 'error')}, {_counted(warnings, 'warning')}{also}")
    if errors or (fail_on == "warning" and warnings):
        raise typer.Exit(1)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _prefix(root: Path) -> str:
    """The way from the repository's folder, where a build server runs commands, to the project."""
    base = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
    inner = root.relative_to(base).as_posix() if root.is_relative_to(base) else "."
    return "" if inner == "." else f"{inner}/"


def _explain(root: Path, slug: str) -> None:
    from holdfast import config
    from holdfast.config.explain import explain

    try:
        lines = explain(config.load_catalogue(root), slug)
    except ConfigError as error:
        _finish(root, error.findings, (), "text", "error")
        return
    grouped(lines)
