"""A connection that remembers every statement it ran and never lets an engine's own exception out.

`Engine` is DuckDB, in this process; `holdfast.warehouse.servers` has those that run elsewhere. Each has a DuckDB of its
own beside it, `local`, which reads and writes files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import ibis
import sqlglot

from holdfast.errors import DataError, nearest
from holdfast.model.project import Connection
from holdfast.model.reading import Statement
from holdfast.warehouse.faults import refused

Progress = Callable[[str], None]


def _quiet(_: str) -> None:
    """No progress wanted."""


class Engine:
    """An open connection. Use as a context manager; `statements` has what ran."""

    def __init__(self, backend: Any, places: dict[str, Path], progress: Progress | None = None) -> None:
        self.backend = backend
        self._log: list[tuple[str, str, Query]] = []
        self.progress = progress or _quiet
        self._places = places

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session, whatever is under way."""
        if self.backend.name == "duckdb":
            # After Ctrl-C it waits for what the statement had begun, in some cases for minutes, unless told to stop.
            self.backend.con.interrupt()
        self.backend.disconnect()

    @property
    def name(self) -> str:
        """Engine and version, such as duckdb 1.5.6."""
        return f"{self.backend.name} {self.backend.version}"

    @property
    def dialect(self) -> str:
        """The engine's SQL, by the name that sqlglot and Ibis have for it."""
        return str(self.backend.name)

    @property
    def local(self) -> Engine:
        """The DuckDB in this process, which reads and writes files."""
        return self

    def relation(self, sql: str, what: str = "the assignment") -> Any:
        """A relation from a SELECT statement; `what` names it when the engine refuses."""
        with refused(what):
            return self.backend.sql(sql)

    def table(self, name: str, what: str) -> Any:
        """A table or view by its name, with its schema before it where it lies in another than the connection's own.

        Raises:
            DataError: there is none.
        """
        schema, _, table = name.rpartition(".")
        with refused(what):
            if table in self.tables(schema or None):
                return self._table(table, schema or None)
            own = self.tables(None)
            current = self.backend.current_database
        known = [*own, *(f"{current}.{each}" for each in own)]
        raise DataError(f'{what}: there is no table "{name}"{nearest(name, known)}')

    def tables(self, schema: str | None) -> list[str]:
        """Tables and views of a schema; of the connection's own where none is named; none of one that is not there."""
        if schema is not None and schema not in self.backend.list_databases():
            return []
        return list(self.backend.list_tables(database=schema))

    def _table(self, table: str, schema: str | None) -> Any:
        return self.backend.table(table, database=schema)

    def parquet(self, paths: Sequence[Path], what: str = "the assignment") -> Any:
        """Parquet files as one relation."""
        return self.relation(f"SELECT * FROM read_parquet({listed(paths)})", what)  # noqa: S608 (quoted literals)

    def taken_in(self, expression: Any, what: str) -> Any:  # noqa: ARG002
        """A relation of `local` as one of this engine."""
        return expression

    def brought(self, purpose: str, expression: Any) -> Any:  # noqa: ARG002
        """A relation of this engine as one of `local`."""
        return expression

    def rows(self, purpose: str, expression: Any) -> list[dict[str, Any]]:
        """The rows of a small result; the statement is kept with its purpose."""
        query = self._note(purpose, expression)
        with refused(purpose):
            return self._fetched(expression, query)

    def _fetched(self, expression: Any, query: Query) -> list[dict[str, Any]]:
        # Compiled once, for the engine and for the record: a statement of many parts takes longer to write than to run.
        # What `to_pyarrow` does besides is to hand over tables of this process.
        self.backend._run_pre_execute_hooks(expression)
        found = self.backend.con.execute(query.sql).to_arrow_table()
        return list(found.cast(expression.as_table().schema().to_pyarrow()).to_pylist())

    def save(self, purpose: str, expression: Any, path: Path) -> None:
        """Write a relation to a Parquet file, in its order. No row becomes an object of Python's."""
        self._note(purpose, expression)
        with refused(purpose):
            self.local.backend.to_parquet(self.brought(purpose, expression), path)

    def hold(self, purpose: str, expression: Any, name: str) -> Any:
        """The relation, read once and held in a temporary table, which goes with the connection."""
        made = f"CREATE OR REPLACE TEMPORARY TABLE {name} AS "
        query = self._note(purpose, expression, made)
        with refused(purpose):
            self.backend.raw_sql(made + query.sql).fetchall()
        return self.relation(f"SELECT * FROM {name}", purpose)  # noqa: S608 (a name of our own)

    def _note(self, purpose: str, expression: Any, verb: str = "") -> Query:
        self.progress(purpose)
        query = Query(self.backend.compiler, expression)
        self._log.append((purpose, verb, query))
        return query

    def whole(self, expression: Any | None = None) -> str:
        """An expression, or the last one that ran, as one statement that can be run as it stands: what was held on the
        way to it comes first, by name. Folders of this machine stand in it as they are."""
        *_, (_, _, last) = self._log
        query = last if expression is None else Query(self.backend.compiler, expression)
        # The verb of what is held ends with its name.
        held = [(verb.removesuffix(" AS ").rpartition(" ")[2], each) for _, verb, each in self._log if verb]
        return query.after(held)

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Every statement that ran, in order, laid out for people; folders of this machine replaced by their names."""
        return tuple(Statement(purpose, query.shown(self._places, verb)) for purpose, verb, query in self._log)


class Query:
    """An expression as a statement, compiled when it is needed, and once."""

    def __init__(self, compiler: Any, expression: Any) -> None:
        self._compiler = compiler
        self._expression = expression

    @cached_property
    def _tree(self) -> Any:
        return self._compiler.to_sqlglot(self._expression.as_table())

    @cached_property
    def sql(self) -> str:
        """The statement as the engine takes it."""
        return str(self._tree.sql(dialect=self._compiler.dialect))

    def after(self, held: Sequence[tuple[str, Query]]) -> str:
        """The statement with others before it, each under its name, laid out."""
        tree = self._tree.copy()
        own = list(tree.ctes)
        for name, query in held:
            tree = tree.with_(name, as_=query._tree.copy(), copy=False)
        if held:
            first = tree.find(sqlglot.exp.With)
            first.set("expressions", [*first.expressions[len(own) :], *own])
        lines = tree.sql(dialect=self._compiler.dialect, pretty=True).splitlines()
        return "\n".join(line.rstrip() for line in lines)

    def shown(self, places: Mapping[str, Path], verb: str) -> str:
        """The statement as it is kept: folders replaced by their names, then laid out.

        In this order, or the length of a path would decide where lines break.
        """
        tree = self._tree.copy()
        for text in tree.find_all(sqlglot.exp.Literal):
            if text.is_string:
                for name, place in places.items():
                    text.set("this", text.this.replace(f"{place}/", f"{{{name}}}/"))
        laid_out = verb + "\n" * bool(verb) + tree.sql(dialect=self._compiler.dialect, pretty=True)
        return "\n".join(line.rstrip() for line in laid_out.splitlines())


def connect(connection: Connection, root: Path, files: Path | None, progress: Progress | None = None) -> Engine:
    """An open engine for a project, which nothing is written with.

    Raises:
        DataError: the database does not exist, lets nobody in, or its driver is not installed.
        TransientError: the server does not answer.
    """
    if connection.backend == "duckdb":
        return _duckdb(connection, root, files, progress)
    from holdfast.warehouse.servers import connect_server

    local = _duckdb(Connection(), root, files, progress)
    try:
        return connect_server(connection, local)
    except BaseException:
        local.close()
        raise


def _duckdb(connection: Connection, root: Path, files: Path | None, progress: Progress | None) -> Engine:
    settings: dict[str, Any] = {"memory_limit": connection.memory_limit, "threads": connection.threads}
    if connection.temp_directory is not None:
        settings["temp_directory"] = str(root / connection.temp_directory)
    settings = {name: value for name, value in settings.items() if value is not None}
    if connection.database is None:
        with refused("DuckDB"):
            backend = ibis.duckdb.connect(**settings)
    else:
        path = database_path(connection, root)
        with refused(f"the database {connection.database}"):
            backend = ibis.duckdb.connect(path, read_only=True, **settings)
    backend.raw_sql("SET enable_progress_bar = false; SET TimeZone = 'UTC'").fetchall()
    return Engine(backend, {"files": files or root, "project": root}, progress)


def database_path(connection: Connection, root: Path) -> Path:
    """The database's file.

    Raises:
        DataError: there is none.
    """
    name = connection.database or ""
    if "${" in name:
        raise DataError(f"the database is {name}, and that variable is not set")
    path = root / name
    if not path.is_file():
        raise DataError(
            f"the database {name} does not exist under the project; create it or correct configs/project.yaml"
        )
    return path


def listed(paths: Sequence[Path]) -> str:
    """Files as an SQL list of string literals."""
    return "[" + ", ".join(quoted(str(path)) for path in paths) + "]"


def batches(cursor: Any) -> Any:
    """What DuckDB found, batch by batch; newer versions have another name for it."""
    read = cursor.to_arrow_reader if hasattr(cursor, "to_arrow_reader") else cursor.fetch_record_batch
    return read(100_000)


def quoted(text: str) -> str:
    """A text as an SQL string literal."""
    return str(sqlglot.exp.Literal.string(text).sql("duckdb"))


__all__ = ["Engine", "Progress", "batches", "connect", "database_path", "listed", "quoted", "refused"]
