"""The commands that write files: a new project, a new experiment, the schemas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli.console import note, out, write
from holdfast.cli.options import ProjectOption, typed_path
from holdfast.errors import UsageError


@contextmanager
def _into(folder: Path) -> Iterator[None]:
    """Turns a folder that cannot be written into a message that names it."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise UsageError(f"{folder} cannot be written ({reason}); choose another folder") from error


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    template: Annotated[
        str, typer.Option("--template", metavar="BUSINESS", help="The kind of business: shop, subscription or app.")
    ] = "shop",
    name: Annotated[str | None, typer.Option("--name", help="The project's name; default: the folder's.")] = None,
) -> None:
    """Write a working project: configuration, metrics, tactics, templates and one example experiment."""
    from holdfast.starter import BUSINESSES, init_project

    root = folder.resolve()
    with _into(folder):
        written = init_project(root, template, name or root.name)  # type: ignore[arg-type]
    shown = typed_path(root)
    out(f"{shown}: {len(written)} files for a {template} (of {', '.join(BUSINESSES)})")
    out(f"next: cd {shown}")
    out("      holdfast validate")
    out("      holdfast new my-experiment --tactic incentive")


def new(
    slug: Annotated[str, typer.Argument(help="The experiment's name, which is its folder's: winback-voucher.")],
    tactic: Annotated[
        str | None,
        typer.Option("--tactic", metavar="TYPE", help="The type of tactic; `holdfast tactics` lists them."),
    ] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Who answers for it, such as an e-mail address.")] = None,
    project: ProjectOption = Path(),
) -> None:
    """Write an experiment of about ten lines for a type of tactic, TODO at what only its author knows."""
    from holdfast import config, starter

    root = config.find_root(project.resolve())
    if tactic is None:
        raise UsageError(f"say what is done to customers with --tactic, one of: {', '.join(starter.TACTIC_TYPES)}")
    with _into(root / "experiments" / slug):
        path = starter.new_experiment(root, slug, tactic, owner)
    lines = path.read_text(encoding="utf-8").splitlines()
    todo = sum("TODO" in line.partition(" #")[0] for line in lines if not line.startswith("#"))
    out(typed_path(path))
    note(f"{todo} times TODO to fill in; then: holdfast validate {slug}")


def schema(
    kind: Annotated[str | None, typer.Argument(metavar="[KIND]", help="A kind of file; none: list the kinds.")] = None,
    folder: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write every schema into this folder, for editors.")
    ] = None,
) -> None:
    """Print the JSON Schema of a kind of file, for editors and other programs."""
    from holdfast import atomic
    from holdfast.schemas import KINDS, schema_text

    if folder is not None:
        if kind is not None:
            raise UsageError("--out writes every schema; leave the kind out")
        with _into(folder):
            for name in KINDS:
                atomic.write_text(folder / f"{name}.json", schema_text(name))
        out(f"{typed_path(folder.resolve())}: {', '.join(f'{name}.json' for name in KINDS)}")
    elif kind is None:
        for name in KINDS:
            out(name)
    else:
        write(schema_text(kind))
