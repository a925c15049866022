"""What the sections about money, lifetime value, segments and priors have to say."""

from __future__ import annotations

import re
from collections.abc import Iterator

from holdfast.model.found import LifetimeRow, MoneyResult, Quantity, SegmentRow
from tests.unit.report.first_claims import divided, not_measured
from tests.unit.report.printed import Day, Number, P, Told
from tests.unit.report.telling import DASH, LIFT, SHARE, Claim, Value, Words, pair


def money(words: Words) -> Iterator[Claim]:
    heading = words.words("heading.money")
    rows = words.analysis.pays
    if rows:
        names = {"metric": words.titled(rows[0].metric), "control": words.name(rows[0].baseline)}
        yield heading, words.say("pays.intro", unit=words.unit, **names)
    for row in rows:
        scale = (1.0, row.currency, row.currency)
        if None not in (row.margin.estimate, row.cost.estimate, row.net.estimate):
            told = {key: words.quantity(getattr(row, key), scale) for key in ("margin", "cost", "net")}
            names = {"variant": words.name(row.variant), "control": words.name(row.baseline)}
            parts = [words.say("waterfall.alt_cost", kind=kind, cost=cost) for kind, cost in _kinds(words, row, scale)]
            told |= {"cost": words.listed(parts)} if parts else {}
            key = "waterfall.alt_costs" if parts else "waterfall.alt"
            yield heading, words.say(key, unit=words.unit, **names, **told)
        yield from ((heading, [title, value]) for title, value in _amounts(words, row, scale))
        if row.not_measured:
            yield heading, words.say("pays.not_measured", costs=not_measured(words, row.variant))
        if row.after is not None:
            found = row.after
            key = (
                "missing"
                if found.lower is None or found.upper is None
                else "lost"
                if found.upper < 0
                else "lasting"
                if found.lower > 0
                else "open"
            )
            yield heading, words.say(f"pays.forward_{key}", reason=words.words(f"reason.{found.reason or 'unknown'}"))


def _kinds(words: Words, row: MoneyResult, scale: tuple[float, str, str]) -> list[tuple[str, Told]]:
    """Each kind of cost with what it came to, where all of them are known."""
    if any(part.cost.estimate is None for part in row.costs):
        return []
    return [(words.words(f"cost_part.{part.kind}"), words.quantity(part.cost, scale)) for part in row.costs]


def _amounts(words: Words, row: MoneyResult, scale: tuple[float, str, str]) -> Iterator[tuple[Told, Told]]:
    unit = words.unit
    for key in ("margin", "cost", "net"):
        yield words.say(f"pays.{key}"), words.quantity(getattr(row, key), scale)
    for kind, cost in _kinds(words, row, scale):
        yield words.say("pays.cost_part", kind=kind), cost
    back = words.quantity(divided(row.return_on_cost), scale)
    if row.return_on_cost.reason == "baseline_not_positive":
        back = words.say("pays.no_spend", baseline=words.name(row.baseline))
    yield words.say("pays.return_on_cost", one=[Number(1, row.currency)]), back
    for key in ("break_even", "cost_per_retained", "because", "given_anyway"):
        own = SHARE if key == "because" else scale
        found = getattr(row, key) if key in {"break_even", "given_anyway"} else divided(getattr(row, key))
        title = words.say(f"pays.{key}", unit=unit, buyers=words.word("buyers"))
        yield title, words.quantity(found, own, change=False)
    if row.loss_probability is not None:
        yield words.say("pays.loss_probability"), words.chance(row.loss_probability)
    if row.expected_loss is not None:
        yield words.say("pays.expected_loss"), words.cell([Number(row.expected_loss, row.currency)])
    if row.during is not None:
        during = (
            words.say("pays.during_days", last=words.count(row.offer_days - 1))
            if row.offer_days
            else words.say("pays.during")
        )
        yield during, words.quantity(row.during, scale)
    if row.after is not None:
        yield words.say("pays.after"), words.quantity(row.after, scale)
    if row.persistence is not None:
        yield words.say("pays.persistence"), words.quantity(divided(row.persistence), SHARE, change=False)


def lifetime(words: Words) -> Iterator[Claim]:
    heading = words.words("heading.lifetime")
    for row in words.analysis.lifetime:
        yield heading, _lifetime_row(words, row)
    for key in dict.fromkeys((row.metric, row.model, row.years) for row in words.analysis.lifetime):
        yield heading, words.say("lifetime.model", model=words.say(f"lifetime.model_{key[1]}"), years=[Number(key[2])])


def _lifetime_row(words: Words, row: LifetimeRow) -> list[Told]:
    scale = words.scale(row.metric)
    values = [words.cell(words.level(row.metric, row.realised)), words.quantity(row.projected, scale, change=False)]
    return [Told(re.escape(words.name(row.variant))), *values, words.quantity(row.difference, scale)]


