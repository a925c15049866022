"""A new project: configuration, catalogue, one experiment that runs, and what editors and CI need."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, get_args

from holdfast import atomic
from holdfast.errors import UsageError, nearest
from holdfast.starter.shipped import filled, scalar, schemas, texts

Business = Literal["shop", "subscription", "app"]
BUSINESSES: tuple[Business, ...] = get_args(Business)
HARMLESS = ("readme", "license")
"""What a repository often holds before there is a project in it."""


def init_project(folder: Path, business: Business, name: str) -> list[Path]:
    """The files of a new project that were written; those that were there already (a README, .gitignore) stay.

    Raises:
        UsageError: the folder holds other files, or the business or the name cannot be used.
    """
    if business not in BUSINESSES:
        raise UsageError(f'unknown business "{business}"{nearest(business, BUSINESSES)}')
    if not name.strip() or not name.isprintable() or "TODO" in name or "${" in name:
        raise UsageError(f'"{name}" cannot name a project; use a short name, such as kelp-and-co')
    _require_room(folder)
    shipped = {**texts("common"), **texts(business)}
    example = next(path.split("/")[1] for path in shipped if path.startswith("experiments/"))
    written = []
    with atomic.undone(folder) as note:
        for path, text in sorted(shipped.items()):
            # a heading of Markdown is any text, a value of YAML may need quotes
            title = scalar(name) if path.endswith(".yaml") else name
            written += _write(folder / path, filled(text, {"name": title, "example": example}), note)
        for path, text in schemas().items():
            written += _write(folder / path, text, note)
    return written


def _require_room(folder: Path) -> None:
    """Refuse a folder in which somebody's files could be mistaken for the project's, or the other way round."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; name a new or empty folder")
    found = sorted(item.name for item in folder.iterdir()) if folder.is_dir() else []
    others = [name for name in found if not name.startswith(".") and Path(name).stem.lower() not in HARMLESS]
    if others:
        listed = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
        raise UsageError(f"{folder} is not empty (it holds {listed}); name a new or empty folder")


def _write(path: Path, text: str, note: Callable[[Path], None]) -> list[Path]:
    """The path when it was written, nothing when a file was there: nobody's work is overwritten."""
    if path.exists():
        return []
    note(path)
    atomic.write_text(path, text)
    return [path]
