"""The words of a business in place of the catalogue's, as results.json has them."""

from __future__ import annotations

from holdfast.model.result import Analysis
from holdfast.report.words import catalogue

_PARTS = ("retained", "churned", "average_order_value")
_NAMES = ("revenue_per_unit", "share_who_bought", "orders_per_buyer", "buyers")


def spoken(analysis: Analysis, language: str) -> dict[str, str]:
    """The sentences of a language by key, with what the business calls its units, the trio and its buyers."""
    sentences = {key: text.replace("**", "") for key, text in catalogue(language).items()}
    info = analysis.experiment
    own = info.words.get(language, {})
    for part in _PARTS:
        usual = sentences.get(f"trio_{info.business}.{part}", sentences[f"trio.{part}"])
        sentences[f"trio.{part}"] = own.get(part, usual)
    sentences |= {f"word.{name}": own[name] for name in _NAMES if name in own}
    sentences |= {f"{name}.{info.unit}": own[name] for name in ("unit", "units") if name in own}
    if "form.one" in sentences and own.keys() & {"unit", "counter"}:
        usual = sentences.get(f"counter.{info.unit}", sentences["counter.other"]).replace("{count}", "")
        counter, noun = own.get("counter", usual), sentences.get(f"unit.{info.unit}", info.unit)
        # What counts itself is said once: 1世帯.
        noun = "" if noun == counter else noun
        for form in ("one", "counter", "counted"):
            told = sentences[f"form.{form}"].replace("{unit}", noun).replace("{counter}", counter)
            sentences[f"{form}.{info.unit}"] = told
    return sentences
