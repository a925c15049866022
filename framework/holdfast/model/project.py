"""What holds for all experiments of a project."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from holdfast.model.predicate import Predicate
from holdfast.model.source import FORBID
from holdfast.model.values import Duration, Effect, FactRef, Share
from holdfast.model.words import Language, Words

Backend = Literal["duckdb", "postgres", "spark", "bigquery", "snowflake", "databricks", "trino", "clickhouse"]
Setting = str | int | float | bool


@dataclass(frozen=True, kw_only=True)
class Connection:
    """The engine that holds the facts."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    backend: Backend = "duckdb"
    """Which engine; duckdb is built in, each of the others needs its extra: pip install "holdfast[postgres]"."""
    database: str | None = None
    """For DuckDB: the database file, relative to the project; none for files alone."""
    files: str | None = None
    """The folder that sources given by path lie in; default: the project. May name ${env:VARIABLE}."""
    url: str | None = field(default=None, repr=False)
    """For PostgreSQL: its address, as ${env:VARIABLE}, since it holds a password."""
    master: str | None = None
    """For Spark: the cluster that runs it, such as local[4] or yarn; default: what Spark itself is set to."""
    remote: str | None = field(default=None, repr=False)
    """For Spark: the address of a Spark Connect server, such as sc://spark.example.com."""
    options: Mapping[str, Setting] = field(default_factory=dict, repr=False)
    """Further settings of the engine's own driver, by its names for them. Secrets stand as ${env:VARIABLE}."""
    memory_limit: str | None = None
    """For DuckDB: how much memory it may take, such as 2GB; it goes to the disk beyond."""
    threads: int | None = None
    """For DuckDB: how many threads it may take; default: as many as there are cores."""
    temp_directory: str | None = None
    """For DuckDB: where it keeps what does not fit into memory, relative to the project."""


@dataclass(frozen=True, kw_only=True)
class AssignmentStore:
    """Two tables of the connection's database that hold who was assigned to what."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    schema: str
    """The schema that the tables lie in, and nothing else; Holdfast makes it and writes nowhere else."""


@dataclass(frozen=True, kw_only=True)
class Unit:
    """What is randomised: a customer, a donor, a store."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    source: str
    """The source that lists the units: of grain unit, or of grain event (every unit with a fact before assignment)."""
    exclude: Predicate = field(default_factory=dict)
    """Units that never take part, such as test accounts."""


@dataclass(frozen=True, kw_only=True)
class ContactCap:
    """How often a channel may reach one customer. Written `2 per 7d`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    contacts: int
    """How many contacts at most."""
    within: Duration
    """Within how long."""


@dataclass(frozen=True, kw_only=True)
class ChannelSettings:
    """How a channel reaches customers."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    consent: str | None = None
    """The property that says a customer may be contacted; it joins the audience of every variant."""
    sent: FactRef | None = None
    """The fact of a message sent, which contact caps count."""
    unsubscribe: FactRef | None = None
    """The fact of a customer leaving the channel, for the guardrail that comes with it."""
    cost_per_send: Effect | None = None
    """What one message costs."""
    cap: ContactCap | None = None
    """How often one customer may be reached."""


@dataclass(frozen=True, kw_only=True)
class Holdout:
    """Customers who get no tactic of any experiment for a time, to measure all of them together."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    share: Share
    """The share of all customers."""
    salt: str
    """The text that draws them; a rotation is a new name with a new salt."""
    start: dt.date
    """First day. YAML: `from`."""
    until: dt.date
    """Last day."""


@dataclass(frozen=True, kw_only=True)
class ExclusionGroup:
    """Experiments that never share a customer: each takes a slot of the group."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    salt: str
    """The text that places each customer in the group."""


