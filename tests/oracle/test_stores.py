"""Files and tables hold the same assignment: the same customers, the same checks, and every change is noticed."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

import holdfast
from holdfast.cli.app import main
from holdfast.errors import AssignmentError, DataError, TransientError

PROJECT = """\
schema_version: 1
project: small
timezone: UTC
currency: USD
connection: {database: shop.duckdb}
units: {customer: {source: customers}}
"""
IN_THE_ENGINE = "assignment_store: {schema: holdfast}\n"
SOURCES = """\
sources:
  customers: {grain: unit, table: c, keys: {customer: id}, known_from: since, properties: [country]}
  orders: {grain: event, table: o, keys: {customer: id}, timestamp: moment, facts: {order: null}}
"""
METRICS = "metrics: {bought: {operation: conversion, fact: orders.order, window: 14d, desired_change: increase}}\n"
TACTICS = "tactics: {a-letter: {type: custom, title: A letter, label: letter}}\n"
EXPERIMENT = """\
owner: a@example.com
hypothesis: A letter brings customers back.
assignment: {method: hash, salt: letter-1}
audience: {country: JP}
variants:
  control: {weight: 1, control: true, tactic: nothing}
  letter: {weight: 1, tactic: a-letter}
enroll: {from: 2026-01-10, for: 4d, each: day}
metrics: {primary: bought}
"""
IDS = {"text": "'K' || i", "integers": "i", "small integers": "i::INTEGER", "uuids": "md5(i::VARCHAR)::UUID"}
LAST = "2026-01-13"


def make(root: Path, ids: str = "text") -> Path:
    """A project whose customers and orders are tables of one database."""
    files = {
        "configs/project.yaml": PROJECT,
        "configs/sources/all.yaml": SOURCES,
        "configs/metrics/all.yaml": METRICS,
        "configs/tactics/all.yaml": TACTICS,
        "experiments/letter/experiment.yaml": EXPERIMENT,
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with database(root) as con:
        con.execute(
            f"CREATE TABLE c AS SELECT {IDS[ids]} AS id, CASE WHEN i % 4 = 0 THEN 'TW' ELSE 'JP' END AS country, "
            "TIMESTAMP '2026-01-08' + INTERVAL (i % 5) DAY AS since FROM range(400) t(i)"
        )
        con.execute(
            f"CREATE TABLE o AS SELECT {IDS[ids]} AS id, TIMESTAMP '2026-01-09' + INTERVAL (j % 30) DAY AS moment "
            "FROM range(900) t(j), LATERAL (SELECT (j * 7) % 400 AS i)"
        )
    return root


@pytest.fixture(params=["files", "tables"])
def root(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """The project, with each of the two stores."""
    made = make(tmp_path)
    return in_tables(made) if request.param == "tables" else made


def in_tables(root: Path) -> Path:
    (root / "configs" / "project.yaml").write_text(PROJECT + IN_THE_ENGINE, encoding="utf-8")
    return root


def database(root: Path) -> closing[duckdb.DuckDBPyConnection]:
    return closing(duckdb.connect(str(root / "shop.duckdb")))


def letter(root: Path) -> holdfast.ExperimentHandle:
    return holdfast.open_project(root).experiment("letter")


def tabled(root: Path) -> bool:
    return "assignment_store" in (root / "configs" / "project.yaml").read_text()


def rows(root: Path) -> list[tuple[Any, ...]]:
    """Every assigned unit: unit, variant, stratum, cluster, time and hash version."""
    columns = 'unit, variant, stratum, "cluster", assigned_at, hash_version'
    with database(root) as con:
        place = "holdfast.assignment_units" if tabled(root) else f"'{root}/data/assignments/letter/v1/*.parquet'"
        return con.execute(f"SELECT {columns} FROM {place} ORDER BY unit").fetchall()


def lock(root: Path) -> bytes:
    return (root / "experiments" / "letter" / "lock.yaml").read_bytes()


def state(root: Path) -> tuple[bytes, list[tuple[Any, ...]]]:
    return lock(root), rows(root)


def test_both_stores_hold_the_same(tmp_path: Path) -> None:
    first, second = make(tmp_path / "first"), in_tables(make(tmp_path / "second"))
    for place in (first, second):
        assert letter(place).assign("2026-01-11").batches == 2
        assert letter(place).assign(LAST).batches == 2
    assert lock(first) == lock(second)
    assert rows(first) == rows(second)
    assert len(rows(first)) == 300
    assert rows(first)[0][2:4] == (None, None)
    one, other = letter(first).analyze().analysis, letter(second).analyze().analysis
    assert (one.variants, one.levels, one.estimates) == (other.variants, other.levels, other.estimates)
    assert one.provenance.manifest_digest == other.provenance.manifest_digest


@pytest.mark.parametrize("ids", IDS)
@pytest.mark.parametrize("store", ["files", "tables"])
def test_ids_of_every_kind_meet_their_facts_again(tmp_path: Path, ids: str, store: str) -> None:
    root = make(tmp_path, ids)
    if store == "tables":
        in_tables(root)
    letter(root).assign(LAST)
    analysis = letter(root).analyze("2026-02-10").analysis
    assert sum(variant.assigned for variant in analysis.variants) == 300
    level = analysis.level("bought", "control")
    assert level is not None
    assert level.value is not None
    assert 0.1 < level.value < 0.95


def test_what_the_manifest_says(root: Path) -> None:
    letter(root).assign("2026-01-10")
    if tabled(root):
        with database(root) as con:
            table = con.execute("SELECT * FROM holdfast.assignment_batches")
            (row,) = table.fetchall()
            found = dict(zip([column[0] for column in table.description], row, strict=True))
        assert found["manifest_schema"] == "holdfast.manifest/2"
        assert (found["slug"], found["version"], str(found["batch"])) == ("letter", 1, "2026-01-10")
        counts = json.loads(found["counts"])
    else:
        document = json.loads((root / "data/assignments/letter/v1/manifest.json").read_text())
        assert document["schema"] == "holdfast.manifest/2"
        (found,) = document["batches"]
        assert (found["as_of"], found["file"]) == ("2026-01-10", "2026-01-10.parquet")
        assert len(found["digest"]) == 64
        counts = found["counts"]
    locked = yaml.safe_load(lock(root))
    assert found["config_hash"] == locked["config_hash"] == locked["batches"][0]["config_hash"]
    assert (found["method"], found["hash_version"], found["traffic"]) == ("hash", 1, "100%")
    assert found["checksum"] == locked["batches"][0]["checksum"]
    assert counts == locked["batches"][0]["counts"]
    assert sum(counts.values()) == len(rows(root))


def test_again_is_nothing(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    letter(root).assign(LAST)
    before = state(root)
    monkeypatch.chdir(root)
    monkeypatch.setattr("sys.argv", ["holdfast", "assign", "letter", "--as-of", LAST, "-q"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code
    assert capsys.readouterr().out.startswith("letter: nothing to do, 300 assigned by 2026-01-13 (control ")
    assert state(root) == before


@pytest.mark.parametrize("remove", ["the store alone", "one batch of the lock"])
def test_what_is_gone_is_made_again_from_the_lock(root: Path, remove: str) -> None:
    letter(root).assign(LAST)
    before = state(root)
    if tabled(root):
        with database(root) as con:
            condition = "" if remove == "the store alone" else f" WHERE batch = DATE '{LAST}'"
            for table in ("units", "batches"):
                con.execute(f"DELETE FROM holdfast.assignment_{table}{condition}")
    elif remove == "the store alone":
        shutil.rmtree(root / "data")
    else:
        folder = root / "data/assignments/letter/v1"
        document = json.loads((folder / "manifest.json").read_text())
        (folder / document["batches"].pop()["file"]).unlink()
        (folder / "manifest.json").write_text(json.dumps(document))
    letter(root).analyze()
    assert state(root) == before


def test_it_is_not_made_again_from_other_data(root: Path) -> None:
    letter(root).assign(LAST)
    before = lock(root)
    with database(root) as con:
        if tabled(root):
            con.execute("DELETE FROM holdfast.assignment_units; DELETE FROM holdfast.assignment_batches")
        else:
            shutil.rmtree(root / "data")
        con.execute("UPDATE c SET country = 'JP' WHERE id = 'K4'")
    for attempt in (lambda: letter(root).assign(LAST), lambda: letter(root).analyze()):
        with pytest.raises(AssignmentError, match="The data have changed since"):
            attempt()
    assert lock(root) == before
    assert not rows(root) if tabled(root) else not list((root / "data").rglob("*.parquet"))


Damage = Callable[[Path], None]


def _file(change: Callable[[Path], object], name: str = "2026-01-11.parquet") -> Damage:
    def damage(root: Path) -> None:
        change(root / "data/assignments/letter/v1" / name)

    return damage


def _index(old: str, new: str) -> Damage:
    def change(path: Path) -> None:
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    return _file(change, "manifest.json")


def _sql(statement: str) -> Damage:
    def damage(root: Path) -> None:
        with database(root) as con:
            before = con.execute("SELECT count(*) FROM holdfast.assignment_units").fetchall()
            changed = con.execute(statement).fetchall()
            assert changed != [(0,)], "the damage has to be one"
            assert before

    return damage


def _swapped(path: Path) -> None:
    """The file of another date in its place."""
    path.write_bytes((path.parent / "2026-01-10.parquet").read_bytes())


def _one_unit_moved(path: Path) -> None:
    with closing(duckdb.connect()) as con:
        con.execute(
            f"CREATE TABLE t AS SELECT * REPLACE (if(unit = (SELECT min(unit) FROM '{path}'), 'letter', variant) AS "
            f"variant) FROM '{path}'"
        )
        con.execute(f"UPDATE t SET variant = if(variant = 'letter', 'control', 'letter') WHERE unit = 'K{1}'")
        con.execute(f"COPY t TO '{path}' (FORMAT parquet)")


UNITS, BATCHES = "holdfast.assignment_units", "holdfast.assignment_batches"
ONE = f"(unit, batch) = (SELECT (min(unit), DATE '2026-01-11') FROM {UNITS} WHERE batch = DATE '2026-01-11')"
TO_FILES: dict[str, Damage] = {
    "a file changed": _file(_one_unit_moved),
    "a byte of a file changed": _file(lambda path: path.write_bytes(path.read_bytes()[:-9] + b"x" * 9)),
    "a file truncated": _file(lambda path: path.write_bytes(path.read_bytes()[:100])),
    "a file emptied": _file(lambda path: path.write_bytes(b"")),
    "a file replaced": _file(_swapped),
    "a file removed": _file(lambda path: path.unlink()),
    "a file added": _file(lambda path: shutil.copy(path, path.with_name("2026-01-12.parquet"))),
    "the index removed": _file(lambda path: path.unlink(), "manifest.json"),
    "the index emptied": _file(lambda path: path.write_bytes(b""), "manifest.json"),
    "the index truncated": _file(lambda path: path.write_bytes(path.read_bytes()[:200]), "manifest.json"),
    "the index without its first batch": _file(
        lambda path: path.write_text(json.dumps({"schema": "holdfast.manifest/2", "batches": []})), "manifest.json"
    ),
    "a count of the index changed": _index('"control": ', '"control": 1'),
    "a checksum of the index changed": _index('"checksum": "', '"checksum": "1'),
    "a digest of the index changed": _index('"digest": "', '"digest": "1'),
    "a date of the index changed": _index('"as_of": "2026-01-10"', '"as_of": "2026-01-09"'),
    "a traffic of the index changed": _index('"traffic": "100%"', '"traffic": "50%"'),
    "a file name of the index leads elsewhere": _index('"file": "2026', '"file": "../2026'),
    "an index of another schema": _index("manifest/2", "manifest/3"),
}
TO_TABLES: dict[str, Damage] = {
    "a variant changed": _sql(f"UPDATE {UNITS} SET variant = if(variant = 'letter', 'control', 'letter') WHERE {ONE}"),
    "two variants swapped": _sql(
        f"UPDATE {UNITS} SET variant = if(variant = 'letter', 'control', 'letter') WHERE unit IN "
        f"((SELECT min(unit) FROM {UNITS} WHERE variant = 'letter'), (SELECT min(unit) FROM {UNITS} WHERE variant = "
        "'control'))"
    ),
    "a time changed": _sql(f"UPDATE {UNITS} SET assigned_at = assigned_at + INTERVAL 1 MICROSECOND WHERE {ONE}"),
    "a stratum changed": _sql(f"UPDATE {UNITS} SET stratum = 'high' WHERE {ONE}"),
    "a cluster changed": _sql(f"UPDATE {UNITS} SET \"cluster\" = 'home' WHERE {ONE}"),
    "a hash version changed": _sql(f"UPDATE {UNITS} SET hash_version = 2 WHERE {ONE}"),
    "a row removed": _sql(f"DELETE FROM {UNITS} WHERE {ONE}"),
    "a row twice": _sql(f"INSERT INTO {UNITS} SELECT * FROM {UNITS} WHERE {ONE}"),
    "a row added": _sql(f"INSERT INTO {UNITS} SELECT * REPLACE ('new' AS unit) FROM {UNITS} WHERE {ONE}"),
    "a row in another batch": _sql(f"UPDATE {UNITS} SET batch = DATE '2026-01-10' WHERE {ONE}"),
    "a batch's rows removed": _sql(f"DELETE FROM {UNITS} WHERE batch = DATE '2026-01-11'"),
    "a batch removed, its rows left": _sql(f"DELETE FROM {BATCHES} WHERE batch = DATE '2026-01-11'"),
    "a first batch removed": _sql(
        f"DELETE FROM {UNITS} WHERE batch = DATE '2026-01-10'; DELETE FROM {BATCHES} WHERE batch = DATE '2026-01-10'"
    ),
    "all batches removed, rows left": _sql(f"DELETE FROM {BATCHES}"),
    "a count changed": _sql(f"UPDATE {BATCHES} SET counts = '{{\"control\": 1}}'"),
    "a checksum changed": _sql(f"UPDATE {BATCHES} SET checksum = 'abc'"),
    "a checksum that is none": _sql(f"UPDATE {BATCHES} SET checksum = 'xyz'"),
    "a config hash changed": _sql(f"UPDATE {BATCHES} SET config_hash = 'abc'"),
    "another schema": _sql(f"UPDATE {BATCHES} SET manifest_schema = 'holdfast.manifest/3'"),
}


@pytest.mark.parametrize(
    ("store", "name"), [*(("files", name) for name in TO_FILES), *(("tables", name) for name in TO_TABLES)]
)
def test_every_change_is_refused_and_nothing_is_written(tmp_path: Path, store: str, name: str) -> None:
    root = make(tmp_path)
    if store == "tables":
        in_tables(root)
    letter(root).assign("2026-01-11")
    (TO_FILES if store == "files" else TO_TABLES)[name](root)
    before, message = everything(root), ""
    for attempt in (lambda: letter(root).assign("2026-01-11"), letter(root).analyze, lambda: letter(root).assign(LAST)):
        with pytest.raises(AssignmentError) as refused:
            attempt()
        message = str(refused.value)
        assert "letter" in message
        assert "K1" not in message, "no id of a customer"
    assert everything(root) == before
    if "schema" in name:
        assert "is of schema holdfast.manifest/3, where this version of Holdfast reads holdfast.manifest/2" in message
        assert "install the version that wrote it" in message
    else:
        assert "must not move" in message or "restore it from a backup" in message


def everything(root: Path) -> dict[str, object]:
    """All that there is: visible files byte for byte, tables row for row."""
    found: dict[str, object] = {
        str(path.relative_to(root)): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock") and path.name != "shop.duckdb"
    }
    if tabled(root):
        with database(root) as con:
            there = {
                f"{a}.{b}" for a, b in con.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
            }
            for table in {UNITS, BATCHES} & there:
                found[table] = con.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall()
    return found


def test_data_that_do_not_fit_leave_no_lock(root: Path) -> None:
    """Nobody is assigned, so nothing has started: the file may be put right without a new version."""
    path = root / "configs" / "sources" / "all.yaml"
    text = path.read_text()
    path.write_text(text.replace("known_from: since", "known_from: sinse"))
    with pytest.raises(DataError, match='no column "sinse", did you mean "since"'):
        letter(root).assign(LAST)
    assert not (root / "experiments" / "letter" / "lock.yaml").exists()
    path.write_text(text)
    assert letter(root).assign(LAST).added == 300


def test_a_fault_of_the_disk_leaves_no_lock_of_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that fails in the middle of a transaction has written nothing."""
    root = in_tables(make(tmp_path))
    from holdfast.warehouse.writers import DuckDBWriter

    run = DuckDBWriter.run

    def fail(writer: Any, statement: str, parameters: Any = ()) -> Any:
        if "INSERT INTO" in statement and "assignment_batches" in statement:
            raise duckdb.IOException("IO Error: no space left on device")
        return run(writer, statement, parameters)

    monkeypatch.setattr(DuckDBWriter, "run", fail)
    with pytest.raises(TransientError, match="no space left"):
        letter(root).assign(LAST)
    monkeypatch.undo()
    assert not (root / "experiments" / "letter" / "lock.yaml").exists()
    assert letter(root).assign(LAST).added == 300


