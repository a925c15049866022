"""Checks a marked tree against the frozen types, and says what is wrong in the words of the person who wrote it.

pydantic is asked through JSON in strict mode: there a text is never taken for a number, and a date comes from text
only, as YAML's own types already say.
"""

from __future__ import annotations

import json
import types
from collections.abc import Hashable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import Discriminator, TypeAdapter, ValidationError

from holdfast.config.loader import SCALAR_RULES
from holdfast.config.marks import Map, Path, Seq, Sheet, copy, look_up, place
from holdfast.config.words import clip, example, is_todo, known_fields, written
from holdfast.errors import nearest
from holdfast.model.predicate import Condition
from holdfast.model.values import Duration, Effect, FactRef, MetricRef, Share

_ROUNDS = 8
_VALUE_RULES: dict[Any, str] = {
    Duration: "not-a-duration",
    Share: "not-a-share",
    Effect: "not-an-effect",
    FactRef: "not-a-fact",
    MetricRef: "not-a-metric",
    Condition: "not-a-condition",
}
_TEXTS: dict[Any, str] = {
    Share: "a share, such as 10%,",
    Effect: "an amount, such as 80 JPY",
    FactRef: "a fact, such as orders.discount,",
}
"""Kinds of text of which a field may take one or another."""


def check(hint: Any, tree: Any, sheet: Sheet, prefix: Path = (), *, partial: bool = False) -> Any:
    """The value that a tree stands for, with everything wrong reported to the sheet.

    A tree with faults gives the value of what is left without them, so that rules can still be checked on it, or None
    when too little is left. What was left out is in `sheet.unreadable`. Of a partial tree, such as a template, fields
    may be missing, except in the items of its lists.
    """
    remains = tree
    for turn in range(_ROUNDS):
        try:
            return _adapter(hint).validate_json(json.dumps(remains), strict=True)
        except ValidationError as error:
            faults = _faults(hint, remains, error)
        remains = remains if turn else copy(remains)
        for fault in faults:
            if not turn and not (partial and _may_miss(fault)):
                _report(fault, look_up(tree, fault.path), sheet, prefix)
            _mark_unreadable(fault, sheet, prefix)
        if not all([_leave_out(fault, remains) for fault in faults]):  # noqa: C419  every fault is left out
            return None
    return None


def _may_miss(fault: _Fault) -> bool:
    """Whether an absent field may still be given by another layer, which replaces lists and definitions as a whole."""
    whole = any(isinstance(step, int) for step in fault.path) or fault.path[:2] == ("metrics", "define")
    return fault.code in {"missing", "union_tag_not_found"} and not whole


@cache
def _adapter(hint: Any) -> TypeAdapter[Any]:
    return TypeAdapter(hint)


@cache
def _hints_of(owner: Hashable) -> dict[str, Any]:
    return get_type_hints(owner, include_extras=True)


def _hints(owner: Any) -> dict[str, Any]:
    return _hints_of(owner)


@dataclass(frozen=True)
class _Fault:
    """One complaint of pydantic, at a path of the tree."""

    code: str
    path: Path
    owner: type[Any] | None
    """The type that the last step of the path is a field of."""
    hint: Any
    """The type expected there."""
    message: str
    in_key: bool = False
    forms: tuple[Any, ...] = ()
    """Where several kinds of value are taken: all of them."""


def _faults(hint: Any, tree: Any, error: ValidationError) -> list[_Fault]:
    found = []
    seen = set()
    for item in error.errors(include_url=False, include_input=False):
        raised = item.get("ctx", {}).get("error")
        fault = _locate(hint, tree, item["loc"], item["type"], str(raised or item["msg"]))
        if fault and (fault.code, fault.path) not in seen:
            seen.add((fault.code, fault.path))
            found.append(fault)
    return found


def _locate(hint: Any, node: Any, steps: tuple[str | int, ...], code: str, message: str) -> _Fault | None:
    """Follow pydantic's location through the types, leaving out the names of union members, which no file holds."""
    path: list[str | int] = []
    owner: type[Any] | None = None
    rest = list(steps)
    while True:
        forms = _forms(hint)
        hint, kept = _narrow(hint, node, rest)
        if not kept:
            return None
        if not rest:
            return _Fault(code, tuple(path), owner, hint, message, forms=forms)
        step = rest.pop(0)
        if step == "[key]":
            return _Fault(code, tuple(path), None, _key_type(hint), message, in_key=True)
        path.append(step)
        if rest == ["[key]"]:
            return _Fault(code, tuple(path), None, _key_type(hint), message, in_key=True)
        if is_dataclass(hint) and isinstance(hint, type):
            owner, hint = hint, _hints(hint).get(str(step), Any)
        else:
            owner = None
            hint = next((arg for arg in reversed(get_args(hint)) if arg is not Ellipsis), Any)
        node = look_up(node, (step,))


