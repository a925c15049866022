"""Whether a variant pays: margin, cost, what is left, what came back, and whether it lasts after the offer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from holdfast import stats
from holdfast.estimate.arms import group
from holdfast.estimate.quantities import quantity
from holdfast.model.found import CostPart, MoneyResult, Quantity
from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import Plan, PlannedMoney
from holdfast.model.reading import Reading
from holdfast.model.result import Estimate, Projection


def projections(plan: Plan, estimates: Sequence[Estimate], found: Sequence[MoneyResult] = ()) -> Iterator[Projection]:
    """The effect on a primary metric that is money per unit, times the customers that shipping would reach; where the
    tactic costs more than that metric is net of, what is left after all measured costs."""
    rollout, currency = plan.study.experiment.rollout, plan.primary.unit
    if rollout is None or currency is None or not (len(currency) == 3 and currency.isupper()):
        return
    control = plan.study.experiment.control
    beyond = plan.money is not None and not all(plan.money.netted)
    left = {row.variant: row.net for row in found if beyond and row.baseline == control}
    for row in estimates:
        if row.role != "primary" or row.estimand != "difference" or row.baseline != control or row.estimate is None:
            continue
        net = left.get(row.variant)
        whole = (row.estimate, row.lower_adjusted, row.upper_adjusted)
        value, lower, upper = whole if net is None else (net.estimate, net.lower, net.upper)
        if value is None or lower is None or upper is None:
            continue
        yield Projection(
            variant=row.variant,
            customers=rollout.customers,
            every_days=rollout.every.whole_days,
            value=value * rollout.customers,
            lower=lower * rollout.customers,
            upper=upper * rollout.customers,
            currency=currency,
            after_costs=net is not None,
        )


def pays(plan: Plan, reading: Reading) -> Iterator[MoneyResult]:
    """Every variant beside control; nothing where no metric of the plan is money, where the tactics are known to cost
    nothing, so that the scorecard says it all, or where clusters were drawn."""
    money = plan.money
    if money is None or not (money.netted or money.not_measured) or reading.clusters:
        return
    control = plan.study.experiment.control
    for variant in plan.study.experiment.treatments:
        sides = [_Money.of(money, reading, each) for each in (variant, control)]
        if all(side is not None for side in sides):
            treated, base = (side for side in sides if side is not None)
            yield _result(plan, money, treated, base)


class _Money:
    """What one variant's units brought and cost, as sums of the numbers that were read together."""

    def __init__(self, variant: str, whole: stats.Group, money: PlannedMoney) -> None:
        self.variant = variant
        self._whole = whole
        rates = np.asarray(money.rates[variant], dtype=np.float64)
        size, costs = len(whole.mean), slice(1, 1 + len(rates))
        one = {part.name: np.eye(size)[place] for place, part in enumerate(money.vector.parts)}
        cost = np.zeros(size)
        cost[costs] = rates
        kinds = np.asarray(money.kinds, dtype=np.str_)
        margin = one["margin"].copy()
        # What the margin is net of already is put back, so that a cost is taken off once.
        margin[costs] = rates * np.asarray(money.netted, dtype=np.float64)
        self._rows = one | {"total": one["margin"], "margin": margin, "cost": cost}
        for kind in dict.fromkeys(money.kinds):
            self._rows[kind] = np.zeros(size)
            self._rows[kind][costs] = np.where(kinds == kind, rates, 0.0)
        if money.redeemed is not None:
            self._rows["given"] = np.eye(size)[1 + money.redeemed]

    @classmethod
    def of(cls, money: PlannedMoney, reading: Reading, variant: str) -> _Money | None:
        cell = reading.cells.get((money.vector.key, variant))
        return cls(variant, group(cell.moments), money) if cell is not None and cell.moments.n > 1 else None

    def has(self, *names: str) -> bool:
        """Whether all of these were read."""
        return set(names) <= set(self._rows)

    def sums(self, *names: str) -> stats.Group | NotEstimable:
        """The moments of some of them."""
        return stats.linear(self._whole, [self._rows[name].tolist() for name in names])


def _pair(treated: _Money, control: _Money, *names: str) -> tuple[stats.Group, stats.Group] | NotEstimable:
    """The moments of some numbers in both variants."""
    if not treated.has(*names):
        return NotEstimable("not_planned", "not read")
    ours, theirs = treated.sums(*names), control.sums(*names)
    if isinstance(ours, NotEstimable):
        return ours
    return theirs if isinstance(theirs, NotEstimable) else (ours, theirs)


