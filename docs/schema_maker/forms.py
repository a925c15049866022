"""The short forms that people write, beside the long ones that the types know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, get_args, get_type_hints

from docs.schema_maker.docstrings import class_text
from docs.schema_maker.samples import examples_of, fallback_text
from docs.schema_maker.shapes import Schema, Shapes, described

from holdfast.config.finished import DATA_FIELDS
from holdfast.model.experiment import Assignment, DecisionPolicy, Guardrail, ShipIf, Variant
from holdfast.model.metric import Metric, Window
from holdfast.model.predicate import Condition
from holdfast.model.project import ContactCap, Cuped
from holdfast.model.source import Fact, TextColumn, UnitSource
from holdfast.model.tactic import RESERVED, Channel, Tactic
from holdfast.model.values import Duration, Effect, MetricRef

NAME = r"^[a-z][a-z0-9_]*$"
SLUG = r"^[a-z0-9][a-z0-9._-]*$"
_ONE = {"type": "string"}
_OFFER_END: Schema = {"const": "offer_end"}


def _window(shapes: Shapes) -> Schema:
    return {"anyOf": [shapes.of(Duration), shapes.of(Window)]}


def _window_start(shapes: Shapes) -> Schema:
    return {"anyOf": [shapes.of(Duration), dict(_OFFER_END)]}


def _until(shapes: Shapes) -> Schema:
    text = "Days after assignment at which the window ends (not included), in place of how long it is."
    return {"until": described(shapes.of(Duration), text, ["90d"])}


def _day(_: Shapes) -> Schema:
    text = "The one day that counts, in days after assignment, in place of a window."
    return {"day": described({"type": "integer", "minimum": 0}, text, [7])}


def _facts(shapes: Shapes) -> Schema:
    column = {"type": "string", "description": "The column that holds the number."}
    count = {"type": "null", "description": "Counts rows."}
    return named({"anyOf": [column, count, shapes.of(Fact)]}, NAME)


def _text_columns(shapes: Shapes) -> Schema:
    kind = shapes.of(get_type_hints(TextColumn)["type"])
    return {"type": "object", "additionalProperties": {"anyOf": [kind, shapes.of(TextColumn)]}}


def _channels(shapes: Shapes) -> Schema:
    one = shapes.of(Channel)
    return {"anyOf": [one, {"type": "array", "items": dict(one)}]}


def _causes(_: Shapes) -> Schema:
    return {"type": "object", "additionalProperties": {"anyOf": [_ONE, {"type": "array", "items": _ONE}]}}


def _one_or_more(_: Shapes) -> Schema:
    return {"anyOf": [_ONE, {"type": "array", "items": _ONE}]}


def _cap(shapes: Shapes) -> Schema:
    short = {"type": "string", "pattern": r"^\s*\d+ per \d+\s*(h|d|w)\s*$"}
    return {"anyOf": [short, shapes.of(ContactCap)]}


def _cuped(shapes: Shapes) -> Schema:
    return {"anyOf": [{"const": "off"}, shapes.of(Cuped)]}


def named(value: Schema, pattern: str) -> Schema:
    """Values by name, the names of one kind."""
    return {"type": "object", "propertyNames": {"pattern": pattern}, "additionalProperties": value}


def _edited(item: Any, name: Any, example: list[Any]) -> Callable[[Shapes], Schema]:
    """A list, or what to add to the inherited list and what to take out of it."""

    def make(shapes: Shapes) -> Schema:
        whole: Schema = {"type": "array", "items": shapes.of(item)}
        names: Schema = {"type": "array", "items": shapes.of(name)}
        changes = {
            "add": described(whole, "What to add to the inherited list.", [example]),
            "remove": described(names, "What to take out of the inherited list.", [["churned"]]),
        }
        change: Schema = {"type": "object", "properties": changes, "additionalProperties": False}
        return {"anyOf": [dict(whole), change]}

    return make


def _control(shapes: Shapes) -> Schema:
    return {"anyOf": [_tactic_name(), shapes.refer("ControlVariant", lambda: control_variant(shapes))]}


def control_variant(shapes: Shapes) -> Schema:
    """The control in its own words: what a variant has, without saying again that it is the control."""
    variant = shapes.fields_of(Variant)
    kept = {
        name: schema
        for name, schema in variant["properties"].items()
        if name not in {"control", "is_control", "weight"}
    }
    return {**variant, "description": "The variant that the others are compared with.", "properties": kept}


def _tactic_name() -> Schema:
    text = "A tactic by name; `nothing` or `same_as_today` for a control."
    known: Schema = {"enum": list(RESERVED)}
    return {"type": "string", "description": text, "anyOf": [known, {"pattern": SLUG}]}


def _tactic(shapes: Shapes) -> Schema:
    return {"anyOf": [_tactic_name(), shapes.refer("InlineTactic", lambda: inline_tactic(shapes))]}


def inline_tactic(shapes: Shapes) -> Schema:
    """A tactic written in place: its type, or the template's, says which fields it has."""
    members = get_args(get_args(Tactic)[0])
    types = [get_args(get_type_hints(item)["type"])[0] for item in members]
    words = {"type": "string", "enum": types, "enumDescriptions": [class_text(item) for item in members]}
    kind = described(words, fallback_text(None, "type") + " Default: the template's.", types[:3])
    merged: dict[str, Schema] = {}
    for member in members:
        for name, schema in shapes.fields_of(member)["properties"].items():
            merged[name] = _either(merged.get(name), schema)
    merged["type"] = kind
    choice = [
        {"if": {"properties": {"type": {"const": tag}}}, "then": shapes.of(member)}
        for tag, member in zip(types, members, strict=True)
    ]
    return {
        "type": "object",
        "description": "A tactic written in place.",
        "properties": {"type": kind},
        "if": {"required": ["type"]},
        "then": {"allOf": choice},
        "else": {"properties": merged, "additionalProperties": False},
    }


