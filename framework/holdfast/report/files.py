"""A report on disk: written whole, then put in place of the old one."""

from __future__ import annotations

from collections.abc import Mapping
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


def write(
    analysis: Analysis, folder: Path, queries: str, more: Mapping[str, bytes] | None = None, *, page: bool = False
) -> Path:
    """The path of report.md, after the whole report stands in `folder` in place of an earlier one.

    Nothing is changed unless everything could be made and written; a reader sees the old report or the new one.

    Args:
        analysis: what the report tells.
        folder: where it goes.
        queries: the content of queries.sql.
        more: other forms of the same analysis and what it was worked out from, by file name.
        page: whether report.html is among the files.

    Raises:
        ValueError: a number in the analysis is NaN or infinite.
        UsageError: `folder` holds something else than a report.
    """
    # All that can fail for reasons of content fails here, before the disk is touched.
    drawn = figures(analysis)
    contents = {
        REPORT: render_markdown(analysis).encode(),
        RESULTS: to_json(analysis).encode(),
        "queries.sql": queries.encode(),
        **drawn,
        **(more or {}),
    }
    if page:
        contents[PAGE] = render_html(analysis, drawn).encode()
    _replace(folder, contents)
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
    _replace(folder, contents)
    return folder / REPORT


def _replace(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Put a new report in the place of the old one, whole or not at all."""

    def refuse(target: Path) -> None:
        if target.exists() and not _is_report(target):
            raise UsageError(f'"{folder}" holds something else than a report: choose another folder, or empty this one')

    with atomic.replacing_folder(folder.resolve(), refuse) as new:
        for name, content in contents.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _is_report(folder: Path) -> bool:
    return folder.is_dir() and ((folder / RESULTS).is_file() or not any(folder.iterdir()))
