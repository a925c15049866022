"""Evaluations that remember whom they were made for.

Hooks see the context as it was before any of them changed it, so the unit that was drawn can be another one than the
context names; the exposure log must hold the one that was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from openfeature.flag_evaluation import FlagEvaluationDetails, FlagResolutionDetails

from holdfast.serve.log import Treatment

T_co = TypeVar("T_co", covariant=True)


@dataclass
class DrawnEvaluation(FlagEvaluationDetails[T_co]):
    """What the SDK's client answers, for which unit, and what an exposure to it is."""

    unit: str = field(default="", repr=False)
    treatment: Treatment | None = field(default=None, repr=False)


@dataclass
class DrawnResolution(FlagResolutionDetails[T_co]):
    """What the provider answers, for which unit, and what an exposure to it is."""

    unit: str = field(default="", repr=False)
    treatment: Treatment | None = field(default=None, repr=False)

    def to_flag_evaluation_details(self, flag_key: str) -> FlagEvaluationDetails[T_co]:
        """The same for the client's caller."""
        # By place and not by name: this is the path of every request.
        return DrawnEvaluation(
            flag_key,
            self.value,
            self.variant,
            self.flag_metadata,
            self.reason,
            self.error_code,
            self.error_message,
            self.unit,
            self.treatment,
        )
