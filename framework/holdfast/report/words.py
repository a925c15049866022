"""Every statement of the report comes from a catalogue: one TOML file a language, keyed sentences with placeholders."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from holdfast.report.locales import ENGLISH, LOCALES, Locale
from holdfast.report.numbers import Numbers, count
from holdfast.report.text import Safe, clean, escape

LANGUAGES = tuple(LOCALES)
_JAPANESE = re.compile("[\u3040-\u30ff\u3400-\u9fff]")


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
    """Who speaks: a catalogue and a locale, and whether it is for Markdown or for plain text (terminal, figures)."""

    sentences: Mapping[str, str]
    markdown: bool = True
    locale: Locale = ENGLISH

    @classmethod
    def of(cls, language: str, *, markdown: bool = True) -> Voice:
        """The voice of a language."""
        return cls(catalogue(language), markdown, LOCALES.get(language, ENGLISH))

    @property
    def numbers(self) -> Numbers:
        """How this language writes numbers."""
        return Numbers(self.locale)

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
        """Text that others wrote, as a sentence with its full stop; the stop is that of the text's own language."""
        text = self.text(words)
        if not text or text.endswith((".", "!", "?", "…", "。", "！", "？")):
            return text
        return Safe(f"{text}{'。' if _JAPANESE.search(text) else '.'}")

    def knows(self, key: str) -> bool:
        """Whether the catalogue has a sentence for that key."""
        return key in self.sentences

    def one_of(self, group: str, code: str, **values: str | int) -> Safe:
        """The sentence for a code, or the code itself where the catalogue has none."""
        key = f"{group}.{code}"
        return self.say(key, **values) if self.knows(key) else self.text(code)

    def beside(self, parts: Sequence[str]) -> Safe:
        """Several safe texts as one, with nothing between them."""
        return Safe("".join(self.text(part) for part in parts))

    def together(self, parts: Sequence[str]) -> Safe:
        """Sentences one after the other."""
        told = ""
        for part in (self.text(part) for part in parts if part):
            # Bold that ends in a full-width mark ends for GitHub only before a space.
            close = not told or (self.locale.full_stops and told.endswith(tuple(self.locale.full_stops)))
            told += f"{'' if close else ' '}{part}"
        return Safe(told)

    def listed(self, parts: Sequence[str]) -> Safe:
        """Things in a row: a, b and c."""
        safe = [self.text(part) for part in parts]
        if len(safe) < 2:
            return Safe("".join(safe))
        return self.say("words.and", first=Safe(self.sentences["words.comma"].join(safe[:-1])), last=safe[-1])

    def joined(self, parts: Sequence[str]) -> Safe:
        """Longer things in a row, which may hold commas themselves: a; b; c."""
        return Safe(self.sentences["words.semicolon"].join(self.text(part) for part in parts))

    def capital(self, text: Safe) -> Safe:
        """The text as the beginning of a sentence or a heading."""
        return Safe(text[:1].upper() + text[1:]) if self.locale.inflected else text

    def small(self, text: Safe) -> Safe:
        """The text within a sentence; abbreviations stay as they are."""
        return Safe(text[:1].lower() + text[1:]) if self.locale.inflected and text[1:2].islower() else text

    def unit(self, noun: str) -> Safe:
        """One of what was randomised, as in "per customer"."""
        return self.say(f"one.{noun}") if self.knows(f"one.{noun}") else self.one_of("unit", noun)

    def units(self, noun: str) -> Safe:
        """Many of what was randomised; nouns without an entry follow the English rule, or stay as they are."""
        word = self.one_of("unit", noun)
        if not self.locale.inflected:
            return word
        if self.knows(f"units.{noun}"):
            return self.say(f"units.{noun}")
        if word.endswith(("s", "x", "ch", "sh")):
            return Safe(f"{word}es")
        if word.endswith("y") and not word.endswith(("ay", "ey", "oy", "uy")):
            return Safe(f"{word[:-1]}ies")
        return Safe(f"{word}s")

    def counter(self, noun: str, number: int) -> Safe:
        """A number of units that is compared with others, all its digits: 12,012 or 12,012人."""
        key = f"counter.{noun}" if self.knows(f"counter.{noun}") else "counter.other"
        return self.say(key, count=count(number))

    def counted(self, noun: str, number: int) -> Safe:
        """A number of units in running text: 24,000 customers or お客様2万4,000人."""
        key = f"counted.{noun}" if self.knows(f"counted.{noun}") else "counted.other"
        return self.say(key, count=self.numbers.told(number), units=self.units(noun))
