"""Every statement of the report comes from a catalogue: one TOML file a language, keyed sentences with placeholders."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from holdfast.report.text import Safe, clean, escape

LANGUAGES = ("en",)


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All sentences of a language by key, such as verdict.ship; languages without a catalogue speak English."""
    name = language if language in LANGUAGES else LANGUAGES[0]
    text = files("holdfast.report").joinpath("language", f"{name}.toml").read_text("utf-8")
    return dict(_flat(tomllib.loads(text), ""))


def _flat(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value)


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks: a catalogue, and whether the words are for Markdown or for plain text (terminal, figures)."""

    sentences: Mapping[str, str]
    markdown: bool = True

    def text(self, words: str) -> Safe:
        """Text that others wrote, made safe for where it is going."""
        if isinstance(words, Safe):
            return words
        return escape(words) if self.markdown else Safe(clean(words))

    def say(self, key: str, **values: str | int) -> Safe:
        """The sentence of that key with its placeholders filled in."""
        sentence = self.sentences[key]
        filled = sentence.format_map(
            {name: self.text(str(v) if isinstance(v, int) else v) for name, v in values.items()}
        )
        return Safe(filled if self.markdown else filled.replace("**", ""))

    def ended(self, words: str) -> Safe:
        """Text that others wrote, as a sentence with its full stop."""
        text = self.text(words)
        return text if not text or text.endswith((".", "!", "?", "…", "。")) else Safe(f"{text}.")

    def knows(self, key: str) -> bool:
        """Whether the catalogue has a sentence for that key."""
        return key in self.sentences

    def one_of(self, group: str, code: str, **values: str | int) -> Safe:
        """The sentence for a code, or the code itself where the catalogue has none."""
        key = f"{group}.{code}"
        return self.say(key, **values) if self.knows(key) else self.text(code)

    def together(self, parts: Sequence[str], separator: str = " ") -> Safe:
        """Several safe texts as one."""
        return Safe(separator.join(self.text(part) for part in parts if part))

    def listed(self, parts: Sequence[str]) -> Safe:
        """Things in a row: a, b and c."""
        safe = [self.text(part) for part in parts]
        if len(safe) < 2:
            return Safe("".join(safe))
        return Safe(self.say("words.and", first=Safe(", ".join(safe[:-1])), last=safe[-1]))

    def plural(self, noun: str) -> Safe:
        """Many of a noun, by the English rule; other languages give their own in the catalogue."""
        word = self.text(noun)
        if word.endswith(("s", "x", "ch", "sh")):
            return Safe(f"{word}es")
        if word.endswith("y") and not word.endswith(("ay", "ey", "oy", "uy")):
            return Safe(f"{word[:-1]}ies")
        return Safe(f"{word}s")
