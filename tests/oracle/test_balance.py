"""What the variants were like before, from the engine, against pandas and statsmodels over the same rows."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from statsmodels.multivariate.manova import MANOVA

from holdfast import health, planning, warehouse
from holdfast.model.plan import Plan
from holdfast.model.predicate import Condition
from holdfast.model.reading import Balance
from holdfast.model.result import Check
from tests.builders import study as build

DAYS = [dt.datetime(2026, 3, 1, tzinfo=dt.UTC), dt.datetime(2026, 3, 2, tzinfo=dt.UTC)]
N = 4_000


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, pd.DataFrame]:
    """4,000 customers assigned 60:40 on two days, with orders before and after; and what is known of each."""
    folder = tmp_path_factory.mktemp("balance")
    rng = np.random.default_rng(17)
    people = pd.DataFrame({"id": [f"c{i}" for i in range(N)]})
    people["country"] = rng.choice(
        np.array(["JP", "US", None, "FR", "IS"], dtype=object), N, p=[0.5, 0.3, 0.1, 0.098, 0.002]
    )
    people["age"] = pd.Series(rng.integers(18, 80, N)).astype("Int64").mask(pd.Series(rng.random(N) < 0.15))
    people["vip"] = rng.random(N) < 0.2
    people["email"] = [f"{i}@example.com" for i in range(N)]
    people["born"] = dt.date(1990, 1, 1)
    people["plan"] = "free"
    people["score"] = rng.lognormal(0, 2, N)
    people.loc[:3, "score"] = [math.inf, math.nan, -math.inf, 1e300]
    people["variant"] = rng.choice(["control", "treated"], N, p=[0.6, 0.4])
    people["t0"] = np.array([day.replace(tzinfo=None) for day in DAYS], dtype="datetime64[us]")[rng.integers(0, 2, N)]
    buyers = rng.integers(0, N // 2, 6_000)
    orders = pd.DataFrame({"id": people.id.to_numpy()[buyers], "amount": rng.integers(100, 90_000, 6_000) / 100})
    orders["at"] = np.datetime64("2026-03-02T12:00:00", "us") - rng.integers(0, 5_000_000_000_000, 6_000).astype(
        "m8[us]"
    )
    con = duckdb.connect()
    known = people.drop(columns=["variant", "t0"])
    assigned = people[["id", "variant", "t0"]].rename(columns={"id": "unit", "t0": "assigned_at"})
    for name, frame in {"people": known, "orders": orders, "assigned": assigned}.items():
        con.register("frame", frame)
        con.execute(f"COPY frame TO '{folder / name}.parquet' (FORMAT parquet)")
    past = orders.merge(people[["id", "t0"]], on="id")
    spent = past[past["at"] < past.t0].groupby("id").amount.sum()
    people["spend"] = people.id.map(spent).fillna(0.0)
    return folder, people


def plan_of(folder: Path, **experiment: Any) -> Plan:
    made = build(
        folder,
        project={"units": {"customer": {"source": "people"}}},
        sources={
            "people": {
                "grain": "unit",
                "path": "people.parquet",
                "keys": {"customer": "id"},
                "properties": ["id", "country", "age", "vip", "email", "born", "plan", "score"],
            },
            "orders": {
                "grain": "event",
                "path": "orders.parquet",
                "keys": {"customer": "id"},
                "timestamp": "at",
                "facts": {"order": {}, "revenue": {"column": "amount"}},
            },
        },
        properties={
            "spend": {"operation": "sum", "fact": "orders.revenue", "title": "Spend so far"},
            "orders_ever": {"operation": "count", "fact": "orders.order"},
        },
        metrics={
            "bought": {
                "operation": "conversion",
                "fact": "orders.order",
                "window": {"length": "5d"},
                "desired_change": "increase",
            }
        },
        experiment={
            "assignment": {"method": "hash", "unit": "customer", "salt": "trial-1"},
            "enroll": {"start": "2026-03-01", "length": "2d", "each": "day"},
            "audience": {"spend": ">= 0"},
            "metrics": {"primary": "bought"},
            "variants": {
                "control": {"weight": 6, "is_control": True, "tactic": "nothing"},
                "treated": {"weight": 4, "tactic": "nothing"},
            },
            **experiment,
        },
    )
    return planning.plan(made, dt.date(2026, 3, 12))


def read(folder: Path, plan: Plan, name: str = "assigned") -> tuple[Balance, dict[str, Check]]:
    with warehouse.connect(plan.study.project.connection, folder, folder) as engine:
        reading = warehouse.read(engine, plan, engine.parquet([folder / f"{name}.parquet"]))
    assert reading.balance is not None
    return reading.balance, {check.id: check for check in health.run(plan, reading)}


def columns(people: pd.DataFrame) -> pd.DataFrame:
    """The columns that are compared: logarithms, missing ones at the mean, and all cells but the largest."""
    log = people.age.astype("float").map(math.log1p)
    score = people.score.where(people.score.abs() <= 1e8)
    return pd.DataFrame(
        {
            "spend": np.log1p(people.spend),
            "us": (people.country == "US").astype(float),
            "none": people.country.isna().astype(float),
            # Iceland has too few to stand alone, and the two smallest cells are one.
            "other": people.country.isin(["FR", "IS"]).astype(float),
            "age": log.fillna(log.mean()),
            "no_age": people.age.isna().astype(float),
            "vip": people.vip.astype(float),
            "score": score.map(math.log1p).fillna(score.map(math.log1p).mean()),
            "variant": people.variant,
        }
    )


def test_moments_and_test_are_those_of_the_rows(shop: tuple[Path, pd.DataFrame]) -> None:
    """pandas for the moments, statsmodels MANOVA (Hotelling-Lawley) for the test; logarithms keep four digits."""
    folder, people = shop
    balance, checks = read(folder, plan_of(folder))
    assert {item.name: item.kind for item in balance.properties} == {
        "spend": "number", "country": "category", "age": "number", "vip": "category", "score": "number",
    }  # fmt: skip
    assert balance.left_out == {"email": "many_values", "born": "date", "plan": "hardly_varies"}
    frame = columns(people)
    names = list(frame.columns[:-1])
    tested = MANOVA.from_formula(f"{' + '.join(names)} ~ C(variant)", frame).mv_test(skip_intercept_test=True)
    row = tested.results["C(variant)"]["stat"].loc["Hotelling-Lawley trace"]
    assert checks["balance"].value == pytest.approx(float(row["Pr > F"]), rel=1e-3)
    assert checks["balance"].details["columns"] == len(names)
    assert checks["balance"].details["left_out_many_values"] == "email"
    for variant, group in frame.groupby("variant"):
        moments = balance.vectors[str(variant)]
        assert moments.n == len(group)
        spread = group[names].cov().to_numpy()
        assert np.allclose(np.array(moments.covariance), spread, rtol=2e-4, atol=2e-4)


def test_numbers_are_shown_as_they_are(shop: tuple[Path, pd.DataFrame]) -> None:
    """Means and variances of the numbers themselves, of those who have one; what is no plausible number is missing."""
    folder, people = shop
    plan = plan_of(folder)
    balance, _ = read(folder, plan)
    score = people.score.where(people.score.abs() <= 1e8)
    rows = {row.property: row for row in health.balance_rows(plan.study, balance)}
    for name, values in {"age": people.age.astype("float"), "spend": people.spend, "score": score}.items():
        by_variant = {variant: values[people.variant == variant].dropna() for variant in ("control", "treated")}
        for variant, part in by_variant.items():
            moments = balance.numbers[name, variant]
            assert moments.n == len(part)
            assert moments.mean[0] == pytest.approx(part.mean(), rel=1e-6)
            assert moments.covariance[0][0] == pytest.approx(part.var(), rel=1e-5)
        gap = by_variant["treated"].mean() - by_variant["control"].mean()
        spread = math.sqrt((by_variant["treated"].var() + by_variant["control"].var()) / 2)
        assert rows[name].difference == pytest.approx(gap / spread, rel=1e-4)
    assert rows["spend"].title == "Spend so far"


def test_what_happened_after_the_assignment_plays_no_part(shop: tuple[Path, pd.DataFrame]) -> None:
    """Spend is that before each customer's own day: all orders together give another number."""
    folder, people = shop
    balance, _ = read(folder, plan_of(folder))
    everything = duckdb.sql(f"SELECT sum(amount) FROM '{folder}/orders.parquet'").fetchall()[0][0]
    before = sum(balance.numbers["spend", v].mean[0] * balance.numbers["spend", v].n for v in ("control", "treated"))
    assert before == pytest.approx(people.spend.sum(), rel=1e-9)
    assert before < 0.999 * everything


