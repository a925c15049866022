"""Retention, churn, repeat purchase, frequency, order value and revenue by calendar month. Not an experiment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from holdfast import config, warehouse
from holdfast.errors import DataError, UsageError, nearest
from holdfast.model.clock import midnight
from holdfast.model.experiment import Experiment, MetricPlan
from holdfast.model.kpi import Asked, Kpi, KpiRow, MonthCounts
from holdfast.model.metric import Churn, Count, Metric, Ratio, Retention, Sum
from holdfast.model.predicate import Predicate
from holdfast.model.source import UnitSource
from holdfast.model.study import Study
from holdfast.model.values import FactRef, MetricRef

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str], None]
WARNING = (
    "Not an experiment: no cause can be read from this. It says where to act; an experiment says whether it helps."
)
MOST_LEVELS = 50


@dataclass(frozen=True, slots=True)
class KpiTable:
    """Customers by calendar month."""

    result: Kpi

    def to_pandas(self) -> pd.DataFrame:
        """One row a month and level."""
        from dataclasses import asdict

        import pandas as pd

        return pd.DataFrame([asdict(row) for row in self.result.rows])

    def to_json(self) -> str:
        """The table as JSON, with its definitions."""
        from holdfast import report

        return report.canonical(self.result, "kpi")

    def __repr__(self) -> str:
        return f"{self.result.warning}\n{self.to_pandas()}"


def kpi(catalogue: config.Catalogue, months: int, by: str | None, as_of: dt.date, progress: Progress) -> KpiTable:
    """The last whole months whose facts have all arrived by a date.

    Raises:
        UsageError: the catalogue defines no orders and revenue, or there is no such property.
        DataError: the data do not fit the files.
    """
    study = _study(catalogue)
    asked = _asked(study, by)
    asked = replace(asked, starts=_starts(study, asked, months, as_of))
    with warehouse.connect(study.project.connection, study.root, study.files, progress) as engine:
        counts = warehouse.by_month(engine, study, asked)
    if len({each.level for each in counts}) > MOST_LEVELS:
        raise UsageError(f'"{by}" has more than {MOST_LEVELS} values; define a segment with conditions on it')
    names = [start.astimezone(_zone(study)).strftime("%Y-%m") for start in asked.starts[1:-1]]
    rows = tuple(_rows(counts, names, asked, study.project.privacy.minimum_cell))
    ordered = [row.month for row in rows if row.everybody and row.customers]
    if not any(each.customers or each.active_before for each in counts):
        raise DataError(
            f"nobody ordered from {names[0]} to {names[-1]}, as of {as_of}: the facts end earlier, or do not reach as "
            "far back; ask as of the day after the last fact, with --as-of"
        )
    last = ordered[-1] if ordered and ordered[-1] != names[-1] else None
    if last is not None:
        # Nobody orders at all from here on: the data end, and everybody seems to be lost.
        rows = tuple(replace(row, retention=None, churn=None) if row.month > last else row for row in rows)
    return KpiTable(
        Kpi(
            warning=WARNING,
            as_of=as_of.isoformat(),
            timezone=study.timezone,
            currency=study.currency,
            by=by,
            definitions=tuple(_definitions(asked)),
            last_order=last,
            rows=rows,
        )
    )


def _study(catalogue: config.Catalogue) -> Study:
    """The project without any experiment."""
    nobody = Experiment(owner="", hypothesis="", variants={}, metrics=MetricPlan(primary=MetricRef("none")))
    return Study(
        slug="kpi",
        project=catalogue.project,
        experiment=nobody,
        sources=catalogue.sources,
        properties=catalogue.properties,
        segments=catalogue.segments,
        metrics=catalogue.metrics,
        tactics=catalogue.tactics,
        config_hash="",
        origins={},
        root=catalogue.root,
        files=catalogue.files,
    )


def _asked(study: Study, by: str | None) -> Asked:
    """Which facts these are, by the project's own definitions of the trio."""
    value = study.metrics.get("average_order_value")
    if not isinstance(value, Ratio) or not isinstance(value.numerator, Sum) or not isinstance(value.denominator, Count):
        raise UsageError(
            "what an order and its revenue are is said by the metric average_order_value, a ratio of a sum over a "
            "count: define it, as in the catalogue that holdfast init writes"
        )
    order = (value.denominator.fact, value.denominator.where)
    _check_by(study, by)
    days, lapsing = _lapsing(study.metrics.get("churned"))
    retained = study.metrics.get("retained")
    return Asked(
        active=(retained.fact, retained.where) if isinstance(retained, Retention) else order,
        order=order,
        revenue=(value.numerator.fact, value.numerator.where),
        lapsing=lapsing,
        inactivity_days=days,
        starts=(),
        by=by,
    )


def _lapsing(churned: Metric | None) -> tuple[int, tuple[FactRef, Predicate] | None]:
    if isinstance(churned, Churn) and churned.fact is not None and churned.inactivity is not None:
        return churned.inactivity.whole_days, (churned.fact, churned.where)
    return 0, None


def _check_by(study: Study, by: str | None) -> None:
    """Whether customers have the property in their own row, as it is now."""
    if by is None:
        return
    source = study.sources[next(iter(study.project.units.values())).source] if study.project.units else None
    columns = set(source.properties) if isinstance(source, UnitSource) else set()
    usable = {
        name
        for name, conditions in study.segments.items()
        if set(conditions) <= columns and all(condition.top is None for condition in conditions.values())
    }
    if by not in columns | usable:
        why = (
            " is derived from facts up to an assignment, which there is none of here;" if by in study.properties else ""
        )
        raise UsageError(
            f'"{by[:60]}"{why} is no property that the source of the customers lists, and no segment of such '
            f"properties{nearest(by, columns | usable)}"
        )


