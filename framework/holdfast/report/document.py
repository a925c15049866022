"""results.json: the Analysis as one canonical text, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from holdfast.errors import DataError
from holdfast.model.result import Analysis

if TYPE_CHECKING:
    from pydantic import TypeAdapter

DIGITS = 12
_WHOLE = 1e15
_SHOWN = 5
"""How many findings an error message lists."""


def to_json(analysis: Analysis) -> str:
    """The analysis as results.json: sorted keys, 12 significant digits, a newline at the end.

    Raises:
        ValueError: a number is NaN or infinite; the message names the field.
    """
    return canonical(analysis, "results")


def canonical(document: object, name: str) -> str:
    """A document of frozen values as JSON text, in the form of results.json.

    Raises:
        ValueError: a number is NaN or infinite; the message names the field.
    """
    return json.dumps(_plain(document, name), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(value: Any, path: str) -> Any:
    if is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name), f"{path}.{item.name}") for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item, f"{path}[{place}]") for place, item in enumerate(value)]
    if isinstance(value, float):
        return _number(value, path)
    if value is None or isinstance(value, bool | int | str):
        return value
    raise ValueError(f"{path}: {type(value).__name__} has no place in results.json")


def _number(value: float, path: str) -> float | int:
    if not math.isfinite(value):
        raise ValueError(f"{path}: {value} is not a number that results.json can hold")
    rounded = float(f"{value:.{DIGITS}g}")
    # Whole numbers are written without a point, so that 3 and 3.0 give the same bytes.
    return int(rounded) if rounded.is_integer() and abs(rounded) < _WHOLE else rounded


def from_json(text: str) -> Analysis:
    """The analysis that a results.json holds.

    Raises:
        DataError: the text is not such a document; the message says where and what.
    """
    from pydantic import ValidationError

    try:
        analysis = _adapter().validate_json(text, strict=True)
    except ValidationError as error:
        raise DataError("results.json cannot be read: " + _told(error.errors(include_url=False))) from None
    try:
        known = _plain(analysis, "results")
    except ValueError as error:
        raise DataError(f"results.json cannot be read: {error}") from None
    problems = [*_unknown(json.loads(text), known, "results"), *_loose_ends(analysis)]
    if problems:
        raise DataError("results.json cannot be read: " + "; ".join(problems[:_SHOWN]))
    return analysis


@cache
def _adapter() -> TypeAdapter[Analysis]:
    # pydantic is slow to import and to build, so only readers of results.json pay for it.
    from pydantic import TypeAdapter

    return TypeAdapter(Analysis)


def _told(errors: Any) -> str:
    lines = [f"{'.'.join(str(part) for part in error['loc']) or 'the document'}: {error['msg']}" for error in errors]
    more = f"; and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return "; ".join(lines[:_SHOWN]) + more


def _unknown(read: Any, known: Any, path: str) -> list[str]:
    """Fields of the text that this version does not know, and would otherwise drop without a word."""
    if isinstance(read, dict) and isinstance(known, dict):
        found = [f"{path}.{key}: unknown field" for key in read if key not in known]
        pairs = [(read[key], known[key], f"{path}.{key}") for key in read if key in known]
    elif isinstance(read, list) and isinstance(known, list):
        found = []
        pairs = [(item, known[place], f"{path}[{place}]") for place, item in enumerate(read)]
    else:
        return []
    return found + [line for pair in pairs for line in _unknown(*pair)]


def _impossible(analysis: Analysis) -> Iterator[str]:
    """Values that no analysis writes: a report of them would read like any other."""
    try:
        date.fromisoformat(analysis.as_of)
    except ValueError:
        yield "results.as_of: no date such as 2026-06-01"
    for place, row in enumerate(analysis.estimates):
        for name, lower, upper in (
            ("lower", row.lower, row.upper),
            ("lower_adjusted", row.lower_adjusted, row.upper_adjusted),
        ):
            known = [value for value in (lower, row.estimate, upper) if value is not None]
            if known != sorted(known):
                yield f"results.estimates[{place}].{name}: the interval does not hold the estimate of {row.metric}"


def _loose_ends(analysis: Analysis) -> list[str]:
    """References between parts of the document that lead nowhere."""
    variants = {variant.key for variant in analysis.variants}
    metrics = {metric.key for metric in analysis.metrics}
    controls = sum(variant.is_control for variant in analysis.variants)
    problems = [] if controls == 1 else [f"results.variants: {controls} variants are the control, 1 is needed"]
    rows: list[tuple[str, str, tuple[str, ...]]]
    rows = [("levels", row.metric, (row.variant,)) for row in analysis.levels]
    rows += [("estimates", row.metric, (row.variant, row.baseline)) for row in analysis.estimates]
    problems += _impossible(analysis)
    for part, metric, keys in rows:
        problems += [f'results.{part}: unknown metric "{metric}"'] if metric not in metrics else []
        problems += [f'results.{part}: unknown variant "{key}"' for key in keys if key not in variants]
    return problems
