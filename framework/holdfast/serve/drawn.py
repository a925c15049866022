"""Evaluations that remember whom they were made for.

Hooks see the context as it was before any of them changed it, so the unit that was drawn can be another one than the
context names; the exposure log must hold the one that was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from openfeature.flag_evaluation import FlagEvaluationDetails, FlagResolutionDetails

T_co = TypeVar("T_co", covariant=True)


@dataclass
class DrawnEvaluation(FlagEvaluationDetails[T_co]):
    """What the SDK's client answers, and for which unit."""

    unit: str = field(default="", repr=False)


@dataclass
class DrawnResolution(FlagResolutionDetails[T_co]):
    """What the provider answers, and for which unit."""

    unit: str = field(default="", repr=False)

    def to_flag_evaluation_details(self, flag_key: str) -> FlagEvaluationDetails[T_co]:
        """The same for the client's caller."""
        return DrawnEvaluation(
            flag_key=flag_key,
            value=self.value,
            variant=self.variant,
            flag_metadata=self.flag_metadata,
            reason=self.reason,
            error_code=self.error_code,
            error_message=self.error_message,
            unit=self.unit,
        )
