"""The project that runs on every engine: the same files but for the connection."""

from __future__ import annotations

from pathlib import Path

SHARED = {
    "configs/project.yaml": """\
schema_version: 1
project: three-engines
timezone: Europe/Berlin
currency: EUR
units:
  customer: {source: customers, exclude: {is_test: true}}
channels:
  email: {consent: opted_in, sent: messages.sent, unsubscribe: messages.unsubscribe, cap: 3 per 7d}
holdouts: {all-2025: {share: 10%, salt: all-2025, from: 2025-01-01, until: 2025-12-31}}
exclusion_groups: {offers: {salt: offers-1}}
purposes: [service]
privacy: {minimum_cell: 1}
""",
    "configs/sources/shop.yaml": """\
sources:
  customers:
    grain: unit
    table: SCHEMA.customers
    keys: {customer: id}
    known_from: since
    properties: [country, age, opted_in, points, household, store, is_test, since]
    missing: [-1]
  orders:
    grain: event
    table: SCHEMA.orders
    keys: {customer: id}
    timestamp: at
    properties: [channel, returned]
    facts: {order: null, revenue: amount, margin: {column: margin, scale: 6}, items: items}
    missing: [-1]
    freshness: 1d
  sessions:
    grain: event
    table: SCHEMA.sessions
    keys: {customer: id}
    timestamp: begun
    properties: [page]
    facts: {session: null, minutes: minutes}
  visits:
    grain: event
    sql: SELECT id, day, pages FROM SCHEMA.visits WHERE pages > 0
    keys: {customer: id}
    timestamp: day
    facts: {visit: null, pages: pages}
  messages:
    grain: event
    table: SCHEMA.messages
    keys: {customer: id}
    timestamp: sent_at
    facts: {sent: null, unsubscribe: left_us}
  subscriptions:
    grain: span
    table: SCHEMA.subscriptions
    keys: {customer: id}
    start: begun
    end: ended
    properties: [plan]
  assigned:
    grain: unit
    table: SCHEMA.assigned
    keys: {customer: id}
    properties: [stars]
properties:
  days_since_last_order: {fact: orders.order, operation: recency}
  orders_60d: {fact: orders.order, operation: count, window: {last: 60d}}
  spend_60d: {fact: orders.revenue, operation: sum, window: {last: 60d}}
  spend_band: {fact: orders.revenue, operation: sum, window: {last: 60d}, bands: {low: 0, middle: 50, high: 150}}
  average_margin: {fact: orders.margin, operation: average}
  minutes_trend: {fact: sessions.session, operation: trend, window: {last: 20d}}
  last_page: {fact: visits.pages, operation: last}
  overdue: {fact: orders.order, operation: days_overdue, bands: {early: -10000, late: 0, very_late: 30}}
  value: {fact: orders.revenue, operation: rfm, groups: 3}
  spend_third: {of: spend_60d, operation: quantiles, groups: 3}
  tenure: {column: since, operation: tenure}
segments:
  german_adults: {country: DE, age: ">= 18"}
""",
    "configs/metrics/shop.yaml": """\
metrics:
  bought: {operation: conversion, fact: orders.order, window: 14d, desired_change: increase}
  retained:
    operation: retention
    definition: bracket
    fact: orders.order
    window: {after: 7d, for: 14d}
    desired_change: increase
  day_7:
    operation: retention
    definition: on_day
    fact: visits.visit
    window: {after: 7d, for: 1d}
    desired_change: increase
  churned: {operation: churn, fact: orders.order, inactivity: 10d, window: 21d, desired_change: decrease}
  cancelled: {operation: churn, cancelled: subscriptions, window: 21d, desired_change: decrease}
  orders: {operation: count, fact: orders.order, where: {channel: {not: app}}, window: 21d, desired_change: increase}
  revenue: {operation: sum, fact: orders.revenue, window: 21d, clock: calendar, desired_change: increase}
  margin_capped: {operation: sum, fact: orders.margin, window: 21d, winsorize: 90%, desired_change: increase}
  items:
    operation: sum
    fact: orders.items
    where: {returned: {not: true}}
    window: {after: 1d, for: 13d}
    desired_change: increase
  minutes: {operation: sum, fact: sessions.minutes, window: 21d, clock: calendar, desired_change: increase}
  kinds_of_pages:
    operation: count_distinct
    fact: sessions.session
    property: page
    window: 21d
    desired_change: increase
  active_days: {operation: active_days, fact: sessions.session, window: 21d, desired_change: increase}
  last_margin: {operation: last, fact: orders.margin, window: 21d, desired_change: increase}
  worth: {operation: clv, fact: orders.revenue, window: 21d, desired_change: increase}
  average_order_value:
    operation: ratio
    numerator: {operation: sum, fact: orders.revenue}
    denominator: {operation: count, fact: orders.order}
    window: 21d
    desired_change: increase
  unsubscribed: {operation: conversion, fact: messages.unsubscribe, window: 14d, desired_change: decrease}
""",
    "configs/tactics/shop.yaml": """\
tactics:
  a-letter: {type: custom, title: A letter, label: letter}
  a-mail: {type: custom, title: A mail, label: mail, channel: email, uses: [service]}
""",
    "experiments/by-hash/experiment.yaml": """\
owner: a@example.com
hypothesis: A mail brings customers back.
assignment:
  method: hash
  salt: by-hash-1
  traffic: 87.5%
  exclusion_group: {name: offers, slot: 0%..80%}
  holdout: all-2025
audience: {orders_60d: "<= 6", days_since_last_order: {not: 0..1}, country: {not: CH}}
variants:
  control: {weight: 1, control: true, tactic: nothing}
  mail: {weight: 1, tactic: a-mail}
enroll: {from: 2025-10-25, for: 2d, each: day}
metrics:
  primary: bought
  secondary: [retained, churned, average_order_value, day_7, cancelled, orders, revenue, margin_capped, items]
  descriptive: [minutes, kinds_of_pages, active_days, last_margin, worth, unsubscribed]
  curves: [{fact: orders.order, days: [1, 7, 14, 21]}, {fact: visits.visit, days: [3, 20]}]
analysis: {segments: [spend_band, german_adults, value], covariates: [average_margin, spend_60d, age, points]}
""",
    "experiments/by-block/experiment.yaml": """\
owner: a@example.com
hypothesis: A letter brings customers back.
assignment:
  method: balanced
  salt: by-block-1
  strata: [spend_third, german_adults]
audience: {minutes_trend: {not: 0..0.01}, spend_60d: top 70%}
variants:
  control: {weight: 2, control: true, tactic: nothing}
  letter: {weight: 1, tactic: a-letter}
enroll: {from: 2025-10-26, for: 1d, each: day}
metrics: {primary: bought, secondary: [retained, churned, average_order_value, revenue]}
analysis: {segments: [overdue, last_page, tenure]}
""",
    "experiments/by-store/experiment.yaml": """\
owner: a@example.com
hypothesis: A letter brings customers back.
assignment: {method: balanced, salt: by-store-1, cluster: store}
variants:
  control: {weight: 1, control: true, tactic: nothing}
  letter: {weight: 1, tactic: a-letter}
enroll: {date: 2025-10-26}
metrics: {primary: bought, secondary: [retained, churned, average_order_value, margin_capped]}
""",
    "experiments/alike/experiment.yaml": """\
owner: a@example.com
hypothesis: A letter brings customers back.
assignment: {method: balanced, salt: alike-1, rerandomise: {on: [spend_60d, average_margin], accept: 20%}}
variants:
  control: {weight: 1, control: true, tactic: nothing}
  letter: {weight: 1, tactic: a-letter}
enroll: {date: 2025-10-27}
metrics: {primary: bought, secondary: [retained, churned, average_order_value]}
""",
    "experiments/at-visit/experiment.yaml": """\
owner: a@example.com
hypothesis: A letter brings customers back.
assignment: {method: hash, salt: at-visit-1}
variants:
  control: {weight: 1, control: true, tactic: nothing}
  letter: {weight: 2, tactic: a-letter}
enroll: {from: 2025-10-21, for: 14d, at: sessions.session}
population: {exposed: visits.visit}
metrics: {primary: bought, secondary: [retained, churned, average_order_value, minutes, active_days]}
""",
    "experiments/elsewhere/experiment.yaml": """\
owner: a@example.com
hypothesis: A letter brings customers back.
assignment:
  method: external
  source: assigned
  variant: label
  labels: {A: control, B: letter}
  assigned_at: at
  batch: sent_on
variants:
  control: {weight: 1, control: true, tactic: nothing}
  letter: {weight: 1, tactic: a-letter}
observed: {from: 2025-10-21, until: 2025-12-02}
metrics:
  primary: spent
  secondary: [came, retained, churned, average_order_value]
  descriptive: [stars]
  define:
    spent: {operation: column, column: spent, desired_change: increase}
    came: {operation: column, column: came, desired_change: increase}
    stars: {operation: column, column: stars, nulls: exclude, desired_change: increase}
""",
}
SLUGS = tuple(name.split("/")[1] for name in SHARED if name.startswith("experiments/"))
AS_OF = "2025-12-15"


def make(root: Path, connection: str, schema: str) -> Path:
    """The project, with its tables in a schema of a connection."""
    for name, text in SHARED.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        placed = text.replace("SCHEMA.", f"{schema}.")
        path.write_text(placed + connection if name == "configs/project.yaml" else placed, encoding="utf-8")
    return root
