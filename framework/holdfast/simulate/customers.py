"""The customers of the simulated shop: what is fixed about each of them from sign-up on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.simulate.settings import DAY, Bools, Floats, Ints, ShopSettings, second_of_day, sign_up_shares

COUNTRIES = ("JP", "TW", "US")
CHANNELS = ("web", "app", "store")
CATEGORIES = ("tea", "coffee", "sweets", "tableware", "kitchen", "gifts")
CANCEL_REASONS = ("too_expensive", "payment_failed", "not_using")

_LAST_SIGN_UP_SECOND = DAY - 600
_MEAN_BASKET = 6_000.0
_BASKET_SPREAD = 0.35
ORDER_SPREAD = 0.50
"""Standard deviation of the logarithm of one customer's baskets."""


@dataclass(frozen=True, slots=True)
class Customers:
    """The customers, in the order of their sign-up, so that those known on a day are the first few rows."""

    customer_id: list[str]
    """The public id; its order says nothing about the customer."""
    signed_up: Ints
    """Local seconds from the first day's midnight to the sign-up."""
    country: Ints
    """Position in COUNTRIES."""
    channel: Ints
    """Position in CHANNELS."""
    email_opt_in: Bools
    """Agreed to e-mail when signing up."""
    is_test: Bools
    """An account of the shop's own staff."""
    order_rate: Floats
    """Orders a day while active."""
    session_rate: Floats
    """Visits a day while active."""
    lapse_rate: Floats
    """Chance a day of becoming inactive."""
    basket: Floats
    """Mean of the logarithm of the customer's baskets."""
    favourite: Ints
    """Position in CATEGORIES."""
    app_share: Floats
    """Share of visits that happen in the app."""

    @property
    def count(self) -> int:
        """How many customers there are."""
        return len(self.signed_up)


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """Subscription periods, one at most for a customer."""

    customer: Ints
    """Row of the customer."""
    started: Ints
    """Local seconds from the first day's midnight."""
    cancelled: Ints
    """Local seconds from the first day's midnight, -1 while running."""
    reason: Ints
    """Position in CANCEL_REASONS, -1 where none is known."""


def draw_customers(settings: ShopSettings) -> Customers:
    """All customers of the shop, drawn from the seed."""
    rng = np.random.default_rng([settings.seed, 0])
    n = settings.customers
    days = rng.choice(settings.days, size=n, p=sign_up_shares(settings))
    seconds = np.minimum(second_of_day(rng.random(n)), _LAST_SIGN_UP_SECOND)
    channel = rng.choice(3, size=n, p=[0.50, 0.38, 0.12])
    order_rate = rng.gamma(1.6, 1 / 1.6, size=n) / 78
    # Good customers also visit more, but a part of the visits has nothing to do with buying.
    session_rate = rng.gamma(1.2, 1 / 1.2, size=n) * 0.033 + 0.9 * order_rate
    numbers = rng.permutation(n) + 1
    return Customers(
        customer_id=[f"C{number:07d}" for number in numbers.tolist()],
        signed_up=np.sort(days * DAY + seconds),
        country=rng.choice(3, size=n, p=[0.90, 0.06, 0.04]),
        channel=channel,
        email_opt_in=rng.random(n) < 0.84,
        is_test=rng.random(n) < 0.002,
        order_rate=order_rate,
        session_rate=session_rate,
        lapse_rate=np.minimum(np.exp(rng.normal(np.log(1 / 170), 1.1, size=n)), 0.2),
        basket=rng.normal(_mean_of_logarithm(), _BASKET_SPREAD, size=n),
        favourite=rng.choice(len(CATEGORIES), size=n, p=[0.26, 0.22, 0.20, 0.12, 0.12, 0.08]),
        app_share=np.asarray([0.25, 0.85, 0.40])[channel],
    )


def _mean_of_logarithm() -> float:
    """The mean of the logarithm at which the mean basket over all customers is as wanted."""
    return float(np.log(_MEAN_BASKET) - (_BASKET_SPREAD**2 + ORDER_SPREAD**2) / 2)


def draw_subscriptions(settings: ShopSettings, customers: Customers) -> Subscriptions:
    """The subscription periods of about 15 % of the customers; no experiment changes them."""
    rng = np.random.default_rng([settings.seed, 1])
    n = customers.count
    started = customers.signed_up + 60 + (rng.exponential(30 * DAY, size=n)).astype(np.int64)
    cancelled = started + 3600 + (rng.exponential(320 * DAY, size=n)).astype(np.int64)
    end = settings.days * DAY
    keep = np.flatnonzero((rng.random(n) < 0.17) & (started < end))
    reason = rng.choice([0, 1, 2, -1], size=n, p=[0.34, 0.24, 0.32, 0.10])
    running = cancelled >= end
    return Subscriptions(
        customer=keep,
        started=started[keep],
        cancelled=np.where(running, -1, cancelled)[keep],
        reason=np.where(running, -1, reason)[keep],
    )
