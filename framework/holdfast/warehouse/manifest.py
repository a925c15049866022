"""The manifest: who was assigned to what, frozen as one Parquet file a batch, with counts and a checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from holdfast import atomic
from holdfast.errors import AssignmentError
from holdfast.model.manifest import Batch, Manifest
from holdfast.warehouse.dialects import bucket, unit_text
from holdfast.warehouse.engine import Engine

INDEX = "manifest.json"


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest in a folder, or None when nothing was ever assigned there.

    Raises:
        AssignmentError: a file is missing, or was changed after it was written.
    """
    index = folder / INDEX
    if not index.is_file():
        return None
    try:
        manifest = Manifest.from_json(json.loads(index.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise AssignmentError(f"{folder.name}/{INDEX} cannot be read; restore it from a backup") from error
    for batch in manifest.batches:
        path = folder / batch.file
        if not path.is_file() or digest(path) != batch.digest:
            raise AssignmentError(
                f"the assignment file {folder.name}/{batch.file} is missing or was changed after it was written; "
                "restore it from a backup: assigned customers must not move"
            )
    return manifest


def write_batch(folder: Path, manifest: Manifest | None, batch: Batch, staged: Path) -> Manifest:
    """Add a staged Parquet file to the manifest. The index is replaced last: until then nothing has changed."""
    final = folder / batch.file
    atomic.sync(staged)
    staged.replace(final)
    updated = Manifest(batches=(*(manifest.batches if manifest else ()), batch))
    atomic.write_text(folder / INDEX, json.dumps(updated.to_json(), indent=2, sort_keys=True) + "\n")
    return updated


def checksum(engine: Engine, paths: Sequence[Path]) -> tuple[dict[str, int], str]:
    """Units by variant, and a checksum of who got what that does not depend on the order or coding of the rows.

    The checksum is the sum over units of a 52-bit hash of unit, variant and time of assignment, computed in the engine.
    """
    table = engine.parquet(paths)
    text = unit_text(table.unit) + "|" + table.variant + "|" + table.assigned_at.epoch_seconds().cast("string")
    hashed = table.mutate(h=bucket(text).cast("decimal(38, 0)"))
    rows: list[dict[str, Any]] = engine.rows(
        "units of a batch by variant, with a checksum",
        hashed.group_by("variant").aggregate(n=hashed.count(), total=hashed.h.sum().cast("string")).order_by("variant"),
    )
    total = sum(int(str(row["total"]).partition(".")[0]) for row in rows)
    return {row["variant"]: row["n"] for row in rows}, f"{total:x}"


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
