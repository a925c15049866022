"""From the values of every stage to one document: the Analysis that results.json holds and the report reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version

from holdfast import assign, config, estimate, hashing, health
from holdfast.estimate import Results
from holdfast.model.found import SegmentRow
from holdfast.model.lock import Lock
from holdfast.model.manifest import Manifest
from holdfast.model.metric import Column, Count, Sum
from holdfast.model.plan import Plan, PlannedMetric
from holdfast.model.reading import Reading
from holdfast.model.result import (
    Analysis,
    AskedReading,
    Check,
    Deviation,
    ExperimentInfo,
    MetricInfo,
    PlanInfo,
    Provenance,
    VariantInfo,
    Verdict,
)
from holdfast.model.study import Study
from holdfast.model.tactic import NOT_SAID, RESERVED
from holdfast.model.words import merged
from holdfast.project.started import Started


def assemble(
    plan: Plan,
    reading: Reading,
    *,
    checks: tuple[Check, ...],
    results: Results,
    verdict: Verdict,
    manifest: Manifest | None,
    begun: Started,
) -> Analysis:
    """The whole analysis as one value. Nothing is computed here, only arranged."""
    study = plan.study
    return Analysis(
        schema="holdfast.results/1",
        as_of=plan.as_of.isoformat(),
        experiment=_experiment(plan),
        plan=_plan(plan),
        variants=_variants(study, reading),
        metrics=tuple(metric_info(planned, reading) for planned in plan.metrics if planned.role != "curve"),
        checks=checks,
        levels=results.levels,
        estimates=results.estimates,
        curves=results.curves,
        decomposition=results.decomposition,
        money=results.money,
        survival=results.survival,
        periods=results.periods,
        segments=tuple(_named(results.segments, reading, plan.study.project.privacy.minimum_cell)),
        interactions=results.interactions,
        pays=results.pays,
        lifetime=results.lifetime,
        beliefs=results.beliefs,
        look=results.look,
        alarms=results.alarms,
        exposure=health.exposure_days(study, reading),
        balance=health.balance_rows(study, reading.balance),
        enrolment=tuple((day.isoformat(), tuple(counts.items())) for day, counts in sorted(reading.by_day.items())),
        verdict=verdict,
        deviations=_deviations(plan, reading, begun, manifest),
        provenance=_provenance(plan, reading, manifest),
    )


def _experiment(plan: Plan) -> ExperimentInfo:
    study = plan.study
    experiment = study.experiment
    observed = experiment.observed
    tactics = [study.tactics[v.tactic] for v in experiment.variants.values() if v.tactic in study.tactics]
    return ExperimentInfo(
        slug=study.slug,
        title=study.title,
        owner=experiment.owner,
        hypothesis=experiment.hypothesis,
        description=experiment.description,
        version=experiment.version,
        unit=experiment.unit_name or experiment.assignment.unit or "customer",
        audience=tuple(
            (_property_title(study, name), str(condition)) for name, condition in experiment.audience.items()
        ),
        method=experiment.assignment.method,
        strata=tuple(_property_title(study, name) for name in experiment.assignment.strata),
        cluster=experiment.assignment.cluster,
        enrolled_from=plan.enrolled_from.isoformat() if plan.enrolled_from else None,
        enrolled_until=plan.enrolled_until.isoformat() if plan.enrolled_until else None,
        observed_from=observed.start.isoformat() if observed and observed.start else None,
        observed_until=observed.until.isoformat() if observed else None,
        currency=study.currency,
        timezone=study.timezone,
        language=study.project.language,
        business=study.project.business,
        words=merged(study.project.words, experiment.words),
        stages=tuple(dict.fromkeys(tactic.stage for tactic in tactics if tactic.stage)),
        churn_drivers=tuple(dict.fromkeys(driver for tactic in tactics for driver in tactic.churn_drivers)),
    )


def _property_title(study: Study, name: str) -> str:
    known = study.properties.get(name)
    return known.title if known and known.title else name.replace("_", " ")


def _plan(plan: Plan) -> PlanInfo:
    analysis = plan.study.experiment.analysis
    return PlanInfo(
        primary=plan.primary.key,
        expect=str(analysis.expect) if analysis.expect else None,
        looks=analysis.looks if isinstance(analysis.looks, str) else "sequential",
        confidence=plan.confidence,
        fdr=plan.fdr,
        policy=plan.study.experiment.decision.policy,
        readout=plan.readout.isoformat() if plan.readout else None,
        readout_metric=plan.readout_metric,
        interim=plan.interim,
        comparisons=plan.comparisons,
        not_measured=plan.not_measured,
        ship_if=tuple(
            AskedReading(metric=str(each.metric), reads=each.reads) for each in plan.study.experiment.decision.ship_if
        ),
    )


def _variants(study: Study, reading: Reading) -> tuple[VariantInfo, ...]:
    infos = []
    for key, variant in study.experiment.variants.items():
        tactic = None if variant.tactic in {*RESERVED, NOT_SAID} else study.tactics[variant.tactic]
        title = variant.title or (tactic.title if tactic else "") or key.replace("_", " ").capitalize()
        infos.append(
            VariantInfo(
                key=key,
                title=title,
                is_control=variant.is_control,
                weight=variant.weight,
                assigned=reading.assigned[key],
                clusters=reading.drawn.get(key, 0) if reading.clusters else None,
                tactic=tactic.title or variant.tactic if tactic else variant.tactic,
                tactic_type=tactic.type if tactic else None,
                description=tactic.description if tactic else "",
            )
        )
    return tuple(infos)


def metric_info(planned: PlannedMetric, reading: Reading) -> MetricInfo:
    """A metric as the report names it."""
    metric = planned.metric
    capped = metric.winsorize if isinstance(metric, Count | Sum | Column) else None
    return MetricInfo(
        key=planned.key,
        title=metric.title or planned.key.replace("_", " ").capitalize(),
        description=metric.description,
        role=planned.role,
        trio=planned.trio,
        operation=metric.operation,
        family=estimate.kind(planned, reading),
        direction=planned.direction,
        unit=planned.unit,
        first_day=planned.window.first_day if planned.window else None,
        end_day=planned.window.end_day if planned.window else None,
        clock=planned.clock if planned.window else None,
        tolerate=str(planned.tolerate) if planned.tolerate else None,
        winsorize=str(capped) if capped else None,
        cap=reading.caps.get(planned.key),
    )


def _deviations(plan: Plan, reading: Reading, begun: Started, manifest: Manifest | None) -> tuple[Deviation, ...]:
    """Each way in which this analysis differs from what was locked before the start."""
    found = []
    study, locked = plan.study, begun.locked
    if locked is None:
        found.append(Deviation(id="not_pre_registered"))
    else:
        found += _locked_late(plan, reading, locked)
        if study.experiment.version > 1:
            found.append(Deviation(id="new_version", details={"name": str(study.experiment.version)}))
        shown = assign.differences(locked.cosmetic, config.cosmetic_document(study))
        found += [Deviation(id="cosmetic_change", details={"name": item.path}) for item in shown]
    enroll = study.experiment.enroll
    if enroll and manifest and (missing := assign.due(study.slug, enroll, manifest, plan.as_of)):
        found.append(Deviation(id="enrolment_incomplete", details={"name": str(len(missing))}))
    if plan.readout and plan.as_of > plan.readout and study.experiment.assignment.by_holdfast:
        details = {"readout": plan.readout.isoformat(), "as_of": plan.as_of.isoformat()}
        found.append(Deviation(id="readout_missed", details=details))
    return (*found, *_explored(study))


def _explored(study: Study) -> Iterator[Deviation]:
    """What was looked at besides the plan; looks at several dates are one."""
    listed: dict[tuple[str, ...], Deviation] = {}
    for each in config.read_explorations(study.root / "experiments" / study.slug):
        where = ", ".join(f"{name}: {text}" for name, text in sorted(each.where.items()))
        details = {"name": each.metric, "segment": each.segment or "", "where": where}
        listed.setdefault(tuple(details.values()), Deviation(id="explored", details=details))
    yield from listed.values()


def _locked_late(plan: Plan, reading: Reading, locked: Lock) -> list[Deviation]:
    """What the lock of another system's table cannot show: that the plan is older than the outcomes."""
    if not locked.tables:
        return []
    first, observed = locked.tables[0], plan.study.experiment.observed
    if observed and (first.late or first.as_of >= observed.until):
        details = {"as_of": first.as_of.isoformat(), "until": observed.until.isoformat()}
        return [Deviation(id="locked_after_observation", details=details)]
    begun = observed.start if observed and observed.start else min(reading.by_day, default=None)
    if begun is None or first.as_of > begun:
        return [Deviation(id="locked_during_observation", details={"as_of": first.as_of.isoformat()})]
    return []


