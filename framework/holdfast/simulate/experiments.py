"""The three experiments that run in the simulated shop: who is enrolled, what is done, what is measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from holdfast.simulate.settings import Floats

Fact = Literal["order", "session", "task", "unsubscribe"]
Measure = Literal["any", "none", "count", "amount", "margin", "amount_per_order"]
Clock = Literal["elapsed", "calendar"]

CONTROL = "control"


@dataclass(frozen=True, slots=True)
class Rule:
    """One metric: which facts, what is taken from them, and in which days after enrolment."""

    key: str
    """The name of the metric."""
    fact: Fact
    """The events that count."""
    measure: Measure
    """What is taken: any or none of them (0 or 1), their number, a sum, or a ratio of two sums."""
    clock: Clock
    """Elapsed days are 24-hour steps from t0; calendar day k is the k-th local date after t0's own."""
    start: int
    """The first day of the window."""
    end: int
    """The day before which the window closes."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One experiment of the shop."""

    slug: str
    """The experiment's name."""
    salt: str
    """The salt of its assignment hash."""
    treated: str
    """The name of the variant that gets the tactic; the other one is control."""
    start: date
    """The first local date of enrolment."""
    days: int
    """How many local dates enrolment lasts."""
    rules: tuple[Rule, ...]
    """The metrics."""

    @property
    def weights(self) -> dict[str, int]:
        """The weight of each variant, in the order of the assignment."""
        return {CONTROL: 50, self.treated: 50}

    @property
    def follow_up(self) -> int:
        """The number of days after the first enrolment at which every metric of every customer is known."""
        # An elapsed window of someone who signs up in the evening ends on the local date after.
        return self.days + 1 + max(rule.end for rule in self.rules)


def _order_values(end: int) -> tuple[Rule, ...]:
    """The metrics of order values that all three experiments share, over elapsed days [0, end)."""
    return (
        Rule("average_order_value", "order", "amount_per_order", "elapsed", 0, end),
        Rule("orders_per_customer", "order", "count", "elapsed", 0, end),
        Rule("revenue_per_customer", "order", "amount", "elapsed", 0, end),
    )


WINBACK = Trial(
    slug="winback-voucher",
    salt="winback-voucher-3f9a1c07",
    treated="voucher_10",
    start=date(2025, 10, 1),
    days=42,
    rules=(
        Rule("margin_per_customer", "order", "margin", "elapsed", 0, 90),
        Rule("retained", "order", "any", "calendar", 56, 90),
        Rule("churned", "order", "none", "calendar", 30, 90),
        *_order_values(90),
        Rule("repurchased", "order", "any", "elapsed", 0, 90),
        Rule("margin_after_offer", "order", "margin", "elapsed", 14, 90),
        Rule("unsubscribed", "unsubscribe", "any", "elapsed", 0, 30),
    ),
)
ONBOARDING = Trial(
    slug="onboarding-checklist",
    salt="onboarding-checklist-5b20e4d1",
    treated="checklist",
    start=date(2025, 10, 1),
    days=56,
    rules=(
        Rule("retained", "session", "any", "calendar", 28, 35),
        Rule("churned", "session", "none", "calendar", 28, 56),
        *_order_values(56),
        Rule("activated", "task", "any", "elapsed", 0, 7),
    ),
)
PICKS = Trial(
    slug="personal-picks-mail",
    salt="personal-picks-mail-c41d77aa",
    treated="picks",
    start=date(2025, 11, 5),
    days=1,
    rules=(
        Rule("repurchased", "order", "any", "elapsed", 0, 60),
        Rule("retained", "order", "any", "calendar", 30, 60),
        Rule("churned", "order", "none", "calendar", 0, 60),
        *_order_values(60),
        Rule("margin_per_customer", "order", "margin", "elapsed", 0, 60),
        Rule("unsubscribed", "unsubscribe", "any", "elapsed", 0, 30),
    ),
)
TRIALS = (WINBACK, ONBOARDING, PICKS)

# --- what the tactics do: factors on a customer's rate, one number for each day since enrolment

WINBACK_RECENCY = (55, 65)
"""Days since the last order, both ends included, at which a customer is invited back."""
PICKS_LOOKBACK = 365
"""The days before the snapshot in which a customer has ordered exactly once."""
VOUCHER_DAYS = 14
VOUCHER_PERCENT = 10
VOUCHER_MINIMUM = 4_000
REVIVAL = 0.12
"""The share of lapsed customers whom the voucher mail makes active again for good."""
SIGN_UP_TASK = {False: 0.20, True: 0.30}
"""The chance that the sign-up session completes a task, without and with the checklist."""


def _steps(*parts: tuple[int, float]) -> Floats:
    """A factor for each day since enrolment, from (number of days, factor) pairs."""
    return np.concatenate([np.full(days, factor, dtype=np.float64) for days, factor in parts])


ORDER_FACTORS: dict[str, Floats] = {
    WINBACK.slug: _steps((VOUCHER_DAYS, 1.55), (21, 0.93)),
    ONBOARDING.slug: _steps((14, 1.06)),
    PICKS.slug: _steps((14, 1.33), (46, 1.05)),
}
SESSION_FACTORS: dict[str, Floats] = {ONBOARDING.slug: _steps((1, 1.0), (69, 1.23))}
