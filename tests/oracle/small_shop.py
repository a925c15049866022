"""A small shop with random customers, and the plain way to work out a number per customer from its tables.

Customers were assigned by another system at random minutes of forty days; they order before and after, some orders
carry a discount, treated ones get messages, and half have a subscription that may end for one of several reasons.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

import holdfast
from holdfast.model.found import Quantity
from holdfast.model.result import Analysis, Estimate

FIRST = pd.Timestamp("2026-01-01")
AS_OF = "2026-05-01"
WINDOW, LOOKBACK = 30, 20
PROJECT = """\
schema_version: 1
project: small-shop
timezone: UTC
currency: USD
units: {customer: {source: customers}}
channels: {email: {consent: agreed, sent: messages.sent, cost_per_send: 0.1 USD}}
privacy: {minimum_cell: 20}
"""
SOURCES = """\
sources:
  customers:
    grain: unit
    path: u.parquet
    keys: {customer: id}
    properties: [country, plan, size, home, agreed]
  orders:
    grain: event
    path: o.parquet
    keys: {customer: id}
    timestamp: moment
    facts:
      order: null
      revenue: {column: amount, scale: 2}
      discount: {column: discount, scale: 2}
      margin: {column: margin, scale: 2, already_net_of: [discount]}
  messages: {grain: event, path: m.parquet, keys: {customer: id}, timestamp: moment, facts: {sent: null}}
  subscriptions:
    grain: span
    path: s.parquet
    keys: {customer: id}
    start: begun
    end: ended
    reason: {column: reason}
"""
METRICS = f"""\
metrics:
  bought: {{operation: conversion, fact: orders.order, window: {WINDOW}d, desired_change: increase}}
  orders: {{operation: count, fact: orders.order, window: {WINDOW}d, desired_change: increase}}
  revenue:
    operation: sum
    fact: orders.revenue
    window: {WINDOW}d
    unit_of_measure: USD
    desired_change: increase
  margin:
    operation: sum
    fact: orders.margin
    window: {WINDOW}d
    unit_of_measure: USD
    desired_change: increase
  order_value:
    operation: ratio
    numerator: {{operation: sum, fact: orders.revenue}}
    denominator: {{operation: count, fact: orders.order}}
    window: {WINDOW}d
    desired_change: increase
  stayed:
    operation: survival
    ended: subscriptions
    window: {WINDOW}d
    causes: {{price: [too_dear], billing: [card_failed]}}
    desired_change: increase
  stayed_at:
    operation: survival
    ended: subscriptions
    estimand: survival_at
    window: {WINDOW}d
    desired_change: increase
  hazard:
    operation: survival
    ended: subscriptions
    estimand: hazard_ratio
    window: {WINDOW}d
    desired_change: decrease
  first_order:
    operation: survival
    fact: orders.order
    window: {WINDOW}d
    desired_change: decrease
  median_revenue:
    operation: quantile
    of: {{operation: sum, fact: orders.revenue}}
    q: 50%
    window: {WINDOW}d
    unit_of_measure: USD
    desired_change: increase
  upper_order:
    operation: quantile
    of: {{operation: sum, fact: orders.revenue}}
    q: 90%
    among: positive
    window: {WINDOW}d
    desired_change: increase
  steps:
    operation: funnel
    steps:
      - {{name: sent, fact: messages.sent}}
      - {{name: ordered, fact: orders.order}}
    window: {WINDOW}d
    desired_change: none
"""
TACTICS = """\
tactics:
  a-letter: {type: custom, title: A letter, label: letter}
  a-voucher:
    type: incentive
    title: A voucher
    offer: {discount: 5 USD, expires_after: 14d}
    channel: email
    costs: {per_redemption: orders.discount, per_send: 0.25 USD, once: 100 USD}
"""
HEAD = """\
owner: a@example.com
hypothesis: A letter brings customers back.
assignment: {method: external, source: customers, variant: variant, assigned_at: t0}
observed: {from: 2026-01-01, to: 2026-05-01}
"""
TWO = """\
variants:
  control: {weight: 1, control: true, tactic: nothing}
  letter: {weight: 1, tactic: a-letter}
"""


def whole_days(time: pd.Series) -> pd.Series:
    """Full steps of 24 hours; missing where the time is."""
    days: pd.Series = (time.dt.total_seconds() / 86_400.0).apply(np.floor)
    return days


@dataclass(frozen=True)
class Shop:
    """The tables, one data frame each."""

    units: pd.DataFrame
    orders: pd.DataFrame
    messages: pd.DataFrame
    periods: pd.DataFrame

    def within(self, frame: pd.DataFrame, first: int, end: int) -> pd.DataFrame:
        """Facts on the days [first, end) of 24 hours since assignment, each beside its unit."""
        joined = frame.merge(self.units, on="id")
        days = whole_days(joined["moment"] - joined["t0"])
        return joined[(days >= first) & (days < end)]

    def total(self, column: str, first: int = 0, end: int = WINDOW) -> pd.Series:
        """The sum of a column of the orders for each customer, 0 where there is none; `order` counts them."""
        found = self.within(self.orders, first, end).groupby("id")
        sums = found.size() if column == "order" else found[column].sum()
        return sums.reindex(self.units["id"]).fillna(0.0).astype(float)

    def of(self, values: pd.Series, variant: str) -> np.ndarray:
        """The values of one variant's customers."""
        return values[(self.units["variant"] == variant).to_numpy()].to_numpy(float)


