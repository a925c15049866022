"""The draw: which variant each unit of an audience gets, by the hash or dealt in blocks. Computed in the engine."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import Any

import ibis

from holdfast import hashing
from holdfast.errors import DataError
from holdfast.model.study import Study
from holdfast.warehouse.audience import hashed_text, in_segment
from holdfast.warehouse.dialects import bucket, purpose_bucket, unit_text


def drawn(study: Study, people: Any, *, as_of: dt.date, salt: str, earlier: Any | None) -> Any:
    """The units of the audience that are within the traffic, with their variants.

    `people` has unit, t0 and own_<property>; `earlier` (unit, variant, cluster) is who was assigned before. Columns:
    unit, variant, stratum, cluster, assigned_at, hash_version.
    """
    assignment = study.experiment.assignment
    table = within_traffic(study, people.mutate(stratum=_stratum(study, people)))
    place = purpose_bucket(salt, "variant", table.key)
    if assignment.method == "balanced":
        table = _dealt(study, table.mutate(h=place), as_of=as_of, salt=salt, earlier=earlier)
    else:
        limits = hashing.variant_limits(_weights(study))
        table = table.mutate(h=place)
        table = table.mutate(variant=picked(table.h, limits))
    return table.select(
        "unit",
        "variant",
        "stratum",
        "cluster",
        assigned_at=table.t0,
        hash_version=ibis.literal(hashing.HASH_VERSION, type="int32"),
    )


def picked(h: Any, limits: Sequence[tuple[Any, int]]) -> Any:
    """The first value whose limit lies above a hash: hashing.pick in the engine."""
    *first, (last, _) = limits
    return ibis.cases(*((h < limit, value) for value, limit in first), else_=last) if first else ibis.literal(last)


def within_traffic(study: Study, people: Any) -> Any:
    """The units of the audience that are within the traffic, with what they are drawn by as `key`: their own id, or
    that of their cluster."""
    assignment = study.experiment.assignment
    table = people.mutate(cluster=_cluster(study, people))
    table = table.mutate(key=table.cluster if assignment.cluster else hashed_text(study, table))
    traffic = hashing.share_limit(assignment.traffic.value)
    if traffic < hashing.SPACE:
        table = table.filter(purpose_bucket(assignment.salt or "", "traffic", table.key) < traffic)
    return table


def block(study: Study) -> tuple[str, ...]:
    """The variants of one block in file order: the smallest deal that keeps the weights exactly."""
    weights = _weights(study)
    unit = math.gcd(*weights.values())
    return tuple(variant for variant, weight in weights.items() for _ in range(weight // unit))


def _weights(study: Study) -> dict[str, int]:
    return {key: variant.weight for key, variant in study.experiment.variants.items()}


def _cluster(study: Study, people: Any) -> Any:
    """The text of the cluster that is assigned as one; null where units are assigned one by one."""
    name = study.experiment.assignment.cluster
    if name is None:
        return ibis.null("string")
    try:
        return unit_text(people[f"own_{name}"])
    except TypeError as error:
        raise DataError(f'cluster "{name}": {error}'.replace("a unit id", "a cluster")) from error


def _stratum(study: Study, people: Any) -> Any:
    """The stratum of each unit in words, such as country=JP; spend_band=low. Null where there are no strata."""
    parts = []
    for name in study.experiment.assignment.strata:
        if name in study.segments:
            value = in_segment(study, people, name).ifelse("yes", "no")
        else:
            value = ibis.coalesce(people[f"own_{name}"].cast("string"), ibis.literal("none"))
        parts.append(ibis.literal(f"{name}=") + value)
    return reduce(lambda left, right: left + "; " + right, parts) if parts else ibis.null("string")


def _dealt(study: Study, table: Any, *, as_of: dt.date, salt: str, earlier: Any | None) -> Any:
    """Permuted blocks within each stratum: keys in the order of their hash are dealt the variants of one block after
    another, each block in an order of its own that the salt gives. A last block that is not full keeps its first
    places. Clusters that were dealt in an earlier batch keep what they have."""
    clustered = study.experiment.assignment.cluster is not None
    dealt_before = earlier.select("cluster", "variant").distinct() if clustered and earlier is not None else None
    keys = table.group_by("key").aggregate(stratum=table.stratum.min(), h=table.h.min())
    if dealt_before is not None:
        keys = keys.anti_join(dealt_before, keys.key == dealt_before.cluster)
    one = block(study)
    keys = keys.mutate(stratum=ibis.coalesce(keys.stratum, ibis.literal("")))
    order = ibis.row_number().over(ibis.window(group_by=keys.stratum, order_by=[keys.h, keys.key]))
    keys = keys.mutate(number=order.cast("int64"))
    keys = keys.mutate(block=keys.number // len(one), place=keys.number % len(one))
    hand = _hands(keys, one, as_of=as_of, salt=salt)
    dealt = keys.join(hand, ["stratum", "block", "place"]).select("key", "variant")
    if dealt_before is not None:
        dealt = dealt.union(dealt_before.select(key=dealt_before.cluster, variant=dealt_before.variant))
    return table.join(dealt, "key")


def _hands(keys: Any, one: tuple[str, ...], *, as_of: dt.date, salt: str) -> Any:
    """Which variant lies at which place of each block: the cards of a block, sorted by a hash of their own."""
    blocks = keys.select("stratum", "block").distinct()
    cards = blocks.mutate(card=ibis.range(0, len(one), 1).unnest())
    words = [f"{salt}:block:{as_of.isoformat()}:", cards.stratum, ":", cards.block, ":", cards.card]
    text = reduce(add, (ibis.literal(word) if isinstance(word, str) else word.cast("string") for word in words))
    cards = cards.mutate(h=bucket(text))
    place = ibis.row_number().over(ibis.window(group_by=[cards.stratum, cards.block], order_by=[cards.h, cards.card]))
    ends = {name: number for number, name in enumerate(one)}
    *first, last = ends.items()
    variant = ibis.cases(*((cards.card <= end, name) for name, end in first), else_=last[0])
    return cards.select("stratum", "block", place=place.cast("int64"), variant=variant)
