"""The simulated shop as Parquet files, each written whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from holdfast import atomic
from holdfast.simulate.customers import CANCEL_REASONS, CATEGORIES, CHANNELS, COUNTRIES, Customers, Subscriptions
from holdfast.simulate.events import CAMPAIGNS, MESSAGE_EVENTS, SENT, SURFACES, UNSUBSCRIBE, Messages, Orders, Sessions
from holdfast.simulate.settings import Bools, Ints, ShopSettings

INSTANT = pa.timestamp("us", tz="UTC")


def write_table(path: Path, table: pa.Table) -> None:
    """Write a Parquet file atomically."""
    with atomic.replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def customers_table(settings: ShopSettings, customers: Customers) -> pa.Table:
    """The customers, sorted by id."""
    order = np.argsort(np.asarray(customers.customer_id))
    return pa.table(
        {
            "customer_id": pa.array(customers.customer_id, pa.string()).take(pa.array(order)),
            "signed_up_at": instants(settings, customers.signed_up[order]),
            "country": labels(customers.country[order], COUNTRIES),
            "channel": labels(customers.channel[order], CHANNELS),
            "email_opt_in": pa.array(customers.email_opt_in[order]),
            "is_test": pa.array(customers.is_test[order]),
        }
    )


def orders_table(settings: ShopSettings, customers: Customers, orders: Orders) -> pa.Table:
    """The orders, numbered in the order of time."""
    order = np.lexsort((orders.customer, orders.at))
    return pa.table(
        {
            "order_id": numbered("R", len(order)),
            "customer_id": ids(customers, orders.customer[order]),
            "ordered_at": instants(settings, orders.at[order]),
            "amount": pa.array(orders.amount[order]),
            "discount_amount": pa.array(orders.discount[order]),
            "margin_amount": pa.array(orders.margin[order]),
            "category": labels(orders.category[order], CATEGORIES),
            "is_returned": pa.array(orders.returned[order]),
        }
    )


def sessions_table(settings: ShopSettings, customers: Customers, sessions: Sessions) -> pa.Table:
    """The visits, numbered in the order of time."""
    order = np.lexsort((sessions.customer, sessions.at))
    return pa.table(
        {
            "session_id": numbered("S", len(order)),
            "customer_id": ids(customers, sessions.customer[order]),
            "started_at": instants(settings, sessions.at[order]),
            "surface": labels(sessions.surface[order], SURFACES),
            "is_signup": pa.array(sessions.is_signup[order]),
            "task_completed": pa.array(sessions.task_completed[order]),
        }
    )


def subscriptions_table(settings: ShopSettings, customers: Customers, periods: Subscriptions) -> pa.Table:
    """The subscription periods in the order of time; those still running have no end."""
    order = np.lexsort((periods.customer, periods.started))
    cancelled = periods.cancelled[order]
    return pa.table(
        {
            "customer_id": ids(customers, periods.customer[order]),
            "started_at": instants(settings, periods.started[order]),
            "cancelled_at": instants(settings, cancelled, empty=cancelled < 0),
            "cancel_reason": labels(periods.reason[order], CANCEL_REASONS),
        }
    )


def messages_table(settings: ShopSettings, customers: Customers, messages: Messages) -> pa.Table:
    """The mails and the unsubscribes in the order of time; both rows of one mail carry its id."""
    order = np.lexsort((messages.event, messages.campaign, messages.customer, messages.at))
    customer_id = ids(customers, messages.customer[order]).cast(pa.string())
    dates = tuple(f"{settings.date_of(day):%Y%m%d}" for day in range(settings.days))
    campaign = labels(messages.campaign[order], CAMPAIGNS)
    sent_on = labels(messages.sent_on[order], dates)
    parts = (campaign.cast(pa.string()), sent_on.cast(pa.string()), customer_id)
    return pa.table(
        {
            "message_id": pc.binary_join_element_wise(*parts, "-"),
            "customer_id": customer_id,
            "event": labels(messages.event[order], MESSAGE_EVENTS),
            "campaign": campaign,
            "occurred_at": instants(settings, messages.at[order]),
            "is_sent": pa.array(messages.event[order] == SENT),
            "is_unsubscribe": pa.array(messages.event[order] == UNSUBSCRIBE),
        }
    )


def write_tables(
    folder: Path, tables: Sequence[tuple[str, Callable[[], pa.Table]]], done: Callable[[int], None]
) -> None:
    """Make and write each named table in turn, saying after each how many are done."""
    for number, (name, make) in enumerate(tables, start=1):
        write_table(folder / f"{name}.parquet", make())
        done(number)


def instants(settings: ShopSettings, local_seconds: Ints, empty: Bools | None = None) -> pa.Array:
    """Times as instants, with no value where `empty` says so."""
    return pa.array(settings.utc_microseconds(local_seconds), mask=empty).cast(INSTANT)


def labels(codes: Ints, names: Sequence[str]) -> pa.Array:
    """Codes as their names, no value for a negative code."""
    indices = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(names, pa.string())).cast(pa.string())


def ids(customers: Customers, rows: Ints) -> pa.Array:
    """The public ids of customers."""
    return pa.array(customers.customer_id, pa.string()).take(pa.array(rows))


def numbered(letter: str, count: int) -> pa.Array:
    """Ids such as R000000001."""
    numbers = pc.utf8_lpad(pa.array(np.arange(1, count + 1)).cast(pa.string()), 9, "0")
    return pc.binary_join_element_wise(pa.scalar(letter), numbers, "")
