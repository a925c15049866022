"""Assigning: the audience is evaluated and hashed in the engine, the manifest is written, the lock is kept."""

from __future__ import annotations

import datetime as dt
import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from holdfast import assign, warehouse
from holdfast.config.lock import read_lock, write_lock
from holdfast.errors import AssignmentError
from holdfast.model.lock import Lock
from holdfast.model.manifest import Batch, Manifest
from holdfast.model.study import Study

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """What one call of assign did."""

    slug: str
    added: int
    """Units that got a variant now."""
    counts: dict[str, int]
    """All units so far, by variant."""
    batches: int
    """Batches written now."""
    until: dt.date | None
    """As-of date of the last batch."""


def manifest_folder(study: Study) -> Path:
    """Where the assignment of this version lies; git-ignored, because it holds ids."""
    return study.root / "data" / "assignments" / study.slug / f"v{study.experiment.version}"


def assign_until(study: Study, as_of: dt.date, progress: Progress) -> Assigned:
    """Enrol every batch that is due by a date. Again on the same date it changes nothing.

    Raises:
        AssignmentError: the assignment comes from another system, was changed, or belongs to another design.
        NotYet: enrolment has not started.
    """
    enroll = study.experiment.enroll
    if study.experiment.assignment.method == "external" or enroll is None:
        raise AssignmentError(f"{study.slug}: another system assigned these units; there is nothing to assign here")
    folder = manifest_folder(study)
    experiment_folder = study.root / "experiments" / study.slug
    locked = read_lock(experiment_folder)
    if locked:
        assign.check_design(study, locked)
    # Ask before the folder is made: a refusal leaves nothing behind.
    assign.due(study.slug, enroll, warehouse.read_manifest(folder), as_of)
    with _exclusive(folder):
        manifest = warehouse.read_manifest(folder)
        if locked and _same_version(study, locked):
            manifest = _complete(study, locked, manifest, folder, progress)
        dates = assign.due(study.slug, enroll, manifest, as_of)
        before = sum(manifest.counts.values()) if manifest else 0
        manifest = _enrol(study, dates, manifest, folder, progress)
        if manifest is None:
            raise AssignmentError(f"{study.slug}: no batch of the enrolment is due by {as_of}")
        if dates or not locked or not _same_version(study, locked):
            write_lock(experiment_folder, assign.lock(study, manifest))
    return Assigned(
        slug=study.slug,
        added=sum(manifest.counts.values()) - before,
        counts=manifest.counts,
        batches=len(dates),
        until=manifest.batches[-1].as_of if manifest.batches else None,
    )


def ready(study: Study, progress: Progress) -> tuple[list[Path], Manifest | None, Lock | None]:
    """The assignment files of a study, its manifest and its lock.

    Files that are missing are made again from the data when the lock's checksum proves that they are the same: hash
    assignment is a pure function of salt and id.

    Raises:
        AssignmentError: nobody was assigned yet, or the files cannot be made again as they were.
    """
    locked = read_lock(study.root / "experiments" / study.slug)
    if study.experiment.assignment.method == "external":
        return [], None, locked
    folder = manifest_folder(study)
    if locked is None or not _same_version(study, locked):
        raise AssignmentError(f"{study.slug}: nobody is assigned yet; run: holdfast assign {study.slug}")
    assign.check_design(study, locked)
    with _exclusive(folder):
        manifest = _complete(study, locked, warehouse.read_manifest(folder), folder, progress)
    return [folder / batch.file for batch in manifest.batches] if manifest else [], manifest, locked


def _same_version(study: Study, locked: Lock | None) -> bool:
    return locked is not None and locked.version == study.experiment.version


def _complete(
    study: Study, locked: Lock, manifest: Manifest | None, folder: Path, progress: Progress
) -> Manifest | None:
    """The manifest with every batch that the lock knows of: those that are missing on this machine are made again.

    All or nothing: they count only when every one of them matches the lock.

    Raises:
        AssignmentError: a batch is not the locked one, or cannot be made again as it was.
    """
    if manifest:
        assign.check_rebuilt(study.slug, locked, manifest)
    done = manifest.batches if manifest else ()
    staged: list[tuple[Path, Batch]] = []
    try:
        for batch in locked.batches[len(done) :]:
            progress(f"making the assignment of {batch.as_of} again from the lock")
            earlier = [*(folder / made.file for made in done), *(path for path, _ in staged)]
            staged.append(_stage(study, batch.as_of, earlier, folder, _quiet))
            made_again = Manifest(batches=(*done, *(made for _, made in staged)))
            assign.check_rebuilt(study.slug, locked, made_again)
        for path, made in staged:
            manifest = warehouse.write_batch(folder, manifest, made, path)
        return manifest
    finally:
        for path, _ in staged:
            path.unlink(missing_ok=True)


def _enrol(
    study: Study, dates: tuple[dt.date, ...], manifest: Manifest | None, folder: Path, progress: Progress
) -> Manifest | None:
    for number, day in enumerate(dates, start=1):
        progress(f"enrolling {study.slug}: {day} ({number} of {len(dates)})")
        earlier = [folder / batch.file for batch in manifest.batches] if manifest else []
        staged, batch = _stage(study, day, earlier, folder, _quiet)
        try:
            manifest = warehouse.write_batch(folder, manifest, batch, staged)
        finally:
            staged.unlink(missing_ok=True)
    return manifest


def _stage(study: Study, day: dt.date, earlier: list[Path], folder: Path, progress: Progress) -> tuple[Path, Batch]:
    """One batch in a temporary file beside its final place, with its counts and checksums."""
    folder.mkdir(parents=True, exist_ok=True)
    staged = folder / f".{day.isoformat()}.staged.parquet"
    try:
        with warehouse.connect(study.project.connection, study.root, study.files, progress) as engine:
            warehouse.enrol(engine, study, day, earlier, staged)
            counts, checksum = warehouse.checksum(engine, [staged])
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    batch = Batch(
        as_of=day,
        file=f"{day.isoformat()}.parquet",
        counts=counts,
        digest=warehouse.digest(staged),
        checksum=checksum,
    )
    return staged, batch


@contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """One writer at a time; the second waits and then finds the work done."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _quiet(_: str) -> None:
    """No progress wanted."""
