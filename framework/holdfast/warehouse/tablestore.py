"""The manifest as two tables in the engine: one row a unit, and one a batch.

Plain SQL: what an engine needs of its own is in `holdfast.warehouse.writers`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from holdfast import atomic
from holdfast.errors import AssignmentError
from holdfast.model.manifest import SCHEMA, Batch, Draw, Manifest, UnknownSchema
from holdfast.model.project import Connection
from holdfast.warehouse.engine import Engine, connect, refused
from holdfast.warehouse.manifest import Staged, hash_sum, row_text, with_hash
from holdfast.warehouse.writers import Writer, name_of, open_writer

UNITS, BATCHES = "assignment_units", "assignment_batches"
_UNITS = (
    "slug VARCHAR NOT NULL, version INTEGER NOT NULL, batch DATE NOT NULL, unit VARCHAR NOT NULL, "
    'variant VARCHAR NOT NULL, stratum VARCHAR, "cluster" VARCHAR, assigned_at TIMESTAMP NOT NULL, '
    "hash_version INTEGER NOT NULL"
)
_BATCHES = (
    "slug VARCHAR NOT NULL, version INTEGER NOT NULL, batch DATE NOT NULL, manifest_schema VARCHAR NOT NULL, "
    "counts VARCHAR NOT NULL, checksum VARCHAR NOT NULL, config_hash VARCHAR NOT NULL, method VARCHAR NOT NULL, "
    "hash_version INTEGER NOT NULL, traffic VARCHAR NOT NULL, draw VARCHAR, unit_type VARCHAR NOT NULL, "
    "PRIMARY KEY (slug, version, batch)"
)


class TableStore:
    """Two tables in a schema of the connection's database, which nothing else writes to."""

    def __init__(
        self, connection: Connection, root: Path, files: Path | None, *, schema: str, slug: str, version: int
    ) -> None:
        self._connection, self._root, self._files = connection, root, files
        self._schema, self._slug, self._version = schema, slug, version

    @property
    def folder(self) -> Path:
        """Where batches are staged; nothing stays there."""
        return self._root / "data" / "assignments" / self._slug / f"v{self._version}"

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """One user of the whole schema at a time, since the database has one writer; others wait."""
        with atomic.exclusive(self._root / "data" / "assignments" / f".{self._schema}.lock"):
            atomic.make_folder(self.folder)
            atomic.sweep(self.folder)
            yield

    def read(self) -> Manifest | None:
        """The manifest, after the rows of every batch were counted and their checksums compared."""
        with connect(self._connection, self._root, self._files) as engine:
            if not self._exists(engine):
                return None
            rows = engine.rows("batches of the assignment", self._mine(engine, BATCHES).order_by("batch"))
            manifest = Manifest(batches=tuple(self._batch(row) for row in rows))
            self._check(engine, manifest)
        return manifest if manifest.batches else None

    def units(self, engine: Engine, manifest: Manifest) -> Any:
        """The units of its batches, with ids of the type that they have in the data."""
        batches = self._mine(engine, BATCHES)
        kinds = {row["unit_type"] for row in engine.rows("kind of ids", batches.select("unit_type").distinct())}
        table = self._mine(engine, UNITS)
        table = table.filter(table.batch.isin([batch.as_of for batch in manifest.batches]))
        table = table.select(
            "variant", "stratum", "cluster", "assigned_at", "hash_version", unit=table.unit.cast(_common(kinds))
        )
        # As files have them: relations are put together only where their types are the same to the last word.
        return table.cast({name: kind.copy(nullable=True) for name, kind in table.schema().items()})

    def add(self, manifest: Manifest | None, staged: Sequence[Staged]) -> Manifest:
        """Write all rows in one transaction."""
        name = f"the database {self._connection.database or 'of connection.url'}"
        batches = tuple(replace(item.batch, file=None, digest=None) for item in staged)
        with (
            refused(f"{name}, to write the assignment"),
            closing(open_writer(self._connection, self._root)) as writer,
        ):
            writer.begin(self._schema)
            self._make_tables(writer)
            self._check_unmoved(writer, manifest)
            for batch, item in zip(batches, staged, strict=True):
                self._insert(writer, batch, item.path)
            writer.run("COMMIT")
        return Manifest(batches=(*(manifest.batches if manifest else ()), *batches))

    def _make_tables(self, writer: Writer) -> None:
        there = "SELECT count(*) FROM information_schema.schemata WHERE schema_name = ?"
        # Who may not make a schema may write into one that was made for him.
        if writer.run(there, (self._schema,)) == [(0,)]:
            writer.run(f"CREATE SCHEMA {name_of(self._schema)}")
        for table, columns in ((UNITS, _UNITS), (BATCHES, _BATCHES)):
            writer.run(f"CREATE TABLE IF NOT EXISTS {self._named(table)} ({columns})")

    def _check_unmoved(self, writer: Writer, manifest: Manifest | None) -> None:
        """Refuse to write on when the batches there are not those that were read."""
        found = writer.run(
            f"SELECT batch FROM {self._named(BATCHES)} WHERE slug = ? AND version = ? ORDER BY batch",  # noqa: S608
            (self._slug, self._version),
        )
        if [row[0] for row in found] != [batch.as_of for batch in (manifest.batches if manifest else ())]:
            raise AssignmentError(f"{self._slug}: somebody else assigned customers meanwhile; run the command again")

    def _insert(self, writer: Writer, batch: Batch, path: Path) -> None:
        kind = writer.load(self._named(UNITS), path, (self._slug, self._version, batch.as_of))
        writer.run(
            f"INSERT INTO {self._named(BATCHES)} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            (
                self._slug,
                self._version,
                batch.as_of,
                SCHEMA,
                json.dumps(dict(batch.counts)),
                batch.checksum,
                batch.config_hash,
                batch.method,
                batch.hash_version,
                batch.traffic,
                json.dumps(batch.draw.to_json()) if batch.draw else None,
                kind,
            ),
        )

    def _exists(self, engine: Engine) -> bool:
        with refused("the assignment's tables"):
            return {UNITS, BATCHES} <= set(engine.tables(self._schema))

    def _mine(self, engine: Engine, name: str) -> Any:
        """The rows of this version of the experiment."""
        table = engine.table(f"{self._schema}.{name}", f"the assignment's table {self._schema}.{name}")
        return table.filter(table.slug == self._slug, table.version == self._version)

    def _batch(self, row: Mapping[str, Any]) -> Batch:
        where = f"{self._schema}.{BATCHES}, batch {row['batch']} of {self._slug}"
        try:
            if row["manifest_schema"] != SCHEMA:
                raise UnknownSchema(row["manifest_schema"], SCHEMA)
            return Batch(
                as_of=row["batch"],
                counts={str(key): int(n) for key, n in json.loads(row["counts"]).items()},
                checksum=f"{int(row['checksum'], 16):x}",
                config_hash=row["config_hash"],
                method=row["method"],
                hash_version=row["hash_version"],
                traffic=row["traffic"],
                draw=Draw.from_json(json.loads(row["draw"])) if row["draw"] else None,
            )
        except UnknownSchema as error:
            raise AssignmentError(f"{where}, is of {error}; install the version that wrote it") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise AssignmentError(f"{where}, cannot be read; {self._restore()}") from error

    def _check(self, engine: Engine, manifest: Manifest) -> None:
        """Compare the rows with what the batches say of them."""
        table = self._mine(engine, UNITS)
        hashed = with_hash(table, row_text(table))
        found = engine.rows(
            "rows of the assignment by batch and variant, with checksums",
            hashed.group_by("batch", "variant", "hash_version")
            .aggregate(n=hashed.count(), total=hashed.h.sum().cast("string"))
            .order_by("batch", "variant", "hash_version"),
        )
        known = {batch.as_of: batch for batch in manifest.batches}
        for day in sorted(known.keys() | {row["batch"] for row in found}):
            rows = [row for row in found if row["batch"] == day]
            batch = known.get(day)
            total = hash_sum(rows)
            counts = {row["variant"]: row["n"] for row in rows}
            if (
                batch is None
                or (batch.checksum, dict(batch.counts)) != (total, counts)
                or any(row["hash_version"] != batch.hash_version for row in rows)
            ):
                raise AssignmentError(
                    f"the rows of {self._slug}, batch {day}, in {self._schema}.{UNITS} were changed after they were "
                    f"written: {counts or 'none'} now, {dict(batch.counts) if batch else 'no such batch'} then; "
                    f"{self._restore()}"
                )

    def _restore(self) -> str:
        return (
            "assigned customers must not move: restore both tables from a backup, or delete every row of "
            f"{self._slug}, version {self._version}, from both, so that the assignment is made again and compared "
            "with the lock"
        )

    def _named(self, table: str) -> str:
        return f"{name_of(self._schema)}.{name_of(table)}"


def _common(kinds: set[str]) -> str:
    """The type that ids of all batches have; whole numbers of several widths are the widest one."""
    if len(kinds) == 1:
        (kind,) = kinds
        return _KINDS.get(kind, "string")
    return "int64" if kinds <= _KINDS.keys() - {"VARCHAR", "UUID", "HUGEINT", "UBIGINT"} else "string"


_KINDS = {
    "VARCHAR": "string",
    "UUID": "uuid",
    "TINYINT": "int8",
    "SMALLINT": "int16",
    "INTEGER": "int32",
    "BIGINT": "int64",
    "UTINYINT": "uint8",
    "USMALLINT": "uint16",
    "UINTEGER": "uint32",
    "UBIGINT": "uint64",
}
"""Types of ids, by their names in the engine."""
