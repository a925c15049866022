"""Exact sums: integers of any size are added without rounding, leave the engine as text, and are Python's integers."""

from __future__ import annotations

from typing import Any

EXACT = "decimal(38, 0)"
"""The type in which integers and their products are summed: no engine rounds it or overflows on the way."""
NARROW = 2**63
"""A product below this fits into 64 bits, which are many times faster to multiply than decimals."""


def whole(text: object) -> int:
    """An exact sum; engines may print an integer decimal with zeros after the point."""
    number, _, rest = str(text or 0).partition(".")
    if rest.strip("0"):
        raise ValueError(f"{text} is no exact sum: an engine added floating numbers")
    return int(number)


def total(value: Any, where: Any | None, *, narrow: bool) -> Any:
    """The sum of an integer column as text; narrow where the engine adds 64-bit integers without overflow."""
    return (value if narrow else value.cast(EXACT)).sum(where=where).cast("string")


def total_of_product(one: Any, other: Any, where: Any | None, *, narrow: bool) -> Any:
    """The sum of the product of two integer columns as text; narrow where no product exceeds 64 bits as well."""
    kind = "int64" if narrow else EXACT
    return (one.cast(kind) * other.cast(kind)).sum(where=where).cast("string")
