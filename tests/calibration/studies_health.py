"""False alarms of the checks of the past, the exposure, the follow-up, missing values and of a lasting effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from holdfast import planning
from holdfast.health.alike import pre_period
from holdfast.health.followed import excluded, exposure, follow_up
from holdfast.health.lasting import novelty
from holdfast.model.metric import Window
from holdfast.model.plan import Plan, PlannedCurve, PlannedDays
from holdfast.model.reading import Cell, Curve, Exposure, Moments
from holdfast.model.result import Check
from holdfast.model.values import Duration
from tests.builders import outcomes, reading
from tests.calibration.study import Study

Rows = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator], Check | None]
VARIANTS = ("control", "treated")
METRICS = ("a", "b", "c")
START = date(2026, 6, 1)
WEEKS, ENROLMENT = 4, 28


@cache
def plan(weights: tuple[int, ...] = (1, 1), window: str | None = None) -> Plan:
    """Three metrics, a primary with a window of four weeks where one is asked for."""
    keys = ("control", "treated", "other")[: len(weights)]
    study = outcomes(
        {name: {"desired_change": "increase"} for name in METRICS},
        {"primary": "a", "secondary": ["b", "c"]},
        weights=dict(zip(keys, weights, strict=True)),
    )
    made = planning.plan(study, START)
    if window is None:
        return made
    days = PlannedDays(
        key="curve_1", fact=None, first_only=False, days=40, clock="calendar", sources=(), observed_until=made.cutoff
    )
    first = replace(made.primary, window=Window(length=Duration.parse(window)))
    rest = tuple(metric for metric in made.metrics if metric.key != "a")
    curve = PlannedCurve(key="curve_1", title="", points=(), daily=days)
    return replace(made, metrics=(first, *rest), curves=(curve,))


def moments(rows: Rows) -> Moments:
    """Of the columns of one row a unit."""
    covariance = np.atleast_2d(np.cov(rows, rowvar=False))
    return Moments(len(rows), tuple(rows.mean(axis=0).tolist()), tuple(tuple(row) for row in covariance.tolist()))


def customers(rng: np.random.Generator, n: int) -> Rows:
    """The past of a shop's customers: orders and revenue by their logarithms, and whether there was any; three quarters
    bought nothing."""
    taste = rng.gamma(0.4, 1.0, n)
    orders = rng.poisson(taste)
    revenue = np.where(orders > 0, orders * rng.lognormal(3.0, 1.5, n), 0.0)
    return np.column_stack([np.log1p(orders), orders > 0, np.log1p(revenue)])


def past(rng: np.random.Generator, *, n: int, weights: tuple[int, ...]) -> Check | None:
    """Two metrics, orders and revenue, by variants drawn at random."""
    rows = customers(rng, n)
    drawn = rng.choice(len(weights), n, p=np.array(weights) / sum(weights))
    made = plan(weights)
    found = {}
    for place, key in enumerate(made.study.experiment.variants):
        mine = rows[drawn == place]
        found["a", key], found["b", key] = moments(mine[:, :2]), moments(mine[:, [2, 1]])
    return pre_period(made, reading(assigned={}, past=found))


def weekly(rng: np.random.Generator, n: int, effect: float, fade: float = 0.0) -> Rows:
    """Revenue of each unit in each week: a taste of its own, so that weeks of one unit are alike, and few who buy."""
    taste = rng.lognormal(0.0, 1.0, n)[:, None]
    spend = (rng.random((n, WEEKS)) < 0.15) * taste * rng.lognormal(2.0, 1.0, (n, WEEKS))
    season = np.array([1.3, 1.0, 0.9, 1.2])
    return spend * (season + effect - fade * np.arange(WEEKS))


def trend(rng: np.random.Generator, *, sizes: tuple[int, int], effect: float = 0.3, fade: float = 0.0) -> Check | None:
    """Weeks that differ alike in both variants, an effect that lasts or fades."""
    periods, trends = {}, {}
    for key, n, more in zip(VARIANTS, sizes, (0.0, effect), strict=True):
        rows = weekly(rng, n, more, fade if more else 0.0)
        trends["a", key] = moments(rows @ (np.arange(WEEKS) - (WEEKS - 1) / 2)[:, None] / 5.0)
        for week in range(WEEKS):
            periods["a", key, 7 * week] = moments(rows[:, [week]])
    return novelty(plan(window="28d"), reading(assigned={}, periods=periods, trends=trends))


def exposed(
    rng: np.random.Generator, *, n: int, shares: Sequence[float] = (0.3, 0.3), later: float = 1.0
) -> Check | None:
    """Who opened the app at all within 28 days, and on which day they did first."""
    drawn = rng.multinomial(n, [0.5, 0.5])
    by_day: dict[int, dict[str, int]] = {}
    for key, units, share, slow in zip(VARIANTS, drawn, shares, (1.0, later), strict=True):
        met = rng.binomial(units, share)
        chance = np.exp(-np.arange(28) / (6.0 * slow))
        for day, count in enumerate(rng.multinomial(met, chance / chance.sum())):
            by_day.setdefault(day, {})[key] = int(count)
    offered = dict(zip(VARIANTS, (int(units) for units in drawn), strict=True))
    return exposure(plan(), reading(assigned={}, exposure=Exposure(offered, by_day)))


def followed(rng: np.random.Generator, *, per_day: int, shift: float = 0.0) -> Check | None:
    """Enrolment over 28 days, read 40 days after its start: a window of 28 days has closed for the first 12 of them.
    With a shift the treated variant's share falls from day to day."""
    made, horizon = plan(window="28d"), 40
    by_day: dict[date, dict[str, int]] = {}
    units = {key: np.zeros(ENROLMENT, dtype=int) for key in VARIANTS}
    for day in range(ENROLMENT):
        share = 0.5 - shift * (day / (ENROLMENT - 1) - 0.5)
        treated = int(rng.binomial(per_day, share))
        by_day[START + timedelta(days=day)] = {"control": per_day - treated, "treated": treated}
        units["control"][day], units["treated"][day] = per_day - treated, treated
    cells, curves = {}, {}
    for key, enrolled in units.items():
        mature, n = int(enrolled[: horizon - 28 + 1].sum()), int(enrolled.sum())
        cells["a", key] = cell("a", key, mature, 0)
        days = horizon - np.arange(ENROLMENT)
        ended = np.bincount(days - 1, weights=enrolled, minlength=40).astype(int)
        risk = n - np.concatenate([[0], np.cumsum(ended)[:-1]])
        curves["curve_1", key] = Curve(at_risk=tuple(map(int, risk)), events=(0,) * 40, censored=tuple(map(int, ended)))
    assigned = {key: int(enrolled.sum()) for key, enrolled in units.items()}
    return follow_up(made, reading(list(cells.values()), assigned=assigned, by_day=by_day, curves=curves))


