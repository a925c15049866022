"""One layer of an experiment over another: project defaults, then a template, then the experiment itself.

Mappings merge by key and a list replaces. `{add: [...], remove: [...]}` edits the inherited list of secondary or
descriptive metrics, of segments and of guardrails; guardrails listed by themselves join the inherited ones, and one
of the same metric replaces its forerunner, so that none is lost by accident.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from holdfast.config.marks import Map, Mark, Path, Seq
from holdfast.config.words import clip
from holdfast.errors import nearest

GUARDRAILS: Path = ("metrics", "guardrails")
_EDITED: tuple[Path, ...] = (
    ("metrics", "secondary"),
    ("metrics", "descriptive"),
    ("analysis", "segments"),
    GUARDRAILS,
)
_OPENED = {path[:-1] for path in _EDITED}
"""Mappings that are walked into even when nothing is inherited, since an edit may stand in them."""
_WHOLE: tuple[Path, ...] = (
    ("control",),
    ("population",),
    ("decision",),
    ("analysis", "looks"),
    ("analysis", "cuped"),
    ("assignment", "exclusion_group"),
)
"""Values that say one thing with several fields: a mixture of two would say neither."""
_WHOLE_BELOW: tuple[Path, ...] = (("audience",), ("metrics", "trio"), ("metrics", "define"))
_ALTERNATIVES: dict[Path, tuple[tuple[frozenset[str], ...], ...]] = {
    ("enroll",): (
        (frozenset({"date"}), frozenset({"start", "length", "each", "at"})),
        (frozenset({"each"}), frozenset({"at"})),
    ),
    ("assignment",): ((frozenset({"variant", "labels"}), frozenset({"rules"})),),
    ("analysis",): ((frozenset({"cuped"}), frozenset({"covariates"})),),
    ("tactic", "offer"): (
        tuple(
            frozenset({name})
            for name in ("discount", "free_shipping", "points", "gift", "cash_back", "upgrade", "match")
        ),
    ),
}
"""Fields of which one form excludes another: naming one leaves the inherited others out."""
_KINDS: dict[Path, str] = {("tactic",): "type", ("assignment",): "method"}
"""Fields that say of what kind a mapping is: one of another kind takes the place of the inherited one."""
_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Note:
    """Something to say about an edit of an inherited list."""

    mark: Mark
    rule: str
    message: str
    severity: Literal["error", "warning"] = "error"


@dataclass(frozen=True, slots=True)
class Merged:
    """Two layers as one, every value with the place that it came from."""

    tree: Map
    notes: tuple[Note, ...]
    removed: tuple[tuple[str, Mark], ...]
    """Inherited guardrails that were taken out, and where that was said."""


@dataclass(slots=True)
class _Record:
    notes: list[Note] = field(default_factory=list)
    removed: list[tuple[str, Mark]] = field(default_factory=list)


def merge(base: Map, over: Map) -> Merged:
    """The first layer with the second over it; neither is changed."""
    record = _Record()
    tree = _mappings(base, over, (), record)
    return Merged(tree, tuple(record.notes), tuple(record.removed))


def _merged(base: Any, over: Any, path: Path, record: _Record) -> Any:
    if path in _EDITED:
        inherited = base if isinstance(base, Seq) else Seq()
        if isinstance(over, Map):
            return _edited(inherited, over, path, record)
        if path == GUARDRAILS and isinstance(over, Seq):
            # An empty list can only mean that none is wanted.
            return _joined(inherited, over) if over else _emptied(inherited, over, record)
        return over
    if path in _OPENED and isinstance(over, Map):
        return _mappings(base if isinstance(base, Map) else Map(over.mark), over, path, record)
    if not isinstance(base, Map) or not isinstance(over, Map) or _replaces(base, over, path):
        return over
    return _mappings(base, over, path, record)


def _replaces(base: Map, over: Map, path: Path) -> bool:
    """Whether a mapping takes the place of the inherited one instead of joining it."""
    if path in _WHOLE or path[:-1] in _WHOLE_BELOW:
        return True
    kind = _KINDS.get(path, "")
    return kind in over and over[kind] != base.get(kind, over[kind])


def _mappings(base: Map, over: Map, path: Path, record: _Record) -> Map:
    result = Map(over.mark)
    excluded = _excluded(path, over)
    for key, value in base.items():
        if key not in excluded:
            result.put(key, value, base.key_marks[key], base.value_marks[key])
    for key, value in over.items():
        merged = _merged(base.get(key, _NOTHING), value, (*path, key), record)
        result.put(key, merged, over.key_marks[key], over.value_marks[key])
    return result


def _excluded(path: Path, over: Map) -> set[str]:
    """The inherited fields that the fields of this layer rule out."""
    excluded: set[str] = set()
    for forms in _ALTERNATIVES.get(path, ()):
        if any(form & over.keys() for form in forms):
            excluded |= {name for form in forms if not form & over.keys() for name in form}
    return excluded


def _text(item: Any) -> str:
    """What an item of a list is known by: its metric, or itself."""
    return str(item.get("metric", "")) if isinstance(item, Map) else str(item)


def _joined(base: Seq, over: Seq) -> Seq:
    """Inherited guardrails with those of this layer, each in the place of one on the same metric."""
    own = {_text(item): (item, mark) for item, mark in zip(over, over.marks, strict=True)}
    inherited = {_text(item) for item in base}
    result = Seq(over.mark)
    for item, mark in zip(base, base.marks, strict=True):
        result.add(*own.get(_text(item), (item, mark)))
    for item, mark in zip(over, over.marks, strict=True):
        # one that is written twice stays twice, so that the rules can say so
        if _text(item) not in inherited or own[_text(item)][0] is not item:
            result.add(item, mark)
    return result


def _emptied(base: Seq, over: Seq, record: _Record) -> Seq:
    """No guardrails, with a remark for each inherited one that is left out."""
    for item in base:
        record.removed.append((_text(item), over.mark))
        message = f"the inherited guardrail {clip(_text(item))} is left out; the report says so"
        record.notes.append(Note(over.mark, "guardrail-removed", message, "warning"))
    return over


def _edited(base: Seq, edit: Map, path: Path, record: _Record) -> Seq:
    """The inherited list after an edit."""
    for key in edit:
        if key not in {"add", "remove"}:
            message = f"unknown field {clip(key)}{nearest(key, ('add', 'remove'))}"
            record.notes.append(Note(edit.key_marks[key], "unknown-field", message))
    dropped = _dropped(base, edit, path, record)
    result = Seq(edit.mark)
    for item, mark in zip(base, base.marks, strict=True):
        if _text(item) not in dropped:
            result.add(item, mark)
    added = _items(edit, "add", record)
    if path == GUARDRAILS:
        return _joined(result, added)
    for item, mark in zip(added, added.marks, strict=True):
        result.add(item, mark)
    return result


def _dropped(base: Seq, edit: Map, path: Path, record: _Record) -> set[str]:
    names = [_text(item) for item in base]
    dropped: set[str] = set()
    removed = _items(edit, "remove", record)
    for item, mark in zip(removed, removed.marks, strict=True):
        name = _text(item)
        if name not in names:
            message = f"{clip(name)} is not in the inherited list{nearest(name, names)}"
            record.notes.append(Note(mark, "not-inherited", message))
            continue
        dropped.add(name)
        if path == GUARDRAILS:
            record.removed.append((name, mark))
            message = f"the inherited guardrail {clip(name)} is left out; the report says so"
            record.notes.append(Note(mark, "guardrail-removed", message, "warning"))
    return dropped


def _items(edit: Map, key: str, record: _Record) -> Seq:
    items = edit.get(key, Seq())
    if isinstance(items, Seq):
        return items
    message = f"`{key}` must be a list, such as [first, second]"
    record.notes.append(Note(edit.value_marks[key], "invalid-value", message))
    return Seq()
