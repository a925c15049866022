"""A folder that appears whole or not at all, and takes the place of an earlier one in one step."""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_HERE = -100
_EXCHANGE = 2
"""AT_FDCWD and RENAME_EXCHANGE of Linux's renameat2."""

Refuse = Callable[[Path], None]


@contextmanager
def replacing_folder(target: Path, refuse: Refuse) -> Iterator[Path]:
    """An empty folder beside the target to write into; it takes the target's place when the block ends well, and
    disappears when not.

    `refuse` raises where something that may not be replaced stands at the target: it is asked before anything is made
    and again before the exchange. Whatever an earlier process left beside the target when it was killed is removed.
    Several may work on one target: the last one stays.
    """
    refuse(target)
    created = [parent for parent in target.parents if not parent.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f".{target.name}.{secrets.token_hex(4)}.new")
    held = None
    try:
        with _locked(target.parent):
            _tidy(target)
            new.mkdir()
            held = _hold(new)
        yield new
        for path in new.iterdir():
            sync(path)
        sync(new)
        with _locked(target.parent):
            refuse(target)
            _put(new, target)
            sync(target.parent)
    finally:
        # After an exchange this is what stood there before.
        shutil.rmtree(new, ignore_errors=True)
        if held is not None:
            os.close(held)
        for parent in created:
            with suppress(OSError):
                parent.rmdir()


def sync(path: Path) -> None:
    """Flush a file, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _put(new: Path, target: Path) -> None:
    """Put the new folder where another one may stand. An empty one gives way to a rename."""
    if not target.exists() or not any(target.iterdir()):
        new.rename(target)
        return
    if _exchange(new, target):
        return
    # Where the system cannot exchange, the name is free for a moment; _tidy puts the old folder back after a crash.
    old = new.with_suffix(".old")
    target.rename(old)
    try:
        new.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Whether two folders could be exchanged in one step."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    return bool(rename(_HERE, os.fsencode(first), _HERE, os.fsencode(second), _EXCHANGE) == 0)


def _tidy(target: Path) -> None:
    """Remove what a killed process left; its own lock tells whether it still works. An old folder goes back first."""
    for path in _remnants(target, "old"):
        if not target.exists():
            path.rename(target)
        shutil.rmtree(path, ignore_errors=True)
    for path in _remnants(target, "new"):
        held = _hold(path)
        if held is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(held)


def _remnants(target: Path, kind: str) -> list[Path]:
    """Folders that were made for this target; `out.2` beside `out` has its own."""
    made = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{8}}\.{kind}")
    return sorted(path for path in target.parent.iterdir() if made.fullmatch(path.name))


def _hold(folder: Path) -> int | None:
    """A handle whose lock lasts as long as it is open, and no longer than the process; None when another has it."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return None
        return handle
    return None


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """One at a time. A file system that cannot lock a folder does without."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
