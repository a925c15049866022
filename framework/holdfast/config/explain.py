"""What an experiment resolves to, value by value, each with the place that it came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from holdfast.config.catalogue import Catalogue, read_whole, study_of
from holdfast.config.experiments import Reading
from holdfast.config.marks import Path
from holdfast.config.origins import DEFAULT, leaves, origin
from holdfast.config.rules.measures import references
from holdfast.config.rules.metrics import sources_of
from holdfast.config.shared import Entry
from holdfast.model.metric import TRIO, Metric, Window
from holdfast.model.project import ChannelSettings
from holdfast.model.study import Study
from holdfast.model.values import Duration

_EMPTY: tuple[Any, ...] = (None, "", (), {}, False)
Line = tuple[str, str, str]
"""Dotted path, value as people write it, and `file:line` or `default`."""


def explain(catalogue: Catalogue, slug: str) -> list[Line]:
    """Every value that an experiment resolves to, defaults included, with where each came from.

    The experiment's own values come first, then what they name: tactics, metrics, properties and segments, sources,
    and the project's settings that hold for it.

    Raises:
        ConfigError: with every finding about the experiment, when any of them is an error.
        UsageError: when there is no such experiment.
    """
    reading = read_whole(catalogue, slug)
    study = study_of(catalogue, slug, reading)
    return [
        *_head(study),
        *_experiment(study, catalogue.shared.sheets[0].tree),
        *_tactics(catalogue, study, reading),
        *_metrics(catalogue, study, reading),
        *_people(catalogue, study),
        *_sources(catalogue, study),
        *_project(catalogue, study),
        *_readout(study),
    ]


def _head(study: Study) -> Iterator[Line]:
    if study.template is not None:
        yield "extends", study.template, study.origins["extends"]
    for name in (name for name in study.origins if name.startswith("metrics.guardrails.removed.")):
        yield name, "left out", study.origins[name]
    yield "id", study.slug, f"experiments/{study.slug}"


def _experiment(study: Study, settings: Any) -> Iterator[Line]:
    """The experiment's own values; metrics that it defines are shown with the others."""
    lines = (
        (path, name, _effective(study, path, value), study.origins[name])
        for path, name, value in leaves(study.experiment)
        if path not in {("id",), ("timezone",), ("currency",)} and path[:2] != ("metrics", "define")
    )
    yield from _joined(lines)
    for name in ("timezone", "currency"):
        place = study.origins[name]
        yield name, getattr(study, name), origin(settings, (name,)) if place == DEFAULT else place
    plan = study.experiment.metrics
    for name in TRIO:
        if name not in plan.trio and name in study.metrics:
            yield f"metrics.trio.{name}", name, DEFAULT


def _effective(study: Study, path: Path, value: Any) -> Any:
    """What stands for a value that nobody gave."""
    if value not in (None, ""):
        return value
    own = study.experiment.assignment.by_holdfast
    salt = f"{study.slug}-<8 digits>, drawn by the first assign and kept in the lock" if own else None
    words: dict[Path, Any] = {
        ("title",): study.title,
        ("assignment", "salt"): salt,
    }
    return words.get(path, value)


def _joined(lines: Iterable[tuple[Path, str, Any, str]]) -> Iterator[Line]:
    """One line for the items of a list that stand together, and one for each other value."""
    for (is_item, name, place), group in groupby(lines, key=_list_of):
        values = [text(value) for _, _, value, _ in group]
        if is_item:
            yield name, f"[{', '.join(values)}]", place
        else:
            yield from ((name, value, place) for value in values)


def _list_of(line: tuple[Path, str, Any, str]) -> tuple[bool, str, str]:
    path, name, _, place = line
    is_item = bool(path) and isinstance(path[-1], int)
    return is_item, name.rpartition(".")[0] if is_item else name, place


def _named(head: str, value: Any, tree: Any, prefix: Path = ()) -> Iterator[Line]:
    """The fields of one named thing that are not empty, with the tree that it was read from."""
    lines = (
        (path, f"{head}.{name}" if name else head, leaf, origin(tree, (*prefix, *path)))
        for path, name, leaf in leaves(value)
    )
    yield from _joined(line for line in lines if line[3] != DEFAULT or line[2] not in _EMPTY)


def _entry(head: str, entry: Entry[Any]) -> Iterator[Line]:
    yield from _named(head, entry.value, entry.sheet.tree, entry.path)


def _tactics(catalogue: Catalogue, study: Study, reading: Reading) -> Iterator[Line]:
    in_place = reading.resolved.in_place.trees if reading.resolved else {}
    for name in dict.fromkeys(variant.tactic for variant in study.experiment.variants.values()):
        if name in in_place:
            yield from _named(f"tactics.{name}", study.tactics[name], in_place[name][1])
        elif name in catalogue.shared.tactics:
            yield from _entry(f"tactics.{name}", catalogue.shared.tactics[name])


def used_metrics(study: Study) -> list[str]:
    """Every metric that an experiment measures, by name: those that it names, and the trio."""
    plan = study.experiment.metrics
    names = [ref.name for _, ref in references(plan)] + [name for name in TRIO if name not in plan.trio]
    return [name for name in dict.fromkeys(names) if name in study.metrics]


