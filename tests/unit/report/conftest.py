"""Three finished experiments and an interim one, as the analysis hands them to the report."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from statistics import NormalDist
from typing import Any, get_args

import pytest

from holdfast.model.plan import Role
from holdfast.model.result import (
    Analysis,
    BalanceRow,
    Check,
    CheckId,
    CurvePoint,
    CurveResult,
    Decomposition,
    Deviation,
    Estimand,
    Estimate,
    ExperimentInfo,
    Level,
    MetricInfo,
    PlanInfo,
    Projection,
    Provenance,
    State,
    VariantInfo,
    VariantVerdict,
    Verdict,
)

Arm = tuple[int, float, float]
"""n, mean and variance."""


def metric(key: str, title: str, role: Role, **fields: Any) -> MetricInfo:
    """A metric with the fields that a test does not care about filled in."""
    usual: dict[str, Any] = {
        "description": "",
        "trio": None,
        "operation": "column",
        "family": "proportion",
        "direction": "increase",
        "unit": None,
        "first_day": None,
        "end_day": None,
        "clock": None,
        "tolerate": None,
        "winsorize": None,
        "cap": None,
    }
    return MetricInfo(key=key, title=title, role=role, **(usual | fields))


def variant(key: str, title: str, assigned: int, **fields: Any) -> VariantInfo:
    """A variant with the fields that a test does not care about filled in."""
    usual: dict[str, Any] = {
        "is_control": False,
        "weight": 1,
        "tactic": title,
        "tactic_type": "personalised_email",
        "description": "",
    }
    return VariantInfo(key=key, title=title, assigned=assigned, **(usual | fields))


def contrast(
    info: MetricInfo, key: str, baseline: str, arms: Mapping[str, Arm], *, tests: int = 1, margin: Any = None
) -> list[Estimate]:
    """Difference and relative change of a metric, by the normal approximation: good enough to be printed."""
    (n, mean, variance), (n_base, base, base_variance) = arms[key], arms[baseline]
    se = math.sqrt(variance / n + base_variance / n_base)
    difference = mean - base
    se_lift = math.sqrt(variance / n / base**2 + base_variance / n_base * mean**2 / base**4)
    rows = [("difference", difference, se, "welch"), ("lift", mean / base - 1, se_lift, "fieller")]
    return [row(info, key, baseline, rows_, (n, n_base), tests, margin) for rows_ in rows]  # type: ignore[arg-type]


def row(
    info: MetricInfo,
    key: str,
    baseline: str,
    figures: tuple[Estimand, float, float, str],
    sizes: tuple[int, int],
    tests: int,
    margin: Mapping[str, float] | None,
) -> Estimate:
    """One long row of results."""
    estimand, estimate, se, estimator = figures
    guarded = info.role == "guardrail"
    confidence, adjusted = (0.90, 0.90) if guarded else (0.95, 1 - 0.05 / tests)
    z, wide = (NormalDist().inv_cdf((1 + level) / 2) for level in (confidence, adjusted))
    p = math.erfc(abs(estimate / se) / math.sqrt(2))
    limit = (margin or {}).get(estimand)
    lower, upper = estimate - wide * se, estimate + wide * se
    return Estimate(
        metric=info.key,
        role=info.role,
        variant=key,
        baseline=baseline,
        estimand=estimand,
        status="estimated",
        estimator=estimator,
        estimate=estimate,
        se=se,
        lower=estimate - z * se,
        upper=estimate + z * se,
        confidence=confidence,
        p=p,
        lower_adjusted=None if guarded else lower,
        upper_adjusted=None if guarded else upper,
        confidence_adjusted=None if guarded else adjusted,
        p_adjusted=None if guarded else min(1.0, p * tests),
        correction="non_inferiority" if guarded else f"bonferroni:{tests}",
        n=sizes[0],
        n_baseline=sizes[1],
        state=state(info, lower, upper, limit),
        margin=limit,
    )


def state(info: MetricInfo, lower: float, upper: float, margin: float | None) -> State:
    """How an interval reads."""
    if info.direction == "decrease":
        lower, upper = -upper, -lower
    if info.role == "guardrail":
        limit = margin or 0.0
        return "safe" if lower > -limit else "harm" if upper < -limit else "cannot_tell"
    if info.role == "descriptive":
        return "described"
    return "better" if lower > 0 else "worse" if upper < 0 else "cannot_tell"


def missing(info: MetricInfo, key: str, baseline: str, estimand: Estimand, reason: Any) -> Estimate:
    """A row without a number."""
    return Estimate(
        metric=info.key,
        role=info.role,
        variant=key,
        baseline=baseline,
        estimand=estimand,
        status="not_estimable",
        reason=reason,
        state="not_estimable",
    )


def level(info: MetricInfo, key: str, arm: Arm, **fields: Any) -> Level:
    """What a variant reached."""
    n, mean, variance = arm
    usual: dict[str, Any] = {"mature": n, "excluded": 0}
    return Level(
        metric=info.key,
        variant=key,
        n=n,
        value=mean,
        se=math.sqrt(variance / n),
        unit_variance=variance,
        **(usual | fields),
    )


def checks(**values: tuple[Any, ...]) -> tuple[Check, ...]:
    """All checks: ok unless told otherwise, by status, value and details."""
    usual: dict[str, tuple[Any, ...]] = {
        "srm": ("ok", 0.9),
        "srm_sequential": ("not_applicable", None, {"reason": "one_look"}),
        "unlisted_labels": ("ok", 0.0),
        "contamination": ("ok", 0.0),
        "empty_variant": ("ok", 0.0),
        "maturity": ("ok", 1.0),
        "daily_split": ("not_applicable", None),
        "batch_split": ("not_applicable", None),
        "segment_split": ("not_applicable", None),
        "balance": ("not_applicable", None),
    }
    merged = {id: (*found, {})[:3] for id, found in (usual | values).items()}
    return tuple(
        Check(id=id, status=merged[id][0], value=merged[id][1], details=merged[id][2])
        for id in get_args(CheckId)
        if id in merged
    )


def known(name: str, title: str, difference: float | None, **fields: Any) -> BalanceRow:
    """How far the voucher was from control on a property, before."""
    usual: dict[str, Any] = {"variant": "voucher", "baseline": "control", "kind": "number"}
    return BalanceRow(property=name, title=title, difference=difference, **(usual | fields))


def provenance(slug: str, **fields: Any) -> Provenance:
    """Where the numbers came from."""
    usual: dict[str, Any] = {
        "config_hash": "9f53027065840672e77303281289988371d4a6b67c7dcd3bd4e6306a2a263dc8",
        "holdfast": "0.1.0",
        "engine": "duckdb 1.5.6",
        "hash_version": None,
        "salt": None,
        "manifest_digest": None,
        "command": f"holdfast analyze {slug}",
        "sources": (("outcomes", f"{{files}}/{slug}.csv"),),
        "statements": 3,
    }
    return Provenance(**(usual | fields))


def experiment(slug: str, title: str, **fields: Any) -> ExperimentInfo:
    """The experiment as the report tells it."""
    usual: dict[str, Any] = {
        "owner": "analyst@example.com",
        "hypothesis": "",
        "description": "",
        "version": 1,
        "unit": "customer",
        "audience": (),
        "method": "external",
        "enrolled_from": None,
        "enrolled_until": None,
        "observed_from": None,
        "observed_until": None,
        "currency": "USD",
        "timezone": "UTC",
        "language": "en",
        "business": "shop",
        "stages": ("retention",),
        "churn_drivers": ("low_engagement",),
    }
    return ExperimentInfo(slug=slug, title=title, **(usual | fields))


def plan(primary: str, comparisons: tuple[tuple[str, str], ...], **fields: Any) -> PlanInfo:
    """What was planned."""
    usual: dict[str, Any] = {
        "expect": None,
        "looks": "fixed",
        "confidence": 0.95,
        "fdr": 0.10,
        "policy": "clear_signals",
        "readout": None,
        "readout_metric": None,
        "interim": False,
        "not_measured": {},
    }
    return PlanInfo(primary=primary, comparisons=comparisons, **(usual | fields))


HILLSTROM: dict[str, dict[str, Arm]] = {
    "spend": {
        "control": (21306, 0.652789, 134.286),
        "mens_email": (21307, 1.42262, 315.212),
        "womens_email": (21387, 1.0772, 228.497),
    },
    "visit": {
        "control": (21306, 0.106167, 0.0949002),
        "mens_email": (21307, 0.182757, 0.149364),
        "womens_email": (21387, 0.1514, 0.128484),
    },
    "conversion": {
        "control": (21306, 0.00572609, 0.00569357),
        "mens_email": (21307, 0.0125311, 0.0123746),
        "womens_email": (21387, 0.00883714, 0.00875946),
    },
    "average_order_value": {
        "control": (21306, 114.0027, 1853868.0),
        "mens_email": (21307, 113.5269, 995365.0),
        "womens_email": (21387, 121.8948, 1265927.0),
    },
}


@pytest.fixture
def hillstrom() -> Analysis:
    """Three variants, a money primary, rates, and an average order value."""
    metrics = (
        metric("spend", "Spend per customer", "primary", family="mean", unit="USD"),
        metric("visit", "Visited the site", "secondary"),
        metric("conversion", "Bought", "secondary"),
        metric(
            "average_order_value",
            "Average order value",
            "secondary",
            family="ratio",
            operation="ratio",
            unit="USD",
            trio="average_order_value",
            description="Spend divided by buyers, over the buyers alone.",
        ),
    )
    pairs = (("mens_email", "control"), ("womens_email", "control"), ("mens_email", "womens_email"))
    variants = (
        variant("control", "No e-mail", 21306, is_control=True, tactic="nothing", tactic_type=None),
        variant("mens_email", "Men's e-mail", 21307, tactic="Men's merchandise e-mail"),
        variant("womens_email", "Women's e-mail", 21387, tactic="Women's merchandise e-mail"),
    )
    tests = {"spend": 3, "visit": 1, "conversion": 1, "average_order_value": 1}
    estimates = [e for m in metrics for a, b in pairs for e in contrast(m, a, b, HILLSTROM[m.key], tests=tests[m.key])]
    levels = [level(m, key, arm) for m in metrics for key, arm in HILLSTROM[m.key].items()]
    base: dict[str, Any] = {"metric": "average_order_value", "per_active": 1.0}
    return Analysis(
        schema="holdfast.results/1",
        as_of="2008-03-15",
        experiment=experiment(
            "hillstrom-email",
            "E-mail to last year's buyers",
            hypothesis="An e-mail brings last year's buyers back to the site and to the till.",
            observed_from="2008-03-01",
            observed_until="2008-03-15",
            audience=(("months since last order", "1..12"),),
        ),
        plan=plan(
            "spend",
            pairs,
            not_measured={"retained": "the file covers two weeks only", "churned": "the file covers two weeks only"},
        ),
        variants=variants,
        metrics=metrics,
        checks=checks(srm=("ok", 0.9037)),
        levels=tuple(levels),
        estimates=tuple(estimates),
        curves=(),
        decomposition=(
            Decomposition(variant="control", per_unit=0.652789, share_active=0.00572609, ratio=114.0027, **base),
            Decomposition(
                variant="mens_email",
                per_unit=1.42262,
                share_active=0.0125311,
                ratio=113.5269,
                change_per_unit=1.17929,
                change_share_active=1.18842,
                change_per_active=0.0,
                change_ratio=-0.00417,
                **base,
            ),
            Decomposition(
                variant="womens_email",
                per_unit=1.0772,
                share_active=0.00883714,
                ratio=121.8948,
                change_per_unit=0.65015,
                change_share_active=0.54331,
                change_per_active=0.0,
                change_ratio=0.06923,
                **base,
            ),
        ),
        money=(),
        enrolment=(),
        verdict=Verdict(
            recommendation="ship",
            reason="primary_better",
            rule="5 primary better",
            variant="mens_email",
            metrics=("spend",),
            by_variant=(
                VariantVerdict(
                    variant="mens_email", recommendation="ship", reason="primary_better", metrics=("spend",)
                ),
                VariantVerdict(
                    variant="womens_email", recommendation="ship", reason="primary_better", metrics=("spend",)
                ),
            ),
        ),
        deviations=(Deviation(id="not_pre_registered"),),
        provenance=provenance("hillstrom-email"),
    )


COOKIES: dict[str, dict[str, Arm]] = {
    "retention_7": {"gate_30": (44700, 0.190201, 0.154028), "gate_40": (45489, 0.182, 0.148879)},
    "retention_1": {"gate_30": (44700, 0.448188, 0.247321), "gate_40": (45489, 0.442283, 0.246674)},
    "rounds": {"gate_30": (44700, 50.9, 9800.0), "gate_40": (45489, 51.1, 10100.0)},
}


@pytest.fixture
def cookie_cats() -> Analysis:
    """Two variants with a noted sample ratio mismatch, a curve of two points, a capped mean."""
    metrics = (
        metric(
            "retention_7",
            "Played on day 7",
            "primary",
            trio="retained",
            first_day=7,
            end_day=8,
            clock="calendar",
            description="The share of players who played on the seventh day after installing.",
        ),
        metric("retention_1", "Played on day 1", "secondary", first_day=1, end_day=2, clock="calendar"),
        metric("rounds", "Rounds played", "secondary", family="mean", unit="rounds", winsorize="99.9%", cap=1074.0),
    )
    raw = {"gate_30": 52.4563, "gate_40": 51.2988}
    estimates = [e for m in metrics for e in contrast(m, "gate_40", "gate_30", COOKIES[m.key])]
    levels = [
        level(m, key, arm, raw_value=raw[key] if m.cap else None)
        for m in metrics
        for key, arm in COOKIES[m.key].items()
    ]
    points = tuple(
        CurvePoint(
            variant=key,
            first_day=day,
            last_day=day,
            at_risk=n,
            events=round(n * mean),
            censored=0,
            rate=mean,
            lower=mean - 1.96 * math.sqrt(var / n),
            upper=mean + 1.96 * math.sqrt(var / n),
        )
        for day, name in ((1, "retention_1"), (7, "retention_7"))
        for key, (n, mean, var) in COOKIES[name].items()
    )
    return Analysis(
        schema="holdfast.results/1",
        as_of="2017-02-01",
        experiment=experiment(
            "cookie-cats-gate",
            "First gate at level 30 or 40",
            unit="player",
            business="app",
            owner="games@example.com",
            stages=("engagement", "retention"),
            churn_drivers=("boredom",),
        ),
        plan=plan(
            "retention_7",
            (("gate_40", "gate_30"),),
            expect="0.5pt",
            not_measured={
                "churned": "the file does not say when players stopped",
                "average_order_value": "nothing is bought in this file",
            },
        ),
        variants=(
            variant("gate_30", "Gate at level 30", 44700, is_control=True, tactic="same_as_today", tactic_type=None),
            variant(
                "gate_40", "Gate at level 40", 45489, tactic="First gate at level 40", tactic_type="product_change"
            ),
        ),
        metrics=metrics,
        checks=checks(srm=("note", 0.008608)),
        levels=tuple(levels),
        estimates=tuple(estimates),
        curves=(CurveResult(title="Players who came back", confidence=0.95, points=points),),
        decomposition=(),
        money=(),
        enrolment=(),
        verdict=Verdict(
            recommendation="do_not_ship",
            reason="primary_worse",
            rule="2 primary worse",
            variant="gate_40",
            metrics=("retention_7",),
            by_variant=(VariantVerdict(variant="gate_40", recommendation="do_not_ship", reason="primary_worse"),),
        ),
        deviations=(Deviation(id="not_pre_registered"),),
        provenance=provenance("cookie-cats-gate"),
    )


VOUCHER: dict[str, dict[str, Arm]] = {
    "margin": {"control": (12012, 684.0, 4.2e6), "voucher": (11988, 765.0, 4.58e6)},
    "retained": {"control": (12012, 0.118, 0.104), "voucher": (11988, 0.131, 0.1138)},
    "churned": {"control": (12012, 0.853, 0.1254), "voucher": (11988, 0.838, 0.1358)},
    "average_order_value": {"control": (12012, 6480.0, 1.3e8), "voucher": (11988, 6310.0, 1.3e8)},
    "unsubscribed": {"control": (12012, 0.0121, 0.01195), "voucher": (11988, 0.0128, 0.01264)},
    "margin_after": {"control": (12012, 212.0, 4.5e5), "voucher": (11988, 214.6, 4.6e5)},
}


@pytest.fixture
def voucher() -> Analysis:
    """A win-back incentive with guardrails, a projection, a curve and enrolment by day."""
    ninety: dict[str, Any] = {"first_day": 0, "end_day": 90, "clock": "calendar"}
    metrics = (
        metric(
            "margin",
            "Margin per customer",
            "primary",
            family="mean",
            unit="JPY",
            winsorize="99.9%",
            cap=48200.0,
            **ninety,
        ),
        metric("retained", "Bought in days 56 to 89", "secondary", trio="retained", first_day=56, end_day=90),
        metric(
            "churned", "No order for 60 days at day 90", "secondary", trio="churned", direction="decrease", **ninety
        ),
        metric(
            "average_order_value",
            "Average order value",
            "secondary",
            family="ratio",
            unit="JPY",
            trio="average_order_value",
            **ninety,
        ),
        metric(
            "unsubscribed", "Unsubscribed", "guardrail", direction="decrease", tolerate="0.4pt", first_day=0, end_day=30
        ),
        metric(
            "margin_after",
            "Margin after the voucher expired",
            "guardrail",
            family="mean",
            unit="JPY",
            tolerate="10%",
            first_day=14,
            end_day=90,
        ),
    )
    margins: dict[str, dict[str, float]] = {"unsubscribed": {"difference": 0.004}, "margin_after": {"lift": 0.10}}
    estimates = [
        e for m in metrics for e in contrast(m, "voucher", "control", VOUCHER[m.key], margin=margins.get(m.key))
    ]
    levels = [level(m, key, arm) for m in metrics for key, arm in VOUCHER[m.key].items()]
    levels[0:2] = [
        level(metrics[0], "control", VOUCHER["margin"]["control"], raw_value=691.2, excluded=2),
        level(metrics[0], "voucher", VOUCHER["margin"]["voucher"], raw_value=778.9),
    ]
    rates = {"control": (0.02, 0.041, 0.083, 0.148, 0.206), "voucher": (0.034, 0.063, 0.108, 0.171, 0.229)}
    spans = ((0, 6), (7, 13), (14, 29), (30, 59), (60, 89))
    points = tuple(
        CurvePoint(
            variant=key,
            first_day=first,
            last_day=last,
            at_risk=12000,
            events=round(12000 * rate),
            censored=0,
            rate=rate,
            lower=rate - 0.006,
            upper=rate + 0.006,
        )
        for key, values in rates.items()
        for (first, last), rate in zip(spans, values, strict=True)
    )
    days = [f"2026-10-{day:02d}" for day in range(1, 32)] + [f"2026-11-{day:02d}" for day in range(1, 12)]
    enrolment = tuple(
        (day, (("control", 286 + (place * 7) % 23 - 11), ("voucher", 285 + (place * 11) % 19 - 9)))
        for place, day in enumerate(days)
    )
    return Analysis(
        schema="holdfast.results/1",
        as_of="2027-02-14",
        experiment=experiment(
            "winback-voucher",
            "Win-back voucher at 60 days of inactivity",
            owner="growth-retention",
            hypothesis="A 10% voucher brings lapsed customers back and pays for itself in margin.",
            audience=(("days since last order", "55 to 65"),),
            method="hash",
            enrolled_from="2026-10-01",
            enrolled_until="2026-11-12",
            currency="JPY",
            timezone="Asia/Tokyo",
            churn_drivers=("price", "low_engagement"),
        ),
        plan=plan("margin", (("voucher", "control"),), expect="80 JPY", readout="2027-02-12", readout_metric="margin"),
        variants=(
            variant("control", "No voucher", 12012, is_control=True, tactic="nothing", tactic_type=None, weight=50),
            variant(
                "voucher",
                "Voucher",
                11988,
                tactic="Win-back voucher 10%",
                tactic_type="incentive",
                weight=50,
                description="An e-mail with 10% off baskets from ¥4,000, valid for 14 days.",
            ),
        ),
        metrics=metrics,
        checks=checks(
            srm=("ok", 0.8768),
            srm_sequential=("ok", 1.0, {"looks": 42.0}),
            daily_split=("ok", 0.41),
            batch_split=("ok", 0.33, {"batches": 42.0, "batch": "2026-10-07", "batch_last": "2026-10-07"}),
            segment_split=("ok", 0.58, {"segment": "country", "segments": 1.0}),
            balance=(
                "ok",
                0.64,
                {
                    "properties": 3.0,
                    "property": "country",
                    "difference": 0.021,
                    "left_out_many_values": "favourite product",
                    "left_out_date": "signed up, last visit",
                },
            ),
        ),
        balance=(
            known("spend_365d", "Spend in 365 days", -0.0132),
            known("orders_365d", "Orders in 365 days", 0.004),
            known("country", "country", 0.021, kind="category"),
        ),
        levels=tuple(levels),
        estimates=tuple(estimates),
        curves=(CurveResult(title="Bought in the period", confidence=0.95, points=points),),
        decomposition=(
            Decomposition(
                metric="average_order_value",
                variant="control",
                per_unit=1675,
                share_active=0.182,
                per_active=1.42,
                ratio=6480,
            ),
            Decomposition(
                metric="average_order_value",
                variant="voucher",
                per_unit=1802,
                share_active=0.204,
                per_active=1.4,
                ratio=6310,
                change_per_unit=0.076,
                change_share_active=0.121,
                change_per_active=-0.014,
                change_ratio=-0.026,
            ),
        ),
        money=(
            Projection(
                variant="voucher", customers=42000, every_days=90, value=3.4e6, lower=1.2e6, upper=5.6e6, currency="JPY"
            ),
        ),
        enrolment=enrolment,
        verdict=Verdict(
            recommendation="ship",
            reason="primary_better",
            rule="5 primary better",
            variant="voucher",
            metrics=("margin",),
            by_variant=(VariantVerdict(variant="voucher", recommendation="ship", reason="primary_better"),),
        ),
        deviations=(),
        provenance=provenance(
            "winback-voucher",
            hash_version=1,
            salt="winback-voucher-3f9a1c07",
            manifest_digest="6f" * 32,
            sources=(("customers", "customers"), ("orders", "orders")),
            statements=7,
        ),
    )


@pytest.fixture
def interim(voucher: Analysis) -> Analysis:
    """The voucher experiment read before its readout, with estimates that the report must not show."""
    return replace(
        voucher,
        plan=replace(voucher.plan, interim=True),
        verdict=Verdict(
            recommendation="keep_running", reason="not_mature", rule="3 not mature", variant=None, until="2027-02-12"
        ),
    )
