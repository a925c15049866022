"""A report on disk: written whole, then put in place of the old one."""

from __future__ import annotations

from pathlib import Path

from holdfast import atomic
from holdfast.errors import UsageError
from holdfast.model.result import Analysis
from holdfast.report.document import to_json
from holdfast.report.draw import figures
from holdfast.report.markdown import render_markdown

REPORT = "report.md"
RESULTS = "results.json"


def write(analysis: Analysis, folder: Path, queries: str) -> Path:
    """The path of report.md, after the whole report stands in `folder` in place of an earlier one.

    Nothing is changed unless everything could be made and written; a reader sees the old report or the new one.

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
    }

    def refuse(target: Path) -> None:
        if target.exists() and not _is_report(target):
            raise UsageError(f'"{folder}" holds something else than a report: choose another folder, or empty this one')

    with atomic.replacing_folder(folder.resolve(), refuse) as new:
        for name, content in contents.items():
            path = new / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
    return folder / REPORT


def _is_report(folder: Path) -> bool:
    return folder.is_dir() and ((folder / RESULTS).is_file() or not any(folder.iterdir()))
