"""A report on disk: written whole beside the old one, then swapped."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from holdfast import atomic
from holdfast.errors import UsageError
from holdfast.model.result import Analysis
from holdfast.report.document import to_json
from holdfast.report.draw import figures
from holdfast.report.html import render_html
from holdfast.report.markdown import render_markdown

REPORT = "report.md"
RESULTS = "results.json"
PAGE = "report.html"
FIGURES = "figures"


def write(analysis: Analysis, folder: Path, queries: str, more: Mapping[str, bytes] | None = None) -> Path:
    """The path of report.md, after the whole report stands in `folder` in place of an earlier one.

    Nothing is changed unless everything could be made and written; a reader sees the old report or the new one.

    Args:
        analysis: what the report tells.
        folder: where it goes.
        queries: the content of queries.sql.
        more: other forms of the same analysis, by file name.

    Raises:
        ValueError: a number in the analysis is NaN or infinite.
        UsageError: `folder` holds something else than a report.
    """
    # All that can fail for reasons of content fails here, before the disk is touched.
    contents = {
        REPORT: render_markdown(analysis).encode(),
        RESULTS: to_json(analysis).encode(),
        "queries.sql": queries.encode(),
        **figures(analysis),
        **(more or {}),
    }
    target = folder.resolve()
    if target.exists() and not _is_report(target):
        raise UsageError(f'"{folder}" holds something else than a report: choose another folder, or empty this one')
    _replace(target, contents)
    return folder / REPORT


def renew(analysis: Analysis, folder: Path, more: Mapping[str, bytes] | None = None) -> Path:
    """The path of report.md, after the report in `folder` was drawn again: text, figures, and the page where there is
    one. What the data alone can tell (results.json, queries.sql) stays as it was.

    Raises:
        UsageError: `folder` holds no report.
    """
    target = folder.resolve()
    if not (target / RESULTS).is_file():
        raise UsageError(f'"{folder}" holds no report: name the folder of a {RESULTS}')
    drawn = figures(analysis)
    kept = {
        str(path.relative_to(target)): path.read_bytes()
        for path in sorted(target.rglob("*"))
        if path.is_file() and path.parent != target / FIGURES
    }
    contents = {**kept, REPORT: render_markdown(analysis).encode(), **drawn, **(more or {})}
    if PAGE in kept:
        contents[PAGE] = render_html(analysis, drawn).encode()
    _replace(target, contents)
    return folder / REPORT


def _replace(target: Path, contents: Mapping[str, bytes]) -> None:
    """Put a new folder in the place of the old one, whole or not at all."""
    created = [parent for parent in target.parents if not parent.exists()]
    mark = secrets.token_hex(4)
    new, old = (target.with_name(f".{target.name}.{mark}.{kind}") for kind in ("new", "old"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _write_all(new, contents)
        _swap(new, target, old)
    except BaseException:
        shutil.rmtree(new, ignore_errors=True)
        for parent in created:
            with suppress(OSError):
                parent.rmdir()
        raise
    shutil.rmtree(old, ignore_errors=True)
    atomic.sync_folder(target.parent)


def _is_report(folder: Path) -> bool:
    return folder.is_dir() and ((folder / RESULTS).is_file() or not any(folder.iterdir()))


def _write_all(folder: Path, contents: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    for place in {(folder / name).parent for name in contents} | {folder}:
        atomic.sync_folder(place)


def _swap(new: Path, target: Path, old: Path) -> None:
    """Put the new folder where the old one stands; on failure the old one is put back."""
    replaced = target.exists()
    if replaced:
        target.rename(old)
    try:
        new.rename(target)
    except BaseException:
        if replaced:
            old.rename(target)
        raise