@dataclass(frozen=True, kw_only=True)
class Privacy:
    """How small a group may be shown."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    minimum_cell: int = 20
    """Segment cells of fewer customers are suppressed."""


@dataclass(frozen=True, kw_only=True)
class SrmLimits:
    """Sample ratio mismatch: p-values below which the split is noted, and below which no verdict is given."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    block: float = 0.0005
    """Below this p-value there is no verdict."""
    note: float = 0.01
    """Below this p-value the report says so prominently."""


@dataclass(frozen=True, kw_only=True)
class ContaminationLimits:
    """Units seen in more than one variant, as a share of all."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    block: Share = field(default_factory=lambda: Share.parse("1%"))
    """Above this share there is no verdict."""
    note: Share = field(default_factory=lambda: Share.parse("0.1%"))
    """Above this share the report says so."""


@dataclass(frozen=True, kw_only=True)
class PrePeriodLimits:
    """Differences between variants before the experiment: p-values that are noted, or leave no verdict."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    block: float = 0.0005
    """Below this p-value there is no verdict."""
    note: float = 0.01
    """Below this p-value the report says so."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """Limits of the health checks."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    srm: SrmLimits = SrmLimits()
    """Sample ratio mismatch."""
    contamination: ContaminationLimits = ContaminationLimits()
    """Units seen in more than one variant."""
    pre_period: PrePeriodLimits = PrePeriodLimits()
    """Differences before the experiment."""


@dataclass(frozen=True, kw_only=True)
class Cuped:
    """Adjustment by each unit's own number before its assignment. `cuped: off` leaves it out."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    lookback: Duration
    """How far back the past reaches."""


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """Analysis settings that experiments inherit."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    confidence: Share = field(default_factory=lambda: Share.parse("95%"))
    """Of intervals, before correction."""
    fdr: Share = field(default_factory=lambda: Share.parse("10%"))
    """False discovery rate over the secondary metrics."""
    power: Share = field(default_factory=lambda: Share.parse("80%"))
    """Of a planned experiment, for its smallest effect worth having."""
    correction: Literal["by_role"] = "by_role"
    """How comparisons are corrected: Bonferroni for the primary metric, false discovery rate for secondary ones."""
    cuped: Cuped | None = None
    """Adjustment by each customer's own past."""
    holdout: tuple[str, ...] = ()
    """The holdouts whose customers stay out of every experiment that names none of its own."""


@dataclass(frozen=True, kw_only=True)
class Project:
    """configs/project.yaml."""

    __pydantic_config__: ClassVar[dict[str, Any]] = FORBID
    schema_version: Literal[1]
    """The version of the configuration language."""
    project: str
    """The project's name."""
    timezone: str
    """IANA zone of dates without one, such as Asia/Tokyo."""
    currency: str
    """Three-letter code of money without one."""
    business: Literal["shop", "subscription", "app"] = "shop"
    """Sets the words of the report."""
    language: Language = "en"
    """Language of the reports."""
    words: Mapping[Language, Words] | None = None
    """By language, the business's own words for what the report speaks of, where those of `business` do not fit."""
    connection: Connection = Connection()
    """The engine that holds the facts."""
    assignment_store: AssignmentStore | None = None
    """Where the assignment lies: in the engine, or (default) in Parquet files under data/assignments/."""
    units: Mapping[str, Unit] = field(default_factory=dict)
    """What can be randomised."""
    channels: Mapping[str, ChannelSettings] = field(default_factory=dict)
    """How channels reach customers."""
    holdouts: Mapping[str, Holdout] = field(default_factory=dict)
    """Customers kept out of every tactic, by name."""
    exclusion_groups: Mapping[str, ExclusionGroup] = field(default_factory=dict)
    """Groups of experiments that never share a customer, by name."""
    purposes: tuple[str, ...] = ()
    """What customers allowed their data to be used for."""
    privacy: Privacy = Privacy()
    """How small a group may be shown."""
    health: Health = Health()
    """Limits of the health checks."""
    defaults: Defaults = field(default_factory=Defaults)
    """Analysis settings that experiments inherit."""
