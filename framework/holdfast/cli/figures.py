"""Numbers as the terminal shows them: enough digits to compare, and never an exponent for an amount of money."""

from __future__ import annotations


def number(value: float, *, signed: bool = False) -> str:
    """A number with thousands marked and about four digits: 12,345 or 6.943 or 0.0123."""
    size, sign = abs(value), "+" if signed else ""
    if size < 0.001:
        return f"{value:{sign}.3g}"
    places = next(places for least, places in ((1000, 0), (100, 1), (10, 2), (1, 3), (0, 4)) if size >= least)
    return f"{value:{sign},.{places}f}"
