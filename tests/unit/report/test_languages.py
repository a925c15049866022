"""Every language says everything, in its own way: catalogues, number forms, whole reports, figures."""

from __future__ import annotations

import ast
import os
import re
import unicodedata
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path
from string import Formatter

import pytest

import holdfast
from holdfast.model.predicate import Condition
from holdfast.model.result import Analysis
from holdfast.report import canvas, figures, render_index, render_markdown, summary_lines
from holdfast.report.conditions import condition
from holdfast.report.locales import JAPANESE, LOCALES
from holdfast.report.numbers import LIFT, Numbers, Scale
from holdfast.report.text import Safe
from holdfast.report.words import LANGUAGES, Voice, catalogue
from tests.unit.report import fuller, languages
from tests.unit.report.test_markdown import CODES, hostile, tables

GOLDEN = Path(__file__).parent / "golden" / "languages"
PACKAGE = Path(holdfast.__file__).parent
NOUNS = ("unit.", "one.", "counter.", "counted.", "form.", "trio_", "condition.")
"""Tables in which a language may have more than English: nouns, the trio of a business, conditions."""
GRAMMAR = {"unit", "units", "variant"}
"""Placeholders that name what the sentence is about: a language may leave them to the context, or name them again."""
ENGLISH_WORDS = {
    "Holdfast", "SRM", "AOV", "LTV", "SQL", "SVG", "BG", "NBD", "Benjamini", "Hochberg", "pip", "install", "holdfast",
    "ja", "queries", "sql", "results", "json", "n", "p", "TODO",
}  # fmt: skip


