"""Two variants compared on one metric: difference, relative change and margin, each by the method of its kind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from holdfast import stats
from holdfast.estimate.arms import Measure, is_small, successes
from holdfast.model.metric import Survival
from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import PlannedMetric

Effect = stats.Interval | NotEstimable


@dataclass(frozen=True, slots=True)
class Spent:
    """The looks so far, of which the last is this one."""

    looks: tuple[stats.Look, ...]
    spending: Literal["obrien_fleming", "pocock"]


@dataclass(frozen=True, slots=True)
class Anytime:
    """Intervals that may be read on any day."""

    planned: int
    """Units of both variants at which the decision is expected."""


Rule = Spent | Anytime | None
"""How an error is kept over several looks; None where there is one."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of a variant beside its baseline."""

    measure: Measure
    variant: str
    baseline: str

    @property
    def planned(self) -> PlannedMetric:
        return self.measure.planned

    @property
    def n(self) -> tuple[int, int]:
        """Units of the variant and of the baseline that count."""
        return self.measure.n(self.variant), self.measure.n(self.baseline)

    @property
    def arms(self) -> tuple[stats.Arm, stats.Arm] | NotEstimable:
        """Both variants' estimates, or why one of them is missing."""
        return _both(self.measure.arms[self.variant], self.measure.arms[self.baseline])

    @property
    def covariance(self) -> float:
        return self.measure.covariance(self.variant, self.baseline)

    @property
    def adjusted(self) -> bool:
        return self.measure.plain is not None

    def effect(self, confidence: float, *, relative: bool, rule: Rule = None) -> Effect:
        """The difference or the relative change, with its interval and test."""
        arms = self.arms
        if isinstance(arms, NotEstimable):
            return arms
        if rule is not None:
            return self._sequential(arms, confidence, relative=relative, rule=rule)
        metric = self.planned.metric
        if isinstance(metric, Survival) and metric.estimand != "rmst":
            return self._of_curves(metric, confidence, relative=relative)
        if self._small:
            treated, control = (successes(self.measure.cells[key]) for key in (self.variant, self.baseline))
            method = stats.koopman_lift if relative else stats.mn_difference
            return method(treated=treated, control=control, confidence=confidence)
        method_of_arms = stats.fieller_lift if relative else stats.difference
        return method_of_arms(*arms, confidence=confidence, covariance=self.covariance)

    def unadjusted(self, confidence: float, *, relative: bool) -> Effect | None:
        """The same without the adjustment; None where there is none."""
        plain = self.measure.plain
        if plain is None:
            return None
        arms = _both(plain[self.variant], plain[self.baseline])
        if isinstance(arms, NotEstimable):
            return arms
        return (stats.fieller_lift if relative else stats.difference)(*arms, confidence=confidence)

    def judged(
        self, margin: float, *, relative: bool, confidence: float, rule: Rule = None
    ) -> stats.OneSided | NotEstimable:
        """Whether harm beyond a margin is ruled out, or shown."""
        arms = self.arms
        if isinstance(arms, NotEstimable):
            return arms
        good = self.planned.direction == "increase"
        if isinstance(rule, Spent):
            return stats.sequential_non_inferiority(
                *arms,
                margin=margin,
                relative=relative,
                increase_is_good=good,
                looks=rule.looks,
                confidence=confidence,
                spending=rule.spending,
                covariance=self.covariance,
            )
        if self._small and rule is None:
            return stats.mn_non_inferiority(
                treated=successes(self.measure.cells[self.variant]),
                control=successes(self.measure.cells[self.baseline]),
                margin=margin,
                relative=relative,
                increase_is_good=good,
                confidence=confidence,
            )
        return stats.non_inferiority(
            *arms,
            margin=margin,
            relative=relative,
            increase_is_good=good,
            confidence=confidence,
            covariance=self.covariance,
        )

    @property
    def _small(self) -> bool:
        """Whether counts are too small for the normal approximation of a proportion."""
        cells = self.measure.cells
        if self.measure.family != "proportion" or cells[self.variant].clusters is not None:
            return False
        return any(is_small(cells[key]) for key in (self.variant, self.baseline))

    def _sequential(
        self, arms: tuple[stats.Arm, stats.Arm], confidence: float, *, relative: bool, rule: Rule
    ) -> Effect:
        if isinstance(rule, Spent):
            return stats.sequential_effect(
                *arms,
                looks=rule.looks,
                confidence=confidence,
                spending=rule.spending,
                relative=relative,
                covariance=self.covariance,
            )
        assert isinstance(rule, Anytime)
        early = stats.burn_in(*arms)
        if early is not None:
            return NotEstimable("too_few_looks", early.detail)
        mixing = stats.mixing(planned=rule.planned, alpha=1 - confidence)
        return stats.always_valid(
            *arms, mixing=mixing, confidence=confidence, relative=relative, covariance=self.covariance
        )

    def _of_curves(self, metric: Survival, confidence: float, *, relative: bool) -> Effect:
        treated, control = (self.measure.curves[key] for key in (self.variant, self.baseline))
        assert self.planned.window is not None
        if metric.estimand == "hazard_ratio":
            return _hazard(stats.hazard_ratio(treated, control, confidence=confidence), relative=relative)
        method = stats.survival_lift if relative else stats.survival_difference
        return method(treated, control, day=self.planned.window.end_day, confidence=confidence)


def _hazard(ratio: Effect, *, relative: bool) -> Effect:
    """A hazard ratio as a relative change of the hazard, or as a difference of its logarithms: both with 0 for none."""
    if isinstance(ratio, NotEstimable):
        return ratio
    if relative:
        return replace(ratio, estimate=ratio.estimate - 1, lower=ratio.lower - 1, upper=ratio.upper - 1)
    logs = [math.log(number) for number in (ratio.estimate, ratio.lower, ratio.upper)]
    return replace(ratio, estimate=logs[0], se=ratio.se / ratio.estimate, lower=logs[1], upper=logs[2])


def _both(
    treated: stats.Arm | NotEstimable, control: stats.Arm | NotEstimable
) -> tuple[stats.Arm, stats.Arm] | NotEstimable:
    if isinstance(treated, NotEstimable):
        return treated
    if isinstance(control, NotEstimable):
        return control
    return treated, control


def comparisons(measures: Sequence[Measure], pairs: Sequence[tuple[str, str]]) -> list[Comparison]:
    """Every metric for every pair of variants that is compared."""
    return [Comparison(measure, variant, baseline) for measure in measures for variant, baseline in pairs]
