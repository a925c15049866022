"""The verdict in words: the alert at the top of the report, and the lines for the terminal."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.model.result import Analysis, Estimate, Projection, Recommendation, Verdict
from holdfast.report import numbers
from holdfast.report.checks import figure, warnings
from holdfast.report.looks import alarm_alert, alarm_line, look_sentence
from holdfast.report.rule import conditions
from holdfast.report.text import Safe
from holdfast.report.view import View, interval

KINDS: dict[Recommendation, str] = {
    "ship": "TIP",
    "do_not_ship": "CAUTION",
    "keep_running": "NOTE",
    "discuss": "IMPORTANT",
    "no_verdict": "WARNING",
}
"""GitHub's alert for each recommendation."""
_MUTE = ("keep_running", "no_verdict")
"""Recommendations that are not about an effect."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A coloured block: each line is a paragraph."""

    kind: Safe
    lines: tuple[Safe, ...]


def alerts(view: View) -> tuple[Alert, ...]:
    """The block with the verdict, then one for a crossed alarm of harm and for each check that needs a look."""
    verdict = view.analysis.verdict
    main = Alert(Safe(KINDS[verdict.recommendation]), _lines(view, verdict))
    return (main, *(Alert(Safe("WARNING"), (line,)) for line in (*alarm_alert(view), *warnings(view))))


def label(view: View, verdict: Verdict) -> Safe:
    """The recommendation: Ship Voucher. Keep running until 13 Feb 2027."""
    code = verdict.recommendation
    if code == "keep_running" and not verdict.until:
        return view.voice.say("verdict.keep_running_open")
    until = view.numbers.day(verdict.until) if verdict.until else Safe("")
    subject = view.subject
    if subject is None and view.voice.knows(f"verdict.{code}_any"):
        return view.voice.say(f"verdict.{code}_any")
    return view.voice.say(f"verdict.{code}", variant=view.name(subject) if subject else Safe(""), until=until)


def because(view: View, reason: str, metrics: tuple[str, ...], checks: tuple[str, ...] = ()) -> Safe:
    """The reason of a verdict as a sentence; a reason that the catalogue does not know stands as its code."""
    voice = view.voice
    expect = view.analysis.plan.expect
    code = reason
    if reason == "inconclusive" and view.analysis.plan.policy == "do_no_harm":
        code = "inconclusive_no_harm" if expect else "inconclusive_no_harm_open"
    elif reason == "inconclusive" and not expect:
        code = "inconclusive_open"
    named = checks or tuple(check.id for check in view.analysis.checks if check.status == "block")
    return voice.one_of(
        "because",
        code,
        metrics=voice.listed([view.title(key) for key in metrics]) or view.title(view.analysis.plan.primary),
        primary=view.title(view.analysis.plan.primary),
        checks=voice.listed([voice.one_of("check", id) for id in named]),
        expect=view.numbers.planned_effect(expect) if expect else Safe(""),
        units=view.units,
    )


def effect_sentence(view: View, variant: str) -> Safe | None:
    """What happened to the primary metric with a variant, in one sentence; None when nothing was estimated."""
    metric = view.analysis.plan.primary
    row = view.estimate(metric, variant, "difference")
    if row is None:
        return None
    names = {"metric": view.title(metric), "variant": view.name(variant), "baseline": view.name(row.baseline)}
    shown = interval(row)
    if row.status != "estimated" or row.estimate is None or shown is None:
        return view.voice.say("effect.not_estimable", reason=view.reason(row), **names)
    return _sentence(view, row, numbers.interval_places(shown.lower, shown.upper, view.scale(metric)), names)


def _sentence(view: View, row: Estimate, decimals: int, names: dict[str, Safe]) -> Safe:
    estimate = row.estimate or 0.0
    scale = view.scale(row.metric)
    decided = row.state in {"better", "worse", "harm"}
    key = ("up" if estimate > 0 else "down") if decided else "cannot_tell"
    return view.voice.say(
        f"effect.{key}",
        size=view.numbers.size(estimate, scale, decimals),
        difference=view.numbers.change(estimate, scale, decimals),
        value=view.value(row.metric, row.variant, decimals),
        base=view.value(row.metric, row.baseline, decimals),
        interval=view.range(row),
        **names,
    )


