"""One experiment's file, as far as it can be read, with every finding about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from holdfast.config.desugar import DATA_SOURCE
from holdfast.config.files import experiment_sheet
from holdfast.config.marks import Map, Sheet, look_up
from holdfast.config.offers import OfferWindow, from_assignment, offer_window, placed
from holdfast.config.resolve import Layers, Resolved, resolve
from holdfast.config.rules.judge import judge
from holdfast.config.rules.known import SLUG, Known, check_name, check_texts
from holdfast.config.rules.measures import references
from holdfast.config.rules.sources import check_one_source
from holdfast.config.rules.tactics import check_tactic
from holdfast.config.shape import check
from holdfast.model.experiment import Experiment
from holdfast.model.metric import TRIO, Metric
from holdfast.model.project import Project
from holdfast.model.source import Source
from holdfast.model.tactic import RESERVED, Tactic
from holdfast.model.values import Duration


@dataclass(frozen=True)
class Surroundings:
    """What all experiments of a project share while they are read."""

    root: Path
    known: Known
    layers: Layers
    offers: Mapping[str, OfferWindow]


@dataclass(frozen=True)
class Reading:
    """One experiment as far as it can be read, with every finding about it."""

    sheet: Sheet
    experiment: Experiment | None = None
    source: Source | None = None
    """What its `data:` stands for."""
    tactics: Mapping[str, Tactic | None] | None = None
    """Tactics written in place, by the names that they get."""
    metrics: Mapping[str, Metric | None] | None = None
    """Metrics whose window follows the offer, as they are for this experiment; None for one that cannot be placed."""
    resolved: Resolved | None = None


def read_experiment(around: Surroundings, slug: str) -> Reading:
    """One experiment over what it inherits, checked against everything that it names."""
    sheet = experiment_sheet(around.root, slug)
    if not isinstance(sheet.tree, Map):
        return Reading(sheet)
    check_name(sheet, (), slug, "experiment's folder", SLUG)
    if sheet.to_be_filled:
        check_texts(sheet, sheet.tree)
    resolved = resolve(sheet, slug, around.layers)
    source = _read_data(around.known, sheet, resolved.data) if resolved.data is not None else None
    tactics = _read_tactics(around.known, sheet, resolved)
    tree, windows = _from_assignment(resolved.tree)
    experiment: Experiment | None = check(Experiment, tree, sheet, partial=resolved.partial)
    if experiment is None:
        return Reading(sheet, None, source, tactics, {}, resolved)
    experiment = _settled(experiment, around.known.project)
    known = replace(around.known, tactics={**around.known.tactics, **tactics}) if tactics else around.known
    if experiment.assignment.source == DATA_SOURCE and resolved.data is not None:
        known = replace(known, sources={**known.sources, DATA_SOURCE: source})
    metrics = _place_windows(sheet, known, experiment, {**around.offers, **windows})
    own = {name: metrics.get(name) or metric for name, metric in experiment.metrics.define.items()}
    experiment = replace(experiment, metrics=replace(experiment.metrics, define=own)) if windows else experiment
    shared = {name: metric for name, metric in metrics.items() if name not in windows}
    if shared:
        known = replace(known, metrics={**known.metrics, **shared})
    judge(known, sheet, slug, experiment)
    return Reading(sheet, experiment, source, tactics, shared, resolved)


def _read_data(known: Known, sheet: Sheet, data: Map) -> Source | None:
    """The source that `data:` stands for; what is wrong with it is reported where it was written."""
    inner = Sheet(sheet.path, data, sheet.findings)
    source: Source | None = check(Source, data, inner)
    if source is not None:
        check_one_source(inner, (), DATA_SOURCE, source)
    if DATA_SOURCE in known.sources:
        message = f'the project has a source named "{DATA_SOURCE}", which `data:` would hide; rename that one'
        inner.add("duplicate-name", (), message)
    return source


def _read_tactics(known: Known, sheet: Sheet, resolved: Resolved) -> dict[str, Tactic | None]:
    """The tactics that the experiment writes in place."""
    found: dict[str, Tactic | None] = {}
    for name, (path, tree) in resolved.in_place.trees.items():
        before = len(sheet.unreadable)
        tactic: Tactic | None = check(Tactic, tree, sheet, path, partial=resolved.partial)
        if tactic is not None:
            check_tactic(known, sheet, path, tactic)
        found[name] = tactic if len(sheet.unreadable) == before else None
        if name in known.tactics:
            message = f'"{name}" is a tactic of configs/tactics already; name it (tactic: {name}), or rename that one'
            sheet.add("duplicate-name", path, message, at="key")
    return found


def _settled(experiment: Experiment, project: Project | None) -> Experiment:
    """The experiment with the project's values for what no layer says: its only unit, and settings of the analysis."""
    if project is None:
        return experiment
    assignment, analysis, base = experiment.assignment, experiment.analysis, project.defaults
    if assignment.by_holdfast and assignment.unit is None and len(project.units) == 1:
        assignment = replace(assignment, unit=next(iter(project.units)))
    analysis = replace(
        analysis,
        power=analysis.power or base.power,
        correction=analysis.correction or base.correction,
        confidence=analysis.confidence or base.confidence,
        fdr=analysis.fdr or base.fdr,
    )
    health = experiment.health or project.health
    return replace(experiment, assignment=assignment, analysis=analysis, health=health)


