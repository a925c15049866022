"""The record of an assignment: batches of units that got their variant on one date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

SCHEMA = "holdfast.manifest/2"


class UnknownSchema(ValueError):
    """A document of another version of its schema, or of none."""

    def __init__(self, found: object, known: str) -> None:
        self.found = f"schema {found}" if isinstance(found, str) and found else "no schema"
        self.known = known
        super().__init__(f"{self.found}, where this version of Holdfast reads {known}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """Which draw was accepted where units are drawn again until the variants are alike before the start."""

    covariates: tuple[str, ...]
    """The properties that were compared."""
    tries: int
    """How many draws it took, the accepted one included."""
    distance: float
    """Mahalanobis distance between the variants in the accepted draw."""
    limit: float
    """The distance at which a draw was accepted."""

    def to_json(self) -> dict[str, Any]:
        """The draw as plain JSON values."""
        return {**asdict(self), "covariates": list(self.covariates)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Draw:
        """The draw from plain JSON values."""
        return cls(
            covariates=tuple(str(name) for name in document["covariates"]),
            tries=int(document["tries"]),
            distance=float(document["distance"]),
            limit=float(document["limit"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Units assigned as of one date."""

    as_of: date
    counts: Mapping[str, int]
    """Units by variant."""
    checksum: str
    """Checksum of who got what, independent of where it lies: the same after the rows are made again."""
    config_hash: str
    """SHA-256 of the design that it was drawn under."""
    method: str
    """How units got their variant: hash or balanced."""
    hash_version: int
    """The version of the hash."""
    traffic: str = "100%"
    """The share of the audience that took part."""
    draw: Draw | None = None
    """Which draw was accepted, where units are drawn again until the variants are alike."""
    file: str | None = None
    """Name of the Parquet file beside the index; None in an engine's table."""
    digest: str | None = None
    """SHA-256 of the file; None in an engine's table."""

    def to_json(self) -> dict[str, Any]:
        """The batch as plain JSON values; what it has not is left out."""
        found: dict[str, Any] = {
            "as_of": self.as_of.isoformat(),
            "counts": dict(self.counts),
            "checksum": self.checksum,
            "config_hash": self.config_hash,
            "method": self.method,
            "hash_version": self.hash_version,
            "traffic": self.traffic,
            "draw": self.draw.to_json() if self.draw else None,
            "file": self.file,
            "digest": self.digest,
        }
        return {name: value for name, value in found.items() if value is not None}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Batch:
        """The batch from plain JSON values."""
        return cls(
            as_of=date.fromisoformat(str(document["as_of"])),
            counts={str(key): int(n) for key, n in document["counts"].items()},
            checksum=str(document["checksum"]),
            config_hash=str(document["config_hash"]),
            method=str(document["method"]),
            hash_version=int(document["hash_version"]),
            traffic=str(document["traffic"]),
            draw=Draw.from_json(document["draw"]) if document.get("draw") is not None else None,
            file=None if document.get("file") is None else str(document["file"]),
            digest=None if document.get("digest") is None else str(document["digest"]),
        )


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
        return {"schema": SCHEMA, "batches": [batch.to_json() for batch in self.batches]}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Manifest:
        """The manifest from plain JSON values.

        Raises:
            UnknownSchema: it is of another version.
            ValueError, KeyError, TypeError: it is no manifest.
        """
        if document["schema"] != SCHEMA:
            raise UnknownSchema(document["schema"], SCHEMA)
        return cls(batches=tuple(Batch.from_json(batch) for batch in document["batches"]))
