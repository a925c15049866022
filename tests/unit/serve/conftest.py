"""A client of the official SDK over flags written as values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.provider import FeatureProvider

from holdfast.model.flag import Flag, FlagVariant
from holdfast.model.predicate import Condition
from holdfast.serve import HoldfastProvider

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
MIDDLE = START + dt.timedelta(days=10)
END = START + dt.timedelta(days=60)
CONTROL_AND_NEW = (FlagVariant(key="control", weight=1, is_control=True), FlagVariant(key="new", weight=1))


class Flags:
    """Flags that come from no project."""

    def __init__(self, *flags: Flag) -> None:
        self._flags = flags

    def flags(self) -> tuple[Flag, ...]:
        return self._flags


def flag(**changes: Any) -> Flag:
    """A running experiment of two variants; conditions may be written as in YAML."""
    fields: dict[str, Any] = {
        "experiment": "checklist",
        "names": ("checklist", "onboarding-checklist"),
        "config_hash": "c" * 64,
        "salt": "checklist-1",
        "variants": CONTROL_AND_NEW,
        "opens": START,
        "closes": END,
    }
    fields |= changes
    for name in ("audience", "exclude"):
        fields[name] = {key: Condition.parse(value) for key, value in fields.get(name, {}).items()}
    return Flag(**fields)


def payloads(*payloads: dict[str, Any]) -> tuple[FlagVariant, ...]:
    """Variants a, b, ...; the first is the control."""
    return tuple(
        FlagVariant(key=chr(97 + place), weight=1, is_control=not place, payload=payload)
        for place, payload in enumerate(payloads)
    )


def context(key: Any = "customer-1", **attributes: Any) -> EvaluationContext:
    """Who asks, and what is known of them."""
    return EvaluationContext(targeting_key=key, attributes=attributes)


Connect = Callable[..., OpenFeatureClient]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """A function from flags (or a provider) to a client, at a time in the middle of the experiments."""

    def client(*flags: Flag, now: dt.datetime = MIDDLE, provider: FeatureProvider | None = None) -> OpenFeatureClient:
        api.set_provider_and_wait(provider or HoldfastProvider(Flags(*flags), clock=lambda: now))
        return api.get_client()

    yield client
    api.clear_providers()
    api.clear_hooks()
