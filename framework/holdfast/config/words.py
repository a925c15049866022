"""The words of the YAML language where they differ from the types', and an example for every required field."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

from holdfast.config.desugar import (
    ENROLL_WORDS,
    HOLDOUT_WORDS,
    LOOKS_WORDS,
    OBSERVED_WORDS,
    TERMS_WORDS,
    VARIANT_WORDS,
    WINDOW_WORDS,
)

_SHORT = {
    "Enroll": ENROLL_WORDS,
    "Observed": OBSERVED_WORDS,
    "Window": WINDOW_WORDS,
    "Variant": VARIANT_WORDS,
    "Holdout": HOLDOUT_WORDS,
    "AlwaysValid": LOOKS_WORDS,
    "ReturnsPolicy": TERMS_WORDS,
    "PriceChange": TERMS_WORDS,
}
_LONG = {owner: {long: short for short, long in words.items()} for owner, words in _SHORT.items()}
_EXTRA = {
    "Experiment": ("data", "extends", "tactic", "control", "expect"),
    "Window": ("until",),
    "RetentionMetric": ("day",),
}

_EXAMPLES = {
    "owner": "owner: growth@example.com",
    "hypothesis": "hypothesis: A voucher brings lapsed customers back.",
    "variants": "variants: {control: {weight: 1, control: true, tactic: nothing}, new: {weight: 1, tactic: voucher}}",
    "assignment": "assignment: {method: hash, salt: winback-3f9a1c07}",
    "metrics": "metrics: {primary: retained}",
    "weight": "weight: 50",
    "tactic": "tactic: nothing",
    "method": "method: hash",
    "primary": "primary: retained",
    "metric": "metric: retained",
    "tolerate": "tolerate: 0.5pt",
    "not_measured": "not_measured: The file holds no orders.",
    "customers": "customers: 42000",
    "every": "every: 90d",
    "operation": "operation: conversion",
    "definition": "definition: bracket",
    "fact": "fact: orders.order",
    "column": "column: spend",
    "numerator": "numerator: {operation: sum, fact: orders.revenue}",
    "denominator": "denominator: {operation: count, fact: orders.order}",
    "desired_change": "desired_change: increase",
    "length": "for: 34d",
    "until": "to: 2026-10-15",
    "grain": "grain: event",
    "on": "on: [spend_365d]",
    "keys": "keys: {customer: customer_id}",
    "timestamp": "timestamp: ordered_at",
    "end": "end: cancelled_at",
    "last": "last: 365d",
    "type": "type: string",
    "kind": "kind: csv",
    "offer": "offer: {discount: 10%}",
    "surface": "surface: mobile app",
    "change": "change: A checklist in place of the tour.",
    "template": "template: picks-v2",
    "reward_giver": "reward_giver: {discount: 500 JPY}",
    "trigger": "trigger: carts.left",
    "remedy": "remedy: A call within a day and the delivery fee back",
    "within": "within: 24h",
    "days_before_renewal": "days_before_renewal: 30",
    "recommender": "recommender: bought-together",
    "placement": "placement: basket",
    "ask": "ask: review",
    "item": "item: A hand-written card",
    "unit_cost": "unit_cost: 300 JPY",
    "before": "from: 14 days",
    "after": "to: 60 days",
    "theme": "theme: care of kelp",
    "share": "share: 5%",
    "salt": "salt: global-2026",
    "contacts": "contacts: 2",
    "lookback": "lookback: 28d",
    "group_sequential": "group_sequential: weekly",
    "always_valid": "always_valid: true",
    "exposed": "exposed: sessions.saw_offer",
    "slot": "slot: 0%..50%",
    "name": "name: lifecycle-offers",
    "day": "day: 0",
    "channel": "channel: email",
    "rule": "rule: ratio-primary",
    "because": "because: Buyers are all customers here.",
    "reads": "reads: better",
    "steps": "steps: [{name: sent, fact: messages.sent}, {name: clicked, fact: messages.clicked}]",
    "of": "of: {operation: sum, fact: orders.revenue}",
    "q": "q: 50%",
    "property": "property: category",
    "label": "label: free repair",
    "schema_version": "schema_version: 1",
    "project": "project: kelp-and-co",
    "timezone": "timezone: Asia/Tokyo",
    "currency": "currency: JPY",
    "source": "source: customers",
}
_OWN_EXAMPLES = {
    ("Observed", "start"): "from: 2026-10-01",
    ("Holdout", "start"): "from: 2026-01-01",
    ("Holdout", "until"): "until: 2026-12-31",
    ("SpanSource", "start"): "start: started_at",
    ("Property", "operation"): "operation: recency",
}
_TODO = re.compile(r"\bTODO\b")


def written(owner: type[Any] | None, field: str) -> str:
    """The word that people write for a field of a type."""
    return _LONG.get(owner.__name__, {}).get(field, field) if owner else field


def known_fields(owner: type[Any]) -> list[str]:
    """Every field that may be written where a value of this type stands."""
    return [*(written(owner, item.name) for item in fields(owner)), *_EXTRA.get(owner.__name__, ())]


def example(owner: type[Any], field: str) -> str:
    """A line to paste for a required field, or nothing when there is none to give."""
    return _OWN_EXAMPLES.get((owner.__name__, field)) or _EXAMPLES.get(field, "")


def is_todo(value: object) -> bool:
    """Whether a value still waits for its author."""
    return isinstance(value, str) and bool(_TODO.search(value))


def clip(value: object, limit: int = 80) -> str:
    """A value in quotes, short enough for a message."""
    if value is True or value is False:
        return str(value).lower()
    text = str(value)
    if isinstance(value, int | float):
        return text
    return f'"{text if len(text) <= limit else text[:limit] + "…"}"'
