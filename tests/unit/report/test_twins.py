"""Hostile text changes nothing but the words: a report full of it has the shape of one that says plain words."""

from __future__ import annotations

import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from lxml import html as lxml_html
from markdown_it import MarkdownIt

from holdfast.model.result import Analysis, Check, Deviation
from holdfast.report import figures, render_html, render_index, render_markdown, render_slack, render_summary
from holdfast.report import summary_lines as terminal
from holdfast.report.words import LANGUAGES
from tests.unit.report import fuller as parts

PATH = "reports/winback/2027-02-14/report.md"
PAYLOADS = {
    "link": "[click](https://evil.example) [click]: https://evil.example [x][click] <https://evil.example>",
    "autolink": "https://evil.example www.evil.example HTTP://evil.example ftp://evil.example/x mailto:a javascript:x",
    "image": "![pixel](https://evil.example/p.png) ![p][click]",
    "heading": "# Ship it\n\n## Ship it\n\nShip it\n=======\n\nShip it\n---\n",
    "list": "- one\n- two\n\n1. one\n2) two\n\n* * *\n\n+ x\n- [ ] task",
    "fence": "```\ncode\n~~~\n    code\n`code` ``co`de`` ~~gone~~ **bold** __bold__ *it* _it_",
    "table": "a | b\n|---|---|\n| c | d || e \\| f \\\\| g |",
    "comment": "<!-- hidden --> --> <!-- everything after this is gone",
    "footnote": "told[^1]\n\n[^1]: a note $x^2$ $$y$$ :smile:",
    "alert": "\n> [!TIP]\n> **Ship it.**\n\n> [!CAUTION]\n>> x",
    "script": "<script>alert(1)</script><style>*{display:none}</style><iframe src=//evil.example></iframe><!DOCTYPE x>",
    "handler": "<img src=x onerror=alert(1)><svg/onload=alert(1)><details open ontoggle=x><a href='javascript:x'>y</a>",
    "attribute": "\" onmouseover=\"alert(1)\" x='y' ' autofocus onfocus=alert(1) \"> </title></head></caption></table>",
    "entity": "&lt;script&gt; &#60;b&#62; &#x3c;i&#x3e; &amp;lt; &nbsp; &copy &#0; &#124; &NewLine;# x",
    "directions": "\u202eevil\u202c \u2066x\u2069 \u200fy \u061cz",
    "unseen": "a\u200bb\u2060c\ufeffd\u00ade\u180ef\u3164g\u034fh\U000e0041i\U000e0100j\u2800k\ud800l",
    "formula": '=HYPERLINK("https://evil.example","x") +1+cmd|\' /C calc\'!A0 @SUM(A1) -2+3',
    "mention": "<!channel> <!here> <@U024BE7LH> @here @channel @octocat @org/team <https://evil.example|safe> :tada:",
    "terminal": "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07x \x1b[2J\x9b1m \b\r\x00 a\x85b\u2028c\u2029d",
    "template": "{brace} {0} {} %s %(x)d {{ 7*7 }} {% raw %} {# x #} ${x} \\N{BULLET} \\1 \\g<0>",
    "backslash": "\\ \\\\ \\| \\` \\[ ends in one \\",
    "long": "x" * 5000 + " " + "word " * 1000 + "語" * 500,
    "quotes": "“a” ‘b’ \"c\" 'd' `e` «f» „g“",
}  # fmt: skip
CODES = frozenset(
    {
        "schema", "key", "metric", "variant", "baseline", "role", "trio", "operation", "family", "direction", "clock",
        "id", "status", "estimand", "reason", "state", "recommendation", "primary", "comparisons", "enrolment",
        "looks", "policy", "correction", "by_variant", "language", "method", "checks", "as_of", "expect", "readout",
        "readout_metric", "enrolled_from", "enrolled_until", "observed_from", "observed_until", "business", "currency",
        "tactic_type", "model", "spending", "kind", "rule", "until", "stages", "churn_drivers", "not_measured",
        "assumptions", "slug", "engine", "holdfast", "timezone", "unit", "tolerate", "winsorize", "crossed",
        "offered", "counts",
    }
)  # fmt: skip
"""Fields that hold codes of the program or names and numbers that the configuration checks, never words of an author or
of the data: every other text is replaced, so that a field added tomorrow is, too."""
WORDS = frozenset({"not_measured"})
"""Mappings whose values are words though their keys are codes."""


