"""Effects within the segments that were fixed beforehand, and whether they differ."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from holdfast import stats
from holdfast.estimate.arms import Measure, for_covariates, is_rare, raw_arm
from holdfast.estimate.comparison import Comparison
from holdfast.estimate.quantities import quantity
from holdfast.model.found import InteractionRow, Quantity, SegmentRow
from holdfast.model.outcome import NotEstimable
from holdfast.model.plan import Plan
from holdfast.model.reading import Cell, Reading

_TESTED = ("primary",)
_SHOWN = ("primary", "secondary")
Cells = Mapping[str | None, Mapping[str, Cell]]
"""Level to variant to its cell."""


@dataclass(frozen=True, slots=True)
class _Split:
    """A metric within one dimension, and the levels that may not be shown."""

    dimension: str
    cells: Cells
    hidden: Set[str | None]


def segments(
    plan: Plan, reading: Reading, measures: Sequence[Measure]
) -> tuple[tuple[SegmentRow, ...], tuple[InteractionRow, ...]]:
    """Every level of every planned dimension, for the primary metric and the trio; and one test a dimension and variant
    of whether the primary effect differs, corrected over all of them."""
    rows: list[SegmentRow] = []
    tests: list[InteractionRow] = []
    hidden = {name: hidden_levels(plan, reading, name) for name in plan.study.experiment.analysis.segments}
    for measure in measures:
        planned = measure.planned
        if planned.role != "primary" and not (planned.trio and planned.role in _SHOWN):
            continue
        if measure.family == "quantile":
            # Its sorted values are read of whole variants only.
            continue
        for dimension in plan.study.experiment.analysis.segments:
            split = _Split(dimension, by_level(reading, planned.key, dimension), hidden[dimension])
            for variant, baseline in plan.comparisons:
                found, test = _dimension(plan, measure, split, (variant, baseline))
                rows += found
                if planned.role in _TESTED and test is not None:
                    tests.append(test)
    return tuple(rows), tuple(_corrected(plan, tests))


def by_level(reading: Reading, key: str, dimension: str) -> Cells:
    """The cells of a metric within one dimension."""
    found: dict[str | None, dict[str, Cell]] = {}
    for (metric, variant, name, level), cell in reading.segments.items():
        if metric == key and name == dimension:
            found.setdefault(level, {})[variant] = cell
    return dict(sorted(found.items(), key=lambda item: (item[0] is None, item[0] or "")))


def _dimension(
    plan: Plan, measure: Measure, split: _Split, pair: tuple[str, str]
) -> tuple[list[SegmentRow], InteractionRow | None]:
    """The effects within each level of one dimension, and the test that they are one."""
    variant, baseline = pair
    dimension, cells = split.dimension, split.cells
    rows: list[SegmentRow] = []
    effects: list[stats.Effect] = []
    places: list[int] = []
    for level, by_variant in cells.items():
        row = SegmentRow(
            metric=measure.planned.key, dimension=dimension, level=level, variant=variant, baseline=baseline
        )
        if level in split.hidden or not {variant, baseline} <= set(by_variant):
            rows.append(replace(row, suppressed=True))
            continue
        compared = _within(measure, by_variant, pair)
        effect = compared.effect(plan.confidence, relative=False)
        arms = compared.arms
        rows.append(
            replace(
                row,
                n=by_variant[variant].moments.n,
                n_baseline=by_variant[baseline].moments.n,
                value=None if isinstance(arms, NotEstimable) else arms[0].theta,
                baseline_value=None if isinstance(arms, NotEstimable) else arms[1].theta,
                difference=quantity(effect),
                lift=quantity(compared.effect(plan.confidence, relative=True)),
            )
        )
        if isinstance(effect, stats.Interval):
            places.append(len(rows) - 1)
            effects.append(stats.Effect(effect.estimate, effect.se, effect.df))
    if not cells:
        return rows, None
    for place, shrunken in zip(places, _shrunken(plan, effects), strict=True):
        rows[place] = replace(rows[place], shrunken=shrunken)
    test = InteractionRow(
        metric=measure.planned.key,
        dimension=dimension,
        variant=variant,
        baseline=baseline,
        levels=len(effects),
        p=None,
    )
    found = stats.interaction(effects)
    if isinstance(found, NotEstimable):
        return rows, replace(test, reason=found.reason)
    turned = stats.reversal(effects)
    return rows, replace(test, p=found.p, reversal_p=None if isinstance(turned, NotEstimable) else turned.p)


def _within(measure: Measure, by_variant: Mapping[str, Cell], pair: tuple[str, str]) -> Comparison:
    """The metric among the units of one level, adjusted like the whole where every variant has units enough."""
    plain: Mapping[str, stats.Arm | NotEstimable] = {
        key: raw_arm(cell, measure.family) for key, cell in by_variant.items()
    }
    if any(cell.clusters is not None for cell in measure.cells.values()):
        # Their sums are read of whole variants only; single units would claim too much.
        plain = dict.fromkeys(by_variant, NotEstimable("drawn_as_clusters", "clusters were drawn as one"))
    local = Measure(measure.planned, measure.family, plain, by_variant)
    compared = {key: cell for key, cell in by_variant.items() if key in pair}
    if measure.plain is None or is_rare(measure.family, compared.values()):
        return Comparison(local, *pair)
    found = for_covariates(measure.family, compared)
    if found is None or any(isinstance(arm, NotEstimable) for arm in found.arms.values()):
        return Comparison(local, *pair)
    return Comparison(
        Measure(measure.planned, measure.family, found.arms, by_variant, {}, plain, found.covariances), *pair
    )


def _shrunken(plan: Plan, effects: Sequence[stats.Effect]) -> Iterator[Quantity]:
    found = stats.shrink(effects, confidence=plan.confidence) if len(effects) > 2 else None
    if found is None or isinstance(found, NotEstimable):
        yield from (Quantity(reason="too_few_studies") for _ in effects)
        return
    for each in found.effects:
        yield Quantity(estimate=each.estimate, lower=each.lower, upper=each.upper)


def hidden_levels(plan: Plan, reading: Reading, dimension: str) -> set[str | None]:
    """Levels of a dimension that may not be shown of any metric: those that are too small for one of them, and what
    would tell of those. Metrics count nearly the same units, so a level that only one of them hides could be had from
    another."""
    variants, minimum = tuple(plan.study.experiment.variants), plan.study.project.privacy.minimum_cell
    metrics = dict.fromkeys(key for key, _, name, _ in reading.segments if name == dimension)
    hidden: set[str | None] = set()
    for metric in metrics:
        cells = by_level(reading, metric, dimension)
        if any(cell.moments.n for by_variant in cells.values() for cell in by_variant.values()):
            hidden |= suppressed(cells, variants, minimum)
    return hidden


def suppressed(cells: Cells, variants: Sequence[str], minimum: int) -> set[str | None]:
    """Levels that may not be shown: a variant has fewer units than the privacy minimum in them, or they would tell."""
    units = {
        level: [by[variant].moments.n if variant in by else 0 for variant in variants] for level, by in cells.items()
    }
    return too_few(units, minimum)


def too_few(units: Mapping[str | None, Sequence[int]], minimum: int) -> set[str | None]:
    """Levels that may not be shown, from the units of each variant in them: fewer than the privacy minimum. The total
    minus the others tells what those hold together, so the next smallest go too, until that is no such cell either and
    two."""
    weighed = [
        place for place in range(max(map(len, units.values()), default=0)) if any(n[place] for n in units.values())
    ]
    sizes = {level: min((counts[place] for place in weighed), default=0) for level, counts in units.items()}
    hidden = {level for level, size in sizes.items() if size < minimum}
    left = sorted((level for level in sizes if level not in hidden), key=lambda level: (sizes[level], level or ""))

    def told() -> bool:
        """Whether what is hidden is one level, or too few units of a variant."""
        return len(hidden) == 1 or any(sum(units[level][place] for level in hidden) < minimum for place in weighed)

    for level in left:
        if not hidden or not told():
            break
        hidden.add(level)
    return hidden


def _corrected(plan: Plan, tests: Sequence[InteractionRow]) -> Iterator[InteractionRow]:
    """Benjamini-Hochberg over dimensions and variants; a test that could not be computed stays in the family."""
    values = [test.p for test in tests if test.p is not None]
    if not values:
        yield from tests
        return
    selection = stats.benjamini_hochberg(values, q=plan.fdr, family=len(tests), alpha=1 - plan.confidence)
    adjusted = iter(zip(selection.adjusted, selection.selected, strict=True))
    for test in tests:
        if test.p is None:
            yield test
            continue
        p, selected = next(adjusted)
        yield replace(test, p_adjusted=p, differs=selected and math.isfinite(p))
