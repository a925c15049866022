"""The floor's job in polars, streaming."""

import datetime as dt

import job
import polars as pl

options = job.arguments(__doc__)
DAY = dt.timedelta(days=1)
FIRST, LAST = (dt.datetime.combine(day, dt.time()) for day in (job.FIRST, job.LAST))
BACK, AHEAD, FOLLOWED = job.BACK * DAY, job.AHEAD * DAY, job.FOLLOWED * DAY


def facts(name: str, at: str, *columns: str) -> pl.LazyFrame:
    """The facts of one source within reach of anybody's windows, with the time since the customer's own start."""
    return (
        pl.scan_parquet(options.folder / f"{name}.parquet")
        .select(pl.col(options.key).alias("customer"), at, *columns)
        .filter((pl.col(at) >= FIRST - BACK) & (pl.col(at) < LAST + FOLLOWED))
        .join(start.select("customer", "t0"), on="customer")
        .with_columns(since=pl.col(at) - pl.col("t0"))
    )


start = (
    pl.scan_parquet(options.folder / "exposures.parquet")
    .filter(pl.col("experiment") == job.EXPERIMENT)
    .group_by(pl.col(options.key).alias("customer"))
    .agg(variant=pl.col("variant").min(), t0=pl.col("exposed_at").min())
)
since, amount = pl.col("since"), pl.col("amount")
orders = (
    facts("orders", "ordered_at", "amount")
    .filter((since >= -BACK) & (since < AHEAD))
    .group_by("customer")
    .agg(
        orders=(since >= dt.timedelta()).sum().cast(pl.Int64),
        revenue=pl.when(since >= dt.timedelta()).then(amount).otherwise(0.0).sum(),
        before=pl.when(since < dt.timedelta()).then(amount).otherwise(0.0).sum(),
    )
)
events = (
    facts("events", "happened_at", "kind")
    .filter((since >= dt.timedelta()) & (since < FOLLOWED))
    .group_by("customer")
    .agg(
        day_7=((since >= 7 * DAY) & (since < 8 * DAY)).any(),
        day_30=(since >= 30 * DAY).any(),
        stayed=((since >= 14 * DAY) & (since < 28 * DAY)).any(),
        sessions=((pl.col("kind") == "session") & (since < AHEAD)).sum().cast(pl.Int64),
    )
)
filled = {name: pl.col(name).fill_null(0) for name in ("orders", "revenue", "before", "sessions")}
flags = {name: pl.col(name).fill_null(value=False).cast(pl.Int64) for name in ("day_7", "day_30", "stayed")}
customers = (
    start.join(orders, on="customer", how="left")
    .join(events, on="customer", how="left")
    .select("variant", **filled, **flags)
    .with_columns(
        churned=1 - pl.col("stayed"),
        bought=(pl.col("orders") >= job.ORDERS_TO_COUNT).cast(pl.Int64),
        capped=pl.min_horizontal(pl.col("revenue"), pl.lit(options.cap)),
    )
)
sums = [pl.len().alias("n")]
for name in job.SUMS[1:]:
    kind, _, rest = name.partition("_")
    if kind == "s":
        value = pl.col(rest)
    elif kind == "q":
        value = pl.col(rest) ** 2
    elif name == "c_revenue_orders":
        value = pl.col("revenue") * pl.col("orders")
    else:
        value = pl.col(rest.removesuffix("_before")) * pl.col("before")
    sums.append(value.sum().alias(name))
rows = customers.group_by("variant").agg(sums).sort("variant").collect(engine="streaming").rows()
job.say(job.answer((row[0] for row in rows), (row[1:] for row in rows)))
