"""Holdfast reads: it leaves nothing in a warehouse, needs no right to write, and refuses sql that would."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import holdfast
from holdfast.errors import DataError, TransientError
from holdfast.warehouse.faults import refused
from tests.engines import project, shop

if TYPE_CHECKING:
    import psycopg
    from pyspark.sql import SparkSession

    from tests.engines.conftest import Postgres

CONNECTION = 'connection: {backend: postgres, url: "${env:HOLDFAST_TEST_READER}"}\n'
CATALOGUE = """
    SELECT 'relation', oid::text, relname::text, relfilenode::text FROM pg_class WHERE relpersistence <> 't'
    UNION ALL SELECT 'function', oid::text, proname::text, prosrc FROM pg_proc
    UNION ALL SELECT 'schema', oid::text, nspname::text, '' FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast_temp)'
    UNION ALL SELECT 'type', t.oid::text, typname::text, '' FROM pg_type t
        JOIN pg_namespace n ON n.oid = typnamespace AND nspname !~ '^pg_(temp|toast_temp)'
    UNION ALL SELECT 'role', oid::text, rolname::text, '' FROM pg_roles
    UNION ALL SELECT 'setting', setdatabase::text, setrole::text, setconfig::text FROM pg_db_role_setting
    ORDER BY 1, 2
