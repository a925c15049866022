"""Complaints about shape: in the author's words, at the author's places, all at once."""

from __future__ import annotations

import re

import pytest

from holdfast.config import desugar
from holdfast.config.loader import load
from holdfast.config.shape import check
from holdfast.model.experiment import Experiment
from holdfast.model.metric import Metric
from holdfast.model.source import Source
from holdfast.model.tactic import Tactic

JARGON = re.compile(r"type=|pydantic|dataclass|Input|Value error|NoneType|Mapping|function-plain|\bdict\b|\bint\b")

EVERYTHING_WRONG = b"""
owner: 1
variants:
  a: {weight: '3', tactic: 3, foo: 1, control: yes}
  b: []
assignment: {method: hsh}
metrics:
  primary: a@
  define:
    m: {operation: colum}
    n: {operation: column, column: x, window: 90, complement: yes}
    o: {}
    p: 3
    r:
      {operation: ratio, desired_change: none, numerator: {operation: cout},
       denominator: {operation: count, fact: a, x: 1}}
  guardrails: [{tolerate: 3}, 7]
  curves: [{points: {a: b, 7: 4}, days: 3}]
  trio: {x: a, retained: {a: 1}, churned: {not_measured: 3}}
enroll: {date: 2026-13-01, from: 20080301, for: [1]}
audience: {a: }
version: 1.5
observed: {from: 2026-01-01T00:00:00}
analysis:
currency: true
extend: x
hypothesis: {a: b}
"""


def _complaints(kind: object, text: str) -> list[str]:
    sheet = load(text.encode(), "f")
    tree = desugar.tactic(sheet, sheet.tree) if kind is Tactic else desugar.metric(sheet, sheet.tree, ())
    assert check(kind, tree, sheet) is None or sheet.findings
    return [f"{item.line}:{item.column} {item.rule}: {item.message}" for item in sorted(sheet.findings)]


def test_everything_is_reported_at_once_and_without_jargon() -> None:
    sheet = load(EVERYTHING_WRONG, "f")
    sheet.tree, _ = desugar.experiment(sheet, sheet.tree)
    assert check(Experiment, sheet.tree, sheet) is None
    assert len(sheet.findings) == 37
    for finding in sheet.findings:
        assert not JARGON.search(finding.message), finding.message
        assert finding.line > 1


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        (
            Source,
            "grain: evnt",
            ['1:8 invalid-value: "evnt" is not a grain, did you mean "event"? (known: event, span, unit)'],
        ),
        (Source, "table: x", ["1:1 missing-field: `grain` is missing; it is one of event, span, unit"]),
        (
            Source,
            "grain: span\nkeys: {customer: id}\nstart: a",
            ["1:1 missing-field: `end` is missing; add a line such as `end: cancelled_at`"],
        ),
        (
            Tactic,
            "type: incentiv\noffer: {}",
            [
                '1:7 invalid-value: "incentiv" is not a type, did you mean "incentive"? (known: assistant, '
                "cart_reminder, checkout_change, community, content, cross_sell, custom, education, exit_offer, "
                "feedback_request, incentive, loyalty_programme, ...)"
            ],
        ),
        (
            Tactic,
            "type: product_change\nsurface: till\nchange: x\nchannel: mail",
            [
                '4:10 invalid-value: "mail" is not a channel, did you mean "email"? (known: chat, email, in_app, '
                "in_store, line, none, phone, post, push, rcs, sms, social, ...)"
            ],
        ),
        (
            Metric,
            "operation: conversion\nfact: a.b\ndesired_change: up",
            ['3:17 invalid-value: "up" is not a desired_change (known: decrease, increase, none)'],
        ),
        (
            Metric,
            "operation: sum\nfact: {a: b}\ndesired_change: increase\nwindow: {after: 3d}",
            [
                "2:1 not-a-fact: `fact` must be a short text such as orders.order, not fields",
                "4:1 missing-field: `for` is missing; add a line such as `for: 34d`",
            ],
        ),
    ],
)
def test_messages(kind: object, text: str, expected: list[str]) -> None:
    assert _complaints(kind, text) == expected


def test_what_is_left_without_the_faults_can_still_be_judged() -> None:
    sheet = load(b"operation: count\nfact: a.b\nwhere: 3\nwindw: 3\ndesired_change: increase\nwindow: 90d\n", "f")
    metric = check(Metric, desugar.metric(sheet, sheet.tree, ()), sheet, ("metrics", "m"))
    assert metric is not None
    assert metric.where == {}
    assert sheet.unreadable == {("metrics", "m", "where"), ("metrics", "m", "window")}
