"""A plan: exactly what will be computed, before anything is read."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

from holdfast.model.found import CostKind
from holdfast.model.metric import Clock, Conversion, Count, Direction, Family, Metric, Retention, Sum, Window
from holdfast.model.study import Study
from holdfast.model.values import Effect, FactRef

if TYPE_CHECKING:
    import pandas as pd

Role = Literal["primary", "secondary", "guardrail", "descriptive", "curve"]
Trio = Literal["retained", "churned", "average_order_value"]
MAX_STEPS = 91
"""Different times of buying that are told apart within a window: as many rows come back from the engine at most as
there are pairs of them, times the numbers of purchases."""


@dataclass(frozen=True, kw_only=True)
class PlannedMetric:
    """One metric over one window, with its part in the decision."""

    key: str
    """Its reference in the experiment, such as margin_per_customer@90d: unique within the plan."""
    metric: Metric
    role: Role
    family: Family | None
    """How it is tested; None until the data show whether a column is a proportion or a mean."""
    window: Window | None
    clock: Clock
    direction: Direction
    unit: str | None
    """A currency code or a noun for means and ratios; None for proportions."""
    trio: Trio | None = None
    """Which of the trio it is."""
    tolerate: Effect | None = None
    """For guardrails: the harm that is tolerated."""
    sources: tuple[str, ...] = ()
    """The sources that it reads."""
    observed_until: datetime
    """UTC instant before which every fact of its sources has arrived."""
    lookback: int = 0
    """Days before assignment over which the same number is read, as a covariate; 0 for none."""

    @property
    def needs_time(self) -> bool:
        return self.window is not None


def planned_end(planned: PlannedMetric) -> int:
    """The first day after a planned metric's window."""
    if planned.window is None:
        raise ValueError(f"{planned.key} has no window")
    return planned.window.end_day


@dataclass(frozen=True, kw_only=True)
class PlannedCurve:
    """A retention curve as an ordered list of points, each a planned metric."""

    key: str
    title: str
    points: tuple[tuple[int, int, str], ...]
    """First day, last day (included) and the key of the metric of each point."""
    daily: PlannedDays | None = None
    """The same day by day, where it is made of a fact."""


@dataclass(frozen=True, kw_only=True)
class PlannedDays:
    """What is counted on each day since assignment: who is active on it, or whose time ends on it."""

    key: str
    """The curve's or the metric's."""
    fact: FactRef | None
    """The fact that counts; None for the end of a period."""
    ended: str | None = None
    """The span source whose running period ends."""
    causes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For competing reasons: name to the values of the source's reason."""
    first_only: bool
    """Whether a unit leaves with its first event, as in survival, or is counted on every day that it is active."""
    days: int
    """How many days."""
    clock: Clock
    sources: tuple[str, ...]
    observed_until: datetime
    """UTC instant before which every fact of its sources has arrived."""


@dataclass(frozen=True, kw_only=True)
class PlannedPart:
    """One of several numbers of each unit that are read together."""

    name: str
    """What it is: margin, during, bought, retained, or the fact of a cost."""
    operation: Conversion | Retention | Count | Sum
    window: Window


@dataclass(frozen=True, kw_only=True)
class PlannedVector:
    """Several numbers of each unit, read together with their products; of units whose longest window has closed."""

    key: str
    parts: tuple[PlannedPart, ...]
    clock: Clock
    sources: tuple[str, ...]
    observed_until: datetime
    """UTC instant before which every fact of its sources has arrived."""

    @property
    def window(self) -> Window:
        """The window that closes last."""
        return max((part.window for part in self.parts), key=lambda window: window.end_day)


@dataclass(frozen=True, kw_only=True)
class PlannedMoney:
    """What it takes to say whether the tactic pays: margin and every cost that is measured, of the same units."""

    metric: str
    """The planned metric that the margin is of."""
    vector: PlannedVector
    """Margin, then each cost; then, where they are to be had, during (margin until the offer runs out), bought and
    retained (0 or 1)."""
    rates: Mapping[str, tuple[float, ...]]
    """Variant to what one of each cost's facts costs it: 1 for amounts of money, the price for messages; 0 for none."""
    netted: tuple[bool, ...]
    """For each cost: whether the margin is net of it already."""
    kinds: tuple[CostKind, ...]
    """For each cost: what it is paid for."""
    not_measured: tuple[tuple[str, str], ...] = ()
    """Costs of the tactic that no fact shows, such as once: kind and amount. They are left out; the report says so."""
    offer_days: int | None = None
    """Days after assignment at which the last offer runs out, within the window."""
    redeemed: int | None = None
    """The place among the costs of what is given out when the offer is used."""


