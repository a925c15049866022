"""Where each resolved value of an experiment came from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from holdfast.config.marks import Map, Mark, Path, Seq
from holdfast.config.resolve import Resolved
from holdfast.config.words import written
from holdfast.model.experiment import Experiment

DEFAULT = "default"


def leaves(value: Any, path: Path = (), shown: tuple[str, ...] = ()) -> Iterator[tuple[Path, str, Any]]:
    """Every plain value inside a typed one: its path in the long form, its dotted path as people write it, itself."""
    if is_dataclass(value) and not isinstance(value, type) and hasattr(type(value), "__pydantic_config__"):
        for item in fields(value):
            word = written(type(value), item.name)
            yield from leaves(getattr(value, item.name), (*path, item.name), (*shown, word))
    elif isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from leaves(inner, (*path, str(key)), (*shown, str(key)))
    elif isinstance(value, tuple | list) and value:
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index), (*shown, str(index)))
    else:
        yield path, ".".join(shown), value


def origin(tree: Any, path: Path) -> str:
    """The file and line of a path, or `default` when no file says it."""
    mark: Mark | None = None
    for step in path:
        if isinstance(tree, Map) and step == "length" and step not in tree and "until" in tree:
            mark, tree = tree.value_marks["until"], tree["until"]
        elif isinstance(tree, Map) and step in tree:
            mark, tree = tree.value_marks[str(step)], tree[str(step)]
        elif isinstance(tree, Seq) and isinstance(step, int) and step < len(tree):
            mark, tree = tree.marks[step], tree[step]
        elif isinstance(tree, Map | Seq):
            return DEFAULT
        else:
            break  # a short value, such as a text that stands for several fields
    return str(mark) if mark and mark.file else DEFAULT


def origins(experiment: Experiment, resolved: Resolved) -> dict[str, str]:
    """Dotted path of each value of an experiment to `file:line` or `default`.

    Guardrails of the template that were taken out stand under `metrics.guardrails.removed`.
    """
    found = {name: origin(resolved.tree, path) for path, name, _ in leaves(experiment)}
    if resolved.extends is not None:
        found["extends"] = str(resolved.extends)
    for name, mark in resolved.removed:
        found[f"metrics.guardrails.removed.{name}"] = str(mark)
    return found
