"""Explorations: the same statistics on what was not planned. Recorded, stamped exploratory, never in a verdict."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast import config, estimate, health, planning, warehouse
from holdfast.errors import DataError, UsageError, nearest
from holdfast.model.exploration import WITHIN, ExplorationResult, Explored
from holdfast.model.metric import Quantile, Survival, columns_of
from holdfast.model.plan import Plan
from holdfast.model.predicate import Condition
from holdfast.model.reading import Reading, Together
from holdfast.model.result import Check, Estimate
from holdfast.model.source import UnitSource
from holdfast.model.study import Study
from holdfast.model.values import MetricRef
from holdfast.project.assigning import assigned_units, ready
from holdfast.project.document import metric_info
from holdfast.project.subtracting import asked_before, refuse_subtraction

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str], None]
Where = Mapping[str, object]
"""Property to the condition on it, as in YAML: a value, a list, a range, a comparison."""
_RANGE = re.compile(r"\S+\s*\.\.\s*\S+")
_ABOUT_ASSIGNMENT = frozenset(
    {"srm", "srm_sequential", "empty_variant", "unlisted_labels", "contamination", "daily_split", "batch_split"}
    | {"segment_split", "balance", "pre_period", "clusters"}
)


@dataclass(frozen=True, slots=True)
class Exploration:
    """What was found after the fact. Exploratory: no verdict rests on it."""

    result: ExplorationResult

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """Differences and lifts, each with its interval, corrected for no other question."""
        return self.result.estimates

    def to_pandas(self) -> pd.DataFrame:
        """Every estimate as one long table, those of the segment's levels included; `exploratory` is always true."""
        import pandas as pd

        return pd.DataFrame(_rows(self.result))

    def to_json(self) -> str:
        """The result as JSON."""
        from holdfast import report

        return report.canonical(self.result, "exploration")

    def __repr__(self) -> str:
        found = self.result
        by = f" by {found.segment}" if found.segment else ""
        return f"exploratory, decides nothing: {found.metric.key}{by}, as of {found.as_of}\n{self.to_pandas()}"


def explore(
    study: Study, metric: str, *, segment: str | None, where: Where, as_of: dt.date, progress: Progress
) -> Exploration:
    """What the same statistics say of a metric that was not planned. It is recorded beside the experiment.

    Raises:
        NotYet: the readout has not come.
        UsageError: there is no such metric, segment or property, or it is an outcome.
        DataError: so few units meet the conditions, or do not, that they may not be shown.
    """
    ref = config.asked_metric(study, metric)
    conditions = _conditions(study, where)
    if segment is not None:
        _check_segment(study, segment, ref)
    planning.effects_due(study, as_of)
    begun, manifest = ready(study, progress)
    explored = Explored(
        as_of=as_of,
        version=study.experiment.version,
        metric=str(ref),
        segment=segment,
        where={name: str(condition) for name, condition in conditions.items()},
    )
    earlier = asked_before(config.read_explorations(_home(study)), explored, _known_names(begun.study))
    counted = planning.exploration(begun.study, ref, segment, conditions, as_of, earlier=earlier)
    with warehouse.connect(study.project.connection, study.root, study.files, progress) as engine:
        units = assigned_units(engine, begun, manifest)
        reading = warehouse.read(engine, counted, units, partial(estimate.places, counted.confidence))
    plan = planning.asked_alone(counted)
    if segment is not None and segment in reading.unread_segments:
        raise UsageError(f'"{segment}" has too many values to be a segment; define one with conditions on it')
    if segment is not None and not any(name == segment for _, _, name, _ in reading.segments):
        raise DataError(f'"{segment}" is not to be had for every unit as it was before its assignment')
    _refuse_small(plan, reading, segment)
    refuse_subtraction(reading, begun.study, (segment, conditions), earlier)
    checks = health.run(plan, reading, manifest.batches if manifest else ())
    found = _result(plan, reading, explored, checks)
    # Recorded before anybody sees it.
    number = config.record(_home(study), _lock(study), explored)
    return Exploration(replace(found, explored=number))


def _home(study: Study) -> Path:
    return study.root / "experiments" / study.slug


def _lock(study: Study) -> Path:
    return study.root / "data" / "assignments" / study.slug / ".explorations"


def _known_names(study: Study) -> frozenset[str]:
    """Properties and segments that the project names, those of a file that is named in place included."""
    sources = (source for source in study.sources.values() if isinstance(source, UnitSource))
    own = study.experiment.assignment.strata + study.experiment.analysis.segments
    return frozenset(
        {"", *own, *study.properties, *study.segments, *(name for each in sources for name in each.properties)}
    )


def _conditions(study: Study, where: Where) -> dict[str, Condition]:
    found = {}
    for name, value in where.items():
        _check_property(study, name, segments=False)
        try:
            found[name] = Condition.parse(value)
            _refuse_unread(value)
        except ValueError as error:
            raise UsageError(f"{name}: {error}") from error
        if found[name].top is not None:
            raise UsageError(f"{name}: `top` compares customers with each other; give the number itself")
    return found


def _refuse_unread(value: object) -> None:
    """Refuse a text that begins as a comparison or stands as a range, and would be taken for a value."""
    if isinstance(value, str) and Condition.parse(value).any_of:
        if value.startswith(("<", ">", "=", "!")):
            raise ValueError(f'"{value}" compares with no number; write it as ">= 3", "> 3", "<= 3" or "< 3"')
        if _RANGE.fullmatch(value):
            raise ValueError(f'"{value}" is no range of numbers; write it as 20..29')


