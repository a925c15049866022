"""lock.yaml: what is written comes back, and what is not a lock is refused in words."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.config.lock import NAME, read_lock, write_lock
from holdfast.errors import AssignmentError
from holdfast.model.lock import Lock, LockedBatch, LockedTable
from holdfast.model.manifest import Draw

LOCK = Lock(
    version=1,
    assigned_by_version=1,
    salt="trial-1",
    cosmetic={"experiment": {"title": "A title"}},
    config_hash="deb7906084373441c9df4b6228ed7df32620c5e771501091bd4d8d24af4521ed",
    design={"salt": "trial-1", "weights": {"treated": 50, "control": 50}, "enroll": {"date": "2026-03-01", "at": None}},
    batches=(
        LockedBatch(
            as_of=dt.date(2026, 3, 1),
            counts={"treated": 3, "control": 4},
            checksum="2e296a1d",
            traffic="50%",
            config_hash="5ad1",
        ),
    ),
)


def test_there_and_back(tmp_path: Path) -> None:
    assert read_lock(tmp_path) is None
    assert write_lock(tmp_path, LOCK)
    found = read_lock(tmp_path)
    assert found == LOCK
    assert found is not None
    # The order of weights is the order of the buckets.
    assert list(found.design["weights"]) == ["treated", "control"]
    assert [entry.name for entry in tmp_path.iterdir()] == [NAME]


def test_an_unchanged_lock_is_not_written_again(tmp_path: Path) -> None:
    assert write_lock(tmp_path, LOCK)
    before = (tmp_path / NAME).stat().st_mtime_ns
    assert not write_lock(tmp_path, LOCK)
    assert (tmp_path / NAME).stat().st_mtime_ns == before


def test_the_file_says_who_writes_it(tmp_path: Path) -> None:
    write_lock(tmp_path, LOCK)
    lines = (tmp_path / NAME).read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# Written by holdfast assign")
    assert "schema: holdfast.lock/1" in lines


@pytest.mark.parametrize(
    "text",
    ["1234", "007", "1e5", "1_000", "0x1f", "0b1", "true", "no", "null", "~", "2026-03-01", "12:30:45", "=", "<<", "é"],
)
def test_text_that_yaml_would_take_for_something_else_stays_text(tmp_path: Path, text: str) -> None:
    lock = Lock(
        version=7,
        assigned_by_version=3,
        salt=text,
        cosmetic={text: text},
        config_hash=text,
        design={"salt": text, "weights": {text: 1, "b": 2}},
        batches=(
            LockedBatch(as_of=dt.date(2026, 3, 1), counts={text: 1}, checksum=text, traffic=text, config_hash=text),
        ),
    )
    write_lock(tmp_path, lock)
    assert read_lock(tmp_path) == lock


@settings(derandomize=True, max_examples=60, deadline=None, database=None)
@given(
    st.dictionaries(st.text(max_size=20), st.text(max_size=40) | st.integers() | st.none() | st.booleans(), max_size=4)
)
def test_any_design_comes_back(tmp_path_factory: pytest.TempPathFactory, design: dict[str, object]) -> None:
    folder = tmp_path_factory.mktemp("lock", numbered=True)
    lock = Lock(version=1, assigned_by_version=1, salt=None, config_hash="0", design=design, cosmetic={}, batches=())
    write_lock(folder, lock)
    assert read_lock(folder) == lock


GOOD = """\
schema: holdfast.lock/1
version: 1
assigned_by_version: 1
salt: s
config_hash: a
design: {salt: s}
cosmetic: {}
batches:
- as_of: '2026-03-01'
  counts: {control: 1}
  checksum: a
  traffic: 100%
"""


def test_the_smallest_lock_is_read(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(GOOD, encoding="utf-8")
    found = read_lock(tmp_path)
    assert found is not None
    assert found.batches[0].as_of == dt.date(2026, 3, 1)
    assert found.batches[0].config_hash == found.config_hash == "a"
    # A date without quotes is a date to YAML; it means the same.
    (tmp_path / NAME).write_text(GOOD.replace("'", ""), encoding="utf-8")
    assert read_lock(tmp_path) == found


BROKEN = {
    "empty": "",
    "a word": "lock",
    "a list": "[]",
    "no schema": GOOD.replace("schema: holdfast.lock/1\n", ""),
    "no version": GOOD.replace("version: 1\n", ""),
    "version in words": GOOD.replace("version: 1", "version: one"),
    "no design": GOOD.replace("design: {salt: s}\n", ""),
    "design a word": GOOD.replace("{salt: s}", "salty"),
    "design empty": GOOD.replace("{salt: s}", ""),
    "no batches": GOOD.split("batches", maxsplit=1)[0],
    "batches empty": GOOD.split("- as_of", maxsplit=1)[0],
    "batch a word": GOOD.split("- as_of", maxsplit=1)[0] + "- word\n",
    "no date": GOOD.replace("2026-03-01", "yesterday"),
    "no such date": GOOD.replace("2026-03-01", "2026-02-30"),
    "counts a list": GOOD.replace("{control: 1}", "[1]"),
    "count in words": GOOD.replace("{control: 1}", "{control: many}"),
    "no checksum": GOOD.replace("  checksum: a\n", ""),
    "conflict markers": f"<<<<<<< ours\n{GOOD}=======\n{GOOD}>>>>>>> theirs\n",
    "cut off": GOOD[:90],
    "a tag": GOOD.replace("{salt: s}", "!!python/object/apply:os.getcwd []"),
    "two documents": f"{GOOD}---\n{GOOD}",
    "deep": GOOD.replace("{salt: s}", "[" * 5000),
    "a control character": GOOD.replace("salt", "s\x00lt"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_lock(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "winback"
    folder.mkdir()
    (folder / NAME).write_text(BROKEN[name], encoding="utf-8")
    with pytest.raises(AssignmentError, match=r"experiments/winback/lock.yaml cannot be read; restore it"):
        read_lock(folder)


def test_a_lock_of_another_schema_says_which_one(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(GOOD.replace("lock/1", "lock/7"), encoding="utf-8")
    with pytest.raises(AssignmentError, match=r"is of schema holdfast\.lock/7, .* reads holdfast\.lock/1; install"):
        read_lock(tmp_path)


def test_draws_and_tables_of_other_systems_come_back(tmp_path: Path) -> None:
    draw = Draw(covariates=("orders", "age"), tries=12, distance=1e-05, limit=0.0125)
    table = LockedTable(
        as_of=dt.date(2026, 3, 1),
        counts={"treated": 0, "control": 4},
        rows=6,
        unlisted=1,
        duplicates=1,
        crossovers=0,
        checksum="1e5",
        late=True,
    )
    lock = replace(LOCK, batches=(replace(LOCK.batches[0], draw=draw),), tables=(table,))
    write_lock(tmp_path, lock)
    assert read_lock(tmp_path) == lock
    write_lock(tmp_path, LOCK)
    text = (tmp_path / NAME).read_text(encoding="utf-8")
    assert "draw" not in text
    assert "tables" not in text


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AssignmentError, match="cannot be read"):
        read_lock(tmp_path)
