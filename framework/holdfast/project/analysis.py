"""One analysis in the hands of an analyst: its numbers by name, its statements, its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.errors import UsageError, nearest
from holdfast.model.reading import Statement
from holdfast.model.result import Analysis, Estimand, Estimate, Level, Verdict
from holdfast.project.forms import Forms

if TYPE_CHECKING:
    from holdfast.project.tracing import Trace


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

    def _repr_html_(self) -> str | None:
        """The same as HTML, which most notebooks prefer."""
        from holdfast import report

        row = self.difference
        return report.metric_html(self.analysis, row.metric, row.variant) if self.analysis else None

    def trace(self, estimand: Estimand = "difference") -> Trace:
        """How the number came about: raw, matured, valued, capped, adjusted, corrected, as far as each happened.

        Args:
            estimand: difference or lift.

        Raises:
            UsageError: there is no such estimand.
        """
        from holdfast.project.tracing import trace

        rows = {"difference": self.difference, "lift": self.lift}
        if estimand not in rows:
            raise UsageError(f'there is no estimand "{estimand}"{nearest(estimand, rows)}')
        row = rows[estimand]
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

    def write(self, folder: str | Path | None = None, *, page: bool = False) -> Path:
        """Write the report's folder atomically; returns report.md.

        Args:
            folder: where folders of reports are kept; the report's own is <slug>/<as-of> within it, and
                <as-of>-v<version> from the second version on. Default: reports of the project, or of the working
                folder where there is none.
            page: whether report.html, one page that needs nothing else, is among the files.
        """
        from holdfast import report

        base = Path(folder) / self.analysis.experiment.slug / self.analysis.folder if folder else self.folder
        return report.write(self.analysis, base, self.queries(), {**self.table_file(), **self._besides}, page=page)


def _named(name: str, titles: Mapping[str, str]) -> str:
    """The key of a name that is a key or the title of one; the name itself where it is neither."""
    return name if name in titles else next((key for key, title in titles.items() if title == name), name)
