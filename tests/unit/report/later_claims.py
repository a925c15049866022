"""What the sections below the first screen have to say: each claim is a section with a line or the cells of a row."""

from __future__ import annotations

import re
from collections.abc import Iterator

from holdfast.model.result import MetricInfo
from tests.unit.report.exposure_claims import exposure, unlinked
from tests.unit.report.first_claims import first_table
from tests.unit.report.money_claims import beliefs, lifetime, money, segments
from tests.unit.report.printed import Day, Number, Told
from tests.unit.report.scorecard_claims import scorecard
from tests.unit.report.telling import DASH, Claim, Words
from tests.unit.report.time_claims import curves, precision, survival, weeks


def heads(words: Words) -> Iterator[Claim]:
    """The heads of columns that hold a number: a confidence, a window, the effect worth having."""
    analysis = words.analysis
    found = {
        analysis.plan.confidence,
        *(row.confidence for row in analysis.survival),
        *(row.confidence for row in analysis.pays),
    }
    found |= {shown[2] for row in analysis.estimates if (shown := words.shown(row)) is not None and shown[2]}
    for level in sorted(each for each in found if each):
        for key in ("table.difference_at", "survival.hazard_ratio"):
            yield "", words.say(key, confidence=words.percent(level))
        for info in words.treated:
            yield "", words.say("pays.value", variant=words.name(info.key), confidence=words.percent(level))
    windows = {words.window(info) for info in first_table(words)}
    for window in windows if len(windows) == 1 else ():
        told = window[:1].upper() + window[1:] if words.language == "en" else window
        yield "", words.say("table.window_all", window=told)
    if analysis.plan.expect:
        yield "", words.say("belief.worthwhile", expect=words.expect())
    for info in words.ordered:
        for key in ("table.n", "survival.events", "lifetime.difference"):
            yield "", words.say(key, control=words.name(info.key))
        yield "", words.say("gaps.column", variant=words.name(info.key))
    yield "", words.say("pays.per_unit", unit=words.unit)


def later(words: Words) -> Iterator[Claim]:
    """All lines and rows below the first screen and the table of checks."""
    yield from _before(words)
    if not words.analysis.plan.interim:
        for part in (scorecard, curves, survival, weeks, money, lifetime, segments, beliefs):
            yield from part(words)
        heading = words.words("heading.precision")
        for line in precision(words):
            yield heading, line
    yield from _closing(words)


def _before(words: Words) -> Iterator[Claim]:
    """How alike the variants were, and how many were enrolled."""
    analysis, heading = words.analysis, words.words("heading.health")
    if analysis.balance:
        told = [words.say("balance.intro", control=words.name(words.control.key), units=words.units)]
        texts = any(row.kind == "category" for row in analysis.balance)
        yield heading, words.row([*told, *([words.say("balance.texts")] if texts else [])])
    for key, title in dict.fromkeys((row.property, row.title) for row in analysis.balance):
        cells = []
        for info in words.treated:
            row = next((each for each in analysis.balance if (each.property, each.variant) == (key, info.key)), None)
            if any(each.variant == info.key for each in analysis.balance):
                known = row is not None and row.difference is not None
                cells.append(words.cell([Number(row.difference or 0.0)]) if row is not None and known else DASH)
        yield heading, [Told(re.escape(title[:1].upper() + title[1:]) + "|" + re.escape(title)), *cells]
    yield from ((heading, line) for line in (*_enrolment(words), *exposure(words)))


def _enrolment(words: Words) -> Iterator[Told | list[Told]]:
    """How many came on each day; where only exposed units count, these are their first exposures."""
    analysis = words.analysis
    if not analysis.enrolment:
        return
    first, end = analysis.enrolment[0][0], analysis.enrolment[-1][0]
    names = {"first": [Day(first)], "last": [Day(end)]}
    exposed = analysis.exposure is not None or any(check.id == "exposure" for check in analysis.checks)
    own = "_exposed" if exposed else ""
    if len(analysis.enrolment) == 1:
        yield words.say(f"enrolment.one_day{own}", first=[Day(first)])
        return
    days = words.say(f"enrolment.table{own}", days=words.count(len(analysis.enrolment)), **names)
    yield words.row([days, unlinked(words.say("enrolment.svg"))])
    totals = []
    for info in words.ordered:
        counts = [dict(each).get(info.key, 0) for _, each in analysis.enrolment]
        totals.append(
            words.say("enrolment.alt_count", variant=words.name(info.key), count=words.counted("counter", sum(counts)))
        )
        numbers = [words.cell(words.count(each)) for each in (sum(counts), min(counts), max(counts))]
        yield [Told(re.escape(words.name(info.key))), *numbers]
    yield words.say(f"enrolment.alt{own}", units=words.units, counts=words.joined(totals), **names)


