"""Assigning: the audience is evaluated and hashed in the engine, the manifest is written, the lock is kept."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from holdfast import assign, atomic, config, warehouse
from holdfast.config.lock import NAME as LOCK
from holdfast.config.lock import write_lock
from holdfast.errors import AssignmentError, HoldfastError
from holdfast.hashing import HASH_VERSION
from holdfast.model.lock import Lock, LockedBatch
from holdfast.model.manifest import Batch, Draw, Manifest
from holdfast.model.study import Study
from holdfast.model.values import Share
from holdfast.project.drawing import draw
from holdfast.project.handing_over import check_table, lock_table
from holdfast.project.started import Started, started, with_salt
from holdfast.warehouse import Staged, Store, TableState

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
    """Batches written now; for a table of another system 1 when it was locked now."""
    until: dt.date | None
    """As-of date of the last batch."""
    drawn_again: int = 0
    """Units of an earlier version that this one draws again."""
    table: TableState | None = None
    """For external assignment: what its table says."""


def assign_until(study: Study, as_of: dt.date, progress: Progress, today: dt.date | None = None) -> Assigned:
    """Enrol every batch that is due by a date. Again on the same date it changes nothing.

    The first assignment of an experiment without a salt draws one and keeps it in the lock. Where another system
    assigned, its table is counted and locked as it stands; `today` then says whether outcomes were there to be seen
    (default: the as-of date).

    Raises:
        AssignmentError: the assignment was changed, or belongs to another design.
        NotYet: enrolment has not started.
        TransientError: somebody else is using the database that the assignment lies in.
    """
    enroll = study.experiment.enroll
    if not study.experiment.assignment.by_holdfast or enroll is None:
        return _assigned_elsewhere(study, as_of, today or as_of, progress)
    begun = started(study)
    # Ask before anything is made: a refusal leaves nothing behind.
    assign.due(study.slug, enroll, None, as_of)
    again = assign.drawn_again(begun.study, begun.locked)
    store = store_of(begun)
    with store.exclusive():
        atomic.sweep(_home(study))
        # Whoever waited for another one finds the lock that it wrote.
        begun = started(study)
        found = store.read()
        begun = _salted(begun, found)
        if again:
            progress(f"{study.slug}: version {study.experiment.version} draws {again:,} units of an earlier one again")
        manifest = _complete(begun, store, found, progress)
        dates = assign.due(study.slug, enroll, manifest, as_of)
        before = sum(manifest.counts.values()) if manifest else 0
        manifest = _enrol(begun, store, dates, manifest, progress)
        if manifest is None:
            raise AssignmentError(f"{study.slug}: no batch of the enrolment is due by {as_of}")
        _write_lock(begun, manifest)
    return Assigned(
        slug=study.slug,
        added=sum(manifest.counts.values()) - before,
        counts=manifest.counts,
        batches=len(dates),
        until=manifest.batches[-1].as_of if manifest.batches else None,
        drawn_again=again,
    )


def _assigned_elsewhere(study: Study, as_of: dt.date, today: dt.date, progress: Progress) -> Assigned:
    """Lock the table of another system."""
    begun = started(study)
    with atomic.exclusive(study.root / "data" / "assignments" / study.slug / ".lock"):
        atomic.sweep(_home(study))
        locked, state, written = lock_table(begun, as_of, today, progress)
    return Assigned(
        slug=study.slug,
        added=sum(state.counts.values()) if written else 0,
        counts=dict(state.counts),
        batches=int(written),
        until=locked.tables[-1].as_of,
        table=state,
    )


def ready(study: Study, progress: Progress) -> tuple[Started, Manifest | None]:
    """A study that can be analysed, with its manifest (None when another system assigned).

    Rows that are missing are made again from the data when the lock's checksum proves that they are the same: hash
    assignment is a pure function of salt and id.

    Raises:
        AssignmentError: nobody was assigned yet, the design or the assignment was changed since, or its rows cannot be
            made again.
        TransientError: somebody else is using the database that the assignment lies in.
    """
    begun = started(study)
    elsewhere = not study.experiment.assignment.by_holdfast
    if elsewhere and begun.locked is None:
        return begun, None
    if not begun.current:
        what = (
            "nobody is assigned yet"
            if begun.locked is None
            else f"version {study.experiment.version} is not locked yet"
        )
        raise AssignmentError(f"{study.slug}: {what}; run: holdfast assign {study.slug}")
    if elsewhere:
        check_table(begun, progress)
        return begun, None
    store = store_of(begun)
    with store.exclusive():
        manifest = _complete(begun, store, store.read(), progress)
        if manifest and begun.locked and len(manifest.batches) > len(begun.locked.batches):
            # A killed run stopped between a batch and the lock.
            begun = replace(begun, locked=_write_lock(begun, manifest))
    if manifest is None or not manifest.batches:
        raise AssignmentError(f"{study.slug}: nobody is assigned yet; run: holdfast assign {study.slug}")
    return begun, manifest


def store_of(begun: Started) -> Store:
    """Where the assignment of a study lies."""
    return warehouse.open_store(begun.study, begun.assigned_by)


def assigned_units(engine: warehouse.Engine, begun: Started, manifest: Manifest | None) -> Any | None:
    """The units of a manifest as a relation of the engine; None where another system assigned."""
    return store_of(begun).units(engine, manifest) if manifest else None


def _home(study: Study) -> Path:
    return study.root / "experiments" / study.slug


def _salted(begun: Started, manifest: Manifest | None) -> Started:
    """With a salt: the file's, the lock's, or one drawn now."""
    if begun.locked is None and manifest:
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
    write_lock(_home(study), made)
    return made


def _complete(begun: Started, store: Store, manifest: Manifest | None, progress: Progress) -> Manifest | None:
    """The manifest with every batch that the lock knows of: those that are missing on this machine are made again.

    All or nothing: they count only when every one of them matches the lock.

    Raises:
        AssignmentError: a batch is not the locked one, or cannot be made again as it was.
    """
    study, locked = begun.study, begun.locked
    if locked is None or locked.salt != study.experiment.assignment.salt:
        return manifest
    if manifest:
        assign.check_rebuilt(study.slug, locked, manifest)
    missing = locked.batches[len(manifest.batches) if manifest else 0 :]
    if not missing:
        return manifest
    with atomic.workshop(store.folder) as room:
        staged: list[Staged] = []
        with _engine(study) as engine:
            for batch in missing:
                progress(f"making the assignment of {batch.as_of} again from the lock")
                earlier = _earlier(engine, store, manifest, staged)
                staged.append(_made_again(engine, study, batch, earlier, room))
                done = (*(manifest.batches if manifest else ()), *(item.batch for item in staged))
                assign.check_rebuilt(study.slug, locked, Manifest(batches=done))
        return store.add(manifest, staged)


def _made_again(engine: warehouse.Engine, study: Study, locked: LockedBatch, earlier: Any | None, room: Path) -> Staged:
    """A batch as the lock has it: with the traffic that it was drawn with, which may have been raised since."""
    assignment = replace(study.experiment.assignment, traffic=Share.parse(locked.traffic))
    drawn = replace(study, experiment=replace(study.experiment, assignment=assignment))
    staged = _stage(engine, drawn, locked.as_of, earlier, room, locked=locked.draw)
    same = replace(staged.batch, traffic=locked.traffic, config_hash=locked.config_hash, draw=locked.draw)
    return replace(staged, batch=same)


def _earlier(
    engine: warehouse.Engine, store: Store, manifest: Manifest | None, staged: Sequence[Staged] = ()
) -> Any | None:
    """Everybody who has a variant already, in the store or staged."""
    stored = store.units(engine, manifest) if manifest and manifest.batches else None
    return together(engine, stored, [item.path for item in staged])


def together(engine: warehouse.Engine, stored: Any | None, paths: Sequence[Path]) -> Any | None:
    """Units of a store and of files, as one relation with unit, variant and cluster; None where there are neither."""
    found = [] if stored is None else [stored]
    found += [engine.parquet(paths)] if paths else []
    if not found:
        return None
    first, *rest = (table.select("unit", "variant", "cluster") for table in found)
    for table in rest:
        first = first.union(table)
    return first


def _enrol(
    begun: Started, store: Store, dates: tuple[dt.date, ...], manifest: Manifest | None, progress: Progress
) -> Manifest | None:
    study = begun.study
    with ExitStack() as stack:
        room = stack.enter_context(atomic.workshop(store.folder)) if dates else store.folder
        for number, day in enumerate(dates, start=1):
            progress(f"enrolling {study.slug}: {day} ({number} of {len(dates)})")
            # The engine is closed before the batch is added: a database has one writer, and no reader beside it.
            with _engine(study) as engine:
                staged = _stage(engine, study, day, _earlier(engine, store, manifest), room)
            # After a batch the lock says all of it already.
            with _design_locked(begun, store, manifest) if number == 1 else nullcontext():
                manifest = store.add(manifest, [staged])
            _write_lock(begun, manifest)
    return manifest


@contextmanager
def _design_locked(begun: Started, store: Store, manifest: Manifest | None) -> Iterator[None]:
    """The design is locked before anybody is assigned under it: no crash can leave customers without it.

    Where they could not be assigned after all, the lock is as it was before.
    """
    path = _home(begun.study) / LOCK
    before = path.read_bytes() if path.is_file() else None
    _write_lock(begun, manifest or Manifest(batches=()))
    try:
        yield
    except HoldfastError:
        if _unchanged(store, manifest):
            path.unlink() if before is None else atomic.write_bytes(path, before)
        raise


def _unchanged(store: Store, manifest: Manifest | None) -> bool:
    """Whether a store that refused a batch surely does not hold it."""
    try:
        return store.read() == manifest
    except HoldfastError:
        return False


def _engine(study: Study) -> warehouse.Engine:
    return warehouse.connect(study.project.connection, study.root, study.files)


def _stage(
    engine: warehouse.Engine,
    study: Study,
    day: dt.date,
    earlier: Any | None,
    room: Path,
    *,
    locked: Draw | None = None,
) -> Staged:
    """One batch in a temporary file, with its counts and checksums; a locked draw is made again as it was."""
    name = f"{day.isoformat()}.parquet"
    path = room / name
    taken = draw(engine, study, day, earlier=earlier, target=path, locked=locked)
    counts, checksum = warehouse.checksum(engine.local, engine.local.parquet([path]))
    assignment = study.experiment.assignment
    batch = Batch(
        as_of=day,
        counts=counts,
        checksum=checksum,
        config_hash=study.config_hash,
        method=assignment.method,
        hash_version=HASH_VERSION,
        traffic=str(assignment.traffic),
        file=name,
        digest=warehouse.digest(path),
        draw=taken,
    )
    return Staged(batch, path)
