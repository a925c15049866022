"""What people open first: a project. Thin, as experiments and analyses are: each step is a lower layer's function."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from holdfast import atomic, config
from holdfast.errors import DataError, Finding, UsageError, nearest
from holdfast.model.flag import Flag
from holdfast.project.analysis import AnalysisHandle
from holdfast.project.experiment import ExperimentHandle, Progress, date_of, quiet
from holdfast.project.forms import chosen

if TYPE_CHECKING:
    import pandas as pd

    from holdfast.model.changed import Diff
    from holdfast.model.portfolio import Portfolio
    from holdfast.project.diagnosis import Line
    from holdfast.project.kpi import KpiTable
    from holdfast.project.standing import Standing


def open_project(folder: str | Path = ".") -> Project:
    """The project in a folder or the nearest one above it.

    Raises:
        ProjectNotFound: there is no configs/project.yaml.
        ConfigError: its shared files are wrong; carries every finding.
    """
    return Project(config.load_catalogue(config.find_root(Path(folder).resolve())))


class Project:
    """All experiments of a folder and the definitions they share."""

    def __init__(self, catalogue: config.Catalogue) -> None:
        self.catalogue = catalogue

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.catalogue.root

    @property
    def slugs(self) -> tuple[str, ...]:
        """The names of all experiments."""
        return self.catalogue.slugs

    def experiment(self, slug: str) -> ExperimentHandle:
        """One experiment by its folder's name.

        Raises:
            UsageError: there is none of that name.
            ConfigError: its file is wrong; carries every finding.
        """
        return ExperimentHandle(config.load_study(self.catalogue, slug), self.catalogue)

    def flags(self) -> tuple[Flag, ...]:
        """Every experiment as a service sees it, for `holdfast.serve.HoldfastProvider`.

        One whose file is wrong, or was changed after the start, says so in its place: the others are served.
        """
        from holdfast.project.flags import flags

        return flags(self.catalogue)

    def validate(
        self,
        slugs: Sequence[str] = (),
        *,
        data: bool = False,
        as_of: str | dt.date | None = None,
        progress: Progress = quiet,
    ) -> list[Finding]:
        """Every finding in the shared files and in the experiments (all of them, or those named).

        Args:
            slugs: the experiments; all of them when none is named.
            data: look at the data too: tables, columns, types, keys, times, values, repeats and freshness.
            as_of: for the data: the date as of which facts should have arrived; default: today.
            progress: called with each step.

        Raises:
            UsageError: a named experiment does not exist.
            TransientError: the database is busy, or failed.
        """
        from holdfast.project.validating import validate

        day = date_of(as_of) if as_of is not None else None
        return validate(self.root, slugs, data=data, as_of=day, progress=progress)

    def status(self, *slugs: str, as_of: str | dt.date | None = None) -> tuple[Standing, ...]:
        """Where every experiment stands (or those named): state, dates, enrolled, mature share, split. No effects.

        From files, locks and reports alone: no data are read.

        Raises:
            UsageError: a named experiment does not exist.
        """
        from holdfast.project.standing import status

        day = date_of(as_of) if as_of is not None else None
        return status(self.catalogue, slugs or self.slugs, day)

    def doctor(self, progress: Progress = quiet) -> tuple[Line, ...]:
        """What was looked at so that everything works: installation, files, folders, connection, sources."""
        from holdfast.project.diagnosis import doctor

        return doctor(self.root, progress)

    def results(self) -> pd.DataFrame:
        """Every estimate of the newest report of every experiment, as one long table."""
        import pandas as pd

        frames = [analysis.to_pandas() for analysis in self.newest()]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def analyses(self, *slugs: str) -> Iterator[AnalysisHandle]:
        """Every report, read from its results.json: by experiment, version and date; of all experiments or those
        named."""
        from holdfast import report

        for slug in slugs or self.slugs:
            found = []
            for path in sorted((self.root / "reports" / slug).glob("*/results.json")):
                try:
                    analysis = report.from_json(path.read_text(encoding="utf-8"))
                    if analysis.as_of not in path.parent.name:
                        raise DataError(f"it is as of {analysis.as_of[:40]}, and its folder is {path.parent.name}")
                except DataError as error:
                    raise DataError(
                        f"{path.relative_to(self.root)}: {error}; if a newer Holdfast wrote this file, install that; "
                        "otherwise restore it from version control or analyse again"
                    ) from error
                found.append((analysis, path.parent))
            for analysis, folder in sorted(found, key=lambda item: (item[0].experiment.version, item[0].as_of)):
                yield AnalysisHandle(analysis, (), self.root, folder)

    def reported(self, slug: str, as_of: str | dt.date | None = None) -> AnalysisHandle:
        """The newest report of an experiment, or the one of a date; read from its results.json, without any data.

        Raises:
            UsageError: there is no such experiment, or it has no such report.
        """
        if slug not in self.slugs and not (self.root / "reports" / slug).is_dir():
            raise UsageError(f'there is no experiment "{slug}"{nearest(slug, self.slugs)}')
        day = None if as_of is None else date_of(as_of).isoformat()
        return chosen(slug, list(self.analyses(slug)), day)

    def newest(self) -> list[AnalysisHandle]:
        """The newest report of every experiment that has one."""
        found = {handle.analysis.experiment.slug: handle for handle in self.analyses()}
        return [found[slug] for slug in sorted(found)]

    def kpi(
        self,
        months: int = 12,
        *,
        by: str | None = None,
        as_of: str | dt.date | None = None,
        progress: Progress = quiet,
    ) -> KpiTable:
        """Retention, churn, repeat, frequency, order value and revenue by calendar month: where to act.

        Not an experiment: no cause can be read from it.

        Args:
            months: how many, up to the last whole month whose facts have all arrived.
            by: a property that the source of the customers lists, or a segment of such properties.
            as_of: default: today.
            progress: called with each step.

        Raises:
            UsageError: the catalogue defines no orders and revenue, or there is no such property.
        """
        from holdfast.project.kpi import kpi

        today = dt.datetime.now(ZoneInfo(self.catalogue.project.timezone)).date()
        day = date_of(as_of) if as_of is not None else today
        if months < 1:
            raise UsageError("at least one month is needed")
        if day > today:
            raise UsageError(f"{day} is in the future; today is {today} in {self.catalogue.project.timezone}")
        return kpi(self.catalogue, months, by, day, progress)

    def diff(self, slug: str, start: str | None = None, end: str | None = None) -> Diff:
        """Why two reports of an experiment differ: units, late facts, configuration, software, checks, verdict.

        From their results.json alone.

        Args:
            slug: the experiment.
            start: the earlier report, by its date or the name of its folder; default: the one before.
            end: the later one; default: the newest.

        Raises:
            UsageError: there is no such experiment or report.
        """
        from holdfast.project.differing import chosen, diff

        if slug not in self.slugs:
            raise UsageError(f'unknown experiment "{slug}"{nearest(slug, self.slugs)}')
        return diff(*chosen([handle.analysis for handle in self.analyses(slug)], start, end, slug))

    def portfolio(self, *, confidence: float = 0.95) -> Portfolio:
        """What the newest reports say together, by tactic type and churn driver: usual effects, and what to expect.

        Args:
            confidence: of every interval, two-sided.
        """
        from holdfast import estimate

        return estimate.portfolio([handle.analysis for handle in self.newest()], confidence=confidence)

    def write_index(self) -> Path:
        """Write reports/README.md: every experiment by what is recommended, and what was learnt; returns its path."""
        from holdfast import report
        from holdfast.project.standing import unreported

        rows = [handle.analysis for handle in self.newest()]
        told = {analysis.experiment.slug for analysis in rows}
        rest = [slug for slug in self.slugs if slug not in told]
        # Of what their files say alone, not of today: the same files give the same page.
        waiting = [unreported(each) for each in self.status(*rest)] if rest else []
        text = report.render_index(rows, self.portfolio(), self.catalogue.project.language, waiting)
        path = self.root / "reports" / "README.md"
        atomic.write_text(path, text)
        return path
