"""experiments/<slug>/explorations.yaml: what was looked at after the fact. Holdfast adds to it, people commit it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import yaml

from holdfast import atomic
from holdfast.config.lock import UNREADABLE
from holdfast.errors import DataError
from holdfast.model.exploration import Explored

NAME = "explorations.yaml"
SCHEMA = "holdfast.explorations/1"
_HEAD = (
    "# Written by holdfast explore: what was looked at besides the plan; reports list it. Commit it; do not edit it.\n"
)


def read_explorations(folder: Path) -> tuple[Explored, ...]:
    """Every exploration of an experiment, in the order in which they were made; none where there is no file.

    Args:
        folder: experiments/<slug>.

    Raises:
        DataError: the file is not such a list.
    """
    path = folder / NAME
    if not path.is_file():
        return ()
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise ValueError(document["schema"])
        return tuple(_explored(each) for each in document["explorations"])
    except UNREADABLE as error:
        raise DataError(f"experiments/{folder.name}/{NAME} cannot be read; restore it from version control") from error


def record(folder: Path, lock: Path, explored: Explored) -> int:
    """How many explorations there are, after this one was added; one that is listed already is not added again.

    Args:
        folder: experiments/<slug>.
        lock: a file outside version control that one process at a time holds.
        explored: what was looked at.
    """
    with atomic.exclusive(lock):
        known = read_explorations(folder)
        if explored in known:
            return len(known)
        listed = [_document(each) for each in (*known, explored)]
        text = yaml.safe_dump(
            {"schema": SCHEMA, "explorations": listed}, sort_keys=False, allow_unicode=True, width=120
        )
        atomic.write_text(folder / NAME, _HEAD + text)
        return len(listed)


def _explored(document: Any) -> Explored:
    segment = document.get("segment")
    return Explored(
        as_of=date.fromisoformat(str(document["as_of"])),
        version=int(document["version"]),
        metric=str(document["metric"]),
        segment=None if segment is None else str(segment),
        where={str(name): str(text) for name, text in document.get("where", {}).items()},
    )


def _document(explored: Explored) -> dict[str, Any]:
    found: dict[str, Any] = {
        "as_of": explored.as_of.isoformat(),
        "version": explored.version,
        "metric": explored.metric,
    }
    found |= {"segment": explored.segment} if explored.segment else {}
    return found | ({"where": dict(explored.where)} if explored.where else {})
