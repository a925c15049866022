"""The report as one page: says what the Markdown says, needs nothing else, and obeys no text."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest
from lxml import html as lxml_html

from holdfast.model.result import Analysis
from holdfast.report import figures, from_json, render_html, render_markdown, to_json
from tests.unit.report import fuller as parts
from tests.unit.report.test_markdown import CODES, hostile, tables

NAMES = ["hillstrom", "cookie_cats", "voucher", "interim", "full"]


@pytest.fixture
def full(voucher: Analysis) -> Analysis:
    """The voucher experiment with all that a result may hold."""
    return parts.fuller(voucher)


@pytest.fixture(params=NAMES)
def analysis(request: pytest.FixtureRequest) -> Analysis:
    """Each of the experiments."""
    found: Analysis = request.getfixturevalue(request.param)
    return found


def parsed(text: str) -> Any:
    """The page as a tree."""
    return lxml_html.document_fromstring(text)


def words(element: Any) -> str:
    """What is shown of an element, on one line."""
    return " ".join(element.text_content().split())


def shown(cell: str) -> str:
    """A cell of Markdown as GitHub shows it."""
    plain = re.sub(r"\*\*|`", "", cell)
    plain = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", plain)
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def test_a_page_needs_nothing_else(analysis: Analysis) -> None:
    text = render_html(analysis)
    page = parsed(text)
    assert not page.xpath("//script | //link | //iframe | //object | //base | //form")
    assert not re.search(r"url\(|@import|\bon[a-z]+=", text)
    assert all(address.startswith("#") for address in page.xpath("//@href"))
    drawn = figures(analysis)
    sources = [base64.b64decode(source.removeprefix("data:image/svg+xml;base64,")) for source in page.xpath("//@src")]
    assert sorted(sources) == sorted(content for name, content in drawn.items() if name.endswith(".svg"))
    policy = page.xpath("//meta[@http-equiv]/@content")[0]
    style = page.xpath("//style")[0].text
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert base64.b64encode(sha256(style.encode()).digest()).decode() in policy


def test_the_page_says_what_the_markdown_says(analysis: Analysis) -> None:
    text = render_markdown(analysis)
    page = parsed(render_html(analysis))
    found = [
        [[words(cell) for cell in row.xpath("./*")] for row in table.xpath(".//tr")] for table in page.xpath("//table")
    ]
    assert found == [[[shown(cell) for cell in row] for row in table] for table in tables(text)]
    assert found
    headings = [words(heading) for heading in page.xpath("//h1 | //h2 | //h3")]
    assert headings == [shown(line) for line in re.findall(r"^#+ (.*)$", text, re.M)]
    alts = [shown(alt) for alt in re.findall(r"^!\[(.*)\]\(", text, re.M)]
    assert page.xpath("//img/@alt") == alts
    assert page.xpath("//figure/img/@alt") == alts
    assert [words(item) for item in page.xpath("//main/ul/li")] == [
        shown(line) for line in re.findall(r"^- (.*)$", text, re.M)
    ]


def test_headings_tables_and_places_are_in_order(analysis: Analysis) -> None:
    page = parsed(render_html(analysis))
    levels = [int(heading.tag[1]) for heading in page.xpath("//h1 | //h2 | //h3 | //h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    names = page.xpath("//@id")
    assert len(names) == len(set(names))
    assert {address.removeprefix("#") for address in page.xpath("//@href")} <= set(names)
    assert [words(link) for link in page.xpath("//nav//a")] == [words(heading) for heading in page.xpath("//h2")]
    assert page.xpath("//body/a")[0].get("href") == "#report"
    captions = [words(caption) for caption in page.xpath("//caption")]
    assert len(captions) == len(set(captions)) == len(page.xpath("//table"))
    for table in page.xpath("//table"):
        region = table.getparent()
        assert (region.get("role"), region.get("tabindex")) == ("region", "0")
        assert region.get("aria-labelledby") == table.xpath("./caption/@id")[0]
        assert {cell.get("scope") for cell in table.xpath("./thead//*[self::th or self::td]")} == {"col"}
        assert [row.xpath("./*")[0].get("scope") for row in table.xpath("./tbody/tr")] == ["row"] * len(
            table.xpath("./tbody/tr")
        )
        assert len(table.xpath("./tbody//th")) == len(table.xpath("./tbody/tr"))


def test_alerts_are_notes_named_by_what_they_say(cookie_cats: Analysis) -> None:
    text = render_markdown(cookie_cats)
    page = parsed(render_html(cookie_cats))
    notes = page.xpath("//div[@role='note']")
    kinds = re.findall(r"^> \[!(\w+)\]", text, re.M)
    assert [note.get("class") for note in notes] == [f"alert {kind.lower()}" for kind in kinds]
    names = [page.xpath(f"//*[@id='{note.get('aria-labelledby')}']") for note in notes]
    assert [words(name[0]) for name in names] == ["Do not ship Gate at level 40.", "Look at the split first."]
    # The words of the verdict stand once: nothing precedes them.
    assert [words(note).startswith(words(name[0])) for note, name in zip(notes, names, strict=True)] == [True, True]
    assert words(notes[0]).count("Do not") == 1
    assert "[!" not in words(page)
    assert not page.xpath("//blockquote")


TAGS = frozenset(
    {
        "html", "head", "meta", "title", "style", "body", "a", "main", "h1", "h2", "h3", "p", "div", "ul", "li",
        "strong", "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "img", "nav", "span", "code", "br",
    }
)  # fmt: skip


def skeleton(page: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every element with the names of its attributes, without those that only say how a cell breaks."""
    for element in page.iter():
        if element.tag not in {"span", "code"}:
            yield element.tag, tuple(sorted(set(element.keys()) - {"class"}))


