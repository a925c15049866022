"""The SQL of engines that are not there: kept for people to read, parsed, and without a word that they do not know.

A whole analysis is compiled for each of them (tests.engines.compiled): three variants, retention on day 7, churn,
capped revenue, order value, covariates, a curve and a segment, on a calendar in a night when clocks go back. Nobody has
run these statements on BigQuery, Snowflake or Trino. What can be checked without them is checked here; those for
Databricks run on the tests' own Spark.
"""

from __future__ import annotations

import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import ibis
import pytest
import sqlglot
from ibis.expr import datatypes as types

from holdfast.errors import DataError
from holdfast.model.project import Connection
from holdfast.warehouse.clock import DAY
from holdfast.warehouse.servers import ServerEngine, _settings
from tests.engines.compiled import ENGINES, TABLES, WITHOUT_PERCENTILES, Outcome, compiled, make
from tests.engines.test_same_everywhere import differences

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

GOLDEN = Path(__file__).parent / "golden"
PARTS = {
    "units": "the assigned units, each once",
    "table": "one row a unit",
    "moments": "all moments of all metrics",
}
"""What is kept as a file, and how its purpose begins."""
KEPT = [(engine, what) for engine in ENGINES for what in ("table", "moments")]
KEPT += [("bigquery", "units"), ("clickhouse", "units")]
STANDS_FOR = {
    "table": "holdfast_assigned stands for the assigned units, each once.",
    "moments": "holdfast_units stands for the table of one row a unit.",
}
everywhere = pytest.mark.parametrize("engine", ENGINES)
Run = Callable[[str, bool], Outcome]