def _check_segment(study: Study, name: str, ref: MetricRef) -> None:
    _check_property(study, name, segments=True)
    if isinstance(study.metrics[ref.name], Survival | Quantile):
        raise UsageError(
            f'times to an event and quantiles are not compared by segment; ask for one value of "{name}" at a time, '
            "with --where"
        )


def _check_property(study: Study, name: str, *, segments: bool) -> None:
    """Whether a name can be a property of units that was known before their assignment."""
    listed = {each for source in study.sources.values() if isinstance(source, UnitSource) for each in source.properties}
    known = {*listed, *study.properties, *(study.segments if segments else ())}
    outcomes = {column for metric in study.metrics.values() for column in columns_of(metric)}
    if name in outcomes:
        raise UsageError(f'"{name}" is an outcome, known only after assignment: units may not be chosen by it')
    if name in _of_assignment(study):
        raise UsageError(f'"{name}" says which unit it is or how it was assigned, which is no property')
    # The columns of a file that is named in place are listed nowhere; the file itself will tell.
    if name not in known and study.experiment.assignment.method != "external":
        raise UsageError(f'there is no property "{name[:60]}"{nearest(name, known)}')


def _of_assignment(study: Study) -> set[str | None]:
    assignment = study.experiment.assignment
    keys = {key for source in study.sources.values() if isinstance(source, UnitSource) for key in source.keys.values()}
    return {assignment.variant, assignment.assigned_at, assignment.batch, *keys}


def _refuse_small(plan: Plan, reading: Reading, segment: str | None) -> None:
    """Stop where the units that were asked for, or the others, are so few that a difference would show them."""
    if WITHIN not in plan.study.segments:
        return
    minimum = plan.study.project.privacy.minimum_cell
    weighed = [key for key, variant in plan.study.experiment.variants.items() if variant.weight]
    inside = [_counted(reading, plan.primary.key, key) for key in weighed]
    place = reading.asked.index(WITHIN)
    left = [row for row in reading.together if row.levels[place] == "false"]
    outside = [sum(row.n for row in left if row.variant == key) for key in weighed]
    if min(inside) < minimum or any(0 < n < minimum for n in outside):
        raise DataError(
            f"fewer than {minimum} units of a variant meet the conditions, or do not: so few may not be shown "
            "(privacy.minimum_cell); choose a wider or a narrower condition"
        )
    if segment is not None and any(0 < n < minimum for n in _by_level(left, reading.asked.index(segment)).values()):
        raise DataError(
            f"within some values of {segment} fewer than {minimum} units do not meet the conditions: the difference "
            "would show them; leave out the segment or the conditions"
        )


def _by_level(rows: Iterable[Together], place: int) -> Counter[tuple[str, str | None]]:
    """Units by variant and level of a segment."""
    found: Counter[tuple[str, str | None]] = Counter()
    for row in rows:
        found[row.variant, row.levels[place]] += row.n
    return found


def _counted(reading: Reading, metric: str, variant: str) -> int:
    if (cell := reading.cells.get((metric, variant))) is not None:
        return cell.moments.n
    curve = reading.curves.get((metric, variant))
    return curve.at_risk[0] if curve and curve.at_risk else 0


def _result(plan: Plan, reading: Reading, explored: Explored, checks: tuple[Check, ...]) -> ExplorationResult:
    results = estimate.run(plan, reading)
    key = plan.primary.key
    shown = tuple(row for row in results.segments if not row.suppressed)
    hidden = {(row.dimension, row.level) for row in results.segments if row.suppressed}
    info = replace(metric_info(plan.primary, reading), role="descriptive", tolerate=None)
    return ExplorationResult(
        experiment=plan.study.slug,
        as_of=plan.as_of.isoformat(),
        readout=plan.readout.isoformat() if plan.readout else None,
        explored=0,
        confidence=plan.confidence,
        metric=info,
        segment=explored.segment,
        where=explored.where,
        blocked=tuple(check for check in checks if check.id in _ABOUT_ASSIGNMENT and check.status == "block"),
        levels=tuple(row for row in results.levels if row.metric == key),
        estimates=tuple(_described(row) for row in results.estimates if row.metric == key),
        segments=shown,
        suppressed=len(hidden),
        interactions=results.interactions,
    )


def _described(row: Estimate) -> Estimate:
    """A row that is never read as better or worse."""
    state = "described" if row.status == "estimated" else row.state
    return replace(row, role="descriptive", state=state, margin=None)


def _rows(found: ExplorationResult) -> Iterator[dict[str, object]]:
    where = ", ".join(f"{name}: {text}" for name, text in sorted(found.where.items()))
    head = {"experiment": found.experiment, "as_of": found.as_of, "exploratory": True, "metric": found.metric.key}
    for row in found.estimates:
        compared = {"variant": row.variant, "baseline": row.baseline, "estimand": row.estimand}
        numbers = {"estimate": row.estimate, "lower": row.lower, "upper": row.upper, "p": row.p}
        counts = {"n": row.n, "n_baseline": row.n_baseline}
        yield head | {"where": where, "segment": None, "level": None} | compared | numbers | counts
    for part in found.segments:
        place = {"where": where, "segment": part.dimension, "level": part.level}
        for estimand, quantity in (("difference", part.difference), ("lift", part.lift)):
            compared = {"variant": part.variant, "baseline": part.baseline, "estimand": estimand}
            numbers = {"estimate": quantity.estimate, "lower": quantity.lower, "upper": quantity.upper, "p": None}
            yield head | place | compared | numbers | {"n": part.n, "n_baseline": part.n_baseline}