def shop(
    seed: int, n: int = 1200, *, variants: tuple[str, ...] = ("control", "letter"), days: int = 40, effect: float = 0.25
) -> Shop:
    """Random customers and what they did."""
    rng = np.random.default_rng(seed)
    ids = np.array([f"c{number}" for number in range(n)])
    variant = rng.choice(np.array(variants), size=n)
    t0 = FIRST + pd.to_timedelta(rng.integers(0, days * 24 * 60, n), unit="min")
    country = rng.choice(np.array(["JP", "US", "DE", "FR"]), size=n, p=[0.4, 0.3, 0.2, 0.1])
    size = rng.integers(1, 9, n)
    units = pd.DataFrame(
        {
            "id": ids,
            "variant": variant,
            "t0": t0,
            "country": pd.Series(country, dtype=object).mask(rng.random(n) < 0.1),
            "plan": np.where(rng.random(n) < 0.5, "basic", "plus"),
            "size": np.where(rng.random(n) < 0.05, np.nan, size),
            "agreed": True,
            "home": [f"h{number}" for number in rng.integers(0, n // 3, n)],
        }
    )
    treated = variant != "control"
    rate = size / 6.0
    before = rng.poisson(rate)
    after = rng.poisson(rate * (1.0 + effect * treated))
    owner = np.concatenate([np.repeat(np.arange(n), before), np.repeat(np.arange(n), after)])
    past = np.concatenate([-rng.integers(1, 60 * 24 * 30, before.sum()), rng.integers(0, 60 * 24 * 45, after.sum())])
    amount = np.round(rng.lognormal(3.0, 0.8, len(owner)), 2)
    returned = rng.random(len(owner)) < 0.05
    amount = np.where(returned, -amount / 4, amount).round(2)
    discount = np.where((past >= 0) & (past < 14 * 1440) & treated[owner] & (rng.random(len(owner)) < 0.6), 2.5, 0.0)
    orders = pd.DataFrame(
        {
            "id": ids[owner],
            "moment": t0[owner] + pd.to_timedelta(past, unit="min"),
            "amount": amount,
            "discount": discount,
            "margin": (amount * 0.4 - discount).round(2),
        }
    )
    mailed = np.flatnonzero(treated & (rng.random(n) < 0.9))
    messages = pd.DataFrame({"id": ids[mailed], "moment": t0[mailed] + pd.Timedelta(hours=2)})
    holders = np.flatnonzero(rng.random(n) < 0.6)
    begun = t0[holders] - pd.to_timedelta(rng.integers(1, 200, len(holders)), unit="D")
    life = rng.exponential(np.where(treated[holders], 60.0, 40.0))
    ended = (t0[holders] + pd.to_timedelta((life * 1440).astype(int) + 1, unit="min")).to_series(index=None)
    periods = pd.DataFrame({"id": ids[holders], "begun": begun, "ended": ended.to_numpy()})
    periods["reason"] = rng.choice(np.array(["too_dear", "card_failed", "moved"]), size=len(holders))
    periods.loc[rng.random(len(holders)) < 0.3, ["ended", "reason"]] = [pd.NaT, None]
    return Shop(units, orders, messages, periods)


def write(folder: Path, data: Shop, experiment: str, **files: str) -> Path:
    """The project on disk, with one experiment called trial; other files by the name of their folder in configs/."""
    texts = {"project": PROJECT, "sources": SOURCES, "metrics": METRICS, "tactics": TACTICS, **files}
    for name, text in texts.items():
        path = folder / "configs" / ("project.yaml" if name == "project" else f"{name}/all.yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    path = folder / "experiments" / "trial" / "experiment.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(experiment, encoding="utf-8")
    save(folder, data)
    return folder


def save(folder: Path, data: Shop) -> None:
    """The tables as Parquet files."""
    con = duckdb.connect()
    for name, frame in (("u", data.units), ("o", data.orders), ("m", data.messages), ("s", data.periods)):
        con.register("frame", frame)
        texts = [column for column in ("country", "plan", "reason") if column in frame.columns]
        casts = ", ".join(f"{column}::VARCHAR AS {column}" for column in texts)
        con.execute(
            f"COPY (SELECT * {f'REPLACE ({casts})' if casts else ''} FROM frame) TO '{folder / name}.parquet' "
            "(FORMAT parquet)"
        )


def trial(folder: Path) -> holdfast.ExperimentHandle:
    """The experiment of a project."""
    return holdfast.open_project(folder).experiment("trial")


def analyze(folder: Path, as_of: str | None = None) -> Analysis:
    """Its analysis."""
    return trial(folder).analyze(as_of).analysis


def row(
    found: Analysis, metric: str, variant: str = "letter", *, lift: bool = False, baseline: str = "control"
) -> Estimate:
    """One row of the scorecard."""
    rows = [
        each
        for each in found.estimates
        if (each.metric, each.variant, each.baseline) == (metric, variant, baseline)
        and each.estimand == ("lift" if lift else "difference")
    ]
    assert len(rows) == 1
    return rows[0]


def known(value: float | None) -> float:
    """A number that has to be there."""
    assert value is not None
    return value


def bounds(quantity: Quantity | None) -> tuple[float, float, float]:
    """Estimate, lower and upper bound of a quantity that has to be there."""
    assert quantity is not None
    return known(quantity.estimate), known(quantity.lower), known(quantity.upper)


def without(data: Shop, ids: pd.Series) -> Shop:
    """The shop where some customers never ordered."""
    return replace(data, orders=data.orders[~data.orders["id"].isin(ids)])
