"""Several looks at one experiment, beside the bounds worked out from their definition; and nothing but alarms before
the readout of a plan that is read once.

Customers enter day by day as they become known, and are drawn here.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy import optimize
from scipy import stats as scipy_stats

from holdfast.model.result import Analysis
from tests.oracle.small_shop import METRICS, SOURCES, TWO, Shop, known, row, shop, trial, write

FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 2, 12)
"""Enrolment: six weeks, the last day not included."""
WINDOW = 14
READOUT = LAST + dt.timedelta(days=WINDOW)
OWN = (
    "owner: a@example.com\nhypothesis: A letter brings customers back.\nassignment: {method: hash, salt: looks-1}\n"
    "enroll: {from: 2026-01-01, for: 6w, each: day}\n"
)
KNOWN = SOURCES.replace(
    "    keys: {customer: id}\n    properties", "    keys: {customer: id}\n    known_from: t0\n    properties"
)
SHORT = METRICS.replace("window: 30d", f"window: {WINDOW}d")
WEEKLY = "analysis: {looks: {group_sequential: weekly%s}, cuped: off}\n"
ANY_DAY = "analysis: {looks: {always_valid: true, from: 21d}, cuped: off}\n"
GUARDED = "metrics: {primary: orders, secondary: [bought], guardrails: [{metric: revenue, tolerate: 10%}]}\n"


def prepare(folder: Path, seed: int, text: str, *, effect: float = 0.3, sources: str = KNOWN, n: int = 1500) -> Shop:
    """The project with everybody drawn to the end of enrolment, and the shop as it turned out: what the letter does is
    added to the orders of those who were drawn for it."""
    data = shop(seed, n, days=42, effect=0.0)
    write(folder, data, OWN + TWO + text, sources=sources, metrics=SHORT)
    trial(folder).assign(LAST)
    drawn = duckdb.execute(
        f"SELECT unit AS id, variant, epoch_us(assigned_at) AS t0 FROM '{folder}/data/assignments/trial/v1/*.parquet'"
    ).df()
    drawn["t0"] = pd.to_datetime(drawn["t0"], unit="us").astype("datetime64[us]")
    units = data.units.drop(columns=["variant", "t0"]).merge(drawn, on="id")
    assert len(units) > 0.9 * n
    data = replace(data, units=units.reset_index(drop=True))
    rng = np.random.default_rng(seed)
    keen = data.units["id"][(data.units["variant"] == "letter").to_numpy() & (rng.random(len(units)) < abs(effect))]
    if effect > 0:
        more = data.units[data.units["id"].isin(keen)][["id", "t0"]]
        more = more.assign(moment=more["t0"] + pd.Timedelta(days=2), amount=20.0, discount=0.0, margin=8.0)
        orders = pd.concat([data.orders, more.drop(columns="t0")], ignore_index=True)
    else:
        orders = data.orders[~data.orders["id"].isin(keen)]
    data = replace(data, orders=orders)
    con = duckdb.connect()
    con.register("frame", orders)
    con.execute(f"COPY (SELECT * FROM frame) TO '{folder / 'o.parquet'}' (FORMAT parquet)")
    return data


def at(data: Shop, day: dt.date, late: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """The number of orders of each customer whose window has closed by a date, treated and control."""
    closed = data.units["t0"] + pd.Timedelta(days=WINDOW) <= pd.Timestamp(day) - pd.Timedelta(days=late)
    y = data.total("order", 0, WINDOW)
    keys = data.units["variant"]
    return tuple(y[(closed & (keys == key)).to_numpy()].to_numpy() for key in ("letter", "control"))  # type: ignore[return-value]


def spent(fraction: float, spending: str) -> float:
    """The error of one side that is used up (Lan and DeMets 1983), of 2.5%."""
    if spending == "pocock":
        return float(0.025 * np.log1p((np.e - 1) * fraction))
    return float(2 * scipy_stats.norm.sf(scipy_stats.norm.isf(0.0125) / np.sqrt(fraction)))


def criticals(fractions: list[float], spending: str) -> list[float]:
    """Bounds of the looks so far, one after the other, by the multivariate normal distribution: the chance of being
    above one of them first at this look is what was spent for it."""
    found: list[float] = []
    for place, fraction in enumerate(fractions):
        share = spent(fraction, spending) - (spent(fractions[place - 1], spending) if place else 0.0)
        times = np.array(fractions[: place + 1])
        correlation = np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times))
        joint = scipy_stats.multivariate_normal(cov=correlation, abseps=1e-9, releps=1e-9, maxpts=400_000, seed=1)

        def leaving(bound: float, joint=joint, share=share, before=tuple(found)) -> float:  # type: ignore[no-untyped-def]
            below = joint.cdf([*before, 12.0], lower_limit=[*(-each for each in before), -12.0])
            inside = joint.cdf([*before, bound], lower_limit=[*(-each for each in before), -bound])
            return float((below - inside) / 2 - share)

        found.append(float(optimize.brentq(leaving, 1.0, 9.0, xtol=1e-6)))
    return found


@pytest.mark.parametrize("spending", ["obrien_fleming", "pocock"])
def test_every_weekly_look_has_the_bound_that_its_share_of_the_error_buys(tmp_path: Path, spending: str) -> None:
    data = prepare(tmp_path, 51, GUARDED + WEEKLY % f", spending: {spending}")
    dates = [dt.date(2026, 1, 22) + dt.timedelta(weeks=place) for place in range(3)]
    fractions: list[float] = []
    for place, day in enumerate(dates):
        found = trial(tmp_path).analyze(day).analysis
        # While customers still enter, as many a day are expected to the end.
        enrolled = sum(each.assigned for each in found.variants)
        planned = round(enrolled * 42 / (day - FIRST).days)
        # What an earlier look spent is what was known then.
        fractions.append(sum(map(len, at(data, day))) / planned)
        expected = criticals(fractions, spending)
        look = found.look
        assert look is not None
        assert (look.number, look.of, look.last) == (place + 1, 6, False)
        assert look.fraction == pytest.approx(fractions[place], rel=1e-12)
        treated, control = at(data, day)
        shown = row(found, "orders")
        error = np.sqrt(treated.var(ddof=1) / len(treated) + control.var(ddof=1) / len(control))
        assert shown.estimate == pytest.approx(treated.mean() - control.mean(), rel=1e-9)
        half = (known(shown.upper_adjusted) - known(shown.lower_adjusted)) / 2 / error
        # A t quantile of the same tail, which is a little farther out.
        tail = scipy_stats.norm.sf(expected[place])
        assert half == pytest.approx(scipy_stats.t.isf(tail, len(treated) + len(control) - 2), rel=0.01)
        crossed = known(shown.lower_adjusted) > 0 or known(shown.upper_adjusted) < 0
        assert look.crossed == (("letter",) if crossed else ())
        assert crossed == (known(shown.p_adjusted) < 0.05)
        # What cannot stop it is not told before the end.
        assert {each.metric for each in found.estimates} == {"orders", "revenue"}
        assert found.segments == ()
        assert found.pays == ()


def test_the_last_look_and_every_day_after_it_show_everything(tmp_path: Path) -> None:
    prepare(tmp_path, 52, GUARDED + WEEKLY % "")
    at_readout = trial(tmp_path).analyze(READOUT).analysis
    later = trial(tmp_path).analyze(READOUT + dt.timedelta(days=40)).analysis
    for found in (at_readout, later):
        assert found.look is not None
        assert found.look.last
        assert found.look.fraction == 1.0
        assert {each.metric for each in found.estimates} == {"orders", "revenue", "bought"}
        assert not found.plan.interim
    assert later.estimates == at_readout.estimates
    # All looks that were planned count, whether or not somebody looked.
    assert known(at_readout.look.critical if at_readout.look else None) > 1.97


@pytest.mark.parametrize("day", ["2026-01-23", "2026-01-28", "2026-02-25"])
def test_between_two_looks_nothing_is_told(tmp_path: Path, day: str) -> None:
    data = prepare(tmp_path, 53, GUARDED + WEEKLY % "")
    nothing_told(tmp_path, data, day, alarms=set())


def test_before_anybody_is_mature_nothing_is_told(tmp_path: Path) -> None:
    data = prepare(tmp_path, 54, GUARDED + ANY_DAY)
    nothing_told(tmp_path, data, "2026-01-10", alarms=set())


def test_a_look_at_nobody(tmp_path: Path) -> None:
    """Nobody came in the first two weeks, so the first look has no windows that closed: a reason, and no failure."""
    data = shop(55, 1500, days=42, effect=0.0)
    units = data.units.assign(t0=data.units["t0"].where(data.units["t0"] >= "2026-01-16", pd.Timestamp("2026-01-16")))
    write(tmp_path, replace(data, units=units), OWN + TWO + GUARDED + WEEKLY % "", sources=KNOWN, metrics=SHORT)
    trial(tmp_path).assign(LAST)
    found = trial(tmp_path).analyze("2026-01-22").analysis
    assert row(found, "orders").reason == "no_mature_units"
    assert row(found, "revenue").reason == "no_mature_units"
    assert found.look is not None
    assert (found.look.number, found.look.fraction, found.look.crossed) == (0, None, ())
    assert row(trial(tmp_path).analyze("2026-02-05").analysis, "orders").status == "estimated"


def test_facts_that_arrive_late_by_hours_make_a_look_smaller(tmp_path: Path) -> None:
    """Six hours late: the window of whoever entered fourteen days ago at midnight has closed, and is not known yet."""
    late = KNOWN.replace(
        "    timestamp: moment\n    facts:\n      order",
        "    timestamp: moment\n    freshness: 6h\n    facts:\n      order",
    )
    assert late != KNOWN
    data = prepare(tmp_path, 56, GUARDED + WEEKLY % "", sources=late)
    handle = trial(tmp_path)
    looks = handle.plan("2026-02-01").looks
    assert looks is not None
    day = looks.dates[1]
    found = handle.analyze(day).analysis
    treated, control = at(data, day, late=0.25)
    assert (row(found, "orders").n, row(found, "orders").n_baseline) == (len(treated), len(control))
    assert found.look is not None
    assert found.look.fraction == pytest.approx((len(treated) + len(control)) / len(data.units), rel=1e-12)


def test_always_valid_intervals_on_any_day(tmp_path: Path) -> None:
    """The asymptotic confidence sequence, narrowest at the planned end: Waudby-Smith et al. (2024), theorem 2.2."""
    data = prepare(tmp_path, 57, GUARDED + ANY_DAY)
    for day in (dt.date(2026, 2, 14), dt.date(2026, 2, 20), READOUT):
        found = trial(tmp_path).analyze(day).analysis
        treated, control = at(data, day)
        shown = row(found, "orders")
        n, variance = (
            len(treated) + len(control),
            treated.var(ddof=1) / len(treated) + control.var(ddof=1) / len(control),
        )
        # The size that the first week of six leads to, so that it is the same at every look.
        week = [counts for date, counts in found.enrolment if date < str(FIRST + dt.timedelta(days=7))]
        planned = round(sum(n for counts in week for _, n in counts) * 42 / 7)
        # The mixing at which the width is least at the planned size, by search over its definition.
        width = half_width(planned, 1.0, 0.05)
        rho = optimize.minimize_scalar(width, bounds=(-20, 0), method="bounded", options={"xatol": 1e-9}).x
        half = half_width(n, variance, 0.05)(rho)
        assert (shown.lower_adjusted, shown.upper_adjusted) == pytest.approx(
            (known(shown.estimate) - half, known(shown.estimate) + half), rel=1e-5
        )
        assert found.look is not None
        assert found.look.of is None
        assert found.look.last == (day == READOUT)


def half_width(n: int, variance: float, alpha: float):  # type: ignore[no-untyped-def]
    def of(log_mixing: float) -> float:
        rho = np.exp(log_mixing)
        inside = 2 * (n * rho + 1) / (n**2 * rho) * np.log(np.sqrt(n * rho + 1) / alpha)
        return float(np.sqrt(n * variance * inside))

    return of


@pytest.mark.parametrize("effect", [0.3, -0.9])
def test_a_guardrail_may_be_read_on_any_day_too(tmp_path: Path, effect: float) -> None:
    """Safe and harm come from the interval that holds on every day, not from that of a single look."""
    prepare(tmp_path, 58, GUARDED + ANY_DAY, effect=effect)
    states = {}
    for day in (dt.date(2026, 2, 1), dt.date(2026, 2, 14), READOUT):
        shown = row(trial(tmp_path).analyze(day).analysis, "revenue", lift=True)
        if shown.lower_adjusted is None:
            continue
        lower, upper = known(shown.lower_adjusted), known(shown.upper_adjusted)
        states[day] = "safe" if lower > -0.1 else "harm" if upper < -0.1 else "cannot_tell"
        assert shown.state == states[day]
        assert (shown.state == "safe") == (known(shown.p_adjusted) < 0.05)
    assert states[READOUT] == ("safe" if effect > 0 else "harm")


def test_a_hazard_ratio_at_a_look_is_that_of_the_curve(tmp_path: Path) -> None:
    prepare(tmp_path, 59, "metrics: {primary: hazard}\n" + WEEKLY % "")
    found = trial(tmp_path).analyze("2026-02-12").analysis
    for lift in (False, True):
        shown = row(found, "hazard", lift=lift)
        assert known(shown.lower_adjusted) < known(shown.lower) < known(shown.estimate) < known(shown.upper)
        assert known(shown.upper) < known(shown.upper_adjusted)
    shown = row(found, "hazard")
    middle = (known(shown.lower_adjusted) + known(shown.upper_adjusted)) / 2
    assert middle == pytest.approx(known(shown.estimate), rel=1e-9)


FIXED = "metrics: {primary: orders, secondary: [bought, stayed], guardrails: [{metric: revenue, tolerate: 10%}]}\n"


def test_a_plan_that_is_read_once_tells_nothing_before_but_alarms(tmp_path: Path) -> None:
    data = prepare(tmp_path, 60, FIXED + "analysis: {segments: [plan]}\n")
    nothing_told(tmp_path, data, "2026-02-10", alarms={("orders", False, True), ("revenue", False, True)})


def test_harm_raises_the_alarm_and_tells_no_number(tmp_path: Path) -> None:
    data = prepare(tmp_path, 61, FIXED, effect=-0.9, n=3000)
    nothing_told(tmp_path, data, "2026-02-20", alarms={("orders", True, True), ("revenue", True, True)})


def test_too_few_for_an_alarm(tmp_path: Path) -> None:
    data = prepare(tmp_path, 62, FIXED, effect=-0.9)
    nothing_told(tmp_path, data, "2026-01-17", alarms={("orders", False, False), ("revenue", False, False)})


def test_a_time_to_an_event_has_no_alarm(tmp_path: Path) -> None:
    data = prepare(tmp_path, 63, "metrics: {primary: stayed, secondary: [orders]}\n")
    nothing_told(tmp_path, data, "2026-02-10", alarms=set())


def nothing_told(folder: Path, data: Shop, day: str, *, alarms: set[tuple[str, bool, bool]]) -> None:
    """No level, effect or test of an outcome in the analysis, in results.json, in the report or in its files."""
    handle = trial(folder).analyze(day)
    found = handle.analysis
    assert found.plan.interim
    empty(found)
    assert {(each.metric, each.crossed, each.readable) for each in found.alarms} == alarms
    path = handle.write(folder / "out")
    texts = {
        each.name: each.read_text(encoding="utf-8") for each in path.parent.iterdir() if each.suffix in {".md", ".json"}
    }
    document = json.loads(texts["results.json"])
    for part in ("levels", "estimates", "curves", "decomposition", "money", "survival", "segments", "pays", "beliefs"):
        assert not document.get(part), part
    assert "e_value" not in texts["results.json"]
    for number in told_by(data, day):
        for name, text in texts.items():
            assert not re.search(rf"(?<![\d.]){re.escape(number)}", text), (name, number)


def empty(found: Analysis) -> None:
    parts = (found.levels, found.estimates, found.curves, found.decomposition, found.money, found.survival)
    assert parts == ((),) * 6
    assert (found.segments, found.interactions, found.pays, found.beliefs, found.lifetime) == ((),) * 5
    assert found.look is None


def told_by(data: Shop, day: str) -> set[str]:
    """What would give an effect away: means, shares and lifts of those whose windows have closed, to three digits."""
    closed = (data.units["t0"] + pd.Timedelta(days=WINDOW) <= pd.Timestamp(day)).to_numpy()
    found: set[str] = set()
    for values in (data.total("order", 0, WINDOW), data.total("amount", 0, WINDOW)):
        sides = [values[closed & (data.units["variant"] == key).to_numpy()] for key in ("letter", "control")]
        if min(map(len, sides)) < 20:
            continue
        means = [float(side.mean()) for side in sides]
        numbers = [*means, abs(means[0] - means[1]), abs(means[0] / means[1] - 1), abs(means[0] / means[1] - 1) * 100]
        found |= {f"{number:.6g}"[:6] for number in numbers}
    return {number for number in found if len(number) >= 5}
