"""results.json: examples from a real document, and what its fields without a docstring mean."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from docs.schema_maker.samples import keys, of_words

from holdfast.model.found import Quantity
from holdfast.model.result import Analysis, MetricInfo

TEXTS: Mapping[str, str] = {
    "schema": "The shape of this document, and its version.",
    "as_of": "Everything strictly before 00:00 of this date was read.",
    "Analysis.experiment": "The experiment as the report tells it.",
    "Analysis.plan": "What was planned.",
    "Analysis.variants": "The variants, control included.",
    "Analysis.metrics": "The metrics that were planned.",
    "Analysis.checks": "The health checks.",
    "checks": "The health checks.",
    "BalanceRow.kind": "Whether it is a number, or a text or flag.",
    "levels": "What each variant reached on each metric.",
    "estimates": "One row for each contrast of each metric between two variants.",
    "curves": "Retention curves.",
    "decomposition": "Where a change in revenue per unit comes from.",
    "money": "What shipping would be worth each time.",
    "verdict": "What to do.",
    "deviations": "How the analysis differs from what was locked before it.",
    "provenance": "What it takes to get the same numbers again.",
    "details": "Figures for the sentence in the report.",
    "status": "How it came out.",
    "id": "Which one it is.",
    "metric": "The metric's key.",
    "variant": "The variant's key.",
    "baseline": "The variant that it is compared with.",
    "role": "The metric's part in the decision.",
    "se": "The standard error.",
    "estimate": "The estimated effect.",
    "upper": "Upper end of the nominal interval, not corrected.",
    "confidence": "The confidence of the nominal interval.",
    "upper_adjusted": "Upper end of the corrected interval.",
    "confidence_adjusted": "The confidence of the corrected interval.",
    "p_adjusted": "Two-sided, corrected.",
    "n": "Units of the variant that count.",
    "n_baseline": "Units of the baseline that count.",
    "CurvePoint.first_day": "First day of the period since assignment.",
    "rate": "Share of the units at risk that were active.",
    "lower": "Lower end of the interval.",
    "CurvePoint.upper": "Upper end of the interval.",
    "Projection.upper": "Upper end of the interval, in the currency.",
    "Projection.lower": "Lower end of the interval, in the currency.",
    "title": "Words for the report.",
    "points": "The points of all variants.",
    "change_share_active": "Change of the share of active units, relative to the baseline.",
    "change_per_active": "Change of the denominator per active unit, relative to the baseline.",
    "change_ratio": "Change of the ratio, relative to the baseline.",
    "customers": "How many customers it would reach each time.",
    "every_days": "How often, in days.",
    "Projection.value": "The effect times the customers, in the currency.",
    "currency": "Three-letter code of the currency.",
    "recommendation": "What to do.",
    "by_variant": "The recommendation for each variant.",
    "key": "The name in the files.",
    "is_control": "Whether the others are compared with it.",
    "weight": "Its share of the units, relative to the other weights.",
    "assigned": "How many units were assigned to it.",
    "tactic_type": "The tactic's type; none for a control that gets nothing.",
    "description": "Background for the reader.",
    "trio": "Which of retention, churn and average order value it is here.",
    "operation": "How one number per unit is obtained.",
    "family": "Which statistics apply: of a share, a mean or a ratio.",
    "direction": "Which way is better.",
    "first_day": "The first day of the window since assignment.",
    "clock": "Whether days are 24-hour steps from assignment, or local dates.",
    "tolerate": "For guardrails: the tolerated harm as it was written.",
    "winsorize": "The percentile of the cap, where there is one.",
    "slug": "The experiment's folder.",
    "owner": "Who answers for it.",
    "hypothesis": "What was expected to happen, and why.",
    "version": "The version of the experiment.",
    "enrolled_from": "The first day of enrolment.",
    "observed_from": "The first day that the outcomes cover, where it is known.",
    "observed_until": "The day after the last that the outcomes cover.",
    "timezone": "The zone of the dates.",
    "language": "Language of the report.",
    "business": "The kind of business, which sets the words of the report.",
    "stages": "Where in the customer's life the tactics work.",
    "churn_drivers": "Which reasons for leaving the tactics are meant to remove.",
    "primary": "The metric that decides.",
    "expect": "The smallest effect worth having, as it was written.",
    "looks": "How often the experiment may be read.",
    "fdr": "The false discovery rate over the secondary metrics.",
    "policy": "The rule that turns results into a recommendation.",
    "readout": "The first date on which every window has closed.",
    "readout_metric": "The metric that sets the readout.",
    "interim": "Whether this is a look before the readout.",
    "comparisons": "Pairs of variants that are compared: variant, baseline.",
    "not_measured": "Why a metric of the trio cannot be had.",
    "AskedReading.metric": "The metric that is read.",
    "config_hash": "SHA-256 of all that the experiment resolved to.",
    "holdfast": "The version of Holdfast.",
    "engine": "The engine and its version.",
    "hash_version": "The version of the assignment hash.",
    "salt": "The text that made the draw.",
    "manifest_digest": "SHA-256 of the manifest.",
    "command": "The command that gives these numbers again.",
    "statements": "How many statements the engine ran.",
}
"""Meanings by `Class.field`, or by the field's name alone."""


