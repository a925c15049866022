"""What people hold: a project, an experiment, an analysis. Thin: every step is a function of a lower layer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from holdfast import atomic, config
from holdfast.errors import ConfigError, DataError, Finding, NotYet, UsageError, nearest
from holdfast.model.flag import Flag
from holdfast.model.plan import Plan
from holdfast.model.reading import Statement
from holdfast.model.result import Analysis, Estimand, Estimate, Level, Verdict
from holdfast.model.study import Study
from holdfast.project.forms import Forms, chosen

if TYPE_CHECKING:
    import pandas as pd

    from holdfast.model.audience import Exported
    from holdfast.model.changed import Diff
    from holdfast.model.portfolio import Portfolio
    from holdfast.model.preview import Preview
    from holdfast.project.assigning import Assigned
    from holdfast.project.diagnosis import Line
    from holdfast.project.exploring import Exploration
    from holdfast.project.kpi import KpiTable
    from holdfast.project.standing import Standing
    from holdfast.project.tracing import Trace

Progress = Callable[[str], None]


def _quiet(_: str) -> None:
    """No progress wanted."""


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
        progress: Progress = _quiet,
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

        day = _date(as_of) if as_of is not None else None
        return validate(self.root, slugs, data=data, as_of=day, progress=progress)

    def status(self, *slugs: str, as_of: str | dt.date | None = None) -> tuple[Standing, ...]:
        """Where every experiment stands (or those named): state, dates, enrolled, mature share, split. No effects.

        From files, locks and reports alone: no data are read.

        Raises:
            UsageError: a named experiment does not exist.
        """
        from holdfast.project.standing import status

        day = _date(as_of) if as_of is not None else None
        return status(self.catalogue, slugs or self.slugs, day)

    def doctor(self, progress: Progress = _quiet) -> tuple[Line, ...]:
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
                    found.append((report.from_json(path.read_text(encoding="utf-8")), path.parent))
                except DataError as error:
                    raise DataError(f"{path.relative_to(self.root)}: {error}; remove it or analyse again") from error
            for analysis, folder in sorted(found, key=lambda item: (item[0].experiment.version, item[0].as_of)):
                yield AnalysisHandle(analysis, (), self.root, folder)

    def reported(self, slug: str, as_of: str | dt.date | None = None) -> AnalysisHandle:
        """The newest report of an experiment, or the one of a date; read from its results.json, without any data.

        Raises:
            UsageError: there is no such experiment, or it has no such report.
        """
        if slug not in self.slugs and not (self.root / "reports" / slug).is_dir():
            raise UsageError(f'there is no experiment "{slug}"{nearest(slug, self.slugs)}')
        day = None if as_of is None else _date(as_of).isoformat()
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
        progress: Progress = _quiet,
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
        day = _date(as_of) if as_of is not None else today
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
        """Write reports/README.md: every experiment that has a report, and what was learnt; returns its path."""
        from holdfast import report

        rows = [handle.analysis for handle in self.newest()]
        text = report.render_index(rows, self.portfolio(), self.catalogue.project.language)
        path = self.root / "reports" / "README.md"
        atomic.write_text(path, text)
        return path


class ExperimentHandle:
    """One experiment, ready to be planned, assigned and analysed."""

    def __init__(self, study: Study, catalogue: config.Catalogue | None = None) -> None:
        self.study = study
        self._catalogue = catalogue

    def today(self) -> dt.date:
        """Today in the experiment's zone."""
        return dt.datetime.now(ZoneInfo(self.study.timezone)).date()

    def plan(self, as_of: str | dt.date | None = None) -> Plan:
        """Exactly what will be computed as of a date; default: the readout, or today when that is earlier."""
        from holdfast import planning

        day = _date(as_of) if as_of is not None else planning.default_as_of(self.study, self.today())
        return planning.plan(self.study, day)

    def _past(self, as_of: str | dt.date) -> dt.date:
        """A date that has come: nothing after today has been observed, and an empty batch would stay empty for ever."""
        day = _date(as_of)
        if day > self.today():
            raise UsageError(f"{day} is in the future; today is {self.today()} in {self.study.timezone}")
        return day

    def assign(self, as_of: str | dt.date | None = None, progress: Progress = _quiet) -> Assigned:
        """Enrol and assign everybody who is due by a date (default: today). Again on the same date: nothing changes.

        Where another system assigned, its table is counted and locked as of that date.

        Raises:
            AssignmentError: the design or the assignment was changed after the start.
            NotYet: enrolment has not started.
        """
        from holdfast.project.assigning import assign_until

        # Salts and slots of other experiments matter here: only all files together can tell.
        findings = config.validate(self.study.root, [self.study.slug])
        if any(finding.severity == "error" for finding in findings):
            raise ConfigError(findings)
        today = self.today()
        return assign_until(self.study, self._past(as_of) if as_of else today, progress, today)

    def preview(self, as_of: str | dt.date | None = None, progress: Progress = _quiet) -> Preview:
        """Who would get what by a date, as the data stand now: nothing is written. The date may lie ahead.

        Default: today, or the first day on which anybody can be assigned.

        Raises:
            AssignmentError: another system assigns, or the assignment so far is not on this machine.
        """
        from holdfast.project.previewing import preview

        day = _date(as_of) if as_of else self.today()
        try:
            return preview(self.study, day, progress)
        except NotYet as error:
            if as_of is not None:
                raise
            return preview(self.study, error.available_from, progress)

    def export(
        self,
        folder: str | Path,
        *,
        format: str = "csv",
        id: str | None = None,
        column: str | None = None,
        escape_formulas: bool = False,
        as_of: str | dt.date | None = None,
        batch: str | dt.date | None = None,
        progress: Progress = _quiet,
    ) -> Exported:
        """What was written into a folder: an audience file for every variant, control included, and export.json.

        The folder appears whole or not at all; it takes the place of an earlier export of this experiment.

        Args:
            folder: a free name, an empty folder, or an earlier export of this experiment.
            format: csv, braze or mailchimp.
            id: a column of the unit's source, such as an e-mail address, in place of the unit's own id.
            column: the header of the variant column; default: after the experiment, as the format needs it.
            escape_formulas: put an apostrophe before ids that a spreadsheet would run as a formula.
            as_of: only batches up to this date.
            batch: only the batch of this date: what a daily job sends.
            progress: called with each step.

        Raises:
            UsageError: the folder holds something else, or there is no such format, column or batch.
            AssignmentError: nobody is assigned yet, or another system assigned.
            DataError: ids are missing, repeat, or do not suit the format; with counts.
        """
        from holdfast.project.exporting import export, wish

        wished = wish(
            self.study.slug,
            form=format,
            column=column,
            id=id,
            escape=escape_formulas,
            as_of=_date(as_of) if as_of is not None else None,
            batch=_date(batch) if batch is not None else None,
        )
        return export(self.study, Path(folder), wished, progress)

    def analyze(self, as_of: str | dt.date | None = None, progress: Progress = _quiet) -> AnalysisHandle:
        """Read, check, estimate and decide as of a date; default: the readout, or today when that is earlier.

        Raises:
            WrongData: tables, columns or types do not fit the files; carries every finding.
            DataError: the data do not fit the files otherwise.
            AssignmentError: nobody is assigned, or the assignment was changed.
            NotYet: enrolment had not started.
        """
        from holdfast import warehouse
        from holdfast.project.analysing import analysed
        from holdfast.project.assigning import assigned_units, ready
        from holdfast.project.checking import check_columns

        begun, manifest = ready(self.study, progress)
        study = begun.study
        plan = ExperimentHandle(study).plan(self._past(as_of) if as_of is not None else None)
        with warehouse.connect(study.project.connection, study.root, study.files, progress) as engine:
            if self._catalogue is not None:
                # Misfits of tables, columns and types, all at once; nothing is scanned for that.
                check_columns(self._catalogue, self.study, engine)
            units = assigned_units(engine, begun, manifest)
            found = analysed(engine, plan, units, begun, manifest)
        return AnalysisHandle(found.analysis, found.statements, study.root, besides=found.answers)

    def query(self, metric: str, *, as_of: str | dt.date | None = None, progress: Progress = _quiet) -> str:
        """The one statement behind a planned metric: n, mean and variance in each variant, runnable as it stands.

        Args:
            metric: its key in the plan, such as margin_per_customer@90d.
            as_of: default: the readout, or today when that is earlier.
            progress: called with each step.

        Raises:
            UsageError: the plan has no such metric.
            NotYet: the analysis as of that date computes no such number.
        """
        from holdfast import planning
        from holdfast.project.querying import query

        day = self._past(as_of) if as_of is not None else planning.default_as_of(self.study, self.today())
        return query(self.study, metric, day, progress)

    def explore(
        self,
        metric: str,
        *,
        segment: str | None = None,
        where: Mapping[str, object] | None = None,
        as_of: str | dt.date | None = None,
        progress: Progress = _quiet,
    ) -> Exploration:
        """The same statistics on a metric that was not planned: exploratory, never in a verdict, and recorded.

        Every look is added to experiments/<slug>/explorations.yaml, which the next report lists as a deviation.

        Args:
            metric: of the catalogue or the experiment, with a window where it needs one: revenue@90d.
            segment: a property or segment; effects are compared within its values.
            where: property to a condition as in YAML, such as {"country": "JP"}: only units that meet them all count.
            as_of: default: the readout.
            progress: called with each step.

        Raises:
            NotYet: the readout has not come; effects are computed nowhere before.
            UsageError: there is no such metric, segment or property, or it is an outcome.
            DataError: so few units meet the conditions, or do not, that they may not be shown.
        """
        from holdfast import planning
        from holdfast.project.exploring import explore

        day = self._past(as_of) if as_of is not None else planning.default_as_of(self.study, self.today())
        return explore(self.study, metric, segment=segment, where=where or {}, as_of=day, progress=progress)


