"""Audience files against the manifest that they come from, read by other programs than the one that wrote them."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import shutil
import tracemalloc
from dataclasses import FrozenInstanceError
from pathlib import Path
from uuid import UUID

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.exporting import DAILY, assigned, contents, index, letter, make, rows, union

HOSTILE = [
    'a "quoted" one',
    '"',
    '""',
    "a,b",
    "a;b\tc",
    "two\nlines",
    "two\r\nlines",
    "old\rline",
    "山田太郎",
    "cafe\u0301",
    "caf\u00e9",
    "\u200fעברית",
    "a\u202eb",
    "\ufeffmark",
    " leading",
    "trailing ",
    "'quoted'",
    "NULL",
    "null",
    "NaN",
    "NA",
    "None",
    "#N/A",
    "true",
    "007",
    "1e5",
    "1,5",
    "\\N",
    "back\\slash",
    "#comment",
    "x" * 5000,
    "😀",
    "a=b",
    "+819012345678",
    "-5",
    "+1.5",
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Sixty customers, assigned at once."""
    make(tmp_path, [f"c{n:03d}" for n in range(60)]).assign("2026-01-10")
    return tmp_path


def test_the_files_are_the_manifest(root: Path) -> None:
    made = letter(root).export(root / "out")
    assert union(root / "out") == assigned(root)
    assert {name: file[0] for name, file in rows(root / "out").items()} == {
        f"letter-{variant}.csv": ["id", "variant"] for variant in ("control", "letter", "card")
    }
    for file in made.files:
        content = (root / "out" / file.name).read_bytes()
        listed = rows(root / "out")[file.name][1:]
        assert file.sha256 == hashlib.sha256(content).hexdigest()
        assert file.rows == len(listed) == sum(variant == file.variant for variant in assigned(root).values()) > 0
        assert {variant for _, variant in listed} == {file.variant}
        assert listed == sorted(listed)
        assert content.count(b"\n") == len(listed) + 1
        assert b"\r" not in content
        assert not content.startswith(b"\xef\xbb\xbf")
    assert [file.variant for file in made.files if file.is_control] == ["control"]
    assert made.rows == 60
    assert (made.batches, made.as_of, made.folder) == (1, dt.date(2026, 1, 10), (root / "out").resolve())
    with pytest.raises(FrozenInstanceError):
        made.slug = "other"  # type: ignore[misc]


def test_the_index_says_what_is_there_without_ids(root: Path) -> None:
    made = letter(root).export(root / "out")
    document = index(root / "out")
    assert document == made.to_json()
    assert document["schema"] == "holdfast.export/1"
    assert (document["experiment"], document["version"], document["as_of"]) == ("letter", 1, "2026-01-10")
    assert document["config_hash"] == letter(root).study.config_hash
    assert {file["file"] for file in document["files"]} | {"export.json"} == set(contents(root / "out"))
    text = (root / "out" / "export.json").read_text(encoding="utf-8")
    assert not any(unit in text for unit in assigned(root))
    assert str(root) not in text


def test_the_same_assignment_gives_the_same_bytes(root: Path) -> None:
    letter(root).export(root / "one")
    letter(root).export(root / "two")
    letter(root).export(root / "two")
    assert contents(root / "one") == contents(root / "two")


def test_any_id_survives_other_programs(tmp_path: Path) -> None:
    make(tmp_path, HOSTILE).assign("2026-01-10")
    letter(tmp_path).export(tmp_path / "out")
    assert assigned(tmp_path).keys() == set(HOSTILE)
    assert union(tmp_path / "out") == assigned(tmp_path)
    frames = [
        pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
        for path in (tmp_path / "out").glob("*.csv")
    ]
    frame = pd.concat(frames)
    assert dict(zip(frame["id"], frame["variant"], strict=True)) == assigned(tmp_path)


def test_random_ids_survive(tmp_path: Path) -> None:
    """Two thousand ids from letters that need care, controls and surrogate-free planes of Unicode alike."""
    rng = random.Random(11)
    letters = ['"', ",", "\n", "\r", "\t", "\x00", "\x1f", "'", ";", " ", "a", "=", "é", "\u2028", "\ufeff", "😀"]
    ids = sorted({"c" + "".join(rng.choices(letters, k=rng.randint(1, 6))) for _ in range(2000)})
    make(tmp_path, ids).assign("2026-01-10")
    letter(tmp_path).export(tmp_path / "out")
    assert union(tmp_path / "out") == assigned(tmp_path)
    assert union(tmp_path / "out").keys() == set(ids)


@pytest.mark.parametrize(
    "ids", [list(range(-20, 40)), [str(UUID(int=n << 90)) for n in range(40)]], ids=["integers", "uuids"]
)
def test_ids_of_other_kinds(tmp_path: Path, ids: list[object]) -> None:
    make(tmp_path, ids).assign("2026-01-10")
    letter(tmp_path).export(tmp_path / "out")
    assert union(tmp_path / "out") == assigned(tmp_path)
    assert union(tmp_path / "out").keys() == {str(unit) for unit in ids}


