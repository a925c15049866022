"""What the sections over time have to say: curves, times to an event, differences, precision."""

from __future__ import annotations

import re
from collections.abc import Iterator

from holdfast.model.found import Quantity, SurvivalResult
from tests.unit.report.printed import Number, P, Told
from tests.unit.report.telling import DASH, PLAIN, SHARE, Claim, Words
from tests.unit.report.verdict_claims import look_precision


def _period(words: Words, first: int, end: int) -> str:
    return words.days(first, end)


def curves(words: Words) -> Iterator[Claim]:
    heading = words.words("heading.retention_and_churn" if _shown(words) else "heading.retention")
    for curve in words.analysis.curves:
        if all(point.rate is None for point in curve.points):
            continue
        yield heading, words.say("retention.intro", units=words.units, confidence=words.percent(curve.confidence))
        ends = []
        for info in words.ordered:
            points = sorted(
                (p for p in curve.points if p.variant == info.key and p.rate is not None),
                key=lambda p: (p.first_day, p.last_day),
            )
            if points:
                named = {"first": points[0], "last": points[-1]}
                rates = {key: words.percent(point.rate or 0.0) for key, point in named.items()}
                days = {f"{key}_day": _period(words, point.first_day, point.last_day) for key, point in named.items()}
                key = "retention.end_one" if len(points) == 1 else "retention.end"
                ends.append(words.say(key, variant=words.name(info.key), **rates, **days))
        yield heading, words.say("retention.alt", title=curve.title, ends=words.joined(ends))
        for span in sorted({(point.first_day, point.last_day) for point in curve.points}):
            cells = [Told(re.escape(_period(words, *span)))]
            for info in words.ordered:
                point = next(
                    (p for p in curve.points if p.variant == info.key and (p.first_day, p.last_day) == span), None
                )
                cells += _share(words, point.rate, point.lower, point.upper, point.at_risk) if point else [DASH, DASH]
            yield heading, cells
        gaps = {(row.variant, row.first_day, row.last_day): row.difference for row in curve.differences}
        yield from _gaps(words, heading, "curve", curve.title, gaps, SHARE, curve.confidence)


def _share(words: Words, share: float | None, lower: float | None, upper: float | None, at_risk: int) -> list[Told]:
    found = Quantity(estimate=share, lower=lower, upper=upper)
    return [
        DASH if share is None else words.quantity(found, SHARE, change=False, ends=True),
        words.cell(words.count(at_risk)),
    ]


def _shown(words: Words) -> list[SurvivalResult]:
    return [row for row in words.analysis.survival if _listed(row)]


def _listed(row: SurvivalResult) -> list[int]:
    """The days of the table: all where they are few, otherwise round ones and the last."""
    known = sorted({point.day for point in row.points if point.share is not None and 0 < point.day <= row.days})
    if len(known) <= 8:
        return known
    return [
        *[day for day in (1, 7, 14, 30, 60, 90, 180, 365, 730) if day in known and day <= 0.9 * known[-1]][-7:],
        known[-1],
    ]


def _day(words: Words, day: int) -> Told:
    return words.say("survival.day" if day == 1 else "survival.days", day=words.count(day))


def survival(words: Words) -> Iterator[Claim]:
    heading = words.words("heading.retention_and_churn")
    for row in _shown(words):
        yield heading, words.say("survival.intro", units=words.units, confidence=words.percent(row.confidence))
        points = {
            (point.variant, point.day): point
            for point in row.points
            if point.share is not None and point.day <= row.days
        }
        ends = []
        for info in words.ordered:
            days = [day for key, day in points if key == info.key]
            if days:
                point = points[info.key, max(days)]
                share = words.quantity(
                    Quantity(estimate=point.share, lower=point.lower, upper=point.upper), SHARE, change=False, ends=True
                )
                ends.append(
                    words.say("survival.end", variant=words.name(info.key), share=share, day=words.count(point.day))
                )
        tests = [
            words.say("survival.alt_log_rank", variant=words.name(each.variant), p=[P(each.log_rank_p)])
            for each in row.comparisons
            if each.log_rank_p is not None
        ]
        yield heading, words.say("survival.alt", title=row.title, ends=words.joined([*ends, *tests]))
        for day in _listed(row):
            cells = [_day(words, day)]
            for info in words.ordered:
                found = points.get((info.key, day))
                cells += _share(words, found.share, found.lower, found.upper, found.at_risk) if found else [DASH, DASH]
            yield heading, cells
        yield from ((heading, each) for each in (*_hazards(words, row), *_causes(words, row)))
        gaps = {(each.variant, 0, each.day): each.difference for each in row.differences if each.day in _listed(row)}
        yield from _gaps(words, heading, "survival", row.title, gaps, SHARE, row.confidence)


