"""What a flag answers for each variant, in each of the five types that a service can ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from holdfast.model.flag import Flag, FlagVariant, Payload

Kind = Literal["boolean", "string", "integer", "float", "object"]
KINDS: Final[tuple[Kind, ...]] = ("boolean", "string", "integer", "float", "object")
VALUE = "value"
"""The key of a payload that answers the calls for one plain value."""
CALLERS_DEFAULT: Final = object()
"""The variant says nothing of its own: it gets what the service does without a flag."""

_FITS: Mapping[Kind, Callable[[Any], bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}


class Mismatch(Exception):
    """The flag has no values of that type."""


def answers(flag: Flag, kind: Kind) -> tuple[Any, ...]:
    """The answer of every variant, in the order of the file.

    Whether a type can be answered never depends on the variant: otherwise an error would leave one variant out of the
    exposure log and not the other, and the groups could no longer be compared.

    Raises:
        Mismatch: in words for whoever asked.
    """
    payloads = [variant.payload for variant in flag.variants]
    if kind == "object":
        if not any(payloads):
            raise Mismatch(f'"{flag.experiment}" has no payload to answer with; give its variants one, or ask for text')
        return tuple(dict(payload) if payload else CALLERS_DEFAULT for payload in payloads)
    if any(VALUE in payload for payload in payloads):
        return tuple(_typed(flag, kind, payload) for payload in payloads)
    if kind == "string":
        return tuple(variant.key for variant in flag.variants)
    if kind == "boolean":
        return tuple(not variant.is_control for variant in flag.variants)
    raise Mismatch(
        f'"{flag.experiment}" has no {kind} to answer with; give its variants payload: {{value: ...}}, or ask for text'
    )


def _typed(flag: Flag, kind: Kind, payload: Payload) -> Any:
    if VALUE not in payload:
        return CALLERS_DEFAULT
    value = payload[VALUE]
    if not _FITS[kind](value):
        raise Mismatch(f'"{flag.experiment}" has values that are no {kind}: {_listed(flag.variants)}')
    return float(value) if kind == "float" else value


def _listed(variants: tuple[FlagVariant, ...]) -> str:
    """Each variant with the type of its value, for the message."""
    words = {bool: "boolean", int: "integer", float: "float", str: "string"}
    return ", ".join(f"{item.key} {words[type(item.payload[VALUE])]}" for item in variants if VALUE in item.payload)
