"""Assigning: the audience is evaluated and hashed in the engine, the manifest is written, the lock is kept."""

from __future__ import annotations

import datetime as dt
import fcntl
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from holdfast import assign, config, warehouse
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A study with what its lock holds: the salt that was drawn for it, and where its assignment lies."""

    study: Study
    locked: Lock | None
    folder: Path
    """The manifest's folder; git-ignored, because it holds ids."""
    design: dict[str, Any]

    @property
    def current(self) -> bool:
        """Whether the lock is of the version that the file says."""
        return self.locked is not None and self.locked.version == self.study.experiment.version


def started(study: Study) -> Started:
    """The study as its lock has it.

    Raises:
        AssignmentError: the design is not the locked one, or the lock cannot be read.
    """
    locked = read_lock(study.root / "experiments" / study.slug)
    if study.experiment.assignment.salt is None and locked and locked.salt:
        study = with_salt(study, locked.salt)
    design = config.design_document(study)
    if locked:
        assign.check_design(study, locked, design)
    version = assign.assigned_by(study, locked)
    return Started(
        study=study,
        locked=locked,
        folder=study.root / "data" / "assignments" / study.slug / f"v{version}",
        design=design,
    )


def with_salt(study: Study, salt: str) -> Study:
    """The study with a salt that no file gives."""
    assignment = replace(study.experiment.assignment, salt=salt)
    salted = replace(study, experiment=replace(study.experiment, assignment=assignment))
    return replace(salted, config_hash=config.config_hash(salted))


def assign_until(study: Study, as_of: dt.date, progress: Progress) -> Assigned:
    """Enrol every batch that is due by a date. Again on the same date it changes nothing.

    The first assignment of an experiment without a salt draws one and keeps it in the lock.

    Raises:
        AssignmentError: the assignment comes from another system, was changed, or belongs to another design.
        NotYet: enrolment has not started.
    """
    enroll = study.experiment.enroll
    if study.experiment.assignment.method == "external" or enroll is None:
        raise AssignmentError(f"{study.slug}: another system assigned these units; there is nothing to assign here")
    begun = started(study)
    # Ask before the folder is made: a refusal leaves nothing behind.
    assign.due(study.slug, enroll, warehouse.read_manifest(begun.folder), as_of)
    with _exclusive(begun.folder):
        # Whoever waited for another one finds the lock that it wrote.
        begun = _salted(started(study))
        manifest = warehouse.read_manifest(begun.folder)
        if begun.locked:
            manifest = _complete(begun, manifest, progress)
        dates = assign.due(study.slug, enroll, manifest, as_of)
        before = sum(manifest.counts.values()) if manifest else 0
        manifest = _enrol(begun, dates, manifest, progress)
        if manifest is None:
            raise AssignmentError(f"{study.slug}: no batch of the enrolment is due by {as_of}")
        if dates or not begun.current:
            _write_lock(begun, manifest)
    return Assigned(
        slug=study.slug,
        added=sum(manifest.counts.values()) - before,
        counts=manifest.counts,
        batches=len(dates),
        until=manifest.batches[-1].as_of if manifest.batches else None,
    )


def _salted(begun: Started) -> Started:
    """With a salt: the file's, the lock's, or one drawn now."""
    if begun.study.experiment.assignment.salt:
        return begun
    if warehouse.read_manifest(begun.folder):
        raise AssignmentError(
            f"{begun.study.slug}: customers are assigned, but the lock with the salt is missing; restore "
            f"experiments/{begun.study.slug}/lock.yaml from version control"
        )
    study = with_salt(begun.study, f"{begun.study.slug}-{secrets.token_hex(4)}")
    return replace(begun, study=study, design=config.design_document(study))


def _write_lock(begun: Started, manifest: Manifest) -> None:
    study = begun.study
    cosmetic = config.cosmetic_document(study)
    made = assign.lock(study, manifest, design=begun.design, cosmetic=cosmetic, before=begun.locked)
    write_lock(study.root / "experiments" / study.slug, made)


def ready(study: Study, progress: Progress) -> tuple[Started, Manifest | None]:
    """A study that can be analysed, with its manifest (None when another system assigned).

    Files that are missing are made again from the data when the lock's checksum proves that they are the same: hash
    assignment is a pure function of salt and id.

    Raises:
        AssignmentError: nobody was assigned yet, the design was changed since, or the files cannot be made again.
    """
    begun = started(study)
    if study.experiment.assignment.method == "external":
        return begun, None
    if not begun.current:
        what = (
            "nobody is assigned yet"
            if begun.locked is None
            else f"version {study.experiment.version} is not locked yet"
        )
        raise AssignmentError(f"{study.slug}: {what}; run: holdfast assign {study.slug}")
    with _exclusive(begun.folder):
        return begun, _complete(begun, warehouse.read_manifest(begun.folder), progress)


def _complete(begun: Started, manifest: Manifest | None, progress: Progress) -> Manifest | None:
    """The manifest with every batch that the lock knows of: those that are missing on this machine are made again.

    All or nothing: they count only when every one of them matches the lock.

    Raises:
        AssignmentError: a batch is not the locked one, or cannot be made again as it was.
    """
    study, locked, folder = begun.study, begun.locked, begun.folder
    if locked is None or locked.salt != study.experiment.assignment.salt:
        return manifest
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
    begun: Started, dates: tuple[dt.date, ...], manifest: Manifest | None, progress: Progress
) -> Manifest | None:
    study, folder = begun.study, begun.folder
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
