"""Counts and exact sums of every metric, by variant or in smaller cells, from the table of units."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial, reduce
from operator import and_
from typing import Any

import ibis

from holdfast.errors import DataError
from holdfast.model.metric import Column
from holdfast.model.plan import Plan
from holdfast.model.reading import Cell, Moments
from holdfast.warehouse.clock import DAY, day_of, micros_of
from holdfast.warehouse.dialects import adds_whole
from holdfast.warehouse.elements import Element, Measured
from holdfast.warehouse.engine import Engine
from holdfast.warehouse.exact import NARROW, total, total_of_product, whole
from holdfast.warehouse.trend import steps, whole_parts
from holdfast.warehouse.units import Enrolled

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Value:
    """An element as a metric counts it: as it is, or limited by a cap."""

    element: Element
    cap: float | None = None
    tag: str = ""
    """Which cap it is: metrics over other windows have others."""

    @property
    def name(self) -> str:
        return self.element.name + self.tag

    def of(self, table: Any) -> Any:
        column = table[self.element.name]
        if self.cap is None:
            return column
        return (column > self.cap).ifelse(ibis.literal(self.cap, type=column.type()), column)

    @property
    def short(self) -> str:
        """What it is called within a product."""
        return self.element.name.split("_", 1)[0] + self.tag


@dataclass(slots=True)
class Sums:
    """What is summed over the table of units, and how its rows become cells."""

    plan: Plan
    metrics: tuple[Measured, ...]
    mature: Mapping[str, Callable[[Any], Any]]
    """Metric to the condition that a unit's whole window was observed; none where it was for all."""
    caps: Mapping[tuple[str, str], float]
    """Element and metric to the cap, in units of the element's scale."""
    largest: Mapping[str, int]
    """Element to the largest absolute value, where it is known."""
    low: Mapping[str, Any]
    whole: bool
    """Whether the engine adds 64-bit integers without overflow."""
    _tags: dict[tuple[float | None, str], str] = field(default_factory=dict)
    _masks: dict[tuple[str | None, tuple[str, ...]], str] = field(default_factory=dict)

    def mask(self, metric: Measured) -> tuple[str, Callable[[Any], Any | None]]:
        """Which units count for a metric: a name of the condition, and what makes it; that gives None for all units."""
        condition = self.mature.get(metric.planned.key)
        nullable = tuple(element.name for element in metric.elements if element.nullable)
        key = (None if condition is None else _window(metric), nullable)
        return self._masks.setdefault(key, f"m{len(self._masks)}"), partial(_counting, metric, condition)

    def values(self, metric: Measured, *, capped: bool = True) -> list[_Value]:
        """The elements and covariates of a metric, limited where it asks for it."""
        found = []
        for element in (*metric.elements, *metric.covariates):
            cap = self.caps.get((element.name, metric.planned.key)) if capped else None
            found.append(_Value(element) if cap is None else _Value(element, cap, self._tag(metric)))
        return found

    def _tag(self, metric: Measured) -> str:
        return self._tags.setdefault((metric.share, _window(metric)), f"_cap{len(self._tags)}")

    def aggregates(self, table: Any, metrics: Iterable[Measured]) -> dict[str, Any]:
        """Every sum that the metrics need, each once."""
        found: dict[str, Any] = {"units": table.count()}
        for metric in metrics:
            mask, build = self.mask(metric)
            where = build(table)
            condition = self.mature.get(metric.planned.key)
            if condition is not None:
                found[f"mature_{_window(metric)}"] = table.count(where=condition(table))
            found[f"n_{mask}"] = table.count(where=where)
            for element in metric.elements:
                if element.nullable and _must_be_filled(element):
                    found[f"empty_{element.name}"] = table[element.name].isnull().sum()
            last = metric.elements[-1]
            positive = table[last.name] > 0
            found[f"active_{last.name}_{mask}"] = table.count(where=positive if where is None else positive & where)
            vectors = [self.values(metric)]
            if metric.share is not None:
                vectors.append(self.values(metric, capped=False)[: len(metric.elements)])
            vectors += [[_Value(element) for element in period] for period in metric.periods]
            vectors += [[_Value(metric.trend)]] if metric.trend else []
            for values in vectors:
                self._add(found, table, values, mask, where)
        return found

    def _add(self, found: dict[str, Any], table: Any, values: list[_Value], mask: str, where: Any | None) -> None:
        for place, one in enumerate(values):
            floating = one.element.scale is None
            name = f"mean_{one.name}_{mask}" if floating else f"s_{one.name}_{mask}"
            if name not in found:
                column = one.of(table)
                found[name] = column.mean(where=where) if floating else total(column, where, narrow=self.whole)
            for other in values[place:]:
                if (name := _pair(one, other, mask)) and name not in found:
                    found[name] = self._product(table, one, other, where)

    def _product(self, table: Any, one: _Value, other: _Value, where: Any | None) -> Any:
        first, second = one.of(table), other.of(table)
        if one.element.scale is None or other.element.scale is None:
            if one.name == other.name:
                return first.var(where=where, how="sample")
            return first.cast("float64").cov(second.cast("float64"), where=where, how="sample")
        sizes = [self.largest.get(value.element.name) for value in (one, other)]
        fits = sizes[0] is not None and sizes[1] is not None and sizes[0] * sizes[1] < NARROW
        return total_of_product(first, second, where, narrow=self.whole and fits)

    def cell(self, metric: Measured, variant: str, row: Row | None) -> Cell:
        """A metric of one cell; all zeros when it has no unit."""
        key = metric.planned.key
        values = self.values(metric)
        count = len(metric.elements)
        if row is None:
            nothing = Moments.from_sums(0, (0,) * count, {}, (0,) * count)
            return Cell(metric=key, variant=variant, mature=0, excluded=0, moments=nothing, active=0)
        mask, _ = self.mask(metric)
        n = int(row[f"n_{mask}"] or 0)
        mature = int(row[f"mature_{_window(metric)}"] if key in self.mature else row["units"])
        joint = _moments(row, values, mask, n)
        raw = None
        if metric.share is not None:
            raw = _moments(row, self.values(metric, capped=False)[:count], mask, n)
        return Cell(
            metric=key,
            variant=variant,
            mature=mature,
            excluded=mature - n,
            moments=joint.part(range(count)),
            raw=raw,
            active=int(row[f"active_{metric.elements[-1].name}_{mask}"] or 0),
            binary=self._binary(metric, row, mask, n),
            joint=joint if metric.covariates else None,
            covariates=tuple(element.name.split("_", 1)[1] for element in metric.covariates),
        )

    def periods(self, metric: Measured, row: Row | None) -> dict[int, Moments]:
        """The moments of each part of the primary's window, by its first day."""
        found: dict[int, Moments] = {}
        if row is not None:
            mask, _ = self.mask(metric)
            for period in metric.periods:
                values = [_Value(element) for element in period]
                assert period[0].days is not None
                found[period[0].days.first] = _moments(row, values, mask, int(row[f"n_{mask}"] or 0))
        return found

    def trend(self, metric: Measured, row: Row | None) -> Moments | None:
        """The moments of each unit's slope over the whole parts of the primary's window, per part."""
        if row is None or metric.trend is None:
            return None
        mask, _ = self.mask(metric)
        moments = _moments(row, [_Value(metric.trend)], mask, int(row[f"n_{mask}"] or 0))
        step = steps(whole_parts(metric))
        return Moments(moments.n, (moments.mean[0] / step,), ((moments.covariance[0][0] / step**2,),))

    def _binary(self, metric: Measured, row: Row, mask: str, n: int) -> bool:
        """Whether every value is 0 or 1: within those bounds, and its square sums to itself."""
        element = metric.elements[0]
        if element.flag:
            return n > 0
        if element.scale is None or not n:
            return False
        low, high = self.low.get(element.name), self.largest.get(element.name)
        unit: int = 10**element.scale
        if low is None or high is None or low < 0 or high > unit:
            return False
        value = _Value(element)
        return whole(row[_pair(value, value, mask)]) == whole(row[f"s_{element.name}_{mask}"]) * unit

    def refuse(self, metric: Measured, rows: Sequence[Row]) -> None:
        """Stop at empty values where the metric says that there must be none, and at shares that are none."""
        key, operation = metric.planned.key, metric.metric
        for element in metric.elements:
            name = f"empty_{element.name}"
            if _must_be_filled(element) and (empty := sum(int(row.get(name) or 0) for row in rows)):
                assert isinstance(element.operation, Column)
                raise DataError(
                    f'metric {key}: {empty:,} units have no value in column "{element.operation.column}"; say what '
                    "that means with nulls: zero or nulls: exclude, or correct the data"
                )
        if isinstance(operation, Column) and (operation.kind == "proportion" or operation.complement):
            mask, _ = self.mask(metric)
            counts = [(row, int(row[f"n_{mask}"] or 0)) for row in rows]
            if not all(self._binary(metric, row, mask, n) for row, n in counts if n):
                raise DataError(
                    f'metric {key}: column "{operation.column}" holds values other than 0 and 1, so it is no '
                    "proportion; use kind: mean, or correct the data"
                )