ATTACKS = (
    '"><script>alert(1)</script>',
    '" onmouseover="alert(1)" x="',
    "</title></style><script>alert(1)</script>",
    "[x](javascript:alert(1)) ![y](javascript:alert(2)) <javascript:alert(3)> <https://evil.example/>",
    "</table></main><iframe src=https://evil.example></iframe>",
    "> [!TIP]\n> # not a heading\n\n| a | b |\n|---|---|\n",
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_becomes_markup(full: Analysis, attack: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = []
    for text in (attack, "harmless words"):
        monkeypatch.setattr("tests.unit.report.test_markdown.NASTY", text)
        pages.append(parsed(render_html(replace(hostile(full, CODES), checks=full.checks), {})))
    page, plain = pages
    assert {element.tag for element in page.iter()} <= TAGS
    assert list(skeleton(page)) == list(skeleton(plain))
    assert all(address.startswith("#") for address in page.xpath("//@href"))
    assert not any(str(name).startswith("on") for element in page.iter() for name in element.attrib)
    assert "alert(1)" in words(page) or "alert" not in attack


def test_the_same_results_give_the_same_page(analysis: Analysis) -> None:
    first, again = (from_json(to_json(analysis)) for _ in range(2))
    assert render_html(first) == render_html(again) == render_html(again, figures(again))


def test_the_page_names_its_language_and_title(voucher: Analysis) -> None:
    titled = replace(voucher, experiment=replace(voucher.experiment, title='Win "back" <b> & more'))
    page = parsed(render_html(titled))
    assert page.xpath("/html/@lang") == ["en"]
    assert page.xpath("//title")[0].text == 'Win "back" <b> & more'


def test_tables_of_few_columns_need_no_scrolling_on_a_phone(voucher: Analysis) -> None:
    page = parsed(render_html(voucher))
    tables = {len(table.xpath("./thead/tr/*")): table.get("class") for table in page.xpath("//table")}
    assert tables[5] == "stack four"
    assert tables[8] == "wide"
    assert tables[2] is None
    # A browser that lays a row out otherwise may take it for no row at all.
    roles = {(element.tag, element.get("role")) for element in page.xpath("//table/descendant-or-self::*[@role]")}
    assert roles == {
        ("table", "table"), ("thead", "rowgroup"), ("tbody", "rowgroup"), ("tr", "row"), ("th", "columnheader"),
        ("th", "rowheader"), ("td", "cell"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("差は+81円（95%信頼区間：−12円～+174円）で", ["+81円", "95%", "−12円～+174円"]),
        ("お客様4万2,000人へ、1回あたり約340万円", ["4万2,000人", "1回", "340万円"]),
        ("2026年10月1日～11月11日の0～89日目", ["2026年10月1日", "11月11日", "0～89日目"]),
        ("+1.3%ポイント（p = 0.88）", ["+1.3%ポイント", "p = 0.88"]),
        ("about ¥3.4 million (−¥12 to +¥174), +1.3 points", ["¥3.4 million", "−¥12", "+¥174", "+1.3 points"]),
        ("1 Oct 2026 to 3, day 9", ["1 Oct 2026"]),
    ],
)
def test_numbers_stay_in_one_piece(voucher: Analysis, text: str, whole: list[str]) -> None:
    titled = replace(voucher, experiment=replace(voucher.experiment, description=text))
    (line,) = [line for line in parsed(render_html(titled)).xpath("//main/p") if words(line).startswith(text)]
    assert [words(part) for part in line.xpath("./span[@class='keep']")] == whole
