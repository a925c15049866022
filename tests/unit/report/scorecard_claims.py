"""What the scorecard has to say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from holdfast.model.found import Quantity
from holdfast.model.result import Decomposition, MetricInfo
from tests.unit.report.printed import Number, Told
from tests.unit.report.telling import DASH, PLAIN, SHARE, Claim, Words, cased, pair


def scorecard(words: Words) -> Iterator[Claim]:
    analysis, heading = words.analysis, words.words("heading.scorecard")
    for line in _corrections(words):
        yield heading, line
    corrected = any(
        row.p_adjusted is not None and row.p_adjusted != row.p
        for row in analysis.estimates
        if row.role in {"primary", "secondary"}
    )
    for info in words.metrics("primary", "secondary"):
        for each in words.treated:
            yield heading, _result(words, info, each.key, words.control.key, corrected=corrected)
    for variant, baseline in analysis.plan.comparisons:
        for info in words.metrics("primary", "secondary") if baseline != words.control.key else ():
            if words.estimate(info.key, variant, "difference", baseline):
                yield heading, _result(words, info, variant, baseline, corrected=corrected)
    for info in words.metrics("guardrail"):
        for each in words.treated:
            row = words.decisive(info.key, each.key)
            name = [Told(re.escape(words.name(each.key)))] if words.several else []
            values = [words.value(info.key, key) for key in (words.control.key, each.key)]
            margin = words.cell(words.margin(row)) if row else DASH
            cells = [
                words.effect(row),
                margin,
                words.reading(row),
                _counts(words, info.key, words.control.key, each.key),
            ]
            yield heading, [Told(re.escape(words.titled(info.key))), *name, *values, *cells]
    for info in words.metrics("descriptive"):
        cells = []
        for each in words.ordered:
            level = analysis.level(info.key, each.key)
            cells += [words.value(info.key, each.key), words.cell(words.count(level.n)) if level else DASH]
        yield heading, [Told(re.escape(words.titled(info.key))), *cells]
    for metric in dict.fromkeys(row.metric for row in analysis.decomposition):
        yield from ((heading, each) for each in _parts(words, metric))
    yield from ((heading, each) for each in (*_raw(words), *_adjusted(words)))
    yield from _forest(words, heading)


def _corrections(words: Words) -> Iterator[Told]:
    analysis, found = words.analysis, dict[tuple[str, str], set[float]]()
    for row in analysis.estimates:
        shown = words.shown(row)
        if row.role in {"primary", "secondary", "guardrail"} and shown is not None and shown[2] is not None:
            found.setdefault((row.role, row.correction), set()).add(shown[2])
    for (role, code), levels in found.items():
        name, _, number = code.partition(":")
        name = "none" if not name or code == "bonferroni:1" else name
        counted = words.count(int(number)) if number else ""
        correction = words.say(f"correction.{name}", number=counted, fdr=words.percent(analysis.plan.fdr))
        confidence = words.listed(
            [words.cell(words.percent(level)) for level in sorted({round(each, 3) for each in levels})]
        )
        yield words.say(
            "scorecard.correction", roles=words.words(f"scorecard.{role}"), correction=correction, confidence=confidence
        )


def _result(words: Words, info: MetricInfo, variant: str, baseline: str, *, corrected: bool) -> list[Told]:
    row = words.estimate(info.key, variant, "difference", baseline)
    lift = words.estimate(info.key, variant, "lift", baseline)
    name: list[Told] = [Told(re.escape(words.name(variant)))] if words.several else []
    if baseline != words.control.key:
        name = [words.say("words.against", variant=words.name(variant), baseline=words.name(baseline))]
    known = row is not None and row.status == "estimated"
    ps = [words.p(row.p_adjusted), words.p(row.p)] if row is not None and known else [DASH, DASH]
    return [
        Told(re.escape(words.titled(info.key))),
        *name,
        words.value(info.key, baseline),
        words.value(info.key, variant),
        words.effect(row),
        words.effect(lift),
        *(ps if corrected else ps[-1:]),
        words.reading(row),
        _counts(words, info.key, baseline, variant),
    ]


def _counts(words: Words, metric: str, baseline: str, variant: str) -> Told:
    levels = [words.analysis.level(metric, key) for key in (baseline, variant)]
    return words.row([words.cell(words.count(level.n)) if level else DASH for level in levels], " / ")


def _parts(words: Words, metric: str) -> Iterator[Told | list[Told]]:
    """A ratio beside its parts."""
    rows = {row.variant: row for row in words.analysis.decomposition if row.metric == metric}
    shown = [rows[info.key] for info in words.ordered if info.key in rows]
    if any(row.intervals for row in shown):
        yield words.say("decomposition.intervals", confidence=words.percent(words.analysis.plan.confidence))
    info = words.infos.get(metric)
    if info is not None and info.trio == "average_order_value":
        titles = [cased(words.word(name)) for name in ("revenue_per_unit", "share_who_bought", "orders_per_buyer")]
    else:
        names = {"unit": words.unit, "units": words.units}
        titles = [words.say(f"decomposition.{name}", **names) for name in ("amount", "active", "per_active")]
    titles.append(Told(re.escape(words.title(metric))))
    scales = {"per_unit": words.scale(metric), "share_active": SHARE, "per_active": PLAIN, "ratio": words.scale(metric)}
    for title, (name, scale) in zip(titles, scales.items(), strict=True):
        yield [title, *(_part(words, row, name, scale) for row in shown)]


def _part(words: Words, row: Decomposition, name: str, scale: tuple[float, str, str]) -> Told:
    first = [Number(getattr(row, name) * scale[0], scale[1])]
    change, found = getattr(row, f"change_{name}"), row.intervals.get(f"change_{name}")
    if change is None:
        return words.cell(first)
    middle = [Number(change * 100, "%")]
    if found is None:
        return words.say("words.changed", first=first, change=middle)
    if found.lower is None or found.upper is None:
        return words.say("words.changed_only", first=first, change=middle, reason=words.words(f"reason.{found.reason}"))
    lower, upper = ([Number(edge * 100, "%")] for edge in (found.lower, found.upper))
    return words.say("words.changed_interval", first=first, change=middle, lower=lower, upper=upper)


def _raw(words: Words) -> Iterator[list[Told]]:
    for info in words.analysis.metrics:
        for each in words.ordered:
            level = words.analysis.level(info.key, each.key)
            if level is not None and level.raw_value is not None and info.cap is not None:
                numbers = [
                    words.cell(words.level(info.key, value)) for value in (info.cap, level.value, level.raw_value)
                ]
                yield [Told(re.escape(words.titled(info.key))), Told(re.escape(words.name(each.key))), *numbers]


def _adjusted(words: Words) -> Iterator[list[Told]]:
    found = [row for row in words.analysis.estimates if row.estimand == "difference" and row.unadjusted is not None]
    named = words.several or any(row.baseline != words.control.key for row in found)
    for row in found:
        levels = [words.analysis.level(row.metric, key) for key in (row.baseline, row.variant)]
        before = Quantity(estimate=row.unadjusted, lower=row.unadjusted_lower, upper=row.unadjusted_upper)
        after = Quantity(estimate=row.estimate, lower=row.lower, upper=row.upper, reason=row.reason)
        yield [
            Told(re.escape(words.titled(row.metric))),
            *([pair(words, row)] if named else []),
            *(words.cell(words.level(row.metric, level.unadjusted if level else None)) for level in levels),
            words.quantity(before, words.scale(row.metric)),
            words.quantity(after, words.scale(row.metric)),
            DASH if row.variance_saved is None else words.cell(words.percent(row.variance_saved)),
        ]


def _forest(words: Words, heading: str) -> Iterator[Claim]:
    rows = []
    for info in words.metrics("primary", "secondary", "guardrail"):
        for each in words.treated:
            lift = words.estimate(info.key, each.key, "lift")
            if lift is not None and lift.status == "estimated" and lift.estimate is not None and words.shown(lift):
                key = "forest.row_variant" if words.several else "forest.row"
                rows.append(
                    words.say(
                        key, metric=words.titled(info.key), variant=words.name(each.key), effect=words.effect(lift)
                    )
                )
    if rows:
        roles = [info for role in ("primary", "secondary", "guardrail") for info in words.metrics(role)]
        assert roles
        yield heading, words.say("forest.alt", control=words.name(words.control.key), rows=words.joined(rows))
