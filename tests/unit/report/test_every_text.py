"""Every text that a file or a result may hold is either free, and then tried with hostile words, or bound by a rule.

The types are walked, so a text that is added tomorrow fails here until somebody says which of the two it is.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest

from holdfast import config
from holdfast.config.catalogue import Catalogue
from holdfast.model.experiment import Experiment
from holdfast.model.metric import Metric
from holdfast.model.predicate import Condition
from holdfast.model.project import Project
from holdfast.model.result import Analysis
from holdfast.model.source import Property, Source
from holdfast.model.tactic import Tactic
from tests.oracle.hostile_shop import Words, hostile_project
from tests.unit.report import fuller
from tests.unit.report.test_twins import CODES, SAID_OF_CHECKS, with_found

_FREE = """
    Project.project SourceFields.title SourceFields.description SourceFields.missing[] Fact.title
    Reason.maps_to_drivers{key} Property.title Property.description UnitSource.properties[] MetricFields.title
    MetricFields.description MetricFields.unit_of_measure MetricFields.owner MetricFields.tags[]
    MetricFields.deprecated Survival.causes{}[] TacticFields.title TacticFields.description
    TacticFields.payload{key} TacticFields.payload{} Offer.gift Offer.upgrade Offer.match OnboardingChange.surface
    OnboardingChange.change PersonalisedEmail.template PersonalisedEmail.fallback PersonalisedEmail.subject
    LoyaltyProgramme.earn LoyaltyProgramme.burn LoyaltyProgramme.perks[] LoyaltyProgramme.partner ExitOffer.surface
    SupportFields.remedy CrossSell.recommender CrossSell.placement ChangeFields.surface ChangeFields.change
    ChangeFields.kind SurpriseGift.item TermsFields.before TermsFields.after ContentFields.theme
    ContentFields.format Custom.label Custom.fields{key} Custom.fields{} Experiment.owner Experiment.hypothesis
    Experiment.title Experiment.description Experiment.unit_name Experiment.tags[] Experiment.audience{}
    Variant.title Variant.payload{key} Variant.payload{} NotMeasured.not_measured CurveSpec.title
    Assignment.labels{key} AnalysisSettings.segments[] Acknowledged.because
    Words.unit Words.units Words.counter Words.retained Words.churned
    Words.average_order_value Words.revenue_per_unit Words.share_who_bought Words.orders_per_buyer Words.buyers
"""
FREE = frozenset(_FREE.split())
"""Texts of the files that anybody may write as they like, or that name what the data hold."""
BOUND = {
    "a name: lower-case letters, digits, _ and, where it names a file, . and -": """
        AssignmentStore.schema Project.units{key} Project.holdouts{key} Holdout.salt Project.exclusion_groups{key}
        ExclusionGroup.salt Project.purposes[] EventSource.facts{key} Property.bands{key} Survival.causes{key}
        Step.name Experiment.variants{key} MetricPlan.define{key} Assignment.salt Experiment.id""",
    "a name that stands elsewhere in the files": """
        Project.channels{key} Unit.source ChannelSettings.consent Defaults.holdout[] Fact.already_net_of[] Property.of
        Churn.cancelled Survival.ended Column.source TacticFields.uses[] PersonalisedEmail.personalised_by[]
        Variant.tactic Assignment.unit Assignment.source Assignment.labels{} Assignment.strata[] Rerandomise.on[]
        Assignment.cluster Slot.name Assignment.holdout[] Assignment.rules{key} AnalysisSettings.covariates[]
        AnalysisSettings.comparisons[][] Acknowledged.rule Touch.stop_when OnboardingChange.flag ChangeFields.flag
        UnitSource.keys{key} EventSource.keys{key} SpanSource.keys{key}""",
    "a column of the data, which is looked up and quoted by the engine's own rules": """
        UnitSource.keys{} UnitSource.known_from EventSource.keys{} EventSource.timestamp EventSource.id
        EventSource.properties[] Fact.column SpanSource.keys{} SpanSource.start SpanSource.end SpanSource.properties[]
        Reason.column Property.column CountDistinct.property Column.column Assignment.variant Assignment.assigned_at
        Assignment.batch FileFormat.columns{key} Unit.exclude{key} Property.where{key} Conversion.where{key}
        Retention.where{key} Churn.where{key} Count.where{key} Sum.where{key} CountDistinct.where{key}
        ActiveDays.where{key} Last.where{key} Clv.where{key} Step.where{key} Experiment.audience{key}
        Assignment.rules{}{key}""",
    "a value that is compared with the data, as that of Experiment.audience, and shown by nothing else": """
        Unit.exclude{} Property.where{} Conversion.where{} Retention.where{} Churn.where{} Count.where{} Sum.where{}
        CountDistinct.where{} ActiveDays.where{} Last.where{} Clv.where{} Step.where{} Assignment.rules{}{}""",
    "a zone or a currency": """
        Project.timezone Project.currency SourceFields.timezone Experiment.timezone Experiment.currency""",
    "a path below the project or its files": """
        SourceFields.path TacticFields.media Connection.database Connection.files Connection.temp_directory""",
    "the place of a table, a statement, or a layout, which only the engine reads": """
        SourceFields.table SourceFields.sql Property.sql FileFormat.delimiter TextColumn.format""",
    "a setting of the connection, which no output shows": """
        Connection.url Connection.master Connection.remote Connection.options{key} Connection.options{}
        Connection.memory_limit""",
}
"""Texts of the files that are not free, by what they are bound to."""
_EMPTY = """
    Estimate.detail ExperimentInfo.cluster Quantity.detail VariantVerdict.metrics[]
