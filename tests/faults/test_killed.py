"""Killed at any point, an assignment is there as a whole or not at all, and the next run completes it: nobody moves.

Every run is killed once at every point (tests/faults/killing.py says what a point is), for both stores. After each kill
the project is looked at by means that share no code with the product, then assigned again, and compared, byte for byte
and row for row, with a run that nobody disturbed.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from tests.faults.killing import Killer

PROJECT = """\
schema_version: 1
project: small
timezone: UTC
currency: USD
connection: {database: shop.duckdb}
units: {customer: {source: customers}}
"""
IN_THE_ENGINE = "assignment_store: {schema: holdfast}\n"
SHARED = {
    "sources/all.yaml": """\
sources:
  customers: {grain: unit, table: c, keys: {customer: id}, known_from: since}
  orders: {grain: event, table: o, keys: {customer: id}, timestamp: moment, facts: {order: null}}
""",
    "metrics/all.yaml": """\
metrics: {bought: {operation: conversion, fact: orders.order, window: 14d, desired_change: increase}}
""",
    "tactics/all.yaml": "tactics: {a-letter: {type: custom, title: A letter, label: letter}}\n",
}
EXPERIMENT = """\
owner: a@example.com
hypothesis: A letter brings customers back.
assignment: {method: hash}
variants:
  control: {weight: 1, control: true, tactic: nothing}
  letter: {weight: 1, tactic: a-letter}
enroll: ENROLL
metrics: {primary: bought}
"""
SNAPSHOT = "{date: 2026-01-12}"
DAILY = "{from: 2026-01-10, for: 3d, each: day}"
LAST = "2026-01-12"
FIRST_SALT, SECOND_SALT = "aaaaaaaa", "bbbbbbbb"


def make(root: Path, store: str, enroll: str) -> Path:
    """A project whose customers are a table, assigned to files or to tables."""
    files = {f"configs/{name}": text for name, text in SHARED.items()}
    files["configs/project.yaml"] = PROJECT + (IN_THE_ENGINE if store == "tables" else "")
    files["experiments/letter/experiment.yaml"] = EXPERIMENT.replace("ENROLL", enroll)
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with closing(duckdb.connect(str(root / "shop.duckdb"))) as con:
        con.execute(
            "CREATE TABLE c AS SELECT 'K' || i AS id, TIMESTAMP '2026-01-09' + INTERVAL (i % 4) DAY AS since "
            "FROM range(1000) t(i)"
        )
        con.execute("CREATE TABLE o AS SELECT 'K1' AS id, TIMESTAMP '2026-01-09' AS moment")
    return root


@pytest.fixture(scope="module")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killer]:
    warm_up = tmp_path_factory.mktemp("warm")
    for store in ("files", "tables"):
        make(warm_up / store, store, DAILY)
    found = Killer(warm_up)
    yield found
    found.close()


@dataclass(frozen=True)
class Scene:
    """A project before the run that is killed, and what that run makes of it."""

    store: str
    root: Path
    points: tuple[str, ...]
    finished: dict[str, dict[str, object]]
    """Everything after an undisturbed run, by the salt that it drew."""

    def copy(self, target: Path) -> Path:
        shutil.rmtree(target, ignore_errors=True)
        return Path(shutil.copytree(self.root, target))


def scene(killer: Killer, folder: Path, store: str, kind: str) -> Scene:
    root = make(folder / "before", store, SNAPSHOT if kind == "snapshot" else DAILY)
    if kind == "later batches":
        assert killer.assign(root, "2026-01-10", FIRST_SALT).code == 0
    points: tuple[str, ...] = ()
    finished = {}
    for salt in (SECOND_SALT, FIRST_SALT):
        target = Path(shutil.copytree(root, folder / salt))
        done = killer.assign(target, LAST, salt)
        assert done.code == 0
        points = done.points
        finished[salt] = everything(target, store)
    assert (finished[FIRST_SALT] == finished[SECOND_SALT]) == (kind == "later batches")
    return Scene(store, root, points, finished)


def everything(root: Path, store: str) -> dict[str, object]:
    """Every name below the project, hidden ones too, with its bytes; and the tables' rows."""
    found: dict[str, object] = {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in sorted(root.rglob("*"))
        if not path.name.endswith(".lock") and not path.name.startswith("shop.duckdb")
    }
    if store == "tables":
        for name in ("assignment_units", "assignment_batches"):
            found[name] = table(root, f"SELECT * FROM holdfast.{name} ORDER BY ALL")
    return found