def _key_type(hint: Any) -> Any:
    arguments = get_args(hint)
    return arguments[0] if arguments else Any


def _narrow(hint: Any, node: Any, rest: list[str | int]) -> tuple[Any, bool]:
    """The member of a union that the value is judged as; False when the complaint is about another member."""
    if get_origin(hint) is Annotated:
        chosen = _tagged(get_args(hint)[0], _tag(hint), rest[0]) if rest else None
        if chosen is None:
            return hint, True
        rest.pop(0)
        return chosen, True
    if get_origin(hint) not in (Union, types.UnionType):
        return hint, True
    members = [member for member in get_args(hint) if member is not type(None)]
    if len(members) == 1:
        return _narrow(members[0], node, rest)
    branch = _branch(members, node)
    label = rest.pop(0) if rest else ""
    if branch in (str, int, float, bool):
        return branch, label == branch.__name__
    return branch, _has_fields(branch) == (label == branch.__name__)


def _forms(hint: Any) -> tuple[Any, ...]:
    """The kinds of value that a field takes, where there are several."""
    if get_origin(hint) not in (Union, types.UnionType):
        return ()
    members = tuple(member for member in get_args(hint) if member is not type(None))
    return members if len(members) > 1 else ()


def _branch(members: list[Any], node: Any) -> Any:
    """The member that the author most likely meant: the one that shares the most fields with what is written."""
    fitting = [member for member in members if _has_fields(member) == isinstance(node, Map)] or members
    if not isinstance(node, Map) or not all(map(_has_fields, fitting)):
        return fitting[0]
    return max(fitting, key=lambda member: len(set(_hints(member)) & set(node)))


def _has_fields(member: Any) -> bool:
    return is_dataclass(member) and member not in _VALUE_RULES


def _tag(hint: Any) -> str:
    """The field that tells the members of a union apart."""
    return str(next(extra.discriminator for extra in get_args(hint)[1:] if isinstance(extra, Discriminator)))


def _tagged(union: Any, tag: str, value: str | int) -> Any:
    return next((member for member in get_args(union) if value in get_args(_hints(member)[tag])), None)


def _report(fault: _Fault, value: Any, sheet: Sheet, prefix: Path) -> None:
    if is_todo(value):
        return  # reported once, as a TODO
    if sheet.is_full:
        sheet.add_at(None, "too-many-findings", "")  # worded there
        return
    mark = place(sheet.tree, (*prefix, *fault.path))
    if mark.file not in {"", sheet.path}:
        _report_inherited(fault, sheet, prefix)
        return
    if any((f.line, f.column) == (mark.line, mark.column) and f.rule in SCALAR_RULES for f in sheet.findings):
        return
    rule, message = _worded(fault, value)
    path = (*prefix, *(fault.path[:-1] if fault.code == "missing" else fault.path))
    if fault.code == "union_tag_invalid":
        path = (*path, _tag(fault.hint))
    sheet.add(rule, path, message, at="key" if fault.in_key or rule in {"unknown-field", "missing-field"} else "value")


def _report_inherited(fault: _Fault, sheet: Sheet, prefix: Path) -> None:
    """Ask for what an inherited value still lacks; everything else about it was said where its own file was read."""
    path = (*prefix, *fault.path)
    if not _may_miss(fault) or fault.owner is None:
        return
    ancestors = (path[:length] for length in range(len(path) - 1, -1, -1))
    marks = (place(sheet.tree, ancestor, "key") for ancestor in ancestors)
    mark = next((mark for mark in marks if mark.file in {"", sheet.path}), None)
    name = ".".join(map(str, (*path[:-1], written(fault.owner, str(path[-1])))))
    line = example(fault.owner, str(path[-1]))
    sheet.add_at(mark, "missing-field", f"`{name}` is missing" + (f"; give it, such as `{line}`" if line else ""))


def _worded(fault: _Fault, value: Any) -> tuple[str, str]:
    """Rule and message of a fault."""
    name = _name(fault)
    if fault.code == "unexpected_keyword_argument" and fault.owner:
        if name == "winsorize" and "operation" in _hints(fault.owner):
            return (
                "winsorize-not-allowed",
                "only counts, sums and columns are capped, never a share; remove `winsorize`",
            )
        return "unknown-field", f"unknown field {clip(name)}{nearest(name, known_fields(fault.owner))}"
    if fault.code == "missing" and fault.owner:
        line = example(fault.owner, str(fault.path[-1]))
        return "missing-field", f"`{name}` is missing" + (f"; add a line such as `{line}`" if line else "")
    if fault.code.startswith("union_tag"):
        return _tag_message(fault, value)
    if fault.code == "value_error" and value is not None and get_origin(fault.hint) is not Literal:
        return _VALUE_RULES.get(fault.hint, "invalid-value"), _value_message(fault, name, value)
    return "invalid-value", _type_message(fault, name, value)


