"""What an analyst does: group-by in pandas, tests of scipy, and statsmodels for shares and for the covariate."""

import job
import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.proportion import proportions_ztest

options = job.arguments(__doc__)


def read(name: str, *columns: str) -> pd.DataFrame:
    """The columns of one table, the customer's key as `customer`."""
    table = pd.read_parquet(options.folder / f"{name}.parquet", columns=[options.key, *columns])
    return table.rename(columns={options.key: "customer"})


def per_customer() -> pd.DataFrame:
    """One row a customer, from the facts."""
    day = pd.Timedelta(days=1)
    exposures = read("exposures", "experiment", "variant", "exposed_at")
    exposures = exposures[exposures["experiment"] == job.EXPERIMENT]
    start = exposures.groupby("customer").agg(variant=("variant", "min"), t0=("exposed_at", "min")).reset_index()

    orders = read("orders", "ordered_at", "amount").merge(start[["customer", "t0"]], on="customer")
    since = orders["ordered_at"] - orders["t0"]
    after = orders[(since >= 0 * day) & (since < job.AHEAD * day)].groupby("customer")["amount"]
    past = orders[(since >= -job.BACK * day) & (since < 0 * day)].groupby("customer")["amount"]

    events = read("events", "happened_at", "kind").merge(start[["customer", "t0"]], on="customer")
    since = events["happened_at"] - events["t0"]
    sessions = events[(events["kind"] == "session") & (since >= 0 * day) & (since < job.AHEAD * day)]

    def seen(first: int, end: int) -> "pd.Series[float]":
        inside = events.loc[(since >= first * day) & (since < end * day), "customer"]
        return start["customer"].isin(inside.unique()).astype("int64")

    def joined(found: "pd.Series[float]") -> "pd.Series[float]":
        return start["customer"].map(found).fillna(0)

    table = start[["variant"]].assign(
        day_7=seen(7, 8), day_30=seen(30, 31), churned=1 - seen(14, 28), orders=joined(after.count()),
        revenue=joined(after.sum()), sessions=joined(sessions.groupby("customer").size()), before=joined(past.sum()),
    )  # fmt: skip
    table["bought"] = (table["orders"] >= job.ORDERS_TO_COUNT).astype("int64")
    table["capped"] = table["revenue"].clip(upper=options.cap)
    return table


def tests(control: pd.DataFrame, treated: pd.DataFrame) -> None:
    """Every test that the report of an experiment would need."""
    for name in job.SHARES:
        proportions_ztest([treated[name].sum(), control[name].sum()], [len(treated), len(control)])
    both = pd.concat([control, treated])
    design = np.column_stack([np.ones(len(both)), both["variant"] == treated["variant"].iloc[0], both["before"]])
    for name in job.NUMBERS:
        stats.ttest_ind(treated[name], control[name], equal_var=False)
        sm.OLS(both[name].to_numpy(), design.astype(float)).fit(cov_type="HC1")
    for part in (control, treated):
        np.cov(part["revenue"], part["orders"])


def sums(part: pd.DataFrame) -> dict[str, float]:
    """The sums of one variant."""
    found: dict[str, float] = {"n": len(part)}
    for name in job.SUMS[1:]:
        kind, _, rest = name.partition("_")
        if kind == "s":
            found[name] = float(part[rest].sum())
        else:
            first, second = (rest, rest) if kind == "q" else ("revenue", "orders")
            if rest.endswith("_before"):
                first, second = rest.removesuffix("_before"), "before"
            found[name] = float(part[first].to_numpy(float) @ part[second].to_numpy(float))
    return found


table = pd.read_parquet(options.folder / "ready.parquet") if options.ready else per_customer()
parts = {str(variant): part for variant, part in table.groupby("variant")}
for variant in list(job.VARIANTS)[1:]:
    tests(parts["control"], parts[variant])
job.say({variant: sums(part) for variant, part in parts.items()})
