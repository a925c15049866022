"""experiments/<slug>/lock.yaml: written by Holdfast, committed by people, edited by nobody."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from holdfast import atomic
from holdfast.errors import AssignmentError
from holdfast.model.lock import SCHEMA, Lock, LockedBatch, LockedTable
from holdfast.model.manifest import Draw, UnknownSchema

NAME = "lock.yaml"
UNREADABLE = (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What reading a file that Holdfast wrote raises where somebody edited it; text that is not UTF-8 is a ValueError."""
_DESIGN, _NO_DESIGN = "\ndesign:", "\ndesign: {}\ncosmetic: {}\n"
_HEAD = "# Written by holdfast assign when the first customers were assigned. Commit it; do not edit it.\n"


def read_lock(folder: Path, *, whole: bool = True) -> Lock | None:
    """The lock of an experiment's folder, or None when it never started.

    Args:
        folder: experiments/<slug>.
        whole: whether the design is read too, which takes most of the time; its hash and the counts always are.

    Raises:
        AssignmentError: the file is not a lock.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        text = path.read_text(encoding="utf-8")
        if not whole:
            # Only what Holdfast wrote at the beginning of a line is a key of the document.
            head, design, _ = text.partition(_DESIGN)
            text = head + _NO_DESIGN if design else text
        return _lock(yaml.load(text, Loader=_loader(text)))  # noqa: S506 (both are safe ones)
    except UnknownSchema as error:
        raise AssignmentError(
            f"experiments/{folder.name}/{NAME} is of {error}; install the version of Holdfast that wrote it"
        ) from error
    except UNREADABLE as error:
        raise AssignmentError(
            f"experiments/{folder.name}/{NAME} cannot be read; restore it from version control"
        ) from error


def write_lock(folder: Path, lock: Lock) -> bool:
    """Write the lock atomically; False when the file already says the same."""
    text = _HEAD + _yaml(_document(lock))
    path = folder / NAME
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    atomic.write_text(path, text)
    return True


def _yaml(document: dict[str, Any]) -> str:
    """The document as YAML that reads back the same."""
    # The quick writer says the same for plain texts, and leaves the rest to the other one.
    for writer, readable in ((yaml.CSafeDumper, True), (yaml.SafeDumper, True), (yaml.SafeDumper, False)):
        # Some rare separators come back changed unless they are written as escapes.
        text = str(
            yaml.dump(
                document,
                Dumper=writer,
                sort_keys=False,
                allow_unicode=readable,
                default_flow_style=None,
                width=120,
            )
        )
        if writer is yaml.CSafeDumper and not text.isascii():
            continue
        if yaml.load(text, Loader=_loader(text)) == document:  # noqa: S506 (both are safe ones)
            return text
    raise ValueError("the lock cannot be written as YAML")


def _loader(text: str) -> Any:
    """The quick parser reads plain characters as the other one does; it is the separators that they differ on."""
    return yaml.CSafeLoader if text.isascii() else yaml.SafeLoader


def _lock(document: Any) -> Lock:
    if document["schema"] != SCHEMA:
        raise UnknownSchema(document["schema"], SCHEMA)
    return Lock(
        version=int(document["version"]),
        assigned_by_version=int(document["assigned_by_version"]),
        salt=None if document["salt"] is None else str(document["salt"]),
        config_hash=str(document["config_hash"]),
        design=dict(document["design"]),
        cosmetic=dict(document["cosmetic"]),
        batches=tuple(_batch(batch, str(document["config_hash"])) for batch in document["batches"]),
        tables=tuple(_table(table) for table in document.get("tables", ())),
    )


def _batch(document: Any, config_hash: str) -> LockedBatch:
    """A batch; one without a hash of its own was drawn under the lock's."""
    draw = document.get("draw")
    return LockedBatch(
        as_of=date.fromisoformat(str(document["as_of"])),
        counts={str(key): int(n) for key, n in document["counts"].items()},
        checksum=str(document["checksum"]),
        traffic=str(document["traffic"]),
        config_hash=str(document.get("config_hash", config_hash)),
        draw=None if draw is None else Draw.from_json(draw),
    )


def _table(document: Any) -> LockedTable:
    return LockedTable(
        as_of=date.fromisoformat(str(document["as_of"])),
        counts={str(key): int(n) for key, n in document["counts"].items()},
        rows=int(document["rows"]),
        unlisted=int(document["unlisted"]),
        duplicates=int(document["duplicates"]),
        crossovers=int(document["crossovers"]),
        checksum=str(document["checksum"]),
        late=bool(document["late"]),
    )


def _document(lock: Lock) -> dict[str, Any]:
    found = {
        "schema": SCHEMA,
        "version": lock.version,
        "assigned_by_version": lock.assigned_by_version,
        "salt": lock.salt,
        "config_hash": lock.config_hash,
        "batches": [_batch_document(batch) for batch in lock.batches],
    }
    if lock.tables:
        found["tables"] = [_table_document(table) for table in lock.tables]
    return found | {"design": dict(lock.design), "cosmetic": dict(lock.cosmetic)}


def _batch_document(batch: LockedBatch) -> dict[str, Any]:
    found: dict[str, Any] = {
        "as_of": batch.as_of.isoformat(),
        "counts": dict(batch.counts),
        "checksum": batch.checksum,
        "traffic": batch.traffic,
        "config_hash": batch.config_hash,
    }
    return found | ({"draw": batch.draw.to_json()} if batch.draw else {})


def _table_document(table: LockedTable) -> dict[str, Any]:
    return asdict(table) | {"as_of": table.as_of.isoformat(), "counts": dict(table.counts)}