"""


@pytest.fixture(scope="module")
def owner(postgres: Postgres) -> Iterator[psycopg.Connection[Any]]:
    """The owner of a database of its own, with a role that may only read."""
    with postgres.connect() as con:
        con.execute("CREATE DATABASE reading")
        con.execute("CREATE ROLE reader LOGIN")
    import psycopg

    with psycopg.connect(postgres.url(database="reading"), autocommit=True) as con:
        shop.into_postgres(con, "shop", shop.tables("text"))
        con.execute("GRANT USAGE ON SCHEMA shop TO reader")
        con.execute("GRANT SELECT ON ALL TABLES IN SCHEMA shop TO reader")
        con.execute("CREATE SEQUENCE shop.counter")
        con.execute("GRANT ALL ON SEQUENCE shop.counter TO reader")
        yield con


@pytest.fixture
def root(owner: object, postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOLDFAST_TEST_READER", postgres.url("reader", "reading"))
    return project.make(tmp_path, CONNECTION, "shop")


def contents(con: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """The whole catalogue, and every row of every table."""
    found = con.execute(CATALOGUE).fetchall()
    found += con.execute("SELECT last_value, is_called FROM shop.counter").fetchall()
    for (table,) in con.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'shop' ORDER BY 1").fetchall():
        text = f"SELECT '{table}', count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM shop.{table} t"
        found += con.execute(text.encode()).fetchall()
    return found


def test_nothing_is_written(owner: psycopg.Connection[Any], root: Path) -> None:
    """With a role that may read and nothing else; what was held is gone with the session."""
    before = contents(owner)
    experiment = holdfast.open_project(root).experiment("by-store")
    assert experiment.assign(project.AS_OF).added > 100
    assert experiment.analyze(project.AS_OF).analysis.variants
    assert contents(owner) == before
    assert owner.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'holdfast'").fetchone() == (0,)
    assert owner.execute("SELECT count(*) FROM pg_class WHERE relpersistence = 't'").fetchone() == (0,)


def test_a_role_without_temporary_tables(owner: psycopg.Connection[Any], root: Path) -> None:
    """Tables of another system are analysed with nothing held; files would have to be handed over, and are not."""
    owner.execute("REVOKE TEMPORARY ON DATABASE reading FROM PUBLIC")
    try:
        opened = holdfast.open_project(root)
        opened.experiment("elsewhere").assign(project.AS_OF)
        assert opened.experiment("elsewhere").analyze(project.AS_OF).analysis.variants
        opened.experiment("by-store").assign(project.AS_OF)
        with pytest.raises(DataError, match=r"may make no temporary tables.*grant it TEMPORARY.*assignment_store"):
            opened.experiment("by-store").analyze(project.AS_OF)
    finally:
        owner.execute("GRANT TEMPORARY ON DATABASE reading TO PUBLIC")


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("DELETE FROM shop.visits RETURNING id, day, pages", "one SELECT statement"),
        ("SELECT id, day, pages FROM shop.visits; DROP TABLE shop.visits", "one SELECT statement"),
        (
            "WITH gone AS (DELETE FROM shop.visits RETURNING *) SELECT id, day, pages FROM gone",
            "must be at the top level",
        ),
        ("SELECT id, day, pages + nextval('shop.counter') AS pages FROM shop.visits", "Holdfast only reads"),
        ("SELECT id, day, pages FROM shop.secrets", "does not exist"),
        ("SELECT id, day, pagess AS pages FROM shop.visits", "does not exist"),
        ("SELECT id, day, pages / (pages - pages) AS pages FROM shop.visits", "no number"),
    ],
)
def test_sql_that_does_more_than_read(owner: psycopg.Connection[Any], root: Path, sql: str, why: str) -> None:
    before = contents(owner)
    path = root / "configs" / "sources" / "shop.yaml"
    path.write_text(path.read_text().replace("SELECT id, day, pages FROM shop.visits WHERE pages > 0", sql))
    file = root / "experiments" / "elsewhere" / "experiment.yaml"
    file.write_text(
        file.read_text().replace(
            "spent: {operation: column, column: spent,", "spent: {operation: sum, fact: visits.pages, window: 14d,"
        )
    )
    with pytest.raises(DataError, match=why) as caught:
        holdfast.open_project(root).experiment("elsewhere").analyze(project.AS_OF)
    assert "Kunde" not in str(caught.value)
    assert contents(owner) == before


@pytest.mark.parametrize(
    ("change", "error", "why"),
    [
        ("host=/nowhere", TransientError, "connection to the server failed.*run the same command again"),
        ("dbname=nowhere", DataError, "lets nobody in"),
        ("user=nobody_here", DataError, "lets nobody in"),
    ],
)
def test_a_connection_that_fails(
    owner: object, root: Path, postgres: Postgres, monkeypatch: pytest.MonkeyPatch, change: str, error: Any, why: str
) -> None:
    settings = {"host": str(postgres.folder), "user": "reader", "dbname": "reading", "password": "hunter2"}
    name, value = change.split("=")
    settings[name] = value
    monkeypatch.setenv("HOLDFAST_TEST_READER", " ".join(f"{key}={text}" for key, text in settings.items()))
    with pytest.raises(error, match=why) as caught:
        holdfast.open_project(root).experiment("elsewhere").assign(project.AS_OF)
    assert "hunter2" not in str(caught.value)
    assert not (root / "experiments" / "elsewhere" / "lock.yaml").exists()


def test_a_table_that_is_not_there(root: Path) -> None:
    path = root / "configs" / "sources" / "shop.yaml"
    path.write_text(path.read_text().replace("table: shop.assigned", "table: shop.asigned"))
    with pytest.raises(DataError, match=r'source "assigned": there is no table "shop.asigned"'):
        holdfast.open_project(root).experiment("elsewhere").assign(project.AS_OF)


def test_an_engine_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = "connection: {backend: trino, options: {host: trino.example.com}}\n"
    root = project.make(tmp_path, connection, "shop")
    with pytest.raises(DataError, match=r'pip install "holdfast\[trino\]"'):
        holdfast.open_project(root).experiment("elsewhere").assign(project.AS_OF)


def test_a_variable_that_is_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLDFAST_TEST_READER", raising=False)
    root = project.make(tmp_path, CONNECTION, "shop")
    with pytest.raises(DataError, match="url names a variable of the environment that is not set"):
        holdfast.open_project(root).experiment("elsewhere").assign(project.AS_OF)


@pytest.mark.parametrize(
    "sql", ["DROP TABLE shop_text.visits", "INSERT INTO shop_text.visits SELECT 1", "SELECT 1; SELECT 2"]
)
def test_spark_is_asked_and_not_told(spark: SparkSession, tmp_path: Path, sql: str) -> None:
    """Spark runs a command at once when it is asked for its columns: it never gets one."""
    root = project.make(tmp_path, "connection: {backend: spark}\n", "shop")
    path = root / "configs" / "sources" / "shop.yaml"
    path.write_text(path.read_text().replace("table: shop.assigned", f"sql: {sql}"))
    with pytest.raises(DataError, match="one SELECT statement and nothing else"):
        holdfast.open_project(root).experiment("elsewhere").assign(project.AS_OF)


def test_what_spark_says_of_values_stays_there(spark: SparkSession) -> None:
    with pytest.raises(DataError, match="CAST_INVALID_INPUT") as caught, refused("the orders"):
        spark.sql("SELECT CAST(text AS INT) FROM VALUES ('customer-17') AS t (text)").collect()
    assert "customer-17" not in str(caught.value)
