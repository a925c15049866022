"""Text that others wrote, made harmless: the one place where Markdown and HTML are escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable

_SPACE = re.compile(r"[\x00-\x1f\x7f-\x9f\s\u2800]+")
# Marks that turn the direction of text around or cannot be seen, and halves of characters that no file can hold.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_REPEATED = re.compile(r"(.)\1{19,}")
_LONG_WORD = re.compile(r"([!-~]{57})[!-~]{4,}")
_LONGEST = 2000
_MARKUP = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;"} | {character: "\\" + character for character in "\\`*_[]|#~$"}
)
# At the start of a line these would begin a list, a heading or a rule; `://` and `www.` would become links.
_LEADING = re.compile(r"^(?:([-+=:])|(\d{1,9})([.)])(?=\s|$))")
# GitHub calls whoever stands behind an @, however it is escaped; an address has a word before it.
_CALL = re.compile(r"(?<![\w.])@(?=\w)")
_LINK = re.compile(r"(?i)(?<=[a-z])(://)|(?<=www)(\.)")


class Safe(str):
    """Text that is ready to be printed: our own words and numbers, or text that has been escaped."""

    __slots__ = ()


def clean(text: str) -> str:
    """The text on one line, without control characters, invisible marks and endless runs."""
    line = _SPACE.sub(" ", _UNSEEN.sub("", text)).strip()
    line = _LONG_WORD.sub(r"\1…", _REPEATED.sub(r"\1\1\1…", line))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def escape(text: str) -> Safe:
    """The text as Markdown that shows it and does nothing else, in a table, a list, a link or a quote."""
    if isinstance(text, Safe):
        return text
    marked = clean(text).translate(_MARKUP)
    marked = _LEADING.sub(lambda found: f"{found[2] or ''}\\{found[1] or found[3]}", marked)
    return Safe(_LINK.sub(r"\\\g<0>", _CALL.sub("＠", marked)))


def finalize(value: object) -> Safe:
    """What a template prints for a value: as it stands when it is safe, otherwise escaped."""
    return value if isinstance(value, Safe) else escape(str(value))


def join(separator: str, parts: Iterable[str]) -> Safe:
    """Safe parts in one safe text; parts that are not safe are escaped."""
    return Safe(separator.join(escape(part) for part in parts))
