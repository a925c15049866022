"""Files are replaced whole or not at all, and nothing is left lying about."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast import atomic


def test_new_and_replaced_files(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "file.txt"
    atomic.write_text(path, "é\r\n\n")
    assert path.read_bytes() == b"\xc3\xa9\r\n\n"
    atomic.write_bytes(path, b"")
    assert path.read_bytes() == b""
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_failure_keeps_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    path = tmp_path / "file.txt"
    atomic.write_text(path, "old")

    def fail(*_: object) -> None:
        raise OSError(28, "no space left on device")

    if broken == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space left"):
        atomic.write_text(path, "new")
    monkeypatch.undo()
    assert path.read_text(encoding="utf-8") == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]


def test_an_interruption_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        atomic.write_text(tmp_path / "file.txt", "new")
    monkeypatch.undo()
    assert not list(tmp_path.iterdir())


def test_text_that_cannot_be_coded_touches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    atomic.write_text(path, "old")
    with pytest.raises(UnicodeEncodeError):
        atomic.write_text(path, "\ud800")
    assert path.read_text(encoding="utf-8") == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        atomic.write_text(tmp_path / "folder", "new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_the_rename_comes_after_the_flush(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    flush, move = os.fsync, Path.replace

    def flushed(handle: int) -> None:
        steps.append("flush")
        flush(handle)

    def renamed(path: Path, target: Path) -> Path:
        steps.append("rename")
        return move(path, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "replace", renamed)
    atomic.write_bytes(tmp_path / "file", b"x")
    assert steps == ["flush", "rename"]


def test_a_killed_writer_leaves_the_old_content(tmp_path: Path) -> None:
    """The process dies without cleaning up, just before the rename."""
    path = tmp_path / "file.txt"
    atomic.write_text(path, "old")
    program = (
        "import os, pathlib; from holdfast import atomic\n"
        "pathlib.Path.replace = lambda *_: os._exit(9)\n"
        f"atomic.write_text(pathlib.Path({str(path)!r}), 'new' * 100000)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False)
    assert done.returncode == 9
    assert path.read_text(encoding="utf-8") == "old"
    # What it left behind is hidden and does not get in the way of the next writer.
    assert all(entry.name.startswith(".") for entry in tmp_path.iterdir() if entry != path)
    atomic.write_text(path, "newer")
    assert path.read_text(encoding="utf-8") == "newer"


def test_sync_flushes_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    atomic.sync(path)
    assert path.read_bytes() == b"abc"
    with pytest.raises(FileNotFoundError):
        atomic.sync(tmp_path / "missing")
