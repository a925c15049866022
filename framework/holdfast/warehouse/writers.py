"""The connections that may write: short-lived, and for the tables of an assignment alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import duckdb

from holdfast.model.project import Connection
from holdfast.warehouse.engine import batches, database_path, quoted

Parameters = Sequence[object]
_COLUMNS = 'slug, version, batch, unit, variant, stratum, "cluster", assigned_at, hash_version'
_ROWS = (
    'CAST(unit AS VARCHAR), variant, CAST(stratum AS VARCHAR), CAST("cluster" AS VARCHAR), assigned_at, hash_version'
)


class Writer(Protocol):
    """A connection in a transaction of its own, which is taken back when it is closed before COMMIT."""

    def begin(self, schema: str) -> None:
        """Begin the transaction, alone in the schema."""

    def run(self, statement: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """The rows of one statement; each ? stands for a parameter."""

    def load(self, table: str, path: Path, own: Parameters) -> str:
        """Add the units of a Parquet file to a table: own values (slug, version, batch) first. Gives the type of the
        ids in the file."""

    def close(self) -> None:
        """Let go; what was not committed has never been."""


class DuckDBWriter:
    """The one connection that may write to the database file; it keeps everybody else out."""

    def __init__(self, connection: Connection, root: Path) -> None:
        self._con = duckdb.connect(str(database_path(connection, root)))
        self.run("SET enable_progress_bar = false")

    def begin(self, schema: str) -> None:  # noqa: ARG002
        """Begin the transaction; the file has one writer anyway."""
        self.run("BEGIN TRANSACTION")

    def run(self, statement: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """The rows of one statement."""
        return list(self._con.execute(statement, list(parameters)).fetchall())

    def load(self, table: str, path: Path, own: Parameters) -> str:
        """Add the units of a Parquet file to a table."""
        file = _file(path)
        self.run(f"INSERT INTO {table} SELECT ?, ?, ?, {_ROWS} FROM {file}", own)  # noqa: S608 (names of our own)
        return kind_of_ids(self._con, path)

    def close(self) -> None:
        """Let go of the file."""
        self._con.close()


def open_writer(connection: Connection, root: Path) -> Writer:
    """A connection that may write."""
    if connection.backend == "postgres":
        from holdfast.warehouse.postgres import PostgresWriter

        return PostgresWriter(connection)
    return DuckDBWriter(connection, root)


def rows_of(con: Any, path: Path, own: Parameters) -> tuple[str, Any]:
    """The columns of the units' table in order, and a reader of its rows in a Parquet file."""
    fetched = con.execute(f"SELECT ?, ?, ?, {_ROWS} FROM {_file(path)}", list(own))  # noqa: S608 (quoted literals)
    return _COLUMNS, batches(fetched)


def kind_of_ids(con: Any, path: Path) -> str:
    """The type that ids have in a Parquet file."""
    (found,) = con.execute(f"SELECT column_type FROM (DESCRIBE SELECT unit FROM {_file(path)})").fetchall()  # noqa: S608
    return str(found[0])


def name_of(text: str) -> str:
    """A name as an SQL identifier."""
    return '"' + text.replace('"', '""') + '"'


def _file(path: Path) -> str:
    return f"read_parquet({quoted(str(path))})"
