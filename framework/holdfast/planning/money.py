"""What has to be read to say whether a tactic pays: margin, and every cost that a fact shows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from holdfast.model.metric import Clv, Conversion, Count, Operation, Retention, Sum, Window
from holdfast.model.plan import PlannedMetric, PlannedMoney, PlannedPart, PlannedVector
from holdfast.model.source import EventSource
from holdfast.model.study import Study
from holdfast.model.tactic import Tactic
from holdfast.model.values import Duration, Effect, FactRef

MONEY = "money"
"""Key of the numbers that are read for it."""


@dataclass(frozen=True)
class _Cost:
    """One cost that facts show."""

    fact: FactRef
    amount: bool
    """Whether the fact holds the money itself; otherwise each one costs the same."""


def planned_money(study: Study, metrics: tuple[PlannedMetric, ...], cutoff: dt.datetime) -> PlannedMoney | None:
    """Margin and costs over the window of the metric of margin; None where no metric of the plan is money over facts.

    The metric is the primary where that is money, else the first secondary one whose fact is net of costs already.
    """
    chosen = _margin(study, metrics)
    if chosen is None or chosen.window is None:
        return None
    operation = chosen.metric
    assert isinstance(operation, Sum | Clv)
    margin = Sum(operation="sum", fact=operation.fact, where=operation.where)
    tactics = {key: study.tactics.get(variant.tactic) for key, variant in study.experiment.variants.items()}
    costs: dict[_Cost, dict[str, float]] = {}
    missing: dict[tuple[str, str], None] = {}
    for variant, tactic in tactics.items():
        for cost, rate in _costs(study, tactic):
            costs.setdefault(cost, {})[variant] = rate
        missing |= dict.fromkeys(_not_measured(study, tactic))
    # An amount of money is what it is in every variant; what one message costs is the price of each variant's tactic.
    rates = {
        variant: tuple(1.0 if cost.amount else found.get(variant, _alike(found)) for cost, found in costs.items())
        for variant in tactics
    }
    window, parts = chosen.window, [PlannedPart(name="margin", operation=margin, window=chosen.window)]
    parts += [PlannedPart(name=str(cost.fact), operation=_operation(cost), window=window) for cost in costs]
    ends = _offer_end(tactics, window)
    if ends is not None:
        during = Window(start=window.start, length=Duration((ends - window.first_day) * 24))
        parts.append(PlannedPart(name="during", operation=margin, window=during))
    bought = Conversion(operation="conversion", fact=operation.fact, where=operation.where)
    parts.append(PlannedPart(name="bought", operation=bought, window=window))
    parts += _retained(metrics, window)
    sources = tuple(dict.fromkeys(part.operation.fact.source for part in parts))
    vector = PlannedVector(
        key=MONEY,
        parts=tuple(parts),
        clock=chosen.clock,
        sources=sources,
        observed_until=cutoff - study.freshness(sources).timedelta,
    )
    return PlannedMoney(
        metric=chosen.key,
        vector=vector,
        rates=rates,
        netted=tuple(_is_netted(study, operation.fact, cost.fact) for cost in costs),
        kinds=tuple("per_redemption" if cost.amount else "per_send" for cost in costs),
        not_measured=tuple(missing),
        offer_days=ends,
        redeemed=next((place for place, cost in enumerate(costs) if cost.amount), None),
    )


def _margin(study: Study, metrics: tuple[PlannedMetric, ...]) -> PlannedMetric | None:
    def money(planned: PlannedMetric) -> bool:
        return (
            isinstance(planned.metric, Sum | Clv)
            and planned.window is not None
            and planned.unit == study.currency
            and planned.direction == "increase"
        )

    primary = next(planned for planned in metrics if planned.role == "primary")
    if money(primary):
        return primary
    others = (planned for planned in metrics if planned.role == "secondary" and money(planned))
    return next((planned for planned in others if _net_of(study, _fact(planned.metric))), None)


def _retained(metrics: tuple[PlannedMetric, ...], window: Window) -> Iterator[PlannedPart]:
    """Who stayed, where that is known by the end of the same window. Its days are counted on the clock of the money."""
    for planned in metrics:
        fits = planned.window is not None and planned.window.end_day <= window.end_day
        if planned.trio == "retained" and isinstance(planned.metric, Conversion | Retention) and fits:
            assert planned.window is not None
            yield PlannedPart(name="retained", operation=planned.metric, window=planned.window)


def _fact(operation: Operation) -> FactRef:
    assert isinstance(operation, Sum | Clv)
    return operation.fact


def _net_of(study: Study, fact: FactRef) -> tuple[str, ...]:
    """The facts of the same source that a fact is net of already."""
    source = study.sources[fact.source]
    return tuple(source.facts[fact.fact].already_net_of) if isinstance(source, EventSource) else ()


def _is_netted(study: Study, margin: FactRef, cost: FactRef) -> bool:
    return cost.source == margin.source and cost.fact in _net_of(study, margin)


def _costs(study: Study, tactic: Tactic | None) -> Iterator[tuple[_Cost, float]]:
    """The costs of a tactic that facts show, and what each fact costs."""
    if tactic is None:
        return
    costs = tactic.costs
    if costs and isinstance(costs.per_redemption, FactRef):
        yield _Cost(costs.per_redemption, True), 1.0
    for channel in tactic.channel:
        settings = study.project.channels.get(channel)
        price = (costs.per_send if costs else None) or (settings.cost_per_send if settings else None)
        if settings and settings.sent and price:
            yield _Cost(settings.sent, False), price.plain


def _not_measured(study: Study, tactic: Tactic | None) -> Iterator[tuple[str, str]]:
    """The costs of a tactic that no fact shows."""
    costs = tactic.costs if tactic else None
    if tactic is None or costs is None:
        return
    if isinstance(costs.per_redemption, Effect):
        yield "per_redemption", str(costs.per_redemption)
    if costs.per_contact:
        yield "per_contact", str(costs.per_contact)
    if costs.once:
        yield "once", str(costs.once)
    channels = [study.project.channels.get(channel) for channel in tactic.channel]
    if costs.per_send and not any(settings and settings.sent for settings in channels):
        yield "per_send", str(costs.per_send)


def _alike(found: Mapping[str, float]) -> float:
    """Messages that a variant without the tactic gets cost what those of the others do."""
    return next(iter(found.values()))


def _operation(cost: _Cost) -> Sum | Count:
    if cost.amount:
        return Sum(operation="sum", fact=cost.fact)
    return Count(operation="count", fact=cost.fact)


def _offer_end(tactics: Mapping[str, Tactic | None], window: Window) -> int | None:
    """The day after assignment on which the last offer has run out; None where none does within the window."""
    offers = [getattr(tactic, "offer", None) for tactic in tactics.values() if tactic]
    days = [offer.expires_after.whole_days for offer in offers if offer and offer.expires_after]
    return max(days) if days and window.first_day < max(days) < window.end_day else None
