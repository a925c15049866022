"""docs/recheck.md does what it says: its own code, taken from the page, finds exactly the wrong rows of a list.

The list is every published vector with its variant, and a copy of it with a wrong one. Only the salt, the bounds and
the names of the variants are put in, as the page asks its reader to. Where an engine is not to be had, its statement is
parsed in its dialect, and differs from those that are run in nothing but the expression for the hash.
"""

from __future__ import annotations

import csv
import re
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot

from holdfast import hashing
from tests.conftest import ROOT
from tests.contracts.vectors import ROWS, Vector

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.engines.conftest import Postgres

PAGE = (ROOT / "docs/recheck.md").read_text(encoding="utf-8")
RUN = ["DuckDB", "PostgreSQL", "Spark and Databricks"]
PARSED = {"BigQuery": "bigquery", "Snowflake": "snowflake", "Trino": "trino", "ClickHouse": "clickhouse"}
WRONG = "wrong"

Listed = tuple[str, str | None]
Check = Callable[[str, list[Listed]], list[Listed]]


@cache
def code(heading: str, language: str) -> str:
    """The one block of code in a language under a heading."""
    section = re.split(r"^#+ ", PAGE.partition(f"# {heading}\n")[2], flags=re.M)[0]
    (found,) = re.findall(rf"```{language}\n(.*?)```", section, re.S)
    return str(found)


def plans() -> list[list[Vector]]:
    """The vectors of each plan: one salt, one traffic, one set of weights."""

    def plan(row: Vector) -> tuple[str, str, str]:
        return row.salt, row.traffic, row.weights

    return [list(rows) for _, rows in groupby(sorted(ROWS, key=plan), plan)]


def listed(rows: list[Vector]) -> list[Listed]:
    """The right rows, and after each a wrong one."""
    return [(row.id, variant) for row in rows for variant in (row.variant or None, WRONG)]


def filled_in(statement: str, plan: Vector) -> str:
    """The statement of the page with the settings of a plan."""
    lines = "".join(
        f"  WHEN h_variant < {limit} THEN '{variant}'\n" for variant, limit in hashing.variant_limits(plan.shares)
    )
    text, salts = re.subn("winback-1", plan.salt, statement)
    text, traffics = re.subn(r"h_traffic >= \d+", f"h_traffic >= {hashing.share_limit(plan.traffic)}", text)
    text, blocks = re.subn(r"(  WHEN h_variant < \d+ THEN '\w+'\n)+", lines, text)
    assert (salts, traffics, blocks) == (2, 1, 1)
    return text


def with_duckdb(sql: str, rows: list[Listed]) -> list[Listed]:
    with duckdb.connect() as connection:
        connection.register("assignments", pa.table({"unit": [r[0] for r in rows], "variant": [r[1] for r in rows]}))
        return connection.execute(sql).fetchall()


@pytest.fixture
def with_postgres(postgres: Postgres) -> Check:
    def check(sql: str, rows: list[Listed]) -> list[Listed]:
        with postgres.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE assignments (unit text, variant text)")
            cursor.executemany("INSERT INTO assignments VALUES (%s, %s)", rows)
            return cursor.execute(sql).fetchall()

    return check


@pytest.fixture
def with_spark(spark: SparkSession, tmp_path: Path) -> Check:
    def check(sql: str, rows: list[Listed]) -> list[Listed]:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.parquet"
        pq.write_table(pa.table({"unit": [r[0] for r in rows], "variant": [r[1] for r in rows]}), path)
        spark.read.parquet(str(path)).createOrReplaceTempView("assignments")
        return [tuple(row) for row in spark.sql(sql).collect()]

    return check


def finds_the_wrong_ones(check: Check, statement: str) -> None:
    for rows in plans():
        found = check(filled_in(statement, rows[0]), listed(rows))
        assert sorted(found) == sorted((row.id, WRONG) for row in rows)


def test_the_statement_for_duckdb() -> None:
    finds_the_wrong_ones(with_duckdb, code("DuckDB", "sql"))


def test_the_statement_for_postgres(with_postgres: Check) -> None:
    finds_the_wrong_ones(with_postgres, code("PostgreSQL", "sql"))


def test_the_statement_for_spark(with_spark: Check) -> None:
    finds_the_wrong_ones(with_spark, code("Spark and Databricks", "sql"))


def test_a_row_without_a_unit_is_found() -> None:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE assignments AS SELECT NULL::VARCHAR AS unit, 'control' AS variant")
        assert connection.execute(code("DuckDB", "sql")).fetchall() == [(None, "control")]


