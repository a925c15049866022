"""False alarm rates and power of the health checks on simulated assignments, with fixed seeds.

The bands are those of study.py: 3.29 binomial standard errors, one-sided where a method may be cautious.
"""

from __future__ import annotations

import logging
import math
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pytest

from holdfast import health, planning
from holdfast.model.manifest import Batch
from holdfast.model.reading import Balance, KnownBefore, Moments
from holdfast.stats import (
    Group,
    Homogeneity,
    Omnibus,
    SequentialSplit,
    SrmTest,
    homogeneity,
    omnibus,
    sequential_split,
    srm,
)
from tests.builders import outcomes, reading

RUNS = 2_000
DAYS = 60
AS_OF = date(2026, 6, 1)
LOG = logging.getLogger(__name__)


def check(hits: list[bool], nominal: float, *, one_sided: bool = False) -> float:
    """Compare a simulated rate with the nominal one, and log the figure (shown by --log-cli-level=INFO)."""
    rate = sum(hits) / len(hits)
    LOG.info("rate %.4f, nominal %.4f", rate, nominal)
    band = 3.29 * math.sqrt(nominal * (1.0 - nominal) / len(hits))
    assert rate <= nominal + band
    assert one_sided or rate >= nominal - band
    return rate


def ever(days: npt.NDArray[np.int64], weights: list[float]) -> float:
    """The p-value of the test that holds at every look, after the last day."""
    found = sequential_split(days.tolist(), weights)
    assert isinstance(found, SequentialSplit)
    return found.p[-1]


def daily(days: npt.NDArray[np.int64], weights: list[float]) -> float:
    """The smallest p-value of the test for one look, read every day on all units so far."""
    values = []
    for counts in days.cumsum(axis=0):
        found = srm(counts.tolist(), weights)
        assert isinstance(found, SrmTest)
        values.append(found.p)
    return min(values)


@pytest.mark.parametrize(
    ("per_day", "weights"), [(400, [1.0, 1.0]), (5, [1.0, 1.0]), (300, [5.0, 3.0, 2.0]), (200, [9.0, 1.0])]
)
def test_a_look_every_day_raises_no_more_false_alarms_than_promised(per_day: int, weights: list[float]) -> None:
    """60 days as planned: at most alpha of the runs ever have p < alpha."""
    rng = np.random.default_rng(30_001)
    shares = np.array(weights) / sum(weights)
    values = [ever(rng.multinomial(per_day, shares, DAYS), weights) for _ in range(RUNS)]
    for alpha in (0.05, 0.01, 0.0005):
        check([p < alpha for p in values], alpha, one_sided=True)


def test_the_test_for_one_look_read_every_day_raises_far_too_many() -> None:
    """The same 60 days of 400 units: the fixed chi-square test ever has p < 0.05 in more than a quarter of the runs,
    and p < 0.0005 in several times as many as it should. Read once, it keeps its level."""
    rng = np.random.default_rng(30_002)
    runs = [rng.multinomial(400, [0.5, 0.5], DAYS) for _ in range(RUNS)]
    values = [daily(days, [1.0, 1.0]) for days in runs]
    often, block = (sum(p < alpha for p in values) / RUNS for alpha in (0.05, 0.0005))
    LOG.info("ever below 0.05: %.4f; ever below 0.0005: %.4f", often, block)
    assert often > 0.25
    assert block > 3 * 0.0005
    once = [srm(days.sum(axis=0).tolist(), [1.0, 1.0]) for days in runs]
    check([isinstance(found, SrmTest) and found.p < 0.05 for found in once], 0.05)


def test_a_lost_hundredth_is_found_in_time() -> None:
    """49.5 : 50.5, a loss of 2% in one variant: the share of runs that block grows with the units.

    At 360,000 units the mismatch is six standard errors, and a block takes 4.84 of them by then: P(z > 4.84) = 88%.
    """
    rng = np.random.default_rng(30_003)
    found = []
    for per_day in (500, 1_500, 3_000, 6_000):
        days = [rng.multinomial(per_day, [0.495, 0.505], DAYS) for _ in range(400)]
        found.append(sum(ever(run, [1.0, 1.0]) < 0.0005 for run in days) / len(days))
    LOG.info("blocked at 30,000, 90,000, 180,000 and 360,000 units: %s", found)
    assert found == sorted(found)
    assert found[0] < 0.3
    assert found[-1] > 0.85


