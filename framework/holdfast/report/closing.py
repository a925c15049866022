"""The later sections: retention over time, precision, deviations, caveats, glossary, reproduce."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.model.found import Quantity
from holdfast.model.plan import Trio
from holdfast.model.result import CurvePoint, CurveResult, MetricInfo
from holdfast.report import canvas, numbers
from holdfast.report.adjusted import adjusted_rows
from holdfast.report.differences import difference_of_curve, gaps_part, shown_gaps
from holdfast.report.exposure import drawn as exposure_drawn
from holdfast.report.first import TRIO, amount
from holdfast.report.looks import look_precision
from holdfast.report.money import waterfalls
from holdfast.report.pictures import (
    Picture,
    curve_alt,
    enrolled,
    enrolment_alt,
    forest_rows,
    period,
    points_of,
    shown_curves,
    shown_survival,
)
from holdfast.report.quantities import shares_beside
from holdfast.report.sections import Part
from holdfast.report.segments import segment_figures
from holdfast.report.text import Safe, clean
from holdfast.report.view import Table, View, interval


@dataclass(frozen=True, slots=True)
class CurveSection:
    """One retention curve: figure and table twin."""

    title: Safe
    intro: Safe
    picture: Picture
    link: Safe
    table: Table
    difference: Part | None
    """The same beside control."""


@dataclass(frozen=True, slots=True)
class EnrolmentSection:
    """Enrolment by day: figure and table twin."""

    picture: Picture | None
    """None for a single day, which a line cannot show."""
    line: Safe
    table: Table | None
    """None for a single day, whose counts are those of the split."""


def curves(view: View) -> tuple[CurveSection, ...]:
    """A section for each retention curve that has been observed."""
    return tuple(_curve(view, name, curve) for name, curve in shown_curves(view))


def _curve(view: View, name: str, curve: CurveResult) -> CurveSection:
    voice = view.voice
    by_variant = {info.key: points_of(curve, info.key) for info in view.ordered}
    spans = sorted({(point.first_day, point.last_day) for point in curve.points})
    head = [voice.say("table.period")]
    for info in view.ordered:
        head += [view.name(info.key), voice.say("table.at_risk")]
    rows = []
    for span in spans:
        points = [next((p for p in known if (p.first_day, p.last_day) == span), None) for known in by_variant.values()]
        label = next((period(view, point) for point in points if point), Safe("–"))
        shares = [_quantity(point) if point else None for point in points]
        cells: list[Safe] = []
        for point, told in zip(points, shares_beside(view, shares), strict=True):
            cells += [told, numbers.count(point.at_risk) if point else Safe("–")]
        rows.append((label, *cells))
    intro = voice.say("retention.intro", units=view.units, confidence=numbers.percent(curve.confidence))
    link = voice.say("retention.svg", link=Safe(f"figures/{name}.svg"))
    table = Table(tuple(head), "l" + "r" * (len(head) - 1), tuple(rows))
    gaps = difference_of_curve(view, name, curve)
    difference = gaps_part(view, gaps) if gaps else None
    return CurveSection(voice.text(curve.title), intro, Picture(name, curve_alt(view, curve)), link, table, difference)


def _quantity(point: CurvePoint) -> Quantity:
    return Quantity(estimate=point.rate, lower=point.lower, upper=point.upper)


def enrolment(view: View) -> EnrolmentSection | None:
    """Enrolment by day; None when the data carry no dates."""
    voice, days = view.voice, view.analysis.enrolment
    if not days:
        return None
    head = [voice.say("table.variant"), *(voice.say(f"enrolment.{key}") for key in ("total", "least", "most"))]
    rows = []
    for info in view.ordered:
        counts = [dict(by_variant).get(info.key, 0) for _, by_variant in days]
        extremes = (numbers.count(edge) for edge in (min(counts), max(counts)))
        rows.append((view.name(info.key), numbers.count(enrolled(view, info.key)), *extremes))
    first, last = view.numbers.period(days[0][0], days[-1][0])
    key = "table" if len(days) > 1 else "one_day"
    key += "_exposed" if view.only_exposed else ""
    line = voice.say(f"enrolment.{key}", days=numbers.count(len(days)), first=first, last=last)
    link = voice.say("enrolment.svg", link=Safe("figures/enrolment.svg")) if len(days) > 1 else ""
    return EnrolmentSection(
        picture=Picture("enrolment", enrolment_alt(view)) if len(days) > 1 else None,
        line=voice.together([line, link]),
        table=Table(tuple(head), "lrrr", tuple(rows)) if len(days) > 1 else None,
    )


def precision(view: View) -> tuple[Safe, ...]:
    """How well the primary effect is known, against the effect worth having."""
    lines = tuple(line for info in view.treated for line in (_precision(view, info.key),) if line)
    return (*(lines or (view.voice.say("precision.none"),)), *look_precision(view))


def _precision(view: View, variant: str) -> Safe:
    plan = view.analysis.plan
    relative = plan.expect is not None and numbers.planned_is_relative(plan.expect)
    row = view.estimate(plan.primary, variant, "lift" if relative else "difference")
    if row is None:
        return Safe("")
    names = {"metric": view.title(plan.primary), "variant": view.name(variant)}
    shown = interval(row)
    if row.status != "estimated" or shown is None:
        return view.voice.say("precision.missing", reason=view.reason(row), **names)
    scale = view.scale(row.metric, row.estimand)
    return view.voice.say(
        "precision.line" if plan.expect else "precision.line_open",
        half=view.numbers.size(shown.width / 2, scale, numbers.places(shown.width, scale)),
        confidence=numbers.percent(shown.confidence) if shown.confidence is not None else Safe("–"),
        expect=view.numbers.planned_effect(plan.expect) if plan.expect else Safe(""),
        **names,
    )


def deviations(view: View) -> tuple[Safe, ...]:
    """Each way in which the analysis differs from the plan; a line that says so when there is none."""
    voice = view.voice
    lines = []
    for deviation in view.analysis.deviations:
        known = deviation.details
        dates = {name: view.numbers.day(known.get(name, "–")) for name in ("as_of", "readout", "until")}
        hashes = {name: code(view, known.get(name, "–")) for name in ("locked", "now")}
        asked = (
            view.voice.one_of("asked", known.get("feature", "metric")) if deviation.id == "not_computed" else Safe("")
        )
        besides = {part: known.get(part, "") for part in ("name", "segment", "where")}
        key = "_".join([deviation.id, *(part for part in ("segment", "where") if besides[part])])
        lines.append(voice.say(f"deviation.{key}", asked=asked, **besides, **dates, **hashes))
    return tuple(lines) or (voice.say("deviation.none"),)


def caveats(view: View) -> tuple[Safe, ...]:
    """What a reader has to keep in mind for this experiment, and nothing that does not apply to it."""
    voice, analysis = view.voice, view.analysis
    names = {"unit": view.unit, "units": view.units}
    lines = [voice.say("caveat.interim")] if analysis.plan.interim else []
    if not analysis.plan.interim:
        lines += [line for metric in analysis.metrics for line in _metric_caveats(view, metric)]
    if any(metric.end_day is not None for metric in analysis.metrics):
        lines.append(voice.say("caveat.windows", **names))
    if not analysis.enrolment:
        lines.append(voice.say("caveat.no_dates"))
    if analysis.experiment.method == "external":
        lines.append(voice.say("caveat.external"))
    tested = len(list(view.tested())) + len(view.extra_pairs())
    if tested > 1 and not analysis.plan.interim:
        lines.append(voice.say("caveat.several"))
    return (*lines, *_words_of_figures(view))


def _words_of_figures(view: View) -> tuple[Safe, ...]:
    """A line where the figures speak another language than the report."""
    drawn = (
        forest_rows(view), shown_curves(view), shown_survival(view), segment_figures(view), shown_gaps(view),
        waterfalls(view), exposure_drawn(view),
    )  # fmt: skip
    if not any(drawn) and len(view.analysis.enrolment) < 2:
        return ()
    own = view.drawn_in
    language = canvas.language_of_figures(own)
    if language == view.voice.locale.code:
        return ()
    return (view.voice.say("caveat.figures_other_language" if language == own else "caveat.figures_no_font"),)


def _metric_caveats(view: View, metric: MetricInfo) -> list[Safe]:
    voice, title = view.voice, view.titled(metric)
    buyers = view.word("buyers")
    lines = [voice.say("caveat.aov", metric=title, buyers=buyers)] if metric.trio == "average_order_value" else []
    if metric.cap is not None:
        key = "capped" if metric.winsorize else "capped_plain"
        cap = amount(view, metric.cap, view.scale(metric.key))
        lines.append(voice.say(f"caveat.{key}", metric=title, cap=cap, winsorize=metric.winsorize or ""))
    if metric.role == "curve":
        return lines
    out, young = [], []
    for info in view.ordered:
        row = view.analysis.level(metric.key, info.key)
        variant = view.name(info.key)
        if row is not None and row.excluded:
            out.append(voice.say("caveat.excluded_count", count=view.counter(row.excluded), variant=variant))
        if row is not None and row.mature < info.assigned:
            values = {"count": view.counter(row.mature), "all": view.counter(info.assigned), "variant": variant}
            young.append(voice.say("caveat.immature_count", **values))
    lines += [voice.say("caveat.excluded", metric=title, counts=voice.listed(out))] if out else []
    lines += [voice.say("caveat.immature", metric=title, counts=voice.listed(young))] if young else []
    return lines


def glossary(view: View) -> tuple[Safe, ...]:
    """The terms that this report uses, and the definitions of its metrics."""
    voice, analysis = view.voice, view.analysis
    interim = analysis.plan.interim
    terms = [] if interim else ["interval", "p", "lift"]
    if not interim and any(metric.family == "proportion" for metric in analysis.metrics):
        terms.append("points")
    terms += ["srm"] if view.check("srm") else []
    terms += ["balance"] if analysis.balance else []
    if not interim:
        terms += ["guardrail"] if view.metrics("guardrail") else []
        terms += ["capped"] if any(metric.cap is not None for metric in analysis.metrics) else []
        terms += ["at_risk"] if shown_curves(view) else []
        terms += ["adjusted"] if adjusted_rows(view) else []
        terms += ["log_rank", "hazard_ratio"] if any(row.comparisons for _, row in shown_survival(view)) else []
        terms += ["prior"] if analysis.beliefs else []
    lines = [voice.say(f"glossary.{term}", units=view.units) for term in terms]
    lines += [_trio_term(view, part) for part in TRIO if any(m.trio == part for m in analysis.metrics)]
    described = [m for m in analysis.metrics if m.description and m.trio is None and m.role != "curve"]
    # One metric over two windows is defined once.
    defined = dict.fromkeys((view.title(m.key), m.description) for m in described)
    return (
        *lines,
        *(voice.say("glossary.metric", metric=title, description=voice.ended(words)) for title, words in defined),
    )


def _trio_term(view: View, part: Trio) -> Safe:
    metric = next(m for m in view.analysis.metrics if m.trio == part)
    word = view.trio(part)
    if not metric.description:
        return view.voice.say(f"glossary.{part}_default", word=word, buyers=view.word("buyers"))
    return view.voice.say(f"glossary.{part}", word=word, description=view.voice.ended(metric.description))


def reproduce(view: View) -> tuple[Safe, ...]:
    """What it takes to get the same numbers again."""
    voice, analysis = view.voice, view.analysis
    info, made = analysis.experiment, analysis.provenance
    lines = [
        voice.say("reproduce.command", command=code(view, made.command)),
        voice.say("reproduce.as_of", as_of=view.numbers.day(analysis.as_of), timezone=info.timezone),
        voice.say("reproduce.config_hash", config_hash=code(view, made.config_hash), version=info.version),
        voice.say("reproduce.engine", engine=made.engine, holdfast=made.holdfast),
    ]
    if made.hash_version is None:
        lines.append(voice.say("reproduce.external"))
    else:
        salt = code(view, made.salt or "–")
        lines.append(voice.say("reproduce.hash", hash_version=made.hash_version, salt=salt))
    if made.manifest_digest:
        lines.append(voice.say("reproduce.manifest", digest=code(view, made.manifest_digest)))
    lines += [voice.say("reproduce.source", name=name, place=code(view, place)) for name, place in made.sources]
    counts = [
        voice.say("reproduce.count", count=numbers.count(v.assigned), variant=view.name(v.key)) for v in view.ordered
    ]
    lines.append(voice.say("reproduce.counts", counts=voice.listed(counts), statements=made.statements))
    return tuple(lines)


def code(view: View, text: str) -> Safe:
    """Text as code, where it holds nothing that could end the code; otherwise escaped."""
    # A hash is longer than any word that prose may hold, and has to stay whole.
    whole = text if text.isalnum() and text.isascii() and len(text) <= 128 else clean(text)
    risky = not whole or any(character in whole for character in "`<>|&")
    return view.voice.text(text) if risky else Safe(f"`{whole}`")
