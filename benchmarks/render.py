"""How long a large report takes to render: 20 metrics, 4 variants, 10 segments, from its results.json alone.

    python benchmarks/render.py [--rounds 3] [--every-metric] [--keep DIR]

Makes a document through the types of results.json, as an analysis would (segments of the primary metric and the trio;
with --every-metric of all 20), and prints the seconds of each step and of the whole in one process, by the clock and of
the processor; imports are in the first round.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from holdfast import report
from holdfast.model.found import InteractionRow, Quantity, SegmentRow
from holdfast.model.plan import Role, Trio
from holdfast.model.result import (
    Analysis,
    Check,
    CheckId,
    CurvePoint,
    CurveResult,
    Decomposition,
    Estimate,
    ExperimentInfo,
    Level,
    MetricInfo,
    PlanInfo,
    Projection,
    Provenance,
    VariantInfo,
    VariantVerdict,
    Verdict,
)
from holdfast.project import long_table

TREATED = ("voucher-5", "voucher-10", "voucher-15")
VARIANTS = ("control", *TREATED)
LEVELS = {"country": ("DE", "FR", "IT", "JP", "US"), "last year's spend": ("top 20%", "2nd", "3rd", "4th", "last 20%")}
TRIO: tuple[Trio, ...] = ("retained", "churned", "average_order_value")
CHECKS: tuple[CheckId, ...] = (
    "srm", "srm_sequential", "empty_variant", "unlisted_labels", "contamination", "maturity", "daily_split", "balance",
)  # fmt: skip
N = 40_000


def metrics(count: int = 20) -> tuple[MetricInfo, ...]:
    """The metrics: one that decides, the trio, secondary ones, and guardrails at the end."""
    return tuple(_metric(place, count) for place in range(count))


def _metric(place: int, count: int) -> MetricInfo:
    role: Role = "primary" if place == 0 else "guardrail" if place >= count * 3 // 4 else "secondary"
    trio = TRIO[place - 1] if 1 <= place <= 3 else None
    share = place % 2 == 1 or trio == "churned"
    return MetricInfo(
        key=f"metric_{place}",
        title=f"{trio.replace('_', ' ').capitalize() if trio else 'Outcome of the offer'} number {place}",
        description="What customers did within the window, per customer who was assigned.",
        role=role,
        trio=trio,
        operation="conversion" if share else "sum",
        family="proportion" if share else "mean",
        direction="decrease" if trio == "churned" or role == "guardrail" else "increase",
        unit=None if share else "EUR",
        first_day=0,
        end_day=90,
        clock="calendar",
        tolerate="0.5pt" if role == "guardrail" else None,
        winsorize=None,
        cap=None,
    )


def _quantity(chance: random.Random, scale: float) -> Quantity:
    middle = chance.gauss(0.3, 1) * scale
    return Quantity(estimate=middle, lower=middle - 1.96 * scale, upper=middle + 1.96 * scale)


def _levels(infos: tuple[MetricInfo, ...], chance: random.Random) -> Iterator[Level]:
    for info in infos:
        for key in VARIANTS:
            value = chance.uniform(0.2, 0.3) if info.family == "proportion" else chance.uniform(20, 24)
            variance = value * (1 - value) if info.family == "proportion" else 900.0
            yield Level(
                metric=info.key, variant=key, n=N, mature=N, excluded=0, value=value, se=math.sqrt(variance / N),
                unit_variance=variance,
            )  # fmt: skip


def _estimates(infos: tuple[MetricInfo, ...], chance: random.Random) -> Iterator[Estimate]:
    for info in infos:
        for key in TREATED:
            for estimand, scale in (("difference", 0.002 if info.family == "proportion" else 0.2), ("lift", 0.01)):
                found = _quantity(chance, scale)
                middle = found.estimate or 0.0
                guarded = info.role == "guardrail"
                yield Estimate(
                    metric=info.key, role=info.role, variant=key, baseline="control", estimand=estimand,  # type: ignore[arg-type]
                    status="estimated", estimator="welch", estimate=middle, se=scale, lower=found.lower,
                    upper=found.upper, confidence=0.95, p=math.erfc(abs(middle / scale) / math.sqrt(2)),
                    lower_adjusted=None if guarded else middle - 2.4 * scale,
                    upper_adjusted=None if guarded else middle + 2.4 * scale,
                    confidence_adjusted=None if guarded else 0.983, p_adjusted=None if guarded else 0.2,
                    correction="non_inferiority" if guarded else "bonferroni:3", n=N, n_baseline=N,
                    state="safe" if guarded else "cannot_tell",
                    margin=0.005 if guarded and estimand == "difference" else None,
                )  # fmt: skip


def _segments(infos: tuple[MetricInfo, ...], chance: random.Random) -> Iterator[SegmentRow]:
    for info in infos:
        scale = 0.005 if info.family == "proportion" else 0.5
        for dimension, levels in LEVELS.items():
            for level in levels:
                for key in TREATED:
                    yield SegmentRow(
                        metric=info.key, dimension=dimension, level=level, variant=key, baseline="control",
                        n=N // 5, n_baseline=N // 5, value=0.25, baseline_value=0.24,
                        difference=_quantity(chance, scale), lift=_quantity(chance, 0.02),
                        shrunken=_quantity(chance, scale),
                    )  # fmt: skip


def _interactions(infos: tuple[MetricInfo, ...]) -> Iterator[InteractionRow]:
    for info in infos:
        for dimension, levels in LEVELS.items():
            for key in TREATED:
                yield InteractionRow(
                    metric=info.key, dimension=dimension, variant=key, baseline="control", levels=len(levels), p=0.4,
                    p_adjusted=0.6,
                )  # fmt: skip


def _curve() -> CurveResult:
    points = [
        CurvePoint(
            variant=key, first_day=30 * month, last_day=30 * month + 29, at_risk=N, events=N // (month + 4), censored=0,
            rate=1 / (month + 4) + place / 100, lower=1 / (month + 4) + place / 100 - 0.004,
            upper=1 / (month + 4) + place / 100 + 0.004,
        )
        for place, key in enumerate(VARIANTS)
        for month in range(12)
    ]  # fmt: skip
    return CurveResult(title="Customers who ordered", confidence=0.95, points=tuple(points))


def _parts(chance: random.Random) -> Iterator[Decomposition]:
    base: dict[str, Any] = {"metric": "metric_3", "per_unit": 22.0, "share_active": 0.3, "per_active": 1.4}
    yield Decomposition(variant="control", ratio=52.0, **base)
    for key in TREATED:
        change: dict[str, Any] = {
            f"change_{name}": chance.gauss(0, 0.02) for name in ("per_unit", "share_active", "per_active", "ratio")
        }
        yield Decomposition(variant=key, ratio=52.5, **base, **change)


def large(*, every_metric: bool = False) -> Analysis:
    """A document of 20 metrics, 4 variants and 10 segments."""
    chance = random.Random(7)
    infos = metrics()
    split = infos if every_metric else infos[:4]
    days = [f"2026-{month:02d}-{day:02d}" for month in (3, 4) for day in range(1, 22)]
    return Analysis(
        schema="holdfast.results/1",
        as_of="2026-10-01",
        experiment=_experiment(),
        plan=_plan(),
        variants=tuple(_variant(key) for key in VARIANTS),
        metrics=infos,
        checks=tuple(Check(id=id, status="ok", value=1.0 if id == "maturity" else 0.4) for id in CHECKS),
        levels=tuple(_levels(infos, chance)),
        estimates=tuple(_estimates(infos, chance)),
        curves=(_curve(),),
        decomposition=tuple(_parts(chance)),
        money=tuple(_projection(key) for key in TREATED),
        enrolment=tuple((day, tuple((key, 950 + chance.randrange(99)) for key in VARIANTS)) for day in days),
        segments=tuple(_segments(split, chance)),
        interactions=tuple(_interactions(split[:1])),
        verdict=_verdict(),
        deviations=(),
        provenance=_provenance(),
    )


def _experiment() -> ExperimentInfo:
    return ExperimentInfo(
        slug="winback-ladder", title="Win-back vouchers of three sizes", owner="growth-retention",
        hypothesis="A voucher brings lapsed customers back, and a small one is enough.", description="", version=1,
        unit="customer", audience=(("days since last order", "55 to 65"),), method="hash",
        enrolled_from="2026-03-01", enrolled_until="2026-04-22", observed_from=None, observed_until=None,
        currency="EUR", timezone="Europe/Berlin", language="en", business="shop", churn_drivers=("price",),
    )  # fmt: skip


def _plan() -> PlanInfo:
    return PlanInfo(
        primary="metric_0", expect="0.5 EUR", looks="fixed", confidence=0.95, fdr=0.1, policy="superiority",
        readout="2026-10-01", readout_metric="metric_0", interim=False,
        comparisons=tuple((key, "control") for key in TREATED), not_measured={},
    )  # fmt: skip


def _variant(key: str) -> VariantInfo:
    control = key == "control"
    title = "No voucher" if control else f"Voucher {key.removeprefix('voucher-')}%"
    return VariantInfo(
        key=key, title=title, is_control=control, weight=25, assigned=N, tactic="nothing" if control else title,
        tactic_type=None if control else "incentive", description="" if control else "An e-mail, valid for 14 days.",
    )  # fmt: skip


def _projection(key: str) -> Projection:
    return Projection(
        variant=key, customers=42_000, every_days=90, value=30_000.0, lower=-8_000.0, upper=70_000.0, currency="EUR"
    )


def _verdict() -> Verdict:
    told = [VariantVerdict(variant=key, recommendation="discuss", reason="inconclusive") for key in TREATED]
    return Verdict(
        recommendation="discuss", reason="inconclusive", rule="7 inconclusive", variant=None, by_variant=tuple(told)
    )


def _provenance() -> Provenance:
    return Provenance(
        config_hash="0" * 64, holdfast="0.1.0", engine="duckdb 1.5.6", hash_version=1, salt="winback-ladder",
        manifest_digest="1" * 64, command="holdfast analyze winback-ladder", sources=(("orders", "orders"),),
        statements=9,
    )  # fmt: skip


def steps(text: str) -> dict[str, Callable[[], object]]:
    """What a whole `holdfast report` may do, step by step."""
    kept: dict[str, Any] = {}

    def read() -> None:
        kept["analysis"] = report.from_json(text)

    def draw() -> None:
        kept["figures"] = report.figures(kept["analysis"])

    return {
        "read results.json": read,
        "Markdown": lambda: kept.setdefault("markdown", report.render_markdown(kept["analysis"])),
        "figures": draw,
        "HTML": lambda: kept.setdefault("html", report.render_html(kept["analysis"], kept["figures"])),
        "summary and Slack": lambda: (
            report.render_summary(kept["analysis"], "report.md"),
            report.render_slack(kept["analysis"], "report.md"),
        ),
        "results.parquet": lambda: long_table.to_parquet(kept["analysis"]),
    }


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(start: tuple[float, float]) -> tuple[float, float]:
    clock, processor = _now()
    return clock - start[0], processor - start[1]


def main() -> None:
    """Print the seconds of each step, round by round and in the middle."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--every-metric", action="store_true", help="segments of all 20 metrics")
    options.add_argument("--keep", type=Path, help="a folder for the report")
    chosen = options.parse_args()
    analysis = large(every_metric=chosen.every_metric)
    text = report.to_json(analysis)
    print(f"results.json of {len(text):,} bytes, {len(report.figures(analysis)) // 2} figures")
    taken: dict[str, list[tuple[float, float]]] = {}
    for _ in range(chosen.rounds):
        began = _now()
        for name, step in steps(text).items():
            start = _now()
            step()
            taken.setdefault(name, []).append(_since(start))
        taken.setdefault("all of it", []).append(_since(began))
    for name, seconds in taken.items():
        clock, processor = (statistics.median(each) for each in zip(*seconds, strict=True))
        rounds = "  ".join(f"{each[1]:.2f}" for each in seconds)
        print(f"{name:<20}{clock:7.2f} s, of the processor {processor:6.2f} s   ({rounds})")
    if chosen.keep:
        report.write(analysis, chosen.keep, "", {"results.parquet": long_table.to_parquet(analysis)})


if __name__ == "__main__":
    main()