FUNCTIONS = {
    # docs.cloud.google.com/bigquery/docs/reference/standard-sql: aggregate_functions, bit_functions,
    # conditional_expressions, conversion_functions, datetime_functions, mathematical_functions, timestamp_functions
    "bigquery": """BIT_OR COUNT COUNTIF MAX MIN SUM COALESCE IF CAST DATETIME TIMESTAMP UNIX_MICROS FLOOR GREATEST
        IEEE_DIVIDE LEAST ABS LN LOG ROUND SIGN TRUNC""",
    # docs.snowflake.com/en/sql-reference/functions: bitand, bitor_agg (bitoragg is its other name), bitshiftleft,
    # bitshiftright, coalesce, convert_timezone, count_if, date_part, greatest, iff, least, percentile_cont,
    # timestamp_from_parts (timestamp_tz_from_parts is one of its forms)
    "snowflake": """BITAND BITORAGG BITSHIFTLEFT BITSHIFTRIGHT CAST COALESCE CONVERT_TIMEZONE COUNT COUNT_IF DATE_PART
        GREATEST IFF LEAST MAX MIN PERCENTILE_CONT SUM TIMESTAMP_FROM_PARTS TIMESTAMP_TZ_FROM_PARTS ABS LN LOG ROUND
        SIGN TRUNC""",
    # docs.databricks.com/aws/en/sql/language-manual/sql-ref-functions-builtin
    "databricks": """BIT_OR CAST COALESCE COUNT FLOOR FROM_UTC_TIMESTAMP GREATEST IF LEAST MAX MIN PERCENTILE SHIFTLEFT
        SHIFTRIGHT SUM TIMESTAMP_MICROS TO_UTC_TIMESTAMP UNIX_MICROS ABS LN LOG ROUND SIGN TRY_DIVIDE""",
    # trino.io/docs/current/functions: aggregate, bitwise, comparison, conditional, conversion, datetime, math
    "trino": """AT_TIMEZONE BITWISE_AND BITWISE_LEFT_SHIFT BITWISE_OR_AGG BITWISE_RIGHT_SHIFT CAST COALESCE COUNT FILTER
        FLOOR FROM_ISO8601_TIMESTAMP GREATEST IF LEAST MAX MIN ROUND SUM TO_UNIXTIME WITH_TIMEZONE ABS LN LOG
        SIGN""",
    # clickhouse.com/docs/sql-reference: functions/bit-functions, functions/date-time-functions,
    # functions/functions-for-nulls, functions/type-conversion-functions, functions/rounding-functions,
    # aggregate-functions/reference, aggregate-functions/combinators (-If). Names in capitals are those of SQL.
    "clickhouse": """CAST COALESCE COUNT FLOOR GREATEST LEAST MAX MIN SUM addDays bitAnd bitShiftLeft bitShiftRight
        countIf groupBitOr isNotNull isNull parseDateTimeBestEffort quantileExactInclusiveIf reinterpretAsUInt64
        subtractSeconds sumIf timeZoneOffset toDateTime64 toInt64 toString toTimeZone toUnixTimestamp64Micro
        ABS LN LOG ROUND SIGN abs intDivOrZero ln log round sign trunc""",
}
"""Functions of each engine that statements may use, as its vendor's pages have them; `FILTER` is Trino's clause."""
TYPES = {
    "bigquery": "BIGNUMERIC FLOAT64 INT64 NUMERIC STRING",
    "snowflake": "BIGINT DECIMAL(38,0) DECIMAL(38,2) DOUBLE INT SMALLINT TIMESTAMPNTZ TINYINT VARCHAR",
    "databricks": "BIGINT DECIMAL(38,0) DECIMAL(38,2) DOUBLE INT SMALLINT STRING TIMESTAMP TIMESTAMP_NTZ TINYINT",
    "trino": (
        "BIGINT DECIMAL(38,0) DECIMAL(38,2) DOUBLE INTEGER SMALLINT TIMESTAMP(6) TIMESTAMP(6)WITHTIMEZONE "
        "TINYINT VARCHAR"
    ),
    "clickhouse": (
        "Nullable(Decimal(38,0)) Nullable(Decimal(38,2)) Nullable(Int16) Nullable(Int32) Nullable(Int64) "
        "Nullable(Int8) Nullable(String) Nullable(Float64)"
    ),
}
"""Types that values are cast to, as the engine names them."""
FOREIGN = {
    "bigquery": r"::|\bFILTER\b|\bEXCLUDE\b|%",
    "snowflake": r"::|\bFILTER\b|\bEXCEPT\b|<<|>>",
    "databricks": r"::|\bFILTER\b|\bEXCLUDE\b|<<|>>",
    "trino": r"::|\bEXCLUDE\b|\bEXCEPT\b|<<|>>",
    "clickhouse": r"::|\bFILTER\b|\bEXCLUDE\b|<<|>>|\bquantile(If)?\(|\buniq(If)?\(",
}
"""What is another engine's, or means something else here."""
_CLAUSES = set(
    re.findall(r"\w+", "AND AS BY CASE ELSE EXCEPT EXCLUDE FROM GROUP IN JOIN NOT ON OR THEN WHEN WHERE DECIMAL")
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The analysis on an engine; each is compiled once."""
    found: dict[tuple[str, bool], Outcome] = {}
    roots: dict[bool, Path] = {}

    def ask(engine: str, holds: bool) -> Outcome:
        if (engine, holds) not in found:
            capped = engine not in WITHOUT_PERCENTILES
            if capped not in roots:
                roots[capped] = make(tmp_path_factory.mktemp("capped" if capped else "plain"), capped=capped)
            found[engine, holds] = compiled(roots[capped], engine, holds=holds)
        return found[engine, holds]

    return ask


@pytest.mark.parametrize(("engine", "what"), KEPT)
def test_golden(run: Run, engine: str, what: str) -> None:
    """Set HOLDFAST_UPDATE_GOLDEN=1 to write the files again, then read what changed."""
    (found,) = [each for each in run(engine, True).statements if each.purpose.startswith(PARTS[what])]
    head = "\n".join(f"-- {line}" for line in (*found.purpose.splitlines(), STANDS_FOR.get(what, "")) if line)
    text = f"-- {engine}\n{head}\n{found.sql};\n"
    path = GOLDEN / f"{engine}-{what}.sql"
    if os.environ.get("HOLDFAST_UPDATE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.glob("*")} == {f"{engine}-{what}" for engine, what in KEPT}


@everywhere
@pytest.mark.parametrize("holds", [True, False])
def test_statements_are_the_engines_own(run: Run, engine: str, holds: bool) -> None:
    """Each is one SELECT of its dialect, stays as it is when it is read and written again, uses functions and types
    that the engine has, and nothing that is another's."""
    statements = run(engine, holds).statements
    assert len(statements) >= 8
    for each in statements:
        (tree,) = sqlglot.parse(each.sql, read=engine)
        assert isinstance(tree, sqlglot.exp.Query), each.purpose
        # The order of NOT and IS NULL is the reader's; nothing else changes, and nothing after that.
        again = tree.sql(engine, pretty=True)
        assert sqlglot.parse_one(again, read=engine).sql(engine, pretty=True) == again, each.purpose
        assert sorted(re.findall(r"\w+", again)) == sorted(re.findall(r"\w+", each.sql)), each.purpose
        bare = _bare(each.sql)
        assert set(_functions(bare, engine)) <= set(FUNCTIONS[engine].split()), each.purpose
        assert set(_kinds(bare)) <= set(TYPES[engine].split()), each.purpose
        assert not re.search(FOREIGN[engine], bare), each.purpose


def test_unknown_functions_are_seen() -> None:
    """sqlglot passes over them in silence."""
    sql = "SELECT EPOCH_US(\"a (b\"), sumIf(1, 'c (d'), CAST(x AS Nullable(Decimal(38, 0))), CAST(y AS TIMESTAMP(6))"
    bare = _bare(sql)
    assert set(_functions(bare, "clickhouse")) == {"EPOCH_US", "sumIf", "CAST"}
    assert list(_kinds(bare)) == ["Nullable(Decimal(38,0))", "TIMESTAMP(6)"]


def _bare(sql: str) -> str:
    """A statement without its texts and quoted names, on one line."""
    return " ".join(re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`", "_", sql).split())


def _functions(bare: str, engine: str) -> Iterator[str]:
    without_types = re.sub(r"\bAS (Nullable\(|DECIMAL\(|TIMESTAMP\()", "AS _ ", bare)
    for name in re.findall(r"\b([A-Za-z]\w*) ?\(", without_types):
        if name.upper() not in _CLAUSES:
            yield name if engine == "clickhouse" else name.upper()


def _kinds(bare: str) -> Iterator[str]:
    """The types that values are cast to."""
    for found in re.finditer(r" AS ([A-Z]\w*(?:\([^()]*(?:\([^()]*\))?\))?(?: WITH TIME ZONE)?) ?\)", bare):
        yield found[1].replace(" ", "")


@everywhere
@pytest.mark.parametrize("holds", [True, False])
def test_what_differs_between_engines_gives_the_same_numbers(run: Run, engine: str, holds: bool) -> None:
    """Decimals in place of 64-bit sums, sources read again in place of a held table: the reading is the same."""
    ours, theirs = run("snowflake" if engine not in WITHOUT_PERCENTILES else "trino", True), run(engine, holds)
    assert theirs.reading.engine == f"{engine} compiled"
    assert theirs.reading.cells
    assert theirs.reading.segments
    assert theirs.reading.curves
    assert list(differences(ours.reading, theirs.reading)) == []


READS = {"assigned": (1, 26), "orders": (1, 8), "sessions": (1, 8)}
"""How often each source is read: where the units and their table are held, and where nothing is."""


@everywhere
def test_how_often_each_source_is_read(run: Run, engine: str) -> None:
    """As docs/large-data.md counts it: a WITH that is named twice is read twice."""
    for place, holds in enumerate((True, False)):
        trees = [sqlglot.parse_one(each.sql, read=engine) for each in run(engine, holds).statements]
        total = sum((_reads(tree) for tree in trees), Counter[str]())
        assert {source: total[source] for source in READS} == {source: reads[place] for source, reads in READS.items()}


def _reads(tree: Any, known: Mapping[str, Counter[str]] | None = None) -> Counter[str]:
    """The tables that a statement reads, with those of a WITH wherever its name stands."""
    names = dict(known or {})
    for each in tree.ctes:
        names[each.alias] = _reads(each.this, names)
    found: Counter[str] = Counter()
    for table in tree.find_all(sqlglot.exp.Table):
        if table.find_ancestor(sqlglot.exp.CTE) is tree.find_ancestor(sqlglot.exp.CTE):
            found += names.get(table.name, Counter({table.name: 1}))
    return found


@pytest.mark.parametrize("engine", WITHOUT_PERCENTILES)
def test_caps_are_refused_where_percentiles_are_estimates(engine: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"^{engine} has no exact percentiles, which winsorize, .* leave them out"):
        compiled(make(tmp_path, capped=True), engine, holds=False)


def test_division_by_doubles_finds_the_day() -> None:
    """BigQuery, Databricks, Trino and ClickHouse divide 64-bit integers as doubles and cut off. Below 2^53 the quotient
    is never rounded up to the next whole number: it lies at least 1/DAY below it, and half of a double's last digit is
    less. 2^53 microseconds are 285 years."""
    rng = random.Random(3)
    for _ in range(2_000):
        day = rng.randrange(-100_000, 100_000)
        for moment in (day * DAY - 1, day * DAY, day * DAY + 1, day * DAY + rng.randrange(DAY)):
            assert int((float(moment) / float(DAY)) // 1) == moment // DAY
    assert Fraction(2**53, DAY) * Fraction(1, 2**53) == Fraction(1, DAY)


def test_division_on_snowflake_finds_the_day() -> None:
    """Its quotient of integers has six digits after the point, rounded: the floor of it is wrong just before midnight,
    and so what is left over is taken off first."""
    table = ibis.table({"us": "int64"}, name="facts")
    sql = _bare(str(ibis.to_sql(table.select(day=table.us // DAY), dialect="snowflake")))
    assert "FLOOR" not in sql
    assert "% 86400000000 + 86400000000 ) % 86400000000 ) / 86400000000 AS BIGINT)" in sql

    def divided(one: int, other: int) -> Decimal:
        return (Decimal(one) / Decimal(other)).quantize(Decimal("0.000001"), ROUND_HALF_UP)

    def remainder(one: int, other: int) -> int:
        """With the sign of what is divided, as Snowflake's has it."""
        return abs(one) % other * (1 if one >= 0 else -1)

    wrong = 0
    for day in range(-500, 20_500, 7):
        for moment in (day * DAY - 1, day * DAY, day * DAY + 1):
            exact = moment - remainder(remainder(moment, DAY) + DAY, DAY)
            assert divided(exact, DAY) == moment // DAY
            wrong += divided(moment, DAY) // 1 != moment // DAY
    assert wrong


@pytest.mark.parametrize(
    ("engine", "wanted"),
    [
        ("bigquery", {"s": "CAST(SUM(CAST(_._ AS BIGNUMERIC)) AS STRING)", "b": "BIT_OR(_._)"}),
        ("snowflake", {"s": "CAST(SUM(CAST(_._ AS DECIMAL(38, 0))) AS VARCHAR)", "b": "BITORAGG(_._)"}),
        ("databricks", {"s": "CAST(SUM(CAST(_._ AS DECIMAL(38, 0))) AS STRING)", "b": "BIT_OR(_._)"}),
        ("trino", {"s": "CAST(SUM(CAST(_._ AS DECIMAL(38, 0))) AS VARCHAR)", "b": "BITWISE_OR_AGG(_._)"}),
        (
            "clickhouse",
            {
                "s": "CAST(SUM(CAST(_._ AS Nullable(Decimal(38, 0)))) AS Nullable(String))",
                "b": "groupBitOr(reinterpretAsUInt64(_._))",
            },
        ),
    ],
)
def test_sums_are_exact_and_bits_are_64(engine: str, wanted: dict[str, str]) -> None:
    table = ibis.table({"n": "int64"}, name="facts")
    asked = {"s": table.n.cast("decimal(38, 0)").sum().cast("string"), "b": table.n.bit_or()}
    for name, expression in asked.items():
        assert wanted[name] in _bare(str(ibis.to_sql(expression.name(name), dialect=engine)))


def test_clickhouse_estimates_and_cuts_nothing() -> None:
    """Ibis takes a sample of 8,192 values for a percentile and a sketch for a distinct count; a decimal that is cast to
    one with fewer digits is cut off, not rounded; and outer joins give zeros unless a session is told otherwise."""
    table = ibis.table({"n": "int64", "d": types.Decimal(38, 9)}, name="facts")
    found = table.aggregate(q=table.n.quantile(0.99), k=table.n.nunique(), r=table.d.cast("decimal(38, 2)").max())
    sql = _bare(str(ibis.to_sql(found, dialect="clickhouse")))
    assert "quantileExactInclusive(0.99)(_._)" in sql
    assert "uniqExact(_._)" in sql
    assert "CAST(ROUND(_._, 2) AS Nullable(Decimal(38, 2)))" in sql
    asked = Connection(backend="clickhouse", options={"host": "h"})
    assert _settings(asked) == {"host": "h", "settings": {"join_use_nulls": 1}}
    assert _settings(Connection(backend="trino", options={"host": "h"})) == {"host": "h"}


def test_databricks_on_spark(run: Run, spark: SparkSession) -> None:
    """Every statement for Databricks as it is sent, on the tests' Spark: DuckDB's answers, number by number."""
    found = run("databricks", False)
    with duckdb.connect() as con:
        con.execute(TABLES)
        spark.sql("CREATE SCHEMA shop")
        try:
            for name, kinds in {
                "assigned": "customer_id string, label string, country string, assigned_at timestamp_ntz",
                "orders": "customer_id string, channel string, amount decimal(18, 2), ordered_at timestamp_ntz",
                "sessions": "customer_id string, started_at timestamp",
            }.items():
                rows = con.execute(f"SELECT * FROM shop.{name}").fetch_arrow_table()
                spark.createDataFrame(rows, schema=kinds).coalesce(1).write.saveAsTable(f"shop.{name}")
            for statement, answer in zip(found.statements, found.answers, strict=True):
                assert _plain(spark.sql(statement.sql).toArrow().to_pylist()) == _plain(answer), statement.purpose
        finally:
            spark.sql("DROP SCHEMA shop CASCADE")


def _plain(rows: list[dict[str, Any]]) -> list[dict[str, str | None]]:
    """Numbers as one text, whatever type they come in."""

    def text(value: Any) -> str | None:
        if value is None or isinstance(value, str):
            return value
        return f"{float(value):.9g}" if isinstance(value, float) else str(value + 0)

    return [{name: text(value) for name, value in row.items()} for row in rows]


def test_nothing_is_held(run: Run) -> None:
    """As it is sent (holdfast.warehouse.servers.ServerEngine.hold)."""
    assert not any("holdfast_" in each.sql for engine in ENGINES for each in run(engine, False).statements)
    assert ServerEngine.hold(run, "what", 7, "name") == 7  # type: ignore[arg-type]


GUIDE = Path(__file__).parents[2] / "docs" / "large-data.md"


def test_the_arithmetic_of_the_guide() -> None:
    """What docs/large-data.md works out: every product, and the two totals."""
    text = GUIDE.read_text(encoding="utf-8")
    products = re.findall(r"(\d+) M × ([\d.]+) = ([\d.]+) GB", text)
    products += [
        (count, gigabytes, total) for count, gigabytes, total in re.findall(r"(\d+) × ([\d.]+) = ([\d.]+) GB", text)
    ]
    assert len(products) == 11
    for one, other, total in products:
        unit = 1000 if f"{one} M × {other} = " in text else 1
        assert float(one) * float(other) / unit == pytest.approx(float(total), abs=0.006)
    for once, facts, assigned, whole in ((8.36, 7.58, 0.78, 140.4), (26.46, 23.52, 2.94, 458.6)):
        assert once == pytest.approx(facts + assigned)
        assert f"**{once} GB**" in text
        assert f"**{whole} GB**" in text
        assert 14 * facts + 44 * assigned == pytest.approx(whole, abs=0.05)


def test_the_reads_of_the_guide() -> None:
    """Its two formulas, for the study that is compiled: a segment, a property, a curve and two sources of facts."""
    text = GUIDE.read_text(encoding="utf-8")
    assert "R = 6 + S + P + C times, and the assignment 2 + (1 + k) × R times" in text
    # The country of every unit is a text: there are no sums of numbers among what they were like before.
    reads = 6 + 1 + 1 + 1 - 1
    assert READS["orders"][1] == READS["sessions"][1] == reads
    assert READS["assigned"][1] == 2 + (1 + 2) * reads