def prepare(engine: Engine, plan: Plan, found: Enrolled, table: Any, metrics: tuple[Measured, ...]) -> tuple[Sums, int]:
    """What will be summed, with the caps and bounds that one look at the table of units gives; and its rows."""
    mature = {metric.planned.key: condition for metric in metrics if (condition := _mature(plan, found, metric))}
    aggregates: dict[str, Any] = {"units": table.count()}
    for metric in metrics:
        aggregates |= _bounds(table, metric, mature.get(metric.planned.key))
    row = engine.rows("caps, smallest and largest values", table.aggregate(**aggregates))[0]
    caps: dict[tuple[str, str], float] = {}
    largest: dict[str, int] = {}
    low: dict[str, Any] = {}
    for metric in metrics:
        for element in metric.all:
            if element.flag:
                largest[element.name] = 1
                continue
            cap = row.get(_cap(metric, element)) if metric.share is not None else None
            if cap is not None:
                caps[element.name, metric.planned.key] = float(cap) if element.scale is None else round(cap)
            if (least := row.get(f"low_{element.name}")) is not None:
                low[element.name] = least
                largest[element.name] = max(abs(int(least)), abs(int(row[f"high_{element.name}"])))
    return Sums(plan, metrics, mature, caps, largest, low, adds_whole(engine.backend.name)), int(row["units"])


