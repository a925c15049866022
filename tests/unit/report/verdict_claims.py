"""What the coloured blocks at the top have to say: the verdict, why, and each look."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.unit.report.health_claims import warning
from tests.unit.report.printed import Day, Number, Told
from tests.unit.report.telling import Value, Words


def alerts(words: Words) -> Iterator[Told]:
    """The lines of the coloured blocks."""
    analysis, verdict = words.analysis, words.analysis.verdict
    reason = because(words, verdict.reason, verdict.metrics, verdict.checks)
    if verdict.recommendation in {"keep_running", "no_verdict"}:
        yield words.row([label(words), reason])
        if verdict.reason == "primary_missing":
            yield from (effect(words, info.key) for info in words.treated)
    else:
        subject = verdict.variant or (words.treated[0].key if not words.several else None)
        yield words.row([label(words), effect(words, subject) if subject else reason])
        yield from [reason] if subject and verdict.reason != "primary_better" else []
        yield from conditions(words, verdict.reason, subject) if subject else ()
        yield from (_projection(words, row.variant) for row in analysis.money if row.variant == subject)
        for row in verdict.by_variant if words.several else ():
            if row.variant == subject:
                continue
            told = [
                words.say(f"other.{row.recommendation}", variant=words.name(row.variant)),
                effect(words, row.variant),
            ]
            if row.reason not in {"primary_better", verdict.reason}:
                told.append(because(words, row.reason, row.metrics, ()))
            yield words.row(told)
            yield from conditions(words, row.reason, row.variant)
    yield from [words.row(looks(words))] if analysis.look and not analysis.plan.interim else []
    yield from (warning(words, check) for check in analysis.checks if check.status in {"note", "block"})


def label(words: Words) -> Told:
    """The recommendation in words, with the variant or the date that it is about."""
    verdict = words.analysis.verdict
    code = verdict.recommendation
    if code == "keep_running" and not verdict.until:
        return words.say("verdict.keep_running_open")
    subject = verdict.variant or (words.treated[0].key if not words.several else None)
    if subject is None and f"verdict.{code}_any" in words.sentences:
        return words.say(f"verdict.{code}_any")
    until = [Day(verdict.until)] if verdict.until else ""
    return words.say(f"verdict.{code}", variant=words.name(subject) if subject else "", until=until)


def because(words: Words, reason: str, metrics: tuple[str, ...], checks: tuple[str, ...]) -> Told:
    """The reason of a verdict."""
    plan, key = words.analysis.plan, reason
    if reason == "inconclusive" and plan.policy == "do_no_harm":
        key = "inconclusive_no_harm" if plan.expect else "inconclusive_no_harm_open"
    elif reason == "inconclusive" and not plan.expect:
        key = "inconclusive_open"
    failed = checks or tuple(check.id for check in words.analysis.checks if check.status == "block")
    return words.say(
        f"because.{key}",
        metrics=words.listed([Told(re.escape(words.title(each))) for each in metrics or (plan.primary,)]),
        primary=words.title(plan.primary),
        checks=words.listed([words.say(f"check.{each}") for each in failed]),
        expect=words.expect() if plan.expect else "",
        units=words.units,
    )


def effect(words: Words, variant: str) -> Told:
    """What happened to the primary metric: higher, lower, or not to be told, by the interval that decides."""
    row = words.estimate(words.analysis.plan.primary, variant, "difference")
    if row is None:
        return Told("")
    names = {"metric": words.title(row.metric), "variant": words.name(variant), "baseline": words.name(row.baseline)}
    shown = words.shown(row)
    if row.status != "estimated" or row.estimate is None or shown is None:
        return words.say("effect.not_estimable", reason=words.words(f"reason.{row.reason or 'unknown'}"), **names)
    factor, _, unit = words.scale(row.metric)
    key = "up" if shown[0] > 0 else "down" if shown[1] < 0 else "cannot_tell"
    return words.say(
        f"effect.{key}",
        size=[Number(abs(row.estimate) * factor, unit)],
        difference=[Number(row.estimate * factor, unit)],
        value=words.value(row.metric, variant),
        base=words.value(row.metric, row.baseline),
        interval=words.range(row),
        **names,
    )


def conditions(words: Words, reason: str, variant: str) -> Iterator[Told]:
    """The conditions of a rule of the experiment's own."""
    for asked in words.analysis.plan.ship_if if reason.startswith("conditions_") else ():
        row = words.decisive(asked.metric, variant)
        assert row is not None
        guarded = row.role == "guardrail"
        bounds = [
            words.say(
                "rule.unsure" if state == "cannot_tell" and guarded else f"rule.{state}", margin=words.margin(row)
            )
            for state in asked.reads
        ]
        factor, _, unit = words.scale(row.metric, row.estimand)
        yield words.say(
            "rule.held" if words.state(row) in asked.reads else "rule.failed",
            metric=words.title(asked.metric),
            asked=words.row(bounds, re.escape(words.words("rule.or"))),
            read=words.reading(row),
            estimate=[Number((row.estimate or 0.0) * factor, unit)],
            interval=words.range(row),
        )


def _projection(words: Words, variant: str) -> Told:
    money = next(row for row in words.analysis.money if row.variant == variant)
    key = "loss" if money.upper < 0 else "line" if money.lower > 0 else "open"
    ends = (-money.value, -money.upper, -money.lower) if key == "loss" else (money.value, money.lower, money.upper)
    value, lower, upper = ([Number(amount, money.currency, coarse=True)] for amount in ends)
    names: dict[str, Value] = {"variant": words.name(variant), "days": words.count(money.every_days)}
    customers = words.counted("counted", money.customers)
    line = words.say(f"money.{key}", customers=customers, value=value, lower=lower, upper=upper, **names)
    return words.row([line, words.say("money.after_costs")]) if money.after_costs else line


def looks(words: Words) -> list[Told]:
    """Which look this is, and whether it concludes."""
    look = words.analysis.look
    assert look is not None
    crossed = words.listed([Told(re.escape(words.name(key))) for key in look.crossed])
    told = words.say("look.crossed", variants=crossed) if look.crossed else words.say("look.not_crossed")
    return [*_which(words), told, words.say(f"look.{look.method}")]


def _which(words: Words) -> list[Told]:
    look = words.analysis.look
    assert look is not None
    key = "number" if look.of is None else "last" if look.last else "of"
    first = words.say(f"look.{key}", number=words.count(look.number), of=words.count(look.of or 0))
    if look.fraction is None:
        return [first]
    return [first, words.say("look.fraction", fraction=words.percent(look.fraction))]


def look_precision(words: Words) -> Told:
    """What it takes to conclude at a look."""
    look = words.analysis.look
    assert look is not None
    parts = _which(words)
    if look.critical is not None:
        metric = words.title(words.analysis.plan.primary)
        parts.append(words.say("look.critical", metric=metric, critical=[Number(look.critical)]))
    if look.spending:
        parts.append(words.say("look.spending", spending=words.words(f"spending.{look.spending}")))
    return words.row([*parts, words.say(f"look.{look.method}")])
