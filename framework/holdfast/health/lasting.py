"""Whether the effect lasts: a note beside the verdict, never a reason against the data."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import Plan
from holdfast.model.reading import Moments, Reading
from holdfast.model.result import Check
from holdfast.stats import Arm, Interval, difference, mean_arm

NOTE = 0.01
"""Below this p-value the report says that the effect changes."""


def novelty(plan: Plan, reading: Reading) -> Check | None:
    """Whether the primary's effect grows or fades over the parts of its window, in the same units: the mean slope of
    single units against control's, the smallest p over variants times their number.

    It is noted and never blocks: a tactic whose effect fades was measured rightly. None before the readout: it would
    tell of an effect.
    """
    if plan.interim:
        return None
    key, control = plan.primary.key, plan.study.experiment.control
    tests = {} if reading.clusters else dict(_slopes(plan, reading))
    firsts = sorted(first for metric, variant, first in reading.periods if (metric, variant) == (key, control))
    if not tests or len(firsts) < 2:
        return Check(id="novelty", status="not_applicable")
    worst = min(tests, key=lambda variant: tests[variant].p)
    p = min(1.0, tests[worst].p * len(tests))
    whole = _whole(plan, firsts)
    details: dict[str, str | float] = {
        "variant": worst,
        "metric": key,
        "slope": tests[worst].estimate,
        "slope_se": tests[worst].se,
        "parts": float(len(whole)),
        "days": float(firsts[1] - firsts[0]),
    }
    for name, first in (("first", whole[0]), ("last", whole[-1])):
        treated, base = (reading.periods.get((key, variant, first)) for variant in (worst, control))
        if treated and base:
            details[name] = treated.mean[0] - base.mean[0]
    return Check(id="novelty", status="note" if p < NOTE else "ok", value=p, limit=NOTE, details=details)


def _slopes(plan: Plan, reading: Reading) -> Iterator[tuple[str, Interval]]:
    """Each treated variant's mean slope against control's."""
    base = _arm(reading.trends.get((plan.primary.key, plan.study.experiment.control)))
    for variant in plan.study.experiment.treatments:
        arm = _arm(reading.trends.get((plan.primary.key, variant)))
        if arm is None or base is None:
            continue
        test = difference(arm, base, confidence=plan.confidence)
        if not isinstance(test, NotEstimable):
            yield variant, test


def _arm(slopes: Moments | None) -> Arm | None:
    if slopes is None:
        return None
    arm = mean_arm(n=slopes.n, mean=slopes.mean[0], variance=slopes.covariance[0][0])
    return arm if isinstance(arm, Arm) else None


def _whole(plan: Plan, firsts: list[int]) -> list[int]:
    """The first days of the parts of full length."""
    window, width = plan.primary.window, firsts[1] - firsts[0]
    return [first for first in firsts if window is None or first + width <= window.end_day]
