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
_NOBODY_YET = NotEstimable("no_mature_units", "at no look so far had the window of any unit closed")


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
        metric = self.planned.metric
        if rule is not None:
            if self._is_hazard:
                return self._hazard_at(confidence, relative=relative, rule=rule)
            return self._sequential(arms, confidence, relative=relative, rule=rule)
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

    def uncapped(self, confidence: float, *, relative: bool) -> Effect | None:
        """The same without the cap and the adjustment; None where nothing is capped, or clusters were drawn as one."""
        cells = [self.measure.cells.get(key) for key in (self.variant, self.baseline)]
        raw = [cell.raw for cell in cells if cell is not None and cell.raw is not None and cell.clusters is None]
        if len(raw) < 2:
            return None
        arms = _both(*(stats.mean_arm(n=each.n, mean=each.mean[0], variance=each.covariance[0][0]) for each in raw))
        if isinstance(arms, NotEstimable):
            return arms
        return (stats.fieller_lift if relative else stats.difference)(*arms, confidence=confidence)

    def judged(  # noqa: PLR0911 (one return a method)
        self, margin: float, *, relative: bool, confidence: float, rule: Rule = None
    ) -> stats.OneSided | NotEstimable:
        """Whether harm beyond a margin is ruled out, or shown."""
        good = self.planned.direction == "increase"
        arms = self._log_hazards() if self._is_hazard else self.arms
        if isinstance(arms, NotEstimable):
            return arms
        if self._is_hazard:
            if not relative or (good and margin >= 1.0):
                return NotEstimable("not_planned", "a hazard ratio is judged by a share below 100%, such as 10%")
            relative, margin = False, -math.log1p(-margin) if good else math.log1p(margin)
        if isinstance(rule, Spent) and not rule.looks:
            return _NOBODY_YET
        if isinstance(rule, Anytime):
            return self._judged_anytime(arms, margin, relative=relative, confidence=confidence, planned=rule.planned)
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
            if not rule.looks:
                return _NOBODY_YET
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

    def _judged_anytime(
        self,
        arms: tuple[stats.Arm, stats.Arm],
        margin: float,
        *,
        relative: bool,
        confidence: float,
        planned: int,
    ) -> stats.OneSided | NotEstimable:
        """The margin against an interval that may be read on any day: that of the slack."""
        good = self.planned.direction == "increase"
        fixed = stats.non_inferiority(
            *arms,
            margin=margin,
            relative=relative,
            increase_is_good=good,
            confidence=confidence,
            covariance=self.covariance,
        )
        if isinstance(fixed, NotEstimable):
            return fixed
        if (early := stats.burn_in(*arms)) is not None:
            return NotEstimable("too_few_looks", early.detail)
        left = stats.slack(*arms, margin=margin, relative=relative, increase_is_good=good, covariance=self.covariance)
        if isinstance(left, NotEstimable):
            return left
        # The slack as an arm beside one of exactly 0.
        slack = stats.always_valid(
            stats.Arm(*left, arms[0].n, math.inf),
            stats.Arm(0.0, 0.0, arms[1].n, math.inf),
            mixing=stats.mixing(planned=planned, alpha=2 * (1 - confidence)),
            confidence=2 * confidence - 1,
        )
        if isinstance(slack, NotEstimable):
            return slack
        inside = slack.estimate > 0
        half = slack.p / 2
        shown = half < 1 - confidence
        return replace(
            fixed,
            p_safe=half if inside else 1.0,
            p_harm=1.0 if inside else half,
            state=("safe" if inside else "harm") if shown else "cannot_tell",
            method=slack.method,
        )

    @property
    def _is_hazard(self) -> bool:
        metric = self.planned.metric
        return isinstance(metric, Survival) and metric.estimand == "hazard_ratio"

    def _log_hazards(self) -> tuple[stats.Arm, stats.Arm] | NotEstimable:
        """The logarithm of the hazard ratio as an arm beside one of exactly 0: no variant has a hazard of its own."""
        empty = self.arms
        if isinstance(empty, NotEstimable):
            return empty
        treated, control = (self.measure.curves[key] for key in (self.variant, self.baseline))
        ratio = stats.hazard_ratio(treated, control, confidence=0.95)
        if isinstance(ratio, NotEstimable):
            return ratio
        variance = (ratio.se / ratio.estimate) ** 2
        ours, theirs = self.n
        return (
            stats.Arm(math.log(ratio.estimate), variance, ours, math.inf),
            stats.Arm(0.0, 0.0, theirs, math.inf),
        )

    def _hazard_at(self, confidence: float, *, relative: bool, rule: Rule) -> Effect:
        """The hazard ratio at one of several looks: as a difference of logarithms, or as a relative change."""
        logs = self._log_hazards()
        if isinstance(logs, NotEstimable):
            return logs
        found = self._sequential(logs, confidence, relative=False, rule=rule)
        if isinstance(found, NotEstimable) or not relative:
            return found
        changes = [math.expm1(number) for number in (found.estimate, found.lower, found.upper)]
        if not all(math.isfinite(number) for number in changes):
            return NotEstimable("not_finite", "the hazard ratio or its interval is too large to compute")
        return replace(found, estimate=changes[0], se=found.se * (1 + changes[0]), lower=changes[1], upper=changes[2])

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