@dataclass(frozen=True, kw_only=True)
class PlannedLifetime:
    """What it takes to project a lifetime value beyond its window."""

    metric: str
    """The planned metric."""
    model: Literal["formula", "bg_nbd"]
    years: float
    """Years that are projected, from the end of the window on."""
    value: Sum
    """What each unit brings."""
    vector: PlannedVector
    """Orders and value of each unit within the window, neither limited by a cap."""

    @property
    def step(self) -> int:
        """Days that count as one where units are counted by their days of buying: 1 up to a quarter of a year."""
        window = self.vector.window
        return max(1, -(-(window.end_day - window.first_day) // MAX_STEPS))


@dataclass(frozen=True, kw_only=True)
class PlannedLooks:
    """Looks before the readout."""

    method: Literal["group_sequential", "always_valid"]
    spending: Literal["obrien_fleming", "pocock"] = "obrien_fleming"
    dates: tuple[date, ...] = ()
    """The dates of group-sequential looks, first to last; the last one is the readout."""
    first: date
    """Before it nothing is looked at."""

    def is_look(self, day: date) -> bool:
        """Whether effects may be seen on a date before the readout."""
        return day >= self.first if self.method == "always_valid" else day in self.dates


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What will be read, tested and shown for one experiment as of one date."""

    study: Study
    as_of: date
    """Everything strictly before 00:00 of this date, in the study's zone."""
    cutoff: datetime
    """as_of as a UTC instant."""
    metrics: tuple[PlannedMetric, ...]
    """In the order of the report."""
    curves: tuple[PlannedCurve, ...]
    survival: tuple[PlannedDays, ...] = ()
    """Times to an event, day by day."""
    money: PlannedMoney | None = None
    """Whether it pays; None where nothing of the plan is money."""
    lifetime: tuple[PlannedLifetime, ...] = ()
    """Lifetime values with a projection."""
    comparisons: tuple[tuple[str, str], ...]
    """Variant and baseline of each comparison: every variant with control first, then the pairs asked for."""
    confidence: float
    fdr: float
    readout: date | None
    """The first date at which every enrolled unit is mature; None when nothing has a window."""
    readout_metric: str | None
    """The metric that sets the readout."""
    enrolled_from: date | None
    enrolled_until: date | None
    """The day after the last enrolment."""
    interim: bool
    """Whether the plan is read before its readout, and not at one of its looks: then no effect is computed."""
    looks: PlannedLooks | None = None
    """Looks before the readout; None for a plan that is read once."""
    not_measured: Mapping[Trio, str]
    """Which of the trio the data cannot define, and why."""
    counted_only: tuple[str, ...] = ()
    """Of an exploration: segments of the study within which nothing is compared. How many units lie in the cells that
    all segments make together tells what could be had by subtraction."""

    @property
    def goes_on(self) -> bool:
        """Whether a look follows the date that it is read at."""
        return self.looks is not None and self.readout is not None and self.as_of < self.readout

    @property
    def watched(self) -> tuple[PlannedMetric, ...]:
        """What the alarm of harm is about, before the readout: primary and guardrails that have a window."""
        if self.looks is not None:
            return ()
        return tuple(
            planned
            for planned in self.metrics
            if planned.role in {"primary", "guardrail"}
            and planned.window is not None
            and planned.direction != "none"
            and planned.family in {"proportion", "mean", "ratio"}
        )

    @property
    def vectors(self) -> tuple[PlannedVector, ...]:
        """What is read besides the metrics."""
        return (*((self.money.vector,) if self.money else ()), *(each.vector for each in self.lifetime))

    def metric(self, key: str) -> PlannedMetric:
        """The planned metric of that key."""
        return next(planned for planned in self.metrics if planned.key == key)

    @property
    def primary(self) -> PlannedMetric:
        return next(planned for planned in self.metrics if planned.role == "primary")

    @property
    def _when(self) -> str:
        return f"as of {self.as_of}, readout {self.readout or 'when the file is read'}"

    @property
    def _shown(self) -> list[tuple[str, str, str]]:
        """Key, role and days of each metric."""
        shown = [planned for planned in self.metrics if planned.role != "curve"]
        return [(planned.key, planned.role, _days(planned.window)) for planned in shown]

    def _repr_markdown_(self) -> str:
        """What will be computed, as a notebook shows it."""
        head = f"**{_cell(self.study.title)}**: {self._when}"
        lines = [head, "", f"| {' | '.join(_HEAD)} |", "|---|---|---|"]
        lines += [f"| {_cell(key)} | {role} | {days} |" for key, role, days in self._shown]
        return "\n".join(lines) + "\n"

    def _repr_html_(self) -> str:
        """The same as HTML, which most notebooks prefer: no script, in the notebook's own colours."""
        head = "".join(f'<th scope="col" style="{_STYLE}">{name}</th>' for name in _HEAD)
        rows = "\n".join(
            f'<tr><th scope="row" style="{_STYLE} font-weight: normal;">{html.escape(key)}</th>'
            f'<td style="{_STYLE}">{role}</td><td style="{_STYLE}">{days}</td></tr>'
            for key, role, days in self._shown
        )
        title = f"<p><strong>{html.escape(self.study.title)}</strong>: {self._when}</p>"
        return (
            f'<div lang="en" style="overflow-x: auto;">\n{title}\n'
            f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>\n</div>\n"
        )

    def to_pandas(self) -> pd.DataFrame:
        """A row for each metric that will be computed: key, role, family, first and last day after assignment."""
        import pandas as pd

        rows = [
            {
                "metric": planned.key,
                "role": planned.role,
                "family": planned.family,
                "first_day": planned.window.first_day if planned.window else None,
                "last_day": planned.window.end_day - 1 if planned.window else None,
                "clock": planned.clock if planned.window else None,
                "direction": planned.direction,
                "tolerate": str(planned.tolerate) if planned.tolerate else None,
                "unit": planned.unit,
            }
            for planned in self.metrics
            if planned.role != "curve"
        ]
        return pd.DataFrame(rows).astype({"first_day": "Int64", "last_day": "Int64"})


_HEAD = ("Metric", "Role", "Days since assignment")
_STYLE = "text-align: left; color: inherit; background: transparent;"


def _days(window: Window | None) -> str:
    return f"{window.first_day} to {window.end_day - 1}" if window else "closed"


def _cell(text: str) -> str:
    """Text of an author that neither breaks a table nor becomes markup."""
    plain = " ".join(html.escape(text).split())
    return "".join(f"\\{sign}" if sign in "\\`*_[]|#$~" else sign for sign in plain)
