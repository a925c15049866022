"""The first screen below the verdict: who and what, the primary and the trio, harm, trust, and what comes next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.model.plan import Trio
from holdfast.model.result import Decomposition, Estimate, ExperimentInfo, MetricInfo, VariantInfo
from holdfast.report import numbers
from holdfast.report.checks import trust, weights
from holdfast.report.conditions import condition
from holdfast.report.looks import alarm_line, look_sentence
from holdfast.report.money import cost_lines
from holdfast.report.numbers import LIFT, Scale
from holdfast.report.text import Safe
from holdfast.report.view import Table, View, interval

TRIO: tuple[Trio, ...] = ("retained", "churned", "average_order_value")
_NAMED = 4
"""So many metrics that the data cannot tell about are named on the first screen."""


@dataclass(frozen=True, slots=True)
class FirstScreen:
    """The parts of the first screen, in their order."""

    who: Safe
    variants: tuple[Safe, ...]
    tables: tuple[Table, ...]
    warning: Safe
    not_measured: tuple[Safe, ...]
    decomposition: tuple[Safe, ...]
    harm: tuple[Safe, ...]
    cost: tuple[Safe, ...]
    trust: Safe
    unknown: Safe
    next: Safe


def first_screen(view: View) -> FirstScreen:
    """The first screen of a report; an interim run has no effects on it."""
    interim = view.analysis.plan.interim
    blocked = any(check.status == "block" for check in view.analysis.checks)
    return FirstScreen(
        who=_who(view),
        variants=(*(_variant(view, info) for info in view.ordered), *(_closed(view, info) for info in view.closed)),
        tables=() if interim else tuple(_table(view, info) for info in view.treated),
        warning=view.voice.say("heading.not_to_act_on") if blocked and not interim else Safe(""),
        not_measured=() if interim else _not_measured(view),
        decomposition=() if interim else _decomposition(view),
        harm=alarm_line(view) if interim else harm_checks(view),
        cost=cost_lines(view),
        trust=trust(view),
        unknown=_unknown(view),
        next=_next(view),
    )


def _who(view: View) -> Safe:
    voice, info = view.voice, view.analysis.experiment
    total = sum(variant.assigned for variant in view.analysis.variants)
    parts = [voice.say("who.units", counted=voice.counted(info.unit, total))]
    if info.audience:
        conditions = [
            voice.say("who.condition", property=name, condition=condition(voice, text)) for name, text in info.audience
        ]
        parts.append(voice.say("who.audience", conditions=voice.joined(conditions)))
    parts.append(voice.say(f"who.{_drawn(info)}", weights=weights(view), strata=", ".join(info.strata)))
    if info.cluster:
        clusters = view.numbers.told(sum(variant.clusters or 0 for variant in view.analysis.variants))
        parts.append(voice.say("who.clusters", count=clusters, units=view.units, cluster=info.cluster))
    parts += [_period(view, "enrolled", info.enrolled_from, info.enrolled_until)]
    parts += [_period(view, "observed", info.observed_from, info.observed_until)]
    if info.observed_until != view.analysis.as_of:
        parts.append(voice.say("who.as_of", day=view.numbers.day_before(view.analysis.as_of)))
    return voice.together(parts)


def _drawn(info: ExperimentInfo) -> str:
    """Which sentence says how variants were given."""
    return "balanced_strata" if info.method == "balanced" and info.strata else info.method


def _period(view: View, kind: str, start: str | None, end: str | None) -> Safe:
    if start is None or end is None:
        return Safe("")
    first, last = view.numbers.period(start, numbers.last_day(end))
    if kind == "enrolled" and (numbers.last_day(end) == start[:10] or end <= start):
        return view.voice.say("who.enrolled_on", first=first)
    return view.voice.say(f"who.{kind}", first=first, last=last)


def _variant(view: View, info: VariantInfo) -> Safe:
    voice = view.voice
    tactic = voice.one_of("tactic", info.tactic)
    named = {"nothing": "control_nothing", "same_as_today": "control_same"}.get(info.tactic, "control_tactic")
    key = f"who.{named if info.is_control else 'treated'}" if info.tactic else "who.unsaid"
    names = {"variant": view.name(info.key), "count": view.counter(info.assigned)}
    description = voice.ended(info.description)
    if tactic == view.name(info.key) and not info.is_control:
        key = "who.treated_described" if description else "who.unsaid"
        return voice.say(key, description=description, **names)
    line = voice.say(key, tactic=tactic, **names)
    if info.is_control:
        others = "compared_one" if len(view.treated) == 1 else "compared"
        line = voice.together([line, voice.say(f"who.{others}", variant=view.name(view.treated[0].key))])
    return voice.together([line, description])


def _closed(view: View, info: VariantInfo) -> Safe:
    """A variant that nobody may have, and how many have it."""
    key = "closed_used" if info.assigned else "closed"
    count = view.counter(info.assigned)
    return view.voice.say(f"who.{key}", variant=view.name(info.key), count=count)


def _table(view: View, variant: VariantInfo) -> Table:
    """The primary and the trio for one variant: five columns."""
    voice = view.voice
    metrics = _of_first_table(view)
    rows = [(metric, view.estimate(metric.key, variant.key, "difference")) for metric in metrics]
    window = _common_window(view, metrics)
    head = (
        voice.say("table.window_all", window=window) if window else voice.say("table.metric"),
        view.name(view.control.key),
        view.name(variant.key),
        difference_head(view, [row for _, row in rows if row is not None]),
        voice.say("table.reading"),
    )
    cells = tuple(_row(view, metric, variant.key, row, show_window=not window) for metric, row in rows)
    title = Safe("")
    if len(view.treated) > 1:
        names = {"variant": view.name(variant.key), "baseline": view.name(view.control.key)}
        title = voice.say("heading.compared", **names)
    return Table(head, "lrrrl", cells, title)


def _of_first_table(view: View) -> list[MetricInfo]:
    primary = [view.primary] if view.primary else []
    trio = [metric for part in TRIO for metric in view.analysis.metrics if metric.trio == part]
    return primary + [metric for metric in trio if metric not in primary]


def difference_head(view: View, rows: list[Estimate]) -> Safe:
    """The head of a column of differences; it names the confidence where all rows share it."""
    levels = {shown.confidence for row in rows if (shown := interval(row)) is not None}
    level = levels.pop() if len(levels) == 1 else None
    if level is None:
        return view.voice.say("table.difference")
    return view.voice.say("table.difference_at", confidence=numbers.percent(level))


def _common_window(view: View, metrics: list[MetricInfo]) -> Safe:
    windows = {view.window(metric) for metric in metrics}
    return view.voice.capital(windows.pop()) if len(windows) == 1 else Safe("")


def _row(view: View, metric: MetricInfo, variant: str, row: Estimate | None, *, show_window: bool) -> tuple[Safe, ...]:
    decimals = view.decimals(metric.key, variant)
    return (
        _row_title(view, metric, show_window=show_window),
        view.value(metric.key, view.control.key, decimals),
        view.value(metric.key, variant, decimals),
        view.effect(row) if row is not None and row.status == "estimated" else Safe("–"),
        reading(view, row),
    )


def _row_title(view: View, metric: MetricInfo, *, show_window: bool) -> Safe:
    voice = view.voice
    title = view.titled(metric) if show_window else view.title(metric.key)
    decides = metric.role == "primary"
    if metric.trio is None:
        return voice.say("row.decides" if decides else "row.plain", metric=title)
    word = view.trio(metric.trio)
    # A metric that is called what it is ("Churn: no order for 60 days") is not named twice, in any language.
    told, rest = _told(view, metric.trio, title)
    if told:
        line = voice.say("row.trio_decides" if decides else "row.trio", word=word, metric=told)
    else:
        line = voice.say("row.named_decides" if decides else "row.named", word=word, rest=rest)
    return (
        voice.say("row.buyers", row=line, buyers=view.word("buyers")) if metric.trio == "average_order_value" else line
    )


def _told(view: View, part: Trio, title: Safe) -> tuple[Safe, Safe]:
    """What a title says besides the word for its part of the trio: as words of its own, or as what follows the word."""
    word = view.trio(part)
    rest = title[len(word) :]
    # "Churned customers" begins with another word than "Churn".
    if title.lower().startswith(word.lower()) and not (rest[:1].isascii() and rest[:1].isalpha()):
        return Safe(""), Safe(rest)
    for other in view.words_for(part):
        found = re.fullmatch(rf"{re.escape(other)}(?:[:：]\s*(.+)|([,（].*))?", title, re.IGNORECASE)
        if found:
            return Safe(found[1] or ""), Safe(found[2] or "")
    return title, Safe("")


def reading(view: View, row: Estimate | None) -> Safe:
    """How to read an estimate: ▲ better, ● cannot tell, or why there is none."""
    if row is None:
        return view.voice.say("state.described")
    if row.status != "estimated":
        return view.voice.say("state.no_estimate_because", reason=view.reason(row))
    return view.voice.say(f"state.{row.state}")


def _not_measured(view: View) -> tuple[Safe, ...]:
    missing = view.analysis.plan.not_measured
    parts = [part for part in TRIO if part in missing]
    words = {part: view.trio(part) for part in parts}
    reasons = {part: view.voice.ended(missing[part]) for part in parts}
    return tuple(view.voice.say("trio.not_measured", word=words[part], reason=reasons[part]) for part in parts)


def _decomposition(view: View) -> tuple[Safe, ...]:
    rows = view.analysis.decomposition
    treated = [row for row in rows if row.change_per_unit is not None and row.variant != view.control.key]
    lines = (_parts(view, row, _base(rows, row, view.control.key)) for row in treated)
    return tuple(line for line in lines if line)


def _base(rows: tuple[Decomposition, ...], row: Decomposition, control: str) -> Decomposition | None:
    return next((base for base in rows if base.metric == row.metric and base.variant == control), None)


def _parts(view: View, row: Decomposition, base: Decomposition | None) -> Safe:
    voice = view.voice
    changes = (row.change_per_unit, row.change_share_active, row.change_per_active, row.change_ratio)
    if base is None:
        return Safe("")
    shown = [relative(view, change) for change in changes]
    scale = view.scale(row.metric)
    several = len(view.treated) > 1
    info = view.metric(row.metric)
    money = info is not None and info.trio == "average_order_value"
    return voice.say(
        "decomposition.line" if money else "decomposition.line_other",
        lead=voice.say("decomposition.lead", variant=view.name(row.variant)) if several else Safe(""),
        units=view.units,
        unit=view.unit,
        uncapped=voice.say("decomposition.uncapped") if view.capped else Safe(""),
        revenue_per_unit=voice.capital(view.word("revenue_per_unit")),
        share_who_bought=view.word("share_who_bought"),
        orders_per_buyer=view.word("orders_per_buyer"),
        average_order_value=voice.small(view.trio("average_order_value")),
        base=amount(view, base.per_unit, scale),
        value=amount(view, row.per_unit, scale),
        per_unit=shown[0],
        share=shown[1],
        per_active=shown[2],
        change=shown[3],
        ratio=view.title(row.metric),
    )


def relative(view: View, change: float | None) -> Safe:
    """A relative change without an interval: +7.6%; a dash where there is none."""
    return Safe("–") if change is None else view.numbers.change(change, LIFT, 1)


def amount(view: View, value: float, scale: Scale) -> Safe:
    """A value without an interval: money and plain numbers with two decimals, small shares too, others with one."""
    small = scale.kind == "share" and abs(value) < 0.1
    return view.numbers.level(value, scale, 2 if small else numbers.places(None, scale))


def harm_checks(view: View) -> tuple[Safe, ...]:
    """A sentence for each guardrail and variant: estimate, what is tolerated, interval, reading."""
    guardrails = view.metrics("guardrail")
    lines = [_harm(view, metric, variant) for metric in guardrails for variant in view.treated]
    return tuple(lines) if lines else (view.voice.say("harm.none"),)


def _harm(view: View, metric: MetricInfo, variant: VariantInfo) -> Safe:
    voice = view.voice
    row = view.decisive(metric.key, variant.key)
    several = len(view.treated) > 1
    name = voice.say("harm.for_variant", variant=view.name(variant.key)) if several else Safe("")
    title = view.titled(metric)
    if row is None or row.estimate is None:
        reason = view.reason(row) if row is not None else voice.say("reason.unknown")
        return voice.say("harm.missing", metric=title, variant=name, reason=reason)
    shown = interval(row)
    scale = view.scale(row.metric, row.estimand)
    return voice.say(
        "harm.line",
        metric=title,
        variant=name,
        estimate=view.numbers.change(row.estimate, scale, numbers.places(shown.width if shown else None, scale)),
        margin=view.margin(row),
        interval=view.range(row),
        state=voice.say(f"harm.{row.state}"),
    )


def _unknown(view: View) -> Safe:
    voice, info = view.voice, view.analysis.experiment
    parts = [voice.say("unknown.interim")] if view.analysis.plan.interim else []
    ends = [metric.end_day for metric in view.analysis.metrics if metric.end_day is not None]
    if ends:
        parts.append(voice.say("unknown.after_day", day=max(ends) - 1))
    elif info.observed_from is not None and info.observed_until is not None:
        parts.append(voice.say("unknown.after_date", day=view.numbers.day_before(info.observed_until)))
    rows = [] if view.analysis.plan.interim else _undecided(view)
    if rows:
        key = "cannot_tell" if len(rows) <= _NAMED else "cannot_tell_more"
        parts.append(voice.say(f"unknown.{key}", rows=voice.joined(rows[:_NAMED])))
    return voice.together(parts)


def _undecided(view: View) -> list[Safe]:
    """The metrics that the data cannot tell about, with the variants where there are several."""
    lines = []
    # That a worthwhile effect is ruled out is an answer.
    decided = () if view.analysis.verdict.reason == "no_worthwhile_effect" else ("primary",)
    for metric in view.metrics(*decided, "secondary", "guardrail"):
        found = ((info, view.decisive(metric.key, info.key)) for info in view.treated)
        names = [view.name(info.key) for info, row in found if row is not None and row.state == "cannot_tell"]
        title = view.title(metric.key)
        several = len(view.treated) > 1
        line = view.voice.say("unknown.row", metric=title, variants=view.voice.listed(names)) if several else title
        # One metric over two windows is named once: its rows stand in the table above and in the scorecard.
        lines += [line] if names and line not in lines else []
    return lines


def _next(view: View) -> Safe:
    verdict = view.analysis.verdict
    code: str = verdict.recommendation
    owner = view.analysis.experiment.owner
    if code == "keep_running" and not verdict.until:
        code = "keep_running_look" if look_sentence(view) else "keep_running_open"
    if code == "no_verdict" and verdict.reason == "primary_missing":
        code = "no_verdict_primary"
    subject = view.subject
    if not subject and view.voice.knows(f"next.{code}_any"):
        code = f"{code}_any"
    line = view.voice.say(
        f"next.{code}",
        variant=view.name(subject) if subject else Safe(""),
        control=view.name(view.control.key),
        owner=view.voice.say("next.owner", owner=owner) if owner else Safe(""),
        until=view.numbers.day(verdict.until) if verdict.until else Safe(""),
    )
    return view.voice.together([line, *_follow_up(view)])


def _follow_up(view: View) -> Iterator[Safe]:
    """How large a repeat would have to be that can tell what this experiment could not."""
    found = next((each for each in view.analysis.verdict.by_variant if each.variant == view.subject), None)
    expect = view.analysis.plan.expect
    if found is not None and found.follow_up is not None and expect:
        units = view.voice.counted(view.analysis.experiment.unit, found.follow_up)
        yield view.voice.say("next.follow_up", units=units, expect=view.numbers.planned_effect(expect))
