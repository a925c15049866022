"""Makes the tables of the benchmark as Parquet files: the same version of DuckDB makes the same data.

    python benchmarks/analyze/data.py FOLDER --customers 100000 --facts 1000000 [--seed 1]
    python benchmarks/analyze/data.py FOLDER --ready 1000000

Facts lie in the order of time and customers are scattered over them, as in a warehouse. Some customers do far more than
others, and amounts are log-normal with a level of each customer's own. Customers have a whole number and a text of 32
hexadecimal digits as keys. About 15 % of the customers are exposed again within three days. From the end of the
enrolment on, the variant short_form sells 3 % more an order.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import duckdb
from job import AHEAD, CAP_SHARE, DATA_FORM, EXPERIMENT, FACTS_DAYS, FACTS_FROM, FIRST, LAST

DAY = 86_400_000_000
"""Microseconds."""
SHUFFLED = 40
"""Facts reach the warehouse up to so many places late."""

# DuckDB's hash of two numbers is nearly the hash of one shifted by the other: hashed again, the draws are independent.
MACROS = """
CREATE MACRO draw(place, stream) AS (hash(hash(place, stream + {seed} * 1000)) >> 11)::DOUBLE / (1::BIGINT << 53);
CREATE MACRO normal(place, stream) AS
    sqrt(-2 * ln(1 - draw(place, stream))) * cos(2 * pi() * draw(place, stream + 1));
CREATE MACRO customer_of(place, stream) AS
    least(floor({customers} * pow(draw(place, stream), 1.6)), {customers} - 1)::BIGINT;
CREATE MACRO key_of(customer) AS md5('customer-' || customer);
CREATE MACRO experiment_of(customer) AS CASE
    WHEN draw(customer, 50) < 0.60 THEN '{experiment}' WHEN draw(customer, 50) < 0.85 THEN 'price-page' ELSE 'tour' END;
CREATE MACRO variant_of(customer) AS CASE
    WHEN draw(customer, 51) < 0.5 THEN 'control' WHEN experiment_of(customer) <> '{experiment}' THEN 'treated'
    WHEN draw(customer, 51) < 0.75 THEN 'short_form' ELSE 'one_page' END;
CREATE MACRO moment_of(place, facts, stream) AS
    TIMESTAMP '{facts_from}'
    + to_microseconds(({days} * {day} * (place + {shuffled} * draw(place, stream)) / facts)::BIGINT);
"""

TABLES = {
    "users": """
SELECT r.i AS customer_id, key_of(r.i) AS customer_key,
    DATE '{first}' - floor(700 * draw(r.i, 1))::INTEGER AS signed_up_on,
    ['US', 'DE', 'GB', 'FR', 'IN', 'BR', 'JP', 'MX'][1 + floor(8 * pow(draw(r.i, 2), 1.8))::INTEGER] AS country,
    CASE WHEN draw(r.i, 3) < 0.70 THEN 'free' WHEN draw(r.i, 3) < 0.93 THEN 'plus' ELSE 'family' END AS plan,
    CASE WHEN draw(r.i, 4) < 0.50 THEN 'ios' WHEN draw(r.i, 4) < 0.80 THEN 'android' ELSE 'web' END AS platform
FROM range({customers}) AS r(i)
""",
    "exposures": """
WITH seen AS (
    SELECT r.i, 0 AS again FROM range({customers}) AS r(i)
    UNION ALL SELECT r.i, 1 FROM range({customers}) AS r(i) WHERE draw(r.i, 60) < 0.15
)
SELECT i AS customer_id, key_of(i) AS customer_key, experiment_of(i) AS experiment, variant_of(i) AS variant,
    TIMESTAMP '{first}'
    + to_microseconds(floor({enrolled} * {day} * draw(i, 61) + again * 3 * {day} * draw(i, 62))::BIGINT) AS exposed_at
FROM seen ORDER BY exposed_at, i
""",
    "orders": """
SELECT i AS order_id, customer AS customer_id, key_of(customer) AS customer_key, ordered_at, round(
    exp(3.2 + 0.9 * normal(i, 12) + 0.6 * normal(customer, 20))
    * CASE WHEN ordered_at >= TIMESTAMP '{last}' AND experiment_of(customer) = '{experiment}'
           AND variant_of(customer) = 'short_form' THEN 1.03 ELSE 1 END, 2) AS amount
FROM (SELECT r.i, customer_of(r.i, 10) AS customer, moment_of(r.i, {orders}, 11) AS ordered_at
      FROM range({orders}) AS r(i))
""",
    "events": """
SELECT customer AS customer_id, key_of(customer) AS customer_key, happened_at,
    CASE WHEN draw(i, 32) < 0.4 THEN 'session' WHEN draw(i, 32) < 0.8 THEN 'view' ELSE 'click' END AS kind
