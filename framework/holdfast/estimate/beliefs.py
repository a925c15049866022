"""What to believe of an effect, given a prior that the plan states: shown beside the estimate, never decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from holdfast import stats
from holdfast.estimate.comparison import Comparison
from holdfast.model.found import Belief
from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import Plan


def beliefs(plan: Plan, compared: Sequence[Comparison]) -> Iterator[Belief]:
    """The primary metric's relative change in the light of the prior; nothing where the plan states none."""
    settings = plan.study.experiment.analysis.bayesian
    if settings is None:
        return
    prior = stats.Prior(mean=float(settings.prior_mean), sd=float(settings.prior_sd))
    expect = plan.study.experiment.analysis.expect
    worthwhile = abs(expect.plain) if expect is not None and expect.is_relative else None
    for one in compared:
        if one.planned.role != "primary":
            continue
        lift = one.effect(plan.confidence, relative=True)
        if isinstance(lift, NotEstimable):
            continue
        found = stats.normal_posterior(
            stats.Effect(lift.estimate, lift.se, lift.df),
            prior,
            confidence=plan.confidence,
            worthwhile=worthwhile or 0.0,
            increase_is_good=one.planned.direction != "decrease",
        )
        if isinstance(found, NotEstimable):
            continue
        yield Belief(
            metric=one.planned.key,
            variant=one.variant,
            baseline=one.baseline,
            prior_mean=prior.mean,
            prior_sd=prior.sd,
            estimate=found.mean,
            lower=found.lower,
            upper=found.upper,
            better=found.p_better,
            worthwhile=found.p_worthwhile if worthwhile is not None else None,
            expected_loss=found.loss_ship,
        )
