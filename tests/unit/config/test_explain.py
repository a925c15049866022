"""What an experiment resolves to, with the place of every value; and what its two hashes cover."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from holdfast.config import canonical_parts, design_document, explain, load_catalogue, load_study
from holdfast.errors import UsageError

VOUCHER = "experiments/winback-voucher/experiment.yaml"


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def _lines(root: Path, slug: str = "winback-voucher") -> dict[str, tuple[str, str]]:
    return {path: (value, origin) for path, value, origin in explain(load_catalogue(root), slug)}


@pytest.mark.parametrize(
    ("path", "value", "origin"),
    [
        ("extends", "winback-incentive", f"{VOUCHER}:2"),
        ("id", "winback-voucher", "experiments/winback-voucher"),
        ("owner", "growth@example.com", f"{VOUCHER}:3"),
        ("audience.days_since_last_order", "55 to 65", f"{VOUCHER}:5"),
        ("audience.email_opt_in", "true: consent of email, for every variant", "configs/project.yaml:9"),
        ("variants.treatment.tactic", "winback-voucher", f"{VOUCHER}:6"),
        ("variants.treatment.weight", "50", "default"),
        ("variants.control.tactic", "nothing", f"{VOUCHER}:7"),
        ("enroll.from", "2026-10-01", f"{VOUCHER}:8"),
        ("enroll.for", "42d", f"{VOUCHER}:8"),
        ("assignment.unit", "customer", "default"),
        ("assignment.traffic", "100%", "default"),
        ("analysis.expect", "80 JPY", f"{VOUCHER}:9"),
        ("analysis.cuped.lookback", "180d", "configs/templates/shop.yaml:16"),
        ("analysis.confidence", "95%", "configs/project.yaml:16"),
        ("analysis.fdr", "10%", "default"),
        ("analysis.looks", "fixed", "default"),
        ("health.srm.note", "0.01", "configs/project.yaml:15"),
        ("health.contamination.block", "1%", "default"),
        ("timezone", "Asia/Tokyo", "configs/project.yaml:4"),
        ("metrics.primary", "margin_per_customer@90d", "configs/templates/shop.yaml:11"),
        (
            "metrics.secondary",
            "[retained, churned, average_order_value, repurchased@90d]",
            "configs/templates/shop.yaml:12",
        ),
        ("metrics.trio.retained", "retained", "default"),
        ("tactics.winback-voucher.type", "incentive", "configs/templates/shop.yaml:6"),
        ("tactics.winback-voucher.offer.expires_after", "14d", f"{VOUCHER}:6"),
        (
            "metric.margin_after_offer",
            "sum orders.margin, from 14d to 90d after assignment",
            "configs/metrics/shop.yaml:13",
        ),
        ("metric.margin_after_offer.window.for", "76d", "configs/metrics/shop.yaml:16"),
        (
            "metric.average_order_value",
            "sum orders.revenue / count orders.order, from 0d to 90d after assignment",
            "configs/metrics/shop.yaml:5",
        ),
        ("properties.spend_band.bands.middle", "5000", "configs/sources/shop.yaml:45"),
        ("sources.orders.freshness", "1d", "configs/sources/shop.yaml:15"),
        ("channels.email.cap.contacts", "2", "configs/project.yaml:9"),
        ("readout.longest_window", "90d, of margin_per_customer@90d", "derived"),
        ("readout.freshness", "1d, of orders", "derived"),
    ],
)
def test_every_value_is_shown_with_its_place(kelp: Path, path: str, value: str, origin: str) -> None:
    assert _lines(kelp)[path] == (value, origin)


@pytest.mark.parametrize("slug", ["winback-voucher", "onboarding-checklist", "personal-picks-mail"])
def test_every_field_of_the_experiment_is_shown_once(kelp: Path, slug: str) -> None:
    lines = explain(load_catalogue(kelp), slug)
    study = load_study(load_catalogue(kelp), slug)
    shown = [path for path, _, _ in lines]
    assert len(shown) == len(set(shown))
    for name in study.origins.keys() - {"metrics.define"}:
        parts = name.split(".")
        heads = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
        assert heads & set(shown), name
    for _, _, origin in lines:
        path, _, line = origin.rpartition(":")
        if path:
            assert 0 < int(line) <= len((kelp / path).read_text(encoding="utf-8").splitlines())
        else:
            assert origin in {"default", "derived", f"experiments/{slug}"}


def test_what_was_taken_out_and_what_segments_mean_is_shown(kelp: Path) -> None:
    edit = "metrics: {guardrails: {remove: [margin_after_offer]}}\nanalysis: {segments: [high_value]}\n"
    _edit(kelp / VOUCHER, "rollout:", edit + "rollout:")
    lines = _lines(kelp)
    assert lines["metrics.guardrails.removed.margin_after_offer"] == ("left out", f"{VOUCHER}:10")
    assert lines["segments.high_value.spend_365d"] == ("top 20%", "configs/sources/shop.yaml:48")
    assert lines["properties.spend_365d.operation"][0] == "sum"


def test_an_experiment_that_is_not_there(kelp: Path) -> None:
    with pytest.raises(UsageError, match="winback-voucher"):
        explain(load_catalogue(kelp), "winback")


def _hashes(root: Path) -> tuple[str, str]:
    study = load_study(load_catalogue(root), "winback-voucher")
    return study.config_hash, study.cosmetic_hash


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (VOUCHER, "hypothesis:", "title: Voucher\nhypothesis:"),
        (VOUCHER, "growth@example.com", "other@example.com"),
        (VOUCHER, "expect:", "metrics: {descriptive: [orders_per_customer]}\nexpect:"),
        (VOUCHER, "offer: {", "title: Ten percent, media: shot.png, offer: {"),
        (VOUCHER, "expect:", "tags: [q4]\nexpect:"),
        ("configs/metrics/shop.yaml", "title: Margin after the offer has ended", "title: Later margin"),
        ("configs/templates/shop.yaml", "stage: retention", "stage: conversion"),
    ],
)
def test_what_is_only_shown_leaves_the_design_alone(kelp: Path, file: str, old: str, new: str) -> None:
    design, cosmetic = _hashes(kelp)
    _edit(kelp / file, old, new)
    after = _hashes(kelp)
    assert after[0] == design
    assert after[1] != cosmetic


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        (VOUCHER, "A 10 % voucher brings", "A 15 % voucher brings"),
        (VOUCHER, "discount: 10%", "discount: 12%"),
        (VOUCHER, "expect:", "assignment: {holdout: global-2026}\nexpect:"),
        (VOUCHER, "expect:", "assignment: {exclusion_group: {name: lifecycle-offers, slot: 0%..50%}}\nexpect:"),
        (VOUCHER, "expect:", "assignment: {salt: winback-voucher-3f9a1c07}\nexpect:"),
        (VOUCHER, "{days_since_last_order: 55..65}", "{segment: lapsed}"),
        ("configs/templates/shop.yaml", "tolerate: 0.3pt", "tolerate: 0.4pt"),
        ("configs/sources/shop.yaml", "high: 20000", "high: 30000"),
        ("configs/project.yaml", "cap: 2 per 7d", "cap: 3 per 7d"),
    ],
)
def test_the_design_changes_with_what_it_resolves_to(kelp: Path, file: str, old: str, new: str) -> None:
    before = _hashes(kelp)[0]
    _edit(kelp / file, old, new)
    assert _hashes(kelp)[0] != before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("configs/project.yaml", "[service, purchase_history]", "[service, purchase_history, location]"),
        ("configs/project.yaml", "share: 5%", "share: 6%"),
        (
            "configs/sources/shop.yaml",
            "lapsed: {days_since_last_order: 45..180",
            "lapsed: {days_since_last_order: 46..180",
        ),
        ("configs/templates/shop.yaml", "stage: engagement", "stage: conversion"),
        (VOUCHER, "expect: +80 JPY", "expect: 80 JPY"),
        (VOUCHER, "expect:", "version: 2\nexpect:"),
    ],
)
def test_nothing_else_changes_a_hash(kelp: Path, file: str, old: str, new: str) -> None:
    before = _hashes(kelp)
    _edit(kelp / file, old, new)
    assert _hashes(kelp) == before


def test_what_is_inherited_hashes_as_if_it_were_written(kelp: Path) -> None:
    before = _hashes(kelp)
    _edit(kelp / VOUCHER, "expect:", "metrics: {primary: margin_per_customer@90d}\nexpect:")
    assert _hashes(kelp) == before


def test_the_holdout_and_the_segments_that_are_used_are_part_of_the_design(kelp: Path) -> None:
    edit = "assignment: {holdout: global-2026}\nanalysis: {segments: [high_value]}\n"
    _edit(kelp / VOUCHER, "expect:", edit + "expect:")
    study = load_study(load_catalogue(kelp), "winback-voucher")
    document = design_document(study)
    assert list(document["settings"]["holdouts"]) == ["global-2026"]
    assert list(document["segments"]) == ["high_value"]
    assert "salt" not in document["experiment"]["assignment"]
    assert "title" not in document["metrics"]["margin_after_offer"]
    design, cosmetic = map(json.loads, canonical_parts(study))
    assert design == json.loads(json.dumps(document))
    assert cosmetic["metrics"]["margin_after_offer"]["title"] == "Margin after the offer has ended"
