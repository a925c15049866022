"""One small shop, drawn from a seed, in three engines: the same rows, each in the engine's own types.

Everything that tables of real warehouses hold is in it: keys as text, integer or UUID; instants, wall-clock times of a
zone with daylight saving (also those that it skips and those that come twice) and dates; amounts as decimals, doubles
and integers; missing values and codes for them; facts at the very moment of an assignment and a microsecond beside it.
"""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

if TYPE_CHECKING:
    import psycopg
    from pyspark.sql import SparkSession

ZONE = ZoneInfo("Europe/Berlin")
START = dt.date(2025, 10, 21)
"""First day of enrolment; the clocks go back on 26 October, at 03:00."""
CUSTOMERS = 600
KEYS: dict[str, tuple[str, Callable[[int], Any]]] = {
    "text": ("text", lambda n: f"Kunde-{n:04d}'é"),
    "bigint": ("bigint", lambda n: 10**12 + n),
    "uuid": ("uuid", lambda n: uuid.UUID(int=n * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128)),
}
"""Types of keys, and the key of a customer."""
Table = tuple[dict[str, str], list[tuple[Any, ...]]]
_ARROW = {
    "text": pa.string(),
    "uuid": pa.string(),
    "bigint": pa.int64(),
    "integer": pa.int32(),
    "boolean": pa.bool_(),
    "double": pa.float64(),
    "decimal": pa.decimal128(12, 2),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}
_POSTGRES = {"double": "double precision", "decimal": "numeric(12, 2)"}
_DUCKDB = {"text": "VARCHAR", "decimal": "DECIMAL(12, 2)"}


def tables(keys: str, seed: int = 7) -> dict[str, Table]:
    """Every table by its name: its columns with their types, and its rows."""
    rng = random.Random(seed)
    kind, key = KEYS[keys]
    customers, orders, sessions, subscriptions, messages, assigned = [], [], [], [], [], []
    for number in range(CUSTOMERS):
        unit = key(number)
        since = START - dt.timedelta(days=rng.randrange(-6, 500))
        customers.append(
            (
                unit,
                since,
                rng.choice(["DE", "AT", "CH", None]),
                rng.choice([None, rng.randrange(16, 90), -1]),
                rng.choice([True, True, False, None]),
                Decimal(rng.randrange(0, 500_000)) / 100,
                number // 7 + 5000,
                f"store-{number % 23}",
                rng.random() < 0.03,
            )
        )
        base = _instant(START) + dt.timedelta(days=rng.randrange(5))
        for _ in range(rng.choice([0, 0, 1, 2, 4, 9])):
            orders.append((unit, *_order(rng, base)))
        for _ in range(rng.choice([0, 1, 3, 6])):
            sessions.append((unit, _wall(rng), rng.choice(["home", "cart", "Büro", None]), rng.uniform(0.1, 90)))
        if rng.random() < 0.6:
            begun = base - dt.timedelta(days=rng.uniform(-3, 200))
            ended = None if rng.random() < 0.4 else begun + dt.timedelta(days=rng.uniform(1, 240))
            subscriptions.append((unit, begun.replace(tzinfo=None), ended, rng.choice(["basic", "plus"])))
        for _ in range(rng.choice([0, 0, 1, 2, 3])):
            messages.append((unit, base - dt.timedelta(hours=rng.randrange(1, 24 * 14)), rng.choice([None, True])))
        label = rng.choice(["A", "B", "B", "?"] if number % 50 == 0 else ["A", "B"])
        outcome = (Decimal(rng.randrange(0, 9000)) / 100, rng.random() < 0.4, rng.choice([None, rng.randrange(9)]))
        assigned.append((unit, label, base, START + dt.timedelta(days=number % 4), *outcome))
    return {
        "customers": (
            {
                "id": kind,
                "since": "date",
                "country": "text",
                "age": "integer",
                "opted_in": "boolean",
                "points": "decimal",
                "household": "bigint",
                "store": "text",
                "is_test": "boolean",
            },
            customers,
        ),
        "orders": (
            {
                "id": kind,
                "at": "timestamptz",
                "amount": "decimal",
                "margin": "double",
                "items": "integer",
                "channel": "text",
                "returned": "boolean",
            },
            orders,
        ),
        "sessions": ({"id": kind, "begun": "timestamp", "page": "text", "minutes": "double"}, sessions),
        "subscriptions": (
            {"id": kind, "begun": "timestamp", "ended": "timestamptz", "plan": "text"},
            subscriptions,
        ),
        "messages": ({"id": kind, "sent_at": "timestamptz", "left_us": "boolean"}, messages),
        "visits": (
            {"id": kind, "day": "date", "pages": "bigint"},
            [(key(n % CUSTOMERS), START + dt.timedelta(days=(n * 13) % 60 - 20), n % 11) for n in range(700)],
        ),
        "assigned": (
            {
                "id": kind,
                "label": "text",
                "at": "timestamptz",
                "sent_on": "date",
                "spent": "decimal",
                "came": "boolean",
                "stars": "integer",
            },
            assigned,
        ),
    }