def _hazards(words: Words, row: SurvivalResult) -> Iterator[Told | list[Told]]:
    for found in row.comparisons:
        pair = words.say("words.against", variant=words.name(found.variant), baseline=words.name(found.baseline))
        ratio = words.quantity(found.hazard_ratio, PLAIN)
        yield [pair, words.p(found.log_rank_p), ratio, words.p(found.proportional_p)]
        if found.proportional_p is not None and found.proportional_p < 0.05:
            names = {"variant": words.name(found.variant), "baseline": words.name(found.baseline)}
            yield words.say("survival.varies", p=[P(found.proportional_p)], **names)


def _causes(words: Words, row: SurvivalResult) -> Iterator[Told | list[Told]]:
    if row.causes:
        yield words.say("survival.causes", units=words.units, days=words.count(row.days))
    for name in dict.fromkeys(cause.cause for cause in row.causes):
        found = {cause.variant: cause for cause in row.causes if cause.cause == name}
        for info in words.treated:
            pair = [found.get(words.control.key), found.get(info.key)]
            shares = [
                DASH if each is None or each.share is None else words.cell(words.percent(each.share)) for each in pair
            ]
            events = [DASH if each is None else words.cell(words.count(each.events)) for each in pair]
            own = pair[1]
            yield [
                Told(re.escape(name)),
                *([Told(re.escape(words.name(info.key)))] if words.several else []),
                *shares,
                words.quantity(own.difference if own else None, SHARE),
                words.p(own.log_rank_p if own else None),
                words.row(events, " / "),
            ]


def _gaps(
    words: Words,
    heading: str,
    kind: str,
    title: str,
    found: dict[tuple[str, int, int], Quantity],
    scale: tuple[float, str, str],
    confidence: float,
) -> Iterator[Claim]:
    """Differences from control over time: an introduction, the figure in words, and a row a time."""
    known = {
        key: gap
        for key, gap in found.items()
        if gap.estimate is not None and gap.lower is not None and gap.upper is not None
    }
    if not known:
        return
    control = words.name(words.control.key)
    if kind != "week":
        yield heading, words.say("gaps.heading", title=title, control=control)
    yield (
        heading,
        words.say(
            f"gaps.intro_{kind}",
            control=control,
            confidence=words.percent(confidence),
            units=words.units,
            unit=words.unit,
        ),
    )
    told = []
    for info in words.treated:
        own = sorted((at, first) for variant, first, at in known if variant == info.key)
        if own:
            values: dict[str, Told | str] = {"variant": words.name(info.key)}
            for key, (at, first) in (("first", own[0]), ("last", own[-1])):
                values[key] = words.quantity(known[info.key, first, at], scale)
                values[f"{key}_day"] = _day(words, at) if kind == "survival" else _period(words, first, at)
            form = "survival" if kind == "survival" else "period"
            told.append(words.say(f"gaps.{form}_one" if len(own) == 1 else f"gaps.{form}", **values))
    yield heading, words.say(f"gaps.alt_{kind}", title=title, control=control, rows=words.joined(told))
    for first, at in sorted({(first, at) for _, first, at in known}, key=lambda span: span[1]):
        moment = _day(words, at) if kind == "survival" else Told(re.escape(_period(words, first, at)))
        yield heading, [moment, *(words.quantity(known.get((info.key, first, at)), scale) for info in words.treated)]


def weeks(words: Words) -> Iterator[Claim]:
    rows = words.analysis.periods
    gaps = {(row.variant, row.first_day, row.last_day): row.difference for row in rows}
    if len({row.last_day for row in rows if row.difference.estimate is not None}) > 1:
        metric, heading = rows[0].metric, words.words("heading.by_week")
        yield from _gaps(
            words, heading, "week", words.title(metric), gaps, words.scale(metric), words.analysis.plan.confidence
        )


def precision(words: Words) -> Iterator[Told]:
    plan = words.analysis.plan
    relative = plan.expect is not None and plan.expect.endswith("%")
    for info in words.treated:
        row = words.estimate(plan.primary, info.key, "lift" if relative else "difference")
        if row is None:
            continue
        names = {"metric": words.title(plan.primary), "variant": words.name(info.key)}
        shown = words.shown(row)
        if row.status != "estimated" or shown is None:
            yield words.say("precision.missing", reason=words.words(f"reason.{row.reason or 'unknown'}"), **names)
            continue
        factor, _, unit = words.scale(row.metric, row.estimand)
        half = [Number((shown[1] - shown[0]) / 2 * factor, unit)]
        confidence = words.percent(shown[2]) if shown[2] is not None else "–"
        key = "precision.line" if plan.expect else "precision.line_open"
        yield words.say(key, half=half, confidence=confidence, expect=words.expect() if plan.expect else "", **names)
    if words.analysis.look:
        yield look_precision(words)
