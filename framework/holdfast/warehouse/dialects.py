"""Everything that differs between engines in SQL: hashing, zones, microseconds and bits.

An expression is the same on every engine: what engines spell differently is an operation of our own, and `SPELLINGS`
has one table an engine with its SQL for each of them. A new engine is a new table.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

import ibis
import sqlglot
from ibis.backends.sql import compilers
from ibis.expr import datatypes as types
from ibis.expr import operations as ops
from ibis.expr import rules
from ibis.expr.operations.reductions import Filterable

from holdfast import hashing
from holdfast.errors import DataError

SECOND = 1_000_000
"""In microseconds."""
_NAIVE = types.Timestamp(scale=6)
_WIDEST = types.Decimal(76, 38)
"""BigQuery's BIGNUMERIC."""
_SECOND = "TO_UTC_TIMESTAMP({moment} + INTERVAL '1' DAY, {zone}) - INTERVAL '1' DAY"
"""Of a wall-clock time that comes twice Spark takes the first, the other engines the second: the one by the offset that
the zone has a day later."""
_CLICKHOUSE_UTC = "toDateTime64(toString({moment}), 6, 'UTC')"
_CLICKHOUSE_FIRST = "toTimeZone(toDateTime64(toString({moment}), 6, {zone}), 'UTC')"
_CLICKHOUSE_SECOND = (
    f"subtractSeconds({_CLICKHOUSE_UTC}, timeZoneOffset(toTimeZone(addDays({_CLICKHOUSE_FIRST}, 1), {{zone}})))"
)
"""As for Spark."""
_SPARK = {
    "bucket": "CAST(CONV(SUBSTRING(MD5({text}), 1, 13), 16, 10) AS BIGINT)",
    # The session's zone is UTC, and so an instant and a wall-clock time in UTC are one and the same.
    "utc_of_instant": "CAST({moment} AS TIMESTAMP)",
    "utc_of_local": (
        f"CASE WHEN FROM_UTC_TIMESTAMP({_SECOND}, {{zone}}) = {{moment}} THEN {_SECOND} "
        "ELSE TO_UTC_TIMESTAMP({moment}, {zone}) END"
    ),
    "local_of_utc": "FROM_UTC_TIMESTAMP({moment}, {zone})",
    "micros": "UNIX_MICROS(CAST({moment} AS TIMESTAMP))",
    "latest": "MAX_BY({value}, STRUCT({order}, {value})) FILTER(WHERE {counts})",
    "earliest": "MIN_BY({value}, STRUCT({order}, {value})) FILTER(WHERE {counts})",
}

