"""Layers: what joins, what replaces, and what an edit of an inherited list may say."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.config.loader import load
from holdfast.config.marks import Map, place
from holdfast.config.merge import Merged, merge


def _tree(text: str, name: str) -> Map:
    sheet = load(text.encode(), name)
    assert isinstance(sheet.tree, Map), sheet.findings
    return sheet.tree


def _merge(base: str, over: str) -> Merged:
    return merge(_tree(base, "base.yaml"), _tree(over, "over.yaml"))


@pytest.mark.parametrize(
    ("base", "over", "expected"),
    [
        ("a: 1\nb: 2", "b: 3\nc: 4", {"a": 1, "b": 3, "c": 4}),
        (
            "rollout: {customers: 1, every: 90d}",
            "rollout: {customers: 2}",
            {"rollout": {"customers": 2, "every": "90d"}},
        ),
        ("tags: [a, b]", "tags: [c]", {"tags": ["c"]}),
        ("a: {b: 1}", "a: ", {"a": None}),
        # one form of a thing leaves the inherited other form out
        ("enroll: {each: day, start: x}", "enroll: {date: y}", {"enroll": {"date": "y"}}),
        ("enroll: {each: day, start: x}", "enroll: {at: a.b}", {"enroll": {"start": "x", "at": "a.b"}}),
        (
            "tactic: {type: incentive, offer: {points: 5, stackable: true}}",
            "tactic: {offer: {discount: 5%}}",
            {"tactic": {"type": "incentive", "offer": {"stackable": True, "discount": "5%"}}},
        ),
        ("tactic: {type: incentive, costs: {once: 1}}", "tactic: {type: custom}", {"tactic": {"type": "custom"}}),
        ("tactic: {type: incentive}", "tactic: voucher", {"tactic": "voucher"}),
        (
            "analysis: {cuped: {lookback: 28d}, power: 80%}",
            "analysis: {covariates: [x]}",
            {"analysis": {"power": "80%", "covariates": ["x"]}},
        ),
        (
            "analysis: {looks: {group_sequential: weekly}}",
            "analysis: {looks: {always_valid: true}}",
            {"analysis": {"looks": {"always_valid": True}}},
        ),
        ("decision: {ship_if: [x]}", "decision: {policy: do_no_harm}", {"decision": {"policy": "do_no_harm"}}),
        ("audience: {a: {not: 1}, b: 2}", "audience: {a: {not: 3}}", {"audience": {"a": {"not": 3}, "b": 2}}),
    ],
)
def test_mappings_merge_by_key_and_lists_replace(base: str, over: str, expected: dict[str, Any]) -> None:
    merged = _merge(base, over)
    assert merged.tree == expected
    assert not merged.notes


@pytest.mark.parametrize("path", ["secondary", "descriptive"])
def test_lists_of_metrics_are_edited(path: str) -> None:
    merged = _merge(f"metrics: {{{path}: [a, b, c]}}", f"metrics: {{{path}: {{add: [d], remove: [b]}}}}")
    assert merged.tree["metrics"][path] == ["a", "c", "d"]
    assert not merged.notes


def test_segments_are_edited_too() -> None:
    merged = _merge("analysis: {segments: [a, b]}", "analysis: {segments: {remove: [a], add: [c]}}")
    assert merged.tree["analysis"]["segments"] == ["b", "c"]


def test_an_edit_without_anything_inherited_is_a_list() -> None:
    assert _merge("a: 1", "metrics: {secondary: {add: [x]}}").tree["metrics"]["secondary"] == ["x"]


def test_what_is_not_inherited_cannot_be_removed() -> None:
    (note,) = _merge("metrics: {secondary: [retained]}", "metrics:\n  secondary: {remove: [retaind]}").notes
    assert (note.rule, str(note.mark), note.severity) == ("not-inherited", "over.yaml:2", "error")
    assert note.message == '"retaind" is not in the inherited list, did you mean "retained"? (known: retained)'


def test_an_edit_is_add_and_remove_with_lists() -> None:
    notes = _merge("metrics: {secondary: [a]}", "metrics: {secondary: {ad: [b], remove: a}}").notes
    assert [note.rule for note in notes] == ["unknown-field", "invalid-value"]
    assert notes[0].message == 'unknown field "ad", did you mean "add"? (known: add, remove)'


TWO = "metrics: {guardrails: [{metric: a, tolerate: 1%}, {metric: b@30d, tolerate: 2%}]}"


def test_guardrails_match_by_metric() -> None:
    merged = _merge(TWO, "metrics: {guardrails: [{metric: b@30d, tolerate: 3%}, {metric: c, tolerate: 4%}]}")
    found = [(item["metric"], item["tolerate"]) for item in merged.tree["metrics"]["guardrails"]]
    assert found == [("a", "1%"), ("b@30d", "3%"), ("c", "4%")]
    assert not merged.removed


def test_another_window_is_another_guardrail() -> None:
    merged = _merge(TWO, "metrics: {guardrails: [{metric: b@60d, tolerate: 3%}]}")
    assert [item["metric"] for item in merged.tree["metrics"]["guardrails"]] == ["a", "b@30d", "b@60d"]


def test_a_removed_guardrail_is_a_warning_and_is_kept() -> None:
    merged = _merge(TWO, "metrics:\n  guardrails:\n    remove: [a]\n    add: [{metric: c, tolerate: 4%}]")
    assert [item["metric"] for item in merged.tree["metrics"]["guardrails"]] == ["b@30d", "c"]
    assert [(name, str(mark)) for name, mark in merged.removed] == [("a", "over.yaml:3")]
    assert [(note.rule, note.severity) for note in merged.notes] == [("guardrail-removed", "warning")]


def test_a_guardrail_written_twice_stays_twice() -> None:
    over = "metrics: {guardrails: [{metric: a, tolerate: 1%}, {metric: a, tolerate: 5%}]}"
    assert len(_merge(TWO, over).tree["metrics"]["guardrails"]) == 3


def test_every_value_keeps_its_place() -> None:
    merged = _merge("a: 1\nb: {c: 2,\n  d: 3}", "b: {c: 4}\ne: [5]").tree
    paths: tuple[tuple[str | int, ...], ...] = (("a",), ("b", "c"), ("b", "d"), ("e", 0))
    assert [str(place(merged, path)) for path in paths] == ["base.yaml:1", "over.yaml:1", "base.yaml:3", "over.yaml:2"]


def test_layers_are_left_as_they_were() -> None:
    base, over = _tree(TWO, "base.yaml"), _tree("metrics: {guardrails: {remove: [a]}, primary: x}", "over.yaml")
    merge(base, over)
    assert len(base["metrics"]["guardrails"]) == 2
    assert "primary" not in base["metrics"]
    assert over["metrics"]["guardrails"] == {"remove": ["a"]}
