"""The published vectors of the assignment hash in PostgreSQL and Spark, in the SQL that anybody may write there.

Everything is computed and compared as 64-bit integers inside the engine; tests/contracts/test_hash_vectors.py does the
same for Python and DuckDB and says what the vectors mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from holdfast import hashing
from tests.contracts.vectors import ROWS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.engines.conftest import Postgres

Ask = Callable[[str], list[tuple[Any, ...]]]

POSTGRES = "('x' || substr(md5({text}), 1, 13))::bit(52)::bigint"
SPARK = "cast(conv(substr(md5({text}), 1, 13), 16, 10) as bigint)"

NUMBERS = [0, 1, 17, -5, 2147483647, 9223372036854775807, -9223372036854775808]
UUIDS = [
    UUID("c2a1f6de-3d0b-4b1e-9a55-0f0c6c3c9e11"),
    UUID("00000000-0000-0000-0000-000000000000"),
    UUID("ffffffff-ffff-ffff-ffff-ffffffffffff"),
]

VECTORS = {
    "number": "int",
    "salt": "text",
    "id": "text",
    "share": "bigint",
    "h_traffic": "bigint",
    "h_variant": "bigint",
    "variant": "text",
}
BOUNDS = {"number": "int", "variant": "text", "low": "bigint", "high": "bigint"}


def vectors() -> list[tuple[Any, ...]]:
    """One row a vector: its number, what it is hashed from, the bound of the traffic, and what is expected."""
    return [
        (k, row.salt, row.id, hashing.share_limit(row.traffic), int(row.h_traffic), int(row.h_variant), row.variant)
        for k, row in enumerate(ROWS)
    ]


def bounds() -> list[tuple[Any, ...]]:
    """One row a variant of a vector: from where (included) to where (excluded) its hashes lie."""
    found = []
    for k, row in enumerate(ROWS):
        low = 0
        for variant, high in hashing.variant_limits(row.shares):
            found.append((k, variant, low, high))
            low = high
    return found


TABLES = (("vectors", VECTORS, vectors), ("bounds", BOUNDS, bounds))


@pytest.fixture(scope="module")
def ask_postgres(postgres: Postgres) -> Iterator[Ask]:
    with postgres.connect() as connection:
        for name, columns, rows in TABLES:
            listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
            connection.execute(f"CREATE TEMP TABLE {name} ({listed})")
            with connection.cursor() as cursor:
                cursor.executemany(f"INSERT INTO {name} VALUES ({', '.join(['%s'] * len(columns))})", rows())
        yield lambda sql: connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def ask_spark(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    folder = tmp_path_factory.mktemp("vectors")
    for name, columns, rows in TABLES:
        path = str(folder / f"{name}.parquet")
        pq.write_table(pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in rows()]), path)
        spark.read.parquet(path).createOrReplaceTempView(name)
    yield lambda sql: [tuple(row) for row in spark.sql(sql).collect()]
    for name, _, _ in TABLES:
        spark.catalog.dropTempView(name)


ENGINES = [pytest.param("ask_postgres", POSTGRES, id="postgres"), pytest.param("ask_spark", SPARK, id="spark")]


def compared(expression: str) -> str:
    """Each vector beside what the engine makes of it: its number and whether hashes and variant agree."""
    return f"""
        WITH hashed AS (
          SELECT vectors.*,
            {expression.format(text="salt || ':traffic:' || id")} AS own_traffic,
            {expression.format(text="salt || ':variant:' || id")} AS own_variant
          FROM vectors
        ), chosen AS (
          SELECT hashed.*, CASE WHEN own_traffic < share THEN bounds.variant ELSE '' END AS own
          FROM hashed JOIN bounds ON bounds.number = hashed.number AND own_variant >= low AND own_variant < high
        )
        SELECT number, own_traffic = h_traffic, own_variant = h_variant, own = variant FROM chosen ORDER BY number
    """


@pytest.mark.parametrize(("engine", "expression"), ENGINES)
def test_every_vector(engine: str, expression: str, request: pytest.FixtureRequest) -> None:
    ask: Ask = request.getfixturevalue(engine)
    assert ask(compared(expression)) == [(k, True, True, True) for k in range(len(ROWS))]


@pytest.mark.parametrize(("engine", "expression"), ENGINES)
def test_hashes_are_integers_of_64_bits(engine: str, expression: str, request: pytest.FixtureRequest) -> None:
    ask: Ask = request.getfixturevalue(engine)
    hashed = expression.format(text="'winback-1:variant:customer-17'")
    named = f"pg_typeof({hashed})::text" if engine == "ask_postgres" else f"typeof({hashed})"
    assert ask(f"SELECT {named}, {hashed}") == [("bigint", 3763941586337812)]


def expected(unit: hashing.UnitId) -> int:
    return hashing.bucket("winback-1", "variant", unit)


@pytest.mark.parametrize(
    ("kind", "units"), [("bigint", NUMBERS), ("integer", NUMBERS[:5]), ("numeric(20)", NUMBERS), ("uuid", UUIDS)]
)
def test_ids_of_postgres_own_types(kind: str, units: list[Any], ask_postgres: Ask) -> None:
    """Upper-case input, too: the text that is hashed is the type's own."""
    texts = ", ".join(f"('{str(unit).upper()}'::{kind})" for unit in units)
    hashed = POSTGRES.format(text="'winback-1:variant:' || id::text")
    assert ask_postgres(f"SELECT {hashed} FROM (VALUES {texts}) AS units (id)") == [(expected(u),) for u in units]


@pytest.mark.parametrize(
    ("kind", "units"), [("bigint", NUMBERS), ("int", NUMBERS[:5]), ("decimal(20, 0)", NUMBERS), ("string", UUIDS)]
)
def test_ids_of_sparks_own_types(kind: str, units: list[Any], ask_spark: Ask) -> None:
    """Spark has no type for UUIDs; they are texts, in lower case."""
    texts = ", ".join(f"({k}, cast('{unit}' AS {kind}))" for k, unit in enumerate(units))
    hashed = SPARK.format(text="'winback-1:variant:' || cast(id AS string)")
    found = ask_spark(f"SELECT {hashed} FROM VALUES {texts} AS units (k, id) ORDER BY k")
    assert found == [(expected(unit),) for unit in units]


@pytest.mark.parametrize(("engine", "expression"), ENGINES)
def test_a_missing_id_has_no_hash(engine: str, expression: str, request: pytest.FixtureRequest) -> None:
    ask: Ask = request.getfixturevalue(engine)
    kind = "text" if engine == "ask_postgres" else "string"
    assert ask(f"SELECT {expression.format(text=f'cast(null AS {kind})')}") == [(None,)]