SPELLINGS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "duckdb": {
            "bucket": "CAST('0x' || SUBSTRING(MD5({text}), 1, 13) AS BIGINT)",
            "utc_of_instant": "TIMEZONE('UTC', {moment})",
            "utc_of_local": "TIMEZONE('UTC', TIMEZONE({zone}, {moment}))",
            "local_of_utc": "TIMEZONE({zone}, TIMEZONE('UTC', {moment}))",
            "micros": "EPOCH_US({moment})",
            "latest": "ARG_MAX({value}, ROW({order}, {value})) FILTER(WHERE {counts})",
            "earliest": "ARG_MIN({value}, ROW({order}, {value})) FILTER(WHERE {counts})",
        },
        "postgres": {
            "bucket": "CAST(CAST('x' || SUBSTRING(MD5({text}) FROM 1 FOR 13) AS BIT(52)) AS BIGINT)",
            "utc_of_instant": "TIMEZONE('UTC', {moment})",
            "utc_of_local": "TIMEZONE('UTC', TIMEZONE({zone}, {moment}))",
            "local_of_utc": "TIMEZONE({zone}, TIMEZONE('UTC', {moment}))",
            "micros": "CAST(ROUND(EXTRACT(EPOCH FROM {moment}) * 1000000) AS BIGINT)",
            "latest": "(ARRAY_AGG({value} ORDER BY {order} DESC, {value} DESC) FILTER(WHERE {counts}))[1]",
            "earliest": "(ARRAY_AGG({value} ORDER BY {order}, {value}) FILTER(WHERE {counts}))[1]",
        },
        "pyspark": _SPARK,
        "databricks": _SPARK,
        "bigquery": {
            "bucket": "CAST('0x' || SUBSTR(TO_HEX(MD5({text})), 1, 13) AS INT64)",
            "utc_of_instant": "DATETIME({moment}, 'UTC')",
            "utc_of_local": "DATETIME(TIMESTAMP({moment}, {zone}), 'UTC')",
            "local_of_utc": "DATETIME(TIMESTAMP({moment}, 'UTC'), {zone})",
            "micros": "UNIX_MICROS(TIMESTAMP({moment}, 'UTC'))",
            "latest": (
                "ARRAY_AGG(IF({counts}, {value}, NULL) IGNORE NULLS ORDER BY {order} DESC, {value} DESC LIMIT 1)"
                "[SAFE_OFFSET(0)]"
            ),
            "earliest": (
                "ARRAY_AGG(IF({counts}, {value}, NULL) IGNORE NULLS ORDER BY {order}, {value} LIMIT 1)[SAFE_OFFSET(0)]"
            ),
        },
        "snowflake": {
            "bucket": "TO_NUMBER(SUBSTRING(MD5({text}), 1, 13), 'XXXXXXXXXXXXX')",
            "utc_of_instant": "CAST(CONVERT_TIMEZONE('UTC', {moment}) AS TIMESTAMPNTZ)",
            "utc_of_local": "CONVERT_TIMEZONE({zone}, 'UTC', {moment})",
            "local_of_utc": "CONVERT_TIMEZONE('UTC', {zone}, {moment})",
            "micros": "DATE_PART(EPOCH_MICROSECOND, {moment})",
            "latest": "MAX_BY(IFF({counts}, {value}, NULL), IFF({counts}, {order}, NULL))",
            "earliest": "MIN_BY(IFF({counts}, {value}, NULL), IFF({counts}, {order}, NULL))",
        },
        "trino": {
            "bucket": "FROM_BASE(SUBSTR(TO_HEX(MD5(TO_UTF8({text}))), 1, 13), 16)",
            "utc_of_instant": "CAST(AT_TIMEZONE({moment}, 'UTC') AS TIMESTAMP(6))",
            "utc_of_local": "CAST(AT_TIMEZONE(WITH_TIMEZONE({moment}, {zone}), 'UTC') AS TIMESTAMP(6))",
            "local_of_utc": "CAST(AT_TIMEZONE(WITH_TIMEZONE({moment}, 'UTC'), {zone}) AS TIMESTAMP(6))",
            "micros": "CAST(ROUND(TO_UNIXTIME(WITH_TIMEZONE({moment}, 'UTC')) * 1000000) AS BIGINT)",
            "latest": "MAX_BY({value}, ROW({order}, {value})) FILTER(WHERE {counts})",
            "earliest": "MIN_BY({value}, ROW({order}, {value})) FILTER(WHERE {counts})",
        },
        "clickhouse": {
            "bucket": "toInt64(bitShiftRight(reinterpretAsUInt64(reverse(SUBSTRING(MD5({text}), 1, 8))), 12))",
            "utc_of_instant": "toTimeZone({moment}, 'UTC')",
            "utc_of_local": (
                f"CASE WHEN toString(toTimeZone({_CLICKHOUSE_SECOND}, {{zone}})) = toString({_CLICKHOUSE_UTC}) "
                f"THEN GREATEST({_CLICKHOUSE_FIRST}, {_CLICKHOUSE_SECOND}) ELSE {_CLICKHOUSE_FIRST} END"
            ),
            "local_of_utc": "toDateTime64(toString(toTimeZone({moment}, {zone})), 6, 'UTC')",
            "micros": "toUnixTimestamp64Micro(toDateTime64({moment}, 6, 'UTC'))",
            "latest": "argMaxIf({value}, tuple({order}, {value}), {counts})",
            "earliest": "argMinIf({value}, tuple({order}, {value}), {counts})",
        },
    }
)
"""SQL of each operation on each engine; arguments stand in braces."""


class HoldfastBucket(ops.Value):  # type: ignore[misc]
    """The first 52 bits of the MD5 digest of a text, as an integer."""

    spelling = "bucket"
    text: ops.Value[types.String]
    dtype = types.int64
    shape = rules.shape_like("text")


class HoldfastUtcOfInstant(ops.Value):  # type: ignore[misc]
    """An instant as naive UTC."""

    spelling = "utc_of_instant"
    moment: ops.Value[types.Timestamp]
    dtype = _NAIVE
    shape = rules.shape_like("moment")


