"""Rules for how an experiment is analysed, decided and rolled out, and for what its author has weighed."""

from __future__ import annotations

from holdfast.config.finished import DATA_SOURCE
from holdfast.config.marks import Path, Sheet, look_up
from holdfast.config.rules.known import Known, check_fact
from holdfast.config.rules.limits import (
    check_confidence,
    check_currency,
    check_date,
    check_duration,
    check_fdr,
    check_health,
    check_power,
    check_timezone,
)
from holdfast.config.rules.metrics import parts_of
from holdfast.config.rules.people import check_property_names
from holdfast.config.rules.table import JUDGEMENT, RULES
from holdfast.errors import nearest
from holdfast.model.experiment import Experiment, Exposed
from holdfast.model.metric import Column, Metric


def check_settings(known: Known, sheet: Sheet, experiment: Experiment) -> None:
    """Everything that an experiment may set besides its variants and metrics."""
    _check_observed(sheet, experiment)
    _check_analysis(known, sheet, experiment)
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
    if isinstance(experiment.population, Exposed):
        check_fact(known, sheet, ("population", "exposed"), experiment.population.exposed)
    _check_comparisons(sheet, experiment)
    _check_decision(sheet, experiment)
    _check_acknowledged(sheet, experiment)


def _check_observed(sheet: Sheet, experiment: Experiment) -> None:
    observed = experiment.observed
    if observed is None:
        return
    for name, date in (("start", observed.start), ("until", observed.until)):
        check_date(sheet, ("observed", name), date)
    if observed.start is not None and observed.until <= observed.start:
        message = f"observation ends on {observed.until}, not after its start on {observed.start}"
        sheet.judge("dates-reversed", ("observed",), message)


def _check_analysis(known: Known, sheet: Sheet, experiment: Experiment) -> None:
    analysis = experiment.analysis
    path: Path = ("analysis",)
    if analysis.confidence is not None:
        check_confidence(sheet, (*path, "confidence"), analysis.confidence)
    if analysis.fdr is not None:
        check_fdr(sheet, (*path, "fdr"), analysis.fdr)
    if analysis.power is not None:
        check_power(sheet, (*path, "power"), analysis.power)
    if analysis.cuped is not None:
        check_duration(sheet, (*path, "cuped", "lookback"), analysis.cuped.lookback)
        if analysis.covariates and look_up(sheet.tree, (*path, "cuped")) is not None:
            message = "`covariates` stand in place of each customer's own past; keep one of `cuped` and `covariates`"
            sheet.judge("two-forms", (*path, "covariates"), message, at="key")
    # the columns of a file named in place are not listed anywhere, so they cannot be checked without reading it
    if experiment.assignment.source == DATA_SOURCE:
        _check_outcomes_as_covariates(known, sheet, experiment)
    else:
        check_property_names(known, sheet, (*path, "covariates"), analysis.covariates)
        check_property_names(known, sheet, (*path, "segments"), analysis.segments, segments=True)


def _check_outcomes_as_covariates(known: Known, sheet: Sheet, experiment: Experiment) -> None:
    """A column that is an outcome explains itself, and takes the effect away."""
    plan = experiment.metrics
    metrics: dict[str, Metric | None] = {**known.metrics, **plan.define}
    named = [plan.primary, *plan.secondary, *(guardrail.metric for guardrail in plan.guardrails)]
    outcomes: dict[str, str] = {}
    for ref in named:
        metric = metrics.get(ref.name)
        for part in parts_of(metric) if metric is not None else ():
            if isinstance(part, Column):
                outcomes.setdefault(part.column, ref.name)
    for word, names in (("covariates", experiment.analysis.covariates), ("segments", experiment.analysis.segments)):
        for index, name in enumerate(names):
            if name in outcomes:
                message = f'"{name}" is the outcome of "{outcomes[name]}", known only after assignment; remove it here'
                sheet.judge("known-after-assignment", ("analysis", word, index), message)


def _check_comparisons(sheet: Sheet, experiment: Experiment) -> None:
    controls = {key for key, variant in experiment.variants.items() if variant.is_control}
    seen: set[frozenset[str]] = set()
    for index, pair in enumerate(experiment.analysis.comparisons):
        path: Path = ("analysis", "comparisons", index)
        for step, name in enumerate(pair):
            if name not in experiment.variants:
                message = f'unknown variant "{name[:60]}"{nearest(name, experiment.variants)}'
                sheet.judge("unknown-variant", (*path, step), message, rests_on=("variants",))
            elif not experiment.variants[name].weight:
                message = f"{name} has weight 0, so there is nobody to compare; remove this pair"
                sheet.judge("comparison-form", (*path, step), message, rests_on=("variants",))
        if len(pair) != 2 or len(set(pair)) != 2:
            message = "a comparison is a pair of two different variants, such as [new_mail, old_mail]"
            sheet.judge("comparison-form", path, message)
        elif controls & set(pair):
            message = "every variant is compared with control anyway; remove this pair"
            sheet.judge("comparison-form", path, message, rests_on=("variants",))
        elif frozenset(pair) in seen:
            sheet.judge("comparison-form", path, "this pair is listed twice; remove one")
        seen.add(frozenset(pair))


def _check_decision(sheet: Sheet, experiment: Experiment) -> None:
    """A policy of one's own says when to ship, by metrics that are tested."""
    decision, plan = experiment.decision, experiment.metrics
    if decision.policy == "custom" and not decision.ship_if:
        message = "a custom policy needs its conditions; add `ship_if: [{metric: retained, reads: [better]}]`"
        sheet.judge("ship-if-form", ("decision", "policy"), message, rests_on=("decision",))
    if decision.policy != "custom" and decision.ship_if:
        message = f"`ship_if` belongs to policy: custom, here it is {decision.policy}; remove one of the two"
        sheet.judge("ship-if-form", ("decision", "ship_if"), message, at="key")
    planned = {str(plan.primary), *map(str, plan.secondary), *(str(item.metric) for item in plan.guardrails)}
    for index, condition in enumerate(decision.ship_if):
        path: Path = ("decision", "ship_if", index)
        if str(condition.metric) not in planned:
            hint = nearest(str(condition.metric), planned)
            message = f'"{condition.metric}" is neither primary, secondary nor a guardrail of this experiment{hint}'
            sheet.judge("ship-if-not-planned", (*path, "metric"), message, rests_on=("metrics",))
        if not condition.reads:
            message = "`reads` is empty; list how the metric must read, such as [better]"
            sheet.judge("ship-if-form", (*path, "reads"), message)


def _check_acknowledged(sheet: Sheet, experiment: Experiment) -> None:
    for index, item in enumerate(experiment.acknowledge):
        path: Path = ("acknowledge", index)
        if item.rule not in RULES:
            message = f'unknown rule "{item.rule[:60]}"{nearest(item.rule, JUDGEMENT)}'
            sheet.judge("unknown-rule", (*path, "rule"), message)
        elif item.rule not in JUDGEMENT:
            message = f'"{item.rule}" is no matter of judgement and cannot be acknowledged; put right what it found'
            sheet.judge("not-of-judgement", (*path, "rule"), message)
        if not item.because.strip():
            message = "say why the rule does not apply here; the report prints it"
            sheet.judge("acknowledge-reason", (*path, "because"), message)


def settle(sheet: Sheet, experiment: Experiment) -> None:
    """Take what the author has weighed out of the findings."""
    weighed = {item.rule for item in experiment.acknowledge if item.because.strip()} & JUDGEMENT
    sheet.findings[:] = [finding for finding in sheet.findings if finding.rule not in weighed]
