"""GrowthBook's statistics (gbstats), from sums that SQL written by hand delivers."""

import job
import queries
from gbstats.frequentist.tests import FrequentistConfig, TwoSidedTTest
from gbstats.models.statistics import (
    ProportionStatistic,
    RatioStatistic,
    RegressionAdjustedStatistic,
    SampleMeanStatistic,
    compute_theta,
)

options = job.arguments(__doc__)

Sums = dict[str, float]


def mean(sums: Sums, name: str) -> SampleMeanStatistic:
    return SampleMeanStatistic(n=int(sums["n"]), sum=sums[f"s_{name}"], sum_squares=sums[f"q_{name}"])


def adjusted(sums: Sums, name: str, theta: float) -> RegressionAdjustedStatistic:
    """A number with the covariate taken off."""
    return RegressionAdjustedStatistic(
        n=int(sums["n"]), post_statistic=mean(sums, name), pre_statistic=mean(sums, job.COVARIATE),
        post_pre_sum_of_products=sums[f"c_{name}_before"], theta=theta,
    )  # fmt: skip


def ratio(sums: Sums) -> RatioStatistic:
    return RatioStatistic(
        n=int(sums["n"]), m_statistic=mean(sums, "revenue"), d_statistic=mean(sums, "orders"),
        m_d_sum_of_products=sums["c_revenue_orders"],
    )  # fmt: skip


con = queries.connect(options)
found = queries.named(con.execute(queries.per_customer(options) + queries.MOMENTS).fetchall())
config = FrequentistConfig(difference_type="absolute")
control = dict(found["control"])
for variant in list(job.VARIANTS)[1:]:
    treated, pairs = dict(found[variant]), []
    for name in job.SHARES:
        pairs.append([ProportionStatistic(n=int(part["n"]), sum=part[f"s_{name}"]) for part in (control, treated)])
    for name in job.NUMBERS:
        theta = compute_theta(*(adjusted(part, name, 0) for part in (control, treated)))
        pairs.append([adjusted(part, name, theta) for part in (control, treated)])
    pairs.append([ratio(part) for part in (control, treated)])
    for one, other in pairs:
        TwoSidedTTest(one, other, config).compute_result()
job.say(found)