class HoldfastUtcOfLocal(ops.Value):  # type: ignore[misc]
    """A wall-clock time of a zone as naive UTC."""

    spelling = "utc_of_local"
    moment: ops.Value[types.Timestamp]
    zone: str
    dtype = _NAIVE
    shape = rules.shape_like("moment")


class HoldfastLocalOfUtc(ops.Value):  # type: ignore[misc]
    """A naive UTC time as the wall-clock time of a zone."""

    spelling = "local_of_utc"
    moment: ops.Value[types.Timestamp]
    zone: str
    dtype = _NAIVE
    shape = rules.shape_like("moment")


class HoldfastMicros(ops.Value):  # type: ignore[misc]
    """Microseconds since 1970 of a naive UTC time."""

    spelling = "micros"
    moment: ops.Value[types.Timestamp]
    dtype = types.int64
    shape = rules.shape_like("moment")


class HoldfastLatest(Filterable, ops.Reduction):  # type: ignore[misc]
    """The value of the row that comes last; of several the largest one."""

    spelling = "latest"
    value: ops.Column
    order: ops.Column
    dtype = rules.dtype_like("value")


class HoldfastEarliest(Filterable, ops.Reduction):  # type: ignore[misc]
    """The value of the row that comes first; of several the smallest one."""

    spelling = "earliest"
    value: ops.Column
    order: ops.Column
    dtype = rules.dtype_like("value")


_OPERATIONS = (
    HoldfastLatest,
    HoldfastEarliest,
    HoldfastBucket,
    HoldfastUtcOfInstant,
    HoldfastUtcOfLocal,
    HoldfastLocalOfUtc,
    HoldfastMicros,
)


@cache
def _spelled(engine: str, text: str) -> Any:
    """The parsed SQL of an operation, in which columns named after its arguments stand for them."""
    names = {
        name: f"holdfast_{name}"
        for name in ("text", "moment", "zone", "left", "right", "arg", "value", "order", "counts")
    }
    return sqlglot.parse_one(text.format(**names), read=getattr(compilers, engine).compiler.dialect)


def _visitor(engine: str, sql: str) -> Callable[..., Any]:
    """How Ibis compiles an operation for an engine."""

    def visit(_compiler: Any, _op: Any, **arguments: Any) -> Any:
        where = arguments.pop("where", None)
        if "order" in arguments:
            known = sqlglot.exp.Not(this=sqlglot.exp.Is(this=arguments["value"].copy(), expression=sqlglot.exp.Null()))
            arguments["counts"] = known if where is None else sqlglot.exp.and_(where, known)
        elif where is not None:
            raise ibis.common.exceptions.UnsupportedOperationError("put the condition into what is added up")
        given = {f"holdfast_{name}": _argument(value) for name, value in arguments.items()}

        def filled(node: Any) -> Any:
            return given[node.name].copy() if isinstance(node, sqlglot.exp.Column) and node.name in given else node

        return _spelled(engine, sql).copy().transform(filled)

    return visit


def _argument(value: Any) -> Any:
    if isinstance(value, str):
        return sqlglot.exp.Literal.string(value)
    # A sum or a comparison would fall apart beside another operator.
    return sqlglot.exp.paren(value) if isinstance(value, sqlglot.exp.Binary | sqlglot.exp.Case) else value


_SIGN = "CAST(SIGN({arg}) AS BIGINT)"
"""A floating number in these engines, which would make all that it is multiplied with one."""
_SPARK_CORRECTED = {
    "Sign": _SIGN,
    "BitwiseLeftShift": "SHIFTLEFT(CAST({left} AS BIGINT), CAST({right} AS INT))",
    "BitOr": "BIT_OR({arg})",
}
_WITHOUT_REST = "CAST(({left} - MOD(MOD({left}, {right}) + {right}, {right})) / {right} AS BIGINT)"
"""Snowflake's quotients have six digits, rounded: the last milliseconds of a day would belong to the next one."""
CORRECTED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "postgres": {"Sign": _SIGN, "BitwiseLeftShift": "(CAST({left} AS BIGINT) << CAST({right} AS INT))"},
        "pyspark": _SPARK_CORRECTED,
        "databricks": _SPARK_CORRECTED,
        "snowflake": {"FloorDivide": _WITHOUT_REST},
        "trino": {"BitwiseLeftShift": "BITWISE_LEFT_SHIFT(CAST({left} AS BIGINT), CAST({right} AS BIGINT))"},
        "clickhouse": {"BitwiseLeftShift": "bitShiftLeft(toInt64({left}), {right})"},
    }
)
"""SQL of Ibis's own operations where what it compiles them to is missing, or of another type than it takes it for."""


