"""Enrolment, observed metrics and true effects against queries that an analyst would write on the files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import numpy as np
import pytest

from holdfast.hashing import variant_of
from holdfast.simulate import ONBOARDING, PICKS, TRIALS, WINBACK, Trial
from holdfast.simulate.customers import draw_customers
from holdfast.simulate.experiments import CONTROL
from holdfast.simulate.runs import _enrolment, _live, _treated
from holdfast.simulate.shop import World
from holdfast.simulate.truth import per_customer

from .conftest import SETTINGS, WrittenShop

TABLES = ("customers", "orders", "sessions", "messages")
US = 1_000_000
DAY_US = 86_400 * US
LOCAL = f"(epoch_us({{}}) + {9 * 3600 * US})"
"""Microseconds on Tokyo's clock."""

ELIGIBLE = {
    WINBACK.slug: f"""
        with bought as (
            select customer_id, {LOCAL.format("ordered_at")} // {DAY_US} as day from orders
        ), batches as (
            select unnest(range(date '2025-10-01' - date '1970-01-01', date '2025-11-12' - date '1970-01-01')) as day
        ), lasts as (
            select customer_id, batches.day, max(bought.day) as last_day
            from bought join batches on bought.day < batches.day group by all
        )
        select customer_id, min(day) * {DAY_US} as t0
        from lasts join customers using (customer_id)
        where day - last_day between 55 and 65 and email_opt_in and not is_test group by all""",
    ONBOARDING.slug: f"""
        select customer_id, {LOCAL.format("started_at")} as t0
        from sessions join customers using (customer_id)
        where is_signup and not is_test
        and {LOCAL.format("started_at")} >= epoch_us(timestamp '2025-10-01')
        and {LOCAL.format("started_at")} < epoch_us(timestamp '2025-11-26')""",
    PICKS.slug: f"""
        select customer_id, epoch_us(timestamp '2025-11-05') as t0
        from orders join customers using (customer_id)
        where {LOCAL.format("ordered_at")} < epoch_us(timestamp '2025-11-05')
        and {LOCAL.format("ordered_at")} >= epoch_us(timestamp '2024-11-05') and email_opt_in and not is_test
        group by all having count(*) = 1""",
}

ORDERS, SESSIONS, MESSAGES = ("orders", "ordered_at"), ("sessions", "started_at"), ("messages", "occurred_at")
# experiment, metric, facts, clock, first day, end, number for each customer (or numerator and denominator)
METRICS = [
    (WINBACK, "margin_per_customer", ORDERS, "elapsed", 0, 90, "sum(margin_amount)"),
    (WINBACK, "margin_after_offer", ORDERS, "elapsed", 14, 90, "sum(margin_amount)"),
    (WINBACK, "retained", ORDERS, "calendar", 56, 90, "least(count(*), 1)"),
    (WINBACK, "churned", ORDERS, "calendar", 30, 90, None),
    (ONBOARDING, "retained", SESSIONS, "calendar", 28, 35, "least(count(*), 1)"),
    (ONBOARDING, "churned", SESSIONS, "calendar", 28, 56, None),
    (ONBOARDING, "activated", SESSIONS, "elapsed", 0, 7, "max(task_completed::int)"),
    (ONBOARDING, "revenue_per_customer", ORDERS, "elapsed", 0, 56, "sum(amount)"),
    (PICKS, "repurchased", ORDERS, "elapsed", 0, 60, "least(count(*), 1)"),
    (PICKS, "orders_per_customer", ORDERS, "elapsed", 0, 60, "count(*)"),
    (PICKS, "unsubscribed", MESSAGES, "elapsed", 0, 30, "max((event = 'unsubscribe')::int)"),
]


