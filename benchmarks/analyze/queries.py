"""The job in SQL written by hand for DuckDB, and the connection that it runs on."""

from __future__ import annotations

from typing import Any

from job import (
    AHEAD,
    BACK,
    EXPERIMENT,
    FIRST,
    FOLLOWED,
    LAST,
    NUMBERS,
    ORDERS_TO_COUNT,
    OUTCOMES,
    VARIANTS,
    Answer,
    answer,
)

DAY = 86_400_000_000
"""Microseconds: days since a customer's own start are whole numbers of them."""
BEFORE = f"TIMESTAMP '{FIRST}' - INTERVAL {BACK} DAY"
ORDERED = f"TIMESTAMP '{LAST}' + INTERVAL {AHEAD} DAY"
WATCHED = f"TIMESTAMP '{LAST}' + INTERVAL {FOLLOWED} DAY"
NUMBERED = " ".join(f"WHEN '{variant}' THEN {place}" for place, variant in enumerate(VARIANTS))

START = f"""
    SELECT customer, min(CASE variant {NUMBERED} END)::UTINYINT AS variant, epoch_us(min(exposed_at)) AS t0
    FROM exposures WHERE experiment = '{EXPERIMENT}' GROUP BY customer
"""
"""The first exposure of every customer."""

BY_CUSTOMER = f"""
start AS MATERIALIZED ({START}),
bought AS (
    SELECT customer, count(*) FILTER (since >= 0) AS orders,
        coalesce(sum(amount) FILTER (since >= 0), 0) AS revenue, coalesce(sum(amount) FILTER (since < 0), 0) AS before
    FROM (SELECT customer, amount, epoch_us(ordered_at) - t0 AS since FROM orders JOIN start USING (customer)
          WHERE ordered_at >= {BEFORE} AND ordered_at < {ORDERED})
    WHERE since >= -{BACK} * {DAY} AND since < {AHEAD} * {DAY} GROUP BY customer
), active AS (
    -- One bit for each span of days that a share asks about.
    SELECT customer, bit_or(CASE
            WHEN since >= 30 * {DAY} THEN 2
            WHEN since >= 14 * {DAY} AND since < 28 * {DAY} THEN 4
            WHEN since >= 7 * {DAY} AND since < 8 * {DAY} THEN 1 ELSE 0 END::UTINYINT) AS days,
        count(*) FILTER (session AND since < {AHEAD} * {DAY}) AS sessions
    FROM (SELECT customer, kind = 'session' AS session, epoch_us(happened_at) - t0 AS since
          FROM events JOIN start USING (customer)
          WHERE happened_at >= TIMESTAMP '{FIRST}' AND happened_at < {WATCHED})
    WHERE since >= 0 AND since < {FOLLOWED} * {DAY} GROUP BY customer
), per_customer AS (
    SELECT variant, (coalesce(days, 0) & 1)::INTEGER AS day_7, ((coalesce(days, 0) >> 1) & 1)::INTEGER AS day_30,
        1 - ((coalesce(days, 0) >> 2) & 1)::INTEGER AS churned,
        (coalesce(orders, 0) >= {ORDERS_TO_COUNT})::INTEGER AS bought, coalesce(orders, 0) AS orders,
        coalesce(revenue, 0) AS revenue, coalesce(sessions, 0) AS sessions,
        least(coalesce(revenue, 0), {{cap}}) AS capped, coalesce(before, 0) AS before
    FROM start LEFT JOIN bought USING (customer) LEFT JOIN active USING (customer)
)
"""
"""Each source once, within bounds that the engine can use to skip what nobody needs; one row a customer."""

MOMENTS = f"""
SELECT variant, count(*),
    {", ".join(f"sum({name})" for name in (*OUTCOMES, "before"))},
    {", ".join(f"sum({name} * {name})" for name in (*NUMBERS, "before"))},
    sum(revenue * orders), {", ".join(f"sum({name} * before)" for name in OUTCOMES)}
FROM per_customer GROUP BY variant ORDER BY variant
"""

READ_ONLY = f"""
WITH e AS (SELECT count(*) AS n, sum(hash(customer) & 1) AS a, min(exposed_at) AS b, sum(length(variant)) AS c
           FROM exposures WHERE experiment = '{EXPERIMENT}'),
o AS (SELECT count(*) AS n, sum(hash(customer) & 1) AS a, sum(amount) AS b, sum(epoch_us(ordered_at) & 1) AS c
      FROM orders WHERE ordered_at >= {BEFORE} AND ordered_at < {ORDERED}),
v AS (SELECT count(*) AS n, sum(hash(customer) & 1) AS a, sum((kind = 'session')::INTEGER) AS b,
      sum(epoch_us(happened_at) & 1) AS c
      FROM events WHERE happened_at >= TIMESTAMP '{FIRST}' AND happened_at < {WATCHED})
SELECT * FROM e, o, v
"""
"""Every column that the job needs is decoded, and nothing is joined or grouped."""


def connect(options: Any) -> Any:
    """A connection with a view of each table, the customer's key as `customer`."""
    import duckdb

    con = duckdb.connect()
    con.execute(f"SET temp_directory = '{options.folder / 'spill'}'; SET preserve_insertion_order = false")
    con.execute("SET enable_progress_bar = false")
    if options.memory_limit:
        con.execute(f"SET memory_limit = '{options.memory_limit}'")
    names = ["ready"] if options.ready else ["exposures", "orders", "events"]
    for name in names:
        con.execute(
            f"CREATE TEMP VIEW {name} AS SELECT {options.key} AS customer, * FROM '{options.folder}/{name}.parquet'"
        )
    return con


def per_customer(options: Any) -> str:
    """A WITH clause that ends in `per_customer`, one row a customer."""
    if options.ready:
        return "WITH per_customer AS (SELECT * FROM ready)"
    return "WITH " + BY_CUSTOMER.format(cap=options.cap)


def named(rows: list[tuple[Any, ...]]) -> Answer:
    """The answer, from the rows of `MOMENTS`."""
    names = list(VARIANTS)
    return answer((names[row[0]] if isinstance(row[0], int) else row[0] for row in rows), (row[1:] for row in rows))


def spent(metrics: int) -> str:
    """So many metrics of the orders in one pass, in turn a count and a sum, each over days of its own."""
    wanted = [
        f"{'count(*)' if place % 2 == 0 else 'coalesce(sum(amount)'} FILTER (since < {days(place)} * {DAY})"
        f"{'' if place % 2 == 0 else ', 0)'} AS m{place}"
        for place in range(metrics)
    ]
    sums = [
        f"sum(coalesce(m{place}, 0)), sum(coalesce(m{place}, 0) * coalesce(m{place}, 0))" for place in range(metrics)
    ]
    return f"""
WITH start AS MATERIALIZED ({START}),
bought AS (
    SELECT customer, {", ".join(wanted)}
    FROM (SELECT customer, amount, epoch_us(ordered_at) - t0 AS since FROM orders JOIN start USING (customer)
          WHERE ordered_at >= TIMESTAMP '{FIRST}' AND ordered_at < {ORDERED})
    WHERE since >= 0 AND since < {AHEAD} * {DAY} GROUP BY customer
)
SELECT variant, count(*), {", ".join(sums)}
FROM start LEFT JOIN bought USING (customer) GROUP BY variant ORDER BY variant
"""


def days(place: int) -> int:
    """The length of the window of one of many metrics; the first two have the longest."""
    return AHEAD - place // 2
