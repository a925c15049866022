"""What happens in the shop, as columns, and the random numbers that a day is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np

from holdfast.simulate.settings import Bools, Floats, Ints, ShopSettings

NEWSLETTER, WINBACK_MAIL, PICKS_MAIL = 0, 1, 2
CAMPAIGNS = ("newsletter", "winback", "picks")
SENT, UNSUBSCRIBE = 0, 1
MESSAGE_EVENTS = ("sent", "unsubscribe")
WEB, APP = 0, 1
SURFACES = ("web", "app")


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders, one row each; `at` is in local seconds from the first day's midnight, `customer` is a row number."""

    customer: Ints
    at: Ints
    amount: Ints
    discount: Ints
    margin: Ints
    category: Ints
    returned: Bools


@dataclass(frozen=True, slots=True)
class Sessions:
    """Visits, one row each."""

    customer: Ints
    at: Ints
    surface: Ints
    is_signup: Bools
    task_completed: Bools


@dataclass(frozen=True, slots=True)
class Messages:
    """E-mails sent and what was done with them; `sent_on` is the day of the mail that the row is about."""

    customer: Ints
    at: Ints
    event: Ints
    campaign: Ints
    sent_on: Ints


@dataclass(frozen=True, slots=True)
class Events:
    """Everything that happened in one world."""

    orders: Orders
    sessions: Sessions
    messages: Messages


Columns = TypeVar("Columns", Orders, Sessions, Messages)


def joined(kind: type[Columns], parts: Sequence[Columns]) -> Columns:
    """The rows of all parts, one after the other."""
    return kind(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(kind)))


@dataclass(frozen=True, slots=True)
class DayDraws:
    """The random numbers of one day, one column a customer.

    They are drawn for everybody, whatever happens, so that two worlds differ by their treatment alone.
    """

    lapse: Floats
    revival: Floats
    order: Floats
    order_detail: Floats
    """For a first and a second order of the day: time, category, promotion, return, revival."""
    basket: Floats
    """Standard normal, for a first and a second order of the day."""
    visit: Floats
    visit_detail: Floats
    """For a first and a second visit, and for those that end in an order: time, surface, task."""
    leave: Floats
    leave_time: Floats

    @property
    def count(self) -> int:
        """How many customers have signed up by the end of the day."""
        return len(self.order)


def draw_day(settings: ShopSettings, day: int, count: int) -> DayDraws:
    """The random numbers of a day for the first `count` customers."""
    rng = np.random.default_rng([settings.seed, 2, day])
    flat = rng.random((6, count))
    return DayDraws(
        lapse=flat[0],
        revival=flat[1],
        order=flat[2],
        visit=flat[3],
        leave=flat[4],
        leave_time=flat[5],
        order_detail=rng.random((2, 5, count), dtype=np.float32).astype(np.float64),
        visit_detail=rng.random((4, 3, count), dtype=np.float32).astype(np.float64),
        basket=rng.standard_normal((2, count)),
    )