FROM (SELECT r.i, customer_of(r.i, 30) AS customer, moment_of(r.i, {events}, 31) AS happened_at
      FROM range({events}) AS r(i))
""",
}

CAP = """
WITH start AS (
    SELECT customer_id, min(exposed_at) AS t0 FROM '{folder}/exposures.parquet' WHERE experiment = '{experiment}'
    GROUP BY customer_id
), spent AS (
    SELECT sum(round(amount * 100)::BIGINT) AS cents FROM '{folder}/orders.parquet' JOIN start USING (customer_id)
    WHERE ordered_at >= t0 AND ordered_at < t0 + INTERVAL {ahead} DAY GROUP BY customer_id
)
SELECT round(quantile_cont(cents, {share})) / 100 FROM spent WHERE cents > 0
"""

READY = """
WITH drawn AS (
    SELECT r.i, CASE WHEN draw(r.i, 71) < 0.5 THEN 'control' WHEN draw(r.i, 71) < 0.75 THEN 'short_form'
        ELSE 'one_page' END AS variant,
        floor(pow(draw(r.i, 72), 4) * 12)::BIGINT AS orders, floor(pow(draw(r.i, 73), 3) * 40)::BIGINT AS sessions,
        exp(3.4 + 0.6 * normal(r.i, 74)) AS level, draw(r.i, 76) AS active, draw(r.i, 77) AS back
    FROM range({customers}) AS r(i)
), spent AS (
    SELECT *, round(orders * level * (0.7 + 0.6 * draw(i, 78)), 2) AS revenue,
        round(floor(pow(draw(i, 79), 4) * 12) * level, 2) AS before
    FROM drawn
)
SELECT i AS customer_id, key_of(i) AS customer_key, variant, (active < 0.09)::BIGINT AS day_7,
    (active < 0.06)::BIGINT AS day_30, (back < 0.4)::BIGINT AS churned, (orders > 0)::BIGINT AS bought,
    orders, revenue, sessions, least(revenue, 400.0) AS capped, before
FROM spent ORDER BY i
"""


def make(folder: Path, customers: int, facts: int, seed: int) -> None:
    """All tables of one size."""
    known = {
        "customers": customers, "seed": seed, "experiment": EXPERIMENT, "facts_from": FACTS_FROM, "days": FACTS_DAYS,
        "day": DAY, "shuffled": SHUFFLED, "first": FIRST, "last": LAST, "enrolled": (LAST - FIRST).days,
        "orders": facts // 5, "events": facts - facts // 5, "folder": folder, "ahead": AHEAD, "share": CAP_SHARE,
    }  # fmt: skip
    con = _connection(folder, known)
    for name, statement in TABLES.items():
        _write(con, statement.format(**known), folder / f"{name}.parquet")
    (cap,) = con.execute(CAP.format(**known)).fetchone() or (None,)
    # Tiny data may hold no order at all within its window.
    _done(folder, customers=customers, facts=facts, seed=seed, cap=cap or 1.0)


def make_ready(folder: Path, customers: int, seed: int) -> None:
    """One table with one row a customer."""
    known = {"customers": customers, "seed": seed, "experiment": EXPERIMENT, "facts_from": FACTS_FROM, "days": 1,
             "day": DAY, "shuffled": 0}  # fmt: skip
    _write(_connection(folder, known), READY.format(**known), folder / "ready.parquet")
    _done(folder, customers=customers, facts=customers, seed=seed, cap=400.0)


def _connection(folder: Path, known: dict[str, object]) -> duckdb.DuckDBPyConnection:
    folder.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect()
    con.execute("SET memory_limit = '8GiB'; SET enable_progress_bar = false")
    con.execute(f"SET temp_directory = '{folder / 'spill'}'")
    con.execute(MACROS.format(**known))
    return con


def _write(con: duckdb.DuckDBPyConnection, statement: str, path: Path) -> None:
    start = time.perf_counter()
    con.execute(f"COPY ({statement}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    (rows,) = con.execute(f"SELECT count(*) FROM '{path}'").fetchone() or (0,)
    print(f"{path.name}: {rows:,} rows, {path.stat().st_size / 1e6:.0f} MB, {time.perf_counter() - start:.0f} s")


def _done(folder: Path, **about: object) -> None:
    """What the data are, written last: a folder without it is made again."""
    (folder / "about.json").write_text(json.dumps({**about, "form": DATA_FORM, "duckdb": duckdb.__version__}) + "\n")


def main() -> None:
    """Read the options, and make the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--facts", type=int, default=1_000_000)
    parser.add_argument("--ready", type=int, help="make the table with one row a customer, so many rows")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    folder = options.folder.resolve()
    if options.ready:
        make_ready(folder, options.ready, options.seed)
    else:
        make(folder, options.customers, options.facts, options.seed)


if __name__ == "__main__":
    main()