def _from_assignment(tree: Map) -> tuple[Map, dict[str, OfferWindow]]:
    """The tree with its own metrics as if offers ended at assignment, and the windows that follow the offer."""
    define = look_up(tree, ("metrics", "define"))
    windows = {
        name: window
        for name, metric in (define.items() if isinstance(define, Map) else ())
        if (window := offer_window(metric)) is not None
    }
    if not windows:
        return tree, windows
    changed = define.without(set())
    for name in windows:
        changed[name] = from_assignment(define[name])
    result, metrics = tree.without(set()), tree["metrics"].without(set())
    metrics["define"] = changed
    result["metrics"] = metrics
    return result, windows


def _place_windows(
    sheet: Sheet, known: Known, experiment: Experiment, windows: Mapping[str, OfferWindow]
) -> dict[str, Metric | None]:
    """Every metric that follows the offer, with its window for this experiment's tactics."""
    used: dict[str, tuple[str | int, ...]] = {name: ("metrics", "define", name) for name in experiment.metrics.define}
    for path, ref in references(experiment.metrics):
        used[ref.name] = path
    # a trio metric that nobody names is measured under its own name
    used = {**{name: ("metrics",) for name in TRIO if name not in experiment.metrics.trio}, **used}
    own: Mapping[str, Metric | None] = {**known.metrics, **experiment.metrics.define}
    if not windows.keys() & used.keys():
        return {}
    expires, problem = _expiry(known, experiment)
    placed_metrics: dict[str, Metric | None] = {}
    for name, window in windows.items():
        metric = own.get(name)
        found = placed(metric, window, expires) if metric is not None and expires is not None else None
        placed_metrics[name] = found
        if name not in used or found is not None:
            continue
        if problem:
            message = f'the window of "{name}" opens when the offer ends, but {problem}'
            sheet.judge("offer-end", used[name], message, rests_on=("variants",))
        elif expires is not None and metric is not None:
            message = (
                f'the window of "{name}" ends {window.until} after assignment, not after the offer does ({expires})'
            )
            sheet.judge("window-empty", used[name], message, rests_on=("variants",))
    return placed_metrics


def _expiry(known: Known, experiment: Experiment) -> tuple[Duration | None, str]:
    """When the offer of the treated variants ends, or what keeps that from being told; neither when a tactic is
    unreadable, which is reported where it stands."""
    ends: dict[str, Duration | None] = {}
    for variant in experiment.variants.values():
        if variant.is_control or variant.tactic in RESERVED:
            continue
        tactic: Any = known.tactics.get(variant.tactic)
        if tactic is None:
            return None, ""
        ends[variant.tactic] = getattr(getattr(tactic, "offer", None), "expires_after", None)
    endless = [name for name, end in ends.items() if end is None]
    if endless or not ends:
        who = f'the tactic "{endless[0]}"' if endless else "no variant"
        return None, f"{who} has {'no' if endless else 'an'} offer that expires; add expires_after: 14d to its offer"
    if len(set(ends.values())) > 1:
        listed = " and ".join(f"{name} ({end})" for name, end in ends.items())
        return None, f"the offers of {listed} end at different times; define a metric with days of its own"
    return next(iter(ends.values())), ""
