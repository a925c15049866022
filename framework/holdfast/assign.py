"""The pure part of assignment: which batches are due, and what the lock must hold fast."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.errors import AssignmentError, NotYet
from holdfast.model.experiment import Enroll
from holdfast.model.lock import Lock, LockedBatch, LockedTable
from holdfast.model.manifest import Batch, Manifest
from holdfast.model.study import Study
from holdfast.model.values import Share


def due(slug: str, enroll: Enroll, manifest: Manifest | None, as_of: dt.date) -> tuple[dt.date, ...]:
    """The dates of the batches that are still to be enrolled, oldest first; empty when nothing is.

    A snapshot has one batch; daily batches are caught up in order; enrolment at an event takes everything before the
    as-of date in one batch.

    Raises:
        NotYet: enrolment has not started.
    """
    last = manifest.batches[-1].as_of if manifest and manifest.batches else None
    if enroll.date:
        if as_of < enroll.date:
            raise NotYet(f"{slug}: the audience is drawn on {enroll.date}; assign from then on", enroll.date)
        return () if last else (enroll.date,)
    if enroll.start is None or enroll.length is None:
        raise ValueError("an enrolment has a date, or a start and a length")
    end = enroll.start + enroll.length.timedelta
    first = enroll.start + dt.timedelta(days=1) if enroll.at else enroll.start
    if as_of < first:
        raise NotYet(f"{slug}: enrolment starts on {enroll.start}; assign from {first} on", first)
    if enroll.at:
        until = min(as_of, end)
        return (until,) if last is None or last < until else ()
    begin = last + dt.timedelta(days=1) if last else enroll.start
    stop = min(as_of, end - dt.timedelta(days=1))
    return tuple(begin + dt.timedelta(days=day) for day in range((stop - begin).days + 1))


@dataclass(frozen=True, slots=True, order=True)
class Difference:
    """One value that the lock and the files disagree on."""

    path: str
    """Dotted, such as experiment.metrics.primary."""
    locked: str
    now: str

    def __str__(self) -> str:
        return f"{self.path}: {self.locked} -> {self.now}"


_WHO_GETS_WHAT = (
    "experiment.assignment",
    "experiment.audience",
    "experiment.enroll",
    "experiment.variants",
    "settings.units",
    "settings.timezone",
    "settings.channels",
    "settings.holdouts",
    "settings.exclusion_groups",
    "properties",
)
"""What decides who takes part and what they get: a version that changes it draws again, with a salt of its own."""


def differences(locked: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Every value that differs between two nested documents, by dotted path.

    A field that the lock does not know and that is empty now is no difference: it came with a later version of
    Holdfast.
    """
    before, after = dict(_flat(locked)), dict(_flat(now))
    found = []
    for path in sorted(before.keys() | after.keys()):
        if path not in before and after[path] in _EMPTY:
            continue
        old, new = before.get(path, "nothing"), after.get(path, "nothing")
        if old != new:
            found.append(Difference(path, old, new))
    return tuple(found)


_TRAFFIC = "experiment.assignment.traffic"
_EMPTY = ("null", "{}", "[]", '""', "false")