def test_batches(tmp_path: Path) -> None:
    experiment = make(tmp_path, [f"c{n:03d}" for n in range(100)], enroll=DAILY)
    experiment.assign("2026-01-12")
    experiment.export(tmp_path / "first")
    experiment.assign("2026-01-14")
    batch_files = sorted((tmp_path / "data/assignments/letter/v1").glob("*.parquet"))
    by_day = {
        path.stem: {row["unit"]: row["variant"] for row in pq.read_table(path).to_pylist()} for path in batch_files
    }
    assert len(by_day) == 5
    assert all(by_day.values())
    made = experiment.export(tmp_path / "all")
    assert (made.batches, made.batch) == (5, None)
    assert union(tmp_path / "all") == assigned(tmp_path)
    for listed in rows(tmp_path / "all").values():
        ids = [unit.encode() for unit, _ in listed[1:]]
        assert ids == sorted(ids), "in one order over all batches"
    until = experiment.export(tmp_path / "until", as_of="2026-01-12")
    assert (until.batches, until.as_of) == (3, dt.date(2026, 1, 12))
    assert union(tmp_path / "until") == {
        u: v for day, new in by_day.items() if day <= "2026-01-12" for u, v in new.items()
    }
    assert contents(tmp_path / "until") == contents(tmp_path / "first"), "later batches change nothing"
    sent: dict[str, str] = {}
    for day, new in by_day.items():
        one = experiment.export(tmp_path / "day", batch=day)
        assert union(tmp_path / "day") == new
        assert (str(one.batch), str(one.as_of), one.batches) == (day, day, 1)
        assert {file.name for file in one.files} == {f"letter-{day}-{v}.csv" for v in ("control", "letter", "card")}
        assert sent.keys().isdisjoint(new)
        sent |= new
    assert sent == assigned(tmp_path)


def test_a_batch_of_nobody_still_has_every_file(tmp_path: Path) -> None:
    experiment = make(tmp_path, ["c0", "c1"], enroll=DAILY)
    experiment.assign("2026-01-14")
    made = experiment.export(tmp_path / "out", batch="2026-01-13")
    assert [file.rows for file in made.files] == [0, 0, 0]
    assert rows(tmp_path / "out") == {file.name: [["id", "variant"]] for file in made.files}


def test_an_assignment_that_was_lost_is_made_again_and_exported(root: Path) -> None:
    letter(root).export(root / "one")
    for path in (root / "data/assignments/letter/v1").iterdir():
        path.unlink()
    letter(root).export(root / "two")
    assert contents(root / "one") == contents(root / "two")


def test_braze(root: Path) -> None:
    made = letter(root).export(root / "out", format="braze")
    assert {file.header for file in made.files} == {("external_id", "experiment_letter")}
    assert all(file[0] == ["external_id", "experiment_letter"] for file in rows(root / "out").values())
    assert union(root / "out") == assigned(root)


def test_mailchimp_by_a_column_of_the_source(root: Path) -> None:
    made = letter(root).export(root / "out", format="mailchimp", id="email")
    assert all(file[0] == ["Email Address", "LETTER"] for file in rows(root / "out").values())
    assert union(root / "out") == {f"c{int(unit[1:])}@example.com": v for unit, v in assigned(root).items()}
    assert made.id_column == index(root / "out")["id_column"] == "email"
    named = letter(root).export(root / "out", format="mailchimp", id="email", column="WINTER_26")
    assert {file.header for file in named.files} == {("Email Address", "WINTER_26")}


def test_the_key_is_a_column_like_any_other(root: Path) -> None:
    letter(root).export(root / "out", id="id")
    assert union(root / "out") == assigned(root)


def test_from_a_database(root: Path) -> None:
    """The customers stand in a table of a database that is only read."""
    with duckdb.connect(str(root / "shop.duckdb")) as con:
        con.execute("CREATE TABLE people AS SELECT * FROM read_parquet(?)", [str(root / "c.parquet")])
    letter(root).export(root / "one", id="email")
    for name, old, new in [
        (
            "configs/project.yaml",
            "currency: USD",
            "currency: USD\nconnection: {backend: duckdb, database: shop.duckdb}",
        ),
        ("configs/sources/all.yaml", "path: c.parquet", "table: people"),
    ]:
        text = (root / name).read_text()
        assert old in text
        (root / name).write_text(text.replace(old, new))
    shutil.rmtree(root / "data")
    (root / "experiments/letter/lock.yaml").unlink()
    (root / "c.parquet").unlink()
    letter(root).assign("2026-01-10")
    letter(root).export(root / "two", id="email")
    assert union(root / "two") == union(root / "one")


def test_no_row_passes_through_python(tmp_path: Path) -> None:
    """Ids alone would be 6 MB; a list of them in Python 20 MB."""
    number = 300_000
    make(tmp_path, [f"customer-{n:011d}" for n in range(number)]).assign("2026-01-10")
    experiment = letter(tmp_path)
    experiment.export(tmp_path / "out", batch="2026-01-10")  # imports what it needs
    tracemalloc.start()
    try:
        made = experiment.export(tmp_path / "out", batch="2026-01-10")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert made.rows == number
    assert sum(path.stat().st_size for path in (tmp_path / "out").glob("*.csv")) > 20 * number
    # one buffer of the digest takes a quarter of a megabyte
    assert peak < 2_000_000