def test_holdfast_writes_nothing_but_its_schema(tmp_path: Path) -> None:
    root = in_tables(make(tmp_path))
    with database(root) as con:
        before = [con.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall() for table in ("c", "o")]
    letter(root).assign(LAST)
    letter(root).analyze().write()
    with database(root) as con:
        assert [con.execute(f"SELECT * FROM {table} ORDER BY ALL").fetchall() for table in ("c", "o")] == before
        tables = con.execute("SELECT schema_name, table_name FROM duckdb_tables() ORDER BY ALL").fetchall()
    assert tables == [
        ("holdfast", "assignment_batches"),
        ("holdfast", "assignment_units"),
        ("main", "c"),
        ("main", "o"),
    ]
    assert not [path for path in (root / "data").rglob("*") if path.is_file() and path.name != ".holdfast.lock"]


def test_two_experiments_share_the_tables(tmp_path: Path) -> None:
    root = in_tables(make(tmp_path))
    shutil.copytree(root / "experiments" / "letter", root / "experiments" / "other")
    path = root / "experiments" / "other" / "experiment.yaml"
    path.write_text(EXPERIMENT.replace("letter-1", "other-1").replace("country: JP", "country: TW"))
    letter(root).assign("2026-01-11")
    other = holdfast.open_project(root).experiment("other")
    assert other.assign("2026-01-12").added == 80
    assert letter(root).assign("2026-01-12").added
    assert sum(v.assigned for v in other.analyze().analysis.variants) == 80
    assert sum(v.assigned for v in letter(root).analyze().analysis.variants) == 240


