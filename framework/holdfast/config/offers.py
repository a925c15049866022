"""Windows that open when the offer ends: written with the metric, placed by the tactic of each experiment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from holdfast.config.desugar import OFFER_END
from holdfast.config.marks import Map
from holdfast.model.metric import Metric, Window
from holdfast.model.values import Duration


@dataclass(frozen=True, slots=True)
class OfferWindow:
    """A window from the end of the offer: for so long, or until so long after assignment."""

    length: Duration | None
    until: Duration | None

    def placed(self, expires: Duration) -> Window | None:
        """The window for an offer that ends so long after assignment; None when nothing would be left of it."""
        hours = self.length.hours if self.length else (self.until.hours if self.until else 0) - expires.hours
        return Window(start=expires, length=Duration(hours)) if hours > 0 else None


def offer_window(tree: Any) -> OfferWindow | None:
    """How a metric's window follows the offer; None when it does not, or cannot be read."""
    window = tree.get("window") if isinstance(tree, Map) else None
    if not isinstance(window, Map) or window.get("start") != OFFER_END:
        return None
    try:
        if "length" in window:
            return OfferWindow(Duration.parse(window["length"]), None)
        return OfferWindow(None, Duration.parse(window["until"])) if "until" in window else None
    except ValueError:
        return None


def from_assignment(tree: Any) -> Any:
    """The same metric as if its offer ended at assignment, so that the rest of it can be checked without a tactic."""
    window = tree.get("window") if isinstance(tree, Map) else None
    if not isinstance(window, Map) or window.get("start") != OFFER_END:
        return tree
    placed = window.without({"start", "until"})
    if "until" in window and "length" not in window:
        placed.put("length", window["until"], window.key_marks["until"], window.value_marks["until"])
    result = tree.without(set())
    result["window"] = placed
    return result


def placed(metric: Metric, window: OfferWindow, expires: Duration) -> Metric | None:
    """The metric with its window after the offer; None when the window would end before the offer does."""
    found = window.placed(expires)
    return replace(metric, window=found) if found else None
