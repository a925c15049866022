"""The projects that Holdfast analyses: the same job in YAML, over the same files."""

from __future__ import annotations

import shutil
from itertools import cycle
from pathlib import Path

from job import AHEAD, BACK, EXPERIMENT, FACTS_TO, FIRST, KEYS, OUTCOMES, SHARES, VARIANTS
from queries import days

HEAD = """\
schema_version: 1
project: benchmark
business: shop
timezone: UTC
currency: USD
connection: {{backend: duckdb, files: "${{env:HOLDFAST_BENCHMARK}}"{connection}}}
"""
UNITS = "units: {customer: {source: exposures}}\n"

SOURCES = """\
sources:
  exposures:
    grain: unit
    sql: SELECT * FROM read_parquet('{folder}/exposures.parquet') WHERE experiment = '{experiment}'
    keys: {{customer: {key}}}
  orders:
    grain: event
    path: orders.parquet
    keys: {{customer: {key}}}
    timestamp: ordered_at
    facts: {{order: null, revenue: {{column: amount, scale: 2}}}}
  events:
    grain: event
    path: events.parquet
    keys: {{customer: {key}}}
    timestamp: happened_at
    properties: [kind]
    facts: {{event: null}}
"""

METRICS = f"""\
metrics:
  day_7:
    {{operation: retention, definition: on_day, fact: events.event, window: {{after: 7d, for: 1d}}, clock: elapsed,
     desired_change: increase}}
  day_30:
    {{operation: retention, definition: on_day, fact: events.event, window: {{after: 30d, for: 1d}}, clock: elapsed,
     desired_change: increase}}
  churned:
    {{operation: churn, fact: events.event, inactivity: 14d, window: 28d, clock: elapsed, desired_change: decrease}}
  bought: {{operation: conversion, fact: orders.order, window: {AHEAD}d, desired_change: increase}}
  orders: {{operation: count, fact: orders.order, window: {AHEAD}d, unit_of_measure: orders, desired_change: increase}}
  revenue: {{operation: sum, fact: orders.revenue, window: {AHEAD}d, unit_of_measure: USD, desired_change: increase}}
  sessions:
    {{operation: count, fact: events.event, where: {{kind: session}}, window: {AHEAD}d, unit_of_measure: sessions,
     desired_change: increase}}
  capped:
    {{operation: sum, fact: orders.revenue, winsorize: 99.9%, window: {AHEAD}d, unit_of_measure: USD,
     desired_change: increase}}
  average_order_value:
    operation: ratio
    numerator: {{operation: sum, fact: orders.revenue}}
    denominator: {{operation: count, fact: orders.order}}
    window: {AHEAD}d
    unit_of_measure: USD
    desired_change: increase
"""

TACTICS = """\
tactics:
  short-form: {type: checkout_change, surface: web, flag: checkout, change: A form of five fields}
  one-page: {type: checkout_change, surface: web, flag: checkout, change: One page in place of three}
"""

EXPERIMENT_HEAD = f"""\
owner: benchmark@example.com
hypothesis: A shorter checkout brings more revenue.
variants:
  control: {{weight: {VARIANTS["control"]}, control: true, tactic: same_as_today}}
  short_form: {{weight: {VARIANTS["short_form"]}, tactic: short-form}}
  one_page: {{weight: {VARIANTS["one_page"]}, tactic: one-page}}
observed: {{from: {FIRST}, to: {FACTS_TO}}}
"""

ASSIGNMENT = """\
assignment: {method: external, source: exposures, variant: variant, assigned_at: exposed_at}
"""

TEN = f"""\
metrics:
  primary: revenue
  secondary: [day_7, bought, orders, sessions, capped]
  trio: {{retained: day_30}}
analysis: {{expect: 1 USD, cuped: {{lookback: {BACK}d}}}}
"""


def ten_metrics(project: Path, data: Path, key: str, memory_limit: str | None) -> None:
    """The job of all ways."""
    files = _catalogue(data, key, METRICS)
    _write(
        project, files, EXPERIMENT_HEAD + ASSIGNMENT + TEN, f", memory_limit: {memory_limit}" if memory_limit else ""
    )


def many_metrics(project: Path, data: Path, metrics: int) -> None:
    """So many metrics of the orders, in turn a count and a sum, each over days of its own."""
    kinds = (("count", "orders.order", "orders"), ("sum", "orders.revenue", "USD"))
    lines = [
        f"  m{place}: {{operation: {operation}, fact: {fact}, window: {days(place)}d, unit_of_measure: {unit}, "
        "desired_change: increase}"
        for place, (operation, fact, unit) in zip(range(metrics), cycle(kinds), strict=False)
    ]
    others = ", ".join(f"m{place}" for place in range(metrics) if place != 1)
    plan = f"metrics: {{primary: m1, secondary: [{others}]}}\nanalysis: {{expect: 1 USD}}\n"
    written = "metrics:\n" + "\n".join(lines) + "\n"
    _write(project, _catalogue(data, KEYS["integer"], written), EXPERIMENT_HEAD + ASSIGNMENT + plan)


def from_ready(project: Path) -> None:
    """The job from a table with one row a customer: its columns are the metrics."""
    file = "data: {path: ready.parquet, unit: customer_id, variant: variant, covariates: [before]}\n"
    money = {"revenue", "capped"}
    columns = []
    for name in OUTCOMES:
        kind = "kind: proportion" if name in SHARES else f"unit_of_measure: {'USD' if name in money else name}"
        better = "decrease" if name == "churned" else "increase"
        columns.append(f"    {name}: {{operation: column, column: {name}, scale: 2, {kind}, desired_change: {better}}}")
    ratio = (
        "    average_order_value: {operation: ratio, numerator: {operation: column, column: revenue, scale: 2},\n"
        "      denominator: {operation: column, column: orders, scale: 0}, unit_of_measure: USD, "
        "desired_change: increase}\n"
    )
    plan = (
        "metrics:\n  primary: revenue\n  secondary: [day_7, bought, orders, sessions, capped]\n"
        "  trio: {retained: day_30, churned: churned, average_order_value: average_order_value}\n  define:\n"
        + "\n".join(columns)
        + f"\n{ratio}analysis: {{expect: 1 USD}}\n"
    )
    _write(project, {}, EXPERIMENT_HEAD + file + plan)


def _catalogue(data: Path, key: str, metrics: str) -> dict[str, str]:
    """The sources and metrics of a project over the facts."""
    sources = SOURCES.format(folder=data, experiment=EXPERIMENT, key=key)
    return {"configs/sources/warehouse.yaml": sources, "configs/metrics/checkout.yaml": metrics}


def _write(project: Path, catalogue: dict[str, str], experiment: str, connection: str = "") -> None:
    """A project that was there is replaced. One without sources of its own has no units either."""
    shutil.rmtree(project, ignore_errors=True)
    head = HEAD.format(connection=connection) + (UNITS if catalogue else "")
    files = {
        "configs/project.yaml": head,
        "configs/tactics/checkout.yaml": TACTICS,
        f"experiments/{EXPERIMENT}/experiment.yaml": experiment,
    }
    for name, text in {**files, **catalogue}.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
