"""What somebody asks of one table: metrics as short texts such as `conversion:bought`, and the parts that they have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Literal, NoReturn

from holdfast.errors import UsageError, nearest
from holdfast.model.values import Effect, Share

Form = Literal["conversion", "mean", "sum", "ratio"]
Missing = Literal["error", "zero", "exclude"]
FORMS: Mapping[str, Form] = {
    "conversion": "conversion",
    "mean": "mean",
    "sum": "sum",
    "total": "sum",
    "ratio": "ratio",
}
"""Every word that a metric may begin with; sum and total are the same: per unit, with nothing counting as zero."""
MISSING: tuple[Missing, ...] = ("error", "zero", "exclude")
_CURRENCY = re.compile(r"[A-Z]{3}")
_LONGEST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a table, as it was written."""

    variant: str
    """The column that says who got what."""
    control: str
    """The value in it that the others are compared with."""
    metrics: Sequence[str]
    """Such as conversion:bought, mean:minutes, sum:revenue, ratio:revenue/orders; the first decides."""
    unit: str | None = None
    """The column that identifies a unit; None or `row`: each row is one."""
    primary: str | None = None
    """The metric that decides, where it is not the first."""
    guardrails: Mapping[str, str] = field(default_factory=dict)
    """Metric to the harm that is tolerated."""
    lower_is_better: Sequence[str] = ()
    """Metrics of which less is better."""
    money: Sequence[str] = ()
    """Metrics that are money."""
    covariates: Sequence[str] = ()
    cluster: str | None = None
    segments: Sequence[str] = ()
    weights: Mapping[str, float | int | str] = field(default_factory=dict)
    """Value of the variant column to its planned share, as numbers relative to each other; empty: equal."""
    missing: str = "error"
    """What an empty value of a metric means."""
    empty: Sequence[str] = ()
    """Words of a text file that stand for no value, such as NA."""
    decimal: str | None = None
    """The decimal mark of a text file, comma or point; None: its values tell."""
    encoding: str | None = None
    """How a text file is written, where that is not UTF-8."""
    winsorize: Mapping[str, str] = field(default_factory=dict)
    """Metric to the percentile of its positive values that it is capped at."""
    currency: str | None = None
    expect: str | None = None
    """The smallest effect on the primary metric that is worth having."""
    title: str | None = None
    owner: str | None = None
    unit_name: str | None = None
    as_of: str | None = None
    language: str = "en"
    """Of the report."""
    typed: bool = False
    """Whether it was typed as a command: messages then name its options."""

    def option(self, name: str, value: str = "") -> str:
        """How an option is written by whoever asked."""
        if self.typed:
            return f"--{name.replace('_', '-')} {value}".rstrip()
        return f'{name}="{value}"' if value else name


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedMetric:
    """One metric whose columns are known."""

    text: str
    """As it was written."""
    form: Form
    columns: tuple[str, ...]
    """The column, or numerator and denominator."""
    key: str
    """Its name in results: plain letters, digits and underscores."""
    role: Literal["primary", "secondary", "guardrail"] = "secondary"
    lower: bool = False
    """Whether less is better."""
    money: bool = False
    tolerate: Effect | None = None
    winsorize: Share | None = None

    @property
    def title(self) -> str:
        """Its columns by their own names."""
        return "/".join(self.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question whose names are all known."""

    question: Question
    unit: str | None
    metrics: tuple[AskedMetric, ...]
    """The primary first."""
    expect: Effect | None
    missing: Missing

    @property
    def primary(self) -> AskedMetric:
        return self.metrics[0]

    @property
    def measured(self) -> tuple[str, ...]:
        """The columns that metrics measure."""
        return tuple(dict.fromkeys(column for metric in self.metrics for column in metric.columns))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read."""
        question = self.question
        single = [name for name in (self.unit, question.variant, question.cluster) if name is not None]
        return tuple(dict.fromkeys([*single, *self.measured, *question.covariates, *question.segments]))

    @property
    def numbers(self) -> tuple[str, ...]:
        """Columns that are numbers, or may be: measured or adjusted for."""
        return tuple(dict.fromkeys([*self.measured, *self.question.covariates]))

    @property
    def texts(self) -> tuple[str, ...]:
        """Columns whose values are names, to be kept as they are written."""
        question = self.question
        names = [self.unit, question.variant, question.cluster, *question.segments]
        numbers = {*self.measured, *question.covariates}
        return tuple(dict.fromkeys(name for name in names if name is not None and name not in numbers))


def understood(question: Question, columns: Sequence[str], where: str, *, told: bool = True) -> Asked:
    """The question with every name found among the columns of a table.

    Args:
        question: as it was written.
        columns: of the table.
        where: what the table is called in messages.
        told: whether all columns may be named in messages; of a text file only near ones: without a header its first
            line holds data.

    Raises:
        UsageError: a column or metric is not there, with the nearest one, or the parts do not go together.
    """
    names = _Columns(tuple(columns), where, told)
    unit = None if question.unit == "row" and "row" not in columns else question.unit
    for part, name in (("unit", unit), ("variant", question.variant), ("cluster", question.cluster)):
        if name is not None:
            names.require(name, question.option(part))
    for part, several in (("covariate", question.covariates), ("segment", question.segments)):
        for name in several:
            names.require(name, question.option(part if question.typed else f"{part}s"))
    metrics = _metrics(question, names)
    _refuse_overlap(question, unit, metrics)
    metrics = _with_roles(question, metrics)
    if question.decimal not in {None, ",", "."}:
        raise UsageError(f'{question.option("decimal")}: "{question.decimal}" is no decimal mark; write "," or "."')
    if question.missing not in MISSING:
        raise UsageError(f'missing is one of {", ".join(MISSING)}, not "{question.missing}"{_near(question.missing)}')
    expect = _effect(question, question.expect, metrics[0], "expect") if question.expect is not None else None
    return Asked(question=question, unit=unit, metrics=metrics, expect=expect, missing=question.missing)


def plain_key(words: str, taken: Iterable[str], otherwise: str) -> str:
    """A name of plain letters, digits and underscores that is not taken; the fallback where the words have others."""
    lost = any(letter.isalnum() and not letter.isascii() for letter in words)
    plain = re.sub(r"[^A-Za-z0-9]+", "_", words).strip("_")[:_LONGEST].strip("_")
    base = plain if plain and not lost and plain[0].isalpha() else f"{otherwise}_{plain}" if plain and not lost else ""
    known = {name.casefold() for name in taken}
    candidates = (base or f"{otherwise}_1", *(f"{base or otherwise}_{number}" for number in range(2, 1000)))
    return next(name for name in candidates if name.casefold() not in known)


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of the table, and how they are asked for."""

    names: tuple[str, ...]
    where: str
    told: bool

    def require(self, name: str, asked_by: str) -> None:
        if name not in self.names:
            hint = nearest(name, self.names)
            hint = hint if self.told else hint.partition(" (known:")[0]
            raise UsageError(f'{self.where}: no column "{name}"{hint}; {asked_by} names it')

    def pair(self, text: str) -> tuple[str, str] | None:
        """The two columns of a ratio; a slash may stand in their names too."""
        splits = [(text[:at], text[at + 1 :]) for at, letter in enumerate(text) if letter == "/"]
        return next((pair for pair in splits if pair[0] in self.names and pair[1] in self.names), None)


def _metrics(question: Question, names: _Columns) -> tuple[AskedMetric, ...]:
    """Every metric as it was written, with its columns."""
    option = question.option("metric" if question.typed else "metrics")
    if not question.metrics:
        raise UsageError(
            f"nothing is measured: name a metric, such as {question.option('metric', 'conversion:bought')}"
        )
    found: list[AskedMetric] = []
    for text in question.metrics:
        word, colon, rest = text.partition(":")
        form = FORMS.get(word)
        if form is None or not colon or not rest:
            raise UsageError(_not_a_metric(text, word, names))
        columns: tuple[str, ...] = (rest,)
        if form == "ratio":
            pair = names.pair(rest)
            columns = pair or _refuse_ratio(text, rest, names, option)
        for column in columns:
            names.require(column, f"{option} {text}")
        if any((form, columns) == (other.form, other.columns) for other in found):
            raise UsageError(f"{text} is asked for twice; name it once")
        key = plain_key("_per_".join(columns), [other.key for other in found], "metric")
        found.append(AskedMetric(text=text, form=form, columns=columns, key=key))
    return tuple(found)


def _not_a_metric(text: str, word: str, names: _Columns) -> str:
    if text in names.names:
        return f'"{text}" is a column; say what to make of it: conversion:{text}, mean:{text} or sum:{text}'
    close = get_close_matches(word, FORMS, n=1)
    hint = f', did you mean "{close[0]}:..."?' if close else ""
    return (
        f'"{text}" is not a metric{hint}; write conversion:bought, mean:minutes, sum:revenue or ratio:revenue/orders, '
        "with columns of the table"
    )


def _refuse_ratio(text: str, rest: str, names: _Columns, option: str) -> NoReturn:
    """Say which of the two columns is not there."""
    top, slash, bottom = rest.partition("/")
    if not slash or not top or not bottom:
        raise UsageError(f'"{text}" is not a ratio; write two columns, such as ratio:revenue/orders')
    for column in (top, bottom):
        names.require(column, f"{option} {text}")
    raise UsageError(f'"{text}" may be split in several ways, and none of them is two columns')


def _refuse_overlap(question: Question, unit: str | None, metrics: Sequence[AskedMetric]) -> None:
    """A column is one thing: an outcome is nothing that was known before, and neither is the variant."""
    measured = {column for metric in metrics for column in metric.columns}
    parts = {"the variant": question.variant, "the unit": unit, "the cluster": question.cluster}
    for part, name in parts.items():
        if name is not None and name in {*measured, *question.covariates}:
            raise UsageError(f'"{name}" is {part}, so it is neither measured nor adjusted for; name another column')
    if question.variant in {unit, question.cluster, *question.segments}:
        raise UsageError(f'"{question.variant}" is the variant and something else; name another column for one of them')
    if unit is not None and unit in {question.cluster, *question.segments}:
        raise UsageError(f'"{unit}" identifies a unit, so it is no cluster and no segment; name another column')
    for name in (*question.covariates, *question.segments):
        if name in measured:
            raise UsageError(
                f'"{name}" is measured, and what is adjusted for or compared within must have been known before the '
                "start; name another column"
            )
    if question.cluster is not None and question.covariates:
        raise UsageError("estimates of clusters are not adjusted for covariates; leave out one of the two")


def _with_roles(question: Question, metrics: tuple[AskedMetric, ...]) -> tuple[AskedMetric, ...]:
    """The metrics, the primary first, each with its part in the decision."""
    primary = _one(question, metrics, question.primary, "primary") if question.primary else metrics[0]
    lower = {_one(question, metrics, name, "lower_is_better").key for name in question.lower_is_better}
    money = {_one(question, metrics, name, "money").key for name in question.money}
    _check_currency(question)
    made = {metric.key: replace(metric, lower=metric.key in lower, money=metric.key in money) for metric in metrics}
    for metric in made.values():
        if metric.money and metric.form == "conversion":
            raise UsageError(f"{metric.text} is a share, and no money")
    for name, text in question.guardrails.items():
        metric = made[_one(question, metrics, name, "guardrail").key]
        if metric.key == primary.key:
            raise UsageError(f"{metric.text} decides already, so it is no guardrail; name another one")
        effect = _effect(question, text, metric, "guardrail")
        if effect.value <= 0:
            raise UsageError(f"{metric.text}: the harm that is tolerated is above zero, such as 1%")
        made[metric.key] = replace(
            metric, role="guardrail", tolerate=effect, money=metric.money or effect.unit == question.currency
        )
    for name, text in question.winsorize.items():
        metric = made[_one(question, metrics, name, "winsorize").key]
        made[metric.key] = replace(metric, winsorize=_percentile(question, text, metric))
    first = replace(made.pop(primary.key), role="primary")
    if question.expect is not None:
        effect = _effect(question, question.expect, first, "expect")
        first = replace(first, money=first.money or effect.unit == question.currency)
    return (first, *made.values())


def _one(question: Question, metrics: Sequence[AskedMetric], name: str, option: str) -> AskedMetric:
    """The metric that a text names: as it was written, by its columns or by its key."""
    for names in (
        [metric.text for metric in metrics],
        [metric.text.partition(":")[2] for metric in metrics],
        [metric.key for metric in metrics],
    ):
        found = [metric for metric, each in zip(metrics, names, strict=True) if each == name]
        if len(found) > 1:
            raise UsageError(f'"{name}" may be {" or ".join(metric.text for metric in found)}; write one of them')
        if found:
            return found[0]
    known = [metric.text for metric in metrics]
    raise UsageError(f'{question.option(option)}: there is no metric "{name}"{nearest(name, known)}; ask for it too')


def _check_currency(question: Question) -> None:
    if question.currency is not None and not _CURRENCY.fullmatch(question.currency):
        raise UsageError(f'"{question.currency}" is not a currency; write its three letters, such as JPY or EUR')
    if question.money and question.currency is None:
        raise UsageError(f"say which currency the money is in: {question.option('currency', 'JPY')}")


def _effect(question: Question, text: str, metric: AskedMetric, option: str) -> Effect:
    """A size of effect that fits its metric."""
    try:
        effect = Effect.parse(text)
    except ValueError as error:
        raise UsageError(f"{question.option(option)}: {error}") from error
    own = "pt" if metric.form == "conversion" else question.currency
    choices = [own, "%"] if own else ["%"]
    if effect.unit not in choices:
        examples = {"pt": "0.5pt", "%": "3%"}
        listed = " or ".join(examples.get(unit, f"80 {unit}") for unit in choices)
        hint = "" if metric.form == "conversion" or question.currency else "; for money say the currency too"
        raise UsageError(f"{question.option(option)}: {effect} does not fit {metric.text}: write {listed}{hint}")
    return effect


def _percentile(question: Question, text: str, metric: AskedMetric) -> Share:
    """A percentile that a metric can be capped at."""
    if metric.form not in {"mean", "sum"}:
        raise UsageError(f"{question.option('winsorize')}: {metric.text} has no values to cap; name a mean or a sum")
    try:
        share = Share.parse(text)
    except ValueError as error:
        raise UsageError(f"{question.option('winsorize')}: {error}") from error
    if not 0.5 <= float(share) < 1:
        raise UsageError(f"{question.option('winsorize')}: {share} is no cap; write 50% to 99.99%, such as 99.9%")
    return share


def _near(word: str) -> str:
    close = get_close_matches(word, MISSING, n=1)
    return f', did you mean "{close[0]}"?' if close else ""