def _either(first: Schema | None, second: Schema) -> Schema:
    """What either of two schemas allows, for a field that several types share."""
    if first is None or _bare(first) == _bare(second):
        return second if first is None else first
    options = first["anyOf"] if first.get("$comment") == "either" else [_bare(first)]
    if _bare(second) in options:
        return first
    told: Schema = {key: first[key] for key in ("description", "examples") if key in first}
    return {"$comment": "either", "anyOf": [*options, _bare(second)], **told}


def _bare(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key not in {"description", "examples", "default"}}


def _decision(shapes: Shapes) -> Schema:
    policy = shapes.of(get_type_hints(DecisionPolicy)["policy"])
    return {"anyOf": [policy, shapes.of(DecisionPolicy)]}


def _reads(shapes: Shapes) -> Schema:
    several = shapes.of(get_type_hints(ShipIf)["reads"])
    return {"anyOf": [dict(several["items"]), several]}


def _pairs(_: Shapes) -> Schema:
    return {"type": "array", "items": {"type": "array", "items": dict(_ONE), "minItems": 2, "maxItems": 2}}


def _schema_name(_: Shapes) -> Schema:
    return {"type": "string", "pattern": NAME}


def _salt(_: Shapes) -> Schema:
    return {"type": ["string", "null"], "pattern": SLUG}


def _by_name(hint: Any) -> Callable[[Shapes], Schema]:
    return lambda shapes: named(shapes.of(hint), NAME)


def _currency(_: Shapes) -> Schema:
    return {"type": "string", "pattern": "^[A-Z]{3}$"}


def _audience(shapes: Shapes) -> Schema:
    name = {"type": "string", "pattern": NAME}
    segment = {"anyOf": [name, {"type": "array", "items": dict(name), "minItems": 1}]}
    text = "A named segment of the project, or a list of segments that all have to hold."
    segment = described(segment, text, ["lapsed", ["lapsed", "high_value"]])
    return {"type": "object", "properties": {"segment": segment}, "additionalProperties": shapes.of(Condition)}