def _provenance(plan: Plan, reading: Reading, manifest: Manifest | None) -> Provenance:
    study = plan.study
    hashed = study.experiment.assignment.by_holdfast
    used = {name for planned in plan.metrics for name in planned.sources}
    if study.experiment.assignment.source:
        used.add(study.experiment.assignment.source)
    return Provenance(
        config_hash=study.config_hash,
        holdfast=version("holdfast"),
        engine=reading.engine,
        hash_version=hashing.HASH_VERSION if hashed else None,
        salt=study.experiment.assignment.salt if hashed else None,
        manifest_digest=manifest.checksum if manifest else None,
        command=f"holdfast analyze {study.slug} --as-of {plan.as_of}",
        sources=tuple((name, study.sources[name].location) for name in sorted(used)),
        statements=len(reading.statements),
    )


def _named(rows: Sequence[SegmentRow], reading: Reading, minimum: int) -> Iterator[SegmentRow]:
    """The rows of segments, those of levels that fewer units have than may be shown as one without a name: a value that
    few customers have may be a household or an address."""
    counts: dict[tuple[str, str, str | None], int] = {}
    for (metric, _, dimension, level), cell in reading.segments.items():
        counts[metric, dimension, level] = counts.get((metric, dimension, level), 0) + cell.moments.n
    sizes: dict[tuple[str, str | None], int] = {}
    for (_, dimension, level), n in counts.items():
        sizes[dimension, level] = max(n, sizes.get((dimension, level), 0))
    told = (
        replace(row, level=None) if row.suppressed and sizes.get((row.dimension, row.level), 0) < minimum else row
        for row in rows
    )
    yield from dict.fromkeys(told)
