"""Two analyses of one experiment, side by side: what differs, and why. From their documents, without any data."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from holdfast.errors import UsageError, nearest
from holdfast.model.changed import (
    AssignedChange,
    CheckChange,
    Diff,
    EstimateChange,
    FieldChange,
    LevelChange,
    Why,
)
from holdfast.model.result import Analysis, Deviation, Level, Verdict

_SAME = 1e-11
"""results.json carries 12 digits."""
_NOT_OF_FILES = {
    "plan": ("interim",),
    "variants": ("assigned", "clusters"),
    "metrics": ("cap", "family"),
}
"""Fields that the data decide, or the date."""


def chosen(analyses: Sequence[Analysis], start: str | None, end: str | None, slug: str) -> tuple[Analysis, Analysis]:
    """The two reports that are meant, by date or by folder: the last two where nothing is said.

    Raises:
        UsageError: there is no such report, or no two.
    """
    if not analyses:
        raise UsageError(f"{slug}: there is no report yet; run: holdfast analyze {slug}")
    newer = _named(analyses, end, slug) if end else analyses[-1]
    earlier = [each for each in analyses if each is not newer]
    if start:
        return _named(analyses, start, slug), newer
    if not earlier:
        raise UsageError(f"{slug}: there is one report, as of {newer.as_of}, and nothing to compare it with")
    before = [
        each for each in earlier if (each.experiment.version, each.as_of) < (newer.experiment.version, newer.as_of)
    ]
    return (before or earlier)[-1], newer


def _named(analyses: Sequence[Analysis], name: str, slug: str) -> Analysis:
    found = [each for each in analyses if each.folder == name] or [each for each in analyses if each.as_of == name]
    if not found:
        raise UsageError(
            f'{slug}: there is no report as of "{name}"{nearest(name, [each.folder for each in analyses])}'
        )
    return found[-1]


def diff(before: Analysis, after: Analysis) -> Diff:
    """Everything that differs between two analyses of one experiment."""
    assigned = tuple(_assigned(before, after))
    levels = tuple(_levels(before, after))
    fields = tuple(_fields(_configured(before), _configured(after)))
    software = tuple(_fields(_software(before), _software(after)))
    gone, added = _deviations(before, after), _deviations(after, before)
    return Diff(
        experiment=after.experiment.slug,
        before=before.folder,
        after=after.folder,
        why=tuple(_why(before, after, assigned, levels, software)),
        verdict_before=_told(before.verdict),
        verdict_after=_told(after.verdict),
        assigned=assigned,
        levels=levels,
        estimates=tuple(_estimates(before, after)),
        checks=tuple(_checks(before, after)),
        config_hash_before=before.provenance.config_hash,
        config_hash_after=after.provenance.config_hash,
        fields=fields,
        software=software,
        deviations_added=added,
        deviations_gone=gone,
    )


def _why(
    before: Analysis,
    after: Analysis,
    assigned: Sequence[AssignedChange],
    levels: Sequence[LevelChange],
    software: Sequence[FieldChange],
) -> Iterator[Why]:
    if before.experiment.version != after.experiment.version:
        yield "another_version"
    if before.provenance.config_hash != after.provenance.config_hash:
        yield "configuration"
    if any(each.after > each.before + (each.late or 0) for each in assigned):
        yield "newly_assigned"
    if any(each.late for each in assigned):
        yield "late_assignments"
    if any(each.newly_mature for each in levels):
        yield "newly_mature"
    if any(each.late_total for each in levels):
        yield "late_facts"
    if software:
        yield "software"


def _told(verdict: Verdict) -> str:
    about = f" ({verdict.variant})" if verdict.variant else ""
    return f"{verdict.recommendation}{about}: {verdict.reason}"


def _assigned(before: Analysis, after: Analysis) -> Iterator[AssignedChange]:
    old = {info.key: info.assigned for info in before.variants}
    dated = bool(before.enrolment and after.enrolment)
    for info in after.variants:
        late = _counted(after, info.key, before.as_of) - _counted(before, info.key, before.as_of) if dated else None
        yield AssignedChange(variant=info.key, before=old.get(info.key, 0), after=info.assigned, late=late)


def _counted(analysis: Analysis, variant: str, until: str) -> int:
    """Units of a variant that were assigned before a date."""
    return sum(dict(counts).get(variant, 0) for day, counts in analysis.enrolment if day < until)


def _levels(before: Analysis, after: Analysis) -> Iterator[LevelChange]:
    metrics = {info.key: asdict(info) | {"cap": None} for info in before.metrics}
    redefined = {info.key for info in after.metrics if metrics.get(info.key) != asdict(info) | {"cap": None}}
    same_files = before.provenance.config_hash == after.provenance.config_hash
    for metric, variant in _keys([(row.metric, row.variant) for each in (before, after) for row in each.levels]):
        old, new = before.level(metric, variant), after.level(metric, variant)
        comparable = same_files and metric not in redefined
        yield LevelChange(
            metric=metric,
            variant=variant,
            value_before=old.value if old else None,
            value_after=new.value if new else None,
            n_before=old.n if old else None,
            n_after=new.n if new else None,
            newly_mature=new.mature - old.mature if old and new else None,
            late_total=_late(old, new) if old and new and comparable else None,
        )


def _late(old: Level, new: Level) -> float | None:
    """How much the total changed of units that count at both dates."""
    if (old.n, old.mature, old.excluded) != (new.n, new.mature, new.excluded):
        return None
    if not old.totals or not new.totals:
        return None
    changed = new.totals[0] - old.totals[0]
    return changed if not _same(old.totals[0], new.totals[0]) else 0.0


def _estimates(before: Analysis, after: Analysis) -> Iterator[EstimateChange]:
    rows = [
        {(row.metric, row.variant, row.baseline, row.estimand): row for row in each.estimates}
        for each in (before, after)
    ]
    for key in _keys([*rows[0], *rows[1]]):
        old, new = rows[0].get(key), rows[1].get(key)
        metric, variant, baseline, estimand = key
        yield EstimateChange(
            metric=metric,
            variant=variant,
            baseline=baseline,
            estimand=estimand,
            before=old.estimate if old else None,
            lower_before=old.lower_adjusted if old else None,
            upper_before=old.upper_adjusted if old else None,
            after=new.estimate if new else None,
            lower_after=new.lower_adjusted if new else None,
            upper_after=new.upper_adjusted if new else None,
            state_before=old.state if old else None,
            state_after=new.state if new else None,
        )


def _checks(before: Analysis, after: Analysis) -> Iterator[CheckChange]:
    old, new = ({check.id: check for check in each.checks} for each in (before, after))
    for key in _keys([*old, *new]):
        was, now = old.get(key), new.get(key)
        if (was.status if was else None) != (now.status if now else None):
            yield CheckChange(
                id=key,
                before=was.status if was else None,
                after=now.status if now else None,
                value_before=was.value if was else None,
                value_after=now.value if now else None,
            )


def _configured(analysis: Analysis) -> dict[str, str]:
    """What the document holds of the files, by dotted path."""
    lists = {
        "variants": {info.key: asdict(info) for info in analysis.variants},
        "metrics": {info.key: asdict(info) for info in analysis.metrics},
    }
    document: dict[str, Any] = {"experiment": asdict(analysis.experiment), "plan": asdict(analysis.plan), **lists}
    found = dict(_flat(document, ""))
    return {
        path: text
        for path, text in found.items()
        if path.rpartition(".")[2] not in _NOT_OF_FILES.get(path.partition(".")[0], ())
    }


def _software(analysis: Analysis) -> dict[str, str]:
    made = analysis.provenance
    places = {f"source {name}": place for name, place in made.sources}
    return {"holdfast": made.holdfast, "engine": made.engine, **places}


def _flat(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else str(key))
    elif value not in (None, "", (), []):
        yield path, str(value)


def _fields(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[FieldChange]:
    for path in _keys([*before, *after]):
        if before.get(path) != after.get(path):
            yield FieldChange(field=path, before=before.get(path), after=after.get(path))


def _deviations(here: Analysis, there: Analysis) -> tuple[str, ...]:
    """Those of one analysis that the other has not."""
    known = [_deviation(each) for each in there.deviations]
    return tuple(text for each in here.deviations if (text := _deviation(each)) not in known)


def _deviation(deviation: Deviation) -> str:
    details = ", ".join(f"{name} {text}" for name, text in sorted(deviation.details.items()) if text)
    return f"{deviation.id}: {details}" if details else deviation.id


def _keys(keys: Sequence[Any]) -> list[Any]:
    """Each once, in the order in which they come."""
    return list(dict.fromkeys(keys))


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=_SAME, abs_tol=0.0)
