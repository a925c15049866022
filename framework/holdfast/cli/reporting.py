"""The command that shows a report again, in another form, from its results alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.console import out, write
from holdfast.cli.options import AsOfOption, LanguageOption, ProjectOption, typed_path
from holdfast.errors import UsageError, nearest

FORMATS = ("markdown", "slack")

PageOption = Annotated[
    bool, typer.Option("--html", help="Write report.html beside report.md: one page that needs nothing else.")
]
SummaryOption = Annotated[
    bool, typer.Option("--summary", help="Print the first screen, under 60 kB: for a pull request or a CI job.")
]
FormatOption = Annotated[
    str | None,
    typer.Option("--format", metavar="FORM", help="Print it: markdown (whole, or with --summary), or slack (short)."),
]
LinkOption = Annotated[
    str,
    typer.Option(
        "--link", metavar="URL", help="Where the project's files can be seen; the link to the report begins with it."
    ),
]


def report(
    slug: str,
    project: ProjectOption = Path(),
    as_of: AsOfOption = None,
    html: PageOption = False,
    summary: SummaryOption = False,
    form: FormatOption = None,
    link: LinkOption = "",
    language: LanguageOption = None,
) -> None:
    """Write a report again from its results.json, or print it in another form; no data are needed.

    Alone it writes report.md, figures and results.parquet again, and report.html where there is one. With a language
    it prints the text in it, or writes the page in it.
    """
    from holdfast.project import open_project

    _check(html, summary, form, link)
    found = open_project(project).reported(slug, as_of)
    if html:
        out(typed_path(found.write_html(language)))
    elif form == "slack":
        write(found.to_slack(link, language))
    elif summary:
        write(found.to_summary(link, language))
    elif form == "markdown" or language:
        write(found.to_markdown(language))
    else:
        out(typed_path(found.draw_again()))


def _check(html: bool, summary: bool, form: str | None, link: str) -> None:
    """Refuse what does not go together, before anything is read."""
    if form is not None and form not in FORMATS:
        raise UsageError(f'unknown format "{form}"{nearest(form, FORMATS)}')
    if html and (summary or form):
        raise UsageError("--html writes a file, --summary and --format print: ask for one of them")
    if summary and form == "slack":
        raise UsageError("--summary is Markdown, and --format slack is short by itself: ask for one of them")
    printed_short = summary or form == "slack"
    if link and not printed_short:
        raise UsageError("--link is for --summary and --format slack, which point to the report")
    if link and not link.startswith(("https://", "http://")):
        raise UsageError(f'"{link}" is not an address: begin it with https://')