def _name(fault: _Fault) -> str:
    """What to call the place of a fault."""
    last = fault.path[-1] if fault.path else "entry"
    return "item" if isinstance(last, int) else written(fault.owner, last)


def _value_message(fault: _Fault, name: str, value: Any) -> str:
    """What a value type says about a text that it cannot read."""
    texts = [_TEXTS[form] for form in fault.forms if form in _TEXTS]
    if len(texts) > 1:
        return f"{_kind(value)} is neither {' nor '.join(texts)}"
    if isinstance(value, Map | Seq) and fault.hint is not Condition:
        return f"`{name}` must be {fault.message.removeprefix('expected ')}, not {_kind(value)}"
    return fault.message if len(fault.message) < 300 else f"`{name}` is too long to be read"


def _tag_message(fault: _Fault, value: Any) -> tuple[str, str]:
    inner, tag = get_args(fault.hint)[0], _tag(fault.hint)
    allowed = [str(item) for member in get_args(inner) for item in get_args(_hints(member)[tag])]
    given = look_up(value, (tag,))
    if given is None:
        return "missing-field", f"`{tag}` is missing; it is one of {', '.join(sorted(allowed))}"
    article = "an" if tag[0] in "aeiou" else "a"
    return "invalid-value", f"{clip(given)} is not {article} {tag}{nearest(str(given), allowed)}"


def _key_message(fault: _Fault) -> str:
    key = clip(fault.path[-1])
    if get_origin(fault.hint) is Literal:
        return f"{key} is not allowed here{nearest(str(fault.path[-1]), map(str, get_args(fault.hint)))}"
    return f"{key} is not a whole number; the keys here are days"


def _type_message(fault: _Fault, name: str, value: Any) -> str:
    """What is wrong with a value of another kind than its field takes."""
    if fault.in_key:
        return _key_message(fault)
    if value is None:
        return f"`{name}` is empty; give it a value, or remove the line"
    if get_origin(fault.hint) is Literal:
        allowed = ["true" if item is True else str(item) for item in get_args(fault.hint)]
        # an item of a list is one of what the list is called
        kind = next((step for step in reversed(fault.path) if isinstance(step, str)), name)
        article = "an" if kind[0] in "aeiou" else "a"
        return f"{_kind(value)} is not {article} {kind}{nearest(str(value), allowed)}{_or_fields(fault)}"
    if fault.code.startswith("date"):
        return f"{_kind(value)} is not a date: write year-month-day, such as 2026-10-01"
    if fault.code == "string_type" and not isinstance(value, Map | Seq):
        return f"`{name}` must be a text: put quotes around {clip(value)}"
    return f"`{name}` must {_wanted(fault)}, not {_kind(value)}"


def _or_fields(fault: _Fault) -> str:
    """The forms with fields that stand beside a word."""
    owners = [form for form in fault.forms if _has_fields(form)]
    lines = [f"`{{{example(owner, fields(owner)[0].name)}}}`" for owner in owners]
    return f", or fields such as {' or '.join(lines)}" if lines else ""


def _wanted(fault: _Fault) -> str:
    kinds = {
        "string": "be a text",
        "bool": "be true or false",
        "tuple": "be a list, such as [first, second]",
        "int": "be a whole number",
        "float": "be a number",
    }
    kind = fault.code.split("_")[0]
    plain = fault.hint in (str, int, float, bool)
    return kinds.get(kind) or ("be a plain value" if plain else "hold fields, in braces or on lines of their own")


def _kind(value: Any) -> str:
    if isinstance(value, Map):
        return "fields"
    return "a list" if isinstance(value, Seq) else clip(value)


def _mark_unreadable(fault: _Fault, sheet: Sheet, prefix: Path) -> None:
    path = fault.path
    if fault.code == "unexpected_keyword_argument" and fault.owner and not sheet.is_full:
        from difflib import get_close_matches

        names = [str(item) for item in _hints(fault.owner)]
        sheet.unreadable |= {(*prefix, *path[:-1], name) for name in get_close_matches(str(path[-1]), names, n=1)}
        return
    sheet.unreadable.add((*prefix, *path))


def _leave_out(fault: _Fault, tree: Any) -> bool:
    """Take a fault out of the tree; False when nothing would be left."""
    path = fault.path
    # leaving out one item would move the others away from their places, so the whole list goes
    index = next((i for i, step in enumerate(path) if isinstance(step, int)), None)
    if index is not None:
        path = path[:index]
    elif fault.code == "missing" and fault.hint is not str:
        path = path[:-1]
    if not path:
        return False
    parent = look_up(tree, path[:-1])
    if not isinstance(parent, Map):
        return True
    name = str(path[-1])
    if fault.hint is str and fault.owner and path == fault.path:
        mark = parent.key_marks.get(name, parent.mark)
        parent.put(name, "", mark)
    elif name in parent:
        parent.take(name)
    return True
