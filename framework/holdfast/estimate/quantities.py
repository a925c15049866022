"""A number with its interval, or the reason why there is none, in the form of a result."""

from __future__ import annotations

from typing import Protocol

from holdfast.model.found import Quantity
from holdfast.model.outcome import NotEstimable


class Bounded(Protocol):
    """Anything with an estimate between two bounds."""

    @property
    def estimate(self) -> float: ...
    @property
    def lower(self) -> float: ...
    @property
    def upper(self) -> float: ...


def quantity(found: Bounded | NotEstimable) -> Quantity:
    """As a result holds it."""
    if isinstance(found, NotEstimable):
        return Quantity(reason=found.reason, detail=found.detail)
    return Quantity(estimate=found.estimate, lower=found.lower, upper=found.upper)
