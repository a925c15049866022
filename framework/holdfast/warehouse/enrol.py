"""Enrolment: who joins on a date and which variant they get, written down before anybody is treated."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from holdfast.errors import DataError
from holdfast.model.study import Study
from holdfast.warehouse.audience import candidates, eligible, properties_needed
from holdfast.warehouse.draw import drawn
from holdfast.warehouse.engine import Engine

MAX_STRATA = 200
"""More strata than this are a number or an id that was meant to have bands."""


def enrol(engine: Engine, study: Study, as_of: dt.date, earlier: Any | None, target: Path) -> None:
    """Write the units that enrol as of a date, with their variants, to a Parquet file.

    Units of earlier batches (a relation with unit, variant and cluster) keep what they have and are not written again.
    Columns: unit, variant, stratum, cluster, assigned_at (naive UTC), hash_version; ordered by unit.

    Raises:
        DataError: a table, column or key is missing or unfit.
    """
    people = candidates(engine, study, as_of, properties_needed(study))
    chosen = eligible(engine, study, people, earlier)
    if study.experiment.assignment.method == "balanced":
        # Dealing reads the audience several times; evaluated once, it is also one and the same each time.
        chosen = engine.temporary(f"units that enrol as of {as_of}", chosen)
    salt = study.experiment.assignment.salt or ""
    table = drawn(study, chosen, as_of=as_of, salt=salt, earlier=earlier)
    engine.save(f"units that enrol as of {as_of}, with their variants", table, target)
    _check(engine, study, target)


def _check(engine: Engine, study: Study, target: Path) -> None:
    """Refuse a draw that would not be what the file asks for."""
    assignment = study.experiment.assignment
    if not assignment.cluster and not assignment.strata:
        return
    table = engine.parquet([target])
    by_cluster = table.filter(table.cluster.notnull()).group_by("cluster").aggregate(strata=table.stratum.nunique())
    counts = table.aggregate(
        lost=table.cluster.isnull().sum(),
        strata=table.stratum.nunique(),
        torn=by_cluster.filter(by_cluster.strata > 1).count().as_scalar(),
    )
    found = engine.rows("clusters and strata of the units that enrol", counts)[0]
    if assignment.cluster and found["lost"]:
        raise DataError(
            f'{study.slug}: {found["lost"]:,} customers of the audience have no "{assignment.cluster}", by which they '
            f"are assigned as one; leave them out with audience: {{{assignment.cluster}: {{not: none}}}}"
        )
    if found["strata"] > MAX_STRATA:
        raise DataError(
            f"{study.slug}: {', '.join(assignment.strata)} make {found['strata']:,} strata, which is too many to "
            "balance; use a property with bands, or fewer properties"
        )
    if assignment.cluster and found["torn"]:
        raise DataError(
            f'{study.slug}: {found["torn"]:,} units of "{assignment.cluster}" lie in several strata; strata must be '
            "the same for all customers who are assigned as one"
        )
