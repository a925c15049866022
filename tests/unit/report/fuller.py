"""The voucher experiment with everything that a result may hold beside the scorecard."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from holdfast.model.found import (
    Belief,
    CauseRow,
    CostPart,
    CurveDifference,
    ExposureDays,
    ExposureResult,
    InteractionRow,
    LifetimeRow,
    MoneyResult,
    PeriodEffect,
    Quantity,
    SegmentRow,
    SurvivalComparison,
    SurvivalDifference,
    SurvivalPoint,
    SurvivalResult,
)
from holdfast.model.result import Analysis, Check, CurveResult, Decomposition, Estimate, Level, MetricInfo

PAIR: dict[str, Any] = {"variant": "voucher", "baseline": "control"}


def between(estimate: float, half: float) -> Quantity:
    """A number with an interval around it."""
    return Quantity(estimate=estimate, lower=estimate - half, upper=estimate + half)


def survival(days: int = 90) -> SurvivalResult:
    """Days until customers turned their account off, with two causes."""
    paces = {"control": 0.0052, "voucher": 0.0041}
    points = []
    for variant, pace in paces.items():
        for day in range(1, days + 1):
            share, at_risk = math.exp(-pace * day), round(12000 * math.exp(-(pace + 0.003) * (day - 1)))
            half = 1.96 * math.sqrt(share * (1 - share) / 9000)
            events = round(at_risk * pace)
            bounds = {"lower": share - half, "upper": min(1.0, share + half)}
            point = SurvivalPoint(variant=variant, day=day, at_risk=at_risk, events=events, share=share, **bounds)
            points.append(point)
    left = {"price": {"control": 2711, "voucher": 1920}, "moved": {"control": 1130, "voucher": 1102}}
    gaps = {"price": -0.0657, "moved": -0.0023}
    causes = [
        CauseRow(
            cause=cause,
            variant=variant,
            events=events,
            share=events / 12000,
            difference=None if variant == "control" else between(gaps[cause], 0.0101),
            log_rank_p=None if variant == "control" else {"price": 1e-9, "moved": 0.61}[cause],
        )
        for cause, counts in left.items()
        for variant, events in counts.items()
    ]
    compared = SurvivalComparison(
        log_rank_p=0.0000021,
        hazard_ratio=Quantity(estimate=0.7885, lower=0.7291, upper=0.8527),
        proportional_p=0.0123,
        **PAIR,
    )
    return SurvivalResult(
        metric="days_kept",
        title="Time until the account was closed",
        days=days,
        confidence=0.95,
        points=tuple(points),
        comparisons=(compared,),
        causes=tuple(causes),
        differences=tuple(
            SurvivalDifference(
                day=day,
                difference=between(math.exp(-0.0041 * day) - math.exp(-0.0052 * day), 0.0013 * day**0.5),
                **PAIR,
            )
            for day in range(1, days + 1)
        ),
    )


def pays(**changes: Any) -> MoneyResult:
    """The voucher's money."""
    usual: dict[str, Any] = {
        "metric": "margin",
        "currency": "JPY",
        "confidence": 0.95,
        "margin": between(140.2, 53.1),
        "cost": between(59.1, 3.6),
        "costs": (
            CostPart(kind="per_redemption", cost=between(50.1, 3.6)),
            CostPart(kind="per_send", cost=between(9.0, 0.0)),
        ),
        "net": between(81.1, 53.0),
        "return_on_cost": Quantity(estimate=1.3723, lower=0.4871, upper=2.2619),
        "break_even": between(140.2, 53.0),
        "loss_probability": 0.00135,
        "expected_loss": 0.0117,
        "cost_per_retained": Quantity(estimate=4538.4, lower=3051.2, upper=8954.1),
        "because": between(0.143, 0.062),
        "given_anyway": between(50.6, 3.1),
        "during": between(93.5, 30.2),
        "after": between(-12.4, 41.7),
        "persistence": Quantity(estimate=0.8674, lower=0.4012, upper=1.4444),
        "offer_days": 14,
        "not_measured": (("once", "150000 JPY"), ("per_contact", "12 JPY")),
    }
    return MoneyResult(**{**PAIR, **usual, **changes})


