"""From a study to a plan: which metrics, over which windows, from when to read, and against what."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from holdfast import planning
from holdfast.errors import NotYet
from holdfast.model.clock import midnight
from holdfast.model.metric import Ratio
from holdfast.model.plan import Plan, PlannedMetric, planned_end
from holdfast.model.study import Study
from holdfast.model.values import Effect
from tests.builders import outcomes, study

DAY = dt.timedelta(days=1)
START = dt.date(2026, 6, 1)

SOURCES: dict[str, Any] = {
    "orders": {
        "grain": "event",
        "path": "orders.csv",
        "keys": {"customer": "id"},
        "timestamp": "at",
        "facts": {"order": {}, "revenue": {"column": "amount"}},
    },
    "mails": {
        "grain": "event",
        "path": "mails.csv",
        "keys": {"customer": "id"},
        "timestamp": "at",
        "facts": {"complaint": {}},
        "freshness": "36h",
    },
    "contracts": {
        "grain": "span",
        "path": "contracts.csv",
        "keys": {"customer": "id"},
        "start": "from_day",
        "end": "to_day",
        "freshness": "3d",
    },
    "people": {"grain": "unit", "path": "people.csv", "keys": {"customer": "id"}},
}
ORDER = {"fact": "orders.order"}
METRICS: dict[str, Any] = {
    "retained": {
        "operation": "retention",
        "definition": "bracket",
        "desired_change": "increase",
        "window": {"start": "30d", "length": "30d"},
        **ORDER,
    },
    "churned": {
        "operation": "churn",
        "inactivity": "30d",
        "desired_change": "decrease",
        "window": {"length": "60d"},
        **ORDER,
    },
    "average_order_value": {
        "operation": "ratio",
        "numerator": {"operation": "sum", "fact": "orders.revenue"},
        "denominator": {"operation": "count", "fact": "orders.order"},
        "desired_change": "increase",
        "window": {"length": "60d"},
        "unit_of_measure": "USD",
    },
    "spend": {
        "operation": "sum",
        "fact": "orders.revenue",
        "desired_change": "increase",
        "window": {"length": "30d"},
        "unit_of_measure": "USD",
    },
    "orders_made": {"operation": "count", "desired_change": "increase", "window": {"length": "30d"}, **ORDER},
    "bought": {"operation": "conversion", "desired_change": "increase", "window": {"length": "14d"}, **ORDER},
    "complained": {
        "operation": "conversion",
        "fact": "mails.complaint",
        "desired_change": "decrease",
        "window": {"length": "28d"},
    },
    "cancelled": {
        "operation": "churn",
        "cancelled": "contracts",
        "desired_change": "decrease",
        "window": {"length": "90d"},
    },
    "complaints_per_order": {
        "operation": "ratio",
        "numerator": {"operation": "count", "fact": "mails.complaint"},
        "denominator": {"operation": "count", "fact": "orders.order"},
        "desired_change": "decrease",
        "window": {"length": "10d"},
    },
    "age": {"operation": "column", "column": "age", "source": "people", "desired_change": "none"},
    "long": {"operation": "conversion", "desired_change": "none", "window": {"length": "300d"}, **ORDER},
}
NOT_MEASURED = {"not_measured": "Not recorded."}
NO_TRIO = dict.fromkeys(("retained", "churned", "average_order_value"), NOT_MEASURED)
DAILY = {"start": "2026-06-01", "length": "14d", "each": "day"}
AT_FACT = {"start": "2026-06-01", "length": "14d", "at": "orders.order"}
SNAPSHOT = {"date": "2026-06-01"}


def trial(plan: dict[str, Any], *, enroll: dict[str, Any] | None = None, **changes: Any) -> Study:
    project = changes.pop("project", None)
    sources = changes.pop("sources", SOURCES)
    return study(
        Path("/nowhere"),
        sources=sources,
        metrics=METRICS,
        project=project,
        experiment={
            "assignment": {"method": "hash", "unit": "customer", "salt": "trial-1"},
            "enroll": enroll or SNAPSHOT,
            "metrics": {"trio": NO_TRIO, **plan},
            **changes,
        },
    )


def planned(plan: dict[str, Any], **changes: Any) -> Plan:
    return planning.plan(trial(plan, **changes), dt.date(2027, 1, 1))


def roles(plan: Plan) -> dict[str, str]:
    return {metric.key: metric.role for metric in plan.metrics}


@pytest.mark.parametrize(
    ("enroll", "end"), [(SNAPSHOT, START), (DAILY, START + 14 * DAY), (AT_FACT, START + 14 * DAY)], ids=str
)
def test_the_readout_is_the_end_of_enrolment_and_the_longest_window(enroll: dict[str, Any], end: dt.date) -> None:
    plan = planned({"primary": "bought", "secondary": ["spend"]}, enroll=enroll)
    assert (plan.enrolled_from, plan.enrolled_until) == (START, end)
    assert plan.readout == end + 30 * DAY
    assert plan.readout_metric == "spend"


@pytest.mark.parametrize(
    ("plan", "days", "metric"),
    [
        ({"primary": "bought"}, 14, "bought"),
        # A window counts to its end, not by its length.
        ({"primary": "bought", "secondary": ["retained"]}, 60, "retained"),
        ({"primary": "bought", "guardrails": [{"metric": "cancelled", "tolerate": "1pt"}]}, 93, "cancelled"),
        # The largest freshness counts, whichever metric has it, in whole days up: 36 hours are 2 days.
        ({"primary": "spend", "secondary": ["complained"]}, 32, "spend"),
        ({"primary": "complaints_per_order"}, 12, "complaints_per_order"),
        ({"primary": "bought@90d"}, 90, "bought@90d"),
        ({"primary": "bought", "secondary": ["bought@20d", "bought@4w"]}, 28, "bought@28d"),
        # What is only described waits for nobody.
        ({"primary": "bought", "descriptive": ["long", "cancelled", "age"]}, 14, "bought"),
        ({"primary": "bought", "curves": [{"fact": "orders.order", "days": [7, 45]}]}, 45, "curve_1_day_7"),
        ({"primary": "bought", "curves": [{"fact": "mails.complaint", "days": [7]}]}, 16, "bought"),
    ],
    ids=str,
)
def test_what_sets_the_readout(plan: dict[str, Any], days: int, metric: str) -> None:
    made = planned(plan)
    assert (made.readout, made.readout_metric) == (START + days * DAY, metric)


def test_the_trio_counts_as_secondary() -> None:
    made = planned({"primary": "bought", "trio": {}})
    assert made.readout == START + 60 * DAY
    assert roles(made) == {
        "bought": "primary",
        "retained": "secondary",
        "churned": "secondary",
        "average_order_value": "secondary",
    }


def test_columns_alone_have_no_readout_and_no_wait() -> None:
    made = planned({"primary": "age"})
    assert (made.readout, made.readout_metric, made.interim) == (None, None, False)


def test_freshness_moves_what_is_observed_back() -> None:
    made = planned({"primary": "bought", "secondary": ["complained", "complaints_per_order"]})
    assert made.cutoff == dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
    assert made.metric("bought").observed_until == made.cutoff
    for key in ("complained", "complaints_per_order"):
        assert made.metric(key).observed_until == made.cutoff - dt.timedelta(hours=36)
    assert made.metric("complaints_per_order").sources == ("mails", "orders")


def test_interim_until_the_readout() -> None:
    one = trial({"primary": "bought"})
    assert planning.plan(one, START + 13 * DAY).interim
    assert not planning.plan(one, START + 14 * DAY).interim
    assert not planning.plan(one, START + 999 * DAY).interim


def test_roles_go_to_the_most_important_and_each_metric_is_planned_once() -> None:
    made = planned(
        {
            "primary": "retained",
            "secondary": ["bought", "spend", "complained", "bought"],
            "guardrails": [{"metric": "complained", "tolerate": "0.5pt"}],
            "descriptive": ["bought", "age"],
            "trio": {"retained": "retained", "churned": "complained", "average_order_value": NOT_MEASURED},
        }
    )
    assert roles(made) == {
        "retained": "primary",
        "complained": "guardrail",
        "bought": "secondary",
        "spend": "secondary",
        "age": "descriptive",
    }
    assert made.primary.key == "retained"
    assert made.metric("complained").tolerate == Effect.parse("0.5pt")
    assert made.metric("bought").tolerate is None
    assert [made.metric(key).trio for key in ("retained", "complained", "bought")] == ["retained", "churned", None]


def test_the_trio_by_name_by_reference_and_not_at_all() -> None:
    made = planned({"primary": "bought", "trio": {"retained": "bought@60d", "churned": NOT_MEASURED}})
    assert {metric.trio: metric.key for metric in made.metrics if metric.trio} == {
        "retained": "bought@60d",
        "average_order_value": "average_order_value",
    }
    assert made.not_measured == {"churned": "Not recorded."}


def test_a_trio_metric_that_nobody_defined_says_so() -> None:
    one = outcomes({"a": {"desired_change": "increase"}}, {"primary": "a"})
    made = planning.plan(one, START)
    assert roles(made) == {"a": "primary"}
    assert dict(made.not_measured) == {
        "retained": "No metric named retained is defined for this experiment.",
        "churned": "No metric named churned is defined for this experiment.",
        "average_order_value": "No metric named average_order_value is defined for this experiment.",
    }


def test_a_shared_trio_metric_is_left_out_where_the_data_cannot_have_it() -> None:
    """A file of outcomes without a time of assignment: the project's own retention over orders means nothing there."""
    assignment = {"method": "external", "source": "people", "variant": "variant"}
    plan = {"primary": "age", "trio": {"churned": NOT_MEASURED}}
    body = {"assignment": assignment, "metrics": plan}
    made = planning.plan(study(Path("/nowhere"), sources=SOURCES, metrics=METRICS, experiment=body), START)
    assert roles(made) == {"age": "primary"}
    assert made.not_measured["retained"] == (
        "The metric retained needs dated facts of each unit, which these data do not hold."
    )
    timed = {**body, "assignment": {**assignment, "assigned_at": "at"}}
    made = planning.plan(study(Path("/nowhere"), sources=SOURCES, metrics=METRICS, experiment=timed), START)
    assert set(roles(made)) == {"age", "retained", "average_order_value"}


