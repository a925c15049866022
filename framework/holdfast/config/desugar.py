"""From the short forms that people write to the long forms that the types know, marks kept.

Nothing is validated here beyond what a rewriting needs: a value of the wrong kind is left as it stands, and the types
complain about it at its own place. What depends on more than one layer (a tactic whose type a template gives, named
segments) is resolved after the layers are merged.
"""

from __future__ import annotations

import re
from typing import Any

from holdfast.config.finished import DATA_SOURCE, data_source
from holdfast.config.marks import Map, Mark, Path, Seq, Sheet, copy
from holdfast.model.values import Duration

__all__ = ["DATA_SOURCE", "columns", "experiment", "metric", "project", "source", "tactic"]

ENROLL_WORDS = {"from": "start", "for": "length"}
OBSERVED_WORDS = {"from": "start", "to": "until"}
WINDOW_WORDS = {"after": "start", "for": "length"}
VARIANT_WORDS = {"control": "is_control"}
HOLDOUT_WORDS = {"from": "start"}
LOOKS_WORDS = {"from": "start"}
TERMS_WORDS = {"from": "before", "to": "after"}
TERMS_TYPES = ("returns_policy", "price_change")
OFFER_END = "offer_end"
"""The start of a window that opens when the offer of the tactic ends."""
_CAP = re.compile(r"(\d{1,9}) per (\d+\s*[hdw])")


def project(sheet: Sheet, tree: Any) -> Any:
    """The project's file in its long form."""
    tree = copy(tree)
    if not isinstance(tree, Map):
        return tree
    for holdout in _maps(tree.get("holdouts")):
        _rename(sheet, holdout, HOLDOUT_WORDS)
    for channel in _maps(tree.get("channels")):
        _cap(sheet, channel)
    defaults = tree.get("defaults")
    if isinstance(defaults, Map):
        _cuped(sheet, defaults)
        _listed(defaults, "holdout")
    return tree


def _cap(sheet: Sheet, channel: Map) -> None:
    """`2 per 7d` is two contacts within seven days."""
    text = channel.get("cap")
    if not isinstance(text, str):
        return
    mark = channel.value_marks["cap"]
    if match := _CAP.fullmatch(text.strip()):
        cap = Map(mark)
        cap.put("contacts", int(match[1]), mark)
        cap.put("within", match[2], mark)
        channel["cap"] = cap
    else:
        message = f'"{text[:60]}" is not a contact cap: write how many within how long, such as `cap: 2 per 7d`'
        sheet.add_at(mark, "invalid-value", message)
        channel.take("cap")


def _cuped(sheet: Sheet, tree: Map) -> None:
    """`cuped: off` is None, so that it can be told from a line that was not written."""
    if "cuped" not in tree:
        return
    if tree["cuped"] is None:
        message = "`cuped` is empty; write `cuped: off`, or `cuped: {lookback: 28d}`"
        sheet.add_at(tree.value_marks["cuped"], "invalid-value", message)
    elif tree["cuped"] == "off":
        tree["cuped"] = None


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
    columns(tree)
    return tree


def columns(tree: Map) -> None:
    """Give the columns of a text file their long form, in place."""
    layout = tree.get("format")
    columns = layout.get("columns") if isinstance(layout, Map) else None
    if isinstance(columns, Map):
        for name, column in list(columns.items()):
            if isinstance(column, str):
                _wrap(columns, name, "type")


def metric(sheet: Sheet, tree: Any, path: Path) -> Any:
    """A metric in its long form; a window that starts at the offer's end keeps that word."""
    tree = copy(tree)
    if not isinstance(tree, Map):
        return tree
    if "day" in tree:
        _day(sheet, tree, path)
    if "window" in tree:
        _window(sheet, tree, (*path, "window"))
    causes = tree.get("causes")
    if isinstance(causes, Map):
        for name in causes:
            _listed(causes, name)
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
    if window.get("start") == OFFER_END:
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


def tactic(sheet: Sheet, tree: Any) -> Any:
    """A tactic in its long form."""
    tree = copy(tree)
    if isinstance(tree, Map):
        _listed(tree, "channel")
        if tree.get("type") in TERMS_TYPES:
            _rename(sheet, tree, TERMS_WORDS)
    return tree


def experiment(sheet: Sheet, tree: Map) -> tuple[Map, Map | None]:
    """One layer of an experiment in its long form, and the source that its `data:` stands for."""
    tree = copy(tree)
    for variant in _maps(tree.get("variants")):
        _rename(sheet, variant, VARIANT_WORDS)
    for name, words in (("enroll", ENROLL_WORDS), ("observed", OBSERVED_WORDS)):
        if isinstance(tree.get(name), Map):
            _rename(sheet, tree[name], words)
    metrics = tree.get("metrics")
    define = metrics.get("define") if isinstance(metrics, Map) else None
    if isinstance(define, Map):
        for name in define:
            define[name] = metric(sheet, define[name], ("metrics", "define", name))
    if isinstance(tree.get("assignment"), Map):
        _listed(tree["assignment"], "holdout")
    _expect(sheet, tree)
    analysis = tree.get("analysis")
    if isinstance(analysis, Map):
        _cuped(sheet, analysis)
        if isinstance(analysis.get("looks"), Map) and "always_valid" in analysis["looks"]:
            _rename(sheet, analysis["looks"], LOOKS_WORDS)
    _decision(tree)
    source = data_source(sheet, tree) if "data" in tree else None
    if source is not None:
        columns(source)
    return tree, source


def _expect(sheet: Sheet, tree: Map) -> None:
    """`expect` beside the tactic is the analysis' own."""
    if "expect" not in tree:
        return
    value, key_mark, mark = tree.take("expect")
    analysis = tree.get("analysis")
    if "analysis" not in tree:
        tree.put("analysis", Map(key_mark), key_mark)
        analysis = tree["analysis"]
    if not isinstance(analysis, Map):
        return
    if "expect" in analysis:
        sheet.add_at(key_mark, "two-forms", "`expect` and `analysis.expect` say the same; keep one of them")
    else:
        analysis.put("expect", value, key_mark, mark)


def _decision(tree: Map) -> None:
    """A policy by its name alone; conditions alone are a policy of their own; one reading needs no list."""
    decision = tree.get("decision")
    if isinstance(decision, str):
        _wrap(tree, "decision", "policy")
    if not isinstance(decision, Map) or "ship_if" not in decision:
        return
    if "policy" not in decision:
        decision.put("policy", "custom", decision.key_marks["ship_if"])
    conditions = decision["ship_if"]
    for condition in conditions if isinstance(conditions, Seq) else []:
        if isinstance(condition, Map):
            _listed(condition, "reads")


def _maps(tree: Any) -> list[Map]:
    """The mappings that a mapping holds."""
    return [item for item in tree.values() if isinstance(item, Map)] if isinstance(tree, Map) else []


def _listed(tree: Map, key: str) -> None:
    """Turn `key: value` into `key: [value]`."""
    if isinstance(tree.get(key), str):
        mark = tree.value_marks[key]
        items = Seq(mark)
        items.add(tree[key], mark)
        tree[key] = items


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