@pytest.fixture(scope="module")
def engine(shop: WrittenShop) -> Iterator[Any]:
    """The files as tables, and each experiment's enrolment recomputed from them as table "enrolled"."""
    connection = duckdb.connect()
    for table in TABLES:
        connection.execute(f"create view {table} as from '{shop.folder / table}.parquet'")
    parts = []
    for trial in TRIALS:
        digits = f"('0x' || substr(md5('{trial.salt}:variant:' || customer_id), 1, 13))::bigint"
        variant = f"case when {digits} < (1::bigint << 51) then 'control' else '{trial.treated}' end"
        parts.append(
            f"select '{trial.slug}' as slug, customer_id, t0, {variant} as variant from ({ELIGIBLE[trial.slug]})"
        )
    connection.execute("create table enrolled as " + " union all ".join(parts))
    yield connection
    connection.close()


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.slug)
def test_enrolment_can_be_recomputed_customer_by_customer(shop: WrittenShop, engine: Any, trial: Trial) -> None:
    rows = engine.execute("select customer_id, variant, t0 from enrolled where slug = ?", [trial.slug]).fetchall()
    recomputed = {customer: (variant, t0 - 9 * 3600 * US) for customer, variant, t0 in rows}
    assert recomputed == shop.run.assignments(trial.slug)
    known = shop.truth.experiments[trial.slug]
    assert known.enrolled == len(rows) > 500
    assert known.by_variant == {
        name: sum(variant == name for _, variant, _ in rows) for name in (CONTROL, trial.treated)
    }


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.slug)
def test_variants_are_those_of_the_hash(shop: WrittenShop, trial: Trial) -> None:
    assignments = shop.run.assignments(trial.slug)
    assert list(trial.weights) == [CONTROL, trial.treated]
    for customer, (variant, _) in assignments.items():
        assert variant == variant_of(trial.salt, customer, trial.weights)


@pytest.mark.parametrize(
    ("trial", "metric", "facts", "clock", "start", "end", "number"),
    METRICS,
    ids=[f"{row[0].slug}-{row[1]}" for row in METRICS],
)
def test_observed_metrics_can_be_recomputed(
    shop: WrittenShop,
    engine: Any,
    trial: Trial,
    metric: str,
    facts: tuple[str, str],
    clock: str,
    start: int,
    end: int,
    number: str | None,
) -> None:
    table, column = facts
    at = LOCAL.format(column)
    day = f"({at} - t0) // {DAY_US}" if clock == "elapsed" else f"{at} // {DAY_US} - t0 // {DAY_US}"
    value = "coalesce(value, 0)" if number else "(value is null)::int"
    query = f"""
        with happened as (
            select customer_id, {number or "1"} as value
            from (from enrolled where slug = '{trial.slug}') join {table} using (customer_id)
            where {at} >= t0 and {day} >= {start} and {day} < {end} group by customer_id
        )
        select variant, sum({value})::hugeint, count(*) from enrolled left join happened using (customer_id)
        where slug = '{trial.slug}' group by variant"""
    expected = {variant: float(f"{total / units:.12g}") for variant, total, units in engine.execute(query).fetchall()}
    assert shop.truth.experiments[trial.slug].observed[metric] == expected


@pytest.mark.parametrize(("trial", "end"), [(WINBACK, 90), (ONBOARDING, 56), (PICKS, 60)])
def test_the_observed_order_value_is_a_ratio_of_sums(shop: WrittenShop, engine: Any, trial: Trial, end: int) -> None:
    at = LOCAL.format("ordered_at")
    query = f"""
        select variant, sum(amount)::hugeint, count(*) from enrolled join orders using (customer_id)
        where slug = '{trial.slug}' and {at} >= t0 and {at} < t0 + {end * DAY_US} group by variant"""
    expected = {variant: float(f"{total / number:.12g}") for variant, total, number in engine.execute(query).fetchall()}
    assert shop.truth.experiments[trial.slug].observed["average_order_value"] == expected


