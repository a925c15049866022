"""Writing files and folders so that a reader sees the old content or the new, never a part, whatever kills the process.

What is not finished yet lies in a hidden folder of its writer's own, beside the file that it will be. The writer holds
a lock on that folder for as long as it lives, so that whoever comes later can tell what a killed run left behind from
what is still being written, on any machine and in any container that shares the disk.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from holdfast.errors import HoldfastError, TransientError, UsageError

_PREFIX, _SUFFIX = ".holdfast-", ".tmp"
_HERE = -100
_EXCHANGE = 2
"""AT_FDCWD and RENAME_EXCHANGE of Linux's renameat2."""
_FULL = frozenset({errno.ENOSPC, errno.EFBIG, errno.EDQUOT})
_FAILED = frozenset({errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE})
_CLOSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG})

Refuse = Callable[[Path], None]


def unwritable(path: Path, number: int | None, reason: str) -> HoldfastError | None:
    """What a system that refused to write means to the reader: TransientError where the disk is full or failed,
    UsageError where nobody may write there. None for any other number of an error."""
    told = f"{_short(path)} cannot be written ({reason})"
    if number in _FULL:
        return TransientError(
            f"{told}; nothing half-written is left: make room on that disk, then run the same command again"
        )
    if number in _FAILED:
        return TransientError(f"{told}; nothing half-written is left: run the same command again when the disk is well")
    if number in _CLOSED:
        return UsageError(f"{told}; nothing was changed: choose another folder, or ask for the right to write there")
    return None


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Tells of a system that refuses to write by the path that was to be written, which the error alone may not name.

    Raises:
        TransientError: the disk is full, or failed.
        UsageError: nobody may write there.
    """
    try:
        yield
    except OSError as error:
        # A file elsewhere that the block could not read is another matter.
        mine = error.filename is None or Path(os.fsdecode(error.filename)).is_relative_to(path.parent)
        above = error.filename is not None and path.is_relative_to(os.fsdecode(error.filename))
        # Libraries have words of their own around the system's.
        reason = os.strerror(error.errno) if error.errno else str(error)
        found = unwritable(path, error.errno, reason) if mine or above else None
        if found is None:
            raise
        raise found from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name for whatever writes by name; it becomes the file when the block ends well and disappears when
    not."""
    with naming(path), workshop(path.parent) as room:
        temporary = room / path.name
        yield temporary
        put(temporary, path)


@contextmanager
def replacing_folder(target: Path, refuse: Refuse) -> Iterator[Path]:
    """An empty folder to write into; it takes the target's place whole when the block ends well, and disappears when
    not.

    `refuse` raises where something that may not be replaced stands at the target: it is asked before anything is made
    and again before the exchange. Several may work on one target: the last one stays.
    """
    refuse(target)
    with naming(target), _made_for(target), workshop(target.parent) as room:
        with _alone(target.parent):
            _put_back(target)
        new = room / target.name
        new.mkdir()
        yield new
        for path in [*new.rglob("*"), new]:
            flush = sync_folder if path.is_dir() else sync
            flush(path)
        with _alone(target.parent):
            refuse(target)
            _put_folder(new, target)
            sync_folder(target.parent)


def write_bytes(path: Path, data: bytes) -> None:
    """Replace a file's content: a temporary file, flushed to the disk, then renamed."""
    with naming(path), _made_for(path), replacing(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Replace a text file's content (UTF-8, as it stands)."""
    write_bytes(path, text.encode("utf-8"))


def put(temporary: Path, path: Path) -> None:
    """Give a finished file its name, for good: its content is on the disk before, and its name after."""
    with naming(path):
        sync(temporary)
        temporary.replace(path)
        sync_folder(path.parent)


@contextmanager
def workshop(folder: Path) -> Iterator[Path]:
    """A hidden folder that only this caller writes into, gone with all it holds when the block ends.

    Those of killed runs are removed first.
    """
    sweep(folder)
    with naming(folder):
        room, handle = _own(folder)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)
        if handle is not None:
            os.close(handle)


def sweep(folder: Path) -> None:
    """Remove what killed runs left unfinished in a folder; what a living one is writing stays."""
    for room in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        # Where locks cannot be had nobody can tell the dead from the living: then nothing is removed.
        with suppress(OSError):
            handle = os.open(room, os.O_RDONLY)
            try:
                if _locked(handle):
                    shutil.rmtree(room, ignore_errors=True)
            finally:
                os.close(handle)


