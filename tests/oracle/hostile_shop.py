"""A project whose authors and data mean harm: every text that anybody may write freely holds what breaks tables, makes
markup, steers terminals or hides what follows. Its twin says plain words in the same places."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
import yaml

from holdfast.model.tactic import PriceChange, ReturnsPolicy, Tactic
from holdfast.model.words import Words as OwnWords
from tests.oracle import small_shop
from tests.oracle.small_shop import SOURCES, shop, write
from tests.unit.report.test_twins import PAYLOADS

CHOSEN = tuple(text for name, text in sorted(PAYLOADS.items()) if name not in {"long", "unseen", "terminal"})
LONG = PAYLOADS["long"]
STEERING = "\x1b[31mred\x1b[0m \x1b]8;;https://evil.example\x07x \x1b[2J\x9b1m \b\r\x00 a\x85b\u2028c\u2029d\u202ee"
UNSEEN = "a\u200bb\u2060c\ufeffd\u00ade\u180ef\u3164g\u034fh\U000e0041i"
FREE = (*CHOSEN, LONG, STEERING, UNSEEN)
OF_TACTICS: Mapping[str, Any] = {
    "trigger": "orders.order",
    "within": "24h",
    "days_before_renewal": 30,
    "ask": "review",
    "kind": "points",
    "unit_cost": "3 USD",
}
"""What tactics ask for that is no text."""
SHORT = {"before": "from", "after": "to"}
"""What two types of tactic call their texts."""
NOT_FREE = {"stop_when", "media", "uses", "flag", "personalised_by"}
"""Names and paths among the texts of a tactic."""


@dataclass
class Words:
    """Free text by place: the same number in both twins, and payloads in turn, from another one on in each round."""

    turn: int | None
    """None: plain words."""
    given: dict[str, str] = field(default_factory=dict)

    def __call__(self, place: str) -> str:
        number = len(self.given)
        if place not in self.given:
            plain = f"item{number}x"
            payload = "plain" if self.turn is None else FREE[(number + self.turn) % len(FREE)]
            # A reference to the environment is refused everywhere but in the connection.
            self.given[place] = f"{payload} {plain} {payload}".replace("${", "$ {")
        return self.given[place]

    def data(self, place: str) -> str:
        """A text as data and keys can hold it: without NUL, which databases refuse, and as short as YAML wants keys."""
        text = self(place).replace("\x00", "")
        return text if len(text) < 700 else text[:300] + text[text.index(" item") :][:300]


def tactics(words: Words) -> dict[str, Any]:
    """A tactic of every type with all of its texts."""
    found = {}
    for kind in get_args(get_args(Tactic)[0]):
        name = get_args(get_type_hints(kind)["type"])[0]
        found[f"every-{name.replace('_', '-')}"] = {"type": name} | dict(_texts(kind, f"tactics.{name}", words))
    offer = {"gift": words("gift"), "upgrade": words("upgrade"), "match": words("match"), "unit_cost": "1 USD"}
    touches = [{"day": 0, "channel": "email", "stop_when": "orders.order"}]
    found["a-letter"] = {
        "type": "custom",
        "title": words("letter title"),
        "label": words("letter label"),
        "description": words("letter description"),
        "fields": {words.data("field name"): words("field")},
        "payload": {words.data("payload name"): words("payload")},
        "touches": touches,
    }
    found["a-voucher"] = {
        "type": "incentive",
        "title": words("voucher title"),
        "description": words("voucher description"),
        "offer": offer | {"expires_after": "14d"},
        "channel": "email",
        "costs": {"per_redemption": "orders.discount", "per_send": "0.25 USD", "once": "100 USD"},
    }
    return found


def _texts(kind: Any, place: str, words: Words) -> Iterator[tuple[str, Any]]:
    for item in fields(kind):
        hint, where = get_type_hints(kind)[item.name], f"{place}.{item.name}"
        if item.name == "payload" or item.name == "fields":
            yield item.name, {words.data(f"{where} key"): words(where)}
        elif item.name in NOT_FREE or (item.name in {"type", "unit_cost"} and item.default is not MISSING):
            continue
        elif hint is str or str in get_args(hint):
            name = SHORT.get(item.name, item.name) if kind in {ReturnsPolicy, PriceChange} else item.name
            yield name, [words(where)] if get_origin(hint) is tuple else words(where)
        elif item.name == "offer" or "reward" in item.name:
            yield item.name, {"gift": words(where), "unit_cost": "1 USD"}
        elif item.default is MISSING and item.name in OF_TACTICS:
            yield item.name, OF_TACTICS[item.name]


def sources(words: Words) -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load(SOURCES)
    found = made["sources"]
    for name, source in found.items():
        source["title"], source["description"] = words(f"{name} title"), words(f"{name} description")
    found["customers"]["properties"].append(words.data("column"))
    found["customers"]["missing"] = [words.data("missing")]
    found["orders"]["facts"]["order"] = {"title": words("fact title")}
    found["subscriptions"]["reason"]["maps_to_drivers"] = {words.data("reason"): "price"}
    made["properties"] = {
        "spent": {
            "fact": "orders.revenue",
            "operation": "sum",
            "bands": {"none_yet": 0, "some": 20},
            "title": words("property title"),
            "description": words("property description"),
            "where": {},
        }
    }
    made["segments"] = {"few": {"country": [words.data("JP"), words.data("DE")]}}
    return made


def metrics(words: Words) -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load(small_shop.METRICS)
    for name, metric in made["metrics"].items():
        metric["title"], metric["description"] = words(f"{name} title"), words(f"{name} description")
        metric["owner"], metric["tags"] = words(f"{name} owner"), [words(f"{name} tag")]
    made["metrics"]["orders"]["unit_of_measure"] = words("measure")
    made["metrics"]["upper_order"]["deprecated"] = words("deprecated")
    made["metrics"]["stayed"]["causes"]["price"] = [words.data("reason")]
    made["metrics"]["average_order_value"] = dict(made["metrics"]["order_value"])
    made["metrics"]["steps"]["steps"][0]["name"] = "sent"
    return made


def experiment(words: Words, *, drawn: bool) -> dict[str, Any]:
    """An experiment that another system assigned, or one that Holdfast does."""
    label, column = words.data("label"), words.data("column")
    variants = {
        "control": {"weight": 1, "control": True, "tactic": "nothing", "title": words("control title")},
        "letter": {
            "weight": 1,
            "tactic": "a-voucher",
            "title": words("variant title"),
            "payload": {words.data("variant payload name"): words("variant payload")},
        },
    }
    found: dict[str, Any] = {
        name: words(name) for name in ("owner", "hypothesis", "title", "description", "unit_name")
    } | {"tags": [words("tag")], "variants": variants}
    found["acknowledge"] = [{"rule": "ratio-primary", "because": words("because")}]
    planned: dict[str, Any] = {"primary": "revenue", "secondary": ["orders"], "descriptive": ["stayed", "bought"]}
    planned["trio"] = {"retained": {"not_measured": words("not measured")}, "churned": {"not_measured": words("nor")}}
    planned["guardrails"] = [{"metric": "bought", "tolerate": "5pt"}]
    planned["descriptive"] = ["stayed", "order_value"]
    planned["curves"] = [{"fact": "orders.order", "days": [7, 14, 30], "title": words("curve title")}]
    found["metrics"] = planned
    found["analysis"] = {"segments": ["country", column, "spent", "few"], "covariates": ["plan"]}
    found["rollout"] = {"customers": 1000, "every": "90d"}
    if drawn:
        found["enroll"] = {"date": "2026-02-20"}
        found["audience"] = {"country": {"not": words.data("FR")}}
        found["assignment"] = {"method": "balanced", "salt": "drawn-1", "strata": ["plan"]}
        found["analysis"]["segments"] = ["few"]
        del found["analysis"]["covariates"]
        return found
    found["assignment"] = {
        "method": "external",
        "source": "customers",
        "variant": "variant",
        "assigned_at": "t0",
        "labels": {label: "letter", "control": "control"},
    }
    found["observed"] = {"from": "2026-01-01", "to": "2026-05-01"}
    return found


def hostile_project(folder: Path, words: Words) -> Path:
    """A whole project on disk: configuration, data, two experiments."""
    data = shop(7)
    countries = {name: words.data(name) for name in ("JP", "US", "DE", "FR")}
    data.units["country"] = data.units["country"].map(countries)
    letters = np.flatnonzero(data.units["variant"] == "letter")
    data.units["variant"] = data.units["variant"].replace({"letter": words.data("label")})
    data.units.loc[letters[:25], "variant"] = words.data("another label")
    sides = [words.data("north"), words.data("south")]
    data.units[words.data("column")] = [sides[place % 2] for place in range(len(data.units))]
    data.periods["reason"] = data.periods["reason"].replace({"too_dear": words.data("reason")})
    own = {
        language: {each.name: words(f"{each.name} {language}") for each in fields(OwnWords)}
        for language in ("en", "ja")
    }
    project = yaml.safe_load(small_shop.PROJECT) | {"project": words("project"), "words": own}
    texts = {
        "project": project,
        "sources": sources(words),
        "metrics": metrics(words),
        "tactics": {"tactics": tactics(words)},
        "templates": {
            "templates": {
                "a-template": {
                    "title": words("template title"),
                    "description": words("template description"),
                    "metrics": {"primary": "revenue", "trio": {"churned": {"not_measured": words("template why")}}},
                    "tactic": {"type": "custom", "label": words("template label")},
                }
            }
        },
    }
    written = {name: dumped(text) for name, text in texts.items()}
    write(folder, data, dumped(experiment(words, drawn=False)), **written)
    path = folder / "experiments" / "drawn" / "experiment.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(dumped(experiment(words, drawn=True)), encoding="utf-8")
    return folder


def dumped(document: Any) -> str:
    """YAML whose texts are quoted and escaped, as JSON is; its dates are plain."""
    pair = re.compile(r"\\u(d[89ab]..)\\u(d[c-f]..)")  # JSON's halves of a character, which YAML does not join
    text = pair.sub(_joined, json.dumps(document, indent=1))
    for day in ("2026-01-01", "2026-05-01", "2026-02-20"):
        text = text.replace(f'"{day}"', day)
    return text


def _joined(pair: re.Match[str]) -> str:
    return f"\\U{ord(json.loads(chr(34) + pair[0] + chr(34))):08x}"