@pytest.mark.parametrize("engine", [*RUN, *PARSED])
def test_statements_differ_in_the_hash_alone(engine: str) -> None:
    def rest(statement: str) -> str:
        text, hashes = re.subn(r"^    .*'(winback-1:\w+:)'.* AS (h_\w+)(,?)$", r"\1 \2\3", statement, flags=re.M)
        assert hashes == 2
        return text

    assert rest(code(engine, "sql")) == rest(code("DuckDB", "sql"))


@pytest.mark.parametrize(("engine", "dialect"), PARSED.items())
def test_statements_that_cannot_be_run_are_parsed(engine: str, dialect: str) -> None:
    (tree,) = sqlglot.parse(code(engine, "sql"), read=dialect)
    assert isinstance(tree, sqlglot.exp.Select)
    assert len(list(tree.find_all(sqlglot.exp.MD5, sqlglot.exp.MD5Digest))) == 2
    assert engine in PAGE.partition("are only parsed there")[0].rpartition("Those for")[2]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[Listed]], Path]:
    folder = tmp_path_factory.mktemp("exported")

    def export(rows: list[Listed]) -> Path:
        path = folder / "list.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("unit", "variant"), *rows])
        return path

    return export


def test_the_script(exported: Callable[[list[Listed]], Path]) -> None:
    script = code("With Python's standard library", "python")
    (settings,) = re.findall(r"^SALT, .*$", script, re.M)
    for rows in plans():
        traffic = f"{Decimal(rows[0].traffic) * 100:f}%"
        text = script.replace(settings, f"SALT, TRAFFIC, WEIGHTS = {rows[0].salt!r}, {traffic!r}, {rows[0].shares!r}")
        # Alone with the standard library: no site packages, no settings from the environment.
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-X", "utf8", "-c", text, exported(listed(rows))],
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.stderr == ""
        assert done.returncode == 1
        assert done.stdout.endswith(f"{2 * len(rows)} units, {len(rows)} of them not as the hash says\n")
        assert all(f"{row.id}: 'wrong' in the list, {row.variant!r} by the hash\n" in done.stdout for row in rows)


def test_the_script_as_it_stands_is_content_with_a_right_list(exported: Callable[[list[Listed]], Path]) -> None:
    script = code("With Python's standard library", "python")
    rows = [(row.id, row.variant) for row in ROWS if (row.salt, row.weights) == ("winback-1", "control:50;treated:50")]
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, exported(list(rows))], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, f"{len(rows)} units, 0 of them not as the hash says\n")


def test_the_line_for_a_shell() -> None:
    done = subprocess.run(["bash", "-c", code("One unit in a shell", "sh")], capture_output=True, text=True, check=True)
    assert f"prints {done.stdout.strip()}, which is not below" in PAGE
    assert int(done.stdout) == hashing.bucket("winback-1", "variant", "customer-17")


def test_the_bounds_in_the_table() -> None:
    shown = dict(re.findall(r"^\| (\S.*?) \| ([\d, ]+) \|$", PAGE, re.M))
    shares = {"100 %": "1", "50 %; weights 50 : 50, after the first": "0.5", "10 %": "0.1"}
    assert {name: shown.pop(name) for name in shares} == {
        name: str(hashing.share_limit(share)) for name, share in shares.items()
    }
    uneven, three = hashing.variant_limits({"a": 90, "b": 10}), hashing.variant_limits({"a": 1, "b": 1, "c": 1})
    assert list(shown.values()) == [str(uneven[0][1]), f"{three[0][1]}, {three[1][1]}"]


def test_slots_and_holdouts() -> None:
    """Beside the product's own hash in Python, for units before, within and after the holdout's dates."""
    days = {"2025-12-31 14:59:59": False, "2025-12-31 15:00:00": True, "2026-12-31 14:59:59": True}
    days |= {"2026-12-31 15:00:00": False}
    rows = [(f"customer-{number}", moment) for number in range(500) for moment in days]

    def wrong(unit: str, moment: str) -> bool:
        outside = hashing.bucket("lifecycle-offers-1", "slot", unit) >= hashing.share_limit("0.5")
        held_out = hashing.bucket("global-2026", "holdout", unit) < hashing.share_limit("0.05")
        return outside or (held_out and days[moment])

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("rows", pa.table({"unit": [r[0] for r in rows], "moment": [r[1] for r in rows]}))
        connection.execute(
            "CREATE TABLE assignments AS SELECT unit, CAST(moment AS TIMESTAMP) AS assigned_at FROM rows"
        )
        found = connection.execute(code("Slots and holdouts", "sql")).fetchall()
    assert sorted(row[0] for row in found) == sorted(unit for unit, moment in rows if wrong(unit, moment))
    assert 1000 < len(found) < 1200
