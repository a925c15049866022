"""From a type of the model to JSON Schema (draft 7), each dataclass a definition of its own."""

from __future__ import annotations

import datetime as dt
import inspect
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from docs.schema_maker.docstrings import class_text, field_alias, field_text
from docs.schema_maker.samples import examples_of, fallback_text
from pydantic import Discriminator

from holdfast.config.words import written
from holdfast.model.metric import Metric, Part
from holdfast.model.predicate import Condition
from holdfast.model.source import Source
from holdfast.model.tactic import Tactic
from holdfast.model.values import Duration, Effect, FactRef, MetricRef, Share, ShareRange

Schema = dict[str, Any]
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SHARE = r"\d+(\.\d+)?\s*%"
_DURATION = r"\d+\s*(h|d|w)"
_EFFECT = r"[+-]?\d+(\.\d+)?\s*(pt|%|days?|[A-Z]{3})"
_METRIC = rf"[^@\s]+(@{_DURATION})?"
TEXTS: Mapping[Any, str] = {
    Duration: _DURATION,
    Share: _SHARE,
    ShareRange: rf"{_SHARE}\s*\.\.\s*{_SHARE}",
    Effect: _EFFECT,
    FactRef: r"[^.\s]+\.[^.\s]+",
    MetricRef: _METRIC,
}
"""Values that are one short text, and how they are written."""
UNIONS = ((Metric, "Metric"), (Part, "Part"), (Source, "Source"), (Tactic, "Tactic"))
TAGS = ("operation", "type", "grain")
"""Fields that say which of several types a value is."""
_PLAIN: Mapping[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    dt.date: {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
}


@dataclass
class Shapes:
    """Builds schemas, and keeps the definitions that they refer to."""

    special: Mapping[tuple[str, str], Callable[[Shapes], Schema]] = field(default_factory=dict)
    """Class and field to the schema of what people write there, where the type alone does not tell."""
    extra: Mapping[str, Callable[[Shapes], Schema]] = field(default_factory=dict)
    """Class to further properties that may be written."""
    relaxed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Class to required fields that may be left out, since another form or layer gives them."""
    one_of: Mapping[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    """Class to names of which at least one stands there."""
    definitions: dict[str, Schema] = field(default_factory=dict)
    nullable: bool = False
    """Whether empty optional values of every kind are written as null, as in results.json."""
    examples: Callable[[type[Any] | None, str, Any], list[Any]] = examples_of
    """Class, field and type to examples."""
    texts: Callable[[type[Any] | None, str], str] = fallback_text
    """Class and field to the meaning of what has no docstring."""

    def of(self, hint: Any) -> Schema:
        """The schema of a type."""
        if hint in TEXTS:
            return self._text(hint)
        if hint is Condition:
            return self.refer("Condition", condition)
        if hint in _PLAIN:
            return dict(_PLAIN[hint])
        if is_dataclass(hint) and isinstance(hint, type):
            return self.refer(hint.__name__, lambda: self.fields_of(hint))
        return self._composed(hint)

    def _text(self, hint: Any) -> Schema:
        return {"type": "string", "pattern": rf"^\s*{TEXTS[hint]}\s*$", "examples": list(hint.examples)}

    def _composed(self, hint: Any) -> Schema:
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is Annotated:
            return self._tagged(hint, arguments)
        if origin is Literal:
            return _literal(arguments)
        if origin in (Union, types.UnionType):
            return self._union([item for item in arguments if item is not type(None)], type(None) in arguments)
        if origin is tuple:
            return self._tuple(arguments)
        if origin is not None and issubclass(origin, Mapping):
            return self._mapping(*arguments)
        raise TypeError(f"no schema for {hint!r}")

    def _tuple(self, arguments: tuple[Any, ...]) -> Schema:
        if arguments[-1] is Ellipsis:
            return {"type": "array", "items": self.of(arguments[0])}
        # draft 7 could fix each place, but editors and code generators cannot be relied on to read that
        items = [self.of(item) for item in dict.fromkeys(arguments)]
        schema = items[0] if len(items) == 1 else {"anyOf": items}
        return {"type": "array", "items": schema, "minItems": len(arguments), "maxItems": len(arguments)}

    def _mapping(self, key: Any, value: Any) -> Schema:
        if get_origin(key) is Literal:
            properties = {name: self._valued(value, name) for name in get_args(key)}
            return {"type": "object", "properties": properties, "additionalProperties": False}
        schema: Schema = {"type": "object", "additionalProperties": self.of(value)}
        if key is int:
            schema["propertyNames"] = {"pattern": r"^\d+$"}
        return schema

    def _valued(self, value: Any, name: str) -> Schema:
        return described(self.of(value), self.texts(None, name), self.examples(None, name, value))

    def _union(self, members: list[Any], optional: bool) -> Schema:
        if set(members) == {str, int, float, bool}:
            return {"type": ["string", "number", "boolean"]}
        found = [self.of(item) for item in members]
        schema: Schema = found[0] if len(found) == 1 else {"anyOf": found}
        return or_null(schema, always=self.nullable) if optional else schema

    def _tagged(self, hint: Any, arguments: tuple[Any, ...]) -> Schema:
        name = next(label for known, label in UNIONS if known == hint)
        tag = next(item.discriminator for item in arguments[1:] if isinstance(item, Discriminator))
        return self.refer(name, lambda: self._by_tag(get_args(arguments[0]), str(tag)))

    def _by_tag(self, members: tuple[Any, ...], tag: str) -> Schema:
        """One schema a tag, chosen by if and then: an editor offers that one's fields, and errors speak of it alone."""
        chosen = {get_args(get_type_hints(item)[tag])[0]: item for item in members}
        words: Schema = {"type": "string", "enum": list(chosen)}
        words["enumDescriptions"] = [class_text(item) for item in chosen.values()]
        text = self.texts(None, tag)
        return {
            "type": "object",
            "required": [tag],
            "properties": {tag: described(words, text, list(chosen)[:3])},
            "allOf": [
                {"if": {"properties": {tag: {"const": value}}, "required": [tag]}, "then": self.of(item)}
                for value, item in chosen.items()
            ],
        }

    def refer(self, name: str, make: Callable[[], Schema]) -> Schema:
        """A reference to a definition, made when it is first referred to."""
        if name not in self.definitions:
            self.definitions[name] = {}  # types may stand inside themselves
            self.definitions[name] = make()
        return {"$ref": f"#/definitions/{name}"}

    def fields_of(self, owner: type[Any]) -> Schema:
        """The schema of a dataclass, in the words that people write."""
        hints = get_type_hints(owner, include_extras=True)
        properties: Schema = {}
        needed: list[str] = []
        for item in fields(owner):
            name = yaml_name(owner, item.name)
            properties[name] = self._inherited(owner, item, hints[item.name])
            if name != item.name:
                properties[item.name] = {**properties[name], "doNotSuggest": True}
            if _is_required(item) and item.name not in self.relaxed.get(owner.__name__, ()):
                needed.append(name)
        if owner.__name__ in self.extra:
            properties |= self.extra[owner.__name__](self)
        return self._object(owner, properties, needed)

    def _inherited(self, owner: type[Any], item: Field[Any], hint: Any) -> Schema:
        """The schema of a field; what several types share is written once."""
        base = next(base for base in owner.__mro__ if item.name in inspect.get_annotations(base))
        if base is owner or yaml_name(owner, item.name) != item.name:
            return self.property_of(owner, item, hint)
        return self.refer(f"{base.__name__}.{item.name}", lambda: self.property_of(base, item, hint))

    def _object(self, owner: type[Any], properties: Schema, needed: list[str]) -> Schema:
        plain = [name for name in needed if not _renamed(owner, name)]
        title = _CAMEL.sub(" ", owner.__name__).capitalize()
        schema: Schema = {"title": title, "type": "object", "description": class_text(owner), "properties": properties}
        schema["additionalProperties"] = False
        if plain:
            schema["required"] = plain
        either = [(name, _renamed(owner, name)) for name in needed if _renamed(owner, name)]
        groups = [*either, *self.one_of.get(owner.__name__, ())]
        if groups:
            schema["allOf"] = [{"anyOf": [{"required": [name]} for name in group]} for group in groups]
        return schema

    def property_of(self, owner: type[Any], item: Field[Any], hint: Any) -> Schema:
        """The schema of a field with its description, examples and default."""
        own = next((self.special[key] for key in _keys(owner, item.name) if key in self.special), None)
        schema = own(self) if own else self.of(hint)
        is_tag = get_origin(hint) is Literal and len(get_args(hint)) == 1 and item.name in TAGS
        text = class_text(owner) if is_tag else field_text(owner, item.name) or self.texts(owner, item.name)
        schema = described(schema, text, self.examples(owner, item.name, hint))
        default = plain_default(item)
        return schema if default is None or self.nullable else {**schema, "default": default}


def _keys(owner: type[Any], name: str) -> list[tuple[str, str]]:
    return [(base.__name__, name) for base in owner.__mro__]


def yaml_name(owner: type[Any], name: str) -> str:
    """The word that people write for a field."""
    word = written(owner, name)
    return word if word != name else field_alias(owner, name) or name


def _renamed(owner: type[Any], word: str) -> str | None:
    """The field's own name where people write another word."""
    return next((f.name for f in fields(owner) if yaml_name(owner, f.name) == word != f.name), None)


def _is_required(item: Field[Any]) -> bool:
    return item.default is MISSING and item.default_factory is MISSING


def plain_default(item: Field[Any]) -> Any:
    """The default of a field as it would be written, when it is one plain value."""
    value = item.default_factory() if item.default_factory is not MISSING else item.default
    if isinstance(value, tuple(TEXTS)):
        return str(value)
    return value if isinstance(value, bool | int | float) or (isinstance(value, str) and value) else None


def described(schema: Schema, text: str, examples: list[Any]) -> Schema:
    """A schema with what a reader is told; a reference is wrapped, since draft 7 ignores what stands beside it."""
    body = {"allOf": [schema]} if "$ref" in schema else {k: v for k, v in schema.items() if k != "examples"}
    if not text or not examples:
        raise ValueError(f"no description or no example: {text!r} {examples!r} {schema!r}"[:400])
    return {**body, "description": text, "examples": examples}


def or_null(schema: Schema, *, always: bool = False) -> Schema:
    """The same, or nothing: for plain values only, since editors offer null wherever it is one of several."""
    if isinstance(schema.get("type"), str) and schema["type"] != "object" and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]} if always else schema


def _literal(values: tuple[Any, ...]) -> Schema:
    if len(values) == 1:
        return {"const": values[0]}
    return {"type": "string", "enum": list(values)}


def condition() -> Schema:
    """What one property must be."""
    plain: Schema = {"type": ["string", "number", "boolean"]}
    return {
        "description": class_text(Condition),
        "examples": list(Condition.examples),
        "anyOf": [
            plain,
            {"type": "array", "items": plain, "minItems": 1},
            {
                "type": "object",
                "properties": {
                    "not": described(
                        {"$ref": "#/definitions/Condition"}, "Everything but this.", ["JP", "none", "55..65"]
                    )
                },
                "required": ["not"],
                "additionalProperties": False,
            },
        ],
    }