_DECIMAL_TEXT = (
    "(CASE WHEN {arg} = TRUNC({arg}) AND ABS({arg}) < 1000000000000000 "
    "THEN CAST(CAST({arg} AS BIGINT) AS TEXT) || '.0' ELSE CAST({arg} AS TEXT) END)"
)


def _widening(cast: Callable[..., Any]) -> Callable[..., Any]:
    """BigQuery's NUMERIC has 29 digits before the point, and sums of products have more."""

    def visit(compiler: Any, op: Any, *, arg: Any, to: Any) -> Any:
        return cast(compiler, op, arg=arg, to=_WIDEST if to.is_decimal() and to.scale == 0 else to)

    return visit


def _rounded_first(cast: Callable[..., Any]) -> Callable[..., Any]:
    """ClickHouse cuts off the digits of a decimal that another one has no place for; all others round them."""

    def visit(compiler: Any, op: Any, *, arg: Any, to: Any) -> Any:
        kind = op.arg.dtype
        fewer = kind.is_decimal() and to.is_decimal() and (kind.scale is None or to.scale < kind.scale)
        return cast(compiler, op, arg=compiler.f.round(arg, to.scale) if fewer else arg, to=to)

    return visit


def _casting(cast: Callable[..., Any]) -> Callable[..., Any]:
    """PostgreSQL turns true and false into an integer, and into no other number; and it writes 12, where a floating
    number is 12.0 everywhere else."""
    text = _visitor("postgres", _DECIMAL_TEXT)

    def visit(compiler: Any, op: Any, *, arg: Any, to: Any) -> Any:
        kind = op.arg.dtype
        if kind.is_floating() and to.is_string():
            return text(compiler, op, arg=arg)
        truth = kind.is_boolean() and to.is_numeric()
        return cast(compiler, op, arg=compiler.cast(arg, types.int32) if truth else arg, to=to)

    return visit


@cache
def _half_away(engine: str) -> Any:
    text = "(TRUNC({arg}) + CASE WHEN ABS({arg} - TRUNC({arg})) >= 0.5 THEN SIGN({arg}) ELSE 0 END)"
    return _visitor(engine, text)


def _rounding(engine: str, round_: Callable[..., Any]) -> Callable[..., Any]:
    """These engines round a half of floating numbers to the even one, all others away from zero."""

    def visit(compiler: Any, op: Any, *, arg: Any, digits: Any) -> Any:
        if op.dtype.is_integer() and op.arg.dtype.is_floating():
            return compiler.cast(_half_away(engine)(compiler, op, arg=arg), op.dtype)
        return round_(compiler, op, arg=arg, digits=digits)

    return visit


def _exact_quantile(compiler: Any, _op: Any, *, arg: Any, quantile: Any, where: Any) -> Any:
    return compiler._visit_quantile("quantileExactInclusive", arg, quantile, where)


def _exact_distinct(compiler: Any, _op: Any, *, arg: Any, where: Any) -> Any:
    return compiler.agg.uniqExact(arg, where=where)


def _without_percentiles(engine: str) -> Callable[..., Any]:
    def visit(_compiler: Any, _op: Any, **_arguments: Any) -> Any:
        raise DataError(
            f"{engine} has no exact percentiles, which winsorize, shares such as top 20% and groups by quantiles need; "
            "leave them out, or analyse on another engine"
        )

    return visit


def _without_digits(_kinds: Any, dtype: Any) -> Any:
    code = sqlglot.exp.DataType.Type
    return sqlglot.exp.DataType(this=code.TIMESTAMPNTZ if dtype.timezone is None else code.TIMESTAMP)