def _instant(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), ZONE).astimezone(dt.UTC)


def _order(rng: random.Random, base: dt.datetime) -> tuple[Any, ...]:
    """An order around an assignment: now and then exactly so many days after it, or a microsecond from that."""
    at = base + dt.timedelta(microseconds=rng.randrange(-40 * 86_400 * 10**6, 40 * 86_400 * 10**6))
    edge = rng.random()
    if edge < 0.3:
        days = rng.choice([0, 3, 7, 14, 21])
        at = base + dt.timedelta(days=days, microseconds=rng.choice([0, -1, 1]) if edge < 0.2 else 0)
    amount = None if rng.random() < 0.05 else Decimal(rng.randrange(-2_000, 20_000)) / 100
    return (
        at,
        amount,
        None if rng.random() < 0.05 else rng.uniform(-5, 50),
        rng.choice([1, 2, 3, -1]),
        rng.choice(["app", "web", "App", None]),
        rng.choice([None, True, False]),
    )


def _wall(rng: random.Random) -> dt.datetime:
    """A wall-clock time; one in five in the nights on which the clocks change."""
    if rng.random() < 0.2:
        night = rng.choice([dt.date(2025, 10, 26), dt.date(2025, 3, 30)])
        since = dt.timedelta(minutes=rng.randrange(60, 240), microseconds=rng.randrange(10**6))
    else:
        night, since = dt.date(2025, 9, 1), dt.timedelta(microseconds=rng.randrange(90 * 86_400 * 10**6))
    return dt.datetime.combine(night, dt.time()) + since


def arrow(table: Table) -> pa.Table:
    """A table as Arrow; a UUID as its text."""
    columns, rows = table
    texts = [[str(value) if isinstance(value, uuid.UUID) else value for value in row] for row in rows]
    arrays = [pa.array([row[place] for row in texts], _ARROW[kind]) for place, kind in enumerate(columns.values())]
    return pa.table(arrays, names=list(columns))


def into_duckdb(path: Path, found: dict[str, Table]) -> None:
    """The tables in a new database file."""
    with duckdb.connect(str(path)) as con:
        con.execute("SET TimeZone = 'UTC'")
        for name, table in found.items():
            con.register("rows_of", arrow(table))
            con.execute(f"CREATE TABLE {name} ({_columns(table, _DUCKDB)})")
            con.execute(f"INSERT INTO {name} SELECT * FROM rows_of")


def into_postgres(con: psycopg.Connection[Any], schema: str, found: dict[str, Table]) -> None:
    """The tables in a new schema."""
    con.execute(f"CREATE SCHEMA {schema}".encode())
    con.execute("SET TimeZone = 'UTC'")
    for name, table in found.items():
        con.execute(f"CREATE TABLE {schema}.{name} ({_columns(table, _POSTGRES)})".encode())
        with con.cursor() as cursor, cursor.copy(f"COPY {schema}.{name} FROM STDIN".encode()) as copy:
            for row in table[1]:
                copy.write_row(row)


def into_spark(session: SparkSession, schema: str, found: dict[str, Table], folder: Path) -> None:
    """The tables in a new schema; wall-clock times as TIMESTAMP_NTZ, instants as TIMESTAMP."""
    session.sql(f"CREATE SCHEMA {schema} LOCATION '{folder}'")
    for name, table in found.items():
        frame = session.createDataFrame(arrow(table), schema=_columns(table, _SPARK, "`"))
        frame.coalesce(1).write.saveAsTable(f"{schema}.{name}")


_SPARK = {
    "text": "string",
    "uuid": "string",
    "decimal": "decimal(12, 2)",
    "timestamp": "timestamp_ntz",
    "timestamptz": "timestamp",
}


def _columns(table: Table, words: dict[str, str], quote: str = '"') -> str:
    """Names in quotes: one of them, `at`, is a word of SQL."""
    return ", ".join(f"{quote}{column}{quote} {words.get(kind, kind)}" for column, kind in table[0].items())
