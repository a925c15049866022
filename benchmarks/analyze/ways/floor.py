"""The floor: SQL written by hand for this one job, each source read once."""

import job
import queries

options = job.arguments(__doc__)
con = queries.connect(options)
if options.metrics:
    names = ["n", *(f"{kind}_m{place}" for place in range(options.metrics) for kind in "sq")]
    rows = con.execute(queries.spent(options.metrics)).fetchall()
    job.say({variant: dict(zip(names, row[1:], strict=True)) for variant, row in zip(job.VARIANTS, rows, strict=True)})
else:
    job.say(queries.named(con.execute(queries.per_customer(options) + queries.MOMENTS).fetchall()))
