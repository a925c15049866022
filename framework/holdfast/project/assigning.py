"""Assigning: the audience is evaluated and hashed in the engine, the manifest is written, the lock is kept."""

from __future__ import annotations

import datetime as dt
import fcntl
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from holdfast import assign, config, warehouse
from holdfast.config.lock import write_lock
from holdfast.errors import AssignmentError
from holdfast.model.lock import Lock
from holdfast.model.manifest import Batch, Manifest
from holdfast.model.study import Study
from holdfast.model.values import Share
from holdfast.project.started import Started, started, with_salt

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
        manifest = _complete(begun, warehouse.read_manifest(begun.folder), progress)
        if not begun.current:
            # The design is locked before anybody is assigned: no crash can leave customers without it.
            begun = replace(begun, locked=_write_lock(begun, manifest or Manifest(batches=())))
        dates = assign.due(study.slug, enroll, manifest, as_of)
        before = sum(manifest.counts.values()) if manifest else 0
        manifest = _enrol(begun, dates, manifest, progress)
        if manifest is None:
            raise AssignmentError(f"{study.slug}: no batch of the enrolment is due by {as_of}")
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
    if begun.locked is None and warehouse.read_manifest(begun.folder):
        raise AssignmentError(
            f"{begun.study.slug}: customers are assigned, but the lock is missing; restore "
            f"experiments/{begun.study.slug}/lock.yaml from version control"
        )
    if begun.study.experiment.assignment.salt:
        return begun
    study = with_salt(begun.study, f"{begun.study.slug}-{secrets.token_hex(4)}")
    return replace(begun, study=study, design=config.design_document(study))


def _write_lock(begun: Started, manifest: Manifest) -> Lock:
    """Write what the lock has to say about this manifest, where it does not say so already."""
    study = begun.study
    cosmetic = config.cosmetic_document(study)
    made = assign.lock(study, manifest, design=begun.design, cosmetic=cosmetic, before=begun.locked)
    write_lock(study.root / "experiments" / study.slug, made)
    return made


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
        manifest = _complete(begun, warehouse.read_manifest(begun.folder), progress)
    if manifest is None or not manifest.batches:
        raise AssignmentError(f"{study.slug}: nobody is assigned yet; run: holdfast assign {study.slug}")
    return begun, manifest


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
    missing = locked.batches[len(done) :]
    if not missing:
        return manifest
    try:
        with _engine(study) as engine:
            for batch in missing:
                progress(f"making the assignment of {batch.as_of} again from the lock")
                earlier = [*(folder / made.file for made in done), *(path for path, _ in staged)]
                drawn = _with_traffic(study, batch.traffic)
                staged.append(_stage(engine, drawn, batch.as_of, earlier, folder))
                made_again = Manifest(batches=(*done, *(made for _, made in staged)))
                assign.check_rebuilt(study.slug, locked, made_again)
        for path, made in staged:
            manifest = warehouse.write_batch(folder, manifest, made, path)
        return manifest
    finally:
        for path, _ in staged:
            path.unlink(missing_ok=True)


def _with_traffic(study: Study, traffic: str) -> Study:
    """The study with the traffic that a batch was drawn with: it may have been raised since."""
    assignment = replace(study.experiment.assignment, traffic=Share.parse(traffic))
    return replace(study, experiment=replace(study.experiment, assignment=assignment))


def _enrol(
    begun: Started, dates: tuple[dt.date, ...], manifest: Manifest | None, progress: Progress
) -> Manifest | None:
    study, folder = begun.study, begun.folder
    if not dates:
        return manifest
    with _engine(study) as engine:
        for number, day in enumerate(dates, start=1):
            progress(f"enrolling {study.slug}: {day} ({number} of {len(dates)})")
            earlier = [folder / batch.file for batch in manifest.batches] if manifest else []
            staged, batch = _stage(engine, study, day, earlier, folder)
            try:
                manifest = warehouse.write_batch(folder, manifest, batch, staged)
            finally:
                staged.unlink(missing_ok=True)
    return manifest


def _engine(study: Study) -> warehouse.Engine:
    return warehouse.connect(study.project.connection, study.root, study.files)


def _stage(
    engine: warehouse.Engine, study: Study, day: dt.date, earlier: list[Path], folder: Path
) -> tuple[Path, Batch]:
    """One batch in a temporary file beside its final place, with its counts and checksums."""
    folder.mkdir(parents=True, exist_ok=True)
    staged = folder / f".{day.isoformat()}.staged.parquet"
    try:
        warehouse.enrol(engine, study, day, engine.parquet(earlier) if earlier else None, staged)
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
        traffic=str(study.experiment.assignment.traffic),
    )
    return staged, batch


@contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """One writer at a time; the second waits and then finds the work done."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
