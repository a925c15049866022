"""True effects: what each experiment really does, known because both worlds of every customer are simulated.

Plain sums over the simulated events; nothing here is shared with the code that analyses experiments, so that its
results can be checked against these numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from holdfast.simulate.events import UNSUBSCRIBE, Events
from holdfast.simulate.experiments import CONTROL, Fact, Measure, Rule, Trial
from holdfast.simulate.settings import DAY, Bools, Ints

DIGITS = 12
"""Significant digits of every number."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Who takes part in one experiment of one world, in the order of the customers."""

    customer: Ints
    """Row of each enrolled customer."""
    t0: Ints
    """The start of their clock, in local seconds from the first day's midnight."""
    treated: Bools
    """Whether the assignment hash gives them the tactic."""


@dataclass(frozen=True, slots=True)
class TrueEffect:
    """One metric of all enrolled customers, had nobody or had everybody been treated."""

    control: float | None
    """The metric with nobody treated; None where it is not defined, as a mean over no orders."""
    treated: float | None
    """The metric with everybody treated."""
    difference: float | None
    """Treated minus control."""
    lift: float | None
    """The difference as a share of control; None where control is zero."""


@dataclass(frozen=True, slots=True)
class ExperimentTruth:
    """What is known about one experiment."""

    enrolled: int
    """How many customers take part."""
    by_variant: dict[str, int]
    """How many take part in each variant."""
    metrics: dict[str, TrueEffect]
    """The true effect on each metric."""
    observed: dict[str, dict[str, float | None]]
    """Each metric as it can be measured: per variant, in the world that happened."""


@dataclass(frozen=True, slots=True)
class Truth:
    """The true effects of the experiments in a simulated shop, by experiment."""

    experiments: dict[str, ExperimentTruth]

    def to_json(self) -> str:
        """The same numbers as JSON text, keys sorted."""
        return json.dumps(asdict(self), indent=2, sort_keys=True, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Truth:
        """The truth that `to_json` wrote."""
        experiments: Mapping[str, Any] = json.loads(text)["experiments"]
        return cls({slug: _experiment(document) for slug, document in experiments.items()})


def _experiment(document: Mapping[str, Any]) -> ExperimentTruth:
    """One experiment of a JSON document."""
    metrics = {key: TrueEffect(**numbers) for key, numbers in document["metrics"].items()}
    return ExperimentTruth(document["enrolled"], document["by_variant"], metrics, document["observed"])


def observed(events: Events, enrolment: Enrolment, trial: Trial) -> dict[str, dict[str, float | None]]:
    """Each metric per variant: the plain mean, or ratio of sums, over the customers whom the hash put there."""
    result: dict[str, dict[str, float | None]] = {}
    for rule in trial.rules:
        top, bottom = per_customer(events, enrolment, rule)
        variants = {CONTROL: ~enrolment.treated, trial.treated: enrolment.treated}
        result[rule.key] = {name: _quotient(top[rows], bottom[rows]) for name, rows in variants.items()}
    return result


def true_effects(untreated: Events, treated: Events, enrolment: Enrolment, trial: Trial) -> dict[str, TrueEffect]:
    """The effect on each metric over all enrolled customers, from the worlds with nobody and everybody treated."""
    result = {}
    for rule in trial.rules:
        before = _quotient(*per_customer(untreated, enrolment, rule))
        after = _quotient(*per_customer(treated, enrolment, rule))
        result[rule.key] = _effect(before, after)
    return result


def per_customer(events: Events, enrolment: Enrolment, rule: Rule) -> tuple[Ints, Ints]:
    """The numerator and the denominator of one metric for each enrolled customer, as integers."""
    customer, at, values = _facts(events, rule.fact, rule.measure)
    position, inside = _in_window(customer, at, enrolment, rule)
    size = len(enrolment.customer)
    rows = position[inside]
    number = np.bincount(rows, minlength=size).astype(np.int64)
    everyone = np.ones(size, dtype=np.int64)
    if rule.measure == "any":
        return (number > 0).astype(np.int64), everyone
    if rule.measure == "none":
        return (number == 0).astype(np.int64), everyone
    if rule.measure == "count":
        return number, everyone
    total = np.zeros(size, dtype=np.int64)
    np.add.at(total, rows, values[inside])
    return total, number if rule.measure == "amount_per_order" else everyone


def _facts(events: Events, fact: Fact, measure: Measure) -> tuple[Ints, Ints, Ints]:
    """Customer, time and value of every fact of a kind."""
    if fact == "order":
        values = events.orders.margin if measure == "margin" else events.orders.amount
        return events.orders.customer, events.orders.at, values
    if fact == "unsubscribe":
        keep = events.messages.event == UNSUBSCRIBE
        customer, at = events.messages.customer[keep], events.messages.at[keep]
    else:
        keep = events.sessions.task_completed if fact == "task" else np.ones(len(events.sessions.at), dtype=np.bool_)
        customer, at = events.sessions.customer[keep], events.sessions.at[keep]
    return customer, at, np.ones(len(at), dtype=np.int64)


def _in_window(customer: Ints, at: Ints, enrolment: Enrolment, rule: Rule) -> tuple[Ints, Bools]:
    """For each fact the position of its customer among the enrolled, and whether it falls into the window."""
    size = int(max(customer.max(initial=-1), enrolment.customer.max(initial=-1))) + 1
    place = np.full(size, -1, dtype=np.int64)
    place[enrolment.customer] = np.arange(len(enrolment.customer))
    position = place[customer]
    enrolled = position >= 0
    t0 = np.zeros(len(at), dtype=np.int64)
    t0[enrolled] = enrolment.t0[position[enrolled]]
    day = (at - t0) // DAY if rule.clock == "elapsed" else at // DAY - t0 // DAY
    # What happened earlier on the day of enrolment is no outcome, whatever the clock says.
    return position, enrolled & (at >= t0) & (day >= rule.start) & (day < rule.end)


def _quotient(top: Ints, bottom: Ints) -> float | None:
    """The ratio of two exact sums, None where there is nothing to divide by."""
    denominator = int(bottom.sum())
    return significant(int(top.sum()) / denominator) if denominator else None


def _effect(control: float | None, treated: float | None) -> TrueEffect:
    """A true effect from the metric in both worlds."""
    if control is None or treated is None:
        return TrueEffect(control, treated, None, None)
    difference = treated - control
    lift = significant(difference / control) if control else None
    return TrueEffect(control, treated, significant(difference), lift)


def significant(value: float) -> float:
    """The number with 12 significant digits, as it is written to JSON."""
    return float(f"{value:.{DIGITS}g}")