SAID_OF_CHECKS = frozenset(
    {"metric", "variant", "variants", "cause", "reason", "day", "early", "looks", "at", "spending"}
)
"""Details of checks that are codes, dates, or names that the configuration checks; other texts are from the data."""
FOUND = (
    Check(id="unlisted_labels", status="block", value=25.0, limit=0.0, details={"labels": "another: 25"}),
    Check(id="batch_split", status="note", value=0.004, limit=0.01, details={"batch": "a send", "batch_last": "last"}),
    Check(id="segment_split", status="note", value=0.004, limit=0.01, details={"segment": "a side", "segments": 3.0}),
    Check(
        id="balance",
        status="block",
        value=0.0001,
        limit=0.0005,
        details={"property": "a column", "difference": 0.4, "properties": 4.0},
    ),
)
"""Checks that name what they found in the data."""


def with_found(analysis: Analysis) -> Analysis:
    """The analysis with checks that name what they found, and a word in every text that it leaves empty."""
    known = {check.id for check in FOUND}
    info = analysis.experiment
    own = {language: {"churned": "who left", "buyers": "who gave"} for language in LANGUAGES}
    explored = {"name": analysis.plan.primary, "segment": "a segment", "where": "a place: here"}
    return replace(
        analysis,
        checks=(*(each for each in analysis.checks if each.id not in known), *FOUND),
        experiment=replace(info, description="what it is about", strata=("a stratum",), words=own),
        metrics=tuple(
            replace(each, description=each.description or f"what {each.key} counts") for each in analysis.metrics
        ),
        variants=tuple(replace(each, description=each.description or "what they got") for each in analysis.variants),
        deviations=(*analysis.deviations, Deviation(id="explored", details=explored)),
    )


def renamed(item: Any, words: Callable[[str], str]) -> Any:
    """The same value with other words for every text that an author or the data may have written."""
    if isinstance(item, str):
        return words(item) if item else item
    if isinstance(item, dict):
        return {key: renamed(part, words) for key, part in item.items()}
    if isinstance(item, tuple):
        return tuple(renamed(part, words) for part in item)
    if isinstance(item, Check):
        found = {name: renamed(text, words) for name, text in item.details.items() if name not in SAID_OF_CHECKS}
        return replace(item, details={**item.details, **found})
    if is_dataclass(item) and not isinstance(item, type):
        changed = {}
        for field in fields(item):
            value = getattr(item, field.name)
            checks = field.name == "checks" and isinstance(item, Analysis)
            if field.name not in CODES or checks or (field.name in WORDS and isinstance(value, dict)):
                changed[field.name] = renamed(value, words)
        return replace(item, **changed)
    return item


class Words:
    """New words, always the same for the same old ones, and others for others."""

    def __init__(self, payload: str) -> None:
        self.payload = payload
        self.known: dict[str, int] = {}

    def __call__(self, old: str) -> str:
        number = self.known.setdefault(old, len(self.known))
        return f"{self.payload} item{number}x {self.payload}" if self.payload else f"plain item{number}x words."


def twins(analysis: Analysis, payload: str) -> tuple[Analysis, Analysis]:
    """The analysis in plain words, and in hostile ones."""
    return renamed(analysis, Words("")), renamed(analysis, Words(payload))


@pytest.fixture
def full(voucher: Analysis) -> Analysis:
    """The voucher experiment with all that a result may hold."""
    return with_found(parts.fuller(voucher))


@pytest.fixture(params=["full", "interim"])
def analysis(request: pytest.FixtureRequest) -> Analysis:
    """The fullest result, and one that shows no effect yet."""
    found: Analysis = request.getfixturevalue(request.param)
    return with_found(found)


@pytest.fixture(params=sorted(PAYLOADS))
def payload(request: pytest.FixtureRequest) -> str:
    """One kind of hostile text."""
    return PAYLOADS[request.param]


def parser() -> MarkdownIt:
    """A reader of GitHub's Markdown that obeys all it may obey, raw HTML too."""
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def skeleton(text: str) -> list[str]:
    """The elements of Markdown in their order, with where links and images lead, and nothing of the words. Code is
    left out: a place that cannot be code safely is plain words."""
    found = []
    for token in parser().parse(text):
        for each in token.children or [token]:
            if each.type in {"text", "inline", "softbreak", "code_inline", "text_special"}:
                continue
            found.append(" ".join([each.type, each.tag, each.attrGet("href") or each.attrGet("src") or ""]))  # type: ignore[list-item]
    return found


