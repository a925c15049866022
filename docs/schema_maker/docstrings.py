"""What the sources say about their types: the docstring of each class and the one under each field.

Read from the text of the modules, since Python keeps no docstrings of fields.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
from functools import cache
from typing import Any

_ALIAS = re.compile(r"\s*YAML: `(\w+)[^`]*`\.?")


def class_text(owner: type[Any]) -> str:
    """The first paragraph of a class's docstring."""
    return _paragraph(_documented(owner)[0])


def field_text(owner: type[Any], field: str) -> str:
    """The docstring under a field, without the note on its name in YAML; empty when there is none."""
    return _ALIAS.sub("", _field(owner, field)).strip()


def field_alias(owner: type[Any], field: str) -> str | None:
    """The name in YAML that the docstring under a field gives it."""
    match = _ALIAS.search(_field(owner, field))
    return match[1] if match else None


def _field(owner: type[Any], field: str) -> str:
    for base in owner.__mro__:
        text = _documented(base)[1].get(field) if base is not object else None
        if text:
            return _paragraph(text)
    return ""


def _paragraph(text: str) -> str:
    return " ".join(text.strip().partition("\n\n")[0].split())


def _documented(owner: type[Any]) -> tuple[str, dict[str, str]]:
    """The docstring of a class and those of the fields that it adds."""
    return _of_class(owner.__module__, owner.__name__)


@cache
def _of_class(module: str, name: str) -> tuple[str, dict[str, str]]:
    for node in _module(module).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return ast.get_docstring(node) or "", _fields(node)
    return "", {}


@cache
def _module(name: str) -> ast.Module:
    return ast.parse(inspect.getsource(sys.modules[name]))


def _fields(node: ast.ClassDef) -> dict[str, str]:
    found = {}
    for item, after in zip(node.body, node.body[1:], strict=False):
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and isinstance(after, ast.Expr):
            value = after.value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found[item.target.id] = value.value
    return found
