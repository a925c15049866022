"""The pure part of assignment: which batches are due, and what the lock must hold fast."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

from holdfast.errors import AssignmentError, NotYet
from holdfast.model.experiment import Enroll
from holdfast.model.lock import Lock, LockedBatch
from holdfast.model.manifest import Manifest
from holdfast.model.study import Study


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


def design(study: Study) -> dict[str, Any]:
    """What decides who gets what: it may not change once a unit is assigned."""
    experiment = study.experiment
    assignment, enroll = experiment.assignment, experiment.enroll
    return {
        "method": assignment.method,
        "salt": assignment.salt,
        "hash_version": assignment.hash_version,
        "traffic": str(assignment.traffic),
        "unit": assignment.unit,
        "weights": {key: variant.weight for key, variant in experiment.variants.items()},
        "control": experiment.control,
        "audience": {name: str(condition) for name, condition in experiment.audience.items()},
        "enroll": None
        if enroll is None
        else {
            "date": str(enroll.date) if enroll.date else None,
            "from": str(enroll.start) if enroll.start else None,
            "for": str(enroll.length) if enroll.length else None,
            "at": str(enroll.at) if enroll.at else None,
        },
        "primary": str(experiment.metrics.primary),
        "guardrails": {str(guard.metric): str(guard.tolerate) for guard in experiment.metrics.guardrails},
        "expect": str(experiment.analysis.expect) if experiment.analysis.expect else None,
    }


_FROZEN = ("method", "salt", "hash_version", "unit", "weights", "control", "audience", "enroll")


def design_hash(plan: dict[str, Any]) -> str:
    """SHA-256 of a design in canonical form; the order of weights counts, since it orders the buckets."""
    return hashlib.sha256(json.dumps(plan, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def lock(study: Study, manifest: Manifest) -> Lock:
    """The lock of an assignment: the design, and counts and checksum of every batch."""
    batches = tuple(
        LockedBatch(as_of=batch.as_of, counts=dict(batch.counts), checksum=batch.checksum) for batch in manifest.batches
    )
    return Lock(version=study.experiment.version, config_hash=study.config_hash, design=design(study), batches=batches)


def check_design(study: Study, locked: Lock) -> None:
    """Refuse to go on with a design that is not the locked one.

    Raises:
        AssignmentError: naming each field that differs, with both values.
    """
    if locked.version > study.experiment.version:
        raise AssignmentError(
            f"{study.slug}: the lock is of version {locked.version}, the file says version {study.experiment.version}; "
            "a version is never taken back"
        )
    if locked.version != study.experiment.version:
        return
    now = design(study)
    changed = [name for name in _FROZEN if locked.design.get(name) != now[name] or _order(locked, now, name)]
    if changed:
        listed = "; ".join(
            f"{name}: {locked.design.get(name)} is locked, the file says {now[name]}" for name in changed
        )
        raise AssignmentError(
            f"{study.slug}: the experiment was changed after customers were assigned ({listed}). Put it back, or set "
            f"version: {study.experiment.version + 1} with a new salt"
        )


def _order(locked: Lock, now: dict[str, Any], name: str) -> bool:
    return name == "weights" and list(locked.design.get(name, {})) != list(now[name])


def check_rebuilt(slug: str, locked: Lock, manifest: Manifest) -> None:
    """Refuse an assignment that was made again and is not the locked one.

    Raises:
        AssignmentError: naming the first batch that differs.
    """
    # The manifest may be behind the lock (made again batch by batch), or ahead of it (the lock is written last).
    for batch, expected in zip(manifest.batches, locked.batches, strict=False):
        if (batch.as_of, batch.checksum, dict(batch.counts)) != (
            expected.as_of,
            expected.checksum,
            dict(expected.counts),
        ):
            raise AssignmentError(
                f"{slug}: the assignment of {batch.as_of} on this machine gives {dict(batch.counts)}, the lock says "
                f"{dict(expected.counts)} as of {expected.as_of} (checksum {expected.checksum}). The data have changed "
                "since; restore data/assignments from a backup"
            )
