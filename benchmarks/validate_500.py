"""How long `validate` takes on a project of 500 experiments, after start-up.

    python benchmarks/validate_500.py [--experiments 500] [--keep DIR]

Writes a project with a catalogue of ordinary size (40 metrics, 30 tactics, 3 templates) and experiments in the short
and in the full form, validates it once and then five times more, and prints the first time, the fastest and the median.
For comparison it reads the same files with PyYAML's C loader alone, which checks nothing.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

from holdfast.config import validate

PROJECT = """
schema_version: 1
project: kelp-and-co
business: shop
timezone: Asia/Tokyo
currency: JPY
units: {customer: {source: customers, exclude: {is_test: true}}}
channels:
  email: {consent: email_opt_in, sent: messages.sent, unsubscribe: messages.unsubscribe, cap: 20000 per 7d}
holdouts: {global-2026: {share: 5%, salt: global-2026, from: 2026-01-01, until: 2026-12-31}}
purposes: [service, purchase_history]
defaults: {confidence: 95%, power: 80%, correction: by_role, cuped: {lookback: 28d}}
"""
SOURCES = """
sources:
  customers:
    grain: unit
    table: customers
    keys: {customer: id}
    properties: [country, plan, last_category, email_opt_in, is_test]
  orders:
    grain: event
    table: orders
    keys: {customer: customer_id}
    timestamp: ordered_at
    properties: [channel, category]
    facts: {order: null, revenue: amount, discount: discount_amount, margin: {column: margin}}
    freshness: 1d
  messages: {grain: event, table: messages, keys: {customer: id}, timestamp: at, facts: {sent: null, unsubscribe: null}}
  sessions: {grain: event, table: sessions, keys: {customer: id}, timestamp: at, facts: {session: null, signup: null}}
  tasks: {grain: event, table: tasks, keys: {customer: id}, timestamp: at, facts: {completed: null}}
properties:
  days_since_last_order: {fact: orders.order, operation: recency}
  orders_365d: {fact: orders.order, operation: count, window: {last: 365d}}
segments:
  lapsed: {days_since_last_order: 45..180}
  japanese: {country: JP}
"""
METRICS = """
metrics:
  retained:
    {operation: retention, definition: bracket, fact: orders.order, window: {after: 56d, for: 34d},
     desired_change: increase}
  churned: {operation: churn, fact: orders.order, inactivity: 60d, window: 90d, desired_change: decrease}
  average_order_value:
    operation: ratio
    numerator: {operation: sum, fact: orders.revenue}
    denominator: {operation: count, fact: orders.order}
    window: 90d
    desired_change: increase
    unit_of_measure: JPY
  margin_per_customer:
    {operation: sum, fact: orders.margin, window: 90d, desired_change: increase, unit_of_measure: JPY}
  margin_after_offer:
    {operation: sum, fact: orders.margin, window: {after: offer_end, until: 90d}, desired_change: increase,
     unit_of_measure: JPY}
  repurchased: {operation: conversion, fact: orders.order, window: 30d, desired_change: increase}
  active_in_week_5:
    {operation: retention, definition: bracket, fact: sessions.session, window: {after: 28d, until: 35d},
     desired_change: increase}
  unsubscribed: {operation: conversion, fact: messages.unsubscribe, window: 30d, desired_change: decrease}
"""
TEMPLATES = """
templates:
  winback-incentive:
    tactic: {type: incentive, stage: retention, churn_drivers: [price], costs: {per_redemption: orders.discount}}
    metrics:
      primary: margin_per_customer@90d
      secondary: [retained, churned, average_order_value, repurchased@90d]
      guardrails: [{metric: margin_after_offer, tolerate: 10%}, {metric: unsubscribed@30d, tolerate: 0.3pt}]
      curves: [{fact: orders.order, days: [7, 14, 30, 60, 90]}]
    analysis: {cuped: {lookback: 180d}, segments: [country, plan]}
  onboarding-change:
    tactic: {type: onboarding_change, stage: engagement}
    metrics: {primary: active_in_week_5, secondary: [retained, churned, average_order_value]}
    analysis: {cuped: off}
  personalised-email:
    tactic: {type: personalised_email, channel: email}
    metrics:
      primary: repurchased@90d
      secondary: [retained, churned, average_order_value]
      guardrails: [{metric: unsubscribed@30d, tolerate: 0.3pt}]
"""
VOUCHER = """extends: winback-incentive
owner: growth@example.com
hypothesis: A 10 % voucher brings lapsed customers back and pays for itself in margin.
audience: {segment: lapsed, country: JP}
tactic: {offer: {discount: 10%, minimum_basket: 4000 JPY, expires_after: 14d}, channel: email}
control: nothing
enroll: {from: 2026-10-01, for: 6w, each: day}
expect: +80 JPY
rollout: {customers: 42000, every: 90d}
"""
CHECKLIST = """extends: onboarding-change
owner: activation@example.com
hypothesis: Finishing one real task on day 0 keeps more people in week 5.
tactic:
  {surface: mobile_app, flag: onboarding-checklist, change: Three steps instead of a tour, activation: tasks.completed}