def _lines(view: View, verdict: Verdict) -> tuple[Safe, ...]:
    voice = view.voice
    head = voice.text(Safe(f"**{label(view, verdict)}**" if voice.markdown else label(view, verdict)))
    reason = because(view, verdict.reason, verdict.metrics, verdict.checks)
    if verdict.recommendation in _MUTE:
        missing = (effect_sentence(view, info.key) for info in view.treated) if _no_primary(verdict) else ()
        return tuple(line for line in (voice.together([head, reason]), *missing, look_sentence(view)) if line)
    subject = view.subject
    effect = effect_sentence(view, subject) if subject else None
    lines = [voice.together([head, effect or reason])]
    lines += [reason] if effect and verdict.reason != "primary_better" else []
    lines += conditions(view, verdict.reason, subject) if subject else ()
    lines += [_projection(view, money) for money in view.analysis.money if money.variant == subject]
    lines += [*_others(view, verdict, subject), look_sentence(view)]
    return tuple(line for line in lines if line)


def _no_primary(verdict: Verdict) -> bool:
    return verdict.reason == "primary_missing"


def _others(view: View, verdict: Verdict, subject: str | None) -> list[Safe]:
    """A line for each other variant with its own recommendation."""
    voice = view.voice
    lines = []
    for row in verdict.by_variant:
        if row.variant == subject or len(view.treated) < 2:
            continue
        head = voice.one_of("other", row.recommendation, variant=view.name(row.variant))
        reason = (
            because(view, row.reason, row.metrics) if row.reason not in {"primary_better", verdict.reason} else Safe("")
        )
        bold = Safe(f"**{head}**" if voice.markdown else head)
        lines.append(voice.together([bold, effect_sentence(view, row.variant) or Safe(""), reason]))
        lines += conditions(view, row.reason, row.variant)
    return lines


def _projection(view: View, money: Projection) -> Safe:
    loss = money.upper < 0
    # A loss stands in words, so its size and the ends of its interval stand without a sign.
    amounts = (-money.value, -money.upper, -money.lower) if loss else (money.value, money.lower, money.upper)
    value, lower, upper = view.numbers.large_money(amounts, money.currency)
    line = view.voice.say(
        "money.loss" if loss else "money.line" if money.lower > 0 else "money.open",
        customers=view.voice.counted(view.analysis.experiment.unit, money.customers),
        days=numbers.count(money.every_days),
        variant=view.name(money.variant),
        value=value,
        lower=lower,
        upper=upper,
    )
    return view.voice.together([line, view.voice.say("money.after_costs")]) if money.after_costs else line


def summary_lines(analysis: Analysis) -> list[str]:
    """Short plain sentences for the terminal: the verdict, the primary effect of each variant, checks to look at."""
    view = View.of(analysis, markdown=False)
    verdict = analysis.verdict
    reason = because(view, verdict.reason, verdict.metrics, verdict.checks)
    title = view.voice.text(analysis.experiment.title)
    lines = [view.voice.say("summary.verdict", title=title, label=label(view, verdict), because=reason)]
    sentences = (effect_sentence(view, info.key) for info in view.treated)
    unsafe = verdict.recommendation == "no_verdict" and verdict.reason == "check_failed"
    lines += [] if unsafe else [line for line in sentences if line]
    shown = {verdict.variant} if verdict.variant else {info.key for info in view.treated}
    lines += conditions(view, verdict.reason, verdict.variant) if verdict.variant else ()
    if not analysis.plan.interim and verdict.recommendation not in _MUTE:
        lines += [_projection(view, money) for money in analysis.money if money.variant in shown]
    lines += [line for line in (look_sentence(view), *alarm_line(view)) if line]
    for check in analysis.checks:
        if check.status in {"note", "block"}:
            name, status = view.voice.say(f"check.{check.id}"), view.voice.say(f"status.{check.status}")
            lines.append(view.voice.say("summary.check", name=name, status=status, figure=figure(view, check)))
    return [str(line) for line in lines]