def test_a_variant_by_country_is_found(shop: tuple[Path, pd.DataFrame]) -> None:
    """Half of the French in control were moved: segment and property are named, and there is no verdict."""
    folder, people = shop
    moved = people.assign(variant=people.variant.mask((people.country == "FR") & (people.index % 2 == 0), "treated"))
    con = duckdb.connect()
    con.register("frame", moved[["id", "variant", "t0"]].rename(columns={"id": "unit", "t0": "assigned_at"}))
    con.execute(f"COPY frame TO '{folder / 'moved'}.parquet' (FORMAT parquet)")
    _, checks = read(folder, plan_of(folder, analysis={"segments": ["country"]}), "moved")
    assert checks["segment_split"].status == "note"
    assert checks["segment_split"].details["segment"] == "country"
    assert (checks["balance"].status, checks["balance"].details["property"]) == ("block", "country")
    # Not one id, category or address is in what leaves the engine.
    text = str(checks)
    assert not any(word in text for word in ("@example", "'FR'", "IS'", "c17"))


def test_named_segments_are_properties_too(shop: tuple[Path, pd.DataFrame]) -> None:
    folder, people = shop
    plan = plan_of(folder, analysis={"segments": ["big"]})
    conditions = {"spend": Condition.parse(">= 100"), "country": Condition.parse("JP")}
    plan = replace(plan, study=replace(plan.study, segments={"big": conditions}))
    balance, checks = read(folder, plan)
    (item,) = (item for item in balance.properties if item.name == "big")
    inside = (people.spend >= 100) & (people.country == "JP")
    for variant, share in inside.groupby(people.variant).mean().items():
        assert balance.vectors[str(variant)].mean[item.columns[0]] == pytest.approx(share, rel=1e-12)
    assert checks["segment_split"].status == "ok"


