"""The report as a short message in Slack's own marks: *bold*, a table in a code block, and nobody called."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from holdfast.model.result import Analysis
from holdfast.report.closing import deviations
from holdfast.report.first import FirstScreen, first_screen
from holdfast.report.monospace import lines
from holdfast.report.summary import address, writer
from holdfast.report.text import Safe
from holdfast.report.verdict import alerts, label
from holdfast.report.view import Table, View

WIDTH = 72
"""Columns of the table."""
LIMIT = 3_900
"""Characters: Slack cuts longer messages in pieces, or refuses them."""
_LONGEST = 500
# What Slack would read as a mark, as the character that looks alike and is none.
_MARKS = str.maketrans({"*": "∗", "~": "∼", "`": "ʼ"})
_AROUND_WORDS = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_CALL = re.compile(r"(?<!\w)@")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the message; the largest number is left out first."""

    text: str
    rank: int = 0


def render_slack(analysis: Analysis, path: str, link: str = "", language: str | None = None) -> str:
    """The verdict, the first tables and the next step as one short message.

    Args:
        analysis: what it tells.
        path: where the whole report lies within the project; empty while it is not written, which is said in its place.
        link: the address that the path follows, such as a repository's; none: the path alone.
        language: of the text; default: the experiment's.
    """
    view = View.of(analysis, markdown=False, language=language)
    parts = [part for part in _parts(view, path, link) if part.text]
    while sum(len(part.text) + 2 for part in parts) > LIMIT and (most := max(part.rank for part in parts)):
        # The last of those that matter least: a table of another variant goes before that of the first.
        place = max(place for place, part in enumerate(parts) if part.rank == most)
        del parts[place]
    return "\n\n".join(part.text for part in parts) + "\n"


def _parts(view: View, path: str, link: str) -> Iterator[_Part]:
    told, first, voice = alerts(view), first_screen(view), view.voice
    title = view.analysis.experiment.title or view.analysis.experiment.slug
    yield _Part(f"*{_text(voice.text(title))}*\n{_verdict(view, told[0].lines[0])}")
    for line in told[0].lines[1:]:
        yield _Part(_text(line), 3)
    for alert in told[1:]:
        yield _Part(" ".join(_text(f"⚠ {line}") for line in alert.lines), 2)
    if first.warning:
        yield _Part(_text(first.warning), 1)
    for table in first.tables:
        yield _Part(_table(table), 4)
    for key, told_lines, rank in _lines(first):
        yield _Part(_headed(voice.say(f"heading.{key}"), told_lines), rank)
    if view.analysis.deviations:
        yield _Part(_headed(voice.say("heading.deviations"), deviations(view)), 5)
    if path:
        yield _Part(_link(view, path, link))
    else:
        yield _Part(voice.say("summary.not_written", command=Safe(f"`{_text(writer(view.analysis))}`")))


def _lines(first: FirstScreen) -> Iterator[tuple[str, tuple[str, ...], int]]:
    yield "who", (first.who,), 6
    yield "harm", first.harm, 7
    yield "cost", first.cost, 8
    yield "trust", (first.trust,), 2
    yield "next", (first.next,), 1


def _verdict(view: View, line: str) -> str:
    """The first line of the verdict, with the recommendation in bold."""
    verdict = view.analysis.verdict
    head = label(view, verdict)
    symbol = view.voice.say(f"symbol.{verdict.recommendation}")
    rest = line.removeprefix(head)
    return f"{_text(symbol)} *{_text(head)}*{_text(rest)}"


def _headed(heading: str, told: tuple[str, ...]) -> str:
    """A heading in bold with its line, or with a list below it."""
    if not any(told):
        return ""
    if len(told) == 1:
        return f"*{_text(heading)}* {_text(told[0])}"
    return "\n".join([f"*{_text(heading)}*", *(f"• {_text(line)}" for line in told)])


def _table(table: Table) -> str:
    """A table in a code block, its title above it."""
    tame = Table(_tamed(table.head), table.align, tuple(_tamed(row) for row in table.rows))
    body = "\n".join(lines(tame, WIDTH)).translate(_ENTITIES)
    title = f"{_text(table.title)}\n" if table.title else ""
    return f"{title}```\n{body}\n```"


def _tamed(cells: tuple[Safe, ...]) -> tuple[Safe, ...]:
    return tuple(Safe(_tame(cell)) for cell in cells)


def _link(view: View, path: str, link: str) -> str:
    if not link:
        # The mark of code is Slack's own, so it is put around what has been made harmless; it needs a space before it.
        return f"{_text(view.voice.say('summary.report', link='')).rstrip()} `{_text(path)}`"
    words = view.voice.say("summary.report_words")
    target = address(path, link).translate(_ENTITIES).replace("|", "%7C").replace(" ", "%20")
    return f"<{target}|{_text(words)}>"


def _tame(text: str) -> str:
    """The text without what Slack would take for its own marks, for a call to somebody, or for a link; cut where it is
    longer than any line has reason to be."""
    plain = _AROUND_WORDS.sub("＿", text.translate(_MARKS))
    plain = _CALL.sub("＠", plain).replace("://", ":⁄⁄")
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"


def _text(text: str) -> str:
    return _tame(text).translate(_ENTITIES)