def _bounds(table: Any, metric: Measured, mature: Callable[[Any], Any] | None) -> dict[str, Any]:
    """The caps of a metric, and the smallest and largest of each of its numbers."""
    found: dict[str, Any] = {}
    limited = (*metric.elements, *metric.covariates) if metric.share is not None else ()
    for element in metric.all:
        column = table[element.name]
        if element in limited and not element.flag and not _named(metric, element):
            kept, positive = _counting(metric, mature, table), column > 0
            where = positive if kept is None else positive & kept
            found[_cap(metric, element)] = column.quantile(metric.share, where=where)
        if not element.flag and element.scale is not None:
            found[f"low_{element.name}"] = column.min()
            found[f"high_{element.name}"] = column.max()
    return found


def _counting(metric: Measured, mature: Callable[[Any], Any] | None, table: Any) -> Any | None:
    """The condition by which units count for a metric; None where all do."""
    parts = [] if mature is None else [mature(table)]
    parts += [table[element.name].notnull() for element in metric.elements if element.nullable]
    return reduce(and_, parts) if parts else None


def _named(metric: Measured, element: Element) -> bool:
    """Whether it is a covariate that the plan names, which stays as it is, and not the metric's own past."""
    return element in metric.covariates and element.days is None


def _cap(metric: Measured, element: Element) -> str:
    return f"cap_{str(metric.share).replace('.', '_')}_{element.name}_{_window(metric)}"


def _window(metric: Measured) -> str:
    """What the maturity of a metric depends on, in a name."""
    planned = metric.planned
    if planned.window is None:
        return "any"
    return f"{planned.clock}_{planned.window.end_day}_{micros_of(planned.observed_until) // (DAY // 24)}".replace(
        "-", "_"
    )


def _mature(plan: Plan, found: Enrolled, metric: Measured) -> Callable[[Any], Any] | None:
    """Whether a unit's whole window had been observed, from its time of assignment alone: never from its activity. None
    where it was for everybody."""
    planned = metric.planned
    if planned.window is None:
        return None
    if planned.clock == "elapsed":
        latest = micros_of(planned.observed_until) - planned.window.end_day * DAY
        if found.last is not None and micros_of(found.last) <= latest:
            return None
        return lambda table: table.t0 <= latest
    zone = plan.study.timezone
    last_day = day_of(planned.observed_until, zone) - planned.window.end_day
    if found.last is not None and day_of(found.last, zone) <= last_day:
        return None
    return lambda table: table.day0 <= last_day


def _must_be_filled(element: Element) -> bool:
    """Whether an empty value is an error, as it is for columns unless the metric says otherwise."""
    return isinstance(element.operation, Column) and element.operation.nulls == "error"


def _pair(one: _Value, other: _Value, mask: str) -> str:
    """The column of a product; empty where it is known without one: the square of 0 or 1 is itself."""
    if one.name == other.name and one.element.flag:
        return ""
    return f"p_{one.short}_{other.short}_{mask}"


def _moments(row: Row, values: list[_Value], mask: str, n: int) -> Moments:
    """Moments of a vector; whole numbers are centred in exact arithmetic."""
    size = range(len(values))
    exact = [value.element.scale is not None for value in values]
    sums = tuple(whole(row[f"s_{values[i].name}_{mask}"]) if exact[i] else 0 for i in size)
    scales = tuple(value.element.scale or 0 for value in values)
    products: dict[tuple[int, int], int] = {}
    floating: dict[tuple[int, int], float] = {}
    for i in size:
        for j in range(i, len(values)):
            name = _pair(values[i], values[j], mask)
            if not (exact[i] and exact[j]):
                floating[i, j] = float(row[name] or 0.0)
                products[i, j] = 0
            else:
                products[i, j] = whole(row[name]) if name else sums[i]
    moments = Moments.from_sums(n, sums, products, scales)
    if all(exact):
        return moments
    mean = tuple(moments.mean[i] if exact[i] else float(row[f"mean_{values[i].name}_{mask}"] or 0.0) for i in size)
    covariance = tuple(
        tuple(floating.get((min(i, j), max(i, j)), moments.covariance[i][j]) for j in size) for i in size
    )
    return Moments(n, mean, covariance)
