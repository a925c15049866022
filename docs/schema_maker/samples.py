"""What each field may hold, by example, and what it means where its source carries no docstring."""

from __future__ import annotations

import datetime as dt
import types
from collections.abc import Mapping
from typing import Any, Literal, Union, get_args, get_origin

from holdfast.model.values import Duration, Effect, FactRef, MetricRef, Share, ShareRange

_TEXTS = (Duration, Share, ShareRange, Effect, FactRef, MetricRef)
_SUM = {"operation": "sum", "fact": "orders.revenue"}
_COUNT = {"operation": "count", "fact": "orders.order"}

EXAMPLES: Mapping[str, list[Any]] = {
    # project
    "project": ["kelp-and-co"],
    "timezone": ["Asia/Tokyo", "Europe/Berlin"],
    "currency": ["JPY", "EUR"],
    "connection": [{"backend": "duckdb", "database": "data/shop.duckdb"}],
    "database": ["data/shop.duckdb"],
    "assignment_store": [{"schema": "holdfast"}],
    "AssignmentStore.schema": ["holdfast"],
    "files": ["${env:HOLDFAST_DATA}", "data"],
    "url": ["${env:SHOP_DB}"],
    "master": ["local[4]", "yarn"],
    "remote": ["sc://spark.example.com:15002", "${env:SHOP_SPARK}"],
    "memory_limit": ["2GB"],
    "threads": [2],
    "options": [{"spark.sql.catalog.shop": "org.apache.iceberg.spark.SparkCatalog"}, {"sslmode": "require"}],
    "temp_directory": ["data/temporary"],
    "units": [{"customer": {"source": "customers", "exclude": {"is_test": True}}}],
    "channels": [{"email": {"consent": "email_opt_in", "sent": "messages.sent", "cap": "2 per 7d"}}],
    "consent": ["email_opt_in"],
    "sent": ["messages.sent"],
    "unsubscribe": ["messages.unsubscribe"],
    "cost_per_send": ["0.6 JPY"],
    "cap": ["2 per 7d", {"contacts": 2, "within": "7d"}],
    "MetricInfo.cap": [20000],
    "contacts": [2],
    "holdouts": [{"global-2026": {"share": "5%", "salt": "global-2026", "from": "2026-01-01", "until": "2026-12-31"}}],
    "share": ["5%"],
    "salt": ["winback-voucher-3f9a1c07"],
    "exclusion_groups": [{"lifecycle-offers": {"salt": "lifecycle-offers-1"}}],
    "purposes": [["service", "purchase_history"]],
    "privacy": [{"minimum_cell": 20}],
    "minimum_cell": [20],
    "health": [{"srm": {"block": 0.0005, "note": 0.01}}],
    "srm": [{"block": 0.0005, "note": 0.01}],
    "contamination": [{"block": "1%", "note": "0.1%"}],
    "pre_period": [{"block": 0.0005, "note": 0.01}],
    "SrmLimits.block": [0.0005],
    "SrmLimits.note": [0.01],
    "ContaminationLimits.block": ["1%"],
    "ContaminationLimits.note": ["0.1%"],
    "PrePeriodLimits.block": [0.0005],
    "PrePeriodLimits.note": [0.01],
    "defaults": [{"confidence": "95%", "power": "80%", "cuped": {"lookback": "28d"}}],
    "confidence": ["95%"],
    "power": ["80%"],
    "fdr": ["10%"],
    "cuped": [{"lookback": "28d"}, "off"],
    "bayesian": [{"prior_sd": "5%"}],
    "lookback": ["28d", "180d"],
    # sources
    "source": ["customers"],
    "exclude": [{"is_test": True}],
    "table": ["orders", "shop.orders"],
    "path": ["data/orders.parquet", "hillstrom/*.csv"],
    "sql": ["SELECT customer_id, ordered_at, amount FROM orders"],
    "format": [{"kind": "csv"}, {"kind": "text", "delimiter": "whitespace", "columns": {"customer": "string"}}],
    "TextColumn.format": ["%Y%m%d"],
    "ContentFields.format": ["article", "video"],
    "delimiter": [",", ";", "whitespace"],
    "columns": [{"customer": "string", "day": {"type": "date", "format": "%Y%m%d"}}],
    "title": ["Win-back voucher"],
    "TacticFields.title": ["10% voucher"],
    "TacticFields.description": ["An e-mail with a voucher of 10%, valid for 14 days."],
    "MetricFields.title": ["Bought again"],
    "SourceFields.title": ["Orders"],
    "SourceFields.description": ["One row an order, cancelled ones included."],
    "Property.of": ["spend_365d"],
    "Property.groups": [5],
    "Property.sql": ["SELECT customer_id AS unit, score AS value FROM scores_of_last_night"],
    "Property.title": ["days since the last order"],
    "Property.description": ["Days from the last order to the assignment."],
    "Experiment.description": ["Customers who have not ordered for two months get one e-mail."],
    "description": ["Share of customers with at least one order in the window."],
    "freshness": ["1d"],
    "missing": [[-999]],
    "keys": [{"customer": "customer_id"}],
    "known_from": ["signed_up_at"],
    "properties": [["country", "plan"]],
    "timestamp": ["ordered_at"],
    "facts": [{"order": None, "revenue": "amount", "margin": {"column": "margin", "scale": 2}}],
    "column": ["amount"],
    "scale": [2, 0],
    "already_net_of": [["discount"]],
    "SpanSource.start": ["started_at"],
    "SpanSource.end": ["cancelled_at"],
    "SpanSource.reason": [{"column": "cancel_reason", "maps_to_drivers": {"too_expensive": "price"}}],
    "maps_to_drivers": [{"too_expensive": "price", "payment_failed": "billing"}],
    "last": ["365d"],
    "Property.window": [{"last": "365d"}],
    "bands": [{"none": 0, "low": 1, "middle": 5000, "high": 20000}],
    # metrics
    "where": [{"channel": "app"}, {"is_returned": {"not": True}}],
    "window": ["90d", {"after": "56d", "for": "34d"}, {"after": "offer_end", "for": "30d"}],
    "Window.start": ["56d", "offer_end"],
    "length": ["34d", "6w"],
    "inactivity": ["60d"],
    "cancelled": ["subscriptions"],
    "ended": ["subscriptions"],
    "property": ["category"],
    "causes": [{"price": ["too_expensive", "found_cheaper"]}],
    "of": [_SUM],
    "q": ["50%"],
    "winsorize": ["99.9%"],
    "years": [3],
    "name": ["Opened"],
    "Slot.name": ["lifecycle-offers"],
    "steps": [[{"name": "Sent", "fact": "messages.sent"}, {"name": "Bought", "fact": "orders.order"}]],
    "numerator": [_SUM],
    "denominator": [_COUNT],
    "unit_of_measure": ["JPY", "orders"],
    "owner": ["growth@example.com"],
    "tags": [["winback", "q4"]],
    "deprecated": ["Use margin_per_customer."],
    # tactics
    "offer": [{"discount": "10%", "minimum_basket": "4000 JPY", "expires_after": "14d"}, {"free_shipping": True}],
    "discount": ["10%", "500 JPY"],
    "points": [500],
    "CurveSpec.points": [{1: "came_back", 7: "came_back_day_7"}],
    "gift": ["A sample box"],
    "unit_cost": ["120 JPY"],
    "cash_back": ["5%", "500 JPY"],
    "upgrade": ["Plus plan"],
    "match": ["2:1"],
    "minimum_basket": ["4000 JPY"],
    "expires_after": ["14d"],
    "churn_drivers": [["price", "low_engagement"]],
    "channel": ["email", ["email", "push"]],
    "Touch.channel": ["email"],
    "costs": [{"per_send": "0.6 JPY", "per_redemption": "orders.discount"}],
    "per_send": ["0.6 JPY"],
    "per_redemption": ["orders.discount", "500 JPY"],
    "per_contact": ["250 JPY"],
    "once": ["80000 JPY"],
    "touches": [[{"day": 0, "channel": "email"}, {"day": 3, "channel": "push", "stop_when": "ordered"}]],
    "day": [0, 3],
    "Touch.stop_when": ["ordered"],
    "uses": [["purchase_history"]],
    "media": ["experiments/winback-voucher/mail.png"],
    "payload": [{"code": "BACK10"}],
    "surface": ["mobile_app", "checkout"],
    "change": ["Three-step checklist in place of the tour"],
    "flag": ["onboarding-checklist"],
    "activation": ["tasks.completed"],
    "template": ["picks-v2"],
    "personalised_by": [["last_category"]],
    "fallback": ["bestsellers"],
    "subject": ["Something for you"],
    "fee": ["500 JPY"],
    "earn": ["One point for each 100 JPY"],
    "burn": ["Vouchers from 500 points"],
    "perks": [["free delivery", "early access"]],
    "partner": ["Harbour Coffee"],
    "reward_giver": [{"points": 500}],
    "reward_friend": [{"discount": "10%"}],
    "trigger": ["carts.abandoned", "tickets.opened"],
    "delay": ["4h"],
    "TriggeredFields.stop_when": ["orders.order"],
    "remedy": ["A call and a voucher"],
    "within": ["24h", "7d"],
    "days_before_renewal": [30],
    "cost_per_contact": ["250 JPY"],
    "recommender": ["also-bought"],
    "placement": ["cart"],
    "ChangeFields.kind": ["navigation"],
    "item": ["A hand-written card"],
    "before": ["14 days to return"],
    "after": ["60 days to return"],
    "theme": ["Recipes for the season"],
    "label": ["free repair"],
    "fields": [{"workshop": "own", "weeks": 2}],
    # experiments
    "extends": ["winback-incentive"],
    "hypothesis": ["A 10% voucher brings lapsed customers back and pays for itself in margin."],
    "variants": [
        {
            "control": {"weight": 50, "control": True, "tactic": "nothing"},
            "voucher_10": {"weight": 50, "tactic": "winback-voucher-10"},
        }
    ],
    "weight": [50],
    "tactic": ["winback-voucher-10", {"type": "incentive", "offer": {"discount": "10%"}, "channel": "email"}],
    "control": ["nothing", "same_as_today", {"tactic": "general-newsletter"}],
    "id": ["winback-voucher"],
    "version": [1],
    "unit_name": ["player", "donor"],
    "words": [{"en": {"retained": "Gave again", "buyers": "givers"}, "ja": {"unit": "寄付者", "counter": "人"}}],
    "en": [{"retained": "Gave again"}],
    "ja": [{"retained": "寄付継続率"}],
    "Words.unit": ["donor", "寄付者"],
    "Words.units": ["people"],
    "Words.counter": ["人"],
    "Words.retained": ["Gave again", "寄付継続率"],
    "Words.churned": ["Gave nothing", "寄付離脱率"],
    "Words.average_order_value": ["Average gift", "平均寄付額"],
    "Words.revenue_per_unit": ["given per donor", "寄付者1人あたりの寄付額"],
    "Words.share_who_bought": ["share who gave", "寄付した人の割合"],
    "Words.orders_per_buyer": ["gifts per giver", "寄付した人あたりの寄付回数"],
    "Words.buyers": ["givers", "寄付した人"],
    "audience": [{"days_since_last_order": "55..65", "country": ["JP", "KR"]}, {"segment": "lapsed"}],
    "assignment": [{"method": "hash", "unit": "customer", "salt": "winback-voucher-3f9a1c07"}],
    "unit": ["customer"],
    "data.unit": ["row", "customer_id"],
    "traffic": ["100%", "20%"],
    "Assignment.source": ["letters"],
    "variant": ["segment"],
    "labels": [{"No E-Mail": "control", "Mens E-Mail": "mens_email"}],
    "strata": [["spend_band"]],
    "on": [["spend_365d"]],
    "accept": ["10%"],
    "rerandomise": [{"on": ["spend_365d"], "accept": "10%"}],
    "cluster": ["household"],
    "exclusion_group": [{"name": "lifecycle-offers", "slot": "0%..50%"}],
    "slot": ["0%..50%"],
    "holdout": ["global-2026", ["global-2026", "global-2027"]],
    "rules": [{"control": {"treatment": 0}, "match_1_1": {"treatment": 1}}],
    "assigned_at": ["assigned_at"],
    "batch": ["send_date"],
    "enroll": [
        {"date": "2026-11-05"},
        {"from": "2026-10-01", "for": "6w", "each": "day"},
        {"from": "2026-10-01", "for": "4w", "at": "sessions.signup"},
    ],
    "each": ["day"],
    "at": ["sessions.signup"],
    "observed": [{"from": "2008-03-01", "to": "2008-03-15"}],
    "metrics": [{"primary": "margin_per_customer@90d", "secondary": ["retained", "average_order_value"]}],
    "primary": ["margin_per_customer@90d"],
    "secondary": [["retained", "repurchased@90d"], {"add": ["retained"], "remove": ["churned"]}],
    "guardrails": [[{"metric": "margin_after_offer", "tolerate": "10%"}]],
    "tolerate": ["10%", "0.3pt"],
    "descriptive": [["delivery_funnel"]],
    "trio": [{"retained": "bought_again", "churned": "lapsed"}],
    "curves": [[{"fact": "orders.order", "days": [7, 14, 30, 60, 90]}]],
    "days": [[7, 14, 30, 60, 90]],
    "define": [{"spend": {"operation": "column", "column": "spend", "desired_change": "increase"}}],
    "not_measured": ["The file holds no purchases."],
    "group_sequential": ["weekly"],
    "AlwaysValid.start": ["14d"],
    "expect": ["80 JPY", "1.5pt", "3%"],
    "analysis": [{"expect": "80 JPY", "segments": ["spend_band"]}],
    "looks": ["fixed", {"group_sequential": "weekly"}, {"always_valid": True, "from": "14d"}],
    "covariates": [["pre_spend"]],
    "segments": [["spend_band", "country"]],
    "comparisons": [[["mens_email", "womens_email"]]],
    "rollout": [{"customers": 42000, "every": "90d"}],
    "customers": [42000],
    "every": ["90d"],
    "decision": [{"policy": "clear_signals"}, {"ship_if": [{"metric": "retained", "reads": ["better"]}]}],
    "ship_if": [[{"metric": "retained", "reads": ["better"]}]],
    "reads": [["better", "safe"], "better"],
    "acknowledge": [[{"rule": "ratio-primary", "because": "Everybody who is assigned buys."}]],
    "rule": ["ratio-primary"],
    "because": ["Everybody who is assigned buys."],
    "population": ["assigned", {"exposed": "sessions.checkout"}],
    "data": [{"path": "hillstrom/*.csv", "unit": "row", "variant": "segment"}],
    "retained": ["bought_again"],
    "churned": ["lapsed", {"not_measured": "The file ends too early."}],
    "average_order_value": ["average_order_value@90d"],
    "message": ['unknown metric "retaned", did you mean "retained"?'],
    "line": [7],
    "Finding.column": [3],
    "Finding.path": ["experiments/winback-voucher/experiment.yaml"],
}
"""Examples by `Class.field`, or by the field's name alone."""

