"""From the short forms that people write to the long forms that the types know, marks kept.

Nothing is validated here beyond what a rewriting needs: a value of the wrong kind is left as it stands, and the types
complain about it at its own place.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from holdfast.config.marks import Map, Mark, Path, Sheet, copy
from holdfast.errors import nearest
from holdfast.model.values import Duration

DATA_SOURCE = "data"
"""The name of the source that `data:` stands for, visible to its own experiment only."""
_LOCATION = ("path", "table", "sql")
_READING = ("format", "missing", "union", "timezone")
_DIVISION = ("variant", "labels", "rules", "assigned_at")
DATA_FIELDS = (*_LOCATION, "unit", *_DIVISION, *_READING)

ENROLL_WORDS = {"from": "start", "for": "length"}
OBSERVED_WORDS = {"from": "start", "to": "until"}
WINDOW_WORDS = {"after": "start", "for": "length"}
VARIANT_WORDS = {"control": "is_control"}


def source(tree: Any) -> Any:
    """A source in its long form."""
    tree = copy(tree)
    if not isinstance(tree, Map):
        return tree
    facts = tree.get("facts")
    if isinstance(facts, Map):
        for name, fact in list(facts.items()):
            if isinstance(fact, str):
                _wrap(facts, name, "column")
            elif fact is None:
                facts[name] = Map(facts.value_marks[name])
    _columns(tree)
    return tree


def _columns(tree: Map) -> None:
    layout = tree.get("format")
    columns = layout.get("columns") if isinstance(layout, Map) else None
    if isinstance(columns, Map):
        for name, column in list(columns.items()):
            if isinstance(column, str):
                _wrap(columns, name, "type")


def metric(sheet: Sheet, tree: Any, path: Path) -> Any:
    """A metric in its long form."""
    tree = copy(tree)
    if not isinstance(tree, Map):
        return tree
    if "day" in tree:
        _day(sheet, tree, path)
    if "window" in tree:
        _window(sheet, tree, (*path, "window"))
    return tree


def _day(sheet: Sheet, tree: Map, path: Path) -> None:
    """`day: 7` is the one day of a retention on that day."""
    if "window" in tree:
        sheet.add("two-forms", (*path, "day"), "`day` and `window` say the same; keep one of them", at="key")
        tree.take("day")
        return
    if tree.get("operation") != "retention":
        return
    day, key_mark, mark = tree.take("day")
    window = Map(mark)
    window.put("start", f"{day}d" if isinstance(day, int) and not isinstance(day, bool) else day, mark)
    window.put("length", "1d", mark)
    tree.put("window", window, key_mark, mark)


def _window(sheet: Sheet, tree: Map, path: Path) -> None:
    window = tree["window"]
    if isinstance(window, str | int | float) and not isinstance(window, bool):
        _wrap(tree, "window", "length")
    if not isinstance(window, Map):
        return
    _rename(sheet, window, WINDOW_WORDS)
    if "until" not in window:
        return
    if "length" in window:
        sheet.add("two-forms", (*path, "until"), "`for` and `until` say the same; keep one of them", at="key")
        window.take("until")
        return
    until, key_mark, mark = window.take("until")
    window.put("length", _between(sheet, window.get("start", "0d"), until, mark), key_mark, mark)


def _between(sheet: Sheet, start: Any, until: Any, mark: Mark) -> Any:
    """How long a window from `start` to `until` is, or `until` as it stands when one of them cannot be read."""
    try:
        hours = Duration.parse(until).hours - Duration.parse(start).hours
    except ValueError:
        return until
    if hours <= 0:
        sheet.add_at(mark, "window-empty", f"the window ends at {until}, not after its start at {start}")
        return until
    return f"{hours}h"


def experiment(sheet: Sheet, tree: Map) -> tuple[Map, Map | None]:
    """An experiment in its long form, and the source that its `data:` stands for."""
    tree = copy(tree)
    variants = tree.get("variants")
    if isinstance(variants, Map):
        for variant in variants.values():
            if isinstance(variant, Map):
                _rename(sheet, variant, VARIANT_WORDS)
    for name, words in (("enroll", ENROLL_WORDS), ("observed", OBSERVED_WORDS)):
        if isinstance(tree.get(name), Map):
            _rename(sheet, tree[name], words)
    metrics = tree.get("metrics")
    define = metrics.get("define") if isinstance(metrics, Map) else None
    if isinstance(define, Map):
        for name in define:
            define[name] = metric(sheet, define[name], ("metrics", "define", name))
    return tree, _data(sheet, tree) if "data" in tree else None


def _data(sheet: Sheet, tree: Map) -> Map | None:
    """Replace `data:` by an external assignment, and return the source that it names."""
    data, key_mark, mark = tree.take("data")
    if not isinstance(data, Map):
        message = "`data` must hold fields: {path: orders.csv, unit: row, variant: group}"
        sheet.add_at(mark, "invalid-value", message)
        sheet.unreadable |= {("assignment",), ("data",)}
        if "assignment" not in tree:
            tree.put("assignment", _external(Map(mark), key_mark), key_mark, mark)
        return None
    _unknown_data_fields(sheet, data)
    if "assignment" in tree:
        message = "`data` already says who got which variant; remove `assignment`, or name a source there instead"
        sheet.add("data-with-assignment", ("assignment",), message, at="key")
        sheet.unreadable.add(("assignment",))
    else:
        tree.put("assignment", _external(data, key_mark), key_mark, mark)
    return _source_of(sheet, data, key_mark)


def _external(data: Map, key_mark: Mark) -> Map:
    assignment = data.only(set(_DIVISION))
    assignment.put("method", "external", key_mark)
    assignment.put("source", DATA_SOURCE, key_mark)
    return assignment


def _source_of(sheet: Sheet, data: Map, key_mark: Mark) -> Map:
    result = data.only({*_LOCATION, *_READING})
    result.put("grain", "unit", key_mark)
    unit = data.get("unit")
    if unit == "row":
        result.put("row", True, data.key_marks["unit"])
    elif isinstance(unit, str):
        keys = Map(data.value_marks["unit"])
        keys.put("unit", unit, data.value_marks["unit"])
        result.put("keys", keys, data.key_marks["unit"], data.value_marks["unit"])
    else:
        message = "`unit` of `data` is the column that identifies a unit, or `row` when each row is one: unit: row"
        mark = data.value_marks.get("unit", key_mark)
        sheet.add_at(mark, "invalid-value" if "unit" in data else "missing-field", message)
        result.put("row", True, key_mark)
    _columns(result)
    return result


def _unknown_data_fields(sheet: Sheet, data: Map) -> None:
    for key in data:
        if key not in DATA_FIELDS:
            message = f'unknown field "{key[:60]}"{nearest(key, DATA_FIELDS)}'
            sheet.add_at(data.key_marks[key], "unknown-field", message)
            sheet.unreadable |= {("assignment", name) for name in get_close_matches(key, _DIVISION, n=1)}


def _wrap(parent: Map, key: str, field: str) -> None:
    """Turn `key: value` into `key: {field: value}`."""
    mark = parent.value_marks[key]
    inner = Map(mark)
    inner.put(field, parent[key], mark)
    parent[key] = inner


def _rename(sheet: Sheet, tree: Map, words: dict[str, str]) -> None:
    for short, long in words.items():
        if short in tree and long in tree:
            # the sheet still shows the file as written, so the short word is found there
            message = f"`{short}` and `{long}` say the same; keep `{short}`"
            sheet.add_at(tree.key_marks[short], "two-forms", message)
            tree.take(short)
        tree.rename(short, long)
