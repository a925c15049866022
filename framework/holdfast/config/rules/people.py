"""Rules for what is said of customers: it is known before they are assigned, and no opens or clicks choose them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from holdfast.config.marks import Path, Sheet
from holdfast.config.rules.known import TOP_NOT_HERE, Known, check_name
from holdfast.errors import nearest
from holdfast.model.experiment import Experiment, Rerandomise
from holdfast.model.predicate import Condition, Predicate

SEGMENT = "segment"
"""The key of an audience that names segments in place of a property."""
_CLICKS = re.compile(r"(?:(?:e?mail|message|newsletter|link|push|sms)s?_)?(?:open|opens|opened|click|clicks|clicked)")
NO_CLICKS = (
    "machines open mail and follow links too, and only in the variants that get any: they may be described, but never "
    "decide or filter"
)


def is_click(name: object) -> bool:
    """Whether a name is one that opens and clicks of messages go by."""
    return isinstance(name, str) and bool(_CLICKS.fullmatch(name))


def check_property_name(
    known: Known, sheet: Sheet, path: Path, name: str, *, at: Literal["key", "value"] = "value", segments: bool = False
) -> None:
    """A property of customers is derived, or listed by a unit source; it never is what happened to them later."""
    if not known.lacks_property(name):
        check_no_clicks(known, sheet, path, name, at=at)
        return
    if segments and (name in known.segments or "segments" in known.partial):
        return
    if later := known.after_assignment(name):
        message = (
            f'"{name}" is {later[0]}, known only after assignment; derive a property from what came before, such as '
            f"`properties: {{{later[1]}}}`"
        )
        sheet.judge("known-after-assignment", path, message, at=at)
        return
    kind = "property or segment" if segments else "property"
    choices = known.unit_properties | (set(known.segments) if segments else set())
    sheet.judge("unknown-property", path, f'unknown {kind} "{name[:60]}"{nearest(name, choices)}', at=at)


def check_property_names(
    known: Known, sheet: Sheet, path: Path, names: Iterable[str], *, segments: bool = False
) -> None:
    """Every property of a list is known before assignment, and stands in it once."""
    seen: set[str] = set()
    for index, name in enumerate(names):
        if sheet.is_full:
            return
        if name in seen:
            sheet.judge("listed-twice", (*path, index), f'"{name[:60]}" is in this list already; remove it here')
        seen.add(name)
        check_property_name(known, sheet, (*path, index), name, segments=segments)


def check_strata(known: Known, sheet: Sheet, experiment: Experiment) -> None:
    """Strata are groups, and what a draw is repeated for are numbers."""
    assignment = experiment.assignment
    path: Path = ("assignment", "strata")
    check_property_names(known, sheet, path, assignment.strata, segments=True)
    for index, name in enumerate(assignment.strata):
        if _is_number(known, name):
            message = (
                f'"{name}" is a number, and nearly every customer would be a stratum; give it `bands`, or name a '
                "property that has few values"
            )
            sheet.judge("stratum-not-banded", (*path, index), message)
    if assignment.rerandomise:
        _check_rerandomise(known, sheet, experiment, assignment.rerandomise)


def _check_rerandomise(known: Known, sheet: Sheet, experiment: Experiment, wanted: Rerandomise) -> None:
    path: Path = ("assignment", "rerandomise")
    message = ""
    if experiment.assignment.method != "balanced" or (experiment.enroll and experiment.enroll.date is None):
        message = "draws are repeated for a list that is known in full: use method: balanced and enroll: {date: ...}"
    elif experiment.assignment.cluster:
        message = "draws of clusters are not repeated; leave out `rerandomise` or `cluster`"
    elif not wanted.on:
        message = "name at least one number that the variants shall be alike in, such as on: [spend_365d]"
    elif not 0.001 <= float(wanted.accept) <= 0.5:
        message = f"`accept` is {wanted.accept}; between 0.1% and 50% of all draws are good enough, usually 10%"
    if message:
        sheet.judge("rerandomise-form", path, message, at="key")
    check_property_names(known, sheet, (*path, "on"), wanted.on)
    for index, name in enumerate(wanted.on):
        if known.properties.get(name) and not _is_number(known, name):
            message = f'"{name}" is no number; variants are made alike in groups by `strata`'
            sheet.judge("rerandomise-form", (*path, "on", index), message)


def _is_number(known: Known, name: str) -> bool:
    """Whether a derived property is a number that takes many values."""
    item = known.properties.get(name)
    few = ("quantiles", "rfm")
    return item is not None and item.operation in _NUMBERS and item.operation not in few and not item.bands


def check_no_clicks(
    known: Known, sheet: Sheet, path: Path, name: str, *, at: Literal["key", "value"] = "value"
) -> None:
    """A property that opens or clicks are counted in chooses nobody."""
    item = known.properties.get(name)
    if is_click(name) or (item is not None and item.fact is not None and is_click(item.fact.fact)):
        sheet.judge("opens-or-clicks", path, f'"{name}" rests on opens or clicks; {NO_CLICKS}', at=at)


def check_conditions(known: Known, sheet: Sheet, path: Path, conditions: Predicate, *, top: bool = True) -> None:
    """Conditions on customers name properties that are known before assignment."""
    for name, condition in conditions.items():
        if sheet.is_full:
            return
        where = (*path, name)
        if name == SEGMENT and known.lacks_property(SEGMENT):
            message = "segments are named in the audience of an experiment only; write the conditions themselves"
            sheet.judge("segment-not-here", where, message, at="key")
            continue
        check_property_name(known, sheet, where, name, at="key")
        if condition.top is not None and not top:
            sheet.judge("top-not-here", where, TOP_NOT_HERE)
        _check_number(known, sheet, where, name, condition)


_NUMBERS = ("sum", "count", "average", "recency", "trend", "tenure", "days_until", "days_overdue", "quantiles", "rfm")
_DASHED = re.compile(r"(-?\d+(?:\.\d+)?)\s*-\s*(\d+(?:\.\d+)?)")


def _check_number(known: Known, sheet: Sheet, path: Path, name: str, condition: Condition) -> None:
    """A property that is a number is not compared with texts: nobody would ever match."""
    item = known.properties.get(name)
    if item is None or item.operation not in _NUMBERS:
        return
    texts = [value for value in condition.any_of if isinstance(value, str)]
    wrong = [text for text in texts if text not in item.bands]
    if not wrong:
        return
    if item.bands:
        message = f'"{wrong[0][:60]}" is no band of "{name}"{nearest(wrong[0], item.bands)}'
    elif dashed := _DASHED.fullmatch(wrong[0].strip()):
        message = f'"{name}" is a number: write the range as {dashed[1]}..{dashed[2]}'
    else:
        message = f'"{name}" is a number and never equals "{wrong[0][:60]}"; write 55..65, ">= 3", a number or none'
    sheet.judge("condition-never-holds", path, message)


def check_segment(known: Known, sheet: Sheet, path: Path, name: str, conditions: Predicate) -> None:
    """A named segment says something, of properties that are known before assignment."""
    check_name(sheet, path, name, "segment")
    if not conditions:
        sheet.judge(
            "segment-empty", path, f'segment "{name}" has no condition; add one such as {{orders_365d: ">= 3"}}'
        )
    if name in known.unit_properties:
        message = f'"{name}" is a property too; give the segment another name'
        sheet.judge("duplicate-name", path, message, at="key")
    check_conditions(known, sheet, path, conditions)