def test_never_more_columns_than_twenty(tmp_path: Path) -> None:
    """The first properties win; the ones beyond are named."""
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({f"x{i}": rng.normal(size=500) for i in range(35)})
    frame["variant"] = rng.choice(["a", "b"], 500)
    duckdb.connect().register("frame", frame).execute(f"COPY frame TO '{tmp_path / 'x.parquet'}' (FORMAT parquet)")
    plan = plan_of(tmp_path)
    with warehouse.connect(plan.study.project.connection, tmp_path, tmp_path) as engine:
        relation = engine.parquet([tmp_path / "x.parquet"])
        found = warehouse.balance(engine, relation, {f"x{i}": f"x{i}" for i in range(35)})
        again = warehouse.balance(engine, relation, {"x3": "x3"})
        purposes = [statement.purpose for statement in engine.statements]
    assert [item.name for item in found.properties] == [f"x{i}" for i in range(20)]
    assert found.left_out == {f"x{i}": "too_many" for i in range(20, 35)}
    assert [item.name for item in again.properties] == ["x3"]
    assert again.numbers["x3", "a"] == found.numbers["x3", "a"]
    # The relation itself is read once each time.
    assert sum("known of each unit" in purpose for purpose in purposes) == 2


def test_of_an_audience_only_the_first_derived_property_is_read_again(shop: tuple[Path, pd.DataFrame]) -> None:
    """Each takes a scan of facts. Columns of the units cost nothing more, and covariates are asked for."""
    folder, _ = shop
    audience = {"country": "JP", "spend": ">= 0", "orders_ever": ">= 0"}
    plan = plan_of(folder, audience=audience)
    balance, _ = read(folder, plan)
    assert balance.left_out["orders_ever"] == "audience_only"
    assert "spend" in {item.name for item in balance.properties}
    balance, _ = read(folder, plan_of(folder, audience=audience, analysis={"covariates": ["orders_ever"]}))
    assert {"spend", "orders_ever"} <= {item.name for item in balance.properties}