def _level_name(words: Words, row: SegmentRow) -> Told:
    if row.level is None:
        return words.say("segments.others" if row.suppressed else "segments.not_known")
    return words.cell([Day(row.level)]) if re.fullmatch(r"\d{4}-\d\d-\d\d", row.level) else Told(re.escape(row.level))


def segments(words: Words) -> Iterator[Claim]:
    analysis, heading = words.analysis, words.words("heading.segments")
    if analysis.segments or analysis.interactions:
        late = {"not_pre_registered", "locked_after_observation", "locked_during_observation", "changed_after_lock"}
        fixed = "not_fixed" if any(each.id in late for each in analysis.deviations) else "fixed"
        read = words.say("segments.intro", units=words.units, confidence=words.percent(analysis.plan.confidence))
        yield heading, words.row([words.say(f"segments.{fixed}"), read])
    for key in dict.fromkeys((row.metric, row.dimension) for row in analysis.segments):
        rows = [row for row in analysis.segments if (row.metric, row.dimension) == key]
        shrunken = any(row.shrunken.estimate is not None for row in rows)
        named = {(row.variant, row.baseline) for row in rows} != {(words.treated[0].key, words.control.key)}
        for row in rows:
            yield heading, _segment(words, row, named=named, shrunken=shrunken)
    for test in analysis.interactions:
        names: dict[str, Value] = {"dimension": test.dimension, "levels": words.count(test.levels)}
        lead = words.text("segments.lead", variant=words.name(test.variant)) if words.several else ""
        if test.p is None:
            told = words.say("segments.not_tested", reason=words.words(f"reason.{test.reason or 'unknown'}"), **names)
        else:
            tested = words.say(
                "segments.p" if test.p_adjusted is None else "segments.p_adjusted", p=[P(test.p_adjusted or test.p)]
            )
            told = words.say("segments.differs" if test.differs else "segments.alike", tested=tested, **names)
        again = (
            [words.say("segments.reversal", p=[P(test.reversal_p)])]
            if test.differs and test.reversal_p is not None
            else []
        )
        yield heading, words.row([words.row([lead, told], ""), *again])
    yield from ((heading, line) for line in _segment_figures(words))


def _segment(words: Words, row: SegmentRow, *, named: bool, shrunken: bool) -> list[Told]:
    scale = words.scale(row.metric)
    start = [_level_name(words, row), *([pair(words, row)] if named else [])]
    if row.suppressed:
        return [*start, DASH, DASH, words.say("segments.suppressed"), DASH, *([DASH] if shrunken else []), DASH]
    drawn = (
        DASH if row.shrunken.estimate is None and row.shrunken.reason is None else words.quantity(row.shrunken, scale)
    )
    return [
        *start,
        *(words.cell(words.level(row.metric, value)) for value in (row.baseline_value, row.value)),
        words.quantity(row.difference, scale),
        words.quantity(row.lift, LIFT),
        *([drawn] if shrunken else []),
        words.row([DASH if n is None else words.cell(words.count(n)) for n in (row.n_baseline, row.n)], " / "),
    ]


def _segment_figures(words: Words) -> Iterator[Told]:
    for metric in dict.fromkeys(row.metric for row in words.analysis.segments):
        told = []
        for row in words.analysis.segments:
            whole = None not in (row.difference.estimate, row.difference.lower, row.difference.upper)
            if row.metric == metric and whole and not row.suppressed and row.baseline == words.control.key:
                label = words.say("segments.label", dimension=row.dimension, level=_level_name(words, row))
                effect = words.quantity(row.difference, words.scale(metric))
                key = "segments.alt_row_variant" if words.several else "segments.alt_row"
                told.append(words.say(key, label=label, variant=words.name(row.variant), effect=effect))
        if told:
            yield words.say(
                "segments.alt",
                metric=words.title(metric),
                control=words.name(words.control.key),
                rows=words.joined(told),
            )


def beliefs(words: Words) -> Iterator[Claim]:
    analysis, heading = words.analysis, words.words("heading.beliefs")
    worth = analysis.plan.expect is not None and any(row.worthwhile is not None for row in analysis.beliefs)
    if analysis.beliefs:
        yield heading, words.say("belief.intro", confidence=words.percent(analysis.plan.confidence))
    for row in analysis.beliefs:
        prior = {"mean": words.percent(row.prior_mean), "sd": words.percent(row.prior_sd)}
        found = Quantity(estimate=row.estimate, lower=row.lower, upper=row.upper)
        yield (
            heading,
            [
                Told(re.escape(words.title(row.metric))),
                words.say("words.against", variant=words.name(row.variant), baseline=words.name(row.baseline)),
                words.say("belief.prior_of", **prior),
                words.quantity(found, LIFT),
                words.chance(row.better),
                *([DASH if row.worthwhile is None else words.chance(row.worthwhile)] if worth else []),
                words.cell(words.percent(row.expected_loss)),
            ],
        )
