"""Where every experiment stands: from its file, its lock and its reports alone. No engine, no facts, no effects."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from holdfast import config, planning
from holdfast.config.lock import read_lock
from holdfast.errors import AssignmentError, ConfigError, NotYet, UsageError
from holdfast.model.clock import midnight
from holdfast.model.experiment import Enroll
from holdfast.model.lock import Lock, LockedBatch
from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import PlannedMetric
from holdfast.model.portfolio import Unreported
from holdfast.model.study import Study
from holdfast.project.started import started

State = Literal[
    "invalid file",
    "draft",
    "changed after its start",
    "planned",
    "enrolling",
    "waiting",
    "ready to read",
    "analysed",
    "decided",
]
Health = Literal["", "fine", "split uneven", "split wrong", "not judged"]
DECISION = "decision.yaml"
_REPORT = re.compile(r"(\d{4}-\d{2}-\d{2})(?:-v(\d+))?")
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one experiment stands as of a date."""

    slug: str
    title: str = ""
    state: State
    next: str
    """What to do, or what it waits for."""
    todos: int = 0
    """Places of its file that are still to be filled in."""
    errors: int = 0
    """Other errors in its file."""
    start: dt.date | None = None
    end: dt.date | None = None
    """The day after the last enrolment; for a finished experiment the day after the last observation."""
    readout: dt.date | None = None
    days_to_readout: int | None = None
    enrolled: Mapping[str, int] = field(default_factory=dict)
    """Units so far, by variant."""
    planned: Mapping[str, float] = field(default_factory=dict)
    """Units that each variant should have of those, by the weights."""
    assigned_until: dt.date | None = None
    """As-of date of the last batch."""
    per_day: float | None = None
    """Units a day so far, where they come in daily batches."""
    expected_total: int | None = None
    """Units at the end of enrolment, if they go on coming like that."""
    mature: float | None = None
    """The share of the enrolled whose whole window of the primary metric has been observed; at least that where they
    enter at an event."""
    health: Health = ""
    """The split so far, by a test that may be read every day."""
    report: str | None = None
    """The newest report, relative to the project."""
    reported: dt.date | None = None
    """Its date."""


def status(catalogue: config.Catalogue, slugs: Sequence[str], as_of: dt.date | None = None) -> tuple[Standing, ...]:
    """Where experiments stand as of a date (default: today in each one's zone), in the order of their names.

    Raises:
        UsageError: there is no experiment of that name.
    """
    return tuple(_standing(catalogue, slug, as_of) for slug in sorted(dict.fromkeys(slugs)))


def unreported(item: Standing) -> Unreported:
    """What the index says of an experiment without a report; it does not change with the date."""
    state: Literal["draft", "to_correct", "planned", "under_way"] = "under_way" if item.enrolled else "planned"
    if item.todos:
        state = "draft"
    elif item.errors or item.state in {"invalid file", "changed after its start"}:
        state = "to_correct"
    readout = item.readout.isoformat() if item.readout else None
    return Unreported(slug=item.slug, title=item.title, state=state, readout=readout)


def _standing(catalogue: config.Catalogue, slug: str, as_of: dt.date | None) -> Standing:
    try:
        study = config.load_plain_study(catalogue, slug)
    except ConfigError as error:
        return _invalid(slug, error)
    day = as_of or dt.datetime.now(ZoneInfo(study.timezone)).date()
    try:
        study, locked = _locked(catalogue, study)
    except AssignmentError:
        following = f"holdfast validate {slug}"
        return Standing(slug=slug, title=study.title, state="changed after its start", next=following)
    try:
        return _valid(study, locked, day)
    except UsageError as error:
        reason = str(error).removeprefix(f"{slug}: ")
        return Standing(slug=slug, title=study.title, state="invalid file", next=reason, errors=1)


def _locked(catalogue: config.Catalogue, study: Study) -> tuple[Study, Lock | None]:
    """The study as its lock has it. Only where the hashes differ the whole lock is read, which takes long.

    Raises:
        AssignmentError: the design is not the locked one, or the lock cannot be read.
    """
    locked = read_lock(study.root / "experiments" / study.slug, whole=False)
    if locked is None:
        return study, None
    if study.experiment.assignment.salt is None and locked.salt:
        assignment = replace(study.experiment.assignment, salt=locked.salt)
        study = replace(study, experiment=replace(study.experiment, assignment=assignment))
    if locked.version != study.experiment.version or locked.config_hash != config.config_hash(study):
        begun = started(config.load_study(catalogue, study.slug))
        return begun.study, begun.locked
    return study, locked


def _invalid(slug: str, error: ConfigError) -> Standing:
    errors = [finding for finding in error.findings if finding.severity == "error"]
    todos = sum(finding.rule == "todo-left" for finding in errors)
    state: State = "draft" if todos else "invalid file"
    return Standing(slug=slug, state=state, next=f"holdfast validate {slug}", todos=todos, errors=len(errors) - todos)


def _valid(study: Study, locked: Lock | None, day: dt.date) -> Standing:
    observed, batches = study.experiment.observed, _batches(locked, day)
    start, end = planning.enrolment(study)
    if observed:
        start, end = observed.start, observed.until
    readout = planning.readout(study)
    enrolled = _enrolled(study, locked, batches)
    reported, path = _newest(study, day)
    state, following = _state(study, locked, day, readout, reported)
    enroll = study.experiment.enroll
    daily = enroll is not None and enroll.each is not None and bool(batches) and start is not None and end is not None
    per_day = sum(enrolled.values()) / len(batches) if daily else None
    return Standing(
        slug=study.slug,
        title=study.title,
        state=state,
        next=following,
        start=start,
        end=end,
        readout=readout,
        days_to_readout=(readout - day).days if readout else None,
        enrolled=enrolled,
        planned=_planned(study, enrolled),
        assigned_until=batches[-1].as_of if batches else None,
        per_day=per_day,
        expected_total=round(per_day * (end - start).days) if per_day is not None and start and end else None,
        mature=_mature(study, batches, day),
        health=_health(study, batches, enrolled),
        report=path,
        reported=reported,
    )


