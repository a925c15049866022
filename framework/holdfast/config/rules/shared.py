"""Rules for the project: its units, channels, holdouts, exclusion groups and defaults."""

from __future__ import annotations

from collections import defaultdict
from typing import get_args

from holdfast.config.marks import Path, Sheet
from holdfast.config.rules.connection import TABLES_KEPT, check_connection
from holdfast.config.rules.known import SLUG, Known, check_fact, check_name, check_source
from holdfast.config.rules.limits import (
    check_confidence,
    check_currency,
    check_date,
    check_duration,
    check_fdr,
    check_health,
    check_holdouts,
    check_money,
    check_power,
    check_timezone,
)
from holdfast.config.rules.people import check_conditions, check_property_name
from holdfast.errors import nearest
from holdfast.model.project import ChannelSettings, Holdout, Project, Unit
from holdfast.model.source import SpanSource
from holdfast.model.tactic import Channel

_SCHEMAS_OF_OTHERS = {"main", "temp", "system", "information_schema", "pg_catalog", "public"}
"""Schemas that engines make, or that sources lie in unless they say otherwise."""


def check_project(known: Known, sheet: Sheet, project: Project) -> None:
    """The project's own settings, and the names that they use."""
    check_timezone(sheet, ("timezone",), project.timezone)
    check_currency(sheet, ("currency",), project.currency)
    _check_defaults(sheet, project)
    check_health(sheet, ("health",), project.health)
    if project.privacy.minimum_cell < 1:
        message = f"`minimum_cell` is {project.privacy.minimum_cell}; a cell holds at least one customer, usually 20"
        sheet.judge("minimum-cell", ("privacy", "minimum_cell"), message)
    check_connection(sheet, project)
    _check_assignment_store(sheet, project)
    for name, unit in project.units.items():
        _check_unit(known, sheet, name, unit)
    for name, channel in project.channels.items():
        _check_channel(known, sheet, name, channel)
    for name, holdout in project.holdouts.items():
        _check_holdout(sheet, name, holdout)
    for name, group in project.exclusion_groups.items():
        check_name(sheet, ("exclusion_groups", name), name, "exclusion group", SLUG)
        check_name(sheet, ("exclusion_groups", name, "salt"), group.salt, "salt", SLUG)
    seen: set[str] = set()
    for index, purpose in enumerate(project.purposes):
        check_name(sheet, ("purposes", index), purpose, "purpose")
        if purpose in seen:
            message = f'"{purpose[:60]}" is in this list already; remove it here'
            sheet.judge("listed-twice", ("purposes", index), message)
        seen.add(purpose)
    _check_shared_salts(sheet, project)


def _check_defaults(sheet: Sheet, project: Project) -> None:
    defaults = project.defaults
    check_confidence(sheet, ("defaults", "confidence"), defaults.confidence)
    check_fdr(sheet, ("defaults", "fdr"), defaults.fdr)
    check_power(sheet, ("defaults", "power"), defaults.power)
    check_holdouts(sheet, ("defaults", "holdout"), defaults.holdout, project)
    if defaults.cuped is not None:
        check_duration(sheet, ("defaults", "cuped", "lookback"), defaults.cuped.lookback)


def _check_assignment_store(sheet: Sheet, project: Project) -> None:
    store = project.assignment_store
    if store is None:
        return
    path: Path = ("assignment_store", "schema")
    check_name(sheet, path, store.schema, "schema")
    if store.schema in _SCHEMAS_OF_OTHERS:
        message = f'"{store.schema}" belongs to the database; name a schema that only Holdfast writes to: holdfast'
        sheet.judge("assignment-store", path, message)
    connection = project.connection
    if connection.backend not in TABLES_KEPT:
        message = (
            f"an assignment is kept in tables of duckdb or postgres; {connection.backend} cannot write two tables in "
            "one transaction, so remove this: the assignment then lies in files under data/assignments"
        )
        sheet.judge("assignment-store", ("assignment_store",), message, at="key")
    elif connection.backend == "duckdb" and connection.database is None:
        message = "a schema lies in a database, and there is none; add connection: {database: ...}, or remove this"
        sheet.judge("assignment-store", ("assignment_store",), message, at="key")


def _check_unit(known: Known, sheet: Sheet, name: str, unit: Unit) -> None:
    path: Path = ("units", name)
    check_name(sheet, path, name, "unit")
    source = check_source(known, sheet, (*path, "source"), unit.source)
    if isinstance(source, SpanSource):
        message = f'units are listed by a source of grain unit or event; "{unit.source}" is of grain span'
        sheet.judge("wrong-grain", (*path, "source"), message)
    elif source is not None and name not in source.keys:
        message = f'source "{unit.source}" has no key for "{name}"; add keys: {{{name}: column}} to it'
        sheet.judge("key-missing", (*path, "source"), message)
    check_conditions(known, sheet, (*path, "exclude"), unit.exclude, top=False)


def _check_channel(known: Known, sheet: Sheet, name: str, channel: ChannelSettings) -> None:
    path: Path = ("channels", name)
    channels = [item for item in get_args(Channel) if item != "none"]
    if name not in channels:
        sheet.add("unknown-channel", path, f'unknown channel "{name[:60]}"{nearest(name, channels)}', at="key")
    if channel.consent is not None:
        check_property_name(known, sheet, (*path, "consent"), channel.consent)
    for word, fact in (("sent", channel.sent), ("unsubscribe", channel.unsubscribe)):
        if fact is not None:
            check_fact(known, sheet, (*path, word), fact)
    check_money(sheet, (*path, "cost_per_send"), channel.cost_per_send)
    if channel.cap is not None:
        check_duration(sheet, (*path, "cap"), channel.cap.within, whole_days=False)
        if channel.cap.contacts < 1:
            message = f"a cap allows at least one contact, here {channel.cap.contacts}; write it as cap: 2 per 7d"
            sheet.judge("cap-not-positive", (*path, "cap"), message)


def _check_holdout(sheet: Sheet, name: str, holdout: Holdout) -> None:
    path: Path = ("holdouts", name)
    check_name(sheet, path, name, "holdout", SLUG)
    check_name(sheet, (*path, "salt"), holdout.salt, "salt", SLUG)
    if not 0 < float(holdout.share) <= 0.5:
        message = f"a holdout of {holdout.share} makes no sense; it lies above 0% and up to 50%, usually at 5%"
        sheet.judge("holdout-share", (*path, "share"), message)
    for word, date in (("start", holdout.start), ("until", holdout.until)):
        check_date(sheet, (*path, word), date)
    if holdout.until <= holdout.start:
        message = f"the holdout ends on {holdout.until}, not after its start on {holdout.start}"
        sheet.judge("dates-reversed", path, message)


def _check_shared_salts(sheet: Sheet, project: Project) -> None:
    """Two holdouts, or two groups, with one salt would draw the same customers."""
    used: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    drawn = [("holdouts", name, item.salt) for name, item in project.holdouts.items()]
    drawn += [("exclusion_groups", name, item.salt) for name, item in project.exclusion_groups.items()]
    for kind, name, salt in drawn:
        if others := used[kind, salt]:
            message = f'salt "{salt[:60]}" draws the same customers as {others[0]}; give each its own'
            sheet.judge("salt-reused", (kind, name, "salt"), message)
        used[kind, salt].append(name)
