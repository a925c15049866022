"""The files of a simulated shop: complete, plausible, always the same, never half written."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from holdfast.atomic import replacing
from holdfast.simulate import ShopSettings, Truth, simulate_shop

from .conftest import SETTINGS, WrittenShop

TIMES = {
    "customers": "signed_up_at",
    "orders": "ordered_at",
    "sessions": "started_at",
    "subscription_periods": "started_at",
    "messages": "occurred_at",
    "order_lines": "ordered_at",
    "carts": "created_at",
    "tickets": "opened_at",
    "surveys": "asked_at",
    "cancel_visits": "visited_at",
}
COLUMNS = {
    "customers": ["customer_id", "signed_up_at", "country", "channel", "email_opt_in", "is_test"],
    "orders": [
        *("order_id", "customer_id", "ordered_at", "amount", "discount_amount", "margin_amount"),
        *("category", "is_returned"),
    ],
    "sessions": ["session_id", "customer_id", "started_at", "surface", "is_signup", "task_completed"],
    "subscription_periods": ["customer_id", "started_at", "cancelled_at", "cancel_reason"],
    "messages": ["message_id", "customer_id", "event", "campaign", "occurred_at", "is_sent", "is_unsubscribe"],
    "order_lines": ["id", "customer_id", "ordered_at", "quantity"],
    "carts": ["id", "customer_id", "created_at", "is_checkout_started", "is_checked_out"],
    "tickets": [
        *("id", "customer_id", "opened_at", "topic", "hours_to_first_response"),
        *("is_resolved_at_first_contact", "handling_cost", "solved_at"),
    ],
    "surveys": [
        *("id", "customer_id", "asked_at", "is_nps", "is_nps_answered", "nps_score", "nps_points"),
        *("is_csat", "is_csat_answered", "is_csat_satisfied"),
    ],
    "cancel_visits": ["id", "customer_id", "visited_at"],
}
INSTANT = pa.timestamp("us", tz="UTC")


def read(shop: WrittenShop, name: str) -> Any:
    return pq.read_table(shop.folder / f"{name}.parquet")


def share(values: Any) -> float:
    """The mean of a column of booleans or numbers."""
    return float(pc.mean(pc.cast(values, pa.float64())).as_py())


@pytest.mark.parametrize("name", TIMES)
def test_columns_and_times(shop: WrittenShop, name: str) -> None:
    table = read(shop, name)
    assert table.column_names == COLUMNS[name]
    assert table.schema.field(TIMES[name]).type == INSTANT
    assert table.schema.field("customer_id").type == pa.string()
    assert table[TIMES[name]].null_count == 0
    midnight = datetime(2024, 9, 30, 15, tzinfo=UTC)
    assert pc.min(table[TIMES[name]]).as_py() >= midnight
    assert pc.max(table[TIMES[name]]).as_py() < midnight + timedelta(days=SETTINGS.days)


@pytest.mark.parametrize("name", TIMES)
def test_nothing_happens_before_sign_up(shop: WrittenShop, name: str) -> None:
    customers = read(shop, "customers")
    signed_up = dict(zip(customers["customer_id"].to_pylist(), customers["signed_up_at"].to_pylist(), strict=True))
    table = read(shop, name)
    facts = zip(table["customer_id"].to_pylist(), table[TIMES[name]].to_pylist(), strict=True)
    assert all(at >= signed_up[customer] for customer, at in facts)


def test_each_customer_signs_up_in_exactly_one_session(shop: WrittenShop) -> None:
    customers, sessions = read(shop, "customers"), read(shop, "sessions")
    first = sessions.filter(sessions["is_signup"]).sort_by("customer_id")
    assert first["customer_id"].to_pylist() == customers["customer_id"].to_pylist()
    assert first["started_at"].to_pylist() == customers["signed_up_at"].to_pylist()


@pytest.mark.parametrize(("name", "key"), [("customers", "customer_id"), ("orders", "order_id")])
def test_keys_are_unique(shop: WrittenShop, name: str, key: str) -> None:
    column = read(shop, name)[key]
    assert pc.count_distinct(column).as_py() == len(column)


def test_a_mail_is_sent_once_and_left_after_it_was_sent(shop: WrittenShop) -> None:
    messages = read(shop, "messages").to_pylist()
    sent = {row["message_id"]: row["occurred_at"] for row in messages if row["event"] == "sent"}
    left = [row for row in messages if row["event"] == "unsubscribe"]
    assert len(sent) + len(left) == len(messages)
    assert left
    assert all(row["occurred_at"] > sent[row["message_id"]] for row in left)
    assert len({row["customer_id"] for row in left}) == len(left)
    assert all(row["is_sent"] == (row["event"] == "sent") for row in messages)
    assert all(row["is_unsubscribe"] == (row["event"] == "unsubscribe") for row in messages)


def test_the_shop_looks_like_a_shop(shop: WrittenShop) -> None:
    customers, orders, periods = read(shop, "customers"), read(shop, "orders"), read(shop, "subscription_periods")
    gross = pc.add(orders["amount"], orders["discount_amount"])
    margin = pc.add(orders["margin_amount"], orders["discount_amount"])
    assert 5_400 < share(gross) < 6_600
    assert 0.30 < share(margin) / share(gross) < 0.35
    assert 0.03 < share(orders["is_returned"]) < 0.05
    assert 0.80 < share(customers["email_opt_in"]) < 0.88
    assert 0.0005 < share(customers["is_test"]) < 0.005
    assert 0.13 < len(periods) / len(customers) < 0.18
    assert set(periods["cancel_reason"].to_pylist()) == {"too_expensive", "payment_failed", "not_using", None}
    running = pc.is_null(periods["cancelled_at"])
    assert pc.all(pc.is_null(periods.filter(running)["cancel_reason"])).as_py()
    ended = periods.filter(pc.invert(running))
    assert pc.all(pc.greater(ended["cancelled_at"], ended["started_at"])).as_py()


def test_what_is_around_the_orders_fits_them(shop: WrittenShop) -> None:
    orders, carts, tickets, surveys = (read(shop, name) for name in ("orders", "carts", "tickets", "surveys"))
    bought = carts.filter(carts["is_checked_out"])
    assert len(bought) == len(orders) == len(read(shop, "order_lines"))
    assert pc.all(bought["is_checkout_started"]).as_py()
    assert 0.3 < len(bought) / len(carts) < 0.7
    assert 0.04 < len(tickets) / len(orders) < 0.10
    solved = tickets.filter(pc.is_valid(tickets["solved_at"]))
    assert pc.all(pc.greater_equal(solved["solved_at"], solved["opened_at"])).as_py()
    assert 0.5 < share(tickets["is_resolved_at_first_contact"]) < 0.7
    answered = surveys.filter(surveys["is_nps_answered"])
    assert 0 <= pc.min(answered["nps_score"]).as_py() <= pc.max(answered["nps_score"]).as_py() <= 10
    assert -100 < share(answered["nps_points"]) < 100
    assert pc.all(pc.is_null(surveys.filter(pc.invert(surveys["is_nps_answered"]))["nps_score"])).as_py()


def test_ids_do_not_follow_the_order_of_sign_up(shop: WrittenShop) -> None:
    times = read(shop, "customers")["signed_up_at"].to_pylist()
    rising = sum(before < after for before, after in pairwise(times))
    assert 0.45 < rising / len(times) < 0.55


def test_the_same_settings_make_the_same_shop(shop: WrittenShop, tmp_path: Path) -> None:
    simulate_shop(tmp_path, SETTINGS)
    assert (tmp_path / "truth.json").read_bytes() == (shop.folder / "truth.json").read_bytes()
    for name in TIMES:
        assert pq.read_table(tmp_path / f"{name}.parquet").equals(read(shop, name))


def test_another_seed_makes_another_shop(shop: WrittenShop, tmp_path: Path) -> None:
    truth = simulate_shop(tmp_path, ShopSettings(customers=300, seed=8))
    assert truth != simulate_shop(tmp_path, ShopSettings(customers=300, seed=9))


def test_only_whole_files_are_left(shop: WrittenShop) -> None:
    assert sorted(path.name for path in shop.folder.iterdir()) == sorted(
        ["truth.json", *(f"{name}.parquet" for name in TIMES)]
    )


def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "orders.parquet"
    path.write_text("old")
    with pytest.raises(OSError, match="full"), replacing(path) as temporary:
        assert temporary.parent.parent == tmp_path
        temporary.write_text("half")
        raise OSError("full")
    assert [file.name for file in tmp_path.iterdir()] == ["orders.parquet"]
    assert path.read_text() == "old"


def test_a_failed_rename_leaves_no_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "truth.json"
    with (
        patch.object(Path, "replace", side_effect=OSError("denied")),
        pytest.raises(OSError, match="denied"),
        replacing(path) as temporary,
    ):
        temporary.write_text("{}")
    assert list(tmp_path.iterdir()) == []


def test_truth_survives_its_file(shop: WrittenShop) -> None:
    text = (shop.folder / "truth.json").read_text()
    assert Truth.from_json(text) == shop.truth == shop.run.truth
    document = json.loads(text)
    assert text == json.dumps(document, indent=2, sort_keys=True) + "\n"
    assert set(document["experiments"]["winback-voucher"]) == {"enrolled", "by_variant", "metrics", "observed"}


def test_progress_is_told_to_the_end(shop: WrittenShop) -> None:
    stages = list(dict.fromkeys(stage for stage, _ in shop.progress))
    assert stages == ["customers", "simulate", "truth", "write"]
    for stage in stages:
        fractions = [fraction for name, fraction in shop.progress if name == stage]
        assert fractions == sorted(fractions)
        assert fractions[0] >= 0
        assert fractions[-1] == 1
    assert len(shop.progress) > 100


@pytest.mark.parametrize(
    "settings",
    [{"customers": 0}, {"seed": -1}, {"first_day": date(2025, 10, 2)}, {"last_day": date(2026, 2, 9)}],
)
def test_settings_without_complete_experiments_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="shop"):
        ShopSettings(**settings)


def test_the_smallest_shop_says_none_where_nothing_can_be_measured(tmp_path: Path) -> None:
    truth = simulate_shop(tmp_path, ShopSettings(customers=1))
    winback = truth.experiments["winback-voucher"]
    assert winback.enrolled == 0
    assert winback.metrics["retained"].control is None
    assert winback.metrics["retained"].lift is None