@pytest.fixture(autouse=True)
def with_font(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports read the same wherever the tests run: as if the Japanese font were installed."""
    monkeypatch.setattr(canvas, "language_of_figures", lambda language: language)


def said(analysis: Analysis, language: str) -> Analysis:
    """The experiment as a team of that language would have written it."""
    return languages.in_japanese(analysis) if language == "ja" else analysis


@pytest.mark.parametrize(
    ("name", "language"), [*((name, code) for name in languages.VERDICTS for code in LANGUAGES), ("fuller", "ja")]
)
def test_every_verdict_reads_as_agreed(name: str, language: str, voucher: Analysis) -> None:
    """Set HOLDFAST_UPDATE_GOLDEN=1 to write the files again, then read what changed."""
    make = languages.VERDICTS.get(name, fuller.fuller)
    text = render_markdown(said(make(voucher), language))
    path = GOLDEN / f"{name}.{language}.md"
    if os.environ.get("HOLDFAST_UPDATE_GOLDEN") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")


@pytest.mark.parametrize("name", ["hillstrom", "cookie_cats"])
def test_an_english_experiment_reads_as_agreed_in_japanese(name: str, request: pytest.FixtureRequest) -> None:
    """Titles, names and hypotheses stay as their author wrote them."""
    analysis: Analysis = request.getfixturevalue(name)
    text = render_markdown(analysis, "ja")
    path = GOLDEN / f"{name}.ja.md"
    if os.environ.get("HOLDFAST_UPDATE_GOLDEN") == "1":
        path.write_text(text, "utf-8")
    assert text == path.read_text("utf-8")
    assert text.startswith(f"# {analysis.experiment.title}\n")


def test_the_default_is_the_language_of_the_experiment(voucher: Analysis) -> None:
    japanese = languages.in_japanese(voucher)
    assert render_markdown(japanese) == render_markdown(japanese, "ja")
    assert "**Ship クーポン.**" in render_markdown(japanese, "en")
    assert "結論：本採用をおすすめします（クーポン）。" in summary_lines(japanese)[0]


def test_the_index_is_in_the_language_of_the_project(voucher: Analysis) -> None:
    rows = [voucher, languages.in_japanese(voucher)]
    assert render_index(rows).startswith("# Experiments\n\n2 experiments")
    index = render_index(rows, language="ja")
    assert index.startswith("# 実験一覧\n\n実験2件")
    assert "## ▲ 本採用をおすすめ（2件）" in index
    assert "/report.md) | 1人あたり限界利益：+81円（+28～+134） | 90日ごとに" in index
    assert "| 特典の提供 | 維持（リテンション） | 価格、利用頻度の低下 | 2027年2月14日 |" in index


def placeholders(sentence: str) -> set[str]:
    """The names in braces."""
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_a_catalogue_has_every_sentence_with_its_values(language: str) -> None:
    english, other = catalogue("en"), catalogue(language)
    assert set(english) - set(other) == set()
    assert {key for key in set(other) - set(english) if not key.startswith(NOUNS)} == set()
    for key in english:
        wanted, found = placeholders(english[key]), placeholders(other[key])
        assert wanted - found - GRAMMAR == set(), key
        assert found - wanted - GRAMMAR == set(), key


def prose(sentence: str) -> str:
    """A sentence without its placeholders."""
    return re.sub(r"\{[a-z_0-9]+\}", "", sentence)


def test_japanese_sentences_are_japanese() -> None:
    for key, sentence in catalogue("ja").items():
        words = set(re.findall(r"[A-Za-z]+", prose(sentence)))
        assert words <= ENGLISH_WORDS, f"{key}: {words - ENGLISH_WORDS}"
        if key.split(".")[0] in {"because", "alert", "caveat", "unknown", "next", "deviation"}:
            assert prose(sentence).endswith(("。", "）", "の", "のうち")), key


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.ja.md")), ids=lambda path: path.stem)
def test_japanese_keeps_its_rules_of_writing(path: Path) -> None:
    for line in [*path.read_text("utf-8").splitlines(), *catalogue("ja").values()]:
        assert "~" not in line.replace("\\~", ""), line
        assert not re.search(r"\d %", line), line
        assert not re.search(r"(?<!\*)\*(?!\*)", line.replace("\\*", "")), line
        assert not re.search("。[ ]?。|、。|（）", line), line
        assert_bold(re.sub(r"\{[a-z_0-9]+\}", "x", line))


def assert_bold(line: str) -> None:
    """CommonMark's rule for **: bold opens and closes only where it is not caught between a mark and a letter."""
    found = [match.start() for match in re.finditer(r"\*\*", line)]
    assert len(found) % 2 == 0, line
    for place, start in enumerate(found):
        before, after = line[:start][-1:], line[start + 2 :][:1]
        inner, outer = (after, before) if place % 2 == 0 else (before, after)
        assert inner.strip(), line
        assert not marks(inner) or not outer.strip() or marks(outer), line


def marks(character: str) -> bool:
    """Whether CommonMark takes a character for punctuation."""
    return bool(character) and unicodedata.category(character)[0] in "PS"


@cache
def texts_in_code() -> tuple[Counter[str], tuple[re.Pattern[str], ...], set[str], str]:
    """All texts of the package, the report's f-strings as patterns, the groups it asks for codes, its templates."""
    texts: Counter[str] = Counter()
    patterns, groups = set(), set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts[node.value] += 1
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("one_of"):
                groups |= {str(part.value) for part in node.args[:1] if isinstance(part, ast.Constant)}
            if isinstance(node, ast.JoinedStr) and path.parent.name == "report":
                parts = [
                    re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"([a-z_0-9.]+)"
                    for part in node.values
                ]
                patterns.add("".join(parts))
    templates = "".join(path.read_text("utf-8") for path in (PACKAGE / "report" / "templates").glob("*.j2"))
    return texts, tuple(re.compile(pattern) for pattern in patterns if re.match("[a-z_]", pattern)), groups, templates


def used(key: str) -> bool:
    """Whether the code says a sentence by its key, or makes the key of a group and a code that it knows."""
    texts, patterns, groups, templates = texts_in_code()
    if key in texts or f'"{key}"' in templates:
        return True
    group, _, code = key.partition(".")
    if group in groups and known(code):
        return True
    for pattern in patterns:
        match = pattern.fullmatch(key)
        if match and match.groups() and pattern.pattern.count(r"\.") and all(known(part) for part in match.groups()):
            return True
    return False


def known(code: str) -> bool:
    """Whether the code knows a code: as it is, or as an f-string makes it."""
    texts, patterns, _, _ = texts_in_code()
    if code in texts:
        return True
    made = (pattern.fullmatch(code) for pattern in patterns)
    if any(match and match.groups() and all(part in texts for part in match.groups()) for match in made):
        return True
    # Two codes joined: exposure and share, left_out_ and date.
    places = [place for place, character in enumerate(code) if character == "_"]
    return any(texts[code[:place]] + texts[code[: place + 1]] and texts[code[place + 1 :]] for place in places)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_left_that_nobody_says(language: str) -> None:
    # Nouns come from YAML; what could not be computed comes from the results.json of earlier versions. Alerts are
    # called what GitHub calls them, in small letters; what was explored is one sentence for each of its parts.
    from_outside = (*(prefix for prefix in NOUNS if prefix != "trio_"), "asked.", "page.alert.", "deviation.explored_")
    assert [key for key in catalogue(language) if not key.startswith(from_outside) and not used(key)] == []


def test_a_sentence_that_nobody_says_would_be_found() -> None:
    assert not used("verdict.abandoned_words")
    assert not used("nothing.at_all")
    assert used("alert.srm.note_early")
    assert used("trio_subscription.churned")


JA = Numbers(JAPANESE)
SHARE, YEN, DOLLAR = Scale("share"), Scale("money", "JPY"), Scale("money", "USD")


def test_japanese_numbers() -> None:
    assert JA.level(684, YEN, 0) == "684円"
    assert JA.change(-170, YEN, 0) == "−170円"
    assert JA.change(0.77, DOLLAR, 2) == "+0.77ドル"
    assert JA.level(12.5, Scale("money", "CHF"), 2) == "12.50 CHF"
    assert JA.change(0.0133, SHARE, 1) == "+1.3%ポイント"
    assert JA.change(0.076, LIFT, 1) == "+7.6%"
    assert JA.change(3.5, Scale("plain", "days"), 1) == "+3.5日"
    assert JA.change(-1.25, Scale("plain", "parcels"), 1) == "−1.2 parcels"
    assert JA.span(-0.013, -0.003, SHARE, 1) == ("−1.3", "−0.3%ポイント")
    assert JA.tick(-200.0, YEN) == "−200円"
    assert JA.noun("days") == "日"


def test_large_numbers_are_read_by_ten_thousands() -> None:
    assert JA.large_money((3.4e6, 1.2e6, 5.6e6), "JPY") == ("340万円", "120万円", "560万円")
    assert JA.large_money((9.487e6, -8.861e6, 2.7836e7), "JPY") == ("950万円", "−890万円", "2,780万円")
    assert JA.large_money((1.234e8, 9.1e7, 1.56e8), "JPY") == ("1.23億円", "0.91億円", "1.56億円")
    assert JA.large_money((2.1e6, -3e5, 4.5e6), "JPY")[1] == "−30万円"
    assert JA.large_money((48_200.0, 12_000.0, 84_400.0), "JPY") == ("48,200円", "12,000円", "84,400円")
    assert [JA.told(count) for count in (9_999, 10_000, 24_000, 90_189, 120_003_000)] == [
        "9,999", "1万", "2万4,000", "9万189", "1億2,000万3,000",
    ]  # fmt: skip
    assert JA.planned_effect("150000 JPY") == "15万円"
    assert JA.planned_effect("1.5pt") == "1.5%ポイント"
    assert JA.planned_effect("14 days") == "14日"


def test_japanese_dates() -> None:
    assert JA.day("2027-02-13") == "2027年2月13日"
    assert JA.period("2026-10-01", "2026-11-11") == ("2026年10月1日", "11月11日")
    assert JA.period("2026-10-01", "2027-02-13") == ("2026年10月1日", "2027年2月13日")
    assert JA.day("no | date") == "no \\| date"
    assert Numbers().period("2026-10-01", "2026-11-11") == ("1 Oct 2026", "11 Nov 2026")


def test_nouns_take_their_own_counter() -> None:
    voice = Voice.of("ja")
    assert voice.counted("customer", 24_000) == "お客様2万4,000人"
    assert voice.counted("household", 50_083) == "5万83世帯"
    assert voice.counted("voucher|", 12) == "voucher\\|12件"
    assert voice.counter("player", 45_489) == "45,489人"
    assert Voice.of("en").counted("company", 24_000) == "24,000 companies"


def test_sentences_are_joined_as_the_language_joins_them() -> None:
    japanese, english = Voice.of("ja"), Voice.of("en")
    assert (
        japanese.together([Safe("**結論。**"), "次。", "Win-back.", "終わり。"]) == "**結論。** 次。Win-back. 終わり。"
    )
    assert english.together(["One.", "", "Two."]) == "One. Two."
    assert japanese.listed(["甲", "乙", "丙"]) == "甲、乙、丙"
    assert english.listed(["a", "b", "c"]) == "a, b and c"
    assert japanese.ended("費用を回収できる") == "費用を回収できる。"
    assert japanese.ended("pays for itself") == "pays for itself."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (str(Condition(low=55, high=65)), "55～65"),
        (str(Condition(any_of=("JP", "US"), negated=True)), "JPまたはUS以外"),
        (str(Condition(comparison=(">=", 3))), "3以上"),
        (str(Condition(comparison=("<", 0.5))), "0.5未満"),
        (str(Condition(any_of=(True,))), "「はい」"),
        (str(Condition(missing=True, negated=True)), "未設定以外"),
        (str(Condition(top=0.2)), "上位20%"),
        ("Tokyo to Osaka | x", "Tokyo to Osaka \\| x"),
    ],
)
def test_conditions_are_said_in_the_language(text: str, said: str) -> None:
    assert condition(Voice.of("ja"), text) == said
    assert condition(Voice.of("en"), text) == Voice.of("en").text(text)


