"""The study that a question about one table makes, and what makes its values unfit for it."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal, cast

from holdfast import config
from holdfast.errors import DataError, UsageError, nearest
from holdfast.model.experiment import (
    AnalysisSettings,
    Assignment,
    Experiment,
    Guardrail,
    MetricPlan,
    NotMeasured,
    Observed,
    Variant,
)
from holdfast.model.metric import TRIO, Column, ColumnMetric, Metric, RatioMetric
from holdfast.model.project import Project
from holdfast.model.source import UnitSource
from holdfast.model.study import Study
from holdfast.model.tactic import NOT_SAID
from holdfast.model.values import MetricRef
from holdfast.model.words import Language
from holdfast.project.question import Asked, AskedMetric, plain_key
from holdfast.warehouse.handed import TABLE, ColumnState, HandedOver
from holdfast.warehouse.written import NO_VALUE

SOURCE = "data"
"""The name of the only source."""
_NO_CURRENCY = "XXX"
"""The code of ISO 4217 for no currency."""
_LARGEST_WEIGHT = 10**9


def refuse(asked: Asked, found: HandedOver) -> None:
    """Refuse a table whose values cannot answer the question.

    Raises:
        DataError: with counts, and what to do; never with a value that could identify somebody.
        UsageError: control is no value of the variant column, with the nearest one.
    """
    if not found.rows:
        raise DataError("the table has no rows")
    if found.without_unit:
        raise DataError(
            f'column "{asked.unit}": {found.without_unit:,} of {found.rows:,} rows have no value, and each row stands '
            "for a unit; correct the data"
        )
    if found.units is not None and found.units < found.rows:
        option = asked.question.option("unit", "row") if asked.question.typed else "unit=None"
        raise DataError(
            f'column "{asked.unit}": {found.rows - found.units:,} of {found.rows:,} rows repeat a unit; give one row a '
            f"unit (sum or count its rows first), or say {option} if each row is a unit of its own"
        )
    _refuse_labels(asked, found)
    for metric in asked.metrics:
        for column in metric.columns:
            _refuse_values(asked, metric, column, found)
    for column in asked.question.covariates:
        _refuse_covariate(asked, column, found)


def _refuse_covariate(asked: Asked, column: str, found: HandedOver) -> None:
    """A covariate holds numbers or texts, and numbers do not stand there as texts."""
    state = found.columns[column]
    if not state.is_number and state.kind not in {"text", "nothing"}:
        raise DataError(f'column "{column}" holds {state.words}; estimates are adjusted for numbers and texts')
    if state.not_finite:
        raise DataError(_wild(f'column "{column}"', state, found))
    if state.sight is not None and state.sight.numbers > state.sight.others:
        raise DataError(f'column "{column}"{_of_text(asked, column, state)}')


def _wild(head: str, state: ColumnState, found: HandedOver) -> str:
    return (
        f"{head}: {state.not_finite:,} of {found.rows:,} values are infinite or no number; correct the data, or "
        "leave them empty"
    )


def _of_text(asked: Asked, column: str, state: ColumnState) -> str:
    """What to say of text where numbers are wanted: its shape, and never a value."""
    seen, typed = state.sight, asked.question.typed
    if seen is None:
        return f" holds {state.words}, not numbers; correct the data, or name another column"
    if not seen.others:
        how = "" if typed else f': frame["{column}"].astype(float)'
        return f" holds numbers that are written as text; make them numbers{how}"
    if seen.is_word:
        how = f"say so: {asked.question.option('empty', shlex.quote(seen.seen))}" if typed else "leave it empty"
        return (
            f" holds text, not numbers: {seen.others:,} of {state.filled:,} values are no numbers, such as "
            f'"{seen.seen}"; if that word stands for no value, {how}'
        )
    return (
        f" holds text, not numbers: {seen.others:,} of {state.filled:,} values are no numbers and look like "
        f'"{seen.seen}" (9 stands for any digit, A and a for letters); correct the data, or name another column'
    )


def typed_for_nothing(label: str) -> bool:
    """Whether a label is a word that often stands for no value."""
    return label.upper() in NO_VALUE


def _refuse_labels(asked: Asked, found: HandedOver) -> None:
    """The values of the variant column name a few groups, control among them."""
    column = f'column "{asked.question.variant}"'
    labels = [label for label, _ in found.labels]
    rows = sum(n for _, n in found.labels)
    if found.many_labels or (len(labels) == rows and rows > 2):
        raise DataError(f"{column} has too many values to say who got what; name another one")
    if not labels:
        raise DataError(f"{column} has no value on any row")
    if _control(asked, found) is None:
        like_ids = rows < 2 * len(labels) or any("@" in label for label in labels)
        hint = "" if like_ids else nearest(asked.question.control, labels)
        raise UsageError(f'{column}: no row has the control "{asked.question.control}"{hint}')
    if len(labels) == 1:
        raise DataError(f"{column} has one value only: there is nothing to compare control with")


def _control(asked: Asked, found: HandedOver) -> str | None:
    """The value of control as the engine writes it: a true of Python's is a small one there, and 1 may be 1.0."""
    labels = {label for label, _ in found.labels}
    text = asked.question.control
    return next((each for each in (text, text.lower(), f"{text}.0") if each in labels), None)