def table(root: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(duckdb.connect(str(root / "shop.duckdb"), read_only=True)) as con:
        try:
            return con.execute(query).fetchall()
        except duckdb.CatalogException:
            return []


Batch = tuple[str, dict[str, int], str]


def whole(root: Path, store: str) -> list[Batch]:
    """The batches that a project holds, after a look at whether each of them is there as a whole."""
    batches = _in_tables(root) if store == "tables" else _in_files(root)
    path = root / "experiments" / "letter" / "lock.yaml"
    if not path.exists():
        assert not batches, "customers are assigned and nothing says by which design"
        return []
    locked = yaml.safe_load(path.read_text(encoding="utf-8"))
    known = [(batch["as_of"], batch["counts"], batch["checksum"]) for batch in locked["batches"]]
    assert known == batches[: len(known)], "the lock says otherwise than the manifest"
    assert len(batches) - len(known) <= 1, "the lock is far behind"
    return batches


def _in_files(root: Path) -> list[Batch]:
    folder = root / "data" / "assignments" / "letter" / "v1"
    index, journal = folder / "manifest.json", folder / ".adding"
    document = json.loads(index.read_text(encoding="utf-8")) if index.exists() else {"batches": []}
    for batch in document["batches"]:
        assert hashlib.sha256((folder / batch["file"]).read_bytes()).hexdigest() == batch["digest"]
    named = {batch["file"] for batch in document["batches"]}
    begun = set(journal.read_text(encoding="utf-8").split()) if journal.exists() else set()
    assert {path.name for path in folder.glob("*.parquet")} <= named | begun, "a file that nothing speaks of"
    return [(batch["as_of"], batch["counts"], batch["checksum"]) for batch in document["batches"]]


def _in_tables(root: Path) -> list[Batch]:
    found = table(root, "SELECT batch::VARCHAR, counts, checksum FROM holdfast.assignment_batches ORDER BY batch")
    batches = [(day, json.loads(counts), checksum) for day, counts, checksum in found]
    units = table(
        root, "SELECT batch::VARCHAR, variant, count(*) FROM holdfast.assignment_units GROUP BY ALL ORDER BY ALL"
    )
    assert units == [(day, variant, n) for day, counts, _ in batches for variant, n in sorted(counts.items())]
    return batches


def check_one(
    killer: Killer,
    place: Scene,
    target: Path,
    at: int,
    *,
    delay: float | None = None,
    sabotage: str = "",
    completed: set[str] | None = None,
) -> None:
    """Kill a run at a point, look, and let another run complete what it had begun.

    What the other run does depends on what it finds on the disk alone: a state that was completed once is not
    completed again.
    """
    root = place.copy(target)
    killed = killer.assign(root, LAST, FIRST_SALT, kill_at=at, delay=delay, sabotage=sabotage)
    assert killed.code == -9 or (delay and killed.code == 0)
    found = fingerprint(root)
    if completed is not None and found in completed:
        return
    seen = whole(root, place.store)
    drawn = (root / "experiments" / "letter" / "lock.yaml").exists()
    assert killer.assign(root, LAST, SECOND_SALT, sabotage=sabotage).code == 0
    final = whole(root, place.store)
    assert final[: len(seen)] == seen, "somebody moved"
    assert everything(root, place.store) == place.finished[FIRST_SALT if drawn else SECOND_SALT]
    if completed is not None:
        completed.add(found)


def fingerprint(root: Path) -> str:
    """A digest of every name and byte below a folder; the random part of temporary names is left out."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        name = re.sub(r"\.holdfast-[^/]*\.tmp", ".tmp", path.relative_to(root).as_posix())
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "a folder"
        digest.update(f"{name} {content}\n".encode())
    return digest.hexdigest()


STORES = ("files", "tables")
STEPS = {"snapshot": 1, "later batches": 3, "several batches": 6}
"""A snapshot is killed at every point. Where batch follows batch the points repeat, and every third or sixth is
taken, with the engine's own time between them in the test below."""


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("store", STORES)
def test_killed_at_every_point(killer: Killer, tmp_path: Path, store: str, kind: str) -> None:
    place = scene(killer, tmp_path, store, kind)
    chosen = range(1, len(place.points) + 1, STEPS[kind])
    assert len(chosen) >= (50 if kind == "snapshot" else 15)
    completed: set[str] = set()
    for at in chosen:
        try:
            check_one(killer, place, tmp_path / "run", at, completed=completed)
        except AssertionError as error:
            raise AssertionError(f"killed at point {at}, {place.points[at - 1]}: {error}") from error


@pytest.mark.parametrize("store", STORES)
def test_killed_in_the_middle_of_the_engines_work(killer: Killer, tmp_path: Path, store: str) -> None:
    """At seeded random times after each statement began: the engine's own writes have no points of ours."""
    place = scene(killer, tmp_path, store, "several batches")
    rng = random.Random(20260110)
    writes = ("INSERT", "COMMIT", "units that enrol", "CREATE")
    named = [(at, name) for at, name in enumerate(place.points, start=1) if name.startswith("engine")]
    engine = [at for at, name in named if any(write in name for write in writes)]
    for at in rng.choices(engine, k=20):
        check_one(killer, place, tmp_path / "run", at, delay=rng.uniform(0.0001, 0.008))


@pytest.mark.parametrize(
    ("store", "sabotage"),
    [
        ("files", "files are written in place"),
        ("files", "the index comes before its file"),
        ("files", "the lock comes last of all"),
        ("tables", "no transaction"),
    ],
)
def test_a_writer_that_is_not_atomic_is_caught(killer: Killer, tmp_path: Path, store: str, sabotage: str) -> None:
    """The same loop over worse writers must fail, or it would prove nothing."""
    place = scene(killer, tmp_path, store, "snapshot")
    for at in range(len(place.points), 0, -1):
        try:
            check_one(killer, place, tmp_path / "run", at, sabotage=sabotage)
        except (AssertionError, ValueError, yaml.YAMLError, FileNotFoundError):
            return
    pytest.fail("nothing was noticed")