def beside(curve: CurveResult) -> CurveResult:
    """A retention curve with the voucher's rates beside control's."""
    spans = sorted({(point.first_day, point.last_day) for point in curve.points})
    rates = {(point.variant, point.first_day): point for point in curve.points}
    found = []
    for first, last in spans:
        treated, base = rates["voucher", first], rates["control", first]
        known = treated.rate is not None and base.rate is not None
        gap = between((treated.rate or 0) - (base.rate or 0), 0.0079) if known else Quantity(reason="no_mature_units")
        found.append(CurveDifference(first_day=first, last_day=last, difference=gap, **PAIR))
    return replace(curve, differences=tuple(found))


def periods() -> tuple[PeriodEffect, ...]:
    """The voucher's effect on the margin week by week: strong at first, then nothing."""
    effects = (41.2, 30.5, 12.1, 3.4, -2.2, 0.8, -4.1, 1.9, 0.3, -1.4, 2.2, -0.9, -2.7)
    return tuple(
        PeriodEffect(
            metric="margin", first_day=7 * week, last_day=min(7 * week + 6, 89), n=11988, n_baseline=12012,
            difference=between(effect, 14.0), **PAIR,
        )
        for week, effect in enumerate(effects)
    )  # fmt: skip


def segment(level: str | None, n: int, effect: float, half: float, **changes: Any) -> SegmentRow:
    """The effect on the margin within one segment."""
    usual: dict[str, Any] = {
        "metric": "margin",
        "dimension": "country",
        "n": n,
        "n_baseline": n + 24,
        "value": 684 + effect,
        "baseline_value": 684.0,
        "difference": between(effect, half),
        "lift": between(effect / 684, half / 684),
        "shrunken": between(0.6 * effect + 0.4 * 81, 0.8 * half),
    }
    return SegmentRow(level=level, **{**PAIR, **usual, **changes})


def segments() -> tuple[SegmentRow, ...]:
    """Two dimensions; a level that is not known, and one that may not be shown."""
    tier: dict[str, Any] = {"dimension": "last year's spend", "shrunken": Quantity()}
    return (
        segment("JP", 8020, 102.4, 64.2),
        segment("US", 2310, 61.7, 120.5),
        segment("TW", 1180, -22.8, 168.0),
        segment(None, 460, 40.1, 250.3),
        SegmentRow(metric="margin", dimension="country", level="KR", suppressed=True, **PAIR),
        segment("top 20%", 2396, 12.3, 118.4, **tier),
        segment("others", 9592, 98.8, 58.9, **{**tier, "lift": Quantity(reason="baseline_too_close_to_zero")}),
    )


def interactions() -> tuple[InteractionRow, ...]:
    """One dimension in which the effect differs, and one in which nothing shows that."""
    return (
        InteractionRow(metric="margin", dimension="country", levels=4, p=0.41, p_adjusted=0.41, reversal_p=0.7, **PAIR),
        InteractionRow(
            metric="margin",
            dimension="last year's spend",
            levels=2,
            p=0.0042,
            p_adjusted=0.0084,
            reversal_p=0.213,
            differs=True,
            **PAIR,
        ),
    )


def beliefs() -> tuple[Belief, ...]:
    """The margin given a prior from past vouchers."""
    return (
        Belief(
            metric="margin",
            prior_mean=0.0,
            prior_sd=0.05,
            estimate=0.0693,
            lower=0.0061,
            upper=0.1325,
            better=0.9842,
            worthwhile=None,
            expected_loss=0.00021,
            **PAIR,
        ),
    )


def lifetime() -> tuple[LifetimeRow, ...]:
    """Two years ahead by a model."""
    usual: dict[str, Any] = {
        "metric": "margin",
        "unit": "JPY",
        "n": 12_000,
        "buyers": 2_600,
        "model": "bg_nbd",
        "from_day": 90,
        "years": 2.0,
        "confidence": 0.95,
        "assumptions": (),
    }
    return (
        LifetimeRow(variant="control", realised=691.2, projected=between(5120.4, 311.0), **usual),
        LifetimeRow(
            variant="voucher",
            realised=778.9,
            projected=between(5303.7, 320.0),
            difference=between(183.3, 446.0),
            **usual,
        ),
    )