control: same_as_today
enroll: {from: 2026-10-01, for: 4w, at: sessions.signup}
expect: +1.5pt
"""
PICKS = """extends: personalised-email
owner: crm@example.com
hypothesis: Picks from the last category bring more second orders than the general newsletter.
audience: {orders_365d: 1}
tactic: {template: picks-v2, personalised_by: [last_category], fallback: bestsellers, uses: [purchase_history]}
control: {tactic: tactic-1}
enroll: {date: 2026-11-05}
expect: +1pt
"""
FULL = """title: A voucher, written out
owner: growth@example.com
hypothesis: A voucher brings lapsed customers back and pays for itself in margin.
audience: {days_since_last_order: 55..65, country: [JP, KR]}
assignment: {method: hash, unit: customer, salt: voucher-full-NUMBER, traffic: 50%, holdout: global-2026}
variants:
  control: {weight: 50, control: true, tactic: nothing}
  voucher_10: {weight: 50, tactic: tactic-2, payload: {code: BACK10}}
enroll: {from: 2026-10-01, for: 6w, each: day}
metrics:
  primary: margin_per_customer@90d
  secondary: [retained, churned, average_order_value, repurchased@90d, metric_1, metric_2, metric_3@60d]
  guardrails:
    - {metric: margin_after_offer, tolerate: 10%}
    - {metric: unsubscribed@30d, tolerate: 0.3pt}
  descriptive: [metric_4, metric_5]
  curves: [{fact: orders.order, days: [7, 14, 30, 60, 90]}]
analysis:
  expect: 80 JPY
  looks: fixed
  cuped: {lookback: 180d}
  segments: [country, plan]
rollout: {customers: 42000, every: 90d}
decision: {policy: clear_signals}
"""
FORMS = (VOUCHER, CHECKLIST, PICKS, FULL)


def write_project(root: Path, experiments: int) -> None:
    """A valid project with so many experiments."""
    metrics = METRICS + "".join(
        f"  metric_{n}:\n    title: Orders of sort {n}\n    description: Orders of sort {n} a customer.\n"
        f"    operation: count\n    fact: orders.order\n    where: {{channel: app, category: sort-{n}}}\n"
        "    window: 30d\n    desired_change: increase\n"
        for n in range(32)
    )
    tactics = "tactics:\n" + "".join(
        f"  tactic-{n}: {{type: personalised_email, template: letter-{n}, channel: email, uses: [service]}}\n"
        if n != 2
        else "  tactic-2:\n    {type: incentive, offer: {discount: 10%, expires_after: 14d}, channel: email,\n"
        "     costs: {per_redemption: orders.discount}}\n"
        for n in range(30)
    )
    files = {"project": PROJECT, "sources/shop": SOURCES, "metrics/shop": metrics, "tactics/shop": tactics}
    for name, text in {**files, "templates/shop": TEMPLATES}.items():
        path = root / "configs" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for number in range(experiments):
        folder = root / "experiments" / f"experiment-{number:04d}"
        folder.mkdir(parents=True)
        text = FORMS[number % len(FORMS)].replace("NUMBER", str(number))
        (folder / "experiment.yaml").write_text(text, encoding="utf-8")


def _times(action: Callable[[], object], runs: int = 5) -> list[float]:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return times


def _load_all(files: list[Path]) -> None:
    for path in files:
        yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)


def run(root: Path, experiments: int) -> None:
    """Print what one validation of the project takes."""
    write_project(root, experiments)
    start = time.perf_counter()
    findings = validate(root)
    first = time.perf_counter() - start
    own = _times(lambda: validate(root))
    plain = _times(lambda: _load_all(sorted(root.rglob("*.yaml"))))
    errors = sum(finding.severity == "error" for finding in findings)
    print(f"{experiments} experiments, {errors} errors, {len(findings) - errors} warnings")
    for finding in findings[:3]:
        print(f"  {finding}")
    print(f"validate, first time: {first:.2f} s")
    print(f"validate:             fastest {min(own):.2f} s, median {statistics.median(own):.2f} s")
    print(f"yaml.load (C loader): fastest {min(plain):.2f} s, median {statistics.median(plain):.2f} s")
    print(f"ratio of the fastest: {min(own) / min(plain):.1f}")


def main() -> None:
    """Read the options, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--experiments", type=int, default=500)
    parser.add_argument("--keep", type=Path, help="write the project here and leave it")
    options = parser.parse_args()
    if options.keep:
        run(options.keep, options.experiments)
        return
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), options.experiments)


if __name__ == "__main__":
    main()