def page(text: str) -> list[str]:
    """The elements of a page in their order, with every attribute that acts, and nothing of the words."""
    found = []
    for element in lxml_html.document_fromstring(text).iter():
        if element.tag in {"code", "span"}:  # spans keep numbers in brackets whole; words in brackets get one too
            continue
        acting = {name: "#" if value.startswith("#") else value[:40] for name, value in element.attrib.items()}
        kept = {name: value for name, value in acting.items() if name not in {"class", "alt", "id", "aria-labelledby"}}
        found.append(f"{element.tag} {sorted(kept.items())}")
    return found


def unseen(text: str) -> set[str]:
    """Characters that steer a terminal or cannot be seen."""
    return {each for each in text if unicodedata.category(each) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and each != "\n"}


def test_markdown_keeps_its_shape(analysis: Analysis, payload: str) -> None:
    plain, hostile = twins(analysis, payload)
    for language in LANGUAGES:
        text = render_markdown(hostile, language)
        assert skeleton(text) == skeleton(render_markdown(plain, language))
        assert not unseen(text)
        assert not re.search(r"(?<![\w.])@\w", re.sub("`.*?`", "", text))


def test_a_summary_and_the_index_keep_their_shape(analysis: Analysis, payload: str) -> None:
    plain, hostile = twins(analysis, payload)
    if len(payload) < 1000:  # a summary leaves parts out where words are endless
        assert skeleton(render_summary(hostile, PATH)) == skeleton(render_summary(plain, PATH))
    assert not unseen(render_summary(hostile, PATH))
    assert skeleton(render_index([hostile, plain])) == skeleton(render_index([plain, plain]))
    assert not unseen(render_index([hostile]))


def test_a_page_keeps_its_shape(full: Analysis, payload: str) -> None:
    plain, hostile = twins(full, payload)
    for language in LANGUAGES:
        text = render_html(hostile, {}, language)
        assert page(text) == page(render_html(plain, {}, language))
        assert not unseen(text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_message_has_no_marks_but_ours(full: Analysis, payload: str, language: str) -> None:
    plain, hostile = twins(full, payload)
    text, usual = (render_slack(each, PATH, language=language) for each in (hostile, plain))
    assert not unseen(text)
    assert not re.search(r"[<>]|(?<!\w)@|://|(?<![^\W_])_", text)
    assert not re.search("&(?!(amp|lt|gt);)", text)
    assert len(text.splitlines()[0]) <= 520
    # Parts are left out where words are long; what is there has the marks that it has in plain words.
    assert all(text.count(mark) <= usual.count(mark) for mark in "*`~")
    assert all(line.count("*") in {0, 2} for line in text.splitlines())


def test_a_terminal_shows_it_on_its_lines(analysis: Analysis, payload: str) -> None:
    plain, hostile = twins(analysis, payload)
    for_plain, for_hostile = terminal(plain), terminal(hostile)
    assert len(for_plain) == len(for_hostile)
    assert not any("\n" in line or unseen(line) for line in for_hostile)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_check_found_is_named(full: Analysis, language: str) -> None:
    """So that hostile words are tried where checks name labels, sends, sides and columns."""
    words = Words("")
    text = render_markdown(renamed(full, words), language)
    for found in ("another: 25", "a send", "last", "a side", "a column"):
        assert f"item{words.known[found]}x" in text


def test_figures_hold_no_more_than_shapes(full: Analysis) -> None:
    plain, hostile = twins(full, PAYLOADS["handler"] + PAYLOADS["directions"] + PAYLOADS["terminal"] + "$x$")
    drawn, usual = figures(hostile), figures(plain)
    assert set(drawn) == set(usual)
    for name, content in drawn.items():
        if name.endswith(".svg"):
            tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(content).iter()}
            assert tags <= {
                "svg", "metadata", "RDF", "Work", "type", "format", "title", "defs", "style", "g", "path", "use",
                "clipPath", "pattern", "rect", "creator", "Agent", "date",
            }  # fmt: skip