def test_another_window_is_another_metric() -> None:
    made = planned({"primary": "spend@60d", "secondary": ["spend", "spend@4w"]})
    windows = {metric.key: (metric.window.first_day, metric.window.end_day) for metric in made.metrics if metric.window}
    assert windows == {"spend@60d": (0, 60), "spend": (0, 30), "spend@28d": (0, 28)}


def test_clocks_families_and_units() -> None:
    keys = ["retained", "churned", "cancelled", "bought", "spend", "orders_made", "average_order_value", "age"]
    made = planned({"primary": keys[0], "secondary": keys[1:-1], "descriptive": ["age"]})

    def of(metric: PlannedMetric) -> tuple[str, str | None, str | None]:
        return metric.clock, metric.family, metric.unit

    assert {metric.key: of(metric) for metric in made.metrics} == {
        "retained": ("calendar", "proportion", None),
        "churned": ("calendar", "proportion", None),
        "cancelled": ("calendar", "proportion", None),
        "bought": ("elapsed", "proportion", None),
        "spend": ("elapsed", "mean", "USD"),
        "orders_made": ("elapsed", "mean", None),
        "average_order_value": ("elapsed", "ratio", "USD"),
        "age": ("elapsed", None, None),
    }
    assert isinstance(made.metric("average_order_value").metric, Ratio)


