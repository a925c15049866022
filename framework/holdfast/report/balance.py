"""How alike the variants were before the experiment: a row for each property, and what was not compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.model.result import BalanceRow
from holdfast.report import numbers
from holdfast.report.numbers import Scale
from holdfast.report.text import Safe
from holdfast.report.view import Table, View

_LARGE = 0.1
"""From here on a difference is usually called large, and stands in bold."""
_LEFT_OUT = "left_out_"


@dataclass(frozen=True, slots=True)
class BalanceSection:
    """The table of properties, with what it means and what it leaves out."""

    title: Safe
    intro: Safe
    table: Table
    left_out: tuple[Safe, ...]


def balance(view: View) -> BalanceSection | None:
    """The section; None where nothing is known of the units."""
    voice, rows = view.voice, view.analysis.balance
    left_out = _left_out(view)
    if not rows and not left_out:
        return None
    variants = [info for info in view.treated if any(row.variant == info.key for row in rows)]
    head = (voice.say("balance.property"), *(view.name(info.key) for info in variants))
    body = tuple(
        (voice.capital(voice.text(found[0].title)), *(_cell(view, _of(found, info.key)) for info in variants))
        for found in _by_property(rows)
    )
    texts = any(row.kind == "category" for row in rows)
    names = {"control": view.name(view.control.key), "units": view.units}
    parts = [voice.say("balance.intro", **names)] if rows else []
    parts += [voice.say("balance.texts")] if texts else []
    table = Table(head, "l" + "r" * len(variants), body)
    return BalanceSection(voice.say("balance.title"), voice.together(parts), table, left_out)


def _by_property(rows: Sequence[BalanceRow]) -> list[list[BalanceRow]]:
    """The rows of each property: they stand together, one a variant."""
    found: list[list[BalanceRow]] = []
    for row in rows:
        same = found and found[-1][0].property == row.property and _of(found[-1], row.variant) is None
        if same:
            found[-1].append(row)
        else:
            found.append([row])
    return found


def _of(rows: Sequence[BalanceRow], variant: str) -> BalanceRow | None:
    return next((row for row in rows if row.variant == variant), None)


def _cell(view: View, row: BalanceRow | None) -> Safe:
    if row is None or row.difference is None:
        return Safe("–")
    signed = numbers.bare if row.kind == "number" else view.numbers.size
    text = signed(row.difference, Scale("plain"), 2)
    return Safe(f"**{text}**") if abs(row.difference) >= _LARGE else text


def _left_out(view: View) -> tuple[Safe, ...]:
    """A line for each reason for which properties were not compared."""
    check = view.check("balance")
    reasons = {} if check is None else {k: str(v) for k, v in check.details.items() if k.startswith(_LEFT_OUT)}
    return tuple(
        view.voice.say("balance.left_out", names=names, reason=view.voice.one_of("balance", key))
        for key, names in reasons.items()
    )
