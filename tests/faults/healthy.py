"""A project whose data are in order, to be broken in one place: customers drawn here, and others handed over."""

from __future__ import annotations

from pathlib import Path

PLANTED = "C-SECRET-"
PROJECT = """\
schema_version: 1
project: healthy
timezone: UTC
currency: USD
units: {customer: {source: customers, exclude: {status: test}}}
"""
SOURCES = """\
sources:
  customers:
    grain: unit
    path: customers.csv
    timezone: UTC
    keys: {customer: customer_id}
    known_from: signed_up_at
    properties: [country, age, status, signed_up_at]
  orders:
    grain: event
    path: orders.csv
    timezone: UTC
    keys: {customer: customer_id}
    timestamp: ordered_at
    properties: [channel]
    freshness: 1d
    facts: {order: null, revenue: {column: amount, scale: 2}}
  periods:
    grain: span
    path: periods.csv
    timezone: UTC
    keys: {customer: customer_id}
    start: begun_at
    end: ended_at
  given:
    grain: unit
    path: given.csv
    timezone: UTC
    keys: {customer: customer_id}
"""
METRICS = """\
metrics:
  revenue: {operation: sum, fact: orders.revenue, window: 7d, unit_of_measure: USD, desired_change: increase}
  app_orders:
    operation: count
    fact: orders.order
    where: {channel: app}
    window: 7d
    unit_of_measure: orders
    desired_change: increase
  lost: {operation: churn, cancelled: periods, window: 7d, desired_change: decrease}
"""
TACTICS = "tactics:\n  a-letter: {type: custom, title: A letter, label: letter}\n"
DRAWN = """\
owner: a@example.com
hypothesis: A letter helps.
audience: {country: [JP, FR], age: ">= 18"}
assignment: {salt: drawn-1}
variants:
  control: {weight: 1, control: true, tactic: nothing}
  letter: {weight: 1, tactic: a-letter}
enroll: {date: 2026-01-15}
metrics: {primary: revenue, secondary: [app_orders, lost]}
"""
HANDED = """\
owner: a@example.com
hypothesis: A letter helps.
assignment: {method: external, source: given, variant: arm, labels: {A: control, B: letter}, assigned_at: at}
variants:
  control: {weight: 1, control: true, tactic: nothing}
  letter: {weight: 1, tactic: a-letter}
metrics: {primary: revenue}
observed: {from: 2026-01-01, to: 2026-02-01}
"""
RULED = HANDED.replace("variant: arm, labels: {A: control, B: letter}", "rules: {control: {arm: A}, letter: {arm: B}}")


def make(folder: Path) -> None:
    """Write a project whose data are in order: 200 customers, two orders each, and a period for every other one."""
    customers = ["customer_id,country,age,status,signed_up_at"]
    orders, periods, given = ["customer_id,ordered_at,amount,channel"], ["customer_id,begun_at,ended_at"], []
    given.append("customer_id,arm,at")
    for i in range(200):
        unit = f"{PLANTED}{i}"
        status = "test" if i % 40 == 0 else "real"
        customers.append(f"{unit},{('JP', 'FR', 'US')[i % 3]},{20 + i % 50},{status},2025-06-{1 + i % 28:02d} 08:00:00")
        orders += [f"{unit},2026-01-{1 + (i + k) % 31:02d} 0{k + 8}:{i % 60:02d}:00,{i}.50,{channel}"
                   for k, channel in enumerate(("app", "web"))]  # fmt: skip
        if i % 2:
            periods.append(f"{unit},2025-07-01 00:00:00,{'2026-01-20 00:00:00' if i % 4 == 1 else ''}")
        given.append(f"{unit},{'AB'[i % 2]},2026-01-{1 + i % 20:02d} 08:00:00")
    files = {
        "configs/project.yaml": PROJECT,
        "configs/sources/tables.yaml": SOURCES,
        "configs/metrics/orders.yaml": METRICS,
        "configs/tactics/letters.yaml": TACTICS,
        "experiments/drawn/experiment.yaml": DRAWN,
        "experiments/handed/experiment.yaml": HANDED,
        "customers.csv": "\n".join(customers) + "\n",
        "orders.csv": "\n".join(orders) + "\n",
        "periods.csv": "\n".join(periods) + "\n",
        "given.csv": "\n".join(given) + "\n",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