BUSY = """
import sys, duckdb
con = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Path]:
    """A project whose database another process writes to."""
    root = in_tables(make(tmp_path))
    command = [sys.executable, "-c", BUSY, str(root / "shop.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdin
        assert other.stdout.readline() == "open\n"
        yield root
        other.stdin.write("\n")
        other.stdin.flush()
        other.wait(timeout=60)


def test_a_busy_database_is_said_and_nothing_changed(
    busy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(busy)
    monkeypatch.setattr("sys.argv", ["holdfast", "assign", "letter", "--as-of", LAST, "-q"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 3
    message = capsys.readouterr().err
    assert "another program is using the database" in message
    assert "run the same command again" in message
    assert not (busy / "experiments" / "letter" / "lock.yaml").exists()


@pytest.mark.parametrize("started", [False, True])
def test_a_reader_in_the_same_process_keeps_the_writer_out(tmp_path: Path, started: bool) -> None:
    """What has not begun has no lock afterwards either: its design may still be edited."""
    root = in_tables(make(tmp_path))
    if started:
        letter(root).assign("2026-01-10")
    before = everything(root)
    with closing(duckdb.connect(str(root / "shop.duckdb"), read_only=True)), pytest.raises(TransientError, match="run"):
        letter(root).assign(LAST)
    assert everything(root) == before
    letter(root).assign(LAST)
    assert len(rows(root)) == 300


def test_two_at_once_in_threads_leave_one_result(root: Path, tmp_path: Path) -> None:
    start = threading.Barrier(4)

    def assign(_: int) -> int:
        handle = letter(root)
        start.wait()
        return handle.assign(LAST).added

    with ThreadPoolExecutor(4) as pool:
        added = list(pool.map(assign, range(4)))
    assert sorted(added) == [0, 0, 0, 300]
    assert len(rows(root)) == len({row[0] for row in rows(root)}) == 300
    letter(root).analyze()


def test_two_at_once_in_processes_leave_one_result(root: Path) -> None:
    program = (
        f"import holdfast; print(holdfast.open_project({str(root)!r}).experiment('letter').assign({LAST!r}).added)"
    )
    running = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    added = sorted(int(process.communicate(timeout=120)[0]) for process in running)
    assert [process.returncode for process in running] == [0, 0, 0]
    assert added == [0, 0, 300]
    assert len(rows(root)) == len({row[0] for row in rows(root)}) == 300
    assert not list(root.rglob("*.tmp"))


@pytest.mark.parametrize(
    "assignment",
    [
        "{method: hash, salt: letter-1}",
        "{method: hash, salt: letter-1, cluster: home}",
        "{method: balanced, salt: letter-1, strata: [country]}",
        "{method: balanced, salt: letter-1, cluster: home}",
    ],
)
def test_every_design_goes_on_day_by_day_in_either_store(root: Path, assignment: str) -> None:
    """Batches that follow, a look ahead over several, and batches that are missing: each joins what was assigned."""
    path = root / "experiments" / "letter" / "experiment.yaml"
    text = EXPERIMENT.replace("{method: hash, salt: letter-1}", assignment)
    path.write_text(text.replace("audience: {country: JP}\n", ""), encoding="utf-8")
    sources = root / "configs" / "sources" / "all.yaml"
    sources.write_text(SOURCES.replace("[country]", "[country, home]"), encoding="utf-8")
    with database(root) as con:
        con.execute("ALTER TABLE c ADD COLUMN home VARCHAR")
        con.execute("UPDATE c SET home = 'h' || (CAST(id[2:] AS INTEGER) // 3)")
    letter(root).assign("2026-01-10")
    ahead = letter(root).preview(LAST)
    letter(root).assign("2026-01-11")
    done = letter(root).assign(LAST)
    assert sum(sum(batch.values()) for batch in ahead.batches.values()) + sum(ahead.assigned.values()) == 400
    assert sum(done.counts.values()) == 400
    kept, locked = rows(root), lock(root)
    if "home" in assignment:
        with database(root) as con:
            homes = dict(con.execute("SELECT id, home FROM c").fetchall())
        variants = {(homes[row[0]], row[1]) for row in kept}
        assert len(variants) == len({home for home, _ in variants})
    if tabled(root):
        with database(root) as con:
            for table in ("assignment_units", "assignment_batches"):
                con.execute(f"DELETE FROM holdfast.{table} WHERE batch > DATE '2026-01-11'")
        letter(root).assign(LAST)
        assert (rows(root), lock(root)) == (kept, locked)
