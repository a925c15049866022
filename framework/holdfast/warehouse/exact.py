"""Exact sums: integers of any size are added as decimals, leave the engine as text, and become Python's integers."""

from __future__ import annotations

EXACT = "decimal(38, 0)"
"""The type in which integers and their products are summed: no engine rounds it or overflows on the way."""


def whole(text: object) -> int:
    """An exact sum; engines may print an integer decimal with zeros after the point."""
    return int(str(text or 0).partition(".")[0])