@pytest.mark.parametrize("name", ["hillstrom", "cookie_cats"])
def test_hostile_text_cannot_break_out_of_japanese(name: str, request: pytest.FixtureRequest) -> None:
    analysis: Analysis = request.getfixturevalue(name)
    bad = replace(hostile(analysis, CODES), checks=analysis.checks)
    plain, text = render_markdown(analysis, "ja"), render_markdown(bad, "ja")
    assert not re.search(r"<(?! 0\.0001)", text)
    assert [[len(row) for row in table] for table in tables(text)] == [
        [len(row) for row in table] for table in tables(plain)
    ]
    assert len(re.findall(r"^#", text, re.M)) == len(re.findall(r"^#", plain, re.M))


def test_a_subscription_has_its_own_words() -> None:
    words = catalogue("ja")
    assert [words[f"trio_subscription.{part}"] for part in ("retained", "churned")] == ["継続率", "解約率"]
    assert words["trio.churned"] == "顧客離脱率"


def test_languages_are_those_with_a_catalogue() -> None:
    found = {path.stem for path in (PACKAGE / "report" / "language").glob("*.toml")}
    assert found == set(LANGUAGES) == set(LOCALES)


def test_without_the_font_figures_are_english_and_the_report_says_so(
    voucher: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(canvas, "japanese_font", lambda: None)
    japanese = languages.in_japanese(voucher)
    assert canvas.language_of_figures("ja") == "en"
    notice = "日本語フォントが見つからないため、図の中の文字は英語です。"
    assert notice in render_markdown(japanese)
    assert "`pip install 'holdfast[ja]'`" in render_markdown(japanese)
    # Text that cannot be drawn is its key, never a box: a missing glyph would warn, and warnings are errors here.
    assert figures(japanese)["figures/forest.png"]


def test_an_english_experiment_in_japanese_says_what_its_figures_speak(voucher: Analysis) -> None:
    assert "図の中の文字は、実験で指定された言語のままです。" in render_markdown(voucher, "ja")
    assert "図の中の文字" not in render_markdown(languages.in_japanese(voucher))


@pytest.mark.skipif(canvas.japanese_font() is None, reason="needs the extra [ja]")
def test_with_the_font_figures_speak_japanese(voucher: Analysis) -> None:
    """Nothing of it is global: English figures keep their bytes, and matplotlib its settings."""
    import matplotlib

    full = fuller.fuller(voucher)
    before, settings = figures(full), list(matplotlib.rcParams["font.family"])
    japanese = figures(languages.in_japanese(full))
    assert set(japanese) == set(before)
    assert all(japanese[name] != before[name] for name in before)
    assert figures(full) == before
    assert list(matplotlib.rcParams["font.family"]) == settings
    assert canvas.readable("1人あたり限界利益 ≤ ✗", "key") == "1人あたり限界利益 ≤ ✗"
