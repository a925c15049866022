"""The record of an assignment: batches of units that got their variant on one date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

SCHEMA = "holdfast.manifest/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Units assigned as of one date."""

    as_of: date
    file: str
    """Name of the Parquet file beside the index."""
    counts: Mapping[str, int]
    """Units by variant."""
    digest: str
    """SHA-256 of the file."""
    checksum: str
    """Checksum of who got what, independent of file coding: the same after the file is made again."""
    traffic: str = "100%"
    """The share of the audience that took part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Every batch of one version of an experiment, oldest first."""

    batches: tuple[Batch, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Units by variant over all batches."""
        total: dict[str, int] = {}
        for batch in self.batches:
            for variant, n in batch.counts.items():
                total[variant] = total.get(variant, 0) + n
        return dict(sorted(total.items()))

    @property
    def checksum(self) -> str:
        """The checksum of all batches together."""
        return f"{sum(int(batch.checksum, 16) for batch in self.batches):x}"

    def to_json(self) -> dict[str, Any]:
        """The manifest as plain JSON values."""
        batches = [
            {
                "as_of": batch.as_of.isoformat(),
                "file": batch.file,
                "counts": dict(batch.counts),
                "digest": batch.digest,
                "checksum": batch.checksum,
                "traffic": batch.traffic,
            }
            for batch in self.batches
        ]
        return {"schema": SCHEMA, "batches": batches}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Manifest:
        """The manifest from plain JSON values; ValueError for another schema."""
        if document.get("schema") != SCHEMA:
            raise ValueError(f"not a manifest of schema {SCHEMA}")
        return cls(
            batches=tuple(
                Batch(
                    as_of=date.fromisoformat(batch["as_of"]),
                    file=str(batch["file"]),
                    counts={str(key): int(n) for key, n in batch["counts"].items()},
                    digest=str(batch["digest"]),
                    checksum=str(batch["checksum"]),
                    traffic=str(batch["traffic"]),
                )
                for batch in document["batches"]
            )
        )
