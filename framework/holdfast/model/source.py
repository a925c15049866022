"""Where data comes from: sources of three grains, their facts, and properties derived from facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator

from holdfast.model.predicate import Predicate, Scalar
from holdfast.model.values import Duration, FactRef

FORBID: dict[str, Any] = {"extra": "forbid"}
ChurnDriver = Literal[
    "low_engagement",
    "support",
    "competition",
    "onboarding",
    "price",
    "billing",
    "changed_needs",
    "quality",
    "limited_choice",
    "negative_word_of_mouth",
    "poor_experience",
    "delivery_and_returns",
    "values",
    "boredom",
]
"""Why customers leave."""
ColumnType = Literal["string", "integer", "decimal", "float", "boolean", "date", "timestamp"]


@dataclass(frozen=True, kw_only=True)
class TextColumn:
    """One column of a file that carries no header or types, or one field of a JSON line."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    type: ColumnType
    """How to read the text."""
    format: str | None = None
    """For dates and timestamps: the pattern, such as %Y%m%d."""


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """How to read a file whose layout cannot be guessed safely."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    kind: Literal["csv", "parquet", "text", "json", "exposures"]
    """csv and parquet carry names (and types); text is one row a line, split at the delimiter, columns given here; json
    is one object a line, the fields that are read given here as columns; exposures is the log that holdfast.serve
    writes."""
    delimiter: str = ","
    """The character between columns; `whitespace` for one or more blanks."""
    header: bool = True
    """Whether the first line holds the names."""
    columns: Mapping[str, TextColumn] = field(default_factory=dict)
    """For text: every column in order, with its type. For json: the fields that are read. For exposures: the type of
    `unit`, where ids are whole numbers."""


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One number that each row of a source contributes."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    column: str | None = None
    """The column that holds the number; without one the fact counts rows."""
    scale: int | Literal["float"] = 4
    """Digits after the point that are kept, so that sums are exact: 0 to 9. float: as the data have it; the last digits
    of its sums may differ from run to run."""
    title: str = ""
    """Words for the report."""
    already_net_of: tuple[str, ...] = ()
    """Facts of the same source that were taken off already, such as the discount from the margin."""

    @property
    def digits(self) -> int | None:
        """Digits after the point that are kept; None for floating numbers."""
        return None if self.scale == "float" else self.scale


@dataclass(frozen=True, kw_only=True)
class SourceFields:
    """What every source has: one of table, path or sql."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    table: str | None = None
    """A table or view in the engine, optionally schema.table."""
    path: str | None = None
    """A file or pattern (CSV, Parquet, JSON lines), relative to the connection's files folder or the project."""
    sql: str | None = None
    """A SELECT statement; the only place where SQL from YAML reaches the engine."""
    union: bool = False
    """Whether a pattern may match several files."""
    format: FileFormat | None = None
    """How to read the file, where that cannot be guessed."""
    title: str = ""
    """Words for the report."""
    description: str = ""
    """What the rows are, for the people who use them."""
    timezone: str | None = None
    """The zone of timestamps that carry none; default: the project's."""
    freshness: Duration = Duration(0)
    """How long after it happened a fact is sure to have arrived."""
    missing: tuple[Scalar, ...] = ()
    """Codes that stand for a missing value, such as -999."""

    @property
    def location(self) -> str:
        """The table, path or the word sql, as the report shows it."""
        return self.table or self.path or "sql"


@dataclass(frozen=True, kw_only=True)
class UnitSource(SourceFields):
    """One row a unit: properties known before assignment, or the outcomes of a finished experiment."""

    grain: Literal["unit"]
    keys: Mapping[str, str] = field(default_factory=dict)
    """Unit name to key column."""
    row: bool = False
    """Each row is a unit of its own; for files without a key."""
    known_from: str | None = None
    """The column with the time from which the unit exists, such as its sign-up; it takes part only from then."""
    properties: tuple[str, ...] = ()
    """Columns that audiences and reports may use."""


@dataclass(frozen=True, kw_only=True)
class EventSource(SourceFields):
    """One row an event, such as an order or a session."""

    grain: Literal["event"]
    keys: Mapping[str, str]
    """Unit name to key column."""
    timestamp: str
    """The column that says when it happened."""
    id: str | None = None
    """The column that identifies an event: rows that repeat it are the same event, delivered again, and count once, the
    earliest of them. Without it every row counts."""
    properties: tuple[str, ...] = ()
    """Columns that `where` may use."""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    """Fact name to the number that each row contributes."""


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why periods ended."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    column: str
    """The column that holds the reason."""
    maps_to_drivers: Mapping[str, ChurnDriver] = field(default_factory=dict)
    """Reason as written in the data to churn driver."""


@dataclass(frozen=True, kw_only=True)
class SpanSource(SourceFields):
    """One row a period, such as a subscription: from start to end, an empty end meaning that it still runs."""

    grain: Literal["span"]
    keys: Mapping[str, str]
    """Unit name to key column."""
    start: str
    """The column that says when the period began."""
    end: str
    """The column that says when it ended; empty = still running."""
    reason: Reason | None = None
    """The column that says why it ended."""
    properties: tuple[str, ...] = ()
    """Columns that `where` may use."""


Source = Annotated[UnitSource | EventSource | SpanSource, Discriminator("grain")]


@dataclass(frozen=True, kw_only=True)
class Lookback:
    """A stretch of time that ends at each unit's own assignment."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    last: Duration
    """How far it reaches back."""


PropertyOperation = Literal[
    "sum",
    "count",
    "average",
    "first",
    "last",
    "recency",
    "trend",
    "tenure",
    "days_until",
    "days_overdue",
    "quantiles",
    "rfm",
    "sql",
]


@dataclass(frozen=True, kw_only=True)
class Property:
    """A property of a unit derived from facts before its own assignment."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    operation: PropertyOperation
    """sum, count, average: over the window. first, last: the fact's value then. recency: days since the last fact.
    trend: over the window, as a multiple of the window before. tenure: days since `column`. days_until: days to
    `column`. days_overdue: recency less the unit's own usual gap between facts. quantiles: the group of `of`, from 1
    for the smallest values to `groups`. rfm: three digits, the groups of recency (most recent highest), number and sum
    of the fact over the window. sql: a SELECT with the columns unit and value."""
    fact: FactRef | None = None
    """The fact that it is computed from; not for tenure and days_until."""
    column: str | None = None
    """For tenure and days_until: the property of the unit that holds the date."""
    of: str | None = None
    """For quantiles: the derived property whose values are grouped."""
    groups: int = 5
    """For quantiles and rfm: how many groups, 2 to 9; among all units that could enrol."""
    sql: str | None = None
    """For sql: the statement; only what was known before the assignment may enter it, which you alone can check."""
    window: Lookback | None = None
    """For sum, count, average and trend: how far back; without one, everything before assignment."""
    where: Predicate = field(default_factory=dict)
    """Only facts with these properties."""
    bands: Mapping[str, float | int] = field(default_factory=dict)
    """Names for ranges, each from its number (included) up to the next; units without a value are in `none`."""
    title: str = ""
    """Words for the report."""
    description: str = ""
    """What it means, for the people who use it."""