def _refuse_values(asked: Asked, metric: AskedMetric, column: str, found: HandedOver) -> None:
    """The values of a measured column are numbers, and fit its metric."""
    state = found.columns[column]
    head = f'{metric.text}: column "{column}"'
    if not state.filled:
        raise DataError(f"{head} has no value on any row")
    if not state.is_number:
        yes_or_no = metric.form == "conversion" and not (state.sight and state.sight.is_word)
        hint = "; a yes or no is written 1 or 0, or true or false" if yes_or_no else ""
        raise DataError(f"{head}{_of_text(asked, column, state)}{hint}")
    if state.not_finite:
        raise DataError(_wild(head, state, found))
    if state.beyond:
        raise DataError(
            f"{head} holds whole numbers beyond 9,007,199,254,740,992, whose last digits no average keeps; is it "
            "an id? Name another column, or divide it first"
        )
    if metric.form == "conversion" and not state.binary:
        raise DataError(
            f"{head} holds other values than 0 and 1, so it is no conversion; write mean:{column} or sum:{column}"
        )
    empty = found.rows - state.filled
    if empty and metric.form != "sum" and asked.missing == "error":
        question = asked.question
        raise DataError(
            f"{head}: {empty:,} of {found.rows:,} rows have no value; say what that means with "
            f"{question.option('missing', 'zero')} (nothing happened) or {question.option('missing', 'exclude')} "
            "(not known: left out, and counted in the report)"
        )


def study_of(asked: Asked, found: HandedOver, slug: str, day: dt.date) -> Study:
    """The study that a question is, about the table that was found; read as of a day."""
    question = asked.question
    metrics = {metric.key: _metric(metric, asked, found) for metric in asked.metrics}
    study = Study(
        slug=slug,
        project=Project(
            schema_version=1,
            project="one-table",
            timezone="UTC",
            currency=question.currency or _NO_CURRENCY,
            language=cast("Language", question.language),
        ),
        experiment=_experiment(asked, found, metrics, day),
        sources={SOURCE: _source(asked)},
        properties={},
        segments={},
        metrics=metrics,
        tactics={},
        config_hash="",
        origins={},
        root=Path.cwd(),
        files=None,
    )
    study = replace(study, experiment=replace(study.experiment, title=question.title or slug))
    return replace(study, config_hash=config.config_hash(study), cosmetic_hash=config.cosmetic_hash(study))


def _source(asked: Asked) -> UnitSource:
    return UnitSource(
        grain="unit",
        table=TABLE,
        keys={"unit": asked.unit} if asked.unit is not None else {},
        row=asked.unit is None,
        properties=tuple(dict.fromkeys([*asked.question.covariates, *asked.question.segments])),
    )


