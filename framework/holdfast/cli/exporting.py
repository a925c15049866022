"""The command that writes audience files for CRM tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.console import note, out, progress, table
from holdfast.cli.options import JsonOption, ProjectOption, QuietOption, typed_path

if TYPE_CHECKING:
    from holdfast.model.audience import Exported


def export(
    slug: Annotated[str, typer.Argument(help="The experiment, by folder name.")],
    folder: Annotated[
        Path,
        typer.Option("--out", metavar="DIR", help="A new folder; an earlier export of this experiment is replaced."),
    ],
    form: Annotated[
        str, typer.Option("--format", metavar="FORM", help="What the files suit: csv, braze or mailchimp.")
    ] = "csv",
    id_column: Annotated[
        str | None,
        typer.Option(
            "--id", metavar="COLUMN", help="A column of the unit's source, such as email, in place of the id."
        ),
    ] = None,
    column: Annotated[
        str | None,
        typer.Option("--column", metavar="NAME", help="Header of the variant column; default: after the experiment."),
    ] = None,
    escape: Annotated[
        bool, typer.Option("--escape-formulas", help="An apostrophe before ids that a spreadsheet would run.")
    ] = False,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DATE", help="Only batches up to and with this date.")
    ] = None,
    batch: Annotated[
        str | None, typer.Option("--batch", metavar="DATE", help="Only who was new on this date, for a daily job.")
    ] = None,
    project: ProjectOption = Path(),
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write an audience file for every variant, control included, for a CRM tool: id and variant only."""
    from holdfast.project import open_project

    experiment = open_project(project).experiment(slug)
    with progress(quiet) as show:
        made = experiment.export(
            folder,
            format=form,
            id=id_column,
            column=column,
            escape_formulas=escape,
            as_of=as_of,
            batch=batch,
            progress=show,
        )
    if not made.rows:
        note(f"{slug}: nobody is in it; the files hold only their headers")
    if made.escaped:
        note(f"{slug}: {made.escaped:,} ids begin with an apostrophe now; a tool will not match them as they are")
    if as_json:
        out(json.dumps(made.to_json() | {"folder": str(made.folder)}, ensure_ascii=False, sort_keys=True))
    else:
        _print(made)


def _print(made: Exported) -> None:
    which = f"new as of {made.batch}" if made.batch else f"assigned by {made.as_of}"
    out(f"{typed_path(made.folder)}: {made.rows:,} {which}, {len(made.files)} files")
    rows = [(file.name, file.variant, f"{file.rows:,}", file.sha256) for file in made.files]
    table(("file", "variant", "rows", "sha256"), rows)
    control = next((file.name for file in made.files if file.is_control), "")
    out(f"next: {_NEXT[made.format].format(column=made.files[0].header[1])}")
    out(f"      {control} is the control group: keep it out of what the others get")


_NEXT = {
    "csv": "give each file to the tool that sends, then send by the column {column}",
    "braze": "Audience, Import Users: import each file, then target by the custom attribute {column}",
    "mailchimp": "add the text field {column} to the audience, import each file as an update, then segment by {column}",
}