def left_behind(folder: Path) -> list[Path]:
    """What killed runs left unfinished in a folder: nobody holds it any more."""
    return [room for room in sorted(folder.glob(f"{_PREFIX}*{_SUFFIX}")) if not is_held(room)]


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock on a file or folder; it is not taken."""
    if sys.platform == "win32":
        return False
    import fcntl

    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
    return False


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, so that they last."""
    if folder.is_dir():
        return
    if folder.exists():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync(path: Path) -> None:
    """Flush a file that something else wrote to the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder last; systems that cannot open a folder do without."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """One holder at a time, over threads and processes; others wait. A killed holder lets go."""
    with naming(path):
        make_folder(path.parent)
        file = path.open("w")
    with file:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def undone(root: Path) -> Iterator[Callable[[Path], None]]:
    """Hands out what to call with each path before it is written anew; when the block fails, these and the folders that
    had to be made for them, the root among them, are gone again."""
    noted: list[Path] = []
    folders: dict[Path, None] = {}

    def note(path: Path) -> None:
        noted.append(path)
        folders.update(dict.fromkeys(parent for parent in path.parents if not parent.exists()))

    note(root)
    try:
        yield note
    except BaseException:
        for path in noted[1:]:
            with suppress(OSError):
                path.unlink()
        for folder in sorted([*folders, root], key=lambda each: -len(each.parts)):
            with suppress(OSError):
                folder.rmdir()
        raise


@contextmanager
def _made_for(path: Path) -> Iterator[None]:
    """The folders above a path are there in the block; those that were made and stay empty are gone afterwards."""
    created = [parent for parent in path.parents if not parent.exists()]
    try:
        make_folder(path.parent)
        yield
    finally:
        for parent in created:
            with suppress(OSError):
                parent.rmdir()


def _short(path: Path) -> str:
    """A path as short as it can be typed from here; of what is not finished yet, what it will be."""
    text = re.sub(rf"/{re.escape(_PREFIX)}[^/]*{re.escape(_SUFFIX)}(?=/)", "", str(path))
    with suppress(OSError):
        here = Path.cwd()
        return str(Path(text).relative_to(here)) if Path(text).is_relative_to(here) else text
    return text


def _put_folder(new: Path, target: Path) -> None:
    """Put the new folder where another one may stand, which is left in its place. An empty one gives way to a
    rename."""
    if not target.exists() or not any(target.iterdir()):
        new.rename(target)
        return
    if _exchange(new, target):
        return
    # Where the system cannot exchange, the name is free for a moment; _put_back helps after a crash.
    old = target.with_name(f".{target.name}.{os.urandom(4).hex()}.old")
    target.rename(old)
    try:
        new.rename(target)
    except BaseException:
        old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchange(first: Path, second: Path) -> bool:
    """Whether two folders could be exchanged in one step."""
    if sys.platform != "linux":
        return False
    import ctypes

    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    return bool(rename(_HERE, os.fsencode(first), _HERE, os.fsencode(second), _EXCHANGE) == 0)


def _put_back(target: Path) -> None:
    """Give a folder that a killed run had put aside its name back, or remove it where the new one has it already;
    `out.2` beside `out` has its own."""
    made = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{8}}\.old")
    for path in sorted(path for path in target.parent.iterdir() if made.fullmatch(path.name)):
        if not target.exists():
            path.rename(target)
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One at a time in a folder. A system that cannot lock one does without."""
    if sys.platform == "win32":
        yield
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _own(folder: Path) -> tuple[Path, int | None]:
    """A new folder with the open handle that holds its lock; no handle where the system has no such locks."""
    while True:
        room = Path(tempfile.mkdtemp(prefix=_PREFIX, suffix=_SUFFIX, dir=folder))
        if sys.platform == "win32":
            return room, None
        # Somebody who sweeps may have taken it for a dead one's before it was locked: then another one is made.
        with suppress(FileNotFoundError):
            handle = os.open(room, os.O_RDONLY)
            try:
                mine = _locked(handle)
            except OSError:
                os.close(handle)
                return room, None
            if mine and room.exists():
                return room, handle
            os.close(handle)


def _locked(handle: int) -> bool:
    """Whether the lock on an open folder could be taken."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