def text_of(owner: type[Any] | None, field: str) -> str:
    """The meaning of a field of results.json; its own name in words where nothing else is said."""
    words = field.replace("_", " ")
    return next((TEXTS[key] for key in keys(owner, field) if key in TEXTS), words[0].upper() + words[1:] + ".")


def examples_from(documents: list[Path]) -> Callable[[type[Any] | None, str, Any], list[Any]]:
    """Examples of each field, as they stand in real documents."""
    found: dict[str, Any] = {}
    for document in documents:
        for key, value in _values(Analysis, json.loads(document.read_text(encoding="utf-8"))):
            if key not in found or found[key] in (None, [], {}, ""):
                found[key] = value

    def examples(owner: type[Any] | None, field: str, hint: Any) -> list[Any]:
        seen = [found[key] for key in keys(owner, field)[:-1] if key in found]
        own = _short(seen[0]) if seen else None
        return [own] if own not in (None, [], {}, "") else of_words(hint) or _plain(hint)

    return examples


_METRIC = MetricInfo(
    key="orders", title="Orders", description="", role="secondary", trio=None, operation="count", family="mean",
    direction="increase", unit=None, first_day=0, end_day=90, clock="calendar", tolerate=None, winsorize=None, cap=None,
)  # fmt: skip


def plain_examples(_owner: type[Any] | None, _field: str, hint: Any) -> list[Any]:
    """Examples of documents that commands print: what the type alone gives."""
    return of_words(hint) or _plain(hint)


def _plain(hint: Any) -> list[Any]:
    """A value of a plain type, for fields that no document fills."""
    kinds: dict[Any, Any] = {str: "text", int: 0, float: 0.5}
    if hint is Quantity:
        return [asdict(Quantity(estimate=1.5, lower=0.5, upper=2.5))]
    if hint is MetricInfo:
        return [asdict(_METRIC)]
    if get_origin(hint) in (tuple, Mapping):
        return [[] if get_origin(hint) is tuple else {}]
    return [next((kinds[kind] for kind in (hint, *get_args(hint)) if kind in kinds), None)]


def _short(value: Any) -> Any:
    """An example small enough to read: one item of a list."""
    return value[:1] if isinstance(value, list) else value


def _values(owner: type[Any], document: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(document, dict):
        return
    for name, hint in get_type_hints(owner).items():
        if name in document:
            yield f"{owner.__name__}.{name}", document[name]
            inner = next((item for item in (hint, *get_args(hint)) if is_dataclass(item)), None)
            for item in document[name] if isinstance(document[name], list) else [document[name]]:
                if isinstance(inner, type):
                    yield from _values(inner, item)
