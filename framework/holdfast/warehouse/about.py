"""What an open engine says about itself."""

from __future__ import annotations

import datetime as dt

import ibis

from holdfast.errors import DataError
from holdfast.warehouse.dialects import literal, local_date
from holdfast.warehouse.engine import Engine, refused

_MOMENT = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def about(engine: Engine) -> dict[str, str]:
    """Settings that decide how large a table it can read, where the engine runs here; none of a server's."""
    if engine.backend.name != "duckdb":
        return {}
    with refused("the engine's settings"):
        row = engine.backend.raw_sql("SELECT current_setting('memory_limit'), current_setting('threads')").fetchone()
    return {"memory limit": str(row[0]), "threads": str(row[1])}


def check_zone(engine: Engine, zone: str) -> None:
    """Ask the engine for the local date of a moment.

    Raises:
        DataError: it does not know the zone.
    """
    with refused(f"the time zone {zone}"):
        day = local_date(ibis.literal(1).as_table().select(ts=literal(_MOMENT)).ts, zone)
        rows = engine.rows("the time zone", day.name("day").as_table())
    if abs((rows[0]["day"] - _MOMENT.date()).days) > 1:
        raise DataError(f"the engine reads {zone} as another zone than it is")


def has_schema(engine: Engine, schema: str) -> bool:
    """Whether the database has a schema of that name.

    Raises:
        DataError: the database refuses to say.
    """
    with refused(f"the schema {schema}"):
        return schema in engine.backend.list_databases()