def _flat(document: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every plain value with its dotted path, as JSON text, so that 1, "1" and true stay apart."""
    if isinstance(document, Mapping) and document:
        for key, value in document.items():
            yield from _flat(value, f"{path}.{key}" if path else str(key))
    elif isinstance(document, list) and document:
        for index, value in enumerate(document):
            # An ordered mapping is kept as pairs: its keys name the steps, their places are part of the design.
            pair = isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)
            if pair:
                yield f"{path}.{value[0]}.place", str(index)
            yield from _flat(value[1] if pair else value, f"{path}.{value[0] if pair else index}")
    else:
        yield path, json.dumps(document, ensure_ascii=False)


def lock(
    study: Study,
    manifest: Manifest,
    *,
    design: Mapping[str, Any],
    cosmetic: Mapping[str, Any],
    before: Lock | None,
    tables: tuple[LockedTable, ...] = (),
) -> Lock:
    """The lock of an assignment: the design, what is only shown, and counts and checksum of every batch, or of the
    table that another system wrote.

    What was only shown stays as it was when the version was locked, so that later changes can be listed.
    """
    batches = tuple(
        LockedBatch(
            as_of=batch.as_of,
            counts=dict(batch.counts),
            checksum=batch.checksum,
            traffic=batch.traffic,
            config_hash=batch.config_hash,
            draw=batch.draw,
        )
        for batch in manifest.batches
    )
    same = before if before and before.version == study.experiment.version else None
    return Lock(
        version=study.experiment.version,
        assigned_by_version=assigned_by(study, before),
        salt=study.experiment.assignment.salt,
        config_hash=study.config_hash,
        design=same.design if same else design,
        cosmetic=same.cosmetic if same else cosmetic,
        batches=batches,
        tables=tables,
    )


def assigned_by(study: Study, locked: Lock | None) -> int:
    """The version whose manifest holds the assignment: an earlier one when only the analysis changed since."""
    if locked and locked.salt == study.experiment.assignment.salt:
        return locked.assigned_by_version
    return study.experiment.version


def drawn_again(study: Study, locked: Lock | None) -> int:
    """How many units of an earlier version this version draws again; 0 when it keeps what they got."""
    if locked is None or locked.version >= study.experiment.version:
        return 0
    kept = assigned_by(study, locked) < study.experiment.version
    return 0 if kept else sum(sum(batch.counts.values()) for batch in locked.batches)


def check_design(study: Study, locked: Lock, design: Mapping[str, Any]) -> None:
    """Refuse to go on with a design that is not the locked one.

    A new version may change the analysis and keep the assignment; one that changes who gets what needs a new salt.

    Raises:
        AssignmentError: with each value that differs, as locked and as it is now.
    """
    slug, version = study.slug, study.experiment.version
    if locked.version > version:
        raise AssignmentError(
            f"{slug}: the lock is of version {locked.version}, the file says version {version}; a version is never "
            "taken back"
        )
    # Traffic may be raised while enrolment lasts: it moves nobody who is assigned.
    changed = [item for item in differences(locked.design, design) if not item.path.startswith(_TRAFFIC)]
    if locked.version == version and changed:
        raise AssignmentError(
            f"{slug}: the experiment was changed after it had started:\n{_listed(changed)}\n"
            f"Put this back (what experiments share is in configs/), or set version: {version + 1} in "
            f"experiments/{slug}/experiment.yaml{_hint(changed)}"
        )
    if locked.salt == study.experiment.assignment.salt:
        _check_traffic(study, locked)
    moved = [item for item in changed if item.path.startswith(_WHO_GETS_WHAT)]
    if locked.version < version and moved and locked.salt == study.experiment.assignment.salt:
        raise AssignmentError(
            f"{slug}: version {version} changes who takes part or what they get, and keeps the salt of version "
            f"{locked.version}:\n{_listed(moved)}\nGive it a new salt, so that they are drawn again, or put it back"
        )


def _hint(changed: Iterable[Difference]) -> str:
    if any(item.path.startswith("settings.holdouts") for item in changed):
        return "; an experiment that began without the project's holdout keeps so with assignment: {holdout: []}"
    return ""


def _check_traffic(study: Study, locked: Lock) -> None:
    """Refuse a share of the audience that would leave out somebody who is assigned, or whom nobody would draw."""
    now, enroll = study.experiment.assignment.traffic, study.experiment.enroll
    drawn = max((Share.parse(batch.traffic) for batch in locked.batches), key=lambda share: share.value, default=now)
    if now.value < drawn.value:
        raise AssignmentError(
            f"{study.slug}: traffic was {drawn} and is {now} now; it may be raised, never lowered: customers who are "
            "assigned would lose what they got"
        )
    if now.value > drawn.value and enroll and _complete(enroll, locked.batches[-1].as_of):
        raise AssignmentError(
            f"{study.slug}: traffic was raised to {now}, but enrolment ended with the draw of "
            f"{locked.batches[-1].as_of}; put it back, or draw the others as an experiment of their own"
        )


def _complete(enroll: Enroll, last: dt.date) -> bool:
    """Whether the batch of a date is the last one of an enrolment."""
    if enroll.start is None or enroll.length is None:
        return True
    end = enroll.start + enroll.length.timedelta
    return last >= (end if enroll.at else end - dt.timedelta(days=1))


def _listed(changed: Iterable[Difference]) -> str:
    lines = [f"  {item}" for item in changed]
    return "\n".join([*lines[:20], *([f"  ... and {len(lines) - 20} more"] if len(lines) > 20 else [])])


def check_rebuilt(slug: str, locked: Lock, manifest: Manifest) -> None:
    """Refuse an assignment that was made again and is not the locked one.

    Raises:
        AssignmentError: naming the first batch that differs.
    """
    # The manifest may be behind the lock (made again batch by batch), or ahead of it (the lock is written last).
    for batch, expected in zip(manifest.batches, locked.batches, strict=False):
        if _said(batch) != _said(expected):
            raise AssignmentError(
                f"{slug}: the assignment of {batch.as_of} on this machine gives {dict(batch.counts)}, the lock says "
                f"{dict(expected.counts)} as of {expected.as_of} (checksum {expected.checksum}). The data have changed "
                "since, or the record of the assignment was; restore it from a backup"
            )


def _said(batch: Batch | LockedBatch) -> tuple[object, ...]:
    """What manifest and lock both say of a batch."""
    return batch.as_of, batch.checksum, dict(batch.counts), batch.traffic, batch.config_hash, batch.draw


def check_table(study: Study, locked: LockedTable, now: LockedTable) -> None:
    """Refuse a table of another system that is not the locked one; rows assigned later may follow.

    Raises:
        AssignmentError: saying in counts what differs.
    """
    if (now.rows, now.checksum) == (locked.rows, locked.checksum):
        return
    names = ("rows", "unlisted", "duplicates", "crossovers")
    pairs = [(name, getattr(locked, name), getattr(now, name)) for name in names]
    pairs += [(key, locked.counts.get(key, 0), now.counts.get(key, 0)) for key in {**locked.counts, **now.counts}]
    changed = [f"{name} {old:,} -> {new:,}" for name, old, new in pairs if old != new]
    what = ", ".join(changed) or "the counts are the same, but some units have another variant or time of assignment"
    timed = study.experiment.assignment.assigned_at
    rest = (
        f"rows with a later {timed} may be added, earlier ones may not change"
        if timed
        else "without assigned_at the table must stay as it was; name assigned_at, the column with the time of "
        "assignment, in a new version to allow rows to be added"
    )
    raise AssignmentError(
        f"{study.slug}: the table of another system is not the one that was locked as of {locked.as_of}: {what}. "
        f"Restore the table; {rest}"
    )
