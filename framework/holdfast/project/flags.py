"""From the experiments of a project to the flags that a service asks. No engine, no data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from holdfast import config, planning
from holdfast.errors import HoldfastError, UsageError
from holdfast.model.clock import midnight
from holdfast.model.flag import Flag, FlagHoldout, FlagSlot, FlagVariant
from holdfast.model.study import Study
from holdfast.project.started import started

_DAY = dt.timedelta(days=1)


def flags(catalogue: config.Catalogue) -> tuple[Flag, ...]:
    """One flag an experiment; one that cannot be read says so instead of failing the others."""
    return tuple(_flag(catalogue, slug) for slug in catalogue.slugs)


def _flag(catalogue: config.Catalogue, slug: str) -> Flag:
    try:
        begun = started(config.load_study(catalogue, slug))
    except HoldfastError:
        problem = f'the files of "{slug}" have errors, or were changed after its start; run: holdfast validate {slug}'
        return Flag(experiment=slug, names=(slug,), problem=problem, readable=False)
    return flag_of(begun.study)


def flag_of(study: Study) -> Flag:
    """The flag of one experiment; its salt is the file's, or the one that its lock holds."""
    experiment = study.experiment
    assignment, unit = experiment.assignment, study.project.units.get(experiment.assignment.unit or "")
    opens, closes = _dates(study)
    return Flag(
        experiment=study.slug,
        names=tuple(dict.fromkeys((study.slug, *_flag_fields(study)))),
        problem=_problem(study),
        version=experiment.version,
        config_hash=study.config_hash,
        hash_version=assignment.hash_version,
        salt=assignment.salt,
        traffic=assignment.traffic.value,
        variants=_variants(study),
        audience=experiment.audience,
        exclude=unit.exclude if unit else {},
        consents=study.consents,
        cluster=assignment.cluster,
        slot=_slot(study),
        holdouts=tuple(_holdouts(study)),
        opens=opens,
        closes=closes,
    )


def _problem(study: Study) -> str:
    match study.experiment.assignment.method:
        case "external":
            return f'"{study.slug}" is assigned by another system; ask that one'
        case "balanced":
            return (
                f'"{study.slug}" is assigned in blocks, which no unit can be told alone; hand out its variants with '
                "holdfast export"
            )
        case _:
            return ""


def _variants(study: Study) -> tuple[FlagVariant, ...]:
    found = []
    for key, variant in study.experiment.variants.items():
        tactic = study.variant_tactics.get(key)
        payload = {**(tactic.payload if tactic else {}), **variant.payload}
        found.append(FlagVariant(key=key, weight=variant.weight, is_control=variant.is_control, payload=payload))
    return tuple(found)


def _flag_fields(study: Study) -> list[str]:
    """The flags that the tactics of the variants name."""
    names = [getattr(tactic, "flag", None) for tactic in study.variant_tactics.values()]
    return [str(name) for name in names if name]


def _dates(study: Study) -> tuple[dt.datetime | None, dt.datetime | None]:
    """When it starts to serve, and when it ends: whoever enrolled keeps the treatment until the last window closes."""
    start, _ = planning.enrolment(study)
    if start is None:
        return None, None
    try:
        readout = planning.readout(study)
    except UsageError:  # it can be assigned and served, though this version cannot read it
        readout = None
    return midnight(start, study.timezone), midnight(readout, study.timezone) if readout else None


def _slot(study: Study) -> FlagSlot | None:
    taken = study.experiment.assignment.exclusion_group
    if taken is None:
        return None
    salt = study.project.exclusion_groups[taken.name].salt
    return FlagSlot(name=taken.name, salt=salt, low=taken.slot.low.value, high=taken.slot.high.value)


def _holdouts(study: Study) -> Iterator[FlagHoldout]:
    """The holdouts, at the time when a unit would enrol: today while enrolment lasts, afterwards on its last day."""
    first, end = planning.enrolment(study)
    if first is None or end is None:
        return
    last = max(first, end - _DAY)
    for name, holdout in study.holdouts.items():
        if holdout.start > last or holdout.until < first:
            continue
        over = midnight(holdout.until + _DAY, study.timezone) if holdout.until < last else None
        yield FlagHoldout(
            name=name,
            salt=holdout.salt,
            share=holdout.share.value,
            start=midnight(holdout.start, study.timezone),
            end=over,
        )