def test_a_clock_that_is_given_holds() -> None:
    one = study(
        Path("/nowhere"),
        sources=SOURCES,
        metrics={"retained": {**METRICS["retained"], "clock": "elapsed"}, "bought": METRICS["bought"]},
        experiment={
            "assignment": {"method": "hash", "unit": "customer", "salt": "trial-1"},
            "enroll": SNAPSHOT,
            "metrics": {"primary": "retained"},
        },
    )
    assert planning.plan(one, START).primary.clock == "elapsed"


@pytest.mark.parametrize(("kind", "family"), [("auto", None), ("mean", "mean"), ("proportion", "proportion")])
def test_only_the_data_can_tell_what_an_automatic_column_is(kind: str, family: str | None) -> None:
    one = outcomes({"a": {"desired_change": "increase", "kind": kind}}, {"primary": "a"})
    assert planning.plan(one, START).primary.family == family


def test_curves_become_one_retention_a_period() -> None:
    made = planned(
        {"primary": "bought", "curves": [{"title": "Active", "fact": "mails.complaint", "days": [7, 14, 30]}]}
    )
    (curve,) = made.curves
    assert curve.title == "Active"
    assert curve.points == ((0, 6, "curve_1_day_0"), (7, 13, "curve_1_day_7"), (14, 29, "curve_1_day_14"))
    for first, last, key in curve.points:
        point = made.metric(key)
        assert (point.role, point.family, point.clock, point.direction) == ("curve", "proportion", "calendar", "none")
        assert point.window is not None
        assert (point.window.first_day, point.window.end_day) == (first, last + 1)
        assert point.observed_until == made.cutoff - dt.timedelta(hours=36)


def test_two_curves_do_not_share_keys() -> None:
    spec = {"fact": "orders.order", "days": [7, 14]}
    made = planned({"primary": "bought", "curves": [spec, spec]})
    keys = [metric.key for metric in made.metrics]
    assert len(set(keys)) == len(keys) == 5
    assert [point[2] for curve in made.curves for point in curve.points] == keys[1:]


