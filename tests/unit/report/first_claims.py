"""What the first screen has to say: each claim is a section with a line or a row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from holdfast.model.found import Quantity
from holdfast.model.result import Check, Decomposition, Estimate, MetricInfo, VariantInfo
from holdfast.report.words import LANGUAGES, catalogue
from tests.unit.report.health_claims import split, weights
from tests.unit.report.printed import Day, Number, P, Told
from tests.unit.report.telling import DASH, TRIO, Claim, Words, cased, last
from tests.unit.report.verdict_claims import alerts

_NAMED = 4
"""Metrics that cannot be told are named on the first screen as far as they are few."""


def first_screen(words: Words) -> Iterator[Claim]:
    """All lines and rows of the first screen that hold a number."""
    analysis, interim = words.analysis, words.analysis.plan.interim
    for line in (*alerts(words), _who(words), *(_variant(words, info) for info in words.ordered)):
        yield "", line
    for info in words.closed:
        key = "who.closed_used" if info.assigned else "who.closed"
        yield "", words.say(key, variant=words.name(info.key), count=words.counted("counter", info.assigned))
    if not interim:
        yield from (("", line) for info in words.treated for line in _table(words, info))
        yield from _listed(words, "decomposition", _decomposition(words))
        yield from _listed(
            words, "harm", [_harm(words, key.key, info) for key in words.metrics("guardrail") for info in words.treated]
        )
        yield from _listed(words, "cost", list(_costs(words)))
    yield "", words.row([words.words("heading.trust"), *_trust(words)])
    yield "", words.row([words.words("heading.unknown"), *_unknown(words)])
    yield "", words.row([words.words("heading.next"), _next(words)])
    assert analysis.variants


def _listed(words: Words, heading: str, lines: list[Told]) -> Iterator[Claim]:
    """One line behind its heading, or a list below it."""
    for line in lines:
        yield "", words.row([words.words(f"heading.{heading}"), line]) if len(lines) == 1 else line


def _who(words: Words) -> Told:
    info = words.analysis.experiment
    total = sum(each.assigned for each in words.analysis.variants)
    parts = [words.say("who.units", counted=words.counted("counted", total))]
    if info.audience:
        parts.append(
            words.say("who.audience", conditions=words.joined([_condition(words, *each) for each in info.audience]))
        )
    drawn = "balanced_strata" if info.method == "balanced" and info.strata else info.method
    parts.append(words.say(f"who.{drawn}", weights=weights(words), strata=", ".join(info.strata)))
    if info.cluster:
        drawn_together = sum(each.clusters or 0 for each in words.analysis.variants)
        parts.append(
            words.say("who.clusters", count=words.count(drawn_together), units=words.units, cluster=info.cluster)
        )
    for kind, start, end in (
        ("enrolled", info.enrolled_from, info.enrolled_until),
        ("observed", info.observed_from, info.observed_until),
    ):
        if start and end:
            once = kind == "enrolled" and (last(end) == start[:10] or end <= start)
            parts.append(
                words.say("who.enrolled_on" if once else f"who.{kind}", first=[Day(start)], last=[Day(last(end))])
            )
    if info.observed_until != words.analysis.as_of:
        parts.append(words.say("who.as_of", day=[Day(last(words.analysis.as_of))]))
    return words.row([words.words("heading.who"), *parts])


def _condition(words: Words, name: str, text: str) -> Told:
    found = re.findall(r"(?<!\.)-?\d+(?:\.\d+)?", text) if ".." not in text else []
    numbers = [Number(float(each)) for each in found]
    if re.fullmatch(r"-?\d+(?:\.\d+)?", text):
        said = words.say("condition.exactly", value=numbers)
    elif words.language == "ja" and (match := re.fullmatch(r"([\d.]+) to ([\d.]+)", text)):
        said = words.say("condition.between", low=match[1], high=match[2])
    else:
        said = Told(re.escape(text)) if words.language == "en" or not found else words.cell(numbers)
    return words.say("who.condition", property=name, condition=said)


def _variant(words: Words, info: VariantInfo) -> Told:
    tactic = words.sentences.get(f"tactic.{info.tactic}", info.tactic)
    description = info.description
    named = {"nothing": "control_nothing", "same_as_today": "control_same"}.get(info.tactic, "control_tactic")
    key = (named if info.is_control else "treated") if info.tactic else "unsaid"
    names: dict[str, Told | str] = {"variant": words.name(info.key), "count": words.counted("counter", info.assigned)}
    end = r"[.。]?"
    if description and not info.is_control and tactic == words.name(info.key):
        told = words.say("who.treated_described", description=description, **names)
        return Told(told.pattern + end, told.gaps)
    parts = [words.say(f"who.{key}", tactic=tactic, **names)]
    if info.is_control:
        others = "compared" if words.several else "compared_one"
        parts.append(words.say(f"who.{others}", variant=words.name(words.treated[0].key)))
    told = words.row([*parts, description])
    return Told(told.pattern + end, told.gaps)


def first_table(words: Words) -> tuple[MetricInfo, ...]:
    """The primary and the trio."""
    primary = words.metrics("primary")
    trio = [info for part in TRIO for info in words.analysis.metrics if info.trio == part and info not in primary]
    return (*primary, *trio)


def _table(words: Words, variant: VariantInfo) -> Iterator[list[Told]]:
    """The primary and the trio for one variant; days that all of them count stand in the head."""
    metrics = first_table(words)
    together = len({words.window(info) for info in metrics}) == 1
    for info in metrics:
        row = words.estimate(info.key, variant.key, "difference")
        estimated = row is not None and row.status == "estimated"
        yield [
            _title(words, info, words.title(info.key) if together else words.titled(info.key)),
            words.value(info.key, words.control.key),
            words.value(info.key, variant.key),
            words.effect(row) if estimated else DASH,
            words.reading(row),
        ]


def _title(words: Words, info: MetricInfo, title: str) -> Told:
    """The name of a metric, with the word for its part of the trio where the name itself does not begin with it."""
    decides = "_decides" if info.role == "primary" else ""
    if info.trio is None:
        return words.say("row.decides" if decides else "row.plain", metric=title)
    word = words.words(f"trio.{info.trio}")
    keys = [f"{table}.{info.trio}" for table in ("trio", "trio_subscription", "trio_app")]
    known = {word, *(catalogue(code).get(key, word) for key in keys for code in LANGUAGES)}
    told = []
    for rest in [title[len(each) :] for each in known if title.lower().startswith(each.lower())]:
        told.append(words.say(f"row.named{decides}", word=word, rest=rest))
        if rest.startswith((":", "：")):
            told.append(words.say(f"row.trio{decides}", word=word, metric=rest[1:].strip()))
    if not title.lower().startswith(word.lower()):
        told.append(words.say(f"row.trio{decides}", word=word, metric=title))
    if info.trio == "average_order_value":
        told = [words.say("row.buyers", row=each, buyers=words.word("buyers")) for each in told]
    return Told("|".join(f"(?:{each.pattern})" for each in told))


def _relative(change: float | None) -> Told | list[Number]:
    return DASH if change is None else [Number(change * 100, "%")]


def _decomposition(words: Words) -> list[Told]:
    rows = words.analysis.decomposition
    told = []
    for row in rows:
        base = next((each for each in rows if each.metric == row.metric and each.variant == words.control.key), None)
        if base is not None and row.change_per_unit is not None and row.variant != words.control.key:
            told.append(_parts(words, row, base))
    return told


def _parts(words: Words, row: Decomposition, base: Decomposition) -> Told:
    info = words.infos.get(row.metric)
    money = info is not None and info.trio == "average_order_value"
    capped = any(each.cap is not None for each in words.analysis.metrics)
    return words.say(
        "decomposition.line" if money else "decomposition.line_other",
        lead=words.text("decomposition.lead", variant=words.name(row.variant)) if words.several else "",
        unit=words.unit,
        units=words.units,
        uncapped=words.words("decomposition.uncapped") if capped else "",
        revenue_per_unit=cased(words.word("revenue_per_unit")),
        share_who_bought=words.word("share_who_bought"),
        orders_per_buyer=words.word("orders_per_buyer"),
        average_order_value=cased(words.say("trio.average_order_value")),
        base=words.level(row.metric, base.per_unit),
        value=words.level(row.metric, row.per_unit),
        per_unit=_relative(row.change_per_unit),
        share=_relative(row.change_share_active),
        per_active=_relative(row.change_per_active),
        change=_relative(row.change_ratio),
        ratio=words.title(row.metric),
    )


def _harm(words: Words, metric: str, variant: VariantInfo) -> Told:
    row = words.decisive(metric, variant.key)
    name = words.text("harm.for_variant", variant=words.name(variant.key)) if words.several else ""
    if row is None or row.estimate is None:
        reason = row.reason if row is not None and row.reason else "unknown"
        return words.say(
            "harm.missing", metric=words.titled(metric), variant=name, reason=words.words(f"reason.{reason}")
        )
    return _guarded(words, row, name)


def _guarded(words: Words, row: Estimate, name: str) -> Told:
    factor, _, unit = words.scale(row.metric, row.estimand)
    return words.say(
        "harm.line",
        metric=words.titled(row.metric),
        variant=name,
        estimate=[Number((row.estimate or 0.0) * factor, unit)],
        margin=words.margin(row),
        interval=words.range(row),
        state=words.words(f"harm.{words.state(row)}"),
    )


def _costs(words: Words) -> Iterator[Told]:
    for row in words.analysis.pays:
        back, cost = row.return_on_cost, row.cost.estimate
        lead = words.text("cost.lead", variant=words.name(row.variant)) if words.several else ""
        names: dict[str, Told | list[Number]] = {"unit": words.unit, "one": [Number(1, row.currency)]}
        if cost is None:
            told = words.say("cost.missing", reason=words.words(f"reason.{row.cost.reason or 'unknown'}"), **names)
        elif back.estimate is None:
            told = _no_return(words, row.variant)
        else:
            key = "lost" if back.estimate < 0 else "returned"
            ends = (back.lower, back.upper)
            if key == "lost" and back.upper is not None and back.lower is not None and back.upper < 0:
                ends = (-back.upper, -back.lower)
            known = None not in ends
            lower, upper = ([Number(edge or 0.0, row.currency)] for edge in ends)
            told = words.say(
                f"cost.{key}" if known else f"cost.{key}_no_interval",
                cost=[Number(cost, row.currency)],
                size=[Number(abs(back.estimate), row.currency)],
                lower=lower,
                upper=upper,
                confidence=words.percent(row.confidence),
                **names,
            )
        left_out = [words.say("cost.not_included", costs=not_measured(words, row.variant))] if row.not_measured else []
        yield words.row([words.row([lead, told], ""), *left_out])


def _no_return(words: Words, variant: str) -> Told:
    row = next(each for each in words.analysis.pays if each.variant == variant)
    cost, names = row.cost.estimate or 0.0, {"baseline": words.name(row.baseline)}
    values: dict[str, Told | list[Number]] = {"unit": words.unit, "one": [Number(1, row.currency)]}
    values["cost"] = [Number(cost, row.currency)]
    if abs(cost) < (0.5 if row.currency == "JPY" else 0.005):
        return words.say("cost.same", **names)
    if row.return_on_cost.reason == "baseline_not_positive":
        return words.say("cost.less", **names, **values)
    return words.say(
        "cost.no_return", reason=words.words(f"reason.{divided(row.return_on_cost).reason or 'unknown'}"), **values
    )


def divided(found: Quantity) -> Quantity:
    """A quotient; where it cannot be formed, its reason speaks of what it would be divided by."""
    reasons: dict[str | None, Any] = {
        "baseline_not_positive": "divisor_not_positive",
        "baseline_too_close_to_zero": "divisor_too_close_to_zero",
    }
    return replace(found, reason=reasons.get(found.reason, found.reason))


def not_measured(words: Words, variant: str) -> Told:
    """The costs that no fact shows."""
    row = next(each for each in words.analysis.pays if each.variant == variant)
    return words.listed(
        [
            words.say("cost.item", kind=words.words(f"cost_kind.{kind}"), amount=words.planned(amount))
            for kind, amount in row.not_measured
        ]
    )


def _trust(words: Words) -> list[Told]:
    checks = words.analysis.checks
    made = [check for check in checks if check.status != "not_applicable"]
    parts = [_tally(words, made)]
    known = {check.id: check for check in checks}
    drawn = (known.get("srm_sequential") if words.analysis.plan.interim else known.get("srm")) or known.get("srm")
    if drawn is not None and drawn.value is not None:
        parts.append(words.say("trust.split", counts=split(words), p=[P(drawn.value)]))
    number = len(words.analysis.deviations)
    key = {0: "planned", 1: "deviations_one"}.get(number, "deviations")
    return [*parts, words.say(f"trust.{key}", number=words.count(number))]


def _tally(words: Words, made: list[Check]) -> Told:
    for status in ("block", "note"):
        found = [check for check in made if check.status == status]
        if found:
            checks = words.listed([words.say(f"check.{check.id}") for check in found])
            return words.say(
                f"trust.{status}", number=words.count(len(found)), all=words.count(len(made)), checks=checks
            )
    if not made:
        return words.say("trust.no_checks")
    return words.say("trust.one_ok" if len(made) == 1 else "trust.ok", number=words.count(len(made)))


def _unknown(words: Words) -> list[Told]:
    analysis, info = words.analysis, words.analysis.experiment
    parts = [words.say("unknown.interim")] if analysis.plan.interim else []
    ends = [metric.end_day for metric in analysis.metrics if metric.end_day is not None]
    if ends:
        parts.append(words.say("unknown.after_day", day=words.count(max(ends) - 1)))
    elif info.observed_from and info.observed_until:
        parts.append(words.say("unknown.after_date", day=[Day(last(info.observed_until))]))
    rows = [] if analysis.plan.interim else _undecided(words)
    key = "cannot_tell" if len(rows) <= _NAMED else "cannot_tell_more"
    return [*parts, words.say(f"unknown.{key}", rows=words.joined(rows[:_NAMED]))] if rows else parts


def _undecided(words: Words) -> list[Told]:
    """Each metric by its name alone, and once where it stands in several windows."""
    told: list[Told] = []
    primary = () if words.analysis.verdict.reason == "no_worthwhile_effect" else ("primary",)
    for info in (metric for role in ((*primary, "secondary", "guardrail"),) for metric in words.metrics(*role)):
        rows = [(each, words.decisive(info.key, each.key)) for each in words.treated]
        names = [
            Told(re.escape(words.name(each.key)))
            for each, row in rows
            if row is not None and words.state(row) == "cannot_tell"
        ]
        if names and words.several:
            told.append(words.say("unknown.row", metric=words.title(info.key), variants=words.listed(names)))
        elif names:
            told.append(Told(re.escape(words.title(info.key))))
    return list(dict.fromkeys(told))


def _next(words: Words) -> Told:
    verdict, code = words.analysis.verdict, str(words.analysis.verdict.recommendation)
    if code == "keep_running" and not verdict.until:
        code = "keep_running_look" if words.analysis.look and not words.analysis.plan.interim else "keep_running_open"
    code = "no_verdict_primary" if verdict.reason == "primary_missing" and code == "no_verdict" else code
    subject = verdict.variant or (words.treated[0].key if not words.several else None)
    code = f"{code}_any" if not subject and f"next.{code}_any" in words.sentences else code
    owner = words.analysis.experiment.owner
    line = words.say(
        f"next.{code}",
        variant=words.name(subject) if subject else "",
        control=words.name(words.control.key),
        owner=words.say("next.owner", owner=owner) if owner else "",
        until=[Day(verdict.until)] if verdict.until else "",
    )
    found = next((each for each in verdict.by_variant if each.variant == subject), None)
    if found is None or not found.follow_up or not words.analysis.plan.expect:
        return line
    units = words.counted("counted", found.follow_up)
    repeat = words.say("next.follow_up", units=units, expect=words.planned(words.analysis.plan.expect))
    return words.row([line, repeat])
