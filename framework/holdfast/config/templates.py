"""Templates: experiments with their author's fields missing, checked by themselves when the shared files are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.config import desugar
from holdfast.config.marks import START, Map, Path, Sheet
from holdfast.config.merge import merge
from holdfast.config.rules.known import Known
from holdfast.config.rules.measures import check_measures
from holdfast.config.shape import check
from holdfast.config.short import NOT_FIELDS, with_audience
from holdfast.config.words import clip
from holdfast.model.experiment import Experiment
from holdfast.model.tactic import Tactic

OWN_WORDS = {"title", "description"}
"""What a template says about itself; experiments do not inherit it."""
_AUTHORS = {
    "owner": "author",
    "hypothesis": "to be written",
    "variants": {"control": {"weight": 1, "is_control": True, "tactic": "nothing"}},
}
"""Stand-ins for what only an experiment's author knows."""
_REFUSED = {"data": "names the file of one experiment", "id": "is one experiment's", "salt": "is one experiment's"}


@dataclass(frozen=True)
class Template:
    """One template: the layer that it adds under an experiment."""

    layer: Map
    """Its fields in long form, without what it says about itself."""
    title: str
    description: str
    sheet: Sheet
    """The file, with the template as its tree, so that findings stand where they were written."""


def read_template(sheet: Sheet, tree: Any, path: Path) -> Template | None:
    """A template as far as its shape goes; None when it holds no fields."""
    name = str(path[-1])
    if not isinstance(tree, Map):
        message = f"{clip(name)} must hold the fields of an experiment, such as `metrics: {{primary: retained}}`"
        sheet.add("invalid-value", path, message)
        return None
    inner = Sheet(sheet.path, tree, sheet.findings)
    if "extends" in tree:
        message = "templates do not extend templates; copy what it needs from the other"
        inner.add("template-extends", ("extends",), message, at="key")
    for word, why in _REFUSED.items():
        if word in tree:
            message = f"`{word}` {why} and has no place in a template; remove it"
            inner.add("unknown-field", (word,), message, at="key")
    layer, _ = desugar.experiment(inner, tree.without({"extends", *_REFUSED}))
    inner.tree = layer
    words = {word: layer[word] if isinstance(layer.get(word), str) else "" for word in OWN_WORDS}
    result = Template(layer.without(OWN_WORDS), words["title"], words["description"], inner)
    if isinstance(layer.get("tactic"), Map) and "type" in layer["tactic"]:
        check(Tactic, desugar.tactic(inner, layer["tactic"]), inner, ("tactic",), partial=True)
    return result


def check_template(known: Known, template: Template, defaults: Map, segments: Mapping[str, Any]) -> None:
    """What a template says, as far as it can be judged without an experiment."""
    sheet = template.sheet
    tree = merge(defaults, template.layer).tree.without(NOT_FIELDS)
    for note in merge(defaults, template.layer).notes:
        sheet.add_at(note.mark, note.rule, note.message, note.severity)
    tree = with_audience(sheet, tree, segments, partial="segments" in known.partial)
    has_primary = isinstance(tree.get("metrics"), Map) and "primary" in tree["metrics"]
    experiment: Experiment | None = check(Experiment, _filled(tree), sheet, partial=True)
    if experiment is not None and has_primary:
        check_measures(known, sheet, experiment)


def _filled(tree: Map) -> Map:
    """The template with stand-ins for the author's fields, so that the rest can be read."""
    result = tree.without(set())
    for name, value in _AUTHORS.items():
        if name not in result:
            result.put(name, value, START)
    metrics = result.get("metrics", Map())
    if isinstance(metrics, Map) and "primary" not in metrics:
        filled = metrics.without(set())
        filled.put("primary", "retained", START)
        result.put("metrics", filled, result.key_marks.get("metrics", START))
    return result