def test_evidence_against_the_plan_is_a_fair_game_under_it() -> None:
    """Under the plan the mean of the Bayes factor is 1 after any number of units: exactly, by all outcomes of 30."""
    mean = 0.0
    for first in range(31):
        found = sequential_split([[first, 30 - first]], [3.0, 1.0])
        assert isinstance(found, SequentialSplit)
        mean += math.comb(30, first) * 0.75**first * 0.25 ** (30 - first) * math.exp(found.log_bayes_factor)
    assert mean == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize(
    ("sizes", "shares"),
    [([400] * 30, [0.5, 0.5]), ([15, 25, 40, 60] * 15, [0.6, 0.3, 0.1]), ([8] * 60, [0.5, 0.5])],
)
def test_parts_split_alike_differ_by_chance(sizes: list[int], shares: list[float]) -> None:
    """30 large days; 60 days so small that some are put together; 60 days of 8 units. Expected counts down to 5 make
    the chi-square test a little cautious or bold: the band is a fifth of the level wider."""
    rng = np.random.default_rng(30_004)
    values = []
    for _ in range(RUNS):
        found = homogeneity([rng.multinomial(size, shares).tolist() for size in sizes])
        assert isinstance(found, Homogeneity)
        values.append(found.p)
    for alpha in (0.05, 0.01):
        rate = sum(p < alpha for p in values) / RUNS
        LOG.info("rate %.4f, nominal %.3f", rate, alpha)
        assert rate <= alpha * 1.2 + 3.29 * math.sqrt(alpha * (1 - alpha) / RUNS)


def test_one_send_that_was_split_otherwise_is_found() -> None:
    """One send of ten went 60:40 in place of 50:50: found in nearly all runs, and named."""
    rng = np.random.default_rng(30_005)
    hits = []
    for _ in range(200):
        parts = [rng.multinomial(1_000, [0.6, 0.4] if send == 6 else [0.5, 0.5]).tolist() for send in range(10)]
        found = homogeneity(parts)
        assert isinstance(found, Homogeneity)
        hits.append(found.p < 0.01 and found.worst == (6,))
    assert sum(hits) / len(hits) > 0.95


def customers(rng: np.random.Generator, n: int) -> npt.NDArray[np.float64]:
    """What a shop knows of its customers: nine tenths never bought, the rest spent skewed sums; days since the last
    visit; a flag; four countries, the rarest 4%; and an age that one in twelve did not give."""
    bought = rng.random(n) < 0.1
    spend = bought * rng.lognormal(3.0, 1.5, n)
    country = rng.choice(4, n, p=[0.6, 0.26, 0.1, 0.04])
    unknown = rng.random(n) < 1 / 12
    age = np.where(unknown, 0.0, rng.integers(18, 80, n))
    columns = [np.log1p(spend), np.log1p(rng.exponential(40, n)), rng.random(n) < 0.3]
    columns += [country == place for place in range(4)]
    return np.column_stack([*columns, np.log1p(age), unknown]).astype(float)


def together(table: npt.NDArray[np.float64], variant: npt.NDArray[np.int64]) -> Omnibus:
    rows = [table[variant == place] for place in np.unique(variant)]
    found = omnibus([Group(len(x), x.mean(axis=0).tolist(), np.cov(x, rowvar=False).tolist()) for x in rows])
    assert isinstance(found, Omnibus)
    # The fourth country follows from the other three.
    assert len(found.columns) == table.shape[1] - 1
    return found


