"""Short forms give the same values as the long ones."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from holdfast.config import desugar, load_catalogue, load_study
from holdfast.config.loader import load
from holdfast.config.marks import Mark, place
from holdfast.model.metric import Window
from holdfast.model.source import EventSource, Fact, TextColumn, UnitSource
from holdfast.model.values import Duration


def _metric(text: str) -> object:
    sheet = load(text.encode(), "file.yaml")
    tree = desugar.metric(sheet, sheet.tree, ())
    assert not sheet.findings
    return tree


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("window: 90d", {"window": {"length": "90d"}}),
        ("window: {after: 56d, for: 34d}", {"window": {"start": "56d", "length": "34d"}}),
        ("window: {after: 56d, until: 90d}", {"window": {"start": "56d", "length": "816h"}}),
        ("window: {until: 30d}", {"window": {"length": "720h"}}),
        ("operation: retention\nday: 7", {"operation": "retention", "window": {"start": "7d", "length": "1d"}}),
        ("window: [90d]", {"window": ["90d"]}),
        ("window: {after: x, until: 30d}", {"window": {"start": "x", "length": "30d"}}),
    ],
)
def test_windows(short: str, long: object) -> None:
    assert _metric(short) == long


def test_marks_stay_with_what_was_written() -> None:
    sheet = load(b"window:\n  after: 56d\n  until: 90d\n", "file.yaml")
    tree = desugar.metric(sheet, sheet.tree, ())
    assert place(tree, ("window", "start")) == Mark(2, 10)
    assert place(tree, ("window", "length")) == Mark(3, 10)
    assert sheet.tree["window"]["until"] == "90d"


def test_the_sample_project_in_long_form(project: Path) -> None:
    catalogue = load_catalogue(project)
    orders, purchases = catalogue.sources["orders"], catalogue.sources["purchases"]
    assert isinstance(orders, EventSource)
    assert orders.facts == {
        "order": Fact(),
        "revenue": Fact(column="amount"),
        "margin": Fact(column="margin", scale=2),
    }
    assert purchases.format is not None
    assert purchases.format.columns["customer"] == TextColumn(type="string")
    assert list(purchases.format.columns) == ["customer", "day", "spent"]
    assert catalogue.metrics["retained"].window == Window(start=Duration(56 * 24), length=Duration(34 * 24))
    assert catalogue.metrics["bought_on_day_7"].window == Window(start=Duration(7 * 24), length=Duration(24))


def test_enrolment_and_variants(project: Path) -> None:
    experiment = load_study(load_catalogue(project), "winback").experiment
    assert experiment.enroll is not None
    assert (experiment.enroll.start, experiment.enroll.length) == (dt.date(2026, 10, 1), Duration(42 * 24))
    assert experiment.control == "control"
    assert list(experiment.variants) == ["control", "voucher"]


def test_data_is_a_source_and_an_external_assignment(project: Path) -> None:
    study = load_study(load_catalogue(project), "receipts")
    assert study.sources["data"] == UnitSource(grain="unit", path="receipts.csv", row=True)
    assignment = study.experiment.assignment
    assert (assignment.method, assignment.source, assignment.variant) == ("external", "data", "group")
    assert assignment.labels == {"Plain": "plain", "Drawing": "drawing", "3": "poem"}
    assert study.experiment.observed is not None
    assert study.experiment.observed.until == dt.date(2026, 3, 15)
    assert "data" not in load_study(load_catalogue(project), "winback").sources


def test_data_with_a_key_and_rules(project: Path) -> None:
    file = project / "experiments/receipts/experiment.yaml"
    text = file.read_text(encoding="utf-8")
    old = text.splitlines()[2]
    new = (
        "data: {table: visits, unit: visitor_id, assigned_at: seen_at, rules: "
        "{plain: {picture: none}, drawing: {picture: [cat, dog]}, poem: {words: '>= 3'}}}"
    )
    file.write_text(text.replace(old, new), encoding="utf-8")
    study = load_study(load_catalogue(project), "receipts")
    assert study.sources["data"] == UnitSource(grain="unit", table="visits", keys={"unit": "visitor_id"})
    assert list(study.experiment.assignment.rules) == ["plain", "drawing", "poem"]
    assert study.experiment.assignment.assigned_at == "seen_at"
