"""docs/methods.md cannot drift: its examples run and print what they say, its anchors and seeds exist."""

from __future__ import annotations

import doctest
import re
import warnings

import holdfast.stats
from tests.calibration.study import all_studies
from tests.conftest import ROOT

PAGE = ROOT / "docs" / "methods.md"
TEXT = PAGE.read_text(encoding="utf-8")
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.S | re.M)


def anchors(text: str) -> set[str]:
    """Of the headings of a page, as they are linked."""
    headings = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_examples_print_what_they_say() -> None:
    """All blocks in one session, from top to bottom."""
    blocks = [found[1] for found in _BLOCK.finditer(TEXT)]
    assert len(blocks) > 20
    session = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, PAGE.name, str(PAGE), 0)
    report: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = doctest.DocTestRunner(verbose=False).run(session, out=report.append)
    assert (result.failed, "".join(report)) == (0, "")
    assert result.attempted > 60


def test_links_within_the_documents_lead_to_headings() -> None:
    calibration = (ROOT / "docs" / "calibration.md").read_text(encoding="utf-8")
    for page, anchor in re.findall(r"\]\(([\w.]*)#([\w-]+)\)", TEXT):
        assert anchor in anchors(calibration if page else TEXT), f"{page}#{anchor}"
    for page in ("README.md", "docs/architecture.md"):
        assert "methods.md)" in (ROOT / page).read_text(encoding="utf-8")


def test_every_topic_that_was_studied_is_explained() -> None:
    """A screen of the page links each table of docs/calibration.md."""
    linked = set(re.findall(r"\]\(calibration\.md#([\w-]+)\)", TEXT))
    assert {study.topic.lower().replace(" ", "-") for study in all_studies()} - linked - {
        "sample-ratio-mismatch"
    } == set()


def test_every_seed_is_named() -> None:
    """Beside a link to a table of docs/calibration.md, alone or within a range; and no seed that is of no study."""
    places = r"\[[^\]]*\]\(calibration\.md#[\w-]+\)((?:[^\n]|\n(?!\n))*)"
    beside = "\n".join(re.findall(places, TEXT))
    numbers = [
        range(int(low), int(high or low) + 1) for low, high in re.findall(r"\b(\d{4,5})\b(?: to (\d{4,5}))?", beside)
    ]
    seeds = {study.seed for study in all_studies()}
    assert {seed for seed in seeds if not any(seed in each for each in numbers)} == set()
    assert {end for each in numbers for end in (each[0], each[-1])} <= seeds


def test_every_function_stands_on_the_page() -> None:
    functions = {name for name in holdfast.stats.__all__ if name.islower()}
    table = TEXT[TEXT.index("## Every function") :]
    assert set(re.findall(r"`([a-z_]+)`", table)) - {"analyze", "plan"} == functions


def test_what_is_said_to_be_part_of_an_analysis_is() -> None:
    """The second column holds what the stages call, the third what nobody does but a person."""
    stages = [ROOT / "framework" / "holdfast" / name for name in ("estimate", "health", "project", "planning")]
    code = "\n".join(path.read_text(encoding="utf-8") for stage in stages for path in sorted(stage.rglob("*.py")))
    called = {
        name
        for name in holdfast.stats.__all__
        if re.search(rf"\bstats\.{name}\b|from holdfast\.stats[\w.]* import [^\n]*\b{name}\b", code)
    }
    rows = [line.split("|") for line in TEXT[TEXT.index("## Every function") :].splitlines() if line.startswith("| [")]
    for _, _, by_stages, by_hand, _ in rows:
        assert set(re.findall(r"`(\w+)`", by_stages)) <= called
        assert set(re.findall(r"`(\w+)`", by_hand)) & called == set()
