"""How one number came about, step by step, from what results.json holds. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from holdfast.model.result import Estimate, Level

if TYPE_CHECKING:
    import pandas as pd

StepName = Literal["raw", "matured", "valued", "capped", "adjusted", "corrected"]
_WHAT: dict[StepName, str] = {
    "raw": "everybody who was assigned",
    "matured": "whose whole window has been observed",
    "valued": "who have a value",
    "capped": "with single large values limited",
    "adjusted": "for what was known before",
    "corrected": "for the other questions of the plan",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A number after one step; no value where its units are not those that are compared."""

    step: StepName
    n: int
    """Units of the variant."""
    n_baseline: int
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    confidence: float | None = None
    how: str = ""
    """What the step did, in words."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The steps of one number, of which only those stand here that happened."""

    metric: str
    variant: str
    baseline: str
    estimand: str
    steps: tuple[Step, ...]

    def to_pandas(self) -> pd.DataFrame:
        """One row a step: step, n, n_baseline, value, lower, upper, confidence, how."""
        import pandas as pd

        return pd.DataFrame([asdict(step) for step in self.steps])

    def __repr__(self) -> str:
        rows: list[tuple[str, ...]] = [
            ("step", f"n {self.variant}", f"n {self.baseline}", self.estimand, "interval", "")
        ]
        rows += [_shown(step) for step in self.steps]
        widths = [max(len(row[place]) for row in rows) for place in range(5)]
        lines = [
            "  ".join([*(cell.ljust(width) for cell, width in zip(row[:5], widths, strict=True)), row[5]])
            for row in rows
        ]
        return "\n".join([f"{self.metric}: {self.variant} against {self.baseline}", *(line.rstrip() for line in lines)])


def trace(row: Estimate, levels: tuple[Level, Level], assigned: tuple[int, int]) -> Trace:
    """The steps behind an estimate.

    Args:
        row: the estimate.
        levels: of the variant and of the baseline.
        assigned: units of the variant and of the baseline.
    """
    steps = tuple(_steps(row, levels, assigned))
    return Trace(row.metric, row.variant, row.baseline, row.estimand, steps)


def _steps(row: Estimate, levels: tuple[Level, Level], assigned: tuple[int, int]) -> Iterator[Step]:
    counts = (row.n, row.n_baseline)
    mature = (levels[0].mature, levels[1].mature)
    capped, adjusted = row.uncapped is not None, row.unadjusted is not None
    plain = (row.unadjusted, row.unadjusted_lower, row.unadjusted_upper)
    nominal = (row.estimate, row.lower, row.upper)
    first = (row.uncapped, row.uncapped_lower, row.uncapped_upper) if capped else plain if adjusted else nominal
    narrowed: list[tuple[StepName, tuple[int, int]]] = [("raw", assigned)]
    narrowed += [("matured", mature)] if mature != assigned else []
    narrowed += [("valued", counts)] if counts != mature else []
    for place, (name, n) in enumerate(narrowed):
        # What units did whose window is open, or who have no value, is not read, so that there is no number of it.
        last = place == len(narrowed) - 1
        yield _step(name, n, first if last else (None, None, None), row.confidence if last else None)
    if capped:
        yield _step("capped", counts, plain if adjusted else nominal, row.confidence)
    if adjusted:
        yield _step("adjusted", counts, nominal, row.confidence)
    if row.lower_adjusted is not None and row.correction not in {"", "none"}:
        ends = (row.estimate, row.lower_adjusted, row.upper_adjusted)
        yield _step("corrected", counts, ends, row.confidence_adjusted, row.correction)


def _step(
    name: StepName,
    n: tuple[int, int],
    numbers: tuple[float | None, float | None, float | None],
    confidence: float | None,
    detail: str = "",
) -> Step:
    value, lower, upper = numbers
    how = f"{_WHAT[name]} ({detail})" if detail else _WHAT[name]
    known = confidence if value is not None else None
    return Step(step=name, n=n[0], n_baseline=n[1], value=value, lower=lower, upper=upper, confidence=known, how=how)


def _shown(step: Step) -> tuple[str, ...]:
    value = "" if step.value is None else f"{step.value:+.6g}"
    ends = "" if step.lower is None or step.upper is None else f"{step.lower:+.6g} to {step.upper:+.6g}"
    if ends and step.confidence is not None:
        ends += f" ({step.confidence:.4g})"
    return (step.step, f"{step.n:,}", f"{step.n_baseline:,}", value, ends, step.how)