def deviations(words: Words) -> Iterator[Claim]:
    """How the analysis differs from its plan."""
    for deviation in words.analysis.deviations:
        known = deviation.details
        besides = {part: known.get(part, "") for part in ("name", "segment", "where")}
        key = "_".join([deviation.id, *(part for part in ("segment", "where") if besides[part])])
        dates = {name: [Day(known[name])] for name in ("as_of", "readout", "until") if name in known}
        hashes = {name: known.get(name, "–") for name in ("locked", "now")}
        asked = words.words(f"asked.{known.get('feature', 'metric')}") if deviation.id == "not_computed" else ""
        yield (
            words.words("heading.deviations"),
            words.say(f"deviation.{key}", asked=asked, **besides, **dates, **hashes),
        )


def _closing(words: Words) -> Iterator[Claim]:
    analysis, made = words.analysis, words.analysis.provenance
    yield from deviations(words)
    if not analysis.plan.interim:
        for info in analysis.metrics:
            yield from ((words.words("heading.caveats"), line) for line in _caveats(words, info))
    if any(info.end_day is not None for info in analysis.metrics):
        yield words.words("heading.caveats"), words.say("caveat.windows", unit=words.unit, units=words.units)
    heading = words.words("heading.reproduce")
    yield heading, words.say("reproduce.command", command=made.command)
    yield heading, words.say("reproduce.as_of", as_of=[Day(analysis.as_of)], timezone=analysis.experiment.timezone)
    version = words.count(analysis.experiment.version)
    yield heading, words.say("reproduce.config_hash", config_hash=made.config_hash, version=version)
    yield heading, words.say("reproduce.engine", engine=made.engine, holdfast=made.holdfast)
    if made.hash_version is not None:
        yield heading, words.say("reproduce.hash", hash_version=words.count(made.hash_version), salt=made.salt or "–")
    if made.manifest_digest:
        yield heading, words.say("reproduce.manifest", digest=made.manifest_digest)
    for name, place in made.sources:
        yield heading, words.say("reproduce.source", name=name, place=place)
    counts = [
        words.say("reproduce.count", count=words.count(info.assigned), variant=words.name(info.key))
        for info in words.ordered
    ]
    yield heading, words.say("reproduce.counts", counts=words.listed(counts), statements=words.count(made.statements))


def _caveats(words: Words, info: MetricInfo) -> Iterator[Told]:
    title = words.titled(info.key)
    if info.trio == "average_order_value":
        yield words.say("caveat.aov", metric=title)
    if info.cap is not None:
        names = {"metric": title, "cap": words.level(info.key, info.cap), "winsorize": info.winsorize or ""}
        yield words.say("caveat.capped" if info.winsorize else "caveat.capped_plain", **names)
    out, young = [], []
    for each in words.ordered if info.role != "curve" else ():
        row = words.analysis.level(info.key, each.key)
        if row is not None and row.excluded:
            out.append(
                words.say(
                    "caveat.excluded_count", count=words.counted("counter", row.excluded), variant=words.name(each.key)
                )
            )
        if row is not None and row.mature < each.assigned:
            counts = {"count": words.counted("counter", row.mature), "all": words.counted("counter", each.assigned)}
            young.append(words.say("caveat.immature_count", variant=words.name(each.key), **counts))
    if out:
        yield words.say("caveat.excluded", metric=title, counts=words.listed(out))
    if young:
        yield words.say("caveat.immature", metric=title, counts=words.listed(young))
