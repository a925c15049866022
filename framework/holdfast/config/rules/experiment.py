"""Rules for an experiment's variants, assignment and dates."""

from __future__ import annotations

import math

from holdfast.config.finished import DATA_SOURCE
from holdfast.config.marks import Map, Sheet, look_up
from holdfast.config.rules.known import SLUG, TOP_NOT_HERE, Known, check_fact, check_name, check_source
from holdfast.config.rules.limits import check_date, check_duration, check_holdouts
from holdfast.config.rules.people import check_conditions, check_property_name, check_strata
from holdfast.errors import nearest
from holdfast.model.experiment import Assignment, Experiment
from holdfast.model.project import Project
from holdfast.model.source import UnitSource
from holdfast.model.tactic import RESERVED

MAX_BLOCK = 1000
"""The longest block that balanced assignment deals."""
_HOLDFAST_ONLY = ("unit", "salt", "hash_version", "traffic", "exclusion_group", "holdout", "rerandomise")
_EXTERNAL_ONLY = ("source", "variant", "labels", "rules", "assigned_at", "batch")


def check_experiment(known: Known, sheet: Sheet, slug: str, experiment: Experiment) -> None:
    """The variants of an experiment, and who gets which when."""
    if experiment.id is not None and experiment.id != slug:
        message = f'id "{experiment.id[:60]}" differs from the folder "{slug}"; remove the line, or rename the folder'
        sheet.judge("id-not-folder", ("id",), message)
    if experiment.version < 1:
        sheet.judge("version-not-positive", ("version",), f"`version` is {experiment.version}; versions count from 1")
    _check_variants(known, sheet, experiment)
    _check_audience(known, sheet, experiment)
    for word in ("owner", "hypothesis"):
        if not getattr(experiment, word).strip():
            sheet.judge("invalid-value", (word,), f"`{word}` is empty; only you know what belongs there")
    if experiment.assignment.by_holdfast:
        _check_own(known, sheet, experiment)
        if experiment.enroll is not None:
            _check_enroll(known, sheet, experiment)
    else:
        _check_external(known, sheet, experiment)


def _check_variants(known: Known, sheet: Sheet, experiment: Experiment) -> None:
    variants = experiment.variants
    if len(variants) < 2:
        message = "an experiment compares at least two variants, one of them the control"
        sheet.judge("too-few-variants", ("variants",), message)
    controls = [key for key, variant in variants.items() if variant.is_control]
    if len(controls) != 1 and variants:
        found = "none is" if not controls else f"{' and '.join(controls)} are"
        message = f"exactly one variant is the control, here {found}; write control: true in one of them"
        sheet.judge("one-control", ("variants",), message)
    treated = [variant for variant in variants.values() if not variant.is_control]
    if treated and not any(variant.weight for variant in treated):
        message = "every variant besides control has weight 0, so nothing would be tried; give one of them units"
        sheet.judge("weight-not-positive", ("variants",), message)
    choices = {*known.tactics, *RESERVED}
    for key, variant in variants.items():
        check_name(sheet, ("variants", key), key, "variant")
        if variant.weight < 0:
            message = f"the weight of {key} is {variant.weight}; weights are whole numbers, such as 50"
            sheet.judge("weight-not-positive", ("variants", key, "weight"), message)
        elif variant.is_control and not variant.weight:
            message = f"the weight of {key} is 0, and nobody would be left to compare with; give control units"
            sheet.judge("weight-not-positive", ("variants", key, "weight"), message)
        if variant.tactic not in choices and "tactics" not in known.partial:
            message = f'unknown tactic "{variant.tactic[:60]}"{nearest(variant.tactic, choices)}'
            sheet.judge("unknown-tactic", ("variants", key, "tactic"), message)


def _check_audience(known: Known, sheet: Sheet, experiment: Experiment) -> None:
    # the columns of a file named in place are not listed anywhere, so they cannot be checked without reading it
    if experiment.assignment.source == DATA_SOURCE:
        return
    check_conditions(known, sheet, ("audience",), experiment.audience)
    check_strata(known, sheet, experiment)
    if experiment.assignment.cluster is not None:
        check_property_name(known, sheet, ("assignment", "cluster"), experiment.assignment.cluster)


def _given(sheet: Sheet, names: tuple[str, ...]) -> list[str]:
    tree = look_up(sheet.tree, ("assignment",))
    return [name for name in names if isinstance(tree, Map) and name in tree]


def _check_own(known: Known, sheet: Sheet, experiment: Experiment) -> None:
    """Holdfast draws the variants: it knows of what, when, and with which salt."""
    assignment = experiment.assignment
    for name in _given(sheet, _EXTERNAL_ONLY):
        message = f"`{name}` belongs to method: external; remove it, or change the method"
        sheet.judge("assignment-mixed", ("assignment", name), message, at="key")
    if assignment.salt is not None:
        check_name(sheet, ("assignment", "salt"), assignment.salt, "salt", SLUG)
    if not assignment.traffic.value:
        message = "`traffic` is 0%, so nobody would take part; write the share that does, such as 100%"
        sheet.judge("traffic-zero", ("assignment", "traffic"), message)
    if assignment.method == "balanced":
        _check_block(sheet, experiment)
    if experiment.enroll is None:
        message = (
            f"{assignment.method} assignment needs `enroll`; add a line such as "
            "`enroll: {from: 2026-10-01, for: 6w, each: day}`"
        )
        sheet.judge("enroll-missing", ("enroll",), message)
    if known.project is not None:
        _check_project_names(sheet, known.project, assignment)