def _result(plan: Plan, money: PlannedMoney, treated: _Money, control: _Money) -> MoneyResult:
    pair = _pair(treated, control, "margin", "cost")
    found = pair if isinstance(pair, NotEstimable) else stats.incremental(*pair, confidence=plan.confidence)
    back: Quantity | None = None
    if not isinstance(pair, NotEstimable):
        back = quantity(stats.return_on_cost(*pair, confidence=plan.confidence))
    net = found if isinstance(found, NotEstimable) else found.net
    chance = (
        NotEstimable("not_planned", "")
        if isinstance(net, NotEstimable)
        else stats.probability_of_loss(estimate=net.estimate, se=net.se)
    )
    lasting = _lasting(plan, treated, control) if money.offer_days is not None else (None, None, None)
    because, anyway = _anyway(plan, treated, control)
    return MoneyResult(
        metric=money.metric,
        variant=treated.variant,
        baseline=control.variant,
        currency=plan.study.currency,
        confidence=plan.confidence,
        margin=quantity(found if isinstance(found, NotEstimable) else found.margin),
        cost=quantity(found) if isinstance(found, NotEstimable) else _cost(found),
        costs=tuple(_costs(plan, money, treated, control)),
        net=quantity(net),
        return_on_cost=back or quantity(net if isinstance(net, NotEstimable) else NotEstimable("not_planned", "")),
        break_even=(
            quantity(net)
            if isinstance(net, NotEstimable) or isinstance(found, NotEstimable)
            else quantity(stats.break_even(net, spent=found.spent))
        ),
        loss_probability=chance.loss if isinstance(chance, stats.Chance) else None,
        expected_loss=chance.expected_loss if isinstance(chance, stats.Chance) else None,
        cost_per_retained=_retained(plan, treated, control),
        because=because,
        given_anyway=anyway,
        during=lasting[0],
        after=lasting[1],
        persistence=lasting[2],
        offer_days=money.offer_days,
        not_measured=money.not_measured,
    )


def _cost(found: stats.Incremental) -> Quantity:
    """The cost with its interval; where every customer costs the same it is known without one."""
    if isinstance(found.cost, NotEstimable) and found.cost.reason == "zero_variance":
        return Quantity(estimate=found.spent, lower=found.spent, upper=found.spent)
    return quantity(found.cost)


def _costs(plan: Plan, money: PlannedMoney, treated: _Money, control: _Money) -> Iterator[CostPart]:
    """The cost of each kind; where every customer costs the same it is known without an interval of its own."""
    for kind in dict.fromkeys(money.kinds):
        pair = _pair(treated, control, kind)
        if isinstance(pair, NotEstimable):
            yield CostPart(kind=kind, cost=quantity(pair))
            continue
        found = stats.difference_in(*pair, 0, confidence=plan.confidence)
        spent = pair[0].mean[0] - pair[1].mean[0]
        same = isinstance(found, NotEstimable) and found.reason == "zero_variance"
        yield CostPart(kind=kind, cost=Quantity(estimate=spent, lower=spent, upper=spent) if same else quantity(found))


def _lasting(plan: Plan, treated: _Money, control: _Money) -> tuple[Quantity, Quantity, Quantity]:
    """The effect on margin during the offer, after it, and how much of the first is left at the end."""
    pair = _pair(treated, control, "during", "total")
    found = pair if isinstance(pair, NotEstimable) else stats.persistence(*pair, confidence=plan.confidence)
    if isinstance(found, NotEstimable):
        return quantity(found), quantity(found), quantity(found)
    return quantity(found.during), quantity(found.after), quantity(found.share)


def _retained(plan: Plan, treated: _Money, control: _Money) -> Quantity:
    """What one customer cost who would not have stayed."""
    pair = _pair(treated, control, "cost", "retained")
    if isinstance(pair, NotEstimable):
        return quantity(pair)
    return quantity(stats.cost_per_retained(*pair, confidence=plan.confidence))


def _anyway(plan: Plan, treated: _Money, control: _Money) -> tuple[Quantity, Quantity]:
    """The share of buyers who bought because of the tactic, and what the offer gave to the others."""
    costed = treated.has("given")
    pair = _pair(treated, control, "bought", "bought", "given" if costed else "cost")
    if isinstance(pair, NotEstimable):
        return quantity(pair), quantity(pair)
    if pair[0].mean[2] < 0:
        # More was taken back than given out: no cost to divide.
        nothing = NotEstimable("baseline_not_positive", "the offer cost less than nothing")
        return quantity(nothing), quantity(nothing)
    found = stats.cannibalisation(*pair, confidence=plan.confidence)
    if isinstance(found, NotEstimable):
        return quantity(found), quantity(found)
    away = quantity(found.given_away) if costed else Quantity(reason="not_planned")
    return quantity(found.of_buyers), away
