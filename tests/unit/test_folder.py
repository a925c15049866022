"""A folder takes the place of an earlier one whole or not at all, whatever kills the process and wherever."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from holdfast import atomic as module
from holdfast.atomic import replacing_folder
from holdfast.errors import TransientError, UsageError

OLD, NEW = {"a": "old", "b": "old"}, {"a": "new", "c": "new"}


def write(folder: Path, content: dict[str, str]) -> None:
    for name, text in content.items():
        (folder / name).write_text(text)


def read(folder: Path) -> dict[str, str] | None:
    return {path.name: path.read_text() for path in folder.iterdir()} if folder.exists() else None


def allow(_: Path) -> None:
    """Anything may be replaced."""


@pytest.fixture(params=["exchange", "rename"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways: in one step, and for systems that have none."""
    if request.param == "rename":
        monkeypatch.setattr(module, "_exchange", lambda *_: False)
    return str(request.param)


@pytest.mark.parametrize("before", [None, {}, OLD])
def test_it_appears_in_place_of_what_was_there(tmp_path: Path, way: str, before: dict[str, str] | None) -> None:
    target = tmp_path / "deep" / "out"
    if before is not None:
        target.mkdir(parents=True)
        write(target, before)
    with replacing_folder(target, allow) as new:
        write(new, NEW)
        assert read(target) == before, "nothing is seen before the end"
    assert read(target) == NEW
    assert [path.name for path in target.parent.iterdir()] == ["out"]


def test_this_machine_exchanges_in_one_step(tmp_path: Path) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, {"name": name})
    assert module._exchange(tmp_path / "one", tmp_path / "two")
    assert (read(tmp_path / "one"), read(tmp_path / "two")) == ({"name": "two"}, {"name": "one"})
    assert not module._exchange(tmp_path / "one", tmp_path / "missing")


@pytest.mark.parametrize("fault", [TransientError("no space left"), KeyboardInterrupt(), UsageError("no")])
def test_a_failure_changes_nothing(tmp_path: Path, way: str, fault: BaseException) -> None:
    target = tmp_path / "out"
    target.mkdir()
    write(target, OLD)
    with pytest.raises(type(fault)), replacing_folder(target, allow) as new:
        write(new, NEW)
        raise fault
    with pytest.raises(type(fault)), replacing_folder(tmp_path / "deep" / "er", allow):
        raise fault
    assert read(target) == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_comes_meanwhile_is_not_replaced(tmp_path: Path, way: str) -> None:
    target = tmp_path / "out"

    def refuse(folder: Path) -> None:
        if folder.exists():
            raise UsageError("in the way")

    with pytest.raises(UsageError, match="in the way"), replacing_folder(target, refuse) as new:
        write(new, NEW)
        target.mkdir()
        write(target, OLD)
    assert read(target) == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_everything_is_flushed_before_it_is_seen(tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out"
    flushed: dict[int, dict[str, str] | None] = {}
    flush = os.fsync

    def watched(handle: int) -> None:
        flushed[os.fstat(handle).st_ino] = read(target)
        flush(handle)

    monkeypatch.setattr(os, "fsync", watched)
    with replacing_folder(target, allow) as new:
        write(new, NEW)
    written = {path.stat().st_ino for path in (target, *target.iterdir())}
    assert [flushed[inode] for inode in written] == [None] * 3, "the files and their names, before the rename"
    assert flushed[tmp_path.stat().st_ino] == NEW, "and the folder's own name after it"


def test_two_at_once_leave_one_whole(tmp_path: Path, way: str) -> None:
    target = tmp_path / "o*t"
    with replacing_folder(target, allow) as first:
        write(first, OLD)
        with replacing_folder(target, allow) as second:
            assert read(first) == OLD, "a folder that somebody works in is no remnant"
            write(second, NEW)
        assert read(target) == NEW
    assert read(target) == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["o*t"]


def test_remnants_are_removed_and_others_work_is_not(tmp_path: Path) -> None:
    killed, busy, replaced = ".holdfast-1.tmp", ".holdfast-2.tmp", ".out.00000004.old"
    others = {".out.2.00000005.old", ".out.mine.old", "outside"}
    for name in (killed, busy, replaced, *others):
        (tmp_path / name).mkdir()
        write(tmp_path / name, {"ids": "x"})
    working = os.open(tmp_path / busy, os.O_RDONLY)
    fcntl.flock(working, fcntl.LOCK_EX)
    try:
        with replacing_folder(tmp_path / "out", allow) as new:
            write(new, NEW)
    finally:
        os.close(working)
    assert {path.name for path in tmp_path.iterdir()} == {"out", busy, *others}
    assert read(tmp_path / "out") == NEW


def test_folders_within_are_flushed_and_put_in_place_too(tmp_path: Path, way: str) -> None:
    target = tmp_path / "out"
    for content in ("old", "new"):
        with replacing_folder(target, allow) as new:
            (new / "figures").mkdir()
            (new / "figures" / "a").write_text(content)
    assert (target / "figures" / "a").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


KILLED = """
import importlib.util, os, pathlib, sys
target, count, way, source = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
spec = importlib.util.spec_from_file_location("atomic", source)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
done = 0
def step(*_):
    global done
    done += 1
    if done == count:
        os._exit(9)
WATCHED = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree", "ctypes.dlsym", "fcntl.flock"}
sys.addaudithook(lambda event, args: event in WATCHED and step())
flush = os.fsync
def synced(handle):
    step()
    flush(handle)
os.fsync = synced
if way == "rename":
    module._exchange = lambda *_: False
with module.replacing_folder(target, lambda _: None) as new:
    for name in ("a", "c"):
        (new / name).write_text("new")
"""


def test_killed_at_every_step(tmp_path: Path, way: str) -> None:
    """Before each file operation in turn. Where folders can be exchanged a reader finds the old one or the new one;
    where not, the next writer puts the old one back."""
    target = tmp_path / "out"
    target.mkdir()
    write(target, OLD)
    seen = []
    for count in range(1, 200):
        program = [sys.executable, "-c", KILLED, str(target), str(count), way, str(module.__file__)]
        code = subprocess.run(program, check=False, timeout=60).returncode
        found = read(target)
        if found is None:
            assert way == "rename"
            module._put_back(target)
            found = read(target)
        assert found in (OLD, NEW)
        seen.append(found)
        if code == 0:
            break
        assert code == 9
    assert len(seen) > 15
    assert (seen[0], seen[-1]) == (OLD, NEW)
    assert seen.index(NEW) > 8, "it was replaced only after everything was flushed"
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "the last one removed what the killed ones left"
