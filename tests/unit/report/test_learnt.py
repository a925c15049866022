"""Experiments together: pooled by what they share, shrunken by what they say of each other, and told in the index."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats as reference

from holdfast import estimate
from holdfast.estimate.portfolio import _shrunken
from holdfast.model.portfolio import Portfolio, PortfolioGroup, Unreported
from holdfast.model.result import Analysis
from holdfast.report import render_index
from holdfast.stats import Effect, Pooled, pool

PAST = [(0.118, 0.04), (0.02, 0.03), (0.09, 0.05), (-0.01, 0.02), (0.06, 0.03)]


def again(analysis: Analysis, number: int, lift: float, se: float, *, primary: str | None = None) -> Analysis:
    """The same experiment under another name, with another relative change of its primary metric."""
    key = primary or analysis.plan.primary
    rows = tuple(
        replace(
            row,
            metric=key if row.metric == analysis.plan.primary else row.metric,
            estimate=lift if row.metric == analysis.plan.primary and row.estimand == "lift" else row.estimate,
            se=se if row.metric == analysis.plan.primary and row.estimand == "lift" else row.se,
        )
        for row in analysis.estimates
    )
    metrics = tuple(
        replace(metric, key=key) if metric.key == analysis.plan.primary else metric for metric in analysis.metrics
    )
    return replace(
        analysis,
        experiment=replace(analysis.experiment, slug=f"past-{number}", title=f"Past {number}"),
        plan=replace(analysis.plan, primary=key),
        metrics=metrics,
        estimates=rows,
    )


def several(analysis: Analysis, past: list[tuple[float, float]] = PAST) -> list[Analysis]:
    return [again(analysis, number, *each) for number, each in enumerate(past, 1)]


def group(found: Portfolio, kind: str) -> PortfolioGroup:
    return next(each for each in found.groups if each.kind == kind)


def test_the_usual_effect_is_that_of_a_random_effects_model(voucher: Analysis) -> None:
    """tau^2 maximises the restricted likelihood, written out here on a grid; Knapp and Hartung's interval by hand."""
    found = estimate.portfolio(several(voucher))
    (pooled,) = group(found, "tactic_type").pooled
    y, v = np.array([e for e, _ in PAST]), np.array([se**2 for _, se in PAST])
    grid = np.linspace(0, 0.02, 200_001)[:, None]
    w = 1 / (v + grid)
    mu = (w * y).sum(1) / w.sum(1)
    level = -0.5 * (np.log(v + grid).sum(1) + np.log(w.sum(1)) + (w * (y - mu[:, None]) ** 2).sum(1))
    tau2 = float(grid[level.argmax(), 0])
    assert tau2 > 0
    w = 1 / (v + tau2)
    mean = float((w * y).sum() / w.sum())
    se = math.sqrt(float((w * (y - mean) ** 2).sum() / 4 / w.sum()))
    reach = float(reference.t.ppf(0.975, 4))
    assert pooled.mean.estimate == pytest.approx(mean, rel=1e-3)
    assert pooled.mean.upper == pytest.approx(mean + reach * se, rel=1e-3)
    assert pooled.next.lower == pytest.approx(mean - reach * math.sqrt(tau2 + se**2), rel=1e-3)
    assert pooled.spread == pytest.approx(math.sqrt(tau2), rel=1e-3)
    # Each experiment by hand: drawn towards the mean by the share of its own variance.
    for (own, error), past in zip(PAST, pooled.effects, strict=True):
        drawn = error**2 / (error**2 + tau2)
        assert past.estimate == own
        assert past.shrunken.estimate == pytest.approx((1 - drawn) * own + drawn * mean, rel=1e-3)
        half = 1.959964 * math.sqrt((1 - drawn) * error**2 + (drawn * se) ** 2)
        assert past.shrunken.upper == pytest.approx((1 - drawn) * own + drawn * mean + half, rel=1e-3)


def test_the_best_of_many_is_drawn_back_to_what_it_is() -> None:
    """400 portfolios of 12 experiments with known effects: the one that looks best overstates its effect by more than
    a standard error, and what stands beside it does not overstate it."""
    rng = np.random.default_rng(20260101)
    raw, kept = [], []
    for _ in range(400):
        true = rng.normal(0.02, 0.02, 12)
        seen = rng.normal(true, 0.03)
        effects = [Effect(float(each), 0.03) for each in seen]
        pooled = pool(effects, confidence=0.95)
        assert isinstance(pooled, Pooled)
        best = int(np.argmax(seen))
        shrunken = _shrunken(effects[best], pooled, 0.95).estimate
        assert shrunken is not None
        raw.append(seen[best] - true[best])
        kept.append(shrunken - true[best])
    assert np.mean(raw) > 0.03
    assert abs(np.mean(kept)) < 0.2 * np.mean(raw)


def test_equal_effects_are_one_effect(voucher: Analysis) -> None:
    (pooled,) = group(estimate.portfolio(several(voucher, [(0.05, 0.02), (0.05, 0.04)])), "tactic_type").pooled
    assert pooled.spread == 0 and pooled.i2 == 0
    assert all(past.shrunken.estimate == pytest.approx(0.05) for past in pooled.effects)