@dataclass(frozen=True, slots=True)
class MetricView:
    """One metric of one variant: its difference, its lift and the levels behind them."""

    difference: Estimate
    lift: Estimate
    level: Level
    baseline_level: Level
    assigned: int = 0
    """Units that were assigned to the variant."""
    baseline_assigned: int = 0
    analysis: Analysis | None = field(default=None, repr=False, compare=False)
    """What it is a part of."""

    def _repr_markdown_(self) -> str | None:
        """Both values, the difference and the relative change, as a notebook shows them."""
        from holdfast import report

        row = self.difference
        return report.metric_card(self.analysis, row.metric, row.variant) if self.analysis else None

    def trace(self, estimand: Estimand = "difference") -> Trace:
        """How the number came about: raw, matured, valued, capped, adjusted, corrected, as far as each happened.

        Args:
            estimand: difference or lift.
        """
        from holdfast.project.tracing import trace

        row = self.lift if estimand == "lift" else self.difference
        return trace(row, (self.level, self.baseline_level), (self.assigned, self.baseline_assigned))


class AnalysisHandle(Forms):
    """One analysis: the same numbers as the command line writes."""

    def __init__(
        self,
        analysis: Analysis,
        statements: Sequence[Statement],
        root: Path,
        folder: Path | None = None,
        besides: Mapping[str, bytes] | None = None,
    ) -> None:
        super().__init__(analysis, root, folder)
        self.statements = tuple(statements)
        self._besides = besides or {}

    @property
    def verdict(self) -> Verdict:
        """The recommendation and its reasons."""
        return self.analysis.verdict

    @cached_property
    def _control(self) -> str:
        return next(variant.key for variant in self.analysis.variants if variant.is_control)

    def __getitem__(self, metric: str | tuple[str, str]) -> MetricView:
        """A metric by key or title, or (metric, variant) where there is more than one variant besides control.

        Raises:
            UsageError: no such metric or variant, with the nearest name.
        """
        keys = {info.key: info.title for info in self.analysis.metrics}
        variants = {info.key: info.title for info in self.analysis.variants if not info.is_control and info.weight}
        treated = list(variants)
        name, variant = metric if isinstance(metric, tuple) else (metric, treated[0])
        name, variant = _named(name, keys), _named(variant, variants)
        if name not in keys:
            raise UsageError(f'there is no metric "{name}"{nearest(name, keys)}')
        if variant not in treated:
            raise UsageError(f'there is no variant "{variant}"{nearest(variant, treated)}')
        if len(treated) > 1 and not isinstance(metric, tuple):
            raise UsageError(
                f"several variants are compared with control: ask for one, as in analysis[{name!r}, {treated[0]!r}]"
            )
        difference = self.analysis.find(name, variant, "difference")
        lift = self.analysis.find(name, variant, "lift")
        level, baseline = self.analysis.level(name, variant), self.analysis.level(name, self._control)
        if difference is None or lift is None or level is None or baseline is None:
            raise UsageError(f"{name}: effects are not computed before the readout on {self.analysis.plan.readout}")
        assigned = {info.key: info.assigned for info in self.analysis.variants}
        counts = assigned[variant], assigned[self._control]
        return MetricView(difference, lift, level, baseline, *counts, self.analysis)

    def queries(self) -> str:
        """Every statement that ran, in order, each with its purpose: queries.sql."""
        parts = []
        for number, statement in enumerate(self.statements, start=1):
            purpose = "\n".join(f"-- {line}" for line in statement.purpose.splitlines())
            parts.append(f"-- {number}\n{purpose}\n{statement.sql};\n")
        return "\n".join(parts)

    def write(self, folder: str | Path | None = None) -> Path:
        """Write the report's folder atomically; returns report.md.

        Default: reports/<slug>/<as-of> of the project, and <as-of>-v<version> from the second version on.
        """
        from holdfast import report

        base = Path(folder) / self.analysis.experiment.slug / self.analysis.folder if folder else self.folder
        return report.write(self.analysis, base, self.queries(), {**self.table_file(), **self._besides})


def _named(name: str, titles: Mapping[str, str]) -> str:
    """The key of a name that is a key or the title of one; the name itself where it is neither."""
    return name if name in titles else next((key for key, title in titles.items() if title == name), name)


def _date(value: str | dt.date) -> dt.date:
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(value)
    except ValueError as error:
        raise UsageError(f'"{value}" is not a date: write it as 2026-10-01') from error
