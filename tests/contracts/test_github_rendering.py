"""Reports as GitHub shows them, by its own renderer: every table is a table, every figure is there, nothing is torn."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from lxml import html as lxml_html

from holdfast.report import figures, from_json, render_summary
from holdfast.report.verdict import KINDS
from tests.conftest import ROOT, missing

EXAMPLES = sorted((ROOT / "reports").rglob("*.md"))
GOLDEN = sorted((ROOT / "tests/unit/report/golden").glob("*.md"))
RESULTS = sorted((ROOT / "reports").glob("*/*/results.json"))
FIGURES = re.compile(
    r"figures/(forest|enrolment|exposure|effect-by-week|(retention|survival)(-\d+)?(-difference)?|(segments|money)(-\d+)?)\.(png|svg)"
)


def rendered(text: str) -> Any:
    """The page that GitHub's renderer makes."""
    command = shutil.which("cmark-gfm")
    if command is None:
        missing("there is no cmark-gfm; on Debian: apt-get install cmark-gfm")
    extensions = ("table", "strikethrough", "autolink", "tagfilter", "tasklist")
    options = [word for name in extensions for word in ("--extension", name)]
    done = subprocess.run([str(command), *options], input=text.encode(), capture_output=True, check=True)
    return lxml_html.fragment_fromstring(done.stdout.decode(), create_parent="main")


def check(text: str) -> Any:
    """The page has the tables, headings, lists and alerts that the source has, and no left-over marks."""
    page = rendered(text)
    rules = re.findall(r"^\|(?:-+:?\|)+$", text, re.M)
    assert len(page.xpath("//table")) == len(rules)
    for table in page.xpath("//table"):
        assert len({len(row.xpath("./*")) for row in table.xpath(".//tr")}) == 1
    assert len(page.xpath("//h1 | //h2 | //h3")) == len(re.findall(r"^#+ ", text, re.M))
    quotes = [quote.text_content().strip() for quote in page.xpath("//blockquote")]
    kinds = re.findall(r"^> \[!(\w+)\]$", text, re.M)
    assert [quote.split("]")[0].removeprefix("[!") for quote in quotes] == kinds
    assert set(kinds) <= set(KINDS.values())
    assert not page.xpath("//del | //em | //script | //comment()")
    for code in page.xpath("//code"):
        code.drop_tree()
    shown = page.text_content()
    assert not re.search(r"\||\*\*|\]\(|~~", shown)
    return page


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_example_reports_render_whole(path: Path) -> None:
    page = check(path.read_text("utf-8"))
    for address in [*page.xpath("//img/@src"), *page.xpath("//a/@href")]:
        assert str(address).startswith("mailto:") or (path.parent / str(address)).is_file(), address


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_reports_render_whole(path: Path) -> None:
    page = check(path.read_text("utf-8"))
    links = [str(address) for address in page.xpath("//img/@src | //a/@href")]
    assert all(FIGURES.fullmatch(address) for address in links if not address.startswith("mailto:"))


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.parent.parent.name)
def test_summaries_render_whole(path: Path) -> None:
    analysis = from_json(path.read_text("utf-8"))
    page = check(render_summary(analysis, str((path.parent / "report.md").relative_to(ROOT))))
    assert not page.xpath("//img")
    (link,) = [address for address in page.xpath("//a/@href") if not address.startswith("mailto:")]
    assert (ROOT / link).is_file()


def test_every_figure_of_an_example_stands_in_its_report() -> None:
    for path in RESULTS:
        named = set(re.findall(r"figures/[\w-]+\.png", (path.parent / "report.md").read_text("utf-8")))
        assert named == {name for name in figures(from_json(path.read_text("utf-8"))) if name.endswith(".png")}