def _experiment(asked: Asked, found: HandedOver, metrics: Mapping[str, Metric], day: dt.date) -> Experiment:
    question = asked.question
    variants, labels = _variants(asked, found)
    guardrails = [(each.key, each.tolerate) for each in asked.metrics if each.tolerate is not None]
    return Experiment(
        owner=question.owner or "",
        hypothesis="",
        unit_name=question.unit_name or "unit",
        variants=variants,
        metrics=MetricPlan(
            primary=MetricRef(asked.primary.key),
            secondary=tuple(MetricRef(each.key) for each in asked.metrics if each.role == "secondary"),
            guardrails=tuple(Guardrail(metric=MetricRef(key), tolerate=tolerate) for key, tolerate in guardrails),
            trio={name: NotMeasured(not_measured="") for name in _TRIO},
            define=metrics,
        ),
        assignment=Assignment(
            method="external", source=SOURCE, variant=question.variant, labels=labels, cluster=question.cluster
        ),
        analysis=AnalysisSettings(
            expect=asked.expect, covariates=tuple(question.covariates), segments=tuple(question.segments)
        ),
        observed=Observed(until=day),
    )


_TRIO: tuple[Literal["retained", "churned", "average_order_value"], ...] = (
    "retained",
    "churned",
    "average_order_value",
)
assert TRIO == _TRIO


def _variants(asked: Asked, found: HandedOver) -> tuple[dict[str, Variant], dict[str, str]]:
    """The variants, control first, and the value in the data that each stands for."""
    control = _control(asked, found)
    ordered = sorted((label for label, _ in found.labels), key=lambda label: (label != control, label))
    weights = _weights(asked, ordered)
    variants: dict[str, Variant] = {}
    labels: dict[str, str] = {}
    for label in ordered:
        key = plain_key(label, variants, "variant")
        labels[label] = key
        variants[key] = Variant(
            weight=weights[label], tactic=NOT_SAID, is_control=label == control, title=label.strip() or "(blank)"
        )
    return variants, labels


def _weights(asked: Asked, labels: list[str]) -> dict[str, int]:
    """The planned share of each value, as whole numbers relative to each other; equal where nothing was said."""
    given = asked.question.weights
    if not given:
        return dict.fromkeys(labels, 1)
    option = asked.question.option("weight" if asked.question.typed else "weights")
    for label in given:
        if label not in labels:
            raise UsageError(f'{option}: no row has the variant "{label}"{nearest(label, labels)}')
    if lacking := [label for label in labels if label not in given]:
        raise UsageError(f'{option}: say the share of "{lacking[0]}" too, or of no variant')
    exact = {label: _number(option, value) for label, value in given.items()}
    digits = max(-int(value.normalize().as_tuple().exponent) for value in exact.values())
    whole = {label: int(value * Decimal(10) ** max(digits, 0)) for label, value in exact.items()}
    if max(whole.values()) > _LARGEST_WEIGHT:
        raise UsageError(f"{option}: write shares with fewer digits, such as 1 and 2, or 0.35 and 0.65")
    return whole


def _number(option: str, value: float | int | str) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal(0)
    if not number.is_finite() or number <= 0:
        raise UsageError(f'{option}: "{value}" is not a share; write numbers above zero, such as 1 and 2')
    return number


def _metric(metric: AskedMetric, asked: Asked, found: HandedOver) -> Metric:
    """A metric over columns of the table."""
    twice = [other.title for other in asked.metrics].count(metric.title) > 1
    title = f"{metric.title} ({metric.form})" if twice else metric.title
    direction: Literal["increase", "decrease"] = "decrease" if metric.lower else "increase"
    unit = asked.question.currency if metric.money else None
    parts = list(_parts(metric, asked, found))
    if metric.form == "ratio":
        return RatioMetric(
            operation="ratio",
            numerator=parts[0],
            denominator=parts[1],
            title=title,
            desired_change=direction,
            unit_of_measure=unit,
        )
    (part,) = parts
    return ColumnMetric(
        operation="column",
        column=part.column,
        kind=part.kind,
        nulls=part.nulls,
        scale=part.scale,
        winsorize=metric.winsorize,
        title=title,
        desired_change=direction,
        unit_of_measure=unit,
    )


def _parts(metric: AskedMetric, asked: Asked, found: HandedOver) -> Iterator[Column]:
    nulls = "zero" if metric.form == "sum" else asked.missing
    for column in metric.columns:
        yield Column(
            operation="column",
            column=column,
            kind={"conversion": "proportion", "ratio": "auto"}.get(metric.form, "mean"),  # type: ignore[arg-type]
            nulls=nulls,
            scale=_scale(found.columns[column]),
        )


def _scale(state: ColumnState) -> int | Literal["float"]:
    return "float" if state.digits is None else state.digits