def _batches(locked: Lock | None, day: dt.date) -> tuple[LockedBatch, ...]:
    """The batches that were there by a date."""
    return tuple(batch for batch in locked.batches if batch.as_of <= day) if locked else ()


def _enrolled(study: Study, locked: Lock | None, batches: Sequence[LockedBatch]) -> dict[str, int]:
    """Units by variant, in the order of the file; of a table that another system wrote, as it was locked."""
    counts = [batch.counts for batch in batches]
    if locked and locked.tables:
        counts = [locked.tables[-1].counts]
    if not counts:
        return {}
    return {key: sum(item.get(key, 0) for item in counts) for key in study.experiment.variants}


def _planned(study: Study, enrolled: Mapping[str, int]) -> dict[str, float]:
    """The enrolled, divided by the weights."""
    variants = study.experiment.variants
    total = sum(variant.weight for variant in variants.values())
    units = sum(enrolled.values())
    return {key: units * variant.weight / total for key, variant in variants.items()} if enrolled else {}


def _state(
    study: Study, locked: Lock | None, day: dt.date, readout: dt.date | None, reported: dt.date | None
) -> tuple[State, str]:
    """The state, and what comes next."""
    slug = study.slug
    enroll = study.experiment.enroll
    if (study.root / "experiments" / slug / DECISION).is_file():
        return "decided", ""
    if reported is not None and (readout is None or reported >= readout):
        return "analysed", f"write what was decided to experiments/{slug}/{DECISION}"
    if enroll is not None and study.experiment.assignment.by_holdfast:
        first = enroll.date or (enroll.start or day) + (_DAY if enroll.at else dt.timedelta())
        if locked is None or locked.version != study.experiment.version:
            due = f"holdfast assign {slug}"
            return "planned", due if day >= first else f"{due}, from {first} on"
        _, end = planning.enrolment(study)
        if end is not None and day < end:
            return "enrolling", _enrolling(study, enroll, _batches(locked, day), day)
    if readout is not None and day < readout:
        return "waiting", f"read it on {readout}"
    return "ready to read", f"holdfast analyze {slug}"


def _enrolling(study: Study, enroll: Enroll, batches: Sequence[LockedBatch], day: dt.date) -> str:
    """Whether every batch that is due was drawn."""
    last = batches[-1].as_of if batches else None
    late = last is None or last < day
    return f"holdfast assign {study.slug}" if late and (enroll.each or enroll.at) else ""


def _mature(study: Study, batches: Sequence[LockedBatch], day: dt.date) -> float | None:
    """The share of the enrolled whose window of the primary metric has been observed by a date."""
    observed = study.experiment.observed
    if observed:
        return 1.0 if day >= observed.until else 0.0
    units = sum(sum(batch.counts.values()) for batch in batches)
    if not units:
        return None
    try:
        primary = planning.plan(study, day).primary
    except NotYet:
        return 0.0
    closed = sum(sum(batch.counts.values()) for batch in batches if _closed(study, primary, batch.as_of))
    return closed / units


def _closed(study: Study, primary: PlannedMetric, as_of: dt.date) -> bool:
    """Whether the window of a unit that was assigned at 00:00 of a date has been observed."""
    if primary.window is None:
        return True
    days = primary.window.end_day * _DAY
    if primary.clock == "calendar":
        return midnight(as_of + days, study.timezone) <= primary.observed_until
    return midnight(as_of, study.timezone) + days <= primary.observed_until


def _health(study: Study, batches: Sequence[LockedBatch], enrolled: Mapping[str, int]) -> Health:
    """The split so far. Of clusters only the analysis, which counts them, can tell."""
    if not sum(enrolled.values()):
        return ""
    if study.experiment.assignment.cluster is not None:
        return "not judged"
    from holdfast import stats

    variants, limits = study.experiment.variants, study.health.srm
    looks = [[batch.counts.get(key, 0) for key in variants] for batch in batches] or [list(enrolled.values())]
    test = stats.sequential_split(looks, [variant.weight for variant in variants.values()])
    if isinstance(test, NotEstimable):
        return "not judged"
    p = test.p[-1]
    return "split wrong" if p < limits.block else "split uneven" if p < limits.note else "fine"


def _newest(study: Study, day: dt.date) -> tuple[dt.date | None, str | None]:
    """Date and path of the newest report of this version of an experiment."""
    folder = study.root / "reports" / study.slug
    found: list[tuple[dt.date, Path]] = []
    for path in folder.iterdir() if folder.is_dir() else ():
        match = _REPORT.fullmatch(path.name)
        if match is None or int(match[2] or 1) != study.experiment.version or not (path / "results.json").is_file():
            continue
        try:
            found.append((dt.date.fromisoformat(match[1]), path / "report.md"))
        except ValueError:
            continue
    dated = [item for item in found if item[0] <= day]
    if not dated:
        return None, None
    date, path = max(dated)
    return date, path.relative_to(study.root).as_posix()


__all__ = ["Standing", "status", "unreported"]
