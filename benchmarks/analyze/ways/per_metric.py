"""A query for each metric, as experiment platforms send them; first exposures and the covariate are stored once."""

import job
import queries

DAYS = queries.DAY
FACTS = {
    "orders": f"SELECT customer, amount, epoch_us(ordered_at) - t0 AS since FROM orders JOIN start USING (customer) "
    f"WHERE ordered_at >= {queries.BEFORE} AND ordered_at < {queries.ORDERED}",
    "events": f"SELECT customer, kind, epoch_us(happened_at) - t0 AS since FROM events JOIN start USING (customer) "
    f"WHERE happened_at >= TIMESTAMP '{job.FIRST}' AND happened_at < {queries.WATCHED}",
}
IN_WINDOW = f"since >= 0 AND since < {job.AHEAD} * {DAYS}"


def metrics(cap: float) -> dict[str, tuple[str, str, str, str]]:
    """Metric to its source, its aggregate, which facts count, and its value of a customer from the aggregate `x`."""
    return {
        "day_7": ("events", "1", f"since >= 7 * {DAYS} AND since < 8 * {DAYS}", "x"),
        "day_30": ("events", "1", f"since >= 30 * {DAYS} AND since < 31 * {DAYS}", "x"),
        "churned": ("events", "1", f"since >= 14 * {DAYS} AND since < 28 * {DAYS}", "1 - x"),
        "bought": ("orders", "count(*)", IN_WINDOW, f"(x >= {job.ORDERS_TO_COUNT})::INTEGER"),
        "orders": ("orders", "count(*)", IN_WINDOW, "x"),
        "revenue": ("orders", "sum(amount)", IN_WINDOW, "x"),
        "sessions": ("events", "count(*)", f"kind = 'session' AND {IN_WINDOW}", "x"),
        "capped": ("orders", "sum(amount)", IN_WINDOW, f"least(x, {cap})"),
    }


def query(source: str, aggregate: str, counts: str, value: str) -> str:
    """Units, sum, sum of squares and product with the covariate, per variant."""
    return f"""
WITH found AS (SELECT customer, {aggregate} AS x FROM ({FACTS[source]}) WHERE {counts} GROUP BY customer),
valued AS (SELECT variant, before, {value.replace("x", "coalesce(x, 0)")} AS y
           FROM start LEFT JOIN found USING (customer) LEFT JOIN past USING (customer))
SELECT variant, count(*), sum(y), sum(y * y), sum(y * coalesce(before, 0)), sum(coalesce(before, 0)),
    sum(coalesce(before, 0) * coalesce(before, 0))
FROM valued GROUP BY variant ORDER BY variant
"""


def ratio() -> str:
    """The product that average order value needs, over those of its parts."""
    return f"""
WITH found AS (SELECT customer, sum(amount) AS x, count(*) AS y FROM ({FACTS["orders"]}) WHERE {IN_WINDOW}
               GROUP BY customer)
SELECT variant, sum(coalesce(x, 0)), sum(coalesce(y, 0)), sum(coalesce(x, 0) * coalesce(x, 0)),
    sum(coalesce(y, 0) * coalesce(y, 0)), sum(coalesce(x, 0) * coalesce(y, 0))
FROM start LEFT JOIN found USING (customer) GROUP BY variant ORDER BY variant
"""


options = job.arguments(__doc__)
con = queries.connect(options)
con.execute(f"CREATE TEMP TABLE start AS {queries.START}")
con.execute(f"CREATE TEMP TABLE past AS SELECT customer, sum(amount) AS before FROM ({FACTS['orders']}) "
            f"WHERE since >= -{job.BACK} * {DAYS} AND since < 0 GROUP BY customer")  # fmt: skip
sums: dict[str, dict[str, float]] = {variant: {} for variant in job.VARIANTS}
for name, parts in metrics(options.cap).items():
    for variant, row in zip(job.VARIANTS, con.execute(query(*parts)).fetchall(), strict=True):
        found = sums[variant]
        found["n"], found[f"s_{name}"], found[f"q_{name}"], found[f"c_{name}_before"] = row[1:5]
        found["s_before"], found["q_before"] = row[5:]
for variant, row in zip(job.VARIANTS, con.execute(ratio()).fetchall(), strict=True):
    sums[variant]["c_revenue_orders"] = row[5]
job.say({variant: {name: found[name] for name in job.SUMS} for variant, found in sums.items()})