@pytest.mark.parametrize("trial", [WINBACK, PICKS], ids=lambda trial: trial.slug)
def test_mails_go_to_those_whom_the_design_names(engine: Any, trial: Trial) -> None:
    campaign = {WINBACK.slug: "winback", PICKS.slug: "picks"}[trial.slug]
    query = """
        select variant, coalesce(number, 0), count(*) from (from enrolled where slug = ?)
        left join (
            select customer_id, (epoch_us(occurred_at) + 32400000000) // 86400000000 as day, count(*) as number
            from messages where event = 'sent' and campaign = ? group by all
        ) as mails using (customer_id)
        where day is null or day = t0 // 86400000000 group by all order by all"""
    counts = engine.execute(query, [trial.slug, campaign]).fetchall()
    assert [row[:2] for row in counts] == [(CONTROL, 0), (trial.treated, 1)]
    others = "select count(*) from messages where campaign = ? and event = 'sent'"
    assert engine.execute(others, [campaign]).fetchone()[0] == counts[1][2]


def test_the_snapshot_sends_one_mail_to_either_variant(engine: Any) -> None:
    query = """
        select variant, campaign, count(*) = count(distinct customer_id)
        from enrolled join messages using (customer_id)
        where slug = 'personal-picks-mail' and event = 'sent' and campaign <> 'winback'
        and (epoch_us(occurred_at) + 32400000000) // 86400000000 = t0 // 86400000000 group by all order by all"""
    assert engine.execute(query).fetchall() == [(CONTROL, "newsletter", True), ("picks", "picks", True)]


def test_vouchers_are_used_by_those_who_hold_one(engine: Any) -> None:
    """A tenth off, from the mail to the end of the 14th day, on baskets from the minimum: every one, and no other."""
    query = f"""
        select bool_and((discount_amount = (amount + discount_amount) * 10 // 100) = (
            amount + discount_amount >= 4000 and mail is not null
        )), count(mail)
        from orders left join (
            select customer_id, t0 + {7 * 3600 * US} as mail, t0 + 14 * {DAY_US} as expiry
            from enrolled where slug = 'winback-voucher' and variant = 'voucher_10'
        ) as vouchers on orders.customer_id = vouchers.customer_id
        and {LOCAL.format("ordered_at")} >= mail and {LOCAL.format("ordered_at")} < expiry"""
    right, number = engine.execute(query).fetchone()
    assert right
    assert number > 20


# experiment, metrics that the tactic raises, metrics that it lowers
DESIGNED = [
    (
        WINBACK,
        ("margin_per_customer", "retained", "orders_per_customer", "revenue_per_customer", "repurchased"),
        ("churned", "average_order_value"),
    ),
    (ONBOARDING, ("retained", "activated", "orders_per_customer", "revenue_per_customer"), ("churned",)),
    (PICKS, ("repurchased", "retained", "orders_per_customer", "margin_per_customer"), ("churned",)),
]


@pytest.mark.parametrize(("trial", "up", "down"), DESIGNED, ids=[row[0].slug for row in DESIGNED])
def test_true_effects_have_the_designed_signs(
    shop: WrittenShop, trial: Trial, up: tuple[str, ...], down: tuple[str, ...]
) -> None:
    metrics = shop.truth.experiments[trial.slug].metrics
    for key in (*up, *down):
        effect = metrics[key]
        assert effect.control is not None
        assert effect.treated is not None
        assert effect.difference is not None
        assert effect.lift is not None
        assert (effect.difference > 0) == (key in up), key
        assert effect.difference == pytest.approx(effect.treated - effect.control, rel=1e-9)
        assert effect.lift == pytest.approx(effect.difference / effect.control, rel=1e-9)


def test_what_happened_is_the_world_of_ones_own_variant() -> None:
    """Customers do not influence each other, so each lives as in the world where everybody has their variant."""
    customers = draw_customers(SETTINGS)
    treated = {trial.slug: _treated(trial, customers) for trial in TRIALS}
    actual = World(SETTINGS, customers, treated)
    others = _live(actual, lambda stage, fraction: None)
    events = actual.journal.events()
    for trial in TRIALS:
        enrolment = _enrolment(actual, trial, treated[trial.slug])
        worlds = [others[trial.slug].untreated.journal.events(), others[trial.slug].treated.journal.events()]
        for rule in trial.rules:
            happened = per_customer(events, enrolment, rule)
            untreated, given = (per_customer(world, enrolment, rule) for world in worlds)
            for part in range(2):
                assert np.array_equal(happened[part], np.where(enrolment.treated, given[part], untreated[part]))
