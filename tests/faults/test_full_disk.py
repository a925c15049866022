"""A disk that is full and a folder that nobody may write to: every command that writes names the path, says what to do,
ends with the code of such a fault, and leaves everything as it was.

The disk is "full" by a limit on the size of a file (RLIMIT_FSIZE), which is the kernel's own refusal in the middle of a
write: Python, Arrow and DuckDB meet it alike.
"""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

import holdfast
from holdfast.cli import main
from holdfast.errors import TransientError, UsageError
from holdfast.warehouse.faults import refused
from tests.exporting import make

IDS = [f"SECRET-{n:03d}" for n in range(400)]
Files = dict[str, bytes]


@contextmanager
def full_disk(most: int) -> Iterator[None]:
    """No file may grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def tree(root: Path) -> Files:
    """Every file and folder but locks, which are empty and stay."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in sorted(root.rglob("*"))
        if path.name not in {".lock", ".explorations"}
    }


def run(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], most: int | None
) -> tuple[int, str]:
    """Exit code and stderr of a command, on a disk that is full or not; nothing is ever said on stdout then."""
    monkeypatch.setattr("sys.argv", ["holdfast", *arguments])
    with pytest.raises(SystemExit) as stopped:
        if most is None:
            main()
        else:
            with full_disk(most):
                main()
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "SECRET" not in printed.err
    assert "Traceback" not in printed.err
    assert ".tmp" not in printed.err
    return int(stopped.value.code or 0), printed.err


@pytest.fixture
def analysed(small: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one report, as the working folder."""
    experiment = holdfast.open_project(small).experiment("finished")
    experiment.explore("gift")
    experiment.analyze().write()
    monkeypatch.chdir(small)
    return small


WRITERS = [
    ("analyze finished -q", "reports/finished/2026-02-01", 300),
    ("analyze events -q", "reports/events/2026-02-01", 300),
    ("report finished", "reports/finished/2026-02-01", 300),
    ("report finished --html", "reports/finished/2026-02-01/report.html", 300),
    ("index", "reports/README.md", 10),
    ("explore finished --metric gave -q", "experiments/finished/explorations.yaml", 10),
    ("init shop", "shop/", 100),
    ("init shop", "shop/", 5000),
    ("new voucher --tactic incentive", "experiments/voucher/experiment.yaml", 100),
    ("schema --out schemas", "schemas/project.json", 100),
    ("simulate --out shop --customers 500 -q", "shop/", 10),
    ("simulate --data-only --customers 500 -q", "data/", 1000),
    (
        "analyze-file letters.csv --unit donor --variant arm --control control --metric mean:gift --out there -q",
        "",
        300,
    ),
]


@pytest.mark.parametrize(("line", "path", "most"), WRITERS)
def test_a_full_disk_is_told_by_the_path_and_changes_nothing(
    analysed: Path, line: str, path: str, most: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tree(analysed)
    code, said = run(line.split(), monkeypatch, capsys, most)
    assert code == 3, said
    assert f"error: {path}" in said
    assert "cannot be written (File too large); nothing half-written is left: make room on that disk" in said
    assert tree(analysed) == before


def test_an_assignment_that_finds_no_room_assigns_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever file is refused: the batch by the engine, the list of batches, the lock; afterwards it works."""
    make(tmp_path, IDS)
    monkeypatch.chdir(tmp_path)
    before = tree(tmp_path)
    for most in (5, 200, 1000, 2000):
        code, said = run(["assign", "letter", "--as-of", "2026-01-10", "-q"], monkeypatch, capsys, most)
        assert (code, "make room on that disk" in said) == (3, True), said
        left = {name for name in tree(tmp_path) if name not in before}
        assert not [name for name in left if name.endswith((".parquet", ".json", ".tmp"))], left
        assert "experiments/letter/lock.yaml" not in left
    monkeypatch.setattr("sys.argv", ["holdfast", "assign", "letter", "--as-of", "2026-01-10", "-q"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code


def test_an_export_that_finds_no_room_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path, IDS).assign("2026-01-10")
    monkeypatch.chdir(tmp_path)
    holdfast.open_project(tmp_path).experiment("letter").export(tmp_path / "out")
    before = tree(tmp_path)
    for most in (100, 2000):
        code, said = run(["export", "letter", "--out", "out", "-q"], monkeypatch, capsys, most)
        assert (code, "error: out" in said, "make room on that disk" in said) == (3, True, True), said
        assert tree(tmp_path) == before


CLOSED = [
    ("index", "reports", "reports/README.md"),
    ("analyze finished -q", "reports", "reports/finished/2026-02-01"),
    ("init shop/mine", "shop", "shop/mine"),
    ("simulate --out shop/mine --customers 500 -q", "shop", "shop/mine"),
    ("schema --out shop/mine", "shop", "shop/mine"),
    ("explore finished --metric gave -q", "data", "data/assignments/finished/.explorations"),
]


@pytest.mark.parametrize(("line", "file", "path"), CLOSED)
def test_a_place_that_cannot_be_written_is_a_wrong_question(
    small: Path, line: str, file: str, path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file where a folder should be refuses whoever asks, root too."""
    (small / file).write_text("mine")
    monkeypatch.chdir(small)
    before = tree(small)
    code, said = run(line.split(), monkeypatch, capsys, None)
    assert code == 2, said
    assert f"error: {path}" in said
    assert "cannot be written (Not a directory)" in said
    assert "choose another folder" in said
    assert tree(small) == before


@pytest.mark.parametrize(
    ("number", "kind", "does"),
    [
        (errno.ENOSPC, TransientError, "make room on that disk"),
        (errno.EDQUOT, TransientError, "make room on that disk"),
        (errno.EIO, TransientError, "when the disk is well"),
        (errno.EACCES, UsageError, "ask for the right to write there"),
        (errno.EROFS, UsageError, "ask for the right to write there"),
    ],
)
def test_each_refusal_of_the_system_has_its_kind(
    small: Path, number: int, kind: type[Exception], does: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(kind, match=rf"reports/finished/2026-02-01 cannot be written .*{does}"):
        holdfast.open_project(small).experiment("finished").analyze().write()
    assert not (small / "reports").exists()


def test_the_engine_names_the_file_that_found_no_room(tmp_path: Path) -> None:
    target = tmp_path / "rows.csv"
    statement = f"COPY (SELECT hash(range) FROM range(100000)) TO '{target}'"
    said = r"rows\.csv cannot be written \(File too large\)"
    with full_disk(1000), pytest.raises(TransientError, match=said), refused("the rows"):
        duckdb.connect().execute(statement)


def test_the_limit_is_that_of_a_real_process(small: Path) -> None:
    """The same in a process of its own, whose whole life is under the limit."""
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)); "
        f"sys.argv = ['holdfast', 'analyze', 'finished', '-q', '--project', {str(small)!r}]; "
        "from holdfast.cli import main; main()"
    )
    ran = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (3, "")
    assert "reports/finished/2026-02-01 cannot be written" in ran.stderr
    assert not (small / "reports").exists()