TEXTS: Mapping[str, str] = {
    "severity": "Errors stop; warnings do not, unless asked to.",
    "operation": "How one number per unit is obtained.",
    "type": "What kind of tactic it is; it fixes the fields below.",
    "grain": "What one row is: a unit, an event, or a period.",
    "Source.grain": "What one row is: a unit, an event, or a period with a start and an end.",
    "fact": "The fact that is counted or summed, written source.fact.",
    "column": "The column of the source.",
    "numerator": "What is summed above the line.",
    "denominator": "What is summed below the line.",
    "en": "The words of reports in English.",
    "ja": "The words of reports in Japanese.",
    "retained": "Which metric shows who stayed, or why none can.",
    "churned": "Which metric shows who was lost, or why none can.",
    "average_order_value": "Which metric shows the value of an order, or why none can.",
}
"""Meanings by `Class.field`, or by the field's name alone, of what has no docstring in the model."""


def examples_of(owner: type[Any] | None, field: str, hint: Any) -> list[Any]:
    """Examples of a field: its own, those of its type, or its name's."""
    own = next((EXAMPLES[key] for key in keys(owner, field)[:-1] if key in EXAMPLES), None)
    return own or of_words(hint) or EXAMPLES.get(field) or _of_text(hint)


def keys(owner: type[Any] | None, field: str) -> list[str]:
    """`Class.field` for a class and all that it is made from, and the field's name alone."""
    return [*(f"{base.__name__}.{field}" for base in (owner.__mro__ if owner else ())), field]


def _members(hint: Any) -> tuple[Any, ...]:
    union = get_origin(hint) in (Union, types.UnionType)
    return tuple(item for item in get_args(hint) if item is not type(None)) if union else (hint,)


def of_words(hint: Any) -> list[Any]:
    """Examples that a type gives by itself: words of a list, dates, yes and no."""
    first = _members(hint)[0]
    if len(_members(hint)) == 1 and get_origin(first) is Literal:
        return list(get_args(first))[:3]
    if first is bool and len(_members(hint)) == 1:
        return [True]
    return ["2026-10-01"] if first is dt.date else []


def _of_text(hint: Any) -> list[Any]:
    return [text for item in _members(hint) if item in _TEXTS for text in item.examples]


def fallback_text(owner: type[Any] | None, field: str) -> str:
    """The meaning of a field that has no docstring; empty when there is none either."""
    return next((TEXTS[key] for key in keys(owner, field) if key in TEXTS), "")
