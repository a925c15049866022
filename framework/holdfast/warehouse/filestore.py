"""The manifest as files: one Parquet file a batch, and an index of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from holdfast import atomic
from holdfast.errors import AssignmentError
from holdfast.model.manifest import Manifest, UnknownSchema
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.manifest import Staged

INDEX = "manifest.json"
_ADDING = ".adding"
"""Names of files that are being added: what the index does not name of them, a killed run left behind."""


class FileStore:
    """data/assignments/<slug>/v<version>/."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Where the files lie."""
        return self._folder

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """One user at a time; others wait."""
        with atomic.exclusive(self._folder / ".lock"):
            atomic.sweep(self._folder)
            self._settle()
            yield

    def read(self) -> Manifest | None:
        """The manifest, after the digest of every file was compared."""
        manifest = self._index()
        self._check_names(manifest)
        if manifest is None:
            return None
        for batch in manifest.batches:
            path = self._folder / (batch.file or "")
            if not path.is_file() or digest(path) != batch.digest:
                raise AssignmentError(
                    f"the assignment file {self._shown(path)} is missing or was changed after it was written; "
                    f"{self._restore()}"
                )
        return manifest

    def units(self, engine: Engine, manifest: Manifest) -> Any:
        """The units of its batches."""
        return engine.parquet([self._folder / (batch.file or "") for batch in manifest.batches])

    def add(self, manifest: Manifest | None, staged: Sequence[Staged]) -> Manifest:
        """Put staged files in place. The index is replaced last: until then nothing has changed."""
        names = [str(item.batch.file) for item in staged]
        atomic.write_text(self._folder / _ADDING, "".join(f"{name}\n" for name in names))
        for item, name in zip(staged, names, strict=True):
            atomic.put(item.path, self._folder / name)
        batches = (*(manifest.batches if manifest else ()), *(item.batch for item in staged))
        updated = Manifest(batches=batches)
        text = json.dumps(updated.to_json(), indent=2, sort_keys=True) + "\n"
        atomic.write_text(self._folder / INDEX, text)
        (self._folder / _ADDING).unlink()
        return updated

    def _index(self) -> Manifest | None:
        path = self._folder / INDEX
        if not path.is_file():
            return None
        try:
            manifest = Manifest.from_json(json.loads(path.read_text(encoding="utf-8")))
            if any(not batch.file or Path(batch.file).name != batch.file for batch in manifest.batches):
                raise ValueError("a batch without a file")
        except UnknownSchema as error:
            raise AssignmentError(
                f"{self._shown(path)} is of {error}; install the version that wrote it, or move {self._folder.name}/ "
                "away: the assignment is made again from the lock"
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise AssignmentError(f"{self._shown(path)} cannot be read; {self._restore()}") from error
        return manifest

    def _check_names(self, manifest: Manifest | None) -> None:
        """Refuse files that the index does not name: it was removed or replaced, or they come from elsewhere."""
        known = {batch.file for batch in manifest.batches} if manifest else set()
        stray = sorted(path.name for path in self._folder.glob("*.parquet") if path.name not in known)
        if stray:
            what = f"does not name {stray[0]}" if manifest else f"is missing beside {stray[0]}"
            raise AssignmentError(f"{self._shown(self._folder / INDEX)} {what}; {self._restore()}")

    def _settle(self) -> None:
        """Take away files that a killed run had put in place before it came to the index."""
        journal = self._folder / _ADDING
        if not journal.is_file():
            return
        manifest = self._index()
        known = {batch.file for batch in manifest.batches} if manifest else set()
        for name in _names(journal):
            if name not in known:
                (self._folder / name).unlink(missing_ok=True)
        journal.unlink()

    def _shown(self, path: Path) -> str:
        return f"{self._folder.parent.name}/{self._folder.name}/{path.name}"

    def _restore(self) -> str:
        return (
            "assigned customers must not move: restore it from a backup, or move the whole folder "
            f"{self._folder.name}/ away, so that the assignment is made again and compared with the lock"
        )


def _names(journal: Path) -> Iterable[str]:
    """Plain file names alone: nothing outside the folder is ever touched."""
    for line in journal.read_text(encoding="utf-8").splitlines():
        if line and Path(line).name == line and line.endswith(".parquet"):
            yield line


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
