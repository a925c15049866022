"""Files are replaced whole or not at all, and nothing is left lying about."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from holdfast import atomic
from holdfast.errors import TransientError, UsageError


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
    with pytest.raises(TransientError, match=r"file\.txt cannot be written \(No space left on device\).*make room"):
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
    with pytest.raises(UsageError, match="folder cannot be written"):
        atomic.write_text(tmp_path / "folder", "new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]


def test_the_rename_comes_between_two_flushes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    flush, move = os.fsync, Path.replace

    def flushed(handle: int) -> None:
        steps.append("flush of the folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "flush")
        flush(handle)

    def renamed(path: Path, target: Path) -> Path:
        steps.append("rename")
        return move(path, target)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "replace", renamed)
    atomic.write_bytes(tmp_path / "file", b"x")
    assert steps == ["flush", "rename", "flush of the folder"]


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
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"], "the next one cleans up"


WAITING = """
import pathlib, sys
from holdfast import atomic
with atomic.replacing(pathlib.Path(sys.argv[1])) as temporary:
    temporary.write_text("slow")
    print("writing", flush=True)
    sys.stdin.readline()
"""


def test_what_a_living_writer_has_begun_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    command = [sys.executable, "-c", WAITING, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as slow:
        assert slow.stdout
        assert slow.stdin
        assert slow.stdout.readline() == "writing\n"
        atomic.write_text(path, "quick")
        atomic.sweep(tmp_path)
        assert len(list(tmp_path.iterdir())) == 2, "the file, and what the other one is writing"
        slow.stdin.write("go on\n")
        slow.stdin.flush()
        assert slow.wait(timeout=60) == 0
    assert path.read_text(encoding="utf-8") == "slow", "the last one to finish"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]


def test_what_a_killed_writer_has_begun_is_swept_away(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    command = [sys.executable, "-c", WAITING, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as slow:
        assert slow.stdout
        assert slow.stdout.readline() == "writing\n"
        slow.kill()
    assert len(list(tmp_path.iterdir())) == 1
    (tmp_path / ".other.tmp").mkdir()
    atomic.sweep(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == [".other.tmp"], "what others made is theirs"


def test_writers_in_many_threads_never_meet(tmp_path: Path) -> None:
    """Every reader sees one of the texts whole; nobody fails, and nothing is left."""
    path = tmp_path / "file.txt"
    texts = {str(number) * 20_000 for number in range(8)}
    atomic.write_text(path, min(texts))

    def write_and_read(text: str) -> bool:
        for _ in range(15):
            atomic.write_text(path, text)
            if path.read_text(encoding="utf-8") not in texts:
                return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(write_and_read, sorted(texts)))
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]


def test_one_holder_at_a_time_in_threads_too(tmp_path: Path) -> None:
    inside = 0
    most = 0

    def hold(_: int) -> None:
        nonlocal inside, most
        with atomic.exclusive(tmp_path / "folder" / ".lock"):
            inside += 1
            most = max(most, inside)
            time.sleep(0.005)
            inside -= 1

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(hold, range(18)))
    assert most == 1


def test_sync_flushes_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    atomic.sync(path)
    assert path.read_bytes() == b"abc"
    with pytest.raises(FileNotFoundError):
        atomic.sync(tmp_path / "missing")
