"""Rules for the project, its sources, properties and tactics."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import get_args
from zoneinfo import ZoneInfo, available_timezones

from holdfast.config.marks import Path, Sheet
from holdfast.config.rules.known import (
    CURRENCY,
    Known,
    check_duration,
    check_fact,
    check_name,
    check_properties,
    check_source,
    check_where,
)
from holdfast.errors import nearest
from holdfast.model.project import Health, Project
from holdfast.model.source import EventSource, Property, Source, SpanSource, UnitSource
from holdfast.model.tactic import Channel, Custom, Incentive, OnboardingChange, PersonalisedEmail, ProductChange
from holdfast.model.values import Share

_DRIVE = re.compile(r"[A-Za-z]:|~|[A-Za-z][A-Za-z0-9+.-]*://")
AnyTactic = Incentive | OnboardingChange | PersonalisedEmail | ProductChange | Custom


def check_project(known: Known, sheet: Sheet, project: Project) -> None:
    """The project's own settings, and the names that they use."""
    check_timezone(sheet, ("timezone",), project.timezone)
    check_currency(sheet, ("currency",), project.currency)
    check_confidence(sheet, ("defaults", "confidence"), project.defaults.confidence)
    check_fdr(sheet, ("defaults", "fdr"), project.defaults.fdr)
    check_health(sheet, ("health",), project.health)
    for name, unit in project.units.items():
        path: Path = ("units", name)
        check_name(sheet, path, name, "unit")
        source = check_source(known, sheet, (*path, "source"), unit.source)
        if isinstance(source, SpanSource):
            message = f'units are listed by a source of grain unit or event; "{unit.source}" is of grain span'
            sheet.judge("wrong-grain", (*path, "source"), message)
        elif source is not None and name not in source.keys:
            message = f'source "{unit.source}" has no key for "{name}"; add keys: {{{name}: column}} to it'
            sheet.judge("key-missing", (*path, "source"), message)
        check_properties(known, sheet, (*path, "exclude"), unit.exclude)
    channels = get_args(Channel)
    for name, channel in project.channels.items():
        if name not in channels:
            sheet.add(
                "unknown-channel", ("channels", name), f'unknown channel "{name}"{nearest(name, channels)}', at="key"
            )
        if channel.consent is not None and known.lacks_property(channel.consent):
            message = f'unknown property "{channel.consent}"{nearest(channel.consent, known.unit_properties)}'
            sheet.judge("unknown-property", ("channels", name, "consent"), message)


