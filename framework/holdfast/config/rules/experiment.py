"""Rules for an experiment's variants, assignment and dates."""

from __future__ import annotations

import datetime as dt
import hashlib

from holdfast.config.desugar import DATA_SOURCE
from holdfast.config.marks import Map, Path, Sheet, look_up
from holdfast.config.rules.known import (
    SLUG,
    Known,
    check_duration,
    check_fact,
    check_name,
    check_properties,
    check_source,
)
from holdfast.config.rules.shared import (
    check_confidence,
    check_currency,
    check_fdr,
    check_health,
    check_timezone,
)
from holdfast.errors import nearest
from holdfast.model.experiment import Assignment, Enroll, Experiment
from holdfast.model.source import UnitSource
from holdfast.model.tactic import RESERVED

_HASH_ONLY = ("unit", "salt", "hash_version", "traffic")
_EXTERNAL_ONLY = ("source", "variant", "labels", "rules", "assigned_at")


def check_experiment(known: Known, sheet: Sheet, slug: str, experiment: Experiment) -> None:
    """Everything about an experiment but its metrics."""
    if experiment.id is not None and experiment.id != slug:
        message = f'id "{experiment.id[:60]}" differs from the folder "{slug}"; remove the line, or rename the folder'
        sheet.judge("id-not-folder", ("id",), message)
    if experiment.version < 1:
        sheet.judge("version-not-positive", ("version",), f"`version` is {experiment.version}; versions count from 1")
    _check_variants(known, sheet, experiment)
    _check_audience(known, sheet, experiment)
    assignment = experiment.assignment
    if assignment.method == "hash":
        _check_hash(known, sheet, slug, experiment)
    else:
        _check_external(known, sheet, experiment)
    if experiment.enroll is not None and assignment.method == "hash":
        _check_enroll(known, sheet, experiment.enroll)
    _check_settings(sheet, experiment)


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
    choices = {*known.tactics, *RESERVED}
    for key, variant in variants.items():
        check_name(sheet, ("variants", key), key, "variant")
        if variant.weight < 1:
            message = f"the weight of {key} is {variant.weight}; weights are positive whole numbers, such as 50"
            sheet.judge("weight-not-positive", ("variants", key, "weight"), message)
        if variant.tactic not in choices and "tactics" not in known.partial:
            message = f'unknown tactic "{variant.tactic[:60]}"{nearest(variant.tactic, choices)}'
            sheet.judge("unknown-tactic", ("variants", key, "tactic"), message)


def _check_audience(known: Known, sheet: Sheet, experiment: Experiment) -> None:
    # the columns of a file named in place are not listed anywhere, so they cannot be checked without reading it
    if experiment.assignment.source != DATA_SOURCE:
        check_properties(known, sheet, ("audience",), experiment.audience)


def _given(sheet: Sheet, names: tuple[str, ...]) -> list[str]:
    tree = look_up(sheet.tree, ("assignment",))
    return [name for name in names if isinstance(tree, Map) and name in tree]


def _check_hash(known: Known, sheet: Sheet, slug: str, experiment: Experiment) -> None:
    assignment = experiment.assignment
    for name in _given(sheet, _EXTERNAL_ONLY):
        message = f"`{name}` belongs to method: external; remove it, or change the method"
        sheet.judge("assignment-mixed", ("assignment", name), message, at="key")
    _check_salt(sheet, slug, assignment)
    if experiment.enroll is None:
        message = "hash assignment needs `enroll`; add a line such as `enroll: {from: 2026-10-01, for: 6w, each: day}`"
        sheet.judge("enroll-missing", ("enroll",), message)
    if known.project is None:
        return
    units = known.project.units
    if assignment.unit is None and len(units) != 1:
        message = f"the project has {len(units)} units; say which is assigned{nearest('', units)}"
        sheet.judge("unit-missing", ("assignment", "unit"), message)
    elif assignment.unit is not None and assignment.unit not in units:
        message = f'unknown unit "{assignment.unit[:60]}"{nearest(assignment.unit, units)}'
        sheet.judge("unknown-unit", ("assignment", "unit"), message)


