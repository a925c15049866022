"""What engines spell differently means the same on all of them; what cannot be run here is compiled and parsed."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
import ibis
import pyarrow as pa
import pytest
import sqlglot

from holdfast import hashing
from holdfast.warehouse.clock import DAY, day_number, from_wall_clock, wall_clock
from holdfast.warehouse.dialects import CORRECTED, SPELLINGS, bucket, earliest, latest, local_date, micros, utc
from tests.contracts.vectors import ROWS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tests.engines.conftest import Postgres

ZONES = ["Asia/Tokyo", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Africa/Casablanca"]
UNTIL = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001
Ask = Callable[[Any], list[tuple[Any, ...]]]
TABLE = ibis.table(
    {"number": "int64", "text": "string", "naive": "timestamp(6)", "aware": "timestamp('UTC', 6)", "day": "date"},
    name="moments",
)


def moments() -> list[tuple[Any, ...]]:
    """Random moments of twenty years, some in the hours in which clocks of one of the zones change."""
    rng = random.Random(5)
    found: list[tuple[Any, ...]] = []
    for number in range(600):
        moment = EPOCH + dt.timedelta(days=12_000 + rng.randrange(8_000), microseconds=rng.randrange(86_400 * 10**6))
        if number % 3 == 0:
            change = rng.choice([dt.datetime(2025, 3, 9), dt.datetime(2025, 3, 30), dt.datetime(2025, 10, 26)])  # noqa: DTZ001
            moment = change + dt.timedelta(minutes=rng.randrange(-60, 360), microseconds=rng.randrange(10**6))
        found.append((number, f"unit-{number}'é", moment, moment.replace(tzinfo=dt.UTC), moment.date()))
    return found


@pytest.fixture(scope="module")
def ask(request: pytest.FixtureRequest) -> Ask:
    """The rows of an expression over `moments`, on an engine."""
    engine: str = request.param
    rows = moments()
    table = pa.table(
        [list(column) for column in zip(*rows, strict=True)],
        schema=pa.schema(
            [
                ("number", pa.int64()),
                ("text", pa.string()),
                ("naive", pa.timestamp("us")),
                ("aware", pa.timestamp("us", tz="UTC")),
                ("day", pa.date32()),
            ]
        ),
    )
    if engine == "duckdb":
        con = duckdb.connect()
        con.execute("SET TimeZone = 'UTC'")
        con.register("moments", table)
        return lambda expression: con.execute(str(ibis.to_sql(expression, dialect="duckdb"))).fetchall()
    if engine == "postgres":
        server: Postgres = request.getfixturevalue("postgres")
        session = server.connect()
        request.addfinalizer(session.close)
        session.execute("SET TimeZone = 'UTC'")
        session.execute(
            "CREATE TEMP TABLE moments (number bigint, text text, naive timestamp, aware timestamptz, day date)"
        )
        with session.cursor() as cursor, cursor.copy("COPY moments FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        return lambda expression: session.execute(str(ibis.to_sql(expression, dialect="postgres")).encode()).fetchall()
    spark: SparkSession = request.getfixturevalue("spark")
    ibis.pyspark.connect(spark)  # who compiles for Spark has to have connected once
    kinds = "number bigint, text string, naive timestamp_ntz, aware timestamp, day date"
    spark.createDataFrame(table, schema=kinds).createOrReplaceTempView("moments")
    request.addfinalizer(lambda: spark.catalog.dropTempView("moments"))
    return lambda expression: [
        tuple(row.values()) for row in spark.sql(str(ibis.to_sql(expression, dialect="pyspark"))).toArrow().to_pylist()
    ]


everywhere = pytest.mark.parametrize("ask", ["duckdb", "postgres", "spark"], indirect=True)


def of(local: dt.datetime, zone: str) -> dt.datetime:
    """A wall-clock time in UTC: the second one of two, and one that is skipped by the offset before."""
    place = ZoneInfo(zone)
    first, second = (local.replace(tzinfo=place, fold=fold).astimezone(dt.UTC).replace(tzinfo=None) for fold in (0, 1))
    # In an hour that is skipped, the one by the offset before is the later one, too.
    return max(first, second)


@everywhere
def test_microseconds(ask: Ask) -> None:
    """Of wall-clock times as they stand, of instants in UTC, of dates from 00:00."""
    found = ask(
        TABLE.select("number", a=micros(TABLE.naive), b=micros(TABLE.aware), c=micros(TABLE.day)).order_by("number")
    )
    one = dt.timedelta(microseconds=1)
    assert found == [
        (number, (naive - EPOCH) // one, (naive - EPOCH) // one, (day - EPOCH.date()).days * 86_400 * 10**6)
        for number, _, naive, _, day in moments()
    ]


@everywhere
@pytest.mark.parametrize("zone", ZONES)
def test_wall_clocks(ask: Ask, zone: str) -> None:
    """As Python's zoneinfo has them, in the hours in which clocks change, too."""
    us = micros(TABLE.naive)
    expression = TABLE.select(
        "number",
        moment=micros(utc(TABLE.naive, zone)),
        same_moment=from_wall_clock(us, zone, UNTIL),
        day=micros(local_date(TABLE.naive, zone)) // DAY,
        same_day=day_number(wall_clock(us, zone, UNTIL)),
    ).order_by("number")
    for row, (number, _, naive, aware, _) in zip(ask(expression), moments(), strict=True):
        moment = (of(naive, zone) - EPOCH) // dt.timedelta(microseconds=1)
        day = (aware.astimezone(ZoneInfo(zone)).date() - EPOCH.date()).days
        assert row == (number, moment, moment, day, day), naive


