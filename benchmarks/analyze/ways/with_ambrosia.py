"""ambrosia, from a table with one row a customer in pandas."""

import job
import pandas as pd
from ambrosia.preprocessing import Cuped
from ambrosia.tester import Tester

options = job.arguments(__doc__)

columns = [*job.OUTCOMES, job.COVARIATE]
table = pd.read_parquet(options.folder / "ready.parquet", columns=["variant", *columns])
adjusted = []
for name in job.NUMBERS:
    adjusted.append(f"{name}_adjusted")
    table = Cuped(verbose=False).fit_transform(table, name, job.COVARIATE, transformed_name=adjusted[-1])
metrics = [*job.SHARES, *job.NUMBERS, *adjusted]
Tester(dataframe=table, column_groups="variant", metrics=metrics).run(method="theory")
# What it was given, as sums; it has no test for a ratio of two sums.
parts = dict(iter(table.groupby("variant")))
job.say(
    {
        str(variant): job.from_moments(
            len(part), part[columns].mean().to_dict(), part[[*job.NUMBERS, job.COVARIATE]].var().to_dict()
        )
        for variant, part in parts.items()
    }
)