def _check_salt(sheet: Sheet, slug: str, assignment: Assignment) -> None:
    path: Path = ("assignment", "salt")
    if assignment.salt is None:
        # drawn from the slug: the same advice whenever it is asked, and another one for every experiment
        digits = hashlib.sha256(f"holdfast salt {slug}".encode()).hexdigest()[:8]
        message = f"hash assignment needs a salt; add the line `salt: {slug}-{digits}` and never change it"
        sheet.judge("salt-missing", path, message)
    else:
        check_name(sheet, path, assignment.salt, "salt", SLUG)


def _check_external(known: Known, sheet: Sheet, experiment: Experiment) -> None:
    assignment = experiment.assignment
    for name in _given(sheet, _HASH_ONLY):
        message = f"`{name}` belongs to method: hash; remove it, or change the method"
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
        missing = [key for key in variants if key not in {name for _, name in pairs}]
        if pairs and missing:
            what = "label" if word == "labels" else "rule"
            message = f"no {what} leads to {' and '.join(missing)}, which would stay empty"
            sheet.judge("variant-without-label", ("assignment", word), message, at="key", rests_on=("variants",))


def _check_enroll(known: Known, sheet: Sheet, enroll: Enroll) -> None:
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
    for name, date in (("date", enroll.date), ("start", enroll.start)):
        _check_date(sheet, ("enroll", name), date)


def _check_date(sheet: Sheet, path: Path, date: dt.date | None) -> None:
    if date is not None and not 1990 <= date.year <= 2099:
        sheet.judge("date-range", path, f"{date.isoformat()} is not plausible; dates lie between 1990 and 2099")


def _check_settings(sheet: Sheet, experiment: Experiment) -> None:
    observed, analysis = experiment.observed, experiment.analysis
    if observed is not None:
        for name, date in (("start", observed.start), ("until", observed.until)):
            _check_date(sheet, ("observed", name), date)
        if observed.start is not None and observed.until <= observed.start:
            message = f"observation ends on {observed.until}, not after its start on {observed.start}"
            sheet.judge("dates-reversed", ("observed",), message)
    if analysis.confidence is not None:
        check_confidence(sheet, ("analysis", "confidence"), analysis.confidence)
    if analysis.fdr is not None:
        check_fdr(sheet, ("analysis", "fdr"), analysis.fdr)
    if experiment.health is not None:
        check_health(sheet, ("health",), experiment.health)
    if experiment.timezone is not None:
        check_timezone(sheet, ("timezone",), experiment.timezone)
    if experiment.currency is not None:
        check_currency(sheet, ("currency",), experiment.currency)
    if experiment.rollout is not None:
        if experiment.rollout.customers < 1:
            message = f"a rollout reaches at least one customer, here {experiment.rollout.customers}"
            sheet.judge("rollout-not-positive", ("rollout", "customers"), message)
        check_duration(sheet, ("rollout", "every"), experiment.rollout.every)
    _check_comparisons(sheet, experiment)


def _check_comparisons(sheet: Sheet, experiment: Experiment) -> None:
    controls = {key for key, variant in experiment.variants.items() if variant.is_control}
    seen: set[frozenset[str]] = set()
    for index, pair in enumerate(experiment.analysis.comparisons):
        path: Path = ("analysis", "comparisons", index)
        for step, name in enumerate(pair):
            if name not in experiment.variants:
                message = f'unknown variant "{name[:60]}"{nearest(name, experiment.variants)}'
                sheet.judge("unknown-variant", (*path, step), message, rests_on=("variants",))
        if len(pair) != 2 or len(set(pair)) != 2:
            message = "a comparison is a pair of two different variants, such as [new_mail, old_mail]"
            sheet.judge("comparison-form", path, message)
        elif controls & set(pair):
            message = "every variant is compared with control anyway; remove this pair"
            sheet.judge("comparison-form", path, message, rests_on=("variants",))
        elif frozenset(pair) in seen:
            sheet.judge("comparison-form", path, "this pair is listed twice; remove one")
        seen.add(frozenset(pair))
