"""The effect on the primary metric in each week since assignment, or longer part of its window."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast import stats
from holdfast.estimate.arms import SMALL, kind
from holdfast.estimate.quantities import quantity
from holdfast.model.found import PeriodEffect
from holdfast.model.metric import Family
from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import Plan
from holdfast.model.reading import Moments, Reading


def period_effects(plan: Plan, reading: Reading) -> Iterator[PeriodEffect]:
    """Each variant beside control in each part; nothing where the primary is a ratio, or where clusters were drawn,
    whose sums are not read by part."""
    key, control = plan.primary.key, plan.study.experiment.control
    family = kind(plan.primary, reading)
    if reading.clusters or family not in {"mean", "proportion"}:
        return
    firsts = sorted(first for metric, variant, first in reading.periods if (metric, variant) == (key, control))
    window = plan.primary.window
    assert window is not None or not firsts
    ends = [*firsts[1:], window.end_day if window else 0]
    for variant in plan.study.experiment.treatments:
        for first, end in zip(firsts, ends, strict=False):
            treated, base = (reading.periods.get((key, each, first)) for each in (variant, control))
            if treated is None or base is None:
                continue
            yield PeriodEffect(
                metric=key,
                variant=variant,
                baseline=control,
                first_day=first,
                last_day=end - 1,
                n=treated.n,
                n_baseline=base.n,
                difference=quantity(_difference(treated, base, family, plan.confidence)),
            )


def _difference(treated: Moments, control: Moments, family: Family, confidence: float) -> stats.Interval | NotEstimable:
    """By the method of the metric's kind: few successes by Miettinen and Nurminen, else Welch."""
    if family == "proportion" and treated.n and control.n:
        counts = [(round(each.mean[0] * each.n), each.n) for each in (treated, control)]
        if any(min(x, n - x) < SMALL for x, n in counts):
            return stats.mn_difference(treated=counts[0], control=counts[1], confidence=confidence)
    arms = [stats.mean_arm(n=each.n, mean=each.mean[0], variance=each.covariance[0][0]) for each in (treated, control)]
    for arm in arms:
        if isinstance(arm, NotEstimable):
            return arm
    ours, theirs = (arm for arm in arms if isinstance(arm, stats.Arm))
    return stats.difference(ours, theirs, confidence=confidence)
