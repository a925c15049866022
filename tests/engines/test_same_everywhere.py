"""The same project on DuckDB, PostgreSQL and Spark: the same customers in the same variants, and the same numbers.

Only `connection` differs. Who was assigned to what is compared row by row. Of what an analysis reads, every field is
compared, whatever it is: counts, dates and texts exactly, numbers to 1e-9 of their size.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

import holdfast
from holdfast import warehouse
from holdfast.model.manifest import Manifest
from holdfast.model.reading import Reading
from tests.engines import project, shop

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.engines.conftest import Postgres

SPARK = """\
connection:
  backend: spark
  options: {spark.sql.codegen.wholeStage: false, spark.sql.shuffle.partitions: 1, spark.sql.adaptive.enabled: false}
"""
NOT_COMPARED = {"statements", "engine"}
"""Fields of a reading that name the engine."""


@dataclass(frozen=True)
class Outcome:
    """What one experiment came to on one engine."""

    units: list[tuple[Any, ...]]
    batches: list[tuple[Any, ...]]
    reading: Reading


@pytest.fixture(scope="session")
def shops(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Callable[[str, str], Path]:
    """A project on an engine, with keys of a type; each is made once."""
    made: dict[tuple[str, str], Path] = {}

    def make(engine: str, keys: str) -> Path:
        if (engine, keys) not in made:
            root = tmp_path_factory.mktemp(f"{engine}-{keys}")
            found = shop.tables(keys)
            schema = f"shop_{keys}"
            match engine:
                case "duckdb":
                    shop.into_duckdb(root / "shop.duckdb", found)
                    connection, schema = "connection: {database: shop.duckdb}\n", "main"
                case "postgres":
                    server: Postgres = request.getfixturevalue("postgres")
                    os.environ["HOLDFAST_TEST_POSTGRES"] = server.url()
                    with server.connect() as con:
                        shop.into_postgres(con, schema, found)
                    connection = 'connection: {backend: postgres, url: "${env:HOLDFAST_TEST_POSTGRES}"}\n'
                case _:
                    session: SparkSession = request.getfixturevalue("spark")
                    shop.into_spark(session, schema, found, root / "tables")
                    connection = SPARK
            made[engine, keys] = project.make(root, connection, schema)
        return made[engine, keys]

    return make


@pytest.fixture(scope="session")
def outcomes(shops: Callable[[str, str], Path]) -> Callable[[str, str, str], Outcome]:
    """What an experiment comes to on an engine; each is run once."""
    found: dict[tuple[str, str, str], Outcome] = {}

    def run(engine: str, keys: str, slug: str) -> Outcome:
        if (engine, keys, slug) not in found:
            found[engine, keys, slug] = outcome(shops(engine, keys), slug)
        return found[engine, keys, slug]

    return run


def outcome(root: Path, slug: str) -> Outcome:
    """Assign and analyse, and what was read on the way."""
    experiment = holdfast.open_project(root).experiment(slug)
    experiment.assign(project.AS_OF)
    read: list[Reading] = []
    original = warehouse.read

    def recorded(*arguments: Any) -> Reading:
        read.append(original(*arguments))
        return read[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warehouse, "read", recorded)
        experiment.analyze(project.AS_OF)
    return Outcome(*assigned(root, slug), read[0])


def assigned(root: Path, slug: str) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Every assigned unit, and what each batch says of itself; files have their own types, as ids do."""
    folder = root / "data" / "assignments" / slug / "v1"
    if not (folder / "manifest.json").exists():
        return [], []
    manifest = Manifest.from_json(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
    batches = [(batch.as_of, dict(batch.counts), batch.checksum, batch.draw) for batch in manifest.batches]
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        columns = "CAST(unit AS VARCHAR), variant, stratum, cluster, assigned_at, hash_version"
        rows = con.execute(f"SELECT {columns} FROM '{folder}/*.parquet' ORDER BY 1").fetchall()
        kinds = con.execute(f"DESCRIBE SELECT * EXCLUDE unit FROM '{folder}/*.parquet'").fetchall()
    return [*rows, *[(name, kind) for name, kind, *_ in kinds]], batches


def differences(one: Any, other: Any, where: str = "") -> Iterator[str]:
    """Where two values differ; of dataclasses every field is looked at."""
    if dataclasses.is_dataclass(one) and type(one) is type(other):
        for field in dataclasses.fields(one):
            if field.name not in NOT_COMPARED:
                yield from differences(getattr(one, field.name), getattr(other, field.name), f"{where}.{field.name}")
    elif isinstance(one, Mapping) and isinstance(other, Mapping):
        if one.keys() != other.keys():
            only = [sorted(map(str, keys)) for keys in (one.keys() - other.keys(), other.keys() - one.keys())]
            yield f"{where}: only here {only[0]}, only there {only[1]}"
        for key in one.keys() & other.keys():
            yield from differences(one[key], other[key], f"{where}[{key}]")
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) != len(other):
            yield f"{where}: {len(one)} and {len(other)} of them"
        for place, pair in enumerate(zip(one, other, strict=False)):
            yield from differences(*pair, f"{where}[{place}]")
    elif isinstance(one, float) and isinstance(other, float):
        if not math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-300):
            yield f"{where}: {one!r} and {other!r}"
    elif one != other or type(one) is not type(other):
        yield f"{where}: {one!r} and {other!r}"