"""
"""Texts that the fullest result leaves empty: a reason in the place of a number, clusters in that of units, codes."""
_OF_RESULTS = """
    ExperimentInfo.title ExperimentInfo.owner ExperimentInfo.hypothesis ExperimentInfo.description
    ExperimentInfo.audience[][] ExperimentInfo.strata[] ExperimentInfo.cluster VariantInfo.title VariantInfo.tactic
    VariantInfo.description MetricInfo.title MetricInfo.description Check.details{} Estimate.detail
    Estimate.estimator CurveResult.title Quantity.detail BalanceRow.property BalanceRow.title SurvivalResult.title
    CauseRow.cause SegmentRow.dimension SegmentRow.level InteractionRow.dimension Deviation.details{}
    Provenance.config_hash Provenance.salt Provenance.manifest_digest Provenance.command Provenance.sources[][]
    Verdict.metrics[] VariantVerdict.metrics[] ExperimentInfo.words{}{}
"""


def declared(kind: Any, name: str) -> str:
    """The type that brings a field in: what many share counts once."""
    brought = (each.__name__ for each in reversed(kind.__mro__) if name in inspect.get_annotations(each))
    return str(next(brought))


def texts(hint: Any, name: str, seen: set[Any]) -> Iterator[str]:
    """Every place of a type where a text may stand: a field, the keys and the values of a mapping, items of a list."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is str or hint is Condition:
        yield name
    elif origin is Annotated:
        yield from texts(inner[0], name, seen)
    elif origin in (Union, types.UnionType):
        for each in inner:
            yield from texts(each, name, seen)
    elif origin is tuple:
        for each in inner:
            yield from texts(each, f"{name}[]", seen)
    elif origin is not None and origin is not Literal and issubclass(origin, Mapping):
        yield from texts(inner[0], f"{name}{{key}}", seen)
        yield from texts(inner[1], f"{name}{{}}", seen)
    elif is_dataclass(hint) and hint not in seen and not hasattr(hint, "examples"):
        seen.add(hint)
        for item in fields(hint):
            inside = get_type_hints(hint, include_extras=True)[item.name]
            yield from texts(inside, f"{declared(hint, item.name)}.{item.name}", seen)


def held(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Every text of a value with its place."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Condition):
        yield from ((name, str(each)) for each in value.any_of)
    elif isinstance(value, tuple):
        for each in value:
            yield from held(each, f"{name}[]")
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from held(key, f"{name}{{key}}")
            yield from held(each, f"{name}{{}}")
    elif is_dataclass(value) and not isinstance(value, type):
        for item in fields(value):
            yield from held(getattr(value, item.name), f"{declared(type(value), item.name)}.{item.name}")


def test_every_text_of_a_file_is_free_or_bound() -> None:
    seen: set[Any] = set()
    roots = (Project, Source, Property, Metric, Tactic, Experiment)
    found = {place for root in roots for place in texts(root, "", seen)}
    bound = [place for listed in BOUND.values() for place in listed.split()]
    assert len(set(bound)) == len(bound)
    assert not FREE & set(bound)
    assert found == FREE | set(bound)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """The hostile project as it is read."""
    return config.load_catalogue(hostile_project(tmp_path_factory.mktemp("hostile"), Words(0)))


def test_every_free_text_is_tried(catalogue: Catalogue) -> None:
    """The project that goes through every command has hostile words in each of them."""
    studies = [config.load_study(catalogue, slug) for slug in catalogue.slugs]
    named = (catalogue.sources, catalogue.properties, catalogue.metrics, catalogue.tactics)
    roots = [catalogue.project, *(each for group in named for each in group.values())]
    tried = {
        place
        for root in [*roots, *(study.experiment for study in studies)]
        for place, text in held(root, "")
        if "item" in text and len(text) > len("item999x") + 2
    }
    assert not FREE - tried


def test_every_text_of_a_result_is_a_code_or_is_tried(voucher: Analysis) -> None:
    """Whatever is not among the codes is replaced by hostile words where it stands; so it has to stand somewhere."""
    found = set(texts(Analysis, "", set()))
    free = {place for place in found if place.partition(".")[2].strip("[]{}") not in CODES and "{key}" not in place}
    assert free == set(_OF_RESULTS.split())
    keys = {place for place in found if "{key}" in place}
    assert keys == {"Check.details{key}", "Deviation.details{key}", "Decomposition.intervals{key}"} | {
        "ExperimentInfo.words{key}",
        "ExperimentInfo.words{}{key}",
    }
    assert SAID_OF_CHECKS.isdisjoint({"labels", "batch", "batch_last", "segment", "property"})
    full = with_found(fuller.fuller(voucher))
    empty = free - {place for place, text in held(full, "") if text}
    assert empty == set(_EMPTY.split())
