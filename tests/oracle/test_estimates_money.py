"""Whether it pays, where it came from, within segments and in the light of a prior: beside numpy and scipy on rows."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from holdfast.model.found import MoneyResult, Quantity, SegmentRow
from holdfast.model.result import Analysis
from tests.oracle.small_shop import (
    HEAD,
    PROJECT,
    TACTICS,
    TWO,
    Shop,
    analyze,
    bounds,
    known,
    row,
    shop,
    trial,
    without,
    write,
)

VOUCHER = TWO.replace("a-letter", "a-voucher")
PLAN = "metrics: {primary: margin, trio: {retained: bought, average_order_value: order_value}}\n"
ROLLOUT = "rollout: {customers: 5000, every: 90d}\n"


def welch(ours: np.ndarray, theirs: np.ndarray) -> tuple[float, float, float]:
    """The difference of means with its 95% interval."""
    found = scipy_stats.ttest_ind(ours, theirs, equal_var=False)
    interval = found.confidence_interval(0.95)
    return float(ours.mean() - theirs.mean()), float(interval.low), float(interval.high)


def near(quantity: Quantity | None, expected: tuple[float, float, float], rel: float = 1e-8) -> None:
    assert bounds(quantity) == pytest.approx(expected, rel=rel, abs=1e-9)


def fieller(quantity: Quantity, top: tuple[np.ndarray, np.ndarray], bottom: tuple[np.ndarray, np.ndarray]) -> None:
    """A quotient of two differences: at its bounds x, top - x bottom is a t quantile of its own errors from 0."""
    estimate, lower, upper = bounds(quantity)
    assert estimate == pytest.approx((top[0].mean() - top[1].mean()) / (bottom[0].mean() - bottom[1].mean()), rel=1e-8)
    for bound in (lower, upper):
        sides = [above - bound * below for above, below in zip(top, bottom, strict=True)]
        error = np.sqrt(sum(side.var(ddof=1) / len(side) for side in sides))
        assert abs(sides[0].mean() - sides[1].mean()) / error == pytest.approx(1.962, rel=0.003)


@pytest.fixture(scope="module", params=[31, 32])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Shop, Analysis]:
    data = shop(request.param, 3000, effect=0.6)
    return data, analyze(write(tmp_path_factory.mktemp("money"), data, HEAD + VOUCHER + PLAN + ROLLOUT))


def pair(data: Shop, values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    return data.of(values, "letter"), data.of(values, "control")


def sent(data: Shop) -> pd.Series:
    return data.within(data.messages, 0, 30).groupby("id").size().reindex(data.units["id"]).fillna(0.0)


def only(found: Analysis) -> MoneyResult:
    assert len(found.pays) == 1
    return found.pays[0]


def test_margin_cost_and_what_is_left(case: tuple[Shop, Analysis]) -> None:
    """The margin is net of the discount already, so it is put back before it is taken off as a cost; a message costs
    what the tactic says, not the channel."""
    data, found = case
    pays = only(found)
    discount, margin = data.total("discount"), data.total("margin")
    cost = discount + 0.25 * sent(data)
    assert discount.sum() > 100
    near(pays.margin, welch(*pair(data, margin + discount)))
    near(pays.cost, welch(*pair(data, cost)))
    kinds = {part.kind: part.cost for part in pays.costs}
    assert list(kinds) == ["per_redemption", "per_send"]
    near(kinds["per_redemption"], welch(*pair(data, discount)))
    ours, theirs = pair(data, 0.25 * sent(data))
    if ours.std() or theirs.std():
        near(kinds["per_send"], welch(ours, theirs))
    else:
        near(kinds["per_send"], (ours.mean() - theirs.mean(),) * 3)
    net = pair(data, margin + discount - cost)
    near(pays.net, welch(*net))
    spent = cost[(data.units["variant"] == "letter").to_numpy()].mean()
    estimate, lower, upper = welch(*net)
    near(pays.break_even, (spent + estimate, spent + lower, spent + upper))
    estimate = net[0].mean() - net[1].mean()
    error = np.sqrt(sum(side.var(ddof=1) / len(side) for side in net))
    assert pays.loss_probability == pytest.approx(scipy_stats.norm.cdf(-estimate / error), rel=1e-6)
    loss = scipy_stats.norm(estimate, error).expect(lambda x: -x, ub=0.0)
    assert pays.expected_loss == pytest.approx(loss, rel=1e-4, abs=1e-9)
    assert pays.not_measured == (("once", "100 USD"),)


def test_return_and_cost_of_one_retained(case: tuple[Shop, Analysis]) -> None:
    data, found = case
    discount, margin = data.total("discount"), data.total("margin")
    cost = pair(data, discount + 0.25 * sent(data))
    net = pair(data, margin - 0.25 * sent(data))
    fieller(only(found).return_on_cost, net, cost)
    fieller(only(found).cost_per_retained, cost, pair(data, (data.total("order") > 0).astype(float)))


def test_during_and_after_the_offer(case: tuple[Shop, Analysis]) -> None:
    data, found = case
    pays = only(found)
    assert pays.offer_days == 14
    during, after = data.total("margin", 0, 14), data.total("margin", 14, 30)
    near(pays.during, welch(*pair(data, during)))
    near(pays.after, welch(*pair(data, after)))
    assert pays.persistence is not None
    if pays.persistence.estimate is not None:
        fieller(pays.persistence, pair(data, during + after), pair(data, during))


def test_who_bought_because_of_it(case: tuple[Shop, Analysis]) -> None:
    data, found = case
    bought, base = pair(data, (data.total("order") > 0).astype(float))
    given = data.of(data.total("discount"), "letter")
    because, away = only(found).because, only(found).given_anyway
    assert because.estimate == pytest.approx(1 - base.mean() / bought.mean(), rel=1e-8)
    assert away.estimate == pytest.approx(base.mean() * given.mean() / bought.mean(), rel=1e-8)
    # The delta method by influence of each customer, on the logarithm.
    influence = given / given.mean() - bought / bought.mean()
    error = np.sqrt(influence.var(ddof=1) / len(influence) + base.var(ddof=1) / len(base) / base.mean() ** 2)
    _, lower, upper = bounds(away)
    assert np.log(upper / lower) / 2 == pytest.approx(1.961 * error, rel=0.01)
    for bound in bounds(because)[1:]:
        side = (1 - bound) * bought
        error = np.sqrt(side.var(ddof=1) / len(side) + base.var(ddof=1) / len(base))
        assert abs(side.mean() - base.mean()) / error == pytest.approx(1.961, rel=0.003)


def test_what_a_rollout_brings(case: tuple[Shop, Analysis]) -> None:
    """What is left after the messages too, which the margin is not net of."""
    data, found = case
    estimate, lower, upper = welch(*pair(data, data.total("margin") - 0.25 * sent(data)))
    assert len(found.money) == 1
    assert found.money[0].value == pytest.approx(5000 * estimate)
    assert (found.money[0].lower, found.money[0].upper) == pytest.approx((5000 * lower, 5000 * upper), rel=1e-6)


def test_where_the_change_came_from(case: tuple[Shop, Analysis]) -> None:
    """Share who bought x orders a buyer x order value, with the errors of each customer's influence on the logarithms;
    customers with returns alone are counted among those who ordered."""
    data, found = case
    revenue, orders = data.total("amount"), data.total("order")
    chain = [pair(data, (orders > 0).astype(float)), pair(data, orders), pair(data, revenue)]
    parts = next(each for each in found.decomposition if each.variant == "letter")
    ones = tuple(np.ones(len(side)) for side in chain[0])
    steps = {
        "change_share_active": (chain[0], ones),
        "change_per_active": (chain[1], chain[0]),
        "change_ratio": (chain[2], chain[1]),
        "change_per_unit": (chain[2], ones),
    }
    for name, (top, bottom) in steps.items():
        level = [above.mean() / below.mean() for above, below in zip(top, bottom, strict=True)]
        change = np.log(level[0] / level[1])
        assert getattr(parts, name) == pytest.approx(np.expm1(change), rel=1e-9)
        variance = 0.0
        for above, below in zip(top, bottom, strict=True):
            variance += (above / above.mean() - below / below.mean()).var(ddof=1) / len(above)
        estimate, lower, upper = bounds(parts.intervals[name])
        assert estimate == pytest.approx(np.expm1(change), rel=1e-8)
        assert np.log1p(upper) - change == pytest.approx(1.961 * np.sqrt(variance), rel=0.002)
        assert change - np.log1p(lower) == pytest.approx(1.961 * np.sqrt(variance), rel=0.002)


def test_nobody_bought(tmp_path: Path) -> None:
    data = shop(33)
    data = without(data, data.units["id"])
    found = analyze(write(tmp_path, data, HEAD + VOUCHER + PLAN + ROLLOUT))
    pays = only(found)
    assert row(found, "margin").reason == "zero_variance"
    assert pays.margin.estimate is None
    assert bounds(pays.cost)[0] == pytest.approx(
        0.25 * sent(data)[(data.units["variant"] == "letter").to_numpy()].mean()
    )
    assert pays.because.reason is not None
    assert pays.given_anyway.reason == "no_events"
    assert pays.cost_per_retained.estimate is None
    assert found.decomposition == ()
    assert found.money == ()
    assert found.verdict.recommendation != "ship"


def test_a_cost_that_nobody_incurs(tmp_path: Path) -> None:
    data = shop(34)
    orders = data.orders.assign(discount=0.0, margin=(data.orders["amount"] * 0.4).round(2))
    data = replace(data, orders=orders, messages=data.messages.iloc[:0])
    pays = only(analyze(write(tmp_path, data, HEAD + VOUCHER + PLAN)))
    assert bounds(pays.cost) == (0.0, 0.0, 0.0)
    near(pays.net, welch(*pair(data, data.total("margin"))))
    assert pays.return_on_cost.reason == "baseline_not_positive"
    assert pays.given_anyway.reason == "no_events"


def test_more_was_taken_back_than_given(tmp_path: Path) -> None:
    """Discounts that are corrected beyond what was given make a cost below zero, which is no share of anything."""
    data = shop(35)
    pays = only(
        analyze(
            write(
                tmp_path,
                replace(data, orders=data.orders.assign(discount=-data.orders["discount"])),
                HEAD + VOUCHER + PLAN,
            )
        )
    )
    assert bounds(pays.cost)[0] < 0.25
    assert pays.given_anyway.estimate is None


def test_an_empty_variant_has_no_money(tmp_path: Path) -> None:
    data = shop(36)
    third = VOUCHER + "  call: {weight: 1, tactic: a-letter}\n"
    found = analyze(write(tmp_path, data, HEAD + third + PLAN))
    assert [each.variant for each in found.pays] == ["letter"]
    assert row(found, "margin", "call").reason == "no_units"


def test_two_tactics_with_prices_of_their_own(tmp_path: Path) -> None:
    data = shop(37, 1500, variants=("control", "letter", "plain"))
    mail = "  a-mail: {type: custom, title: A mail, label: mail, channel: email}\n"
    variants = VOUCHER + "  plain: {weight: 1, tactic: a-mail}\n"
    found = analyze(write(tmp_path, data, HEAD + variants + PLAN, tactics=TACTICS + mail))
    by_variant = {each.variant: each for each in found.pays}
    base = data.of(sent(data), "control")
    assert base.sum() == 0
    discount = data.total("discount")
    for variant, price in (("letter", 0.25), ("plain", 0.1)):
        cost = data.of(discount + price * sent(data), variant)
        assert bounds(by_variant[variant].cost)[0] == pytest.approx(cost.mean(), rel=1e-8)


SEGMENTS = "metrics: {primary: orders, trio: {retained: bought}}\nanalysis: {segments: [country, plan], cuped: off}\n"


def levels(found: Analysis, metric: str, dimension: str) -> dict[str | None, SegmentRow]:
    return {each.level: each for each in found.segments if (each.metric, each.dimension) == (metric, dimension)}


def test_effects_within_segments_and_whether_they_differ(tmp_path: Path) -> None:
    data = shop(38, 2000)
    # Those with the plus plan order much more when treated: a difference that is there.
    keen = data.units["id"][(data.units["plan"] == "plus") & (data.units["variant"] == "letter")]
    more = data.orders[data.orders["id"].isin(keen)].drop_duplicates("id")
    more = more.merge(data.units[["id", "t0"]], on="id").assign(moment=lambda x: x["t0"] + pd.Timedelta(days=3))
    data = replace(data, orders=pd.concat([data.orders, more.drop(columns="t0")], ignore_index=True))
    found = analyze(write(tmp_path, data, HEAD + TWO + SEGMENTS))
    tests = {}
    for dimension in ("country", "plan"):
        effects = []
        rows = levels(found, "orders", dimension)
        keys = data.units[dimension].astype(object).where(data.units[dimension].notna(), None)
        assert set(rows) == set(keys)
        for level, shown in rows.items():
            inside = np.array([key == level for key in keys])
            y = data.total("order").to_numpy()
            sides = [y[inside & (data.units["variant"] == key).to_numpy()] for key in ("letter", "control")]
            assert (shown.n, shown.n_baseline) == (len(sides[0]), len(sides[1]))
            near(shown.difference, welch(*sides))
            assert shown.value == pytest.approx(sides[0].mean())
            effects.append((sides[0].mean() - sides[1].mean(), sum(side.var(ddof=1) / len(side) for side in sides)))
        d, v = np.array(effects).T
        q = ((d - (d / v).sum() / (1 / v).sum()) ** 2 / v).sum()
        tests[dimension] = scipy_stats.chi2.sf(q, len(d) - 1)
    interactions = {each.dimension: each for each in found.interactions}
    for dimension, p in tests.items():
        # Cochran's Q; small levels have errors of their own, so an F tail may stand in its place.
        assert interactions[dimension].p == pytest.approx(p, rel=0.1, abs=1e-6)
    adjusted = scipy_stats.false_discovery_control([known(interactions[name].p) for name in ("country", "plan")])
    assert [interactions[name].p_adjusted for name in ("country", "plan")] == pytest.approx(adjusted.tolist())
    assert interactions["plan"].differs
    assert {each.metric for each in found.segments} == {"orders", "bought"}


def rare(counts: dict[str, tuple[int, int]], seed: int = 39) -> Shop:
    """A shop where so many customers of control and of the letter live in each of some countries, and all others in
    one."""
    data = shop(seed)
    units = data.units.assign(country="JP")
    for name, each in counts.items():
        for variant, count in zip(("control", "letter"), each, strict=True):
            free = units.index[(units["variant"] == variant) & (units["country"] == "JP")]
            units.loc[free[:count], "country"] = name
    return replace(data, units=units)


@pytest.mark.parametrize(
    ("counts", "hidden"),
    [
        ({"IS": (1, 1), "US": (40, 60), "DE": (100, 100)}, {"IS", "US"}),  # one alone: the next smallest goes too
        ({"IS": (1, 2), "FI": (2, 1), "US": (40, 60), "DE": (100, 100)}, {"IS", "FI", "US"}),  # 3 and 3 are still few
        ({"IS": (19, 30), "FI": (30, 19), "US": (40, 60)}, {"IS", "FI"}),  # 49 and 49 tell of nobody
        ({"IS": (0, 50), "US": (60, 60), "DE": (100, 100)}, {"IS", "US"}),  # none in control is known as well as one
        ({"US": (40, 60), "DE": (20, 20)}, set()),
    ],
)
def test_small_segments_and_what_gives_them_away_are_not_told(
    tmp_path: Path, counts: dict[str, tuple[int, int]], hidden: set[str]
) -> None:
    folder = write(tmp_path, rare(counts), HEAD + TWO + SEGMENTS)
    handle = trial(folder).analyze()
    found = handle.analysis
    for metric in ("orders", "bought"):
        rows = levels(found, metric, "country")
        own = [each for each in found.segments if (each.metric, each.dimension) == (metric, "country")]
        # A level of fewer customers than may be shown has no name either.
        named = {level if sum(counts[level]) >= 20 else None for level in hidden}
        assert {each.level for each in own if each.suppressed} == named
        for each in rows.values():
            if each.suppressed:
                assert each.n is None
                assert each.n_baseline is None
                assert each.value is None
                assert each.difference.estimate is None
    for line in handle.to_markdown().splitlines():
        if re.search(r"\b(IS|FI)\b", line) and "IS" in hidden:
            assert not re.search(r"\d", line), line


def test_another_minimum_is_obeyed(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        rare({"US": (40, 60), "DE": (100, 100)}),
        HEAD + TWO + SEGMENTS,
        project=PROJECT.replace("minimum_cell: 20", "minimum_cell: 50"),
    )
    rows = levels(analyze(folder), "orders", "country")
    assert {level for level, each in rows.items() if each.suppressed} == {"US", "DE"}


def test_a_prior_draws_the_lift_to_itself(tmp_path: Path) -> None:
    """Normal times normal: precision-weighted mean, the sum of precisions, the tail above 0."""
    data = shop(40, 2500)
    more = "analysis: {expect: 10%, bayesian: {prior_sd: 8%, prior_mean: 2%}}\n"
    found = analyze(write(tmp_path, data, HEAD + TWO + "metrics: {primary: orders}\n" + more))
    lift = row(found, "orders", lift=True)
    precision = 1 / known(lift.se) ** 2 + 1 / 0.08**2
    middle = (known(lift.estimate) / known(lift.se) ** 2 + 0.02 / 0.08**2) / precision
    posterior = scipy_stats.norm(middle, precision**-0.5)
    belief = found.beliefs[0]
    assert belief.estimate == pytest.approx(middle, rel=2e-3)
    assert (belief.lower, belief.upper) == pytest.approx(posterior.interval(0.95), rel=5e-3)
    assert belief.better == pytest.approx(posterior.sf(0.0), rel=1e-3)
    assert belief.worthwhile == pytest.approx(posterior.sf(0.1), rel=5e-3)
    assert belief.expected_loss == pytest.approx(posterior.expect(lambda x: -x, ub=0.0), rel=0.05, abs=1e-9)


def test_each_step_of_a_funnel_is_one_share(tmp_path: Path) -> None:
    data = shop(41)
    found = analyze(write(tmp_path, data, HEAD + TWO + "metrics: {primary: orders, descriptive: [steps]}\n"))
    for step, values in (("sent", sent(data) > 0), ("ordered", data.total("order") > 0)):
        shown = row(found, f"steps:{step}")
        ours, theirs = pair(data, values.astype(float))
        assert shown.role == "descriptive"
        assert shown.state == "described"
        assert shown.estimate == pytest.approx(ours.mean() - theirs.mean(), abs=1e-12)
        assert (shown.n, shown.n_baseline) == (len(ours), len(theirs))
    assert [each.key for each in found.metrics][-2:] == ["steps:sent", "steps:ordered"]


def test_the_same_data_give_the_same_bytes(tmp_path: Path) -> None:
    """Order of rows and threads say nothing, and neither does a second run."""
    data = shop(42)
    plan = (
        "metrics: {primary: margin, secondary: [stayed, hazard, median_revenue, order_value], descriptive: [steps]}\n"
        "analysis: {covariates: [size, country], segments: [plan], bayesian: {}}\n"
    )
    folder = write(tmp_path, data, HEAD + VOUCHER + plan + ROLLOUT)
    first = trial(folder).analyze().to_json()
    assert trial(folder).analyze().to_json() == first
    mixed = replace(
        data,
        units=data.units.sample(frac=1.0, random_state=1),
        orders=data.orders.sample(frac=1.0, random_state=2),
        periods=data.periods.sample(frac=1.0, random_state=3),
    )
    write(folder, mixed, HEAD + VOUCHER + plan + ROLLOUT)
    assert trial(folder).analyze().to_json() == first


def test_without_a_time_of_assignment_nothing_has_a_window(tmp_path: Path) -> None:
    """A column of the file is compared, money over facts is not asked for, and nothing fails."""
    data = shop(43)
    units = data.units.assign(gift=data.total("amount").to_numpy())
    head = HEAD.replace(", assigned_at: t0", "")
    define = "define: {gift: {operation: column, column: gift, unit_of_measure: USD, desired_change: increase}}"
    text = (
        head + VOUCHER + f"metrics: {{primary: gift, {define}}}\nanalysis: {{segments: [plan], covariates: [plan]}}\n"
    )
    found = analyze(write(tmp_path, replace(data, units=units), text + ROLLOUT))
    shown = row(found, "gift")
    ours, theirs = pair(data, data.total("amount"))
    assert shown.unadjusted == pytest.approx(ours.mean() - theirs.mean(), rel=1e-6)
    assert found.pays == ()
    assert len(found.segments) == 2
    assert found.survival == ()