def test_points_of_a_finished_experiment_are_described() -> None:
    one = outcomes(
        {key: {"desired_change": "increase"} for key in ("main", "day_1", "day_7")},
        {"primary": "main", "curves": [{"points": {7: "day_7", 1: "day_1"}}]},
    )
    made = planning.plan(one, START)
    assert made.curves[0].points == ((1, 1, "day_1"), (7, 7, "day_7"))
    assert roles(made) == {"main": "primary", "day_7": "descriptive", "day_1": "descriptive"}


def test_every_variant_with_control_first_then_the_pairs_asked_for() -> None:
    one = outcomes(
        {"a": {"desired_change": "increase"}},
        {"primary": "a"},
        variants=("mail", "push", "voucher"),
        analysis={"comparisons": [["push", "mail"]]},
    )
    assert planning.plan(one, START).comparisons == (
        ("mail", "control"),
        ("push", "control"),
        ("voucher", "control"),
        ("push", "mail"),
    )


def test_control_need_not_come_first() -> None:
    variants = {
        "treated": {"weight": 1, "tactic": "same_as_today"},
        "usual": {"weight": 1, "tactic": "nothing", "is_control": True},
    }
    assert planned({"primary": "bought"}, variants=variants).comparisons == (("treated", "usual"),)


def test_confidence_from_the_project_and_from_the_experiment() -> None:
    made = planned({"primary": "bought"})
    assert (made.confidence, made.fdr) == (0.95, 0.1)
    project = {"defaults": {"confidence": "90%", "fdr": "5%"}}
    made = planned({"primary": "bought"}, project=project)
    assert (made.confidence, made.fdr) == (0.9, 0.05)
    made = planned({"primary": "bought"}, project=project, analysis={"confidence": "99%", "fdr": "20%"})
    assert (made.confidence, made.fdr) == (0.99, 0.2)


@pytest.mark.parametrize("enroll", [DAILY, AT_FACT], ids=["daily", "at fact"])
def test_nothing_before_anybody_is_enrolled(enroll: dict[str, Any]) -> None:
    one = trial({"primary": "bought"}, enroll=enroll)
    for early in (START, START - DAY):
        with pytest.raises(NotYet, match="trial: enrolment starts on 2026-06-01") as caught:
            planning.plan(one, early)
        assert caught.value.available_from == START
    assert planning.plan(one, START + DAY).interim


def test_a_snapshot_is_there_on_its_date() -> None:
    one = trial({"primary": "bought"})
    with pytest.raises(NotYet):
        planning.plan(one, START - DAY)
    assert planning.plan(one, START).interim


def test_default_as_of_is_the_readout_or_today() -> None:
    one = trial({"primary": "bought"})
    assert planning.default_as_of(one, START + 13 * DAY) == START + 13 * DAY
    assert planning.default_as_of(one, START + 14 * DAY) == START + 14 * DAY
    assert planning.default_as_of(one, START + 500 * DAY) == START + 14 * DAY
    curved = trial({"primary": "bought", "curves": [{"fact": "orders.order", "days": [7, 45]}]})
    assert planning.default_as_of(curved, START + 500 * DAY) == START + 45 * DAY


def test_default_as_of_of_a_finished_experiment() -> None:
    metrics, plan = {"a": {"desired_change": "increase"}}, {"primary": "a"}
    observed = outcomes(metrics, plan, observed={"until": "2026-06-01"})
    assert planning.default_as_of(observed, dt.date(2026, 9, 1)) == START
    assert planning.default_as_of(observed, dt.date(2026, 5, 1)) == dt.date(2026, 5, 1)
    assert planning.plan(observed, START).readout == START
    assert planning.plan(observed, START - DAY).interim
    assert not planning.plan(observed, START).interim
    open_ended = outcomes(metrics, plan)
    assert planning.default_as_of(open_ended, dt.date(2026, 9, 1)) == dt.date(2026, 9, 1)


def test_an_enrolment_without_dates_is_a_fault() -> None:
    with pytest.raises(ValueError, match="a date, or a start and a length"):
        planning.enrolment(trial({"primary": "bought"}, enroll={"each": "day"}))


def test_a_metric_without_a_window_has_no_end() -> None:
    made = planned({"primary": "bought", "descriptive": ["age"]})
    with pytest.raises(ValueError, match="age has no window"):
        planned_end(made.metric("age"))


