"""What experiments of a kind say together: their usual effect, how far it varies, and each one's without its luck."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf, sqrt
from typing import Literal

from holdfast import stats
from holdfast.estimate.quantities import quantity
from holdfast.model.found import Quantity
from holdfast.model.outcome import NotEstimable, Reason
from holdfast.model.portfolio import GroupKind, LeftOut, PastEffect, PooledEffect, Portfolio, PortfolioGroup
from holdfast.model.result import Analysis, Estimate, VariantInfo


@dataclass(frozen=True, slots=True)
class _Told:
    """The effect of one experiment's variants, as the statistics take it and as it is shown."""

    metric: str
    title: str
    effect: stats.Effect
    past: PastEffect


def portfolio(analyses: Sequence[Analysis], *, confidence: float = 0.95) -> Portfolio:
    """All experiments by tactic type, stage and churn driver, those of one primary metric pooled.

    Args:
        analyses: the newest of each experiment.
        confidence: of every interval, two-sided.

    An experiment whose plan has not been read to its end, or that failed a health check, is left out. One with several
    variants of a kind enters once, by the mean of their effects, with the error that the mean has where they move
    together: control is the same for all of them, and none is picked for what it turned out to be.

    Raises:
        ValueError: for a confidence outside (0, 1).
    """
    usable, left_out = [], []
    for analysis in analyses:
        reason = _unusable(analysis)
        if reason is None:
            usable.append(analysis)
        else:
            left_out.append(LeftOut(experiment=analysis.experiment.slug, reason=reason))
    kinds: tuple[GroupKind, ...] = ("tactic_type", "stage", "churn_driver")
    groups = [group for kind in kinds for group in _groups(kind, usable, confidence)]
    return Portfolio(confidence=confidence, groups=tuple(groups), left_out=tuple(left_out))


def _unusable(analysis: Analysis) -> Reason | Literal["not_read_yet", "no_verdict"] | None:
    """Why an experiment has nothing to tell; None where it has."""
    verdict = analysis.verdict.recommendation
    if analysis.plan.interim or verdict == "keep_running":
        return "not_read_yet"
    if verdict == "no_verdict":
        return "no_verdict"
    rows = [_row(analysis, info) for info in _treated(analysis)]
    if any(row is not None and row.se is not None for row in rows):
        return None
    return next((row.reason for row in rows if row is not None and row.reason), "not_planned")


def _treated(analysis: Analysis) -> list[VariantInfo]:
    return [info for info in analysis.variants if not info.is_control and info.weight]


def _row(analysis: Analysis, info: VariantInfo) -> Estimate | None:
    return analysis.find(analysis.plan.primary, info.key, "lift")


def _groups(kind: GroupKind, analyses: Sequence[Analysis], confidence: float) -> Iterator[PortfolioGroup]:
    members: dict[str, list[tuple[Analysis, list[VariantInfo]]]] = {}
    for analysis in analyses:
        treated = _treated(analysis)
        if kind == "tactic_type":
            names = dict.fromkeys(info.tactic_type for info in treated if info.tactic_type)
            for name in names:
                members.setdefault(name, []).append((analysis, [info for info in treated if info.tactic_type == name]))
        else:
            info = analysis.experiment
            for name in info.stages if kind == "stage" else info.churn_drivers:
                members.setdefault(name, []).append((analysis, treated))
    for name, found in sorted(members.items()):
        told = [each for each in (_told(analysis, infos, confidence) for analysis, infos in found) if each is not None]
        if told:
            pooled = tuple(_pooled(alike, confidence) for alike in _by_metric(told))
            yield PortfolioGroup(kind=kind, name=name, experiments=len(told), pooled=pooled)


def _told(analysis: Analysis, infos: Iterable[VariantInfo], confidence: float) -> _Told | None:
    """The mean relative change of some variants; None where none has one."""
    rows = [(info, row) for info in infos if (row := _row(analysis, info)) is not None]
    known = [(info, row.estimate, row.se) for info, row in rows if row.estimate is not None and row.se is not None]
    if not known:
        return None
    count = len(known)
    effect = stats.Effect(sum(size for _, size, _ in known) / count, sum(se for _, _, se in known) / count)
    primary = analysis.plan.primary
    title = next((metric.title for metric in analysis.metrics if metric.key == primary), primary)
    low, high = _bounds(effect.estimate, effect.se, confidence)
    past = PastEffect(
        experiment=analysis.experiment.slug,
        title=analysis.experiment.title or analysis.experiment.slug,
        folder=analysis.folder,
        variants=tuple(info.title for info, _, _ in known),
        estimate=effect.estimate,
        lower=low,
        upper=high,
    )
    return _Told(primary.split("@", 1)[0], title, effect, past)


def _bounds(middle: float, se: float, confidence: float) -> tuple[float, float]:
    reach = stats.critical(confidence=confidence, df=inf) * se
    return middle - reach, middle + reach


def _by_metric(told: Sequence[_Told]) -> list[list[_Told]]:
    found: dict[str, list[_Told]] = {}
    for each in told:
        found.setdefault(each.metric, []).append(each)
    return list(found.values())


def _pooled(alike: Sequence[_Told], confidence: float) -> PooledEffect:
    pooled = stats.pool([each.effect for each in alike], confidence=confidence)
    past = tuple(each.past for each in alike)
    metric, title = alike[0].metric, alike[0].title
    if isinstance(pooled, NotEstimable):
        return PooledEffect(metric=metric, title=title, effects=past, mean=quantity(pooled), next=quantity(pooled))
    return PooledEffect(
        metric=metric,
        title=title,
        effects=tuple(replace(each.past, shrunken=_shrunken(each.effect, pooled, confidence)) for each in alike),
        mean=quantity(pooled),
        next=Quantity(estimate=pooled.estimate, lower=pooled.expected_lower, upper=pooled.expected_upper),
        spread=sqrt(pooled.tau2),
        q_p=pooled.q_p,
        i2=pooled.i2,
    )


def _shrunken(effect: stats.Effect, pooled: stats.Pooled, confidence: float) -> Quantity:
    """An effect in the light of all of them: the posterior under the pooled distribution of true effects, whose mean is
    known with an error of its own.

    Formula: with s the error of the effect and b = s^2 / (s^2 + tau^2), mean (1 - b) e + b m and variance
    (1 - b) s^2 + b^2 V_m. Source: Gelman et al. (2013), Bayesian Data Analysis, 5.4.
    """
    # Where experiments differ by no more than chance, all of them have the common effect.
    sd = max(sqrt(pooled.tau2), 1e-6 * effect.se)
    found = stats.normal_posterior(effect, stats.Prior(pooled.estimate, sd), confidence=confidence)
    if isinstance(found, NotEstimable):
        return quantity(found)
    drawn = effect.se**2 / (effect.se**2 + sd**2)
    low, high = _bounds(found.mean, sqrt(found.sd**2 + (drawn * pooled.se) ** 2), confidence)
    return Quantity(estimate=found.mean, lower=low, upper=high)
