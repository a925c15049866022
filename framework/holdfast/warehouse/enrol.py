"""Enrolment: which variant each unit of the audience gets on a date. Hashed in the engine."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import ibis

from holdfast import hashing
from holdfast.model.study import Study
from holdfast.warehouse.audience import candidates, consents, eligible, hashed_text
from holdfast.warehouse.dialects import purpose_bucket
from holdfast.warehouse.engine import Engine


def enrol(engine: Engine, study: Study, as_of: dt.date, earlier: Any | None, target: Path) -> None:
    """Write the units that enrol as of a date, with their variants, to a Parquet file.

    Units of earlier batches (a relation with a column unit) keep what they have and are not written again. Columns:
    unit, variant, stratum, cluster, assigned_at (naive UTC), hash_version; ordered by unit.

    Raises:
        DataError: a table, column or key is missing or unfit.
    """
    people = candidates(engine, study, as_of, [*study.experiment.audience, *consents(study)])
    chosen = eligible(engine, study, people, earlier)
    engine.save(f"units that enrol as of {as_of}, with their variants", _assigned(study, chosen), target)


def _assigned(study: Study, people: Any) -> Any:
    """The variants that the hash gives, for units within the traffic."""
    assignment = study.experiment.assignment
    salt = assignment.salt or ""
    text = hashed_text(study, people)
    limits = hashing.variant_limits({key: variant.weight for key, variant in study.experiment.variants.items()})
    table = people
    traffic = hashing.share_limit(assignment.traffic.value)
    if traffic < hashing.SPACE:
        table = table.filter(purpose_bucket(salt, "traffic", text) < traffic)
        text = hashed_text(study, table)
    table = table.mutate(h=purpose_bucket(salt, "variant", text))
    variant = ibis.cases(*((table.h < limit, key) for key, limit in limits[:-1]), else_=limits[-1][0])
    return table.select(
        "unit",
        variant=variant,
        stratum=ibis.null("string"),
        cluster=ibis.null("string"),
        assigned_at=table.t0,
        hash_version=ibis.literal(hashing.HASH_VERSION, type="int32"),
    ).order_by("unit")
