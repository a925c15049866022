"""What the terminal shows of words that others wrote: nothing of them steers it."""

from __future__ import annotations

import re

import pytest

from holdfast.cli import console

HOSTILE = "\x1b[31mred\x1b[0m\x1b]8;;https://evil.example\x07x\x1b[2J\x9b8m\b\r\x00\x7f\u202eevil\u2066\u2028end"
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")


@pytest.mark.parametrize("terminal", [False, True])
def test_no_word_steers_the_terminal(
    terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "watched", lambda: terminal)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    console.out(HOSTILE)
    console.write(f"{HOSTILE}\n")
    console.note(HOSTILE)
    console.paragraph(HOSTILE)
    console.pairs([(HOSTILE, HOSTILE)])
    console.grouped([(f"a.{HOSTILE}", HOSTILE, HOSTILE)])
    console.table(("name", HOSTILE), [(HOSTILE, "1")])
    with console.progress(quiet=False) as show:
        show(HOSTILE)
    told = capsys.readouterr()
    for text in (told.out, told.err):
        ours = re.sub("\x1b\\[(0|1|3[136])m", "", text) if terminal else text
        assert not STEERS.search(ours)
        assert "evil" in text


def test_our_own_colours_stay(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "watched", lambda: True)
    console.out(console.marked("look", "warning"))
    assert capsys.readouterr().out == "\x1b[33mlook\x1b[0m\n"


def test_lines_and_columns_stay() -> None:
    assert console.harmless("a\tb\nc 呼び戻し é 👩‍👩‍👧") == "a\tb\nc 呼び戻し é 👩‍👩‍👧"
