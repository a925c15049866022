"""The job that every way does, and the form of its answer: sums per variant, which can be compared number by number.

One experiment with three variants covers 60 % of the customers; the first exposure of each counts. Ten numbers are
wanted of each variant, with all that tests and a covariate need: first and second moments and products.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

EXPERIMENT = "checkout-steps"
VARIANTS = {"control": 2, "short_form": 1, "one_page": 1}
"""Variant to weight, control first."""

FACTS_FROM, FACTS_DAYS = dt.date(2025, 1, 25), 85
FACTS_TO = FACTS_FROM + dt.timedelta(days=FACTS_DAYS)
FIRST, LAST = dt.date(2025, 3, 1), dt.date(2025, 3, 15)
"""First exposures lie from the one (included) to the other (excluded): known before any query is written."""
BACK, AHEAD, FOLLOWED = 28, 28, 31
"""Days of the pre-period; days of orders and sessions that count; days until the last window has closed."""
CAP_SHARE = 0.999
"""Capped revenue is capped at this percentile of the positive sums. The cap is known to every way beforehand, which
spares them a sort; Holdfast has to find it."""
ORDERS_TO_COUNT = 1
"""How many orders make a customer one who bought: a conversion of Holdfast counts one or more."""

SHARES = ("day_7", "day_30", "churned", "bought")
NUMBERS = ("orders", "revenue", "sessions", "capped")
OUTCOMES = (*SHARES, *NUMBERS)
COVARIATE = "before"
"""Revenue in the pre-period."""

SUMS = (
    "n",
    *(f"s_{name}" for name in (*OUTCOMES, COVARIATE)),
    *(f"q_{name}" for name in (*NUMBERS, COVARIATE)),
    "c_revenue_orders",
    *(f"c_{name}_{COVARIATE}" for name in OUTCOMES),
)
"""n units, s sums, q sums of squares, c sums of products. Average order value is the revenue's over the orders'."""

SIZES = {"S": (100_000, 1_000_000), "M": (1_000_000, 10_000_000), "L": (10_000_000, 100_000_000)}
"""Customers and facts."""
DATA_FORM = 1
"""Raised when the data change: data of another form are made again."""
KEYS = {"integer": "customer_id", "text": "customer_key"}

Answer = Mapping[str, Mapping[str, float]]
"""Variant to the name of a sum to its value."""


def answer(variants: Iterable[object], rows: Iterable[Sequence[float]]) -> Answer:
    """The sums of each variant, from rows in the order of `SUMS`."""
    return {str(variant): dict(zip(SUMS, row, strict=True)) for variant, row in zip(variants, rows, strict=True)}


def from_moments(n: int, means: Mapping[str, float], variances: Mapping[str, float]) -> dict[str, float]:
    """The sums of one variant, from means and variances (n - 1) by name."""
    sums: dict[str, float] = {"n": n}
    for name, mean in means.items():
        sums[f"s_{name}"] = mean * n
    for name, variance in variances.items():
        sums[f"q_{name}"] = variance * (n - 1) + n * means[name] ** 2
    return {name: sums[name] for name in SUMS if name in sums}


def say(found: Answer) -> None:
    """Print the answer, and its digest to compare by eye."""
    print(json.dumps({"digest": digest(found, list(next(iter(found.values())))), "answer": found}))


def digest(found: Answer, names: Sequence[str]) -> str:
    """Eight digits for the sums of all variants, each rounded to eight significant digits.

    Sums of money are round numbers: without a factor that is none, one digit of noise could tip a tie.
    """
    texts = (f"{found[variant][name] * math.pi:.7e}" for variant in sorted(found) for name in names)
    return hashlib.sha256(" ".join(texts).encode()).hexdigest()[:8]


def arguments(about: str | None) -> Any:
    """The options that the ways share."""
    parser = argparse.ArgumentParser(description=(about or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="the folder of the data")
    parser.add_argument("--key", choices=list(KEYS.values()), default="customer_id", help="the column of the customer")
    parser.add_argument("--memory-limit", help="of the engine, such as 2GiB")
    parser.add_argument("--ready", action="store_true", help="from the table with one row a customer")
    parser.add_argument("--metrics", type=int, help="that many metrics of the orders in place of the ten")
    parser.add_argument("--frame", help="the library that holds the table")
    options = parser.parse_args()
    options.cap = json.loads((options.folder / "about.json").read_text())["cap"]
    return options
