"""An assignment that another system made and handed over as a table: counted, locked, and compared with its lock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from holdfast import assign, config, warehouse
from holdfast.config.lock import write_lock
from holdfast.model.clock import midnight
from holdfast.model.lock import Lock, LockedTable
from holdfast.model.manifest import Manifest
from holdfast.model.study import Study
from holdfast.project.started import Started
from holdfast.warehouse import TableState

Progress = Callable[[str], None]


def lock_table(begun: Started, as_of: dt.date, today: dt.date, progress: Progress) -> tuple[Lock, TableState, bool]:
    """The lock of the table as of a date, what the table says, and whether anything had to be written.

    Raises:
        AssignmentError: what was locked before is not there any more.
        DataError: the table cannot be read.
    """
    study, locked = begun.study, begun.locked
    before = locked.tables if locked and begun.current else ()
    with warehouse.connect(study.project.connection, study.root, study.files, progress) as engine:
        if locked and before:
            last = before[-1]
            state = _state(engine, study, last.as_of)
            assign.check_table(study, last, _locked(study, state, last.as_of, today))
            if as_of <= last.as_of or not study.experiment.assignment.assigned_at:
                return locked, state, False
            later = _state(engine, study, as_of)
            if later.rows == state.rows:
                return locked, state, False
            state = later
        else:
            state = _state(engine, study, as_of)
    tables = (*before, _locked(study, state, as_of, today))
    made = assign.lock(
        study,
        Manifest(batches=()),
        design=begun.design,
        cosmetic=config.cosmetic_document(study),
        before=locked,
        tables=tables,
    )
    write_lock(study.root / "experiments" / study.slug, made)
    return made, state, True


def check_table(begun: Started, progress: Progress) -> None:
    """Refuse a table that is not the locked one any more. Rows that were assigned later may have been added.

    Raises:
        AssignmentError: saying in counts what differs.
    """
    if begun.locked is None or not begun.locked.tables:
        return
    study, last = begun.study, begun.locked.tables[-1]
    progress(f"comparing the table of {study.slug} with its lock")
    with warehouse.connect(study.project.connection, study.root, study.files, progress) as engine:
        assign.check_table(study, last, _locked(study, _state(engine, study, last.as_of), last.as_of, last.as_of))


def _state(engine: warehouse.Engine, study: Study, as_of: dt.date) -> TableState:
    return warehouse.look_at_table(engine, study, midnight(as_of, study.timezone))


def _locked(study: Study, state: TableState, as_of: dt.date, today: dt.date) -> LockedTable:
    observed = study.experiment.observed
    return LockedTable(
        as_of=as_of,
        counts=dict(state.counts),
        rows=state.rows,
        unlisted=sum(state.unlisted.values()),
        duplicates=state.duplicates,
        crossovers=state.crossovers,
        checksum=state.checksum,
        late=observed is not None and observed.until <= today,
    )
