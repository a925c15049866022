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
from holdfast.report.markdown import render_markdown

REPORT = "report.md"
RESULTS = "results.json"


def write(analysis: Analysis, folder: Path, queries: str, besides: Mapping[str, bytes] | None = None) -> Path:
    """The path of report.md, after the whole report stands in `folder` in place of an earlier one.

    Nothing is changed unless everything could be made and written; a reader sees the old report or the new one.
    `besides` are further files, by name.

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
        **(besides or {}),
    }
    target = folder.resolve()
    if target.exists() and not _is_report(target):
        raise UsageError(f'"{folder}" holds something else than a report: choose another folder, or empty this one')
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
    return folder / REPORT


def _is_report(folder: Path) -> bool:
    return folder.is_dir() and ((folder / RESULTS).is_file() or not any(folder.iterdir()))


def _write_all(folder: Path, contents: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
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