def test_differences_are_seen() -> None:
    """In nested values, whatever the field is called."""

    @dataclass(frozen=True)
    class Inner:
        mean: tuple[float, ...]

    @dataclass(frozen=True)
    class Outer:
        cells: Mapping[tuple[str, str], Inner]
        engine: str

    one = Outer({("a", "b"): Inner((1.0, 2.0))}, "one")
    assert not list(differences(one, Outer({("a", "b"): Inner((1.0, 2.0 + 1e-12))}, "two")))
    assert len(list(differences(one, Outer({("a", "b"): Inner((1.0, 2.0 + 1e-6))}, "one")))) == 1
    assert len(list(differences(one, Outer({("a", "c"): Inner((1.0, 2.0))}, "one")))) == 1
    assert len(list(differences({"n": 1}, {"n": 1.0}))) == 1


@pytest.mark.parametrize("engine", ["postgres", "spark"])
@pytest.mark.parametrize("slug", project.SLUGS)
def test_every_experiment(engine: str, slug: str, outcomes: Callable[[str, str, str], Outcome]) -> None:
    ours, theirs = outcomes("duckdb", "text", slug), outcomes(engine, "text", slug)
    assert theirs.reading.engine.startswith(engine)
    assert sum(ours.reading.assigned.values()) > 25
    assert list(differences(ours, theirs)) == []


@pytest.mark.parametrize("engine", ["postgres", "spark"])
@pytest.mark.parametrize("keys", ["bigint", "uuid"])
def test_keys_of_every_type(engine: str, keys: str, outcomes: Callable[[str, str, str], Outcome]) -> None:
    """Their texts are what is hashed, and they meet their facts again."""
    ours, theirs = outcomes("duckdb", keys, "by-store"), outcomes(engine, keys, "by-store")
    assert any(cell.moments.mean[0] > 0 for cell in theirs.reading.cells.values())
    assert list(differences(ours, theirs)) == []


def test_both_stores_of_postgres_hold_the_same(
    shops: Callable[[str, str], Path], tmp_path: Path, outcomes: Any
) -> None:
    """Files, and tables in the engine."""
    root = Path(shutil.copytree(shops("postgres", "text"), tmp_path / "tables", ignore=shutil.ignore_patterns("data")))
    (root / "experiments" / "by-block" / "lock.yaml").unlink(missing_ok=True)
    path = root / "configs" / "project.yaml"
    path.write_text(path.read_text() + "assignment_store: {schema: holdfast_kept}\n", encoding="utf-8")
    in_files = outcomes("postgres", "text", "by-block")
    in_tables = outcome(root, "by-block")
    assert not list(root.glob("data/assignments/**/*.parquet"))
    assert list(differences(in_files.reading, in_tables.reading)) == []
    again = holdfast.open_project(root).experiment("by-block").assign(project.AS_OF)
    assert again.added == 0