def _check_block(sheet: Sheet, experiment: Experiment) -> None:
    """Weights are dealt in blocks that hold each variant a whole number of times."""
    weights = [max(variant.weight, 0) for variant in experiment.variants.values()]
    size = sum(weights) // max(math.gcd(*weights), 1) if weights else 0
    if size > MAX_BLOCK:
        exact = "only a full block is exact; use smaller ones, such as 3 and 1"
        message = f"these weights make blocks of {size:,} customers, and {exact}"
        sheet.judge("balanced-form", ("variants",), message, rests_on=("assignment", "method"))


def _check_project_names(sheet: Sheet, project: Project, assignment: Assignment) -> None:
    units = project.units
    if assignment.unit is None and len(units) != 1:
        message = f"the project has {len(units)} units; say which is assigned{nearest('', units)}"
        sheet.judge("unit-missing", ("assignment", "unit"), message)
    elif assignment.unit is not None and assignment.unit not in units:
        message = f'unknown unit "{assignment.unit[:60]}"{nearest(assignment.unit, units)}'
        sheet.judge("unknown-unit", ("assignment", "unit"), message)
    check_holdouts(sheet, ("assignment", "holdout"), assignment.holdout or (), project)
    group = assignment.exclusion_group
    if group is not None and group.name not in project.exclusion_groups:
        message = f'unknown exclusion group "{group.name[:60]}"{nearest(group.name, project.exclusion_groups)}'
        sheet.judge("unknown-exclusion-group", ("assignment", "exclusion_group", "name"), message)


def _check_external(known: Known, sheet: Sheet, experiment: Experiment) -> None:
    assignment = experiment.assignment
    for name in _given(sheet, _HOLDFAST_ONLY):
        message = f"`{name}` belongs to method: hash or balanced; remove it, or change the method"
        sheet.judge("assignment-mixed", ("assignment", name), message, at="key")
    if experiment.enroll is not None:
        message = "the units were assigned by another system; remove `enroll`, and say `observed` instead"
        sheet.judge("enroll-with-external", ("enroll",), message, at="key")
    if assignment.source is None:
        message = "external assignment needs the unit source that holds it; add a line such as `source: customers`"
        sheet.judge("external-incomplete", ("assignment", "source"), message)
    else:
        source = check_source(known, sheet, ("assignment", "source"), assignment.source)
        if source is not None and not isinstance(source, UnitSource):
            message = (
                f'an assignment is read from a source of grain unit; "{assignment.source}" is of grain {source.grain}'
            )
            sheet.judge("wrong-grain", ("assignment", "source"), message)
    if (assignment.variant is None) == (not assignment.rules):
        message = "external assignment needs either `variant`, the column that holds it, or `rules`, not both"
        sheet.judge("external-incomplete", ("assignment",), message, at="key")
    elif assignment.rules and assignment.labels:
        message = "`labels` translate the column in `variant`; with `rules` there is none, so remove them"
        sheet.judge("external-incomplete", ("assignment", "labels"), message, at="key")
    for rule, conditions in assignment.rules.items():
        for name, condition in conditions.items():
            if condition.top is not None:
                sheet.judge("top-not-here", ("assignment", "rules", rule, name), TOP_NOT_HERE)
    _check_labels(sheet, experiment)


def _check_labels(sheet: Sheet, experiment: Experiment) -> None:
    assignment, variants = experiment.assignment, experiment.variants
    named = {"labels": {(label, key) for label, key in assignment.labels.items()}}
    named["rules"] = {(key, key) for key in assignment.rules}
    for word, pairs in named.items():
        for step, key in sorted(pairs):
            if key not in variants:
                message = f'unknown variant "{key[:60]}"{nearest(key, variants)}'
                sheet.judge("unknown-variant", ("assignment", word, step), message, rests_on=("variants",))
        named_here = {name for _, name in pairs}
        missing = [key for key, variant in variants.items() if variant.weight and key not in named_here]
        if pairs and missing:
            what = "label" if word == "labels" else "rule"
            message = f"no {what} leads to {' and '.join(missing)}, which would stay empty"
            sheet.judge("variant-without-label", ("assignment", word), message, at="key", rests_on=("variants",))


def _check_enroll(known: Known, sheet: Sheet, experiment: Experiment) -> None:
    enroll = experiment.enroll
    if enroll is None:
        return
    period = enroll.start is not None and enroll.length is not None
    no_period = enroll.start is None and enroll.length is None
    snapshot = enroll.date is not None and no_period and enroll.each is None and enroll.at is None
    batches = enroll.date is None and period and (enroll.each is None) != (enroll.at is None)
    if not snapshot and not batches:
        message = (
            "enrolment is one of {date: 2026-10-01}, {from: 2026-10-01, for: 6w, each: day} "
            "and {from: 2026-10-01, for: 6w, at: sessions.signup}"
        )
        sheet.judge("enroll-form", ("enroll",), message)
    if enroll.length is not None:
        check_duration(sheet, ("enroll", "length"), enroll.length)
    if enroll.at is not None:
        check_fact(known, sheet, ("enroll", "at"), enroll.at)
        if experiment.assignment.method == "balanced":
            message = (
                "balanced assignment deals whole batches and cannot wait for an event; use each: day, or method: hash"
            )
            sheet.judge("balanced-form", ("enroll", "at"), message, rests_on=("assignment", "method"))
    for name, date in (("date", enroll.date), ("start", enroll.start)):
        check_date(sheet, ("enroll", name), date)