def test_only_the_same_metric_is_combined_whatever_its_window(voucher: Analysis) -> None:
    one, two = several(voucher, [(0.1, 0.04), (0.05, 0.02)])
    other = again(voucher, 3, 0.2, 0.05, primary="orders@30d")
    name = voucher.plan.primary.split("@", 1)[0]
    longer = again(two, 2, 0.05, 0.02, primary=f"{name}@180d")
    found = group(estimate.portfolio([one, longer, other]), "tactic_type")
    assert found.experiments == 3
    alike, alone = found.pooled
    assert [past.experiment for past in alike.effects] == ["past-1", "past-2"] and alike.mean.estimate is not None
    assert alone.mean.reason == "too_few_studies" and alone.effects[0].shrunken.estimate is None


def test_several_variants_of_one_experiment_enter_once(hillstrom: Analysis) -> None:
    """The mean of their effects; its error is not made smaller by the number of variants, which share control."""
    rows = [hillstrom.find(hillstrom.plan.primary, key, "lift") for key in ("mens_email", "womens_email")]
    known = [replace(row, estimate=size, se=0.1) for row, size in zip(rows, (0.4, 0.2), strict=True) if row is not None]
    assert len(known) == 2
    others = tuple(row for row in hillstrom.estimates if row not in rows)
    (pooled,) = group(estimate.portfolio([replace(hillstrom, estimates=(*others, *known))]), "tactic_type").pooled
    (past,) = pooled.effects
    assert len(past.variants) == 2
    assert past.estimate == pytest.approx(0.3)
    assert past.upper == pytest.approx(0.3 + 1.959964 * 0.1)


def test_what_has_nothing_to_tell_is_left_out_and_counted(voucher: Analysis, interim: Analysis) -> None:
    bad = replace(voucher, verdict=replace(voucher.verdict, recommendation="no_verdict"))
    found = estimate.portfolio([*several(voucher), interim, bad])
    assert [each.reason for each in found.left_out] == ["not_read_yet", "no_verdict"]
    assert group(found, "tactic_type").experiments == len(PAST)
    text = render_index([voucher], found)
    assert "Left out: 1 not read to the end of the plan." in text and "Left out: 1 that failed a health check." in text


def test_the_index_tells_what_was_learnt(voucher: Analysis) -> None:
    analyses = several(voucher)
    text = render_index(analyses, estimate.portfolio(analyses))
    assert [line for line in text.splitlines() if line.startswith(("## W", "### By"))] == [
        "## What was learnt",
        "### By tactic",
        "### By stage",
        "### By churn driver",
    ]
    assert "| [Past 1](past-1/" in text.split("### Each experiment")[1]
    assert "87% of new effects after 5 experiments" in text
    assert "+11.8% (" in text or "+12% (" in text
    alone = render_index(analyses[:1], estimate.portfolio(analyses[:1]))
    assert "Nothing can be combined yet" in alone and "###" not in alone and "87%" not in alone
    assert "What was learnt" not in render_index([], estimate.portfolio([]))


def test_a_kind_with_one_experiment_is_named_and_not_tabled(voucher: Analysis) -> None:
    """Two of one driver, one of another; the first has both, which is said."""
    first, second = several(voucher)[:2]
    alone = replace(again(voucher, 3, 0.1, 0.02), experiment=replace(first.experiment, slug="x", churn_drivers=("a",)))
    rows = [
        replace(first, experiment=replace(first.experiment, churn_drivers=("price", "support"))),
        replace(second, experiment=replace(second.experiment, churn_drivers=("price",))),
        alone,
    ]
    text = render_index(rows, estimate.portfolio(rows))
    table = text.split("### By churn driver")[1].split("###")[0]
    assert "| price |" in table
    assert "| support |" not in table
    assert "One experiment only, so nothing is combined: " in text
    assert "support: Margin per customer" in text
    assert "counts under each of them" not in text
    both = [rows[0], replace(rows[1], experiment=replace(rows[1].experiment, churn_drivers=("price", "support")))]
    assert "counts under each of them" in render_index(both, estimate.portfolio(both))


def test_experiments_stand_by_what_is_recommended_and_no_column_is_empty(
    voucher: Analysis, hillstrom: Analysis, interim: Analysis
) -> None:
    """The most pressing group first, the newest first within it; what has no report comes last, with its state."""
    older = replace(voucher, as_of="2026-01-01", experiment=replace(voucher.experiment, slug="older", owner=""))
    waiting = Unreported(slug="next one", title="Next", state="planned", readout="2027-05-01")
    text = render_index([older, voucher, hillstrom, interim], None, "en", [waiting])
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## ▲ Ship (3)",
        "## … Still running (1)",
        "## Without a report (1)",
    ]
    assert text.index(f"({voucher.experiment.slug}/") < text.index("(older/") < text.index("(hillstrom-email/")
    assert "| ¥3.4 million (¥1.2 million to ¥5.6 million) every 90 days |" in text
    assert "| [Next](../experiments/next%20one/experiment.yaml) | planned, nobody assigned | 1 May 2027 |" in text
    alone = render_index([replace(older, experiment=replace(older.experiment, churn_drivers=(), stages=()), money=())])
    head = next(line for line in alone.splitlines() if line.startswith("| Experiment"))
    assert head == "| Experiment | Primary effect | Tactic | As of |"
