"""Money: what each variant brought, cost and left over, and how sure that is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from holdfast.model.found import CostPart, MoneyResult, Quantity
from holdfast.report import numbers
from holdfast.report.numbers import Scale
from holdfast.report.pictures import Picture
from holdfast.report.quantities import chance, change_of, decimals_of, level_of, why
from holdfast.report.sections import Part, Section
from holdfast.report.text import Safe
from holdfast.report.view import Table, View

_DIVISOR: dict[str | None, Any] = {
    "baseline_not_positive": "divisor_not_positive",
    "baseline_too_close_to_zero": "divisor_too_close_to_zero",
}
"""What stands in the report for reasons that speak of a baseline."""
_CENTS = 2
"""Decimals of what each 1 spent returned, in any currency."""


def _scale(row: MoneyResult) -> Scale:
    return Scale("money", row.currency)


def _shown(view: View) -> tuple[MoneyResult, ...]:
    return () if view.analysis.plan.interim else view.analysis.pays


def cost_lines(view: View) -> tuple[Safe, ...]:
    """The line of cost on the first screen, for each variant: ¥59 a customer, each ¥1 spent returned ¥1.37 on top."""
    return tuple(_cost_line(view, row) for row in _shown(view))


def _cost_line(view: View, row: MoneyResult) -> Safe:
    voice, several = view.voice, len(view.treated) > 1
    lead = voice.say("cost.lead", variant=view.name(row.variant)) if several else Safe("")
    parts = [voice.beside([lead, _cost(view, row)])]
    if row.not_measured:
        parts.append(voice.say("cost.not_included", costs=_not_measured(view, row)))
    return voice.together(parts)


def _cost(view: View, row: MoneyResult) -> Safe:
    """What a unit cost, and what came back."""
    voice, back = view.voice, row.return_on_cost
    unit = view.unit
    if row.cost.estimate is None:
        return voice.say("cost.missing", unit=unit, reason=why(view, row.cost))
    values = {
        "unit": unit,
        "cost": view.numbers.level(row.cost.estimate, _scale(row), decimals_of(row.cost, _scale(row))),
        "one": _one(view, row),
    }
    # Less than half of the smallest coin is chance: other numbers of the same messages.
    if back.estimate is None and abs(row.cost.estimate) < 0.5 * 10 ** -numbers.places(None, _scale(row)):
        return voice.say("cost.same", baseline=view.name(row.baseline))
    if back.estimate is None and back.reason == "baseline_not_positive":
        return voice.say("cost.less", baseline=view.name(row.baseline), **values)
    if back.estimate is None:
        return voice.say("cost.no_return", reason=why(view, _divided(back)), **values)
    key = "lost" if back.estimate < 0 else "returned"
    size = view.numbers.size(back.estimate, _scale(row), _CENTS)
    if back.lower is None or back.upper is None:
        return voice.say(f"cost.{key}_no_interval", size=size, **values)
    ends = (back.lower, back.upper)
    edge = view.numbers.level
    if back.estimate < 0:
        # What was lost stands without a sign; the ends of its interval have theirs where one of them is a gain.
        ends, edge = ((-back.upper, -back.lower), view.numbers.level) if back.upper < 0 else (ends, view.numbers.change)
    lower, upper = (edge(end, _scale(row), _CENTS) for end in ends)
    confidence = numbers.percent(row.confidence)
    return voice.say(f"cost.{key}", size=size, lower=lower, upper=upper, confidence=confidence, **values)


def _one(view: View, row: MoneyResult) -> Safe:
    """One unit of the currency: ¥1."""
    return view.numbers.level(1.0, _scale(row), 0)


def _not_measured(view: View, row: MoneyResult) -> Safe:
    """The costs that no fact shows: once ¥150,000."""
    costs = [
        view.voice.say(
            "cost.item", kind=view.voice.one_of("cost_kind", kind), amount=view.numbers.planned_effect(amount)
        )
        for kind, amount in row.not_measured
    ]
    return view.voice.listed(costs)


def money(view: View) -> Section | None:
    """The section with a table for each variant; None where nothing of the plan is money, and for an interim run."""
    rows = _shown(view)
    if not rows:
        return None
    voice, first = view.voice, rows[0]
    info = view.metric(first.metric)
    intro = voice.say(
        "pays.intro",
        metric=view.titled(info) if info else view.title(first.metric),
        unit=view.unit,
        control=view.name(first.baseline),
    )
    return Section(voice.say("heading.money"), intro, tuple(_part(view, row) for row in rows))


def waterfalls(view: View) -> tuple[tuple[str, MoneyResult], ...]:
    """What can be drawn as a waterfall, with the figures' names: money, money-2."""
    found = []
    for place, row in enumerate(_shown(view), start=1):
        if None not in (row.margin.estimate, row.cost.estimate, row.net.estimate):
            found.append(("money" if place == 1 else f"money-{place}", row))
    return tuple(found)


def drawn_costs(row: MoneyResult) -> tuple[CostPart, ...]:
    """The costs by kind; none where one of them is not known, or the result holds them as one."""
    return row.costs if all(part.cost.estimate is not None for part in row.costs) else ()


