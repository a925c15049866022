"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ProjectOption = Annotated[
    Path,
    typer.Option("--project", help="The project's folder; default: the nearest one upward with configs/project.yaml."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", metavar="DATE", help="Everything strictly before 00:00 of this date.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine output on stdout.")]
AllOption = Annotated[bool, typer.Option("--all", help="Every experiment of the project.")]
SlugsArgument = Annotated[list[str] | None, typer.Argument(metavar="[SLUG]...", help="Experiments, by folder name.")]


def typed_path(path: Path) -> str:
    """A path as short as it can be typed from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
