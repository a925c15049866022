"""A number with its interval in words, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from holdfast.model.found import Quantity
from holdfast.report import numbers
from holdfast.report.numbers import Scale
from holdfast.report.text import Safe
from holdfast.report.view import View

Writer = Callable[[float, Scale, int], Safe]


def change_of(view: View, found: Quantity, scale: Scale) -> Safe:
    """A difference with its interval: +¥81 (+28 to +134)."""
    return _told(view, found, scale, view.numbers.change, numbers.bare, least=0)


def level_of(view: View, found: Quantity, scale: Scale, least: int = 0) -> Safe:
    """A value with its interval: ¥1.37 (¥0.49 to ¥2.26); `least` is how many decimals it has at least."""
    return _told(view, found, scale, view.numbers.level, view.numbers.level, least=least)


def changes_beside(view: View, row: Sequence[Quantity | None], scale: Scale) -> list[Safe]:
    """Differences that stand beside each other, all with the decimals of the one that needs most."""
    known = [found for found in row if found is not None and found.estimate is not None]
    least = max((decimals_of(found, scale) for found in known), default=0)
    told = (
        None if each is None else _told(view, each, scale, view.numbers.change, numbers.bare, least=least)
        for each in row
    )
    return [Safe("–") if each is None else each for each in told]


def shares_beside(view: View, row: Sequence[Quantity | None]) -> list[Safe]:
    """Shares with their intervals that stand beside each other, with the decimals of the one that needs most:
    93.0% (92.5% to 93.5%)."""
    decimals = max((_share_places(found) for found in row if found is not None), default=0)
    return [_share(view, found, decimals) for found in row]


def _share_places(found: Quantity) -> int:
    known = found.lower is not None and found.upper is not None
    return numbers.places((found.upper or 0.0) - (found.lower or 0.0) if known else None, Scale("share"))


def _share(view: View, found: Quantity | None, decimals: int) -> Safe:
    if found is None or found.estimate is None:
        return Safe("–")
    middle = view.numbers.level(found.estimate, Scale("share"), decimals)
    if found.lower is None or found.upper is None:
        return middle
    lower, upper = (view.numbers.level(edge, Scale("share"), decimals) for edge in (found.lower, found.upper))
    return view.voice.say("words.effect", middle=middle, lower=lower, upper=upper)


def decimals_of(found: Quantity, scale: Scale, least: int = 0) -> int:
    """Decimals that a number deserves, by its interval."""
    if found.lower is None or found.upper is None:
        return max(least, numbers.places(None, scale))
    return max(least, numbers.interval_places(found.lower, found.upper, scale))


def no_estimate(view: View, found: Quantity) -> Safe:
    """Why there is no number."""
    return view.voice.say("state.no_estimate_because", reason=why(view, found))


def why(view: View, found: Quantity) -> Safe:
    """The reason why there is no number or no interval, in words."""
    return view.voice.one_of("reason", found.reason or "unknown")


def chance(view: View, probability: float) -> Safe:
    """A probability in percent; beyond 0.1% and 99.9% only that it is."""
    if probability < 0.001:
        return view.voice.say("words.below", value=numbers.percent(0.001))
    if probability > 0.999:
        return view.voice.say("words.above", value=numbers.percent(0.999))
    return numbers.percent(probability)


def _told(view: View, found: Quantity, scale: Scale, middle: Writer, edge: Writer, *, least: int) -> Safe:
    if found.estimate is None:
        return no_estimate(view, found)
    decimals = decimals_of(found, scale, least)
    shown = middle(found.estimate, scale, decimals)
    if found.lower is None or found.upper is None:
        return view.voice.say("words.no_interval", middle=shown, reason=why(view, found)) if found.reason else shown
    if found.lower == found.upper:
        # The price of a message that everybody got is known, without any error.
        return shown
    lower, upper = (edge(end, scale, decimals) for end in (found.lower, found.upper))
    return view.voice.say("words.effect", middle=shown, lower=lower, upper=upper)
