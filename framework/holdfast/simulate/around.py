"""What happens around orders and contracts: carts, lines, tickets, surveys, visits of the cancellation page.

No experiment changes any of it, and it changes nothing else: it is there so that every metric and every tactic of a new
project has data to run on. All of it is drawn from the orders, visits and contracts that happened.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from holdfast.simulate.customers import Customers, Subscriptions
from holdfast.simulate.events import Events
from holdfast.simulate.settings import DAY, Floats, Ints, ShopSettings
from holdfast.simulate.tables import ids, instants, labels, numbered

TOPICS = ("delivery", "product", "billing")
_HOUR = 3600
_STREAM = 3
"""Streams of random numbers: 0 is the customers', 1 their contracts', 2 the days', this one is theirs."""


@dataclass(frozen=True, slots=True)
class Around:
    """The shop that the tables are drawn from."""

    settings: ShopSettings
    customers: Customers
    subscriptions: Subscriptions
    events: Events

    def tables(self) -> tuple[tuple[str, Callable[[], pa.Table]], ...]:
        """The name of each table, and how to make it."""
        return (
            ("order_lines", self.order_lines),
            ("carts", self.carts),
            ("tickets", self.tickets),
            ("surveys", self.surveys),
            ("cancel_visits", self.cancel_visits),
        )

    def order_lines(self) -> pa.Table:
        """One line an order, with how many items it holds."""
        orders = self.events.orders
        quantity = 1 + self._random(0).poisson(0.8, size=len(orders.at))
        return self._table(orders.customer, orders.at, "ordered_at", {"quantity": quantity}, "L")

    def carts(self) -> pa.Table:
        """A cart for every order, and now and then one that is left behind during a visit."""
        rng, orders, sessions = self._random(1), self.events.orders, self.events.sessions
        left = np.flatnonzero(rng.random(len(sessions.at)) < 0.2)
        begun = rng.random(len(left)) < 0.4
        since = orders.at - self.customers.signed_up[orders.customer]
        flags = {
            "is_checkout_started": np.concatenate([np.ones(len(orders.at), dtype=np.bool_), begun]),
            "is_checked_out": np.arange(len(orders.at) + len(left)) < len(orders.at),
        }
        customer = np.concatenate([orders.customer, sessions.customer[left]])
        at = np.concatenate([orders.at - np.minimum(since, 600), sessions.at[left]])
        return self._table(customer, at, "created_at", flags, "K")

    def tickets(self) -> pa.Table:
        """Questions after some of the orders, when they were answered, and when they were solved."""
        customer, opened, answered, solved = self._questions()
        rng = self._random(2)
        columns = {
            "topic": labels(rng.choice(len(TOPICS), size=len(opened)), TOPICS),
            "hours_to_first_response": np.round(answered / _HOUR, 1),
            "is_resolved_at_first_contact": solved == opened + answered,
            "handling_cost": 300 + rng.poisson(250, size=len(opened)),
            "solved_at": instants(self.settings, solved, empty=solved >= self._end),
        }
        return self._table(customer, opened, "opened_at", columns, "T")

    def surveys(self) -> pa.Table:
        """How likely some would recommend the shop a week after an order, and how satisfied they are after a ticket."""
        rng, orders = self._random(4), self.events.orders
        asked = np.flatnonzero((rng.random(len(orders.at)) < 0.1) & (orders.at + 7 * DAY < self._end))
        customer, _, _, solved = self._questions()
        closed = np.flatnonzero(solved + _HOUR < self._end)
        is_nps = np.arange(len(asked) + len(closed)) < len(asked)
        score = np.minimum(rng.binomial(11, 0.75, size=len(is_nps)), 10)
        answered = rng.random(len(is_nps)) < np.where(is_nps, 0.25, 0.35)
        points = np.select([score >= 9, score <= 6], [100, -100], 0)
        columns = {
            "is_nps": is_nps,
            "is_nps_answered": is_nps & answered,
            "nps_score": pa.array(score, mask=~(is_nps & answered)),
            "nps_points": pa.array(points, mask=~(is_nps & answered)),
            "is_csat": ~is_nps,
            "is_csat_answered": ~is_nps & answered,
            "is_csat_satisfied": ~is_nps & answered & (rng.random(len(is_nps)) < 0.8),
        }
        people = np.concatenate([orders.customer[asked], customer[closed]])
        at = np.concatenate([orders.at[asked] + 7 * DAY, solved[closed] + _HOUR])
        return self._table(people, at, "asked_at", columns, "Q")

    def cancel_visits(self) -> pa.Table:
        """A visit before each cancellation, and some by customers who then stay."""
        rng, periods = self._random(5), self.subscriptions
        ended = periods.cancelled >= 0
        until = np.where(ended, periods.cancelled, self._end)
        looking = rng.random(len(until)) < 0.2
        at = periods.started + (rng.random(len(until)) * (until - periods.started)).astype(np.int64)
        before = np.maximum(periods.started[ended], periods.cancelled[ended] - 300)
        customer = np.concatenate([periods.customer[ended], periods.customer[looking]])
        return self._table(customer, np.concatenate([before, at[looking]]), "visited_at", {}, "V")

    @property
    def _end(self) -> int:
        """The local second at which the data ends."""
        return self.settings.days * DAY

    def _random(self, table: int) -> np.random.Generator:
        return np.random.default_rng([self.settings.seed, _STREAM, table, 0])

    def _questions(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Who asked after an order, when, how long the first answer took, and when the ticket was solved."""
        rng, orders = self._random(3), self.events.orders
        opened = orders.at + (rng.exponential(2.5 * DAY, size=len(orders.at))).astype(np.int64) + 60
        asked = np.flatnonzero((rng.random(len(orders.at)) < 0.07) & (opened < self._end))
        hours: Floats = rng.lognormal(1.6, 0.8, size=len(asked))
        answered = np.rint(hours * 10).astype(np.int64) * (_HOUR // 10)
        more = np.where(rng.random(len(asked)) < 0.6, 0, rng.integers(_HOUR, 4 * DAY, size=len(asked)))
        return orders.customer[asked], opened[asked], answered, opened[asked] + answered + more

    def _table(self, customer: Ints, at: Ints, time: str, columns: dict[str, Any], letter: str) -> pa.Table:
        """Rows in the order of time, numbered."""
        order = np.lexsort((customer, at))
        rest = {name: pa.array(values).take(pa.array(order)) for name, values in columns.items()}
        return pa.table(
            {
                "id": numbered(letter, len(order)),
                "customer_id": ids(self.customers, customer[order]),
                time: instants(self.settings, at[order]),
                **rest,
            }
        )
