"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.errors import UsageError

if TYPE_CHECKING:
    from holdfast.project import Project

ProjectOption = Annotated[
    Path,
    typer.Option("--project", help="The project's folder; default: the nearest one upward with configs/project.yaml."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
AsOfOption = Annotated[
    str | None, typer.Option("--as-of", metavar="DATE", help="Everything strictly before 00:00 of this date.")
]
LanguageOption = Annotated[
    str | None,
    typer.Option("--language", metavar="en|ja", help="The language of the text; default: the project's when it ran."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Machine output on stdout.")]
AllOption = Annotated[bool, typer.Option("--all", help="Every experiment of the project.")]
SlugsArgument = Annotated[list[str] | None, typer.Argument(metavar="[SLUG]...", help="Experiments, by folder name.")]


def typed_path(path: Path) -> str:
    """A path as short as it can be typed from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def named(project: Project, slugs: list[str] | None, everything: bool) -> list[str]:
    """The experiments that a command is about: those named, or all of them."""
    if everything and slugs:
        raise UsageError("give experiments by name, or --all, not both")
    if everything:
        return list(project.slugs)
    if not slugs:
        raise UsageError(f"name an experiment, or say --all (here: {', '.join(project.slugs) or 'none yet'})")
    return slugs
