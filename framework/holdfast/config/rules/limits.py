"""Rules for single values: lengths of time, dates, money, zones, rates and limits."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from zoneinfo import ZoneInfo, available_timezones

from holdfast.config.marks import Path, Sheet
from holdfast.errors import nearest
from holdfast.model.project import Health, Project
from holdfast.model.values import Duration, Effect, Share

CURRENCY = re.compile(r"[A-Z]{3}")
_TEN_YEARS = Duration(24 * 3660)


def check_duration(sheet: Sheet, path: Path, value: Duration, *, whole_days: bool = True, zero: bool = False) -> bool:
    """Whether a length of time can be used; if not, why."""
    if value > _TEN_YEARS or (not value.hours and not zero):
        sheet.judge("duration-range", path, f'"{str(value)[:20]}" must be longer than nothing and at most ten years')
        return False
    if whole_days and value.hours % 24:
        sheet.judge("not-whole-days", path, f'"{value}" is not a whole number of days; write days, such as 2d')
        return False
    return True


def check_date(sheet: Sheet, path: Path, date: dt.date | None) -> None:
    """A date is one that an experiment can have."""
    if date is not None and not 1990 <= date.year <= 2099:
        sheet.judge("date-range", path, f"{date.isoformat()} is not plausible; dates lie between 1990 and 2099")


def check_money(sheet: Sheet, path: Path, amount: Effect | Share | None) -> None:
    """A cost or a reward is an amount of money, zero or more; a share is left to its own rules."""
    if not isinstance(amount, Effect):
        return
    if not CURRENCY.fullmatch(amount.unit):
        message = f'"{amount}" is not an amount of money: write its currency, such as {amount.value:f} JPY'
        sheet.judge("not-money", path, message)
    elif amount.value < 0:
        sheet.judge("not-money", path, f'"{amount}" is below zero; write what it costs without the minus')


def check_timezone(sheet: Sheet, path: Path, name: str) -> None:
    """A zone is in the IANA list."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        message = f'"{name[:60]}" is not a time zone{nearest(name[:60], available_timezones()).split(" (known")[0]}'
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


def check_power(sheet: Sheet, path: Path, value: Share) -> None:
    """A plan finds the effect more often than not, and never for certain."""
    if not 0.5 <= float(value) <= 0.9999:
        sheet.judge("power-range", path, f"power is {value}; it lies between 50% and 99.99%, usually 80%")


def check_fdr(sheet: Sheet, path: Path, value: Share) -> None:
    """The rate of false discoveries bounds something."""
    if not 0 < float(value) <= 0.5:
        message = f"the false discovery rate is {value}; it lies above 0% and up to 50%, usually 10%"
        sheet.judge("fdr-range", path, message)


def check_holdouts(sheet: Sheet, path: Path, names: Iterable[str], project: Project) -> None:
    """Holdouts that are named exist."""
    for index, name in enumerate(names):
        if name not in project.holdouts:
            message = f'unknown holdout "{name[:60]}"{nearest(name, project.holdouts)}'
            sheet.judge("unknown-holdout", (*path, index), message)


def check_health(sheet: Sheet, path: Path, health: Health) -> None:
    """What blocks a verdict is noted before it does."""
    srm, spill = health.srm, health.contamination
    if not 0 < srm.block <= srm.note < 1:
        message = "limits of srm are p-values between 0 and 1, and `block` is not above `note`"
        sheet.judge("health-limits", (*path, "srm"), message)
    if not 0 <= spill.note.value <= spill.block.value:
        sheet.judge("health-limits", (*path, "contamination"), "`note` of contamination is not above `block`")
    before = health.pre_period
    if not 0 < before.block <= before.note < 1:
        message = "limits of pre_period are p-values between 0 and 1, and `block` is not above `note`"
        sheet.judge("health-limits", (*path, "pre_period"), message)
