"""The catalogue that ships: everything that growth teams ask for, each with its meaning and what to beware of."""

from __future__ import annotations

from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from holdfast import config
from holdfast.config.rules.metrics import family_of
from holdfast.model.metric import TRIO, Funnel, Ratio
from holdfast.model.tactic import Tactic
from holdfast.starter import BUSINESSES

METRICS = {
    *("retained", "churned", "average_order_value"),
    *("retained_day_7", "retained_day_30", "retained_week_5", "retained_rolling_30", "inactive_28d", "cancelled"),
    *("repurchased", "second_order", "orders_per_customer", "orders_per_buyer", "items_per_order"),
    *("revenue_per_customer", "margin_per_customer", "margin_after_offer", "clv"),
    *("net_revenue_retention", "gross_revenue_retention", "converted", "redeemed", "return_rate"),
    *("activated", "sessions_per_customer", "active_days", "cart_abandonment", "checkout_completed"),
    *("unsubscribed", "complained", "support_contacts", "first_response_time", "first_contact_resolution"),
    *("self_service_rate", "cost_per_contact", "nps", "nps_response_rate", "csat", "csat_response_rate"),
    *("referred", "reviewed", "customer_acquisition_cost", "cost_per_impression"),
}
SEGMENTS = {
    *("high_value", "slipping", "lapsed", "new_30d", "at_renewal", "unresolved_ticket", "detractor", "not_onboarded"),
}
TEMPLATES = {
    *("winback-incentive", "loyalty", "onboarding-change", "personalised-email", "cart-reminder", "renewal-outreach"),
    *("service-recovery", "price-or-policy", "product-change", "finished-experiment"),
}
WAYS = {"increase": "Up is better", "decrease": "Down is better", "none": "Neither way is better"}
MONEY = {"revenue_per_customer", "margin_per_customer", "margin_after_offer", "clv"}


@pytest.mark.parametrize("business", BUSINESSES)
def test_everything_is_there(projects: dict[str, Path], business: str) -> None:
    catalogue = config.load_catalogue(projects[business])
    assert set(catalogue.metrics) >= METRICS
    assert set(catalogue.segments) >= SEGMENTS
    assert set(catalogue.templates) == TEMPLATES
    types = {get_args(get_type_hints(member)["type"])[0] for member in get_args(get_args(Tactic)[0])}
    assert {tactic.type for tactic in catalogue.tactics.values()} == types


@pytest.mark.parametrize("business", BUSINESSES)
def test_each_metric_says_what_it_is_and_what_to_beware_of(projects: dict[str, Path], business: str) -> None:
    for name, metric in config.load_catalogue(projects[business]).metrics.items():
        assert metric.title, name
        for part in ("Formula: " if not isinstance(metric, Funnel) else "How far", "Beware: "):
            assert part in metric.description, name
        assert WAYS[metric.desired_change] in metric.description, name
        assert metric.tags, name
        assert metric.window, name


def test_money_is_capped_and_ratios_are_not(projects: dict[str, Path]) -> None:
    metrics = config.load_catalogue(projects["shop"]).metrics
    for name in MONEY:
        assert str(getattr(metrics[name], "winsorize", None)) == "99.9%"
        assert metrics[name].unit_of_measure == "JPY"
    assert not any(getattr(metric, "winsorize", None) for metric in metrics.values() if isinstance(metric, Ratio))


def test_each_tactic_says_where_and_against_what_it_works(projects: dict[str, Path]) -> None:
    for name, tactic in config.load_catalogue(projects["shop"]).tactics.items():
        assert tactic.title, name
        assert tactic.description, name
        assert tactic.stage, name
        assert tactic.channel, name
        assert tactic.churn_drivers or name == "general-newsletter", name


def test_no_template_lets_a_ratio_or_a_click_decide(projects: dict[str, Path]) -> None:
    catalogue = config.load_catalogue(projects["shop"])
    for name, template in catalogue.templates.items():
        layer = template.layer
        plan = layer["metrics"]
        assert template.title, name
        assert template.description, name
        assert set(plan["trio"]) == set(TRIO), name
        if name == "finished-experiment":
            assert "primary" not in plan
            continue
        primary = catalogue.metrics[plan["primary"].partition("@")[0]]
        assert family_of(primary) != "ratio", name
        assert primary.behaviour is None, name
        assert plan["secondary"], name
        assert plan["curves"], name
        assert layer["analysis"]["looks"] == "fixed", name
        assert layer["decision"]["policy"] in {"clear_signals", "do_no_harm"}, name
        assert layer["tactic"]["type"], name


def test_businesses_share_everything_but_what_staying_means(projects: dict[str, Path]) -> None:
    shop, *others = (config.load_catalogue(projects[business]) for business in BUSINESSES)
    for other in others:
        assert other.tactics == shop.tactics
        assert set(other.metrics) == set(shop.metrics)
        different = {name for name in shop.metrics if other.metrics[name] != shop.metrics[name]}
        assert different <= {"retained", "churned"}
        assert "churned" in different