def _register() -> None:
    """Tell Ibis: it compiles an operation by the method visit_<its name> of an engine's compiler."""
    postgres = type(compilers.postgres.compiler)
    postgres.visit_Cast = _casting(postgres.visit_Cast)
    for engine in ("postgres", "clickhouse"):
        compiler = type(getattr(compilers, engine).compiler)
        compiler.visit_Round = _rounding(engine, compiler.visit_Round)
    bigquery, clickhouse = type(compilers.bigquery.compiler), type(compilers.clickhouse.compiler)
    bigquery.visit_Cast = _widening(bigquery.visit_Cast)
    clickhouse.visit_Cast = _rounded_first(clickhouse.visit_Cast)
    # Ibis takes estimates for these two: a sample of 8,192 values, and a sketch.
    clickhouse.visit_Quantile = _exact_quantile
    clickhouse.visit_CountDistinct = _exact_distinct
    for engine in ("bigquery", "trino"):
        type(getattr(compilers, engine).compiler).visit_Quantile = _without_percentiles(engine)
    # Spark's types have no number of digits, and neither have those of Databricks.
    kinds = compilers.databricks.compiler.type_mapper
    kinds._from_ibis_Timestamp = classmethod(_without_digits)
    for engine in SPELLINGS:
        compiler = type(getattr(compilers, engine).compiler)
        for operation in _OPERATIONS:
            sql = SPELLINGS[engine][operation.spelling]
            setattr(compiler, f"visit_{operation.__name__}", _visitor(engine, sql))
        for name, sql in CORRECTED.get(engine, {}).items():
            setattr(compiler, f"visit_{name}", _visitor(engine, sql))


_register()


def utc(moment: Any, zone: str) -> Any:
    """A timestamp or date column as naive UTC; naive values are wall-clock times in the zone."""
    kind = moment.type()
    if kind.is_timestamp() and kind.timezone is not None:
        return HoldfastUtcOfInstant(moment).to_expr()
    naive = moment.cast(_NAIVE)
    return naive if zone == "UTC" else HoldfastUtcOfLocal(naive, zone).to_expr()


def local_date(moment: Any, zone: str) -> Any:
    """The local date of a naive UTC timestamp. (Ibis's own cast to a zone silently gives the UTC day.)"""
    return moment.date() if zone == "UTC" else HoldfastLocalOfUtc(moment, zone).to_expr().date()


def micros(moment: Any) -> Any:
    """A timestamp or date column as microseconds since 1970: of an instant in UTC, of a naive one by its wall clock."""
    kind = moment.type()
    if kind.is_timestamp() and kind.timezone is not None:
        moment = HoldfastUtcOfInstant(moment).to_expr()
    return HoldfastMicros(moment.cast(_NAIVE)).to_expr()


def latest(value: Any, order: Any, where: Any | None = None) -> Any:
    """The value of each group's last row by an order, of those that have one; of several at once the largest, so that
    every engine and every run finds the same."""
    return HoldfastLatest(value, order, where=where).to_expr()


def earliest(value: Any, order: Any, where: Any | None = None) -> Any:
    """The value of each group's first row by an order, of those that have one; of several at once the smallest."""
    return HoldfastEarliest(value, order, where=where).to_expr()


def adds_whole(engine: str) -> bool:
    """Whether an engine adds 64-bit integers into a wider one: elsewhere a long sum overflows."""
    return engine in {"duckdb", "postgres"}


def literal(moment: dt.datetime) -> Any:
    """An instant as a naive UTC literal."""
    return ibis.literal(moment.astimezone(dt.UTC).replace(tzinfo=None), type=_NAIVE)


def bucket(text: Any) -> Any:
    """The first 52 bits of the MD5 digest of a text column, as an integer: the hash of holdfast.hashing."""
    return HoldfastBucket(text).to_expr()


def purpose_bucket(salt: str, purpose: hashing.Purpose, unit_text: Any) -> Any:
    """holdfast.hashing.bucket in the engine."""
    return bucket(ibis.literal(f"{salt}:{purpose}:") + unit_text)


def unit_text(unit: Any) -> Any:
    """The text of a unit id that is hashed: strings as they are, integers in decimal, UUIDs in lower case."""
    kind = unit.type()
    if not (kind.is_string() or kind.is_integer() or kind.is_uuid()):
        raise TypeError(f"{hashing.ID_RULE}, not {kind}")
    return unit.cast("string")


__all__ = [
    "SECOND",
    "SPELLINGS",
    "bucket",
    "earliest",
    "latest",
    "literal",
    "local_date",
    "micros",
    "purpose_bucket",
    "unit_text",
    "utc",
]
