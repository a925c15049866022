"""What a planned size could tell about each metric, from baselines that people give before there are data."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from holdfast import stats
from holdfast.errors import Finding, UsageError, nearest
from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import Plan, PlannedMetric

RULE = "guardrail-unreachable"
_BASELINE = re.compile(r"(?P<value>\d+(?:\.\d+)?)(?P<percent>%)?(?:,\s*sd=(?P<sd>\d+(?:\.\d+)?))?")


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is known of a metric beforehand."""

    value: float
    """Share or mean without the tactic."""
    unit_variance: float
    """Variance between units."""


@dataclass(frozen=True, slots=True)
class Sized:
    """What the planned size can tell about one metric."""

    metric: PlannedMetric
    baseline: Baseline
    detectable: float
    """The smallest true difference that would be found, on the metric's own scale."""
    power_to_pass: float | None
    """For guardrails: the chance to read safe when the tactic does no harm."""
    customers_needed: int | None
    """For guardrails: customers, of all variants together, that give the planned power."""
    finding: Finding | None
    """A guardrail that would most likely stay undecided."""


def parse_baselines(texts: Sequence[str], plan: Plan) -> dict[str, Baseline]:
    """Baselines by metric, from texts such as `unsubscribed@30d=0.4%` or `margin_per_customer@90d=1450,sd=4200`.

    Raises:
        UsageError: a text cannot be read, or names no metric of the plan.
    """
    keys = [planned.key for planned in plan.metrics if planned.role != "curve"]
    found = {}
    for text in texts:
        name, _, number = text.partition("=")
        match = _BASELINE.fullmatch(number)
        if match is None:
            raise UsageError(f'"{text}" is no baseline: write metric=0.4% (a share) or metric=1450,sd=4200 (a mean)')
        if name not in keys:
            raise UsageError(f'the plan has no metric "{name}"{nearest(name, keys)}')
        value = float(match["value"]) / (100 if match["percent"] else 1)
        if match["percent"] and not 0 < value < 1:
            raise UsageError(f'"{text}": a share lies between 0% and 100%')
        if not match["percent"] and match["sd"] is None:
            raise UsageError(f'"{text}": a mean needs its spread between customers: {name}={match["value"]},sd=4200')
        spread = value * (1 - value) if match["percent"] else float(match["sd"]) ** 2
        found[name] = Baseline(value, spread)
    return found


def sized(plan: Plan, customers: int, baselines: Mapping[str, Baseline]) -> Iterator[Sized]:
    """What so many customers, split by the weights, can tell about each metric with a baseline."""
    variants = plan.study.experiment.variants
    total = sum(variant.weight for variant in variants.values())
    smallest = min(variant.weight for variant in variants.values() if not variant.is_control and variant.weight)
    treated, control = (
        customers * smallest // total,
        customers * variants[plan.study.experiment.control].weight // total,
    )
    alpha = (1 - plan.confidence) / max(len(plan.comparisons), 1)
    power = float(plan.study.experiment.analysis.power or plan.study.project.defaults.power)
    for planned in plan.metrics:
        if (baseline := baselines.get(planned.key)) is None:
            continue
        detectable = stats.detectable_difference(
            unit_variance=baseline.unit_variance,
            treated=treated,
            control=control,
            alpha=alpha if planned.role == "primary" else 1 - plan.confidence,
            power=power,
        )
        if planned.role == "primary" and not isinstance(detectable, NotEstimable):
            detectable *= _price_of_looks(plan, treated + control, alpha=alpha, power=power)
        if isinstance(detectable, NotEstimable):
            raise UsageError(f"{planned.key}, with {customers} customers: {detectable.detail}")
        yield _one(plan, planned, baseline, detectable, counts=(customers, treated, control), power=power)


def _price_of_looks(plan: Plan, customers: int, *, alpha: float, power: float) -> float:
    """By what the smallest effect that would be found is larger than with one look at the end."""
    looks = plan.looks
    if looks is None:
        return 1.0
    if looks.method == "always_valid":
        return math.sqrt(stats.anytime_inflation(planned=customers, alpha=alpha, power=power))
    return math.sqrt(stats.inflation(_fractions(plan), alpha=alpha, power=power, spending=looks.spending).maximum)


def _fractions(plan: Plan) -> list[float]:
    """The share of customers whose windows will have closed at each look, if they enrol evenly."""
    assert plan.looks is not None and plan.readout is not None
    if plan.enrolled_from is None or plan.enrolled_until is None:
        return [1.0]
    length = max((plan.enrolled_until - plan.enrolled_from).days, 1)
    ahead = [(plan.readout - day).days for day in plan.looks.dates]
    shares = [round(1 - days / length, 9) for days in ahead]
    return [share for share in shares if share > 0]


def _one(
    plan: Plan,
    planned: PlannedMetric,
    baseline: Baseline,
    detectable: float,
    *,
    counts: tuple[int, int, int],
    power: float,
) -> Sized:
    customers, treated, control = counts
    if planned.tolerate is None:
        return Sized(planned, baseline, detectable, None, None, None)
    margin = planned.tolerate.plain * (baseline.value if planned.tolerate.is_relative else 1)
    chance = stats.non_inferiority_power(
        unit_variance=baseline.unit_variance,
        margin=margin,
        treated=treated,
        control=control,
        confidence=plan.confidence,
    )
    pair = treated + control
    needed = stats.non_inferiority_units(
        unit_variance=baseline.unit_variance,
        margin=margin,
        shares=(treated / pair, control / pair),
        confidence=plan.confidence,
        power=power,
    )
    if isinstance(chance, NotEstimable) or isinstance(needed, NotEstimable):
        return Sized(planned, baseline, detectable, None, None, None)
    overall = -(-needed * customers // pair)
    if chance >= power or _acknowledged(plan):
        return Sized(planned, baseline, detectable, chance, overall, None)
    message = (
        f"{planned.key} tolerates {planned.tolerate}, and {customers:,} customers show that with a chance of only "
        f"{chance:.0%} (planned {power:.0%}): it needs about {overall:,}, or a wider tolerance"
    )
    path = f"experiments/{plan.study.slug}/experiment.yaml"
    return Sized(planned, baseline, detectable, chance, overall, Finding(path, 0, 0, RULE, message, "warning"))


def _acknowledged(plan: Plan) -> bool:
    return any(item.rule == RULE for item in plan.study.experiment.acknowledge)
