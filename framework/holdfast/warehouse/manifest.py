"""The manifest: who was assigned to what, frozen, with counts and a checksum of every batch, wherever it lies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import ibis

from holdfast.model.manifest import Batch, Manifest
from holdfast.warehouse.dialects import SECOND, bucket, micros, unit_text
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.exact import EXACT, whole

COLUMNS = ("unit", "variant", "stratum", "cluster", "assigned_at", "hash_version")


@dataclass(frozen=True, slots=True)
class Staged:
    """A batch that is drawn and not yet part of the manifest."""

    batch: Batch
    path: Path
    """A Parquet file with its units."""


class Store(Protocol):
    """Where the assignment of one version of an experiment lies. Everything but `exclusive` is called within it."""

    @property
    def folder(self) -> Path:
        """Where batches are staged; git-ignored, because what lies there holds ids."""

    def exclusive(self) -> AbstractContextManager[None]:
        """One user at a time; others wait. What killed runs left behind is gone when it is entered."""

    def read(self) -> Manifest | None:
        """The manifest, after every batch in it was checked; None when nothing was ever assigned.

        Raises:
            AssignmentError: something is missing, or was changed after it was written.
        """

    def units(self, engine: Engine, manifest: Manifest) -> Any:
        """The units of its batches as a relation of `COLUMNS`."""

    def add(self, manifest: Manifest | None, staged: Sequence[Staged]) -> Manifest:
        """The manifest with further batches, after all of them were written; when that fails none is.

        Raises:
            AssignmentError: somebody else added a batch meanwhile.
            TransientError: the store is busy.
        """


def checksum(engine: Engine, table: Any) -> tuple[dict[str, int], str]:
    """Units by variant, and a checksum of who got what that does not depend on the order or coding of the rows.

    The checksum is the sum over units of a 52-bit hash of unit, variant and time of assignment, and of stratum and
    cluster where they are not null, computed in the engine.
    """
    hashed = with_hash(table, row_text(table))
    rows: list[dict[str, Any]] = engine.rows(
        "units of a batch by variant, with a checksum",
        hashed.group_by("variant").aggregate(n=hashed.count(), total=hashed.h.sum().cast("string")).order_by("variant"),
    )
    return {row["variant"]: row["n"] for row in rows}, hash_sum(rows)


def row_text(table: Any) -> Any:
    """The text of a row of the assignment that its checksum is made of."""
    text = unit_text(table.unit) + "|" + table.variant + "|" + (micros(table.assigned_at) // SECOND).cast("string")
    for mark, value in (("u", _beyond_seconds(table.assigned_at)), ("s", table.stratum), ("c", table.cluster)):
        text += ibis.coalesce(ibis.literal(f"|{mark}=") + value.cast("string"), ibis.literal(""))
    return text


def _beyond_seconds(moment: Any) -> Any:
    """Microseconds after the last whole second; null when there are none."""
    return (micros(moment) % SECOND).nullif(0)


def with_hash(table: Any, text: Any) -> Any:
    """A table with a 52-bit hash of each row's text in a column h, of a type whose sums are exact."""
    return table.mutate(h=bucket(text).cast(EXACT))


def hash_sum(rows: Iterable[Mapping[str, Any]]) -> str:
    """The checksum of rows that hold sums of hashes as `total`, in hexadecimal."""
    return f"{sum(whole(row['total']) for row in rows):x}"