@everywhere
def test_hashes(ask: Ask) -> None:
    found = ask(TABLE.select("number", h=bucket(ibis.literal("s:variant:") + TABLE.text)).order_by("number"))
    assert found == [(number, hashing.bucket("s", "variant", text)) for number, text, *_ in moments()]


@everywhere
def test_every_published_vector(ask: Ask) -> None:
    """As literals: what the tables of SQL say, beside what the hash has always been."""
    some = ROWS[::7][:40]
    texts = {f"h{place}": bucket(ibis.literal(f"{row.salt}:variant:{row.id}")) for place, row in enumerate(some)}
    (found,) = ask(TABLE.limit(1).select(**texts))
    assert list(found) == [int(row.h_variant) for row in some]


@everywhere
def test_bits_beyond_the_32nd(ask: Ask) -> None:
    """An engine's own literal 1 may be an integer of 32 bits or of 8."""
    bit = ibis.literal(1, type="int64") << (TABLE.number % 62).cast("int64")
    table = TABLE.mutate(bit=bit)
    found = ask(table.aggregate(bits=table.bit.bit_or(), last=((table.bit >> 61) & 1).max()))
    assert found == [(2**62 - 1, 1)]


@everywhere
def test_of_several_at_one_moment_the_same_is_last(ask: Ask) -> None:
    """The largest of the last, the smallest of the first; rows that are missing or do not count are none of them."""
    place = TABLE.number // 3
    value = (TABLE.number % 7 == 0).ifelse(ibis.null("int64"), TABLE.number % 7)
    found = ask(
        TABLE.aggregate(
            last=latest(value, place, TABLE.number < 590),
            first=earliest(value, place, TABLE.number > 1),
            none=latest(value, place, TABLE.number < 0),
        )
    )
    _, last = max((n // 3, n % 7) for n in range(590) if n % 7)
    _, first = min((n // 3, n % 7) for n in range(2, 600) if n % 7)
    assert found == [(last, first, None)]


@everywhere
def test_true_and_false_are_numbers(ask: Ask) -> None:
    truth = TABLE.number > 99
    found = ask(TABLE.aggregate(a=truth.sum(), b=truth.cast("int64").sum(), c=truth.cast("float64").mean()))
    assert [tuple(float(value) for value in row) for row in found] == [(500.0, 500.0, 500 / 600)]


@everywhere
def test_floating_numbers_are_written_alike(ask: Ask) -> None:
    """They may be strata and segments."""
    number = (TABLE.number - 4).cast("float64") / 4
    found = ask(TABLE.filter(TABLE.number < 9).order_by("number").select(text=number.cast("string")))
    assert [row[0] for row in found] == [str((n - 4) / 4) for n in range(9)]


@everywhere
def test_percentiles_are_exact(ask: Ask) -> None:
    """Between two values they lie on the line that joins them, as NumPy has it."""
    import numpy as np

    ((found,),) = ask(TABLE.aggregate(q=(TABLE.number * TABLE.number).quantile(0.987, where=TABLE.number > 10)))
    assert float(found) == pytest.approx(np.quantile([n * n for n in range(11, 600)], 0.987), rel=1e-12)


@pytest.mark.parametrize("engine", SPELLINGS)
def test_every_engine_has_every_spelling(engine: str) -> None:
    """What stands in the tables is what is sent: sqlglot neither reads it as something else nor drops an argument."""
    assert SPELLINGS[engine].keys() == SPELLINGS["duckdb"].keys()
    table = TABLE.mutate(day_=local_date(TABLE.naive, "Asia/Tokyo"), us=micros(TABLE.aware), h=bucket(TABLE.text))
    table = table.mutate(utc_=utc(TABLE.naive, "Asia/Tokyo"), bit=ibis.literal(1, type="int64") << TABLE.number)
    sql = str(ibis.to_sql(table, dialect=engine))
    ends = TABLE.aggregate(a=latest(TABLE.number, TABLE.number), b=earliest(TABLE.number, TABLE.number))
    sql += "; " + str(ibis.to_sql(ends, dialect=engine))
    assert len(sqlglot.parse(sql, read=engine if engine != "pyspark" else "spark")) == 2
    for spelled in {**SPELLINGS[engine], **CORRECTED.get(engine, {})}.values():
        first = spelled.lstrip("(").partition("(")[0].split()[0]
        if "{arg}" not in spelled and first != "CASE":
            assert first.upper() in sql.upper(), spelled
    assert sql.count("Asia/Tokyo") >= 2