def adjusted(row: Estimate) -> Estimate:
    """An estimate that was adjusted: before, it was larger and less precise."""
    if row.metric not in {"margin", "retained"} or row.estimand != "difference" or row.estimate is None:
        return row
    half = 1.3 * ((row.upper or 0.0) - row.estimate)
    before = 1.08 * row.estimate
    return replace(
        row, unadjusted=before, unadjusted_lower=before - half, unadjusted_upper=before + half, variance_saved=0.4083
    )


def unadjusted(level: Level) -> Level:
    """A level with its value before the adjustment."""
    if level.metric not in {"margin", "retained"} or level.value is None:
        return level
    return replace(level, unadjusted=level.value * (1.01 if level.variant == "voucher" else 1.002))


def parted(row: Decomposition) -> Decomposition:
    """A part of the order value with intervals; that of the orders a buyer cannot be had."""
    if row.change_per_unit is None:
        return row
    intervals = {
        "change_per_unit": between(0.076, 0.0456),
        "change_share_active": between(0.121, 0.0312),
        "change_per_active": Quantity(reason="zero_variance"),
        "change_ratio": between(-0.026, 0.0441),
    }
    return replace(row, intervals=intervals)


def kept(voucher: Analysis) -> tuple[MetricInfo, tuple[Level, ...], tuple[Estimate, ...]]:
    """The days that customers kept their account, as a metric of the scorecard."""
    info = replace(
        voucher.metrics[1], key="days_kept", title="Days with an account", trio=None, family="survival", unit="days",
        first_day=0,
    )  # fmt: skip
    base = {"metric": "days_kept", "n": 12000, "mature": 12000, "excluded": 0, "se": 0.28, "unit_variance": 940.0}
    values = {"control": 71.84, "voucher": 75.31}
    levels = tuple(Level(variant=variant, value=value, **base) for variant, value in values.items())  # type: ignore[arg-type]
    row = next(row for row in voucher.estimates if row.metric == "retained" and row.estimand == "difference")
    gap = {"estimate": 3.47, "lower": 2.69, "upper": 4.25, "lower_adjusted": 2.69, "upper_adjusted": 4.25}
    row = replace(row, metric="days_kept", n=12000, n_baseline=12000)
    return info, levels, (replace(row, **gap),)  # type: ignore[arg-type]


OFFERED = (("control", 20000), ("voucher", 20000))
STEPS = ((0, 0, 6000, 5900), (1, 1, 3000, 2950), (2, 2, 1500, 1600), (3, 6, 1012, 1020), (7, 20, 500, 518))


def exposed(voucher: Analysis) -> Analysis:
    """Some 12,000 of 20,000 customers of each variant met the exposure."""
    days = tuple(
        ExposureDays(first_day=first, last_day=last, counts=(("control", ours), ("voucher", theirs)))
        for first, last, ours, theirs in STEPS
    )
    details: dict[str, str | float] = {"share_control": 0.6006, "share_voucher": 0.5994, "cause": "share", "tests": 2.0}
    check = Check(id="exposure", status="ok", value=0.81, limit=0.01, details=details)
    return replace(voucher, checks=(*voucher.checks, check), exposure=ExposureResult(offered=OFFERED, days=days))


def fuller(voucher: Analysis) -> Analysis:
    """The voucher experiment with all of it."""
    info, levels, rows = kept(voucher)
    return replace(
        voucher,
        metrics=(*voucher.metrics[:4], info, *voucher.metrics[4:]),
        levels=(*(unadjusted(level) for level in voucher.levels), *levels),
        estimates=(*(adjusted(row) for row in voucher.estimates), *rows),
        decomposition=tuple(parted(row) for row in voucher.decomposition),
        curves=tuple(beside(curve) for curve in voucher.curves),
        survival=(survival(),),
        periods=periods(),
        pays=(pays(),),
        money=tuple(replace(row, after_costs=True) for row in voucher.money),
        lifetime=lifetime(),
        segments=segments(),
        interactions=interactions(),
        beliefs=beliefs(),
    )