def _zone(study: Study) -> dt.tzinfo:
    from zoneinfo import ZoneInfo

    return ZoneInfo(study.timezone)


def _starts(study: Study, asked: Asked, months: int, as_of: dt.date) -> tuple[dt.datetime, ...]:
    """When each month begins, from the one before the first that is shown to the end of the last."""
    late = max(study.sources[name].freshness.timedelta for name in asked.sources)
    observed = midnight(as_of, study.timezone) - late
    first = observed.astimezone(_zone(study)).date().replace(day=1)
    days = [first]
    for _ in range(months + 1):
        days.append((days[-1] - dt.timedelta(days=1)).replace(day=1))
    return tuple(midnight(day, study.timezone) for day in reversed(days))


def _definitions(asked: Asked) -> Iterator[tuple[str, str]]:
    active, order, revenue = (_named(each) for each in (asked.active, asked.order, asked.revenue))
    yield "customers", f"customers with {order} in the month"
    yield "retention", f"of the customers with {active} in the month before, the share with {active} in this month"
    if asked.lapsing:
        days, kept = asked.inactivity_days, _named(asked.lapsing)
        yield (
            "churn",
            f"of the customers whose last {kept} was at most {days} days back when the month began, the share who had "
            f"none for more than {days} days when it ended",
        )
    else:
        yield "churn", "not had: the metric churned has no days of inactivity here"
    yield "repeat", f"of the customers with {order} in the month, the share with {order} in any earlier month"
    yield "frequency", f"{order} a customer with {order} in the month"
    yield "average_order_value", f"sum of {revenue} over number of {order}"
    yield "revenue_per_customer", f"sum of {revenue} over customers with {order} in the month"
    if asked.by:
        yield "level", f"{asked.by} as the customer's own row has it now"


def _named(use: tuple[FactRef, Predicate]) -> str:
    fact, where = use
    conditions = ", ".join(f"{name} {condition}" for name, condition in where.items())
    return f"{fact} ({conditions})" if conditions else str(fact)


def _rows(counts: Sequence[MonthCounts], names: Sequence[str], asked: Asked, minimum: int) -> Iterator[KpiRow]:
    by_month = [{each.level: each for each in counts if each.month == month} for month in range(len(names))]
    # The customers of one month are those that the next month's retention is a share of: a level that is hidden in one
    # month and shown in the next could be had from it.
    hidden = set().union(*(_hidden(levels, minimum) for levels in by_month)) if asked.by else set()
    for month, (name, levels) in enumerate(zip(names, by_month, strict=True)):
        yield _row(name, None, _all(month, list(levels.values())), asked, everybody=True, minimum=minimum)
        if asked.by is None:
            continue
        for level in sorted(levels, key=lambda each: (each is None, each or "")):
            if level in hidden:
                continue
            yield _row(name, level, levels[level], asked, everybody=False, minimum=minimum)
        if hidden & set(levels):
            # What they are called may be telling too.
            yield KpiRow(month=name, level=None, everybody=False, suppressed=True)


def _all(month: int, levels: Sequence[MonthCounts]) -> MonthCounts:
    return MonthCounts(
        month=month,
        level=None,
        active_before=sum(each.active_before for each in levels),
        retained=sum(each.retained for each in levels),
        alive=sum(each.alive for each in levels),
        lapsed=sum(each.lapsed for each in levels),
        customers=sum(each.customers for each in levels),
        repeaters=sum(each.repeaters for each in levels),
        orders=sum(each.orders for each in levels),
        revenue=sum(each.revenue for each in levels),
    )


def _sizes(counts: MonthCounts) -> tuple[int, int, int]:
    """Of how many customers its numbers are."""
    return counts.customers, counts.active_before, counts.alive


def _is_small(sizes: Sequence[int], minimum: int) -> bool:
    return any(0 < size < minimum for size in sizes)


def _hidden(levels: Mapping[str | None, MonthCounts], minimum: int) -> set[str | None]:
    """Levels of too few customers in a month; and the next smallest, until the whole minus the rest tells of no few."""
    hidden = {level for level, counts in levels.items() if _is_small(_sizes(counts), minimum)}
    left = sorted(
        (level for level in levels if level not in hidden), key=lambda level: (levels[level].customers, level or "")
    )

    def told() -> bool:
        sums = [sum(column) for column in zip(*(_sizes(levels[level]) for level in hidden), strict=True)]
        return len(hidden) == 1 or _is_small(sums, minimum)

    for level in left:
        if not hidden or not told():
            break
        hidden.add(level)
    return hidden


def _row(name: str, level: str | None, counts: MonthCounts, asked: Asked, *, everybody: bool, minimum: int) -> KpiRow:
    if _is_small(_sizes(counts), minimum):
        return KpiRow(month=name, level=level, everybody=everybody, suppressed=True)
    return KpiRow(
        month=name,
        level=level,
        everybody=everybody,
        customers=counts.customers,
        orders=counts.orders,
        revenue=counts.revenue,
        retention=_share(counts.retained, counts.active_before),
        churn=_share(counts.lapsed, counts.alive) if asked.lapsing else None,
        repeat=_share(counts.repeaters, counts.customers),
        frequency=_share(counts.orders, counts.customers),
        average_order_value=_share(counts.revenue, counts.orders),
        revenue_per_customer=_share(counts.revenue, counts.customers),
    )


def _share(part: float, of: float) -> float | None:
    return part / of if of else None
