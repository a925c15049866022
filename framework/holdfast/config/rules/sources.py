"""Rules for sources, their facts, and the properties derived from them."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import PurePosixPath

from holdfast.config.marks import Path, Sheet
from holdfast.config.rules.known import Known, check_fact, check_name, check_number, check_where
from holdfast.config.rules.limits import check_duration, check_timezone
from holdfast.errors import nearest
from holdfast.model.source import EventSource, Property, Source, UnitSource

_DRIVE = re.compile(r"[A-Za-z]:|~|[A-Za-z][A-Za-z0-9+.-]*://")
_OF_DATES = ("tenure", "days_until")
_OF_NUMBERS = ("sum", "average", "first", "last", "rfm")
_OVER_WINDOWS = ("sum", "count", "average", "trend", "rfm")
_OF_OTHERS = ("quantiles", "sql")


def check_one_source(sheet: Sheet, path: Path, name: str, source: Source) -> None:
    """One source by itself."""
    check_name(sheet, path, name, "source")
    given = [word for word in ("table", "path", "sql") if getattr(source, word) is not None]
    if len(given) != 1:
        what = "none" if not given else " and ".join(given)
        message = f"a source has exactly one of table, path and sql; here is {what}"
        sheet.judge("source-location", path, message, at="key")
    if source.path is not None:
        check_path(sheet, (*path, "path"), source.path)
    if source.timezone is not None:
        check_timezone(sheet, (*path, "timezone"), source.timezone)
    check_duration(sheet, (*path, "freshness"), source.freshness, whole_days=False, zero=True)
    _check_keys(sheet, path, name, source)
    _check_format(sheet, path, source)
    if isinstance(source, EventSource):
        _check_facts(sheet, path, name, source)


def check_path(sheet: Sheet, path: Path, text: str) -> None:
    """A path leads to a place below the folder that it is relative to."""
    parts = PurePosixPath(text.replace("\\", "/"))
    if not text.strip() or parts.is_absolute() or ".." in parts.parts or _DRIVE.match(text):
        message = f'"{text[:80]}" leads outside: write a path below the folder of files, without .. and not absolute'
        sheet.judge("path-outside", path, message)


def _check_facts(sheet: Sheet, path: Path, name: str, source: EventSource) -> None:
    for fact, item in source.facts.items():
        where = (*path, "facts", fact)
        check_name(sheet, where, fact, "fact")
        if item.scale != "float" and not 0 <= item.scale <= 9:
            message = f"`scale` is {item.scale}; digits after the point are 0 to 9"
            sheet.judge("scale-out-of-range", (*where, "scale"), message)
        for index, other in enumerate(item.already_net_of):
            if other not in source.facts or other == fact:
                choices = [known for known in source.facts if known != fact]
                message = f'source "{name}" has no other fact "{other[:60]}"{nearest(other, choices)}'
                sheet.judge("unknown-fact", (*where, "already_net_of", index), message)


def _check_keys(sheet: Sheet, path: Path, name: str, source: Source) -> None:
    if isinstance(source, UnitSource):
        if bool(source.keys) == source.row:
            message = f'unit source "{name}" needs either keys: {{customer: customer_id}} or row: true'
            sheet.judge("source-keys", path, message, at="key")
    elif not source.keys:
        message = "`keys` is empty; add one such as {customer: customer_id}"
        sheet.judge("source-keys", (*path, "keys"), message, at="key")


def _check_format(sheet: Sheet, path: Path, source: Source) -> None:
    layout = source.format
    if layout is None:
        return
    if layout.kind == "exposures":
        others = [column for column in layout.columns if column != "unit"]
        if others:
            message = (
                f'a log of exposures has columns of its own; only `unit` may be given a type, not "{others[0][:60]}"'
            )
            sheet.judge("text-columns", (*path, "format", "columns", others[0]), message, at="key")
        return
    needed = layout.kind in {"text", "json"}
    if needed == bool(layout.columns):
        return
    messages = {
        "text": "a file of kind text has no names; list every column: columns: {customer: string, amount: decimal}",
        "json": "a file of kind json has no types; list what is read: columns: {customer: string, at: timestamp}",
    }
    carries = f"a file of kind {layout.kind} carries its own columns; remove `columns`, or set kind: text"
    sheet.judge("text-columns", (*path, "format"), messages.get(layout.kind, carries))


def check_property(known: Known, sheet: Sheet, path: Path, name: str, item: Property) -> None:
    """A derived property has what its operation needs, and nothing else."""
    check_name(sheet, path, name, "property")
    if name in known.columns:
        message = f'"{name}" is a column of a unit source too; give the derived property another name'
        sheet.judge("duplicate-name", path, message, at="key")
    if item.operation in _OF_DATES:
        _check_date_property(known, sheet, path, item)
    elif item.operation in _OF_OTHERS:
        _check_other_property(known, sheet, path, item)
    else:
        _check_fact_property(known, sheet, path, item)
    for word in ("of", "sql"):
        if getattr(item, word) is not None and item.operation not in _OF_OTHERS:
            message = f"`{word}` belongs to quantiles and sql, not to {item.operation}; remove it"
            sheet.judge("property-definition", (*path, word), message, at="key")
    _check_property_window(sheet, path, item)
    if not 2 <= item.groups <= 9:
        sheet.judge("property-definition", (*path, "groups"), f"groups are 2 to 9, not {item.groups}")
    values = list(item.bands.values())
    if any(low >= high for low, high in pairwise(values)):
        message = "bands rise: each name stands with the number that it begins at, such as {low: 0, high: 5000}"
        sheet.judge("bands-not-rising", (*path, "bands"), message)
    for band in item.bands:
        check_name(sheet, (*path, "bands", band), band, "band")


def _check_date_property(known: Known, sheet: Sheet, path: Path, item: Property) -> None:
    if item.column is None:
        message = f"{item.operation} needs the property that holds the date; add a line such as `column: signed_up_at`"
        sheet.judge("property-definition", path, message, at="key")
    elif "sources" not in known.partial and None not in known.sources.values() and item.column not in known.columns:
        message = f'no unit source lists the property "{item.column[:60]}"{nearest(item.column, known.columns)}'
        sheet.judge("unknown-property", (*path, "column"), message)
    for word, given in (("fact", item.fact is not None), ("where", bool(item.where))):
        if given:
            message = f"{item.operation} is counted from a date of the customer, not from facts; remove `{word}`"
            sheet.judge("property-definition", (*path, word), message, at="key")


def _check_other_property(known: Known, sheet: Sheet, path: Path, item: Property) -> None:
    """Quantiles group another derived property; sql has its statement."""
    needed, example = ("of", "of: spend_365d") if item.operation == "quantiles" else ("sql", "sql: SELECT ...")
    if getattr(item, needed) is None:
        message = f"{item.operation} needs `{needed}`; add a line such as `{example}`"
        sheet.judge("property-definition", path, message, at="key")
    for word in ("fact", "column", "of", "sql"):
        if word != needed and getattr(item, word) is not None:
            message = f"{item.operation} is made of `{needed}` alone; remove `{word}`"
            sheet.judge("property-definition", (*path, word), message, at="key")
    if item.of is None or item.operation != "quantiles":
        return
    inner = known.properties.get(item.of)
    if item.of not in known.properties and "properties" not in known.partial:
        message = f'unknown property "{item.of[:60]}"{nearest(item.of, known.properties)}'
        sheet.judge("unknown-property", (*path, "of"), message)
    elif inner is not None and inner.operation in _OF_OTHERS:
        message = f'"{item.of}" is of operation {inner.operation} itself; group a property of facts or of a date'
        sheet.judge("property-definition", (*path, "of"), message)


def _check_fact_property(known: Known, sheet: Sheet, path: Path, item: Property) -> None:
    if item.column is not None:
        message = f"{item.operation} is computed from a fact; remove `column`, or use tenure or days_until"
        sheet.judge("property-definition", (*path, "column"), message, at="key")
    if item.fact is None:
        message = f"{item.operation} needs the fact that it is computed from; add a line such as `fact: orders.order`"
        sheet.judge("property-definition", path, message, at="key")
        return
    check = check_number if item.operation in _OF_NUMBERS else check_fact
    source = check(known, sheet, (*path, "fact"), item.fact)
    check_where(sheet, (*path, "where"), item.where, source, item.fact.source)


def _check_property_window(sheet: Sheet, path: Path, item: Property) -> None:
    where = (*path, "window")
    if item.window is None:
        if item.operation == "trend":
            message = "trend compares a window with the one before; add a line such as `window: {last: 28d}`"
            sheet.judge("property-window", path, message, at="key")
    elif item.operation not in _OVER_WINDOWS:
        message = f"{item.operation} looks at everything before assignment; remove `window`"
        sheet.judge("property-window", where, message, at="key")
    else:
        check_duration(sheet, (*where, "last"), item.window.last)