def _metrics(catalogue: Catalogue, study: Study, reading: Reading) -> Iterator[Line]:
    """Metrics: first each in a line, then its fields; windows after the offer as they are for this experiment."""
    for name in used_metrics(study):
        metric, head = study.metrics[name], f"metric.{name}"
        if name in study.experiment.metrics.define:
            tree, prefix = reading.sheet.tree, _defined(name)
        else:
            entry = catalogue.shared.metrics[name]
            tree, prefix = entry.sheet.tree, entry.path
        yield head, summary(metric), origin(tree, prefix)
        yield from _named(head, metric, tree, prefix)


def _defined(name: str) -> Path:
    return ("metrics", "define", name)


def _people(catalogue: Catalogue, study: Study) -> Iterator[Line]:
    """Consent, properties and segments that decide who takes part or how results are divided."""
    tree = catalogue.shared.sheets[0].tree
    for channel, settings in _channels(study).items():
        if settings.consent is not None:
            place = origin(tree, ("channels", channel, "consent"))
            yield f"audience.{settings.consent}", f"true: consent of {channel}, for every variant", place
    experiment, shared = study.experiment, catalogue.shared
    named = [*experiment.analysis.segments, *experiment.assignment.strata]
    segments = [name for name in dict.fromkeys(named) if name in study.segments]
    for name in segments:
        yield from _entry(f"segments.{name}", shared.segments[name])
    inside = [key for name in segments for key in study.segments[name]]
    names = [*experiment.audience, *inside, *named, *experiment.analysis.covariates]
    for name in dict.fromkeys(names):
        if name in study.properties:
            yield from _entry(f"properties.{name}", shared.properties[name])


def _sources(catalogue: Catalogue, study: Study) -> Iterator[Line]:
    names = [source for name in used_metrics(study) for source in sources_of(study.metrics[name])]
    names += [study.experiment.assignment.source or ""]
    for name in dict.fromkeys(names):
        if name in catalogue.shared.sources:
            entry = catalogue.shared.sources[name]
            source = study.sources[name]
            yield f"sources.{name}", f"{source.grain}: {source.location}", origin(entry.sheet.tree, entry.path)
            yield (
                f"sources.{name}.freshness",
                str(source.freshness),
                origin(entry.sheet.tree, (*entry.path, "freshness")),
            )


def _project(catalogue: Catalogue, study: Study) -> Iterator[Line]:
    """The project's settings that hold for the experiment."""
    tree = catalogue.shared.sheets[0].tree
    project, assignment = catalogue.project, study.experiment.assignment
    for name in ("business", "language"):
        yield f"project.{name}", text(getattr(project, name)), origin(tree, (name,))
    yield from _named("project.privacy", project.privacy, tree, ("privacy",))
    if assignment.unit is not None and assignment.unit in project.units:
        yield from _named(f"units.{assignment.unit}", project.units[assignment.unit], tree, ("units", assignment.unit))
    for channel, settings in _channels(study).items():
        yield from _named(f"channels.{channel}", settings, tree, ("channels", channel))
    for name, holdout in study.holdouts.items():
        yield from _named(f"holdouts.{name}", holdout, tree, ("holdouts", name))
    group = assignment.exclusion_group.name if assignment.exclusion_group else ""
    if group in project.exclusion_groups:
        yield from _named(
            f"exclusion_groups.{group}", project.exclusion_groups[group], tree, ("exclusion_groups", group)
        )


def _channels(study: Study) -> dict[str, ChannelSettings]:
    """The channels that the tactics use, as far as the project sets them up."""
    tactics = [study.tactics[v.tactic] for v in study.experiment.variants.values() if v.tactic in study.tactics]
    names = dict.fromkeys(name for tactic in tactics for name in tactic.channel)
    return {name: study.project.channels[name] for name in names if name in study.project.channels}


def _readout(study: Study) -> Iterator[Line]:
    """What the date of the readout is made of."""
    plan = study.experiment.metrics
    ends: dict[str, int] = {}
    for path, ref in references(plan):
        metric = study.metrics.get(ref.name)
        window = Window(length=ref.window) if ref.window else metric.window if metric else None
        if path[1] != "descriptive" and window is not None:
            ends[str(ref)] = window.start.hours + window.length.hours
    for index, curve in enumerate(plan.curves):
        if curve.days:
            ends[f"metrics.curves.{index}"] = 24 * max(curve.days)
    if ends:
        longest = max(ends, key=lambda name: ends[name])
        yield "readout.longest_window", f"{Duration(ends[longest])}, of {longest}", "derived"
    delays = {
        name: study.sources[name].freshness
        for metric in used_metrics(study)
        for name in sources_of(study.metrics[metric])
        if name in study.sources
    }
    if delays:
        slowest = max(delays, key=lambda name: delays[name])
        yield "readout.freshness", f"{delays[slowest]}, of {slowest}", "derived"


def summary(metric: Metric) -> str:
    """A metric in one line: what it counts, of what, and in which days."""
    what = _operation(metric)
    if metric.operation == "ratio":
        what = f"{_operation(metric.numerator)} / {_operation(metric.denominator)}"
    if metric.window is None:
        return what
    end = Duration(metric.window.start.hours + metric.window.length.hours)
    return f"{what}, from {metric.window.start} to {end} after assignment"


def _operation(part: Any) -> str:
    of = getattr(part, "fact", None) or getattr(part, "column", None)
    of = of or getattr(part, "cancelled", None) or getattr(part, "ended", None)
    return f"{part.operation} {of}" if of else str(part.operation)


def text(value: Any) -> str:
    """A value as people write it."""
    if value is None or value == "":
        return "none"
    if value is True or value is False:
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{}" if not value else ", ".join(f"{key}: {text(item)}" for key, item in value.items())
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(text, value)) + "]"
    return str(value)
