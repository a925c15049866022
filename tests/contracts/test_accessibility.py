"""The report as a page in a browser: axe-core finds nothing at the width of a phone and of a desk, in light and dark;
the keyboard reaches what scrolls; nothing is asked of a network."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.report import from_json, render_html
from tests.conftest import ROOT, missing
from tests.contracts.browser import AXE, Page, browser, chromium

REPORTS = {
    "hillstrom-email": "reports/hillstrom-email/2008-03-15/results.json",
    "cdnow-replay": "reports/cdnow-replay/1998-03-30/results.json",
}
PHONE, DESK = 390, 1280


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page in Chromium."""
    command = chromium()
    if command is None:
        missing("there is no chromium; on Debian: apt-get install chromium")
    with browser(str(command)) as opened:
        yield opened


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The pages, each alone in a folder, so that nothing beside it can help."""
    written = {}
    for name, place in REPORTS.items():
        path = tmp_path_factory.mktemp(name) / "report.html"
        path.write_text(render_html(from_json((ROOT / place).read_text("utf-8"))), "utf-8")
        written[name] = path
    return written


def axe() -> Path:
    """axe-core, in the folder of tools."""
    path = Path(os.environ.get("HOLDFAST_TOOLS") or "nowhere") / AXE
    if not path.is_file():
        missing("HOLDFAST_TOOLS names no folder with axe-core; .ci/run shows what it holds")
    return path


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [PHONE, DESK])
@pytest.mark.parametrize("name", REPORTS)
def test_axe_finds_nothing(page: Page, reports: dict[str, Path], name: str, width: int, dark: bool) -> None:
    page.open(reports[name], width, dark=dark)
    assert page.run("matchMedia('(prefers-color-scheme: dark)').matches") is dark
    assert page.violations(axe()) == []


def test_axe_would_find_something(page: Page, reports: dict[str, Path]) -> None:
    """The checker checks: a page with a picture without words and pale text does not pass."""
    page.open(reports["cdnow-replay"], PHONE)
    page.run("document.querySelector('img').removeAttribute('alt'); document.querySelector('h1').id = 'scorecard'; 0")
    page.run("document.querySelector('.scroll').removeAttribute('aria-labelledby'); document.title = ''; 0")
    found = {line.partition(":")[0] for line in page.violations(axe())}
    assert {"image-alt", "document-title"} <= found


@pytest.mark.parametrize("name", REPORTS)
def test_a_phone_shows_the_page_without_scrolling_sideways(page: Page, reports: dict[str, Path], name: str) -> None:
    page.open(reports[name], PHONE)
    assert page.run("document.documentElement.scrollWidth") == PHONE
    wide = page.run("[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth).length")
    assert wide > 0
    # What a reader decides by is all there: the table of the first screen shows its five columns.
    first = "document.querySelector('.scroll:has(> table.stack.four)')"
    assert page.run(f"{first}.scrollWidth - {first}.clientWidth") == 0
    cells = (
        f"[...{first}.querySelectorAll('tbody tr')].map(row => [...row.children].map(e => e.getBoundingClientRect()))"
    )
    assert page.run(f"{cells}.every(row => row.slice(2).every((box, place) => box.left >= row[place + 1].right - 1))")
    assert page.run("[...document.images].every(image => image.complete && image.naturalWidth > 300)")
    assert page.requests == [reports[name].resolve().as_uri()] or all(
        address.startswith(("data:", "file:")) for address in page.requests
    )
    assert sum(address.startswith("file:") for address in page.requests) == 1


def test_the_keyboard_reaches_all_that_scrolls(page: Page, reports: dict[str, Path]) -> None:
    page.open(reports["hillstrom-email"], PHONE)
    number = page.run("document.querySelectorAll('.scroll').length + document.querySelectorAll('a').length")
    reached = [page.press_tab() for _ in range(number)]
    assert reached[0] == "a##report"
    regions = page.run("[...document.querySelectorAll('.scroll')].map(e => 'div#' + e.getAttribute('aria-labelledby'))")
    assert [place for place in reached if place.startswith("div#")] == regions
    assert len(set(reached)) == number
