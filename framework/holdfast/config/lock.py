"""experiments/<slug>/lock.yaml: written by Holdfast, committed by people, edited by nobody."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import yaml

from holdfast import atomic
from holdfast.errors import AssignmentError
from holdfast.model.lock import SCHEMA, Lock, LockedBatch

NAME = "lock.yaml"
_HEAD = "# Written by holdfast assign when the first customers were assigned. Commit it; do not edit it.\n"


def read_lock(folder: Path) -> Lock | None:
    """The lock of an experiment's folder, or None when it never started.

    Raises:
        AssignmentError: the file is not a lock.
    """
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise ValueError(f"schema {document['schema']}")
        return Lock(
            version=int(document["version"]),
            assigned_by_version=int(document["assigned_by_version"]),
            salt=None if document["salt"] is None else str(document["salt"]),
            config_hash=str(document["config_hash"]),
            design=dict(document["design"]),
            cosmetic=dict(document["cosmetic"]),
            batches=tuple(
                LockedBatch(
                    as_of=date.fromisoformat(str(batch["as_of"])),
                    counts={str(key): int(n) for key, n in batch["counts"].items()},
                    checksum=str(batch["checksum"]),
                    traffic=str(batch["traffic"]),
                )
                for batch in document["batches"]
            ),
        )
    except (
        yaml.YAMLError,
        UnicodeDecodeError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
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
    for readable in (True, False):
        # Some rare separators come back changed unless they are written as escapes.
        text = str(
            yaml.safe_dump(document, sort_keys=False, allow_unicode=readable, default_flow_style=None, width=120)
        )
        if yaml.safe_load(text) == document:
            return text
    raise ValueError("the lock cannot be written as YAML")


def _document(lock: Lock) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "version": lock.version,
        "assigned_by_version": lock.assigned_by_version,
        "salt": lock.salt,
        "config_hash": lock.config_hash,
        "batches": [
            {
                "as_of": batch.as_of.isoformat(),
                "counts": dict(batch.counts),
                "checksum": batch.checksum,
                "traffic": batch.traffic,
            }
            for batch in lock.batches
        ],
        "design": dict(lock.design),
        "cosmetic": dict(lock.cosmetic),
    }
