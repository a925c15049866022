"""Writing files so that a reader sees the old content or the new, never a part, whatever kills the process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside the file, for whatever writes by name; it becomes the file when the block ends well and
    disappears when not."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        sync(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file's content: a temporary file in the same folder, flushed to the disk, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Replace a text file's content (UTF-8, as it stands)."""
    write_bytes(path, text.encode("utf-8"))


def sync(path: Path) -> None:
    """Flush a file that something else wrote to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
