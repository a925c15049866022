"""One experiment from its three layers: project defaults, its template, and its own file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from holdfast.config import desugar
from holdfast.config.marks import Map, Mark, Sheet
from holdfast.config.merge import merge
from holdfast.config.short import InPlace, choose_form, with_audience, with_variants
from holdfast.config.templates import Template
from holdfast.config.words import clip
from holdfast.errors import nearest

_DEFAULTS = ("confidence", "fdr", "power", "correction", "cuped")


@dataclass
class Layers:
    """What experiments inherit, joined once for all of them."""

    defaults: Map
    """The project's layer."""
    templates: Mapping[str, Template]
    segments: Mapping[str, Any]
    """Named segments as they stand in their files."""
    partial: frozenset[str]
    """Kinds of which a file cannot be read at all."""
    _joined: dict[str, Map] = field(default_factory=dict)

    def under(self, name: str | None) -> Map:
        """The project's layer with a template over it."""
        if name is None:
            return self.defaults
        if name not in self._joined:
            self._joined[name] = merge(self.defaults, self.templates[name].layer).tree
        return self._joined[name]


@dataclass(frozen=True)
class Resolved:
    """An experiment whose layers are one tree."""

    tree: Map
    """In long form, as the types have it."""
    data: Map | None
    """The source that its `data:` stands for."""
    has_data: bool
    in_place: InPlace
    template: str | None
    extends: Mark | None
    """Where the template is named."""
    removed: tuple[tuple[str, Mark], ...]
    """Guardrails of the template that were taken out."""
    partial: bool
    """Whether a template is named that cannot be found, so that fields may seem to be missing."""


def project_layer(tree: Any) -> Map:
    """What the project's file says for every experiment, as the lowest layer."""
    layer = Map()
    if not isinstance(tree, Map):
        return layer
    defaults = tree.get("defaults")
    if isinstance(defaults, Map):
        analysis = defaults.only(set(_DEFAULTS))
        layer.put("analysis", analysis, tree.key_marks["defaults"])
    if isinstance(tree.get("health"), Map):
        layer.put("health", tree["health"], tree.key_marks["health"])
    return layer


def resolve(sheet: Sheet, slug: str, layers: Layers) -> Resolved:
    """The experiment of a sheet over what it inherits; the sheet then shows the merged tree, place by place."""
    written: Map = sheet.tree
    has_data = "data" in written
    own, data = desugar.experiment(sheet, written)
    template, extends = _template(sheet, own, layers)
    merged = merge(layers.under(template), own)
    for note in merged.notes:
        sheet.add_at(note.mark, note.rule, note.message, note.severity)
    chosen = choose_form(sheet, own, merged.tree)
    chosen = with_audience(sheet, chosen, layers.segments, partial="segments" in layers.partial)
    unknown = extends is not None and template is None
    # without the template nobody can say what is missing
    listener = Sheet(sheet.path) if unknown else sheet
    tree, in_place = with_variants(listener, slug, chosen)
    sheet.unreadable |= listener.unreadable
    sheet.tree = _places(tree, chosen, in_place)
    return Resolved(
        tree=tree,
        data=data,
        has_data=has_data,
        in_place=in_place,
        template=template,
        extends=extends,
        removed=merged.removed,
        partial=unknown,
    )


def _template(sheet: Sheet, own: Map, layers: Layers) -> tuple[str | None, Mark | None]:
    """The template that the experiment names, if there is one of that name, and where it is named."""
    if "extends" not in own:
        return None, None
    name, mark = own["extends"], own.value_marks["extends"]
    if isinstance(name, str) and name in layers.templates:
        return name, mark
    if not isinstance(name, str):
        message = "`extends` is the name of one template, such as `extends: winback-incentive`"
        sheet.add_at(mark, "invalid-value", message)
    elif "templates" not in layers.partial:
        message = f"unknown template {clip(name)}{nearest(name, layers.templates)}"
        sheet.add_at(mark, "unknown-template", message)
    return None, mark


def _places(tree: Map, chosen: Map, in_place: InPlace) -> Map:
    """The tree with the words of the short form beside it, so that every path leads to what was written."""
    result = tree.without(set())
    for key in ("tactic", "control"):
        if key in chosen:
            result.put(key, chosen[key], chosen.key_marks[key], chosen.value_marks[key])
    for path, tactic in in_place.trees.values():
        _put(result, path, tactic)
    return result


def _put(tree: Map, path: tuple[str | int, ...], value: Map) -> None:
    """Set a value at a path, copying each mapping on the way, since layers are shared."""
    for step in path[:-1]:
        name = str(step)
        tree[name] = tree[name].without(set())
        tree = tree[name]
    tree[str(path[-1])] = value
