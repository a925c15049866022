"""The business's own words in place of the catalogue's: what is randomised, the trio, and the parts of an average."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from holdfast.report.text import Safe
from holdfast.report.words import Voice

_FORMS = ("one", "counter", "counted")
"""Tables of a language whose nouns have forms: お客様1人, 12,012人, お客様2万4,000人."""


def named(voice: Voice, noun: str, words: Mapping[str, str]) -> Voice:
    """The voice with the business's own words; `noun` is what units are called in the files."""
    if not words:
        return voice
    own = {name: _sentence(voice, word) for name, word in words.items() if word}
    found = {f"own.{name}": word for name, word in own.items()}
    found |= {f"{table}.{noun}": own[table] for table in ("unit", "units") if table in own}
    if ("unit" in own or "counter" in own) and voice.knows("form.one"):
        found |= _forms(voice, noun, own)
    return replace(voice, sentences={**voice.sentences, **found})


def _forms(voice: Voice, noun: str, own: Mapping[str, str]) -> dict[str, str]:
    """The noun's forms: with its counter, and the noun only once where it counts itself, as 世帯 does."""
    known = voice.sentences.get(f"counter.{noun}", voice.sentences["counter.other"])
    counter = own.get("counter") or known.replace("{count}", "")
    word = own.get("unit") or _sentence(voice, voice.one_of("unit", noun))
    told = "" if word == counter else word
    return {
        f"{form}.{noun}": voice.sentences[f"form.{form}"].replace("{unit}", told).replace("{counter}", counter)
        for form in _FORMS
    }


def _sentence(voice: Voice, word: str) -> str:
    """A word as a sentence of a catalogue: escaped for where it goes, its braces as text."""
    return Safe(voice.text(word).replace("{", "{{").replace("}", "}}"))
