"""One analysis in every form that it can take, from its results alone: nothing is read and nothing is computed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from holdfast import atomic
from holdfast.errors import UsageError, nearest
from holdfast.model.result import Analysis
from holdfast.project.plotting import Plot

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


class Forms:
    """One analysis, and the folder in which its report lies, or would."""

    def __init__(self, analysis: Analysis, root: Path, folder: Path | None = None) -> None:
        self.analysis = analysis
        self.folder = folder or root / "reports" / analysis.experiment.slug / analysis.folder
        self._root = root

    @property
    def plot(self) -> Plot:
        """Its figures as matplotlib Axes: .forest(), .retention(), .difference(), .by_week(), .exposures()."""
        return Plot(self.analysis)

    def _repr_markdown_(self) -> str:
        """The verdict and the first table, as a notebook shows it."""
        from holdfast import report

        return report.analysis_card(self.analysis)

    def _repr_html_(self) -> str:
        """The same as HTML, which most notebooks prefer."""
        from holdfast import report

        return report.analysis_html(self.analysis)

    def to_pandas(self) -> pd.DataFrame:
        """Every estimate as one long table: a row for each metric, comparison and estimand, and for each segment."""
        from holdfast.project import long_table

        return long_table.to_pandas(self.analysis)

    def to_arrow(self) -> pa.Table:
        """The same table for Arrow."""
        from holdfast.project import long_table

        return long_table.to_arrow(self.analysis)

    def to_json(self) -> str:
        """The document of results.json."""
        from holdfast import report

        return report.to_json(self.analysis)

    def to_markdown(self, language: str | None = None) -> str:
        """The report.

        Args:
            language: en or ja; default: the language that the project had when it was analysed.

        Raises:
            UsageError: no report can be written in that language.
        """
        from holdfast import report

        return report.render_markdown(self.analysis, known_language(language))

    def to_html(self, language: str | None = None) -> str:
        """The report as one page that needs nothing else: figures and style are within it.

        Args:
            language: as in `to_markdown`.
        """
        from holdfast import report

        return report.render_html(self.analysis, language=known_language(language))

    def to_summary(self, link: str = "", language: str | None = None) -> str:
        """The verdict and the first screen as Markdown under 60 kB, for a pull request's comment or a CI job's summary.

        It links to the report once that is written, and says what writes it before.

        Args:
            link: where the project's files can be seen, such as a repository's address; the report's path follows it.
            language: as in `to_markdown`.
        """
        from holdfast import report

        return report.render_summary(self.analysis, self._written, link, known_language(language))

    def to_slack(self, link: str = "", language: str | None = None) -> str:
        """The verdict and the first table as a short message in Slack's own marks, with the link of `to_summary`.

        Args:
            link: where the project's files can be seen, such as a repository's address; the report's path follows it.
            language: as in `to_markdown`.
        """
        from holdfast import report

        return report.render_slack(self.analysis, self._written, link, known_language(language))

    @property
    def path(self) -> str:
        """The report's path, within the project where it lies there."""
        inside = self.folder.is_relative_to(self._root)
        return ((self.folder.relative_to(self._root) if inside else self.folder) / "report.md").as_posix()

    @property
    def _written(self) -> str:
        """The report's path once it is there; empty before: a short form links to nothing that cannot be opened."""
        return self.path if (self.folder / "report.md").is_file() else ""

    def table_file(self) -> dict[str, bytes]:
        """The long table as a file by its name, results.parquet."""
        from holdfast.project import long_table

        return {"results.parquet": long_table.to_parquet(self.analysis)}

    def draw_again(self) -> Path:
        """Write text, figures and long table of a report again; returns report.md.

        Raises:
            UsageError: the folder holds no report.
        """
        from holdfast import report

        return report.renew(self.analysis, self.folder, self.table_file())

    def write_html(self, language: str | None = None) -> Path:
        """Write report.html beside report.md, or report.ja.html in another language than that; returns its path."""
        own = language in {None, self.analysis.experiment.language}
        path = self.folder / ("report.html" if own else f"report.{known_language(language)}.html")
        atomic.write_text(path, self.to_html(language))
        return path


def known_language(language: str | None) -> str | None:
    """The language, once a report can be written in it."""
    from holdfast import report

    if language is not None and language not in report.LANGUAGES:
        raise UsageError(f'no report can be written in "{language}"{nearest(language, report.LANGUAGES)}')
    return language


Found = TypeVar("Found", bound=Forms)


def chosen(slug: str, found: Sequence[Found], day: str | None) -> Found:
    """The last report, or the last one of a date.

    Raises:
        UsageError: there is none; says which there are.
    """
    if not found:
        raise UsageError(f"{slug}: there is no report yet; run: holdfast analyze {slug}")
    suited = [item for item in found if day in {None, item.analysis.as_of}]
    if not suited:
        known = ", ".join(dict.fromkeys(item.analysis.as_of for item in found))
        raise UsageError(f"{slug}: there is no report as of {day}; there is one as of {known}")
    return suited[-1]
