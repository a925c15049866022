"""One experiment in the hands of an analyst: planned, assigned, exported, analysed, explored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from holdfast import config
from holdfast.errors import ConfigError, NotYet, UsageError
from holdfast.model.plan import Plan
from holdfast.model.study import Study
from holdfast.project.analysis import AnalysisHandle

if TYPE_CHECKING:
    from holdfast.model.audience import Exported
    from holdfast.model.preview import Preview
    from holdfast.project.assigning import Assigned
    from holdfast.project.exploring import Exploration

Progress = Callable[[str], None]


def quiet(_: str) -> None:
    """No progress wanted."""


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

        day = date_of(as_of) if as_of is not None else planning.default_as_of(self.study, self.today())
        return planning.plan(self.study, day)

    def _past(self, as_of: str | dt.date) -> dt.date:
        """A date that has come: nothing after today has been observed, and an empty batch would stay empty for ever."""
        day = date_of(as_of)
        if day > self.today():
            raise UsageError(f"{day} is in the future; today is {self.today()} in {self.study.timezone}")
        return day

    def assign(self, as_of: str | dt.date | None = None, progress: Progress = quiet) -> Assigned:
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

    def preview(self, as_of: str | dt.date | None = None, progress: Progress = quiet) -> Preview:
        """Who would get what by a date, as the data stand now: nothing is written. The date may lie ahead.

        Default: today, or the first day on which anybody can be assigned.

        Raises:
            AssignmentError: another system assigns, or the assignment so far is not on this machine.
        """
        from holdfast.project.previewing import preview

        day = date_of(as_of) if as_of else self.today()
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
        progress: Progress = quiet,
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
            as_of=date_of(as_of) if as_of is not None else None,
            batch=date_of(batch) if batch is not None else None,
        )
        return export(self.study, Path(folder), wished, progress)

    def analyze(self, as_of: str | dt.date | None = None, progress: Progress = quiet) -> AnalysisHandle:
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

    def query(self, metric: str, *, as_of: str | dt.date | None = None, progress: Progress = quiet) -> str:
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
        progress: Progress = quiet,
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


def date_of(value: str | dt.date) -> dt.date:
    """A date, or one in a text.

    Raises:
        UsageError: the text is none.
    """
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(value)
    except ValueError as error:
        raise UsageError(f'"{value}" is not a date: write it as 2026-10-01') from error