def data_block(shapes: Shapes) -> Schema:
    """The file of a finished experiment: source, external assignment and closed windows in one."""
    found: dict[str, Schema] = {}
    for owner in (UnitSource, Assignment):
        hints = get_type_hints(owner, include_extras=True)
        for item in fields(owner):
            if item.name in DATA_FIELDS and item.name not in found and item.name != "unit":
                found[item.name] = shapes.property_of(owner, item, hints[item.name])
    text = "The column that identifies a unit, or `row` when each row is one."
    found["unit"] = described({"type": "string"}, text, ["row", "customer_id"])
    text = "Columns known before the assignment, to adjust for."
    found["covariates"] = described({"type": "array", "items": {"type": "string"}}, text, [["history", "recency"]])
    return {
        "type": "object",
        "description": "The file of a finished experiment.",
        "properties": {name: found[name] for name in DATA_FIELDS},
        "required": ["unit"],
        "allOf": [{"anyOf": [{"required": [name]} for name in ("path", "table", "sql")]}],
        "additionalProperties": False,
    }


def top_level(shapes: Shapes) -> Schema:
    """What an experiment may say beside the fields of its long form."""
    extends = {"type": "string", "pattern": SLUG}
    own = {
        "extends": (extends, "The template that gives everything that is not said here."),
        "tactic": (_tactic(shapes), "What the one treated variant gets: a tactic by name, or written in place."),
        "control": (_control(shapes), "What the control gets; with `tactic`, two variants of equal weight."),
        "expect": (shapes.of(Effect), "The smallest effect worth having, on the primary metric."),
        "data": (shapes.refer("Data", lambda: data_block(shapes)), "The file of a finished experiment."),
    }
    return {name: described(schema, text, examples_of(None, name, None)) for name, (schema, text) in own.items()}


_METRICS = _edited(MetricRef, MetricRef, ["retained"])
SPECIAL: Mapping[tuple[str, str], Callable[[Shapes], Schema]] = {
    ("MetricFields", "window"): _window,
    ("Window", "start"): _window_start,
    ("EventSource", "facts"): _facts,
    ("FileFormat", "columns"): _text_columns,
    ("TacticFields", "channel"): _channels,
    ("Survival", "causes"): _causes,
    ("ChannelSettings", "cap"): _cap,
    ("Defaults", "cuped"): _cuped,
    ("AnalysisSettings", "cuped"): _cuped,
    ("AssignmentStore", "schema"): _schema_name,
    ("Project", "currency"): _currency,
    ("Experiment", "currency"): _currency,
    ("ShipIf", "reads"): _reads,
    ("Assignment", "holdout"): _one_or_more,
    ("Defaults", "holdout"): _one_or_more,
}
"""Forms that hold in every file."""
LAYERED: Mapping[tuple[str, str], Callable[[Shapes], Schema]] = {
    **SPECIAL,
    ("Assignment", "salt"): _salt,
    ("Variant", "tactic"): _tactic,
    ("Experiment", "variants"): _by_name(Variant),
    ("MetricPlan", "define"): _by_name(Metric),
    ("Experiment", "audience"): _audience,
    ("Experiment", "decision"): _decision,
    ("MetricPlan", "secondary"): _METRICS,
    ("MetricPlan", "descriptive"): _METRICS,
    ("MetricPlan", "guardrails"): _edited(Guardrail, MetricRef, [{"metric": "margin_after_offer", "tolerate": "10%"}]),
    ("AnalysisSettings", "segments"): _edited(str, str, ["spend_band"]),
    ("AnalysisSettings", "comparisons"): _pairs,
}
"""Forms of experiments and templates, where a list may edit the inherited one."""
EXTRA: Mapping[str, Callable[[Shapes], Schema]] = {"Window": _until, "RetentionMetric": _day}
EITHER: Mapping[str, tuple[tuple[str, ...], ...]] = {"Window": (("for", "length", "until"),)}
RELAXED: Mapping[str, frozenset[str]] = {"Window": frozenset({"length"})}


def _required_of(owner: type[Any]) -> frozenset[str]:
    return frozenset(item.name for item in fields(owner)) - {"type"}  # what the template gives need not be said again


LAYERED_RELAXED: Mapping[str, frozenset[str]] = {
    **RELAXED,
    **{name: frozenset({"weight", "tactic", "primary"}) for name in ("Variant", "MetricPlan")},
    "Experiment": frozenset({"owner", "hypothesis", "variants", "metrics"}),
    **{member.__name__: _required_of(member) for member in get_args(get_args(Tactic)[0])},
}
"""What a layer may leave to the layers below it."""
