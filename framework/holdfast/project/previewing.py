"""What an assignment would do: who would get what, how alike the variants are, whom other experiments have too."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from holdfast import assign, config, health, planning, warehouse
from holdfast.errors import AssignmentError, HoldfastError
from holdfast.model.manifest import Manifest
from holdfast.model.preview import Overlap, Preview
from holdfast.model.study import Study
from holdfast.model.tactic import contact_days
from holdfast.project.assigning import store_of, together
from holdfast.project.drawing import draw
from holdfast.project.started import Started, started, with_salt

Progress = Callable[[str], None]
PREVIEW = "preview"
"""The end of a salt that stands in for one that is not drawn yet."""


def preview(study: Study, as_of: dt.date, progress: Progress) -> Preview:
    """Who would get what by a date. Nothing of it is kept.

    Raises:
        AssignmentError: another system assigns, or the assignment so far is not on this machine.
        NotYet: enrolment has not started.
    """
    enroll = study.experiment.enroll
    if not study.experiment.assignment.by_holdfast or enroll is None:
        raise AssignmentError(
            f"{study.slug}: another system assigned these units, so there is no draw to look at beforehand; "
            f"holdfast assign {study.slug} counts and locks what its table says"
        )
    begun = started(study)
    drawn = begun.study.experiment.assignment.salt is not None
    own = begun.study if drawn else with_salt(begun.study, f"{study.slug}-{PREVIEW}")
    manifest = _manifest(begun)
    dates = assign.due(study.slug, enroll, manifest, as_of)
    with tempfile.TemporaryDirectory() as room, _engine(study, progress) as engine:
        earlier = store_of(begun).units(engine, manifest) if manifest else None
        paths: list[Path] = []
        batches: dict[dt.date, Mapping[str, int]] = {}
        left_out: dict[str, int] = {}
        for day in dates:
            progress(f"looking at {study.slug}: {day}")
            before = together(engine, earlier, paths)
            path = Path(room) / f"{day}.parquet"
            draw(engine, own, day, earlier=before, target=path)
            for channel, n in warehouse.kept_out_by_caps(engine, own, day, before).items():
                # Who stays out on one day may come in on a later one.
                left_out[channel] = max(n, left_out.get(channel, 0))
            paths.append(path)
            batches[day] = warehouse.checksum(engine.local, engine.local.parquet([path]))[0]
        new = engine.parquet(paths) if paths else None
        known = None if new is None else warehouse.known_before(engine, own, new)
        return Preview(
            slug=study.slug,
            as_of=as_of,
            salt=own.experiment.assignment.salt or "",
            drawn=drawn,
            variants=tuple(study.experiment.variants),
            batches=batches,
            assigned=manifest.counts if manifest else {},
            strata={} if new is None else warehouse.counted(engine, new, "stratum"),
            clusters={} if new is None else warehouse.clusters_of(engine, new),
            balance=health.balance_rows(own, known),
            balance_p=health.balance(own, known).value,
            overlaps=() if new is None else tuple(_overlaps(engine, own, max(dates), new)),
            pressure=() if new is None else warehouse.pressure(engine, own, new, left_out),
        )


def _manifest(begun: Started) -> Manifest | None:
    """The assignment so far, which has to be here in full."""
    store = store_of(begun)
    manifest = store.read()
    locked = begun.locked.batches if begun.locked and begun.current else ()
    if len(locked) > len(manifest.batches if manifest else ()):
        raise AssignmentError(
            f"{begun.study.slug}: {len(locked)} batches are locked, and not all of them are on this machine; "
            f"holdfast assign {begun.study.slug} makes them again, or restore data/assignments from a backup"
        )
    return manifest


def _engine(study: Study, progress: Progress) -> warehouse.Engine:
    return warehouse.connect(study.project.connection, study.root, study.files, progress)


def _overlaps(engine: warehouse.Engine, study: Study, as_of: dt.date, new: Any) -> Iterator[Overlap]:
    """Every other experiment whose customers are still being treated or watched on the date."""
    for other in _running(study, as_of):
        contacts = {
            channel: planned + there
            for channel in study.project.channels
            if (planned := _contacts(study, channel)) and (there := _contacts(other.study, channel))
        }
        units: dict[str, dict[str, int]] | None = None
        try:
            store = store_of(other)
            manifest = store.read()
            if manifest is not None:
                units = warehouse.shared(engine, new, store.units(engine, manifest), other.study.slug)
        except HoldfastError:
            units = None  # its files are not here, or not as they were: the preview of this one goes on without
        yield Overlap(slug=other.study.slug, units=units, contacts=contacts)


def _running(study: Study, as_of: dt.date) -> Iterator[Started]:
    catalogue = config.load_catalogue(study.root)
    for slug in catalogue.slugs:
        if slug == study.slug:
            continue
        try:
            other = started(config.load_study(catalogue, slug))
            if other.locked is None or not other.study.experiment.assignment.by_holdfast:
                continue
            plan = planning.plan(other.study, as_of)
        except HoldfastError:
            continue  # not valid, not started or not in order: `validate` says so
        if plan.readout is None or as_of < plan.readout:
            yield other


def _contacts(study: Study, channel: str) -> int:
    """The most contacts over a channel that a variant plans."""
    return max((len(contact_days(tactic, channel)) for tactic in study.variant_tactics.values()), default=0)
