"""Which files a project has, and their bytes."""

from __future__ import annotations

from pathlib import Path

from holdfast.config.loader import MAX_BYTES, load
from holdfast.config.marks import Sheet
from holdfast.errors import ProjectNotFound

PROJECT = "configs/project.yaml"
EXPERIMENT = "experiment.yaml"


def find_root(start: Path) -> Path:
    """The nearest folder, from `start` upward, that holds configs/project.yaml.

    Raises:
        ProjectNotFound: when there is none.
    """
    here = start.absolute()
    for folder in (here, *here.parents):
        if (folder / PROJECT).is_file():
            return folder
    raise ProjectNotFound(
        f"no {PROJECT} in {start} or any folder above: go to a project, name one with --project DIR, "
        "or make one with `holdfast init DIR`"
    )


def read_sheet(root: Path, path: Path) -> Sheet:
    """The marked tree of one file, or a sheet that says why it cannot be read."""
    name = path.relative_to(root).as_posix()
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        sheet = Sheet(name)
        sheet.add_at(None, "cannot-read", f"the file cannot be read: {error.strerror or 'unknown reason'}")
        return sheet
    return load(data, name)


def shared_sheets(root: Path, kind: str) -> list[Sheet]:
    """Every file of configs/<kind>/, in the order of their names."""
    folder = root / "configs" / kind
    sheets = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.suffix == ".yaml":
            sheets.append(read_sheet(root, path))
        elif path.suffix.lower() in {".yml", ".yaml", ".json"}:
            sheets.append(_misnamed(root, path))
    return sheets


def experiment_sheet(root: Path, slug: str) -> Sheet:
    """The file of one experiment."""
    return read_sheet(root, root / "experiments" / slug / EXPERIMENT)


def experiment_slugs(root: Path) -> tuple[str, ...]:
    """The folders of experiments/ that hold an experiment.yaml, sorted."""
    folder = root / "experiments"
    if not folder.is_dir():
        return ()
    return tuple(sorted(path.name for path in folder.iterdir() if (path / EXPERIMENT).is_file()))


def misnamed_experiments(root: Path) -> list[Sheet]:
    """A finding for every experiment.yml, which would otherwise be passed over in silence."""
    folder = root / "experiments"
    return [_misnamed(root, path) for path in sorted(folder.glob("*/experiment.yml"))] if folder.is_dir() else []


def _misnamed(root: Path, path: Path) -> Sheet:
    sheet = Sheet(path.relative_to(root).as_posix())
    sheet.add_at(None, "wrong-extension", f"this file is not read; rename it to {path.stem}.yaml")
    return sheet
