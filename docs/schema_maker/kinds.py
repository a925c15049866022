"""The schema of each kind of file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from docs.schema_maker.forms import (
    EITHER,
    EXTRA,
    LAYERED,
    LAYERED_RELAXED,
    NAME,
    RELAXED,
    SLUG,
    SPECIAL,
    named,
    top_level,
)
from docs.schema_maker.results import examples_from, plain_examples, text_of
from docs.schema_maker.shapes import Schema, Shapes, described

from holdfast.errors import Finding
from holdfast.model.changed import Diff
from holdfast.model.experiment import Experiment
from holdfast.model.exploration import ExplorationResult
from holdfast.model.kpi import Kpi
from holdfast.model.metric import Metric
from holdfast.model.plan_document import PlanDocument
from holdfast.model.predicate import Predicate
from holdfast.model.project import Project
from holdfast.model.result import Analysis
from holdfast.model.source import Property, Source
from holdfast.model.tactic import Tactic
from holdfast.project.diagnosis import Line
from holdfast.project.standing import Standing

ROOT = Path(__file__).parents[2]
DRAFT = "http://json-schema.org/draft-07/schema#"
TITLES: Mapping[str, tuple[str, str]] = {
    "project": ("Project", "configs/project.yaml: what holds for all experiments of a project."),
    "sources": ("Sources", "configs/sources/*.yaml: where data comes from, derived properties and segments."),
    "metrics": ("Metrics", "configs/metrics/*.yaml: the metric catalogue."),
    "tactics": ("Tactics", "configs/tactics/*.yaml: the tactic catalogue."),
    "templates": ("Templates", "configs/templates/*.yaml: experiments with the author's fields missing."),
    "experiment": ("Experiment", "experiments/<slug>/experiment.yaml: one experiment."),
    "results": ("Results", "results.json: everything that was computed."),
    "findings": ("Findings", "What validate --json prints."),
    "status": ("Status", "What status --json prints: where every experiment stands, without any effect."),
    "doctor": ("Doctor", "What doctor --json prints: everything that was looked at."),
    "plan": ("Plan", "What plan --json prints: what will be computed, and what a size could tell."),
    "exploration": ("Exploration", "What explore --json prints: found after the fact, so that nothing rests on it."),
    "diff": ("Diff", "What diff --json prints: why two reports of an experiment do not say the same."),
    "kpi": ("Kpi", "What kpi --json prints: customers by calendar month. Not an experiment."),
}


def schema(kind: str) -> Schema:
    """The JSON Schema of one kind of file."""
    shapes, body = _BUILT[kind]()
    title, text = TITLES[kind]
    head: Schema = {"$schema": DRAFT, "title": title, "description": text}
    return {**head, **body, **head, "definitions": dict(sorted(shapes.definitions.items()))}


def _shared() -> Shapes:
    return Shapes(special=SPECIAL, extra=EXTRA, relaxed=RELAXED, one_of=EITHER)


def _layered() -> Shapes:
    return Shapes(special=LAYERED, extra=EXTRA, relaxed=LAYERED_RELAXED, one_of=EITHER)


def _project() -> tuple[Shapes, Schema]:
    shapes = _shared()
    return shapes, shapes.fields_of(Project)


def _section(hint: Any, pattern: str, text: str, example: Any) -> Callable[[Shapes], Schema]:
    return lambda shapes: described(named(shapes.of(hint), pattern), text, [example])


_SECTIONS: Mapping[str, Mapping[str, Callable[[Shapes], Schema]]] = {
    "sources": {
        "sources": _section(
            Source,
            NAME,
            "Sources by name.",
            {"orders": {"grain": "event", "table": "orders", "keys": {"customer": "id"}, "timestamp": "ordered_at"}},
        ),
        "properties": _section(
            Property,
            NAME,
            "Properties of a unit, by name, derived from facts before its own assignment.",
            {"days_since_last_order": {"fact": "orders.order", "operation": "recency"}},
        ),
        "segments": _section(
            Predicate,
            NAME,
            "Segments by name: conditions that all have to hold.",
            {"slipping": {"use_trend": "< 0.5"}},
        ),
    },
    "metrics": {
        "metrics": _section(
            Metric,
            NAME,
            "Metrics by name.",
            {
                "bought": {
                    "operation": "conversion",
                    "fact": "orders.order",
                    "window": "30d",
                    "desired_change": "increase",
                }
            },
        )
    },
    "tactics": {
        "tactics": _section(
            Tactic,
            SLUG,
            "Tactics by name.",
            {"winback-voucher-10": {"type": "incentive", "offer": {"discount": "10%"}, "channel": "email"}},
        )
    },
}


def _file(kind: str) -> Callable[[], tuple[Shapes, Schema]]:
    def make() -> tuple[Shapes, Schema]:
        shapes = _shared()
        properties = {name: section(shapes) for name, section in _SECTIONS[kind].items()}
        return shapes, {"type": "object", "properties": properties, "additionalProperties": False}

    return make


def _layer(shapes: Shapes) -> Schema:
    body = shapes.fields_of(Experiment)
    return {**body, "properties": {**top_level(shapes), **body["properties"]}}


def _experiment() -> tuple[Shapes, Schema]:
    shapes = _layered()
    body = _layer(shapes)
    alone: Schema = {
        "required": ["metrics"],
        "properties": {"metrics": {"required": ["primary"]}},
        "anyOf": [{"required": ["variants"]}, {"required": ["tactic"]}],
    }
    body["required"] = ["owner", "hypothesis"]
    return shapes, {**body, "if": {"not": {"required": ["extends"]}}, "then": alone}


def _templates() -> tuple[Shapes, Schema]:
    shapes = _layered()
    layer = _layer(shapes)
    for word in ("extends", "data", "id"):
        layer["properties"].pop(word)
    layer["title"] = "Template"
    layer["description"] = "An experiment with the author's fields missing."
    shapes.definitions["Template"] = layer
    text = "Templates by name."
    example = {"winback-incentive": {"tactic": {"type": "incentive"}, "metrics": {"primary": "margin_per_customer"}}}
    section = described(named({"$ref": "#/definitions/Template"}, SLUG), text, [example])
    return shapes, {"type": "object", "properties": {"templates": section}, "additionalProperties": False}


def _results() -> tuple[Shapes, Schema]:
    documents = sorted((ROOT / "reports").glob("*/*/results.json"))
    shapes = Shapes(nullable=True, examples=examples_from(documents), texts=text_of)
    return shapes, shapes.fields_of(Analysis)


def _findings() -> tuple[Shapes, Schema]:
    shapes = Shapes()
    one = shapes.fields_of(Finding)
    for place in ("line", "column"):
        one["properties"][place] |= {"type": ["integer", "null"], "minimum": 1}
        one["properties"][place]["description"] = "From 1; null when the finding is about the file as a whole."
    one["properties"]["severity"].pop("default")
    one["required"] = list(one["properties"])
    shapes.definitions["Finding"] = one
    count: Schema = {"type": "integer", "minimum": 0}
    properties = {
        "schema": described({"const": "holdfast.findings/1"}, "The shape of this document.", ["holdfast.findings/1"]),
        "errors": described(count, "How many errors there are.", [1]),
        "warnings": described(count, "How many warnings there are.", [0]),
        "notes": described(count, "How many notes there are: of the data only, and nothing has to be done.", [0]),
        "findings": described(
            {"type": "array", "items": {"$ref": "#/definitions/Finding"}}, "Every finding, sorted by place.", [[]]
        ),
    }
    body = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return shapes, body


def _document(owner: type[Any]) -> Callable[[], tuple[Shapes, Schema]]:
    """A document that a command prints, each of whose fields is always there."""

    def make() -> tuple[Shapes, Schema]:
        shapes = _printed()
        return shapes, _complete(owner, shapes)

    return make


def _listed(name: str, owner: type[Any], counts: Mapping[str, str]) -> Callable[[], tuple[Shapes, Schema]]:
    """A document that lists values of one type."""

    def make() -> tuple[Shapes, Schema]:
        shapes = _printed()
        shapes.definitions[owner.__name__] = {}
        shapes.definitions[owner.__name__] = _complete(owner, shapes)
        rows: Schema = {"type": "array", "items": {"$ref": f"#/definitions/{owner.__name__}"}}
        kind = f"holdfast.{name}/1"
        counted: Schema = {"type": "integer", "minimum": 0}
        properties = {
            "schema": described({"const": kind}, "The shape of this document.", [kind]),
            **{count: described(counted, text, [0]) for count, text in counts.items()},
            _ROWS[name]: described(rows, "One after the other.", [[]]),
        }
        body = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
        return shapes, body

    return make


_ROWS = {"status": "experiments", "doctor": "lines"}


def _printed() -> Shapes:
    return Shapes(nullable=True, examples=plain_examples, texts=text_of)


def _complete(owner: type[Any], shapes: Shapes) -> Schema:
    """The schema of a dataclass of which every field is written, empty ones as null."""
    body = shapes.fields_of(owner)
    return {**body, "required": list(body["properties"])}


_BUILT: Mapping[str, Callable[[], tuple[Shapes, Schema]]] = {
    "project": _project,
    **{kind: _file(kind) for kind in _SECTIONS},
    "templates": _templates,
    "experiment": _experiment,
    "results": _results,
    "findings": _findings,
    "status": _listed("status", Standing, {}),
    "doctor": _listed("doctor", Line, {"problems": "How many problems there are."}),
    "plan": _document(PlanDocument),
    "exploration": _document(ExplorationResult),
    "diff": _document(Diff),
    "kpi": _document(Kpi),
}