def cell(metric: str, variant: str, mature: int, left_out: int) -> Cell:
    """A metric without a value for some."""
    return Cell(
        metric=metric,
        variant=variant,
        mature=mature,
        excluded=left_out,
        moments=Moments(mature - left_out, (0.0,), ((1.0,),)),
        active=0,
    )


def missing(rng: np.random.Generator, *, n: int, rates: Sequence[Sequence[float]]) -> Check | None:
    """For each metric the rate at which its value is missing in each variant."""
    drawn = rng.multinomial(n, [0.5, 0.5])
    cells: dict[tuple[str, str], Cell] = {}
    for metric, by_variant in zip(METRICS, rates, strict=True):
        for key, units, rate in zip(VARIANTS, drawn, by_variant, strict=True):
            cells[metric, key] = cell(metric, key, int(units), int(rng.binomial(units, rate)))
    return excluded(plan(), reading(list(cells.values())))


def below(limit: float, draw: Draw) -> Callable[[np.random.Generator, int], list[bool]]:
    """Whether the check's p-value lies below a limit, of so many runs."""

    def hits(rng: np.random.Generator, runs: int) -> list[bool]:
        found = (draw(rng) for _ in range(runs))
        return [check is not None and check.value is not None and check.value < limit for check in found]

    return hits


def _any_block(rng: np.random.Generator, runs: int) -> list[bool]:
    draws: tuple[Draw, ...] = (
        lambda r: past(r, n=2_000, weights=(1, 1)),
        lambda r: exposed(r, n=5_000),
        lambda r: followed(r, per_day=200),
        lambda r: missing(r, n=5_000, rates=RATES),
    )
    found = ([draw(rng) for draw in draws] for _ in range(runs))
    return [any(check is not None and check.status == "block" for check in checks) for checks in found]


RATES = ((0.02, 0.02), (0.3, 0.3), (0.001, 0.001))


def _studies() -> Iterator[Study]:
    def study(method: str, data: str, seed: int, draw: Draw, nominal: float = 0.01, **more: Any) -> Study:
        return Study(
            topic="Health checks",
            method=method,
            data=data,
            measures="false alarms",
            nominal=nominal,
            seed=seed,
            hits=below(nominal, draw),
            **more,
        )

    for n, weights, seed in ((1_000, (1, 1), 3601), (1_500, (9, 1), 3602), (800, (2, 1, 1), 3603)):
        shares = ":".join(map(str, weights))
        yield study(
            "same metrics before the experiment, noted",
            f"{n:,} customers {shares}, orders and lognormal revenue of a quarter of them",
            seed,
            partial(past, n=n, weights=weights),
            at_most=True,
            cheap=len(weights) == 2,
        )
    yield study(
        "same metrics before the experiment, blocked",
        "3,000 customers 9:1, orders and lognormal revenue of a quarter of them",
        3604,
        lambda rng: past(rng, n=3_000, weights=(9, 1)),
        0.0005,
        at_most=True,
    )
    for sizes, seed in (((600, 600), 3605), ((1_800, 200), 3606)):
        yield study(
            "effect steady over time, noted",
            f"{sizes[0]:,} and {sizes[1]:,} units, four weeks of revenue alike within a unit, the same effect in each",
            seed,
            partial(trend, sizes=sizes),
            at_most=True,
            cheap=sizes[0] != sizes[1],
        )
    yield study(
        "exposed alike, noted", "5,000 units, 30% exposed within 28 days", 3607, lambda rng: exposed(rng, n=5_000)
    )
    yield study(
        "exposed alike, noted",
        "400 units, 2% exposed within 28 days",
        3608,
        lambda rng: exposed(rng, n=400, shares=(0.02, 0.02)),
        at_most=True,
    )
    yield study(
        "followed equally long, noted",
        "200 units a day over 28 days, read on day 40",
        3609,
        lambda rng: followed(rng, per_day=200),
        at_most=True,
    )
    yield study(
        "values missing alike, noted",
        "5,000 units, three metrics without a value for 2%, 30% and 0.1%",
        3610,
        lambda rng: missing(rng, n=5_000, rates=RATES),
        at_most=True,
    )
    yield Study(
        topic="Health checks",
        method="past, exposure, follow-up and missing values together, any blocks",
        data="the data of each above, no fault",
        measures="false alarms",
        nominal=4 * 0.0005,
        at_most=True,
        seed=3611,
        hits=_any_block,
    )


STUDIES = list(_studies())
