"""report.md and the index, from the templates: structure in templates, sentences in the catalogue."""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from holdfast.model.result import Analysis
from holdfast.report import closing
from holdfast.report.balance import balance
from holdfast.report.beliefs import beliefs
from holdfast.report.checks import health
from holdfast.report.differences import by_week
from holdfast.report.exposure import exposure
from holdfast.report.first import first_screen
from holdfast.report.lifetime import lifetime
from holdfast.report.looks import alarms
from holdfast.report.money import money
from holdfast.report.scorecard import scorecard
from holdfast.report.segments import segments
from holdfast.report.summary import LIMIT, address, shorter, writer
from holdfast.report.survival import survival
from holdfast.report.text import Safe, finalize
from holdfast.report.verdict import alerts
from holdfast.report.view import View


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


def rendered(template: str, **values: Any) -> str:
    """The text of a template, its blank lines in order."""
    text = _environment().get_template(template).render(**values)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def render_markdown(analysis: Analysis, language: str | None = None, *, drawn_in: str | None = None) -> str:
    """The report of an analysis as Markdown, in a language, and that of its figures; default: the experiment's."""
    view = View.of(analysis, language=language, drawn_in=drawn_in)
    interim = analysis.plan.interim
    return rendered(
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
        text = rendered(
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