@pytest.mark.parametrize(
    ("day", "zone", "instant"),
    [
        ("2026-06-01", "UTC", "2026-06-01T00:00+00:00"),
        ("2026-06-01", "Asia/Tokyo", "2026-05-31T15:00+00:00"),
        # The clocks change at 02:00, so midnight still has the old offset, and the day after the new one.
        ("2026-03-08", "America/New_York", "2026-03-08T05:00+00:00"),
        ("2026-03-09", "America/New_York", "2026-03-09T04:00+00:00"),
        ("2026-11-01", "America/New_York", "2026-11-01T04:00+00:00"),
        ("2026-11-02", "America/New_York", "2026-11-02T05:00+00:00"),
        # Midnight does not exist on this day in Beirut; the day begins one hour later, at the same instant.
        ("2026-03-29", "Asia/Beirut", "2026-03-28T22:00+00:00"),
    ],
)
def test_local_midnights(day: str, zone: str, instant: str) -> None:
    assert midnight(dt.date.fromisoformat(day), zone) == dt.datetime.fromisoformat(instant)


@pytest.mark.parametrize(("zone", "hour"), [("Asia/Tokyo", 15), ("America/New_York", 5)])
def test_the_cutoff_is_local_midnight(zone: str, hour: int) -> None:
    made = planned({"primary": "bought"}, timezone=zone)
    day = 31 if hour > 12 else 1
    assert made.cutoff.utctimetuple()[2:4] == (day, hour)
    assert made.cutoff.tzinfo is dt.UTC


def closes(made: Plan, metric: PlannedMetric, assigned: dt.datetime) -> dt.datetime:
    """When the window of a unit assigned at an instant closes, by the words of the guide."""
    assert metric.window is not None
    if metric.clock == "elapsed":
        return assigned + metric.window.end_day * DAY
    local = assigned.astimezone(ZoneInfo(made.study.timezone)).date()
    return midnight(local + metric.window.end_day * DAY, made.study.timezone)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York", "Europe/London", "Australia/Lord_Howe"])
@pytest.mark.parametrize("start", ["2026-01-20", "2026-02-10", "2026-03-01", "2026-03-08", "2026-09-20", "2026-10-15"])
@pytest.mark.parametrize("kind", ["snapshot", "daily", "at fact"])
@pytest.mark.parametrize(
    ("keys", "days"), [("spend", 30), ("churned", 60), ("churned@30d spend", 30), ("complained", 30)]
)
def test_at_the_readout_every_unit_is_mature(zone: str, start: str, kind: str, keys: str, days: int) -> None:
    """Also where an hour was lost to daylight saving on the way."""
    enroll = {
        "snapshot": {"date": start},
        "daily": {"start": start, "length": "7d", "each": "day"},
        "at fact": {"start": start, "length": "7d", "at": "orders.order"},
    }[kind]
    primary, *secondary = keys.split()
    one = trial({"primary": primary, "secondary": secondary}, enroll=enroll, timezone=zone)
    readout = planning.plan(one, dt.date(2028, 1, 1)).readout
    assert readout is not None
    made = planning.plan(one, readout)
    assert not made.interim
    assert made.enrolled_until is not None
    end = midnight(made.enrolled_until, zone)
    last = {
        "snapshot": end,
        "daily": midnight(made.enrolled_until - DAY, zone),
        "at fact": end - dt.timedelta(microseconds=1),
    }[kind]
    for metric in made.metrics:
        assert closes(made, metric, last) <= metric.observed_until, metric.key
    # A lost hour costs one day at the most.
    nominal = made.enrolled_until + days * DAY
    assert nominal <= readout <= nominal + DAY
    if zone in {"UTC", "Asia/Tokyo"}:
        assert readout == nominal


def test_the_hour_that_spring_takes_away() -> None:
    """Thirty days of 24 hours from 00:00 on 1 March end at 01:00 on 31 March in New York."""
    one = trial({"primary": "spend"}, enroll={"date": "2026-03-01"}, timezone="America/New_York")
    assert planning.plan(one, dt.date(2026, 6, 1)).readout == dt.date(2026, 4, 1)
    assert planning.plan(one, dt.date(2026, 3, 31)).interim
    calendar = trial({"primary": "churned"}, enroll={"date": "2026-03-01"}, timezone="America/New_York")
    assert planning.plan(calendar, dt.date(2026, 6, 1)).readout == dt.date(2026, 4, 30)
    autumn = trial({"primary": "spend"}, enroll={"date": "2026-10-15"}, timezone="America/New_York")
    assert planning.plan(autumn, dt.date(2027, 6, 1)).readout == dt.date(2026, 11, 14)