@pytest.mark.parametrize(
    ("n", "shares"), [(600, [0.5, 0.5]), (3_000, [0.9, 0.1]), (1_200, [0.4, 0.3, 0.3])], ids=["even", "tenth", "three"]
)
def test_balance_by_chance(n: int, shares: list[float]) -> None:
    """Drawn at random, the variants differ by chance: p < 0.05 in 5% of runs, p < 0.01 in 1%, and hardly ever a block.
    Skewed sums count by their logarithm, as the engine does it; the rarest cell has 12 units."""
    rng = np.random.default_rng(30_006)
    values = [together(customers(rng, n), rng.choice(len(shares), n, p=shares)).p for _ in range(RUNS)]
    check([p < 0.05 for p in values], 0.05)
    check([p < 0.01 for p in values], 0.01)
    check([p < 0.0005 for p in values], 0.0005, one_sided=True)


def test_money_itself_would_raise_false_alarms_where_variants_are_unequal() -> None:
    """Why sums count by their logarithm: as they are, 10% of 3,000 customers with skewed sums block many times as often
    as they should."""
    rng = np.random.default_rng(30_007)
    values = []
    for _ in range(RUNS):
        spend = (rng.random(3_000) < 0.1) * rng.lognormal(3.0, 1.5, 3_000)
        treated = rng.random(3_000) < 0.1
        parts = [spend[~treated], spend[treated]]
        found = omnibus([Group(x.size, [float(x.mean())], [[float(x.var(ddof=1))]]) for x in parts])
        assert isinstance(found, Omnibus)
        values.append(found.p)
    rate = sum(p < 0.0005 for p in values) / RUNS
    LOG.info("money as it is: below 0.0005 in %.4f", rate)
    assert rate > 5 * 0.0005


def test_a_property_that_decided_who_got_what_is_found() -> None:
    """Customers of one country 20% more likely to be treated: a block in nearly all runs of 20,000."""
    rng = np.random.default_rng(30_008)
    hits = []
    for _ in range(200):
        table = customers(rng, 20_000)
        hits.append(together(table, (rng.random(20_000) < 0.5 + 0.1 * table[:, 5]).astype(np.int64)).p < 0.0005)
    assert sum(hits) / len(hits) > 0.95


def test_a_healthy_experiment_is_hardly_ever_blocked_or_noted() -> None:
    """All checks of one report together, at the readout: 30 days of 100 units in daily batches, three segments."""
    study = outcomes({"a": {"desired_change": "increase"}}, {"primary": "a"}, analysis={"segments": ["country"]})
    made = planning.plan(study, AS_OF)
    rng = np.random.default_rng(30_009)
    blocked, noted = [], {"daily_split": 0, "batch_split": 0, "segment_split": 0, "balance": 0, "srm_sequential": 0}
    for _ in range(RUNS):
        days = rng.multinomial(100, [0.5, 0.5], 30)
        by_day = {AS_OF + timedelta(days=i): {"control": int(a), "treated": int(b)} for i, (a, b) in enumerate(days)}
        batches = [
            Batch(
                config_hash="0",
                method="hash",
                hash_version=1,
                as_of=AS_OF - timedelta(days=30 - i),
                file="",
                counts=counts,
                digest="",
                checksum="0",
            )
            for i, counts in enumerate(by_day.values())
        ]
        control, treated = (int(units) for units in days.sum(axis=0))
        vectors = {}
        for key, n in (("control", control), ("treated", treated)):
            _, second, third = (int(units) for units in rng.multinomial(n, [0.6, 0.3, 0.1]))
            products = {(0, 0): second, (0, 1): 0, (1, 1): third}
            vectors[key] = Moments.from_sums(n, (second, third), products, (0, 0))
        country = KnownBefore(name="country", kind="category", columns=(0, 1))
        known = Balance(properties=(country,), vectors=vectors, numbers={})
        read = reading(assigned={"control": control, "treated": treated}, by_day=by_day, balance=known)
        found = health.run(made, read, batches)
        blocked.append(any(each.status == "block" for each in found))
        for each in found:
            if each.id in noted:
                noted[each.id] += each.status != "ok"
    LOG.info("blocked %.4f; noted or blocked of %d: %s", sum(blocked) / RUNS, RUNS, noted)
    check(blocked, 4 * 0.0005, one_sided=True)
    band = 0.01 * 1.2 + 3.29 * math.sqrt(0.01 * 0.99 / RUNS)
    assert all(number / RUNS <= band for number in noted.values())
