"""docs/tactics.md: every tactic type with its fields."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import Any, get_args, get_type_hints

from docs.schema_maker.docstrings import class_text, field_text
from docs.schema_maker.samples import examples_of
from docs.schema_maker.shapes import yaml_name

from holdfast.model.tactic import MESSAGING, Costs, Offer, Tactic, TacticFields, Touch

_HEAD = """# Tactic types

What is done to customers to keep them. `type` says which fields a tactic has besides those that all tactics share; a
field of another type is an error that names the nearest one that fits. The same table, for editors and programs:
`holdfast schema tactics`. Examples of each type: `holdfast tactics`.

This page is written by `python -m docs.make_schemas` from the types.
"""
_COLUMNS = "| field | | meaning | example |\n|---|---|---|---|\n"


def document() -> str:
    """The whole page."""
    members = get_args(get_args(Tactic)[0])
    shared = {item.name for item in fields(TacticFields)}
    parts = [_HEAD, _overview(members, shared)]
    parts.append(_part("Fields of every tactic", class_text(TacticFields), TacticFields, set()))
    for member in members:
        parts.append(_part(f"`{_type(member)}`", class_text(member), member, shared | {"type"}))
    for owner, name in ((Offer, "offer"), (Costs, "costs"), (Touch, "touches")):
        parts.append(_part(f"The fields of `{name}`", class_text(owner), owner, set()))
    messaging = ", ".join(f"`{item}`" for item in MESSAGING)
    parts.append(f"Channels that need the customer's consent: {messaging}.\n")
    return "\n".join(parts)


def _type(member: type[Any]) -> str:
    return str(get_args(get_type_hints(member)["type"])[0])


def _overview(members: tuple[Any, ...], shared: set[str]) -> str:
    lines = ["| type | what it is | its own fields |", "|---|---|---|"]
    for member in members:
        own = [f"`{yaml_name(member, f.name)}`" for f in fields(member) if f.name not in shared | {"type"}]
        name = _type(member)
        lines.append(f"| [`{name}`](#{name}) | {class_text(member)} | {', '.join(own)} |")
    return "\n".join(lines) + "\n"


def _part(heading: str, text: str, owner: type[Any], left_out: set[str]) -> str:
    hints = get_type_hints(owner, include_extras=True)
    rows = ""
    for item in fields(owner):
        if item.name in left_out:
            continue
        needed = "required" if item.default is MISSING and item.default_factory is MISSING else ""
        sample = json.dumps(examples_of(owner, item.name, hints[item.name])[0], ensure_ascii=False)
        meaning = field_text(owner, item.name)
        rows += f"| `{yaml_name(owner, item.name)}` | {needed} | {meaning} | `{sample}` |\n"
    return f"## {heading}\n\n{text}\n\n{_COLUMNS}{rows}"
