"""What no report may say: that nothing was found where nothing can be told, or that an interval is a probability."""

from __future__ import annotations

import re

import pytest

from holdfast.report.words import LANGUAGES, catalogue
from tests.conftest import ROOT

NEVER = re.compile(
    r"(?i)\bno effect\b(?! was)|95% prob|probability that the null|\bwinner\b|\bwins\b|trend(s|ing)? toward|"
    r"marginally significant|almost significant|勝者|効果(は|が)(なかった|ない)|95%の確率|有意傾向"
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_claims_more_than_numbers_can(language: str) -> None:
    assert {key: text for key, text in catalogue(language).items() if NEVER.search(text)} == {}


def test_no_report_does() -> None:
    pages = [*(ROOT / "reports").rglob("report.md"), *(ROOT / "tests/unit/report/golden").glob("*.md")]
    assert len(pages) >= 8
    assert {path.name: found[0] for path in pages if (found := NEVER.search(path.read_text("utf-8")))} == {}


def test_such_words_are_found() -> None:
    for text in ("The voucher is the winner.", "There is no effect.", "a trend towards more", "効果はなかった"):
        assert NEVER.search(text)
