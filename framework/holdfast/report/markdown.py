"""report.md and the index, from the templates: structure in templates, sentences in the catalogue."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from holdfast.model.portfolio import Portfolio
from holdfast.model.result import Analysis, VariantInfo
from holdfast.report import closing
from holdfast.report.balance import balance
from holdfast.report.beliefs import beliefs
from holdfast.report.checks import health
from holdfast.report.differences import by_week
from holdfast.report.exposure import exposure
from holdfast.report.first import first_screen
from holdfast.report.learnt import learnt
from holdfast.report.lifetime import lifetime
from holdfast.report.looks import alarms
from holdfast.report.money import money
from holdfast.report.scorecard import scorecard
from holdfast.report.segments import segments
from holdfast.report.summary import LIMIT, address, shorter, writer
from holdfast.report.survival import survival
from holdfast.report.text import Safe, finalize
from holdfast.report.verdict import alerts
from holdfast.report.view import Table, View
from holdfast.report.words import Voice

_INDEX_COLUMNS = ("experiment", "verdict", "effect", "owner", "tactic", "stage", "driver", "as_of")


@cache
def _environment() -> Environment:
    # Every printed value passes through `finalize`, which escapes all that is not already safe: the counterpart of
    # HTML autoescaping for Markdown.
    return Environment(
        loader=PackageLoader("holdfast.report", "templates"),
        autoescape=False,  # noqa: S701
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,  # so that an included part ends where it says it does
    )


def _render(template: str, **values: Any) -> str:
    text = _environment().get_template(template).render(**values)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def render_markdown(analysis: Analysis, language: str | None = None, *, drawn_in: str | None = None) -> str:
    """The report of an analysis as Markdown, in a language, and that of its figures; default: the experiment's."""
    view = View.of(analysis, language=language, drawn_in=drawn_in)
    interim = analysis.plan.interim
    return _render(
        "report.md.j2",
        say=view.voice.say,
        title=analysis.experiment.title or analysis.experiment.slug,
        hypothesis=view.voice.ended(analysis.experiment.hypothesis),
        description=view.voice.ended(analysis.experiment.description),
        alerts=alerts(view),
        first=first_screen(view),
        health=health(view),
        balance=balance(view),
        enrolment=closing.enrolment(view),
        exposure=exposure(view),
        alarms=alarms(view),
        interim=interim,
        scorecard=None if interim else scorecard(view),
        curves=closing.curves(view),
        survival=survival(view),
        precision=closing.precision(view),
        findings=tuple(
            section
            for section in (by_week(view), money(view), lifetime(view), segments(view), beliefs(view))
            if section
        ),
        deviations=closing.deviations(view),
        caveats=closing.caveats(view),
        glossary=closing.glossary(view),
        reproduce=closing.reproduce(view),
    )


def render_summary(analysis: Analysis, path: str, link: str = "", language: str | None = None) -> str:
    """The verdict and the first screen as Markdown under 60 kB, without images.

    Args:
        analysis: what it tells.
        path: where the whole report lies within the project; empty while it is not written, which is said in its place.
        link: the address that the path follows, such as a repository's; none: the path alone.
        language: of the text; default: the experiment's.
    """
    view = View.of(analysis, language=language)
    target = quote(address(path, link), safe="/:?=&%#~+,;@")
    if path:
        whole = view.voice.say("summary.report", link=Safe(f"[{view.voice.text(path)}]({target})"))
    else:
        whole = view.voice.say("summary.not_written", command=closing.code(view, writer(analysis)))
    text = ""
    for told, first, shortened in shorter(view):
        text = _render(
            "summary.md.j2",
            say=view.voice.say,
            title=analysis.experiment.title or analysis.experiment.slug,
            hypothesis=Safe(""),
            description=Safe(""),
            alerts=told,
            first=first,
            deviations=closing.deviations(view) if analysis.deviations and not shortened else (),
            shortened=shortened,
            whole=whole,
        )
        if len(text.encode()) < LIMIT:
            break
    return text


def render_index(rows: Sequence[Analysis], portfolio: Portfolio | None = None, language: str = "en") -> str:
    """reports/README.md: a table of all experiments in the order given, and what they say together."""
    voice = Voice.of(language)
    key = {0: "intro_none", 1: "intro_one"}.get(len(rows), "intro")
    head = tuple(voice.say(f"index.{column}") for column in _INDEX_COLUMNS)
    table = Table(head, "l" * len(head), tuple(_index_row(View.of(analysis, language=language)) for analysis in rows))
    intro = voice.say(f"index.{key}", number=len(rows))
    together = learnt(portfolio, voice) if portfolio is not None else None
    return _render("index.md.j2", title=voice.say("index.title"), intro=intro, table=table, learnt=together)


def _index_row(view: View) -> tuple[Safe, ...]:
    voice, analysis = view.voice, view.analysis
    info, verdict = analysis.experiment, analysis.verdict
    place = "/".join(quote(part, safe="") for part in (info.slug, analysis.folder))
    words = {"symbol": voice.say(f"symbol.{verdict.recommendation}")}
    words["word"] = voice.say(f"verdict_word.{verdict.recommendation}")
    if verdict.variant:
        words["variant"] = view.name(verdict.variant)
    tactics = dict.fromkeys(variant.tactic_type for variant in view.treated if variant.tactic_type)
    return (
        Safe(f"[{voice.text(info.title or info.slug)}]({place}/report.md)"),
        voice.say("index.verdict_of" if verdict.variant else "index.verdict_plain", **words),
        _index_effect(view),
        voice.text(info.owner),
        voice.listed([voice.one_of("tactic_type", tactic) for tactic in tactics]) or Safe("–"),
        voice.listed([voice.one_of("stage", stage) for stage in info.stages]) or Safe("–"),
        voice.listed([voice.one_of("driver", driver) for driver in info.churn_drivers]) or Safe("–"),
        view.numbers.day(analysis.as_of),
    )


def _index_effect(view: View) -> Safe:
    voice, analysis = view.voice, view.analysis
    if analysis.plan.interim:
        return voice.say("index.interim")
    wanted = analysis.verdict.variant
    shown: list[VariantInfo] = [info for info in view.treated if wanted in {None, info.key}]
    cells = []
    for info in shown:
        row = view.estimate(analysis.plan.primary, info.key, "difference")
        several = len(view.treated) > 1
        names = {"metric": view.title(analysis.plan.primary), "variant": view.name(info.key)}
        key = "effect_variant" if several else "effect_of"
        cells.append(voice.say(f"index.{key}", effect=view.effect(row), **names))
    return voice.joined(cells)
