"""Spark: a session of its own in UTC, temporary views for what is held, and rows as Arrow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import ibis
from ibis.backends.pyspark.datatypes import PySparkType
from ibis.expr import datatypes as types
from ibis.expr.schema import Schema
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import types as kinds

from holdfast.errors import DataError
from holdfast.model.project import Connection
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.faults import refused
from holdfast.warehouse.servers import ServerEngine, arrow, asked, same, typed

_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_LTZ",
    # What does not fit is an error, as on every other engine, and not silently missing.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # Statements of many columns are planned in seconds, not in minutes; what it would find is not used by any of them.
    "spark.sql.constraintPropagation.enabled": "false",
}
_QUIETER = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.sql.shuffle.partitions": "8"}
"""For a Spark that Holdfast starts itself; `options` may say otherwise."""


class SparkEngine(ServerEngine):
    """A session of Spark. What it holds are temporary views; nothing is written."""

    def __init__(self, backend: Any, local: Engine, session: SparkSession, *, remote: bool) -> None:
        super().__init__(backend, local)
        self._session = session
        self._remote = remote
        self._held: set[str] = set()

    def close(self) -> None:
        """Let go of what is held. A Spark in this process goes on: the next session needs no start."""
        if self._remote:
            self._session.stop()
            return
        if self._session._sc._jsc is None:  # the whole of Spark was stopped meanwhile
            return
        for name in (*self._held, *(f"holdfast_file_{number + 1}" for number in range(len(self._taken)))):
            self._session.catalog.dropTempView(name)

    @property
    def name(self) -> str:
        """Engine and version, such as spark 4.0.1."""
        return f"spark {self._session.version}"

    def tables(self, schema: str | None) -> list[str]:
        """Tables and views of a schema; of the session's own where none is named; none of one that is not there."""
        catalog = self._session.catalog
        if schema is not None and not catalog.databaseExists(schema):
            return []
        return [table.name for table in catalog.listTables(schema)]

    def _table(self, table: str, schema: str | None) -> Any:
        name = ".".join(f"`{part.replace('`', '``')}`" for part in (schema, table) if part)
        return typed(table, schema_of(self._session.table(name).schema), self.backend, schema)

    def _query(self, sql: str) -> Any:
        return asked(sql, schema_of(self._session.sql(sql).schema), self.backend)

    def hold(self, purpose: str, expression: Any, name: str) -> Any:
        """The relation, read once and held as a temporary view of rows that Spark keeps."""
        self._note(purpose, expression, f"CREATE OR REPLACE TEMPORARY VIEW {name} AS ")
        with refused(purpose):
            # A checkpoint and not a cache: who reads it next does not plan all over again how it was made.
            frame = self._session.sql(str(ibis.to_sql(expression, dialect=self.dialect))).localCheckpoint()
            frame.createOrReplaceTempView(name)
            self._held.add(name)
        return typed(name, same(expression.schema()), self.backend)

    def _filled(self, name: str, expression: Any, schema: Schema) -> Any:
        rows = self.local.backend.to_pyarrow(expression)
        wanted = kinds.StructType([kinds.StructField(column, _kind(kind)) for column, kind in schema.items()])
        self._session.createDataFrame(rows, schema=wanted).createOrReplaceTempView(name)
        return typed(name, schema, self.backend)

    def _batches(self, expression: Any, target: Schema) -> Iterator[Any]:
        found = self._session.sql(str(ibis.to_sql(expression, dialect=self.dialect))).toArrow()
        yield from arrow(found, target).to_batches()


def schema_of(found: Any) -> Schema:
    """The types of columns; an instant (TIMESTAMP) is told from a wall-clock time (TIMESTAMP_NTZ), as Ibis does not."""
    return Schema(
        {
            field.name: types.Timestamp(timezone="UTC", scale=6)
            if isinstance(field.dataType, kinds.TimestampType)
            else PySparkType.to_ibis(field.dataType)
            for field in found.fields
        }
    )


def _kind(kind: Any) -> Any:
    if kind.is_timestamp():
        return kinds.TimestampType() if kind.timezone else kinds.TimestampNTZType()
    return kinds.StringType() if kind.is_uuid() else PySparkType.from_ibis(kind)


def connect_spark(connection: Connection, local: Engine) -> SparkEngine:
    """A session of Spark in UTC: of a server (Spark Connect), of a cluster, or of one in this process.

    Raises:
        DataError: Spark does not start, or does not take a setting.
        TransientError: the server does not answer.
    """
    remote = connection.remote is not None
    with refused("the connection to Spark"):
        try:
            session = _session(connection)
            backend = ibis.pyspark.connect(session)
        except PySparkException as error:
            if "JAVA_GATEWAY_EXITED" in str(error):
                raise DataError("Spark does not start; it needs Java 17 or newer") from error
            raise
    return SparkEngine(backend, local, session, remote=remote)


def _session(connection: Connection) -> SparkSession:
    builder = SparkSession.builder.appName("holdfast")
    options: dict[str, bool | float | int | str | None] = {
        str(name): _text(value) for name, value in connection.options.items()
    }
    if connection.remote is not None:
        session = builder.remote(connection.remote).config(map=options).create()
    else:
        builder = builder.master(connection.master) if connection.master else builder
        started = builder.config(map={**_QUIETER, **options}).getOrCreate()
        # Its own settings and views, whoever else uses this Spark.
        session = started.newSession()
    for name, value in _SETTINGS.items():
        session.conf.set(name, value)
    return session


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


__all__ = ["SparkEngine", "connect_spark", "schema_of"]