def check_timezone(sheet: Sheet, path: Path, name: str) -> None:
    """A zone is in the IANA list."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        message = f'"{name[:60]}" is not a time zone{nearest(name, available_timezones()).split(" (known")[0]}'
        sheet.judge("unknown-timezone", path, f"{message}; write an IANA name, such as Asia/Tokyo")


def check_currency(sheet: Sheet, path: Path, code: str) -> None:
    """A currency is written as its code."""
    if not CURRENCY.fullmatch(code):
        message = f'"{code[:60]}" is not a currency: write its three-letter code in capitals, such as JPY'
        sheet.judge("not-a-currency", path, message)


def check_confidence(sheet: Sheet, path: Path, value: Share) -> None:
    """Intervals are neither useless nor endless."""
    if not 0.5 <= float(value) <= 0.9999:
        sheet.judge("confidence-range", path, f"confidence is {value}; it lies between 50% and 99.99%, usually 95%")


def check_fdr(sheet: Sheet, path: Path, value: Share) -> None:
    """The rate of false discoveries bounds something."""
    if not 0 < float(value) <= 0.5:
        sheet.judge(
            "fdr-range", path, f"the false discovery rate is {value}; it lies above 0% and up to 50%, usually 10%"
        )


def check_health(sheet: Sheet, path: Path, health: Health) -> None:
    """What blocks a verdict is noted before it does."""
    srm, spill = health.srm, health.contamination
    if not 0 < srm.block <= srm.note < 1:
        message = "limits of srm are p-values between 0 and 1, and `block` is not above `note`"
        sheet.judge("health-limits", (*path, "srm"), message)
    if not 0 <= spill.note.value <= spill.block.value:
        sheet.judge("health-limits", (*path, "contamination"), "`note` of contamination is not above `block`")


def check_one_source(sheet: Sheet, path: Path, name: str, source: Source) -> None:
    """One source by itself."""
    check_name(sheet, path, name, "source")
    given = [word for word in ("table", "path", "sql") if getattr(source, word) is not None]
    if len(given) != 1:
        what = "none" if not given else " and ".join(given)
        message = f"a source has exactly one of table, path and sql; here is {what}"
        sheet.judge("source-location", path, message, at="key")
    if source.path is not None:
        _check_path(sheet, (*path, "path"), source.path)
    if source.timezone is not None:
        check_timezone(sheet, (*path, "timezone"), source.timezone)
    check_duration(sheet, (*path, "freshness"), source.freshness, whole_days=False, zero=True)
    _check_keys(sheet, path, name, source)
    _check_format(sheet, path, source)
    for fact, item in (source.facts if isinstance(source, EventSource) else {}).items():
        check_name(sheet, (*path, "facts", fact), fact, "fact")
        if not 0 <= item.scale <= 9:
            message = f"`scale` is {item.scale}; digits after the point are 0 to 9"
            sheet.judge("scale-out-of-range", (*path, "facts", fact, "scale"), message)


def _check_path(sheet: Sheet, path: Path, text: str) -> None:
    parts = PurePosixPath(text.replace("\\", "/"))
    if not text.strip() or parts.is_absolute() or ".." in parts.parts or _DRIVE.match(text):
        message = f'"{text[:80]}" leads outside: write a path below the folder of files, without .. and not absolute'
        sheet.judge("path-outside", path, message)


def _check_keys(sheet: Sheet, path: Path, name: str, source: Source) -> None:
    if isinstance(source, UnitSource):
        if bool(source.keys) == source.row:
            message = f'unit source "{name}" needs either keys: {{customer: customer_id}} or row: true'
            sheet.judge("source-keys", path, message, at="key")
    elif not source.keys:
        sheet.judge(
            "source-keys", (*path, "keys"), "`keys` is empty; add one such as {customer: customer_id}", at="key"
        )


def _check_format(sheet: Sheet, path: Path, source: Source) -> None:
    layout = source.format
    if layout is None or (layout.kind == "text") == bool(layout.columns):
        return
    message = (
        "a file of kind text has no names; list every column: columns: {customer: string, amount: decimal}"
        if layout.kind == "text"
        else f"a file of kind {layout.kind} carries its own columns; remove `columns`, or set kind: text"
    )
    sheet.judge("text-columns", (*path, "format"), message)


def check_property(known: Known, sheet: Sheet, path: Path, name: str, item: Property) -> None:
    """A property is derived from a fact that exists."""
    check_name(sheet, path, name, "property")
    source = check_fact(known, sheet, (*path, "fact"), item.fact)
    check_where(sheet, (*path, "where"), item.where, source, item.fact.source)
    if name in known.columns:
        message = f'"{name}" is a column of a unit source too; give the derived property another name'
        sheet.judge("duplicate-name", path, message, at="key")
    if item.window is None:
        return
    if item.operation == "recency":
        message = "recency looks at everything before assignment; remove `window`"
        sheet.judge("property-window", (*path, "window"), message, at="key")
    else:
        check_duration(sheet, (*path, "window", "last"), item.window.last)


def check_tactic(known: Known, sheet: Sheet, path: Path, tactic: AnyTactic) -> None:
    """A tactic refers to facts and properties that exist."""
    match tactic:
        case Incentive(offer=offer):
            if offer.expires_after is not None:
                check_duration(sheet, (*path, "offer", "expires_after"), offer.expires_after, whole_days=False)
        case OnboardingChange(activation=fact):
            if fact is not None:
                check_fact(known, sheet, (*path, "activation"), fact)
        case PersonalisedEmail(personalised_by=names):
            for index, name in enumerate(names):
                if known.lacks_property(name):
                    message = f'unknown property "{name}"{nearest(name, known.unit_properties)}'
                    sheet.judge("unknown-property", (*path, "personalised_by", index), message)
        case ProductChange() | Custom():
            pass
