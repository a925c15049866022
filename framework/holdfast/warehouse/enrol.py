"""Enrolment: who joins on a date and which variant they get, written down before anybody is treated."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import ibis

from holdfast.errors import DataError
from holdfast.model.study import Study
from holdfast.warehouse.audience import candidates, eligible, properties_needed
from holdfast.warehouse.draw import drawn
from holdfast.warehouse.engine import Engine

MAX_STRATA = 200
"""More strata than this are a number or an id that was meant to have bands."""


def audience(engine: Engine, study: Study, as_of: dt.date, earlier: Any | None) -> Any:
    """The units that enrol as of a date, with what the draw needs to know of them: unit, t0 and own_<property>.

    Units of earlier batches (a relation with unit, variant and cluster) are not among them.

    Raises:
        DataError: a table, column or key is missing or unfit.
    """
    people = candidates(engine, study, as_of, properties_needed(study))
    chosen = eligible(engine, study, people, earlier)
    if study.experiment.assignment.method == "balanced":
        # Dealing reads the audience several times; evaluated once, it is also one and the same each time.
        return engine.hold(f"units that enrol as of {as_of}", chosen, "holdfast_audience")
    return chosen


def write_draw(
    engine: Engine, study: Study, people: Any, *, as_of: dt.date, salt: str, earlier: Any | None, target: Path
) -> None:
    """Draw the variants of an audience and write them to a Parquet file.

    Columns: unit, variant, stratum, cluster, assigned_at (naive UTC), hash_version; ordered by unit.

    Raises:
        DataError: strata or clusters cannot be what the experiment asks for.
    """
    table = drawn(study, people, as_of=as_of, salt=salt, earlier=earlier)
    engine.save(f"units that enrol as of {as_of}, with their variants", table.order_by("unit"), target)
    _check(engine, study, target)


def groups(
    engine: Engine, study: Study, people: Any, *, as_of: dt.date, salt: str
) -> list[tuple[int, list[float], list[list[float]]]]:
    """What the variants of one draw would be like: for each the units, the means and the covariances (n - 1) of the
    numbers that the draw is repeated for. A missing number counts as 0, and whether it is missing as a number too.

    Raises:
        DataError: one of them is no number.
    """
    wanted = study.experiment.assignment.rerandomise
    assert wanted is not None
    table = people.join(drawn(study, people, as_of=as_of, salt=salt, earlier=None), "unit")
    columns: list[Any] = []
    for name in wanted.on:
        value = people[f"own_{name}"]
        if not (value.type().is_numeric() or value.type().is_boolean()):
            message = f'"{name}" holds {value.type()}, not numbers; variants are made alike in groups by strata'
            raise DataError(f"{study.slug}: {message}")
        number = table[f"own_{name}"].cast("float64")
        columns += [ibis.coalesce(number, 0.0), number.isnull().cast("float64")]
    size = range(len(columns))
    table = table.mutate(**{f"x{i}": columns[i] for i in size})
    measures = {f"m{i}": table[f"x{i}"].mean() for i in size}
    measures |= {f"c{i}_{j}": table[f"x{i}"].cov(table[f"x{j}"], how="sample") for i in size for j in size if i <= j}
    rows = engine.rows(
        f"what the variants of draw {salt} would be like",
        table.group_by("variant").aggregate(n=table.count(), **measures).order_by("variant"),
    )
    return [
        (
            int(row["n"]),
            [float(row[f"m{i}"]) for i in size],
            [[float(row[f"c{min(i, j)}_{max(i, j)}"] or 0.0) for j in size] for i in size],
        )
        for row in rows
    ]


def _check(engine: Engine, study: Study, target: Path) -> None:
    """Refuse a draw that would not be what the file asks for."""
    assignment = study.experiment.assignment
    if not assignment.cluster and not assignment.strata:
        return
    engine = engine.local
    table = engine.parquet([target])
    by_cluster = table.filter(table.cluster.notnull()).group_by("cluster").aggregate(strata=table.stratum.nunique())
    counts = table.aggregate(
        lost=(ibis.coalesce(table.cluster, "") == "").sum(),
        strata=table.stratum.nunique(),
        torn=by_cluster.filter(by_cluster.strata > 1).count().as_scalar(),
    )
    found = engine.rows("clusters and strata of the units that enrol", counts)[0]
    if assignment.cluster and found["lost"]:
        raise DataError(
            f'{study.slug}: {found["lost"]:,} customers of the audience have no "{assignment.cluster}", by which they '
            f"are assigned as one; leave them out with audience: {{{assignment.cluster}: {{not: none}}}} (an empty "
            'text is a value until the source says missing: [""])'
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
