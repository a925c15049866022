"""tea-tasting, from a table with one row a customer in Ibis (made by hand from the facts), polars or pandas."""

from typing import Any

import job
import queries
import tea_tasting as tt
from tea_tasting.aggr import Aggregates, read_aggregates

options = job.arguments(__doc__)
frame = options.frame or "ibis"

COLUMNS = (*job.OUTCOMES, job.COVARIATE)


def per_customer(backend: Any) -> Any:
    """One row a customer, as an expression."""
    import ibis

    def table(name: str) -> Any:
        return backend.read_parquet(options.folder / f"{name}.parquet").rename(customer=options.key)

    day, first, last = queries.DAY, ibis.timestamp(str(job.FIRST)), ibis.timestamp(str(job.LAST))
    exposures = table("exposures")
    start = (
        exposures.filter(exposures.experiment == job.EXPERIMENT)
        .group_by("customer")
        .agg(variant=ibis._.variant.min(), t0=ibis._.exposed_at.min())
    )

    def since(name: str, at: str, low: Any, high: Any) -> Any:
        facts = table(name)
        facts = facts.filter(facts[at] >= low, facts[at] < high).join(start.select("customer", "t0"), "customer")
        return facts.mutate(since=facts[at].delta(facts.t0, unit="microsecond"))

    bounds = first - ibis.interval(days=job.BACK), last + ibis.interval(days=job.AHEAD)
    orders = since("orders", "ordered_at", *bounds)
    orders = orders.filter(orders.since >= -job.BACK * day, orders.since < job.AHEAD * day)
    bought = orders.group_by("customer").agg(
        orders=(orders.since >= 0).sum(),
        revenue=orders.amount.sum(where=orders.since >= 0),
        before=orders.amount.sum(where=orders.since < 0),
    )
    events = since("events", "happened_at", first, last + ibis.interval(days=job.FOLLOWED))
    events = events.filter(events.since >= 0, events.since < job.FOLLOWED * day)
    active = events.group_by("customer").agg(
        day_7=((events.since >= 7 * day) & (events.since < 8 * day)).any(),
        day_30=(events.since >= 30 * day).any(),
        stayed=((events.since >= 14 * day) & (events.since < 28 * day)).any(),
        sessions=((events.kind == "session") & (events.since < job.AHEAD * day)).sum(),
    )
    both = start.left_join(bought, "customer").drop("customer_right").left_join(active, "customer")
    filled = {name: both[name].fill_null(0) for name in ("orders", "revenue", "sessions", "before")}
    flags = {name: both[name].fill_null(False).cast("int64") for name in ("day_7", "day_30", "stayed")}
    made = both.select("variant", **filled, **flags)
    return made.mutate(
        churned=1 - made.stayed,
        bought=(made.orders >= job.ORDERS_TO_COUNT).cast("int64"),
        capped=ibis.least(made.revenue, options.cap),
    )


def table() -> Any:
    """The table in the library that is asked for; read as that library's users would."""
    if frame == "polars":
        import polars as pl

        return pl.read_parquet(options.folder / "ready.parquet")
    if frame == "pandas":
        import pandas as pd

        return pd.read_parquet(options.folder / "ready.parquet")
    import ibis

    backend = ibis.duckdb.connect()
    return backend.read_parquet(options.folder / "ready.parquet") if options.ready else per_customer(backend)


def sums(found: Aggregates) -> dict[str, float]:
    """The sums of one variant, from means, variances and covariances."""
    n = found.count()
    sums = job.from_moments(n, found.mean_, {name: found.var_[name] for name in (*job.NUMBERS, job.COVARIATE)})
    products = {"c_revenue_orders": ("revenue", "orders")}
    products |= {f"c_{name}_before": (name, job.COVARIATE) for name in job.OUTCOMES}
    for name, (left, right) in products.items():
        sums[name] = found.cov(left, right) * (n - 1) + n * found.mean(left) * found.mean(right)
    return {name: sums[name] for name in job.SUMS}


experiment = tt.Experiment(
    {name: tt.Mean(name, job.COVARIATE) for name in job.OUTCOMES}
    | {"average_order_value": tt.RatioOfMeans("revenue", "orders")},
    variant="variant",
)
pairs = [(name, job.COVARIATE) for name in job.OUTCOMES] + [("revenue", "orders")]
# Read once, as `analyze` itself would: it takes the aggregates as well as the table.
found = read_aggregates(
    table(), "variant", has_count=True, mean_cols=COLUMNS, var_cols=COLUMNS, cov_cols=pairs,
)  # fmt: skip
results = experiment.analyze(found, control="control", all_variants=True)
assert len(results) >= len(job.VARIANTS) - 1
job.say({str(variant): sums(part) for variant, part in found.items()})