def _alt(view: View, row: MoneyResult) -> Safe:
    """The waterfall in words and numbers."""
    parts = {"margin": row.margin, "cost": row.cost, "net": row.net}
    told = {name: change_of(view, found, _scale(row)) for name, found in parts.items()}
    names = {"variant": view.name(row.variant), "control": view.name(row.baseline), "unit": view.unit}
    if not (parts_of := _costs(view, row)):
        return view.voice.say("waterfall.alt", **names, **told)
    costs = view.voice.listed([view.voice.say("waterfall.alt_cost", kind=kind, cost=cost) for kind, cost in parts_of])
    return view.voice.say("waterfall.alt_costs", **names, **(told | {"cost": costs}))


def _costs(view: View, row: MoneyResult) -> list[tuple[Safe, Safe]]:
    """What each kind of cost is called, and what it came to."""
    kinds = ((view.voice.one_of("cost_part", part.kind), part.cost) for part in drawn_costs(row))
    return [(kind, change_of(view, cost, _scale(row))) for kind, cost in kinds]


def _part(view: View, row: MoneyResult) -> Part:
    voice = view.voice
    names = {"variant": view.name(row.variant), "baseline": view.name(row.baseline)}
    unit = view.unit
    value = voice.say("pays.value", confidence=numbers.percent(row.confidence), **names)
    head = (voice.say("pays.per_unit", unit=unit), value)
    rows = (*_earned(view, row), *_risk(view, row), *_forward(view, row))
    lines = [_forward_line(view, row)] if row.after is not None else []
    if row.not_measured:
        lines.append(voice.say("pays.not_measured", costs=_not_measured(view, row)))
    title = voice.say("words.against", **names) if len(_shown(view)) > 1 else Safe("")
    drawn = next((name for name, each in waterfalls(view) if each is row), None)
    return Part(
        title=title,
        picture=Picture(drawn, _alt(view, row)) if drawn else None,
        link=voice.say("waterfall.svg", link=Safe(f"figures/{drawn}.svg")) if drawn else Safe(""),
        table=Table(head, "lr", rows),
        lines=tuple(line for line in lines if line),
    )


def _earned(view: View, row: MoneyResult) -> tuple[tuple[Safe, ...], ...]:
    """Margin, cost, what is left over, and what they are in proportion."""
    voice, scale = view.voice, _scale(row)
    unit, buyers = view.unit, view.word("buyers")
    return (
        (voice.say("pays.margin"), change_of(view, row.margin, scale)),
        (voice.say("pays.cost"), change_of(view, row.cost, scale)),
        *((voice.say("pays.cost_part", kind=kind), cost) for kind, cost in _costs(view, row)),
        (voice.say("pays.net"), change_of(view, row.net, scale)),
        (voice.say("pays.return_on_cost", one=_one(view, row)), _back(view, row)),
        (voice.say("pays.break_even", unit=unit), level_of(view, row.break_even, scale)),
        (voice.say("pays.cost_per_retained", unit=unit), level_of(view, _divided(row.cost_per_retained), scale)),
        (voice.say("pays.because", buyers=buyers), level_of(view, _divided(row.because), Scale("share"))),
        (voice.say("pays.given_anyway", unit=unit, buyers=buyers), level_of(view, row.given_anyway, scale)),
    )


def _divided(found: Quantity) -> Quantity:
    """A quotient that cannot be formed, for the reason that it has: it is no change relative to a baseline."""
    return replace(found, reason=_DIVISOR.get(found.reason, found.reason))


def _back(view: View, row: MoneyResult) -> Safe:
    """What each 1 spent brought on top of itself, with cents: +¥1.37 (+0.49 to +2.26)."""
    back, scale = row.return_on_cost, _scale(row)
    if back.reason == "baseline_not_positive":
        return view.voice.say("pays.no_spend", baseline=view.name(row.baseline))
    if back.estimate is None or back.lower is None or back.upper is None:
        return change_of(view, _divided(back), scale)
    lower, upper = (numbers.bare(edge, scale, _CENTS) for edge in (back.lower, back.upper))
    middle = view.numbers.change(back.estimate, scale, _CENTS)
    return view.voice.say("words.effect", middle=middle, lower=lower, upper=upper)


def _risk(view: View, row: MoneyResult) -> tuple[tuple[Safe, ...], ...]:
    """How probable a loss is, and what it would be; the prior stands in the row."""
    rows = []
    if row.loss_probability is not None:
        rows.append((view.voice.say("pays.loss_probability"), chance(view, row.loss_probability)))
    if row.expected_loss is not None:
        shown = view.numbers.level(row.expected_loss, _scale(row), _CENTS)
        rows.append((view.voice.say("pays.expected_loss"), shown))
    return tuple(rows)


def _forward(view: View, row: MoneyResult) -> tuple[tuple[Safe, ...], ...]:
    """The effect while the offer ran and after it."""
    voice, scale, rows = view.voice, _scale(row), []
    days = row.offer_days
    during = voice.say("pays.during_days", last=days - 1) if days else voice.say("pays.during")
    for title, found in ((during, row.during), (voice.say("pays.after"), row.after)):
        rows += [(title, change_of(view, found, scale))] if found is not None else []
    if row.persistence is not None:
        rows.append((voice.say("pays.persistence"), level_of(view, _divided(row.persistence), Scale("share"))))
    return tuple(rows)


def _forward_line(view: View, row: MoneyResult) -> Safe:
    """Whether sales were only pulled forward."""
    found = row.after or Quantity()
    if found.lower is None or found.upper is None:
        return view.voice.say("pays.forward_missing", reason=why(view, found))
    key = "lost" if found.upper < 0 else "lasting" if found.lower > 0 else "open"
    return view.voice.say(f"pays.forward_{key}")
