"""Spotify Confidence, from a table with one row a customer that pandas has summed up."""

import job
import pandas as pd
from spotify_confidence import ZTest, ZTestLinreg

options = job.arguments(__doc__)

columns = [*job.OUTCOMES, job.COVARIATE]
table = pd.read_parquet(options.folder / "ready.parquet", columns=["variant", *columns])
products = {f"q_{name}": table[name] * table[name] for name in columns}
products |= {f"c_{name}_before": table[name] * table[job.COVARIATE] for name in job.OUTCOMES}
products["c_revenue_orders"] = table["revenue"] * table["orders"]
wide = table.rename(columns={name: f"s_{name}" for name in columns}).assign(n=1, **products)
sums = wide.groupby("variant", as_index=False).sum()

for name in job.SHARES:
    ZTest(sums, f"s_{name}", None, "n", "variant").multiple_difference("control", level_as_reference=True)
for name in job.NUMBERS:
    ZTestLinreg(
        sums, f"s_{name}", f"q_{name}", "n", "s_before", "q_before", f"c_{name}_before", "variant"
    ).multiple_difference("control", level_as_reference=True)
# It has no test for a ratio of two sums: average order value is left at its sums.
job.say(job.answer(sums["variant"], sums[list(job.SUMS)].itertuples(index=False, name=None)))
