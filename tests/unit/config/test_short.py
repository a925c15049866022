"""Short forms of an experiment: the three of the language's first page, and what each short word means."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from holdfast.config import load_catalogue, load_study, validate
from holdfast.errors import ConfigError, Finding
from holdfast.model.metric import Window
from holdfast.model.predicate import Condition
from holdfast.model.project import ContactCap
from holdfast.model.study import Study
from holdfast.model.tactic import Incentive, OnboardingChange, PersonalisedEmail, ReturnsPolicy
from holdfast.model.values import Duration, Effect, FactRef, MetricRef

VOUCHER = "experiments/winback-voucher/experiment.yaml"
PICKS = "experiments/personal-picks-mail/experiment.yaml"


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def _study(root: Path, slug: str) -> Study:
    return load_study(load_catalogue(root), slug)


def _found(root: Path, rule: str) -> Finding:
    findings = [finding for finding in validate(root) if finding.rule == rule]
    assert len(findings) == 1, validate(root)
    return findings[0]


def test_the_three_experiments_are_valid_as_printed(kelp: Path) -> None:
    assert validate(kelp) == []
    assert load_catalogue(kelp).slugs == ("onboarding-checklist", "personal-picks-mail", "winback-voucher")


def test_the_voucher(kelp: Path) -> None:
    study = _study(kelp, "winback-voucher")
    experiment = study.experiment
    assert study.template == "winback-incentive"
    assert [(key, item.weight, item.tactic, item.is_control) for key, item in experiment.variants.items()] == [
        ("control", 50, "nothing", True),
        ("treatment", 50, "winback-voucher", False),
    ]
    tactic = study.tactics["winback-voucher"]
    assert isinstance(tactic, Incentive)
    assert (tactic.stage, tactic.channel, tactic.offer.expires_after) == ("retention", ("email",), Duration(14 * 24))
    assert tactic.costs is not None
    assert tactic.costs.per_redemption == FactRef("orders", "discount")
    assert experiment.analysis.expect == Effect.parse("80 JPY")
    assert experiment.audience == {"days_since_last_order": Condition(low=55, high=65)}
    assert experiment.assignment.unit == "customer"
    assert experiment.assignment.salt is None
    # what a template says about itself is not inherited
    assert (experiment.title, experiment.description) == ("", "")


def test_the_checklist(kelp: Path) -> None:
    study = _study(kelp, "onboarding-checklist")
    tactic, enroll = study.tactics["onboarding-checklist"], study.experiment.enroll
    assert isinstance(tactic, OnboardingChange)
    assert tactic.activation == FactRef("tasks", "completed")
    assert enroll is not None
    assert (enroll.start, enroll.length, enroll.at) == (
        dt.date(2026, 10, 1),
        Duration(28 * 24),
        FactRef("sessions", "signup"),
    )
    assert study.experiment.variants["control"].tactic == "same_as_today"
    assert study.experiment.analysis.cuped is None


def test_the_picks(kelp: Path) -> None:
    study = _study(kelp, "personal-picks-mail")
    tactic = study.tactics["personal-picks-mail"]
    assert isinstance(tactic, PersonalisedEmail)
    assert (tactic.channel, tactic.personalised_by) == (("email",), ("last_category",))
    assert study.experiment.variants["control"].tactic == "general-newsletter"
    cuped = study.experiment.analysis.cuped
    assert cuped is not None
    assert cuped.lookback == Duration(28 * 24)


def test_project_settings_in_long_form(kelp: Path) -> None:
    project = load_catalogue(kelp).project
    assert project.channels["email"].cap == ContactCap(contacts=2, within=Duration(7 * 24))
    assert project.holdouts["global-2026"].start == dt.date(2026, 1, 1)


def test_tactics_in_long_form(kelp: Path) -> None:
    tactic = load_catalogue(kelp).tactics["longer-returns"]
    assert isinstance(tactic, ReturnsPolicy)
    assert (tactic.before, tactic.after, tactic.channel) == ("14 days", "60 days", ("web", "email"))


def test_cuped_is_inherited_from_the_project_and_turned_off(kelp: Path) -> None:
    _edit(kelp / "configs/templates/shop.yaml", "cuped: {lookback: 180d}", "cuped: off")
    assert _study(kelp, "winback-voucher").experiment.analysis.cuped is None
    _edit(kelp / VOUCHER, "expect: +80 JPY", "analysis: {expect: 80 JPY, cuped: {lookback: 90d}}")
    cuped = _study(kelp, "winback-voucher").experiment.analysis.cuped
    assert cuped is not None
    assert cuped.lookback == Duration(90 * 24)


# the window after the offer


def test_a_window_after_the_offer_reads_the_tactic(kelp: Path) -> None:
    assert _study(kelp, "winback-voucher").metrics["margin_after_offer"].window == Window(
        start=Duration(14 * 24), length=Duration(76 * 24)
    )
    # where no offer ends, the metric means nothing
    assert "margin_after_offer" not in _study(kelp, "onboarding-checklist").metrics


def test_a_window_for_so_long_after_the_offer(kelp: Path) -> None:
    _edit(kelp / "configs/metrics/shop.yaml", "{after: offer_end, until: 90d}", "{after: offer_end, for: 30d}")
    window = _study(kelp, "winback-voucher").metrics["margin_after_offer"].window
    assert window == Window(start=Duration(14 * 24), length=Duration(30 * 24))


def test_a_metric_of_the_experiments_own_after_the_offer(kelp: Path) -> None:
    define = (
        "metrics:\n  descriptive: [late]\n  define:\n    late: {operation: count, fact: orders.order, "
        "window: {after: offer_end, until: 60d}, desired_change: increase}\n"
    )
    _edit(kelp / VOUCHER, "expect:", define + "expect:")
    study = _study(kelp, "winback-voucher")
    assert study.metrics["late"].window == Window(start=Duration(14 * 24), length=Duration(46 * 24))
    assert study.experiment.metrics.define["late"] == study.metrics["late"]


def test_without_an_offer_that_ends_the_window_has_no_start(kelp: Path) -> None:
    _edit(kelp / VOUCHER, ", expires_after: 14d", "")
    finding = _found(kelp, "offer-end")
    assert (finding.path, finding.line) == ("configs/templates/shop.yaml", 13)
    assert finding.message == (
        'the window of "margin_after_offer" opens when the offer ends, but the tactic "winback-voucher" has no offer '
        "that expires; add expires_after: 14d to its offer"
    )


def test_offers_that_end_at_different_times_have_no_end_in_common(kelp: Path) -> None:
    variants = (
        "variants:\n  control: {weight: 1, control: true, tactic: nothing}\n"
        "  small: {weight: 1, tactic: {offer: {discount: 10%, expires_after: 14d}, type: incentive, channel: email, "
        "costs: {per_redemption: orders.discount}}}\n"
        "  large: {weight: 1, tactic: winback-voucher-20}\n"
    )
    text = (kelp / VOUCHER).read_text(encoding="utf-8").splitlines(keepends=True)
    (kelp / VOUCHER).write_text(
        "".join(line for line in text if not line.startswith(("tactic", "control"))) + variants, encoding="utf-8"
    )
    message = _found(kelp, "offer-end").message
    assert "the offers of winback-voucher-small (14d) and winback-voucher-20 (30d) end at different times" in message


def test_a_window_that_ends_before_the_offer_does(kelp: Path) -> None:
    _edit(kelp / VOUCHER, "expires_after: 14d", "expires_after: 100d")
    assert "ends 90d after assignment, not after the offer does (100d)" in _found(kelp, "window-empty").message


# segments in the audience


def test_a_segment_in_the_audience_becomes_its_conditions(kelp: Path) -> None:
    _edit(kelp / VOUCHER, "{days_since_last_order: 55..65}", "{segment: [lapsed, high_value], orders_365d: '>= 2'}")
    study = _study(kelp, "winback-voucher")
    assert {name: str(condition) for name, condition in study.experiment.audience.items()} == {
        "orders_365d": ">= 2",
        "days_since_last_order": "45 to 180",
        "country": "JP",
        "spend_365d": "top 20%",
    }
    assert study.origins["audience.country"] == "configs/sources/shop.yaml:47"
    assert study.origins["audience.orders_365d"] == f"{VOUCHER}:5"


def test_a_property_is_constrained_once_or_to_fit(kelp: Path) -> None:
    _edit(kelp / VOUCHER, "{days_since_last_order: 55..65}", "{segment: lapsed, country: [JP]}")
    assert validate(kelp) == []
    _edit(kelp / VOUCHER, "country: [JP]", "country: FR")
    finding = _found(kelp, "audience-conflict")
    assert (finding.path, finding.line, finding.column) == (VOUCHER, 5, 29)
    assert finding.message == (
        '"country" is constrained by segment "lapsed" too, differently (configs/sources/shop.yaml:47); remove one of '
        "the two, or name another segment"
    )


@pytest.mark.parametrize(
    ("own", "holds"),
    [
        ("55..65", "55 to 65"),
        ("'> 30'", "45 to 180"),
        ("'>= 45'", "45 to 180"),
        ("'> 45'", None),
        ("100..300", None),
        ("{not: 50}", None),
        ("none", None),
        ("[50, 60]", None),
    ],
)
def test_of_two_conditions_the_narrower_holds(kelp: Path, own: str, holds: str | None) -> None:
    _edit(kelp / VOUCHER, "{days_since_last_order: 55..65}", f"{{segment: lapsed, days_since_last_order: {own}}}")
    if holds is None:
        assert _found(kelp, "audience-conflict").line == 5
    else:
        assert str(_study(kelp, "winback-voucher").experiment.audience["days_since_last_order"]) == holds


def test_an_unknown_segment_names_the_nearest(kelp: Path) -> None:
    _edit(kelp / VOUCHER, "{days_since_last_order: 55..65}", "{segment: lapst}")
    finding = _found(kelp, "unknown-segment")
    assert (finding.line, finding.column) == (5, 21)
    assert finding.message == 'unknown segment "lapst", did you mean "lapsed"? (known: high_value, lapsed)'


# variants


def _without(path: Path, word: str) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith(word)), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda path: _without(path, "control"), (6, 1, "`control` is missing; add a line such as `control: nothing`")),
        (
            lambda path: _without(path, "tactic"),
            (2, 1, "`tactic.offer` is missing; give it, such as `offer: {discount: 10%}`"),
        ),
        (
            lambda path: _edit(path, "offer: {discount: 10%, minimum_basket: 4000 JPY, expires_after: 14d}, ", ""),
            (6, 1, "`offer` is missing; add a line such as `offer: {discount: 10%}`"),
        ),
        (
            lambda path: _without(path, "owner"),
            (2, 1, "`owner` is missing; add a line such as `owner: growth@example.com`"),
        ),
    ],
)
def test_what_only_the_author_knows_is_asked_for_in_their_file(
    kelp: Path, change: Callable[[Path], None], expected: tuple[int, int, str]
) -> None:
    change(kelp / VOUCHER)
    finding = _found(kelp, "missing-field")
    assert (finding.path, finding.line, finding.column, finding.message) == (VOUCHER, *expected)


def test_one_form_of_variants_is_used(kelp: Path) -> None:
    _edit(kelp / VOUCHER, "control: nothing", "variants: {control: {weight: 1, control: true, tactic: nothing}}")
    finding = _found(kelp, "two-forms")
    assert (finding.line, finding.message) == (6, "`tactic` is the short form of `variants`; keep one of them")


def test_a_tactic_by_name_takes_nothing_from_the_template(kelp: Path) -> None:
    lines = (kelp / VOUCHER).read_text(encoding="utf-8").splitlines()
    lines[5] = "tactic: winback-voucher-20"
    (kelp / VOUCHER).write_text("\n".join(lines), encoding="utf-8")
    study = _study(kelp, "winback-voucher")
    assert study.experiment.variants["treatment"].tactic == "winback-voucher-20"
    assert "winback-voucher" not in study.tactics
    assert study.metrics["margin_after_offer"].window == Window(start=Duration(720), length=Duration(60 * 24))


def test_a_tactic_written_in_place_needs_a_name_of_its_own(kelp: Path) -> None:
    _edit(kelp / "configs/tactics/shop.yaml", "winback-voucher-20:", "winback-voucher:")
    finding = _found(kelp, "duplicate-name")
    assert (finding.path, finding.line) == (VOUCHER, 6)


def test_the_control_may_be_written_in_place(kelp: Path) -> None:
    _edit(kelp / PICKS, "{tactic: general-newsletter}", "{tactic: {type: custom, label: a letter}, title: Letter}")
    study = _study(kelp, "personal-picks-mail")
    assert study.experiment.variants["control"].title == "Letter"
    assert study.tactics["personal-picks-mail-control"].type == "custom"


def test_the_control_of_the_short_form_has_no_weight(kelp: Path) -> None:
    _edit(kelp / PICKS, "{tactic: general-newsletter}", "{tactic: general-newsletter, weight: 10}")
    assert "write `variants` instead" in _found(kelp, "two-forms").message


# templates


def test_an_unknown_template_is_the_only_finding(kelp: Path) -> None:
    _edit(kelp / VOUCHER, "winback-incentive", "winback-incentiv")
    (finding,) = validate(kelp)
    assert (finding.path, finding.line, finding.column) == (VOUCHER, 2, 10)
    assert finding.message == (
        'unknown template "winback-incentiv", did you mean "winback-incentive"? '
        "(known: onboarding-change, personalised-email, winback-incentive)"
    )


def test_templates_do_not_extend_templates(kelp: Path) -> None:
    path = kelp / "configs/templates/shop.yaml"
    _edit(path, "  onboarding-change:\n", "  onboarding-change:\n    extends: winback-incentive\n")
    finding = _found(kelp, "template-extends")
    assert (finding.path, finding.line) == ("configs/templates/shop.yaml", 20)


def test_what_is_wrong_in_a_template_is_said_once_in_its_file(kelp: Path) -> None:
    path = kelp / "configs/templates/shop.yaml"
    _edit(path, "tolerate: 10%", "tolerate: 10")
    _edit(path, "primary: active_in_week_5", "primary: active_in_week_6")
    _edit(path, "stage: engagement", "stage: engaged")
    findings = validate(kelp)
    assert [(item.path, item.line, item.rule) for item in findings] == [
        ("configs/templates/shop.yaml", 13, "not-an-effect"),
        ("configs/templates/shop.yaml", 20, "invalid-value"),
        ("configs/templates/shop.yaml", 22, "unknown-metric"),
    ]
    with pytest.raises(ConfigError):
        load_catalogue(kelp)


def test_a_template_that_nobody_uses_is_checked_too(kelp: Path) -> None:
    (kelp / "configs/templates/more.yaml").write_text(
        "templates:\n  spare: {metrics: {primary: nowhere}, rollout: {every: 90d}, secondary: [x]}\n", encoding="utf-8"
    )
    assert [(item.line, item.rule) for item in validate(kelp)] == [(2, "unknown-metric"), (2, "unknown-field")]


def test_a_file_of_templates_that_cannot_be_read_makes_no_template_unknown(kelp: Path) -> None:
    (kelp / "configs/templates/shop.yaml").write_text("templates: [", encoding="utf-8")
    assert [item.rule for item in validate(kelp)] == ["yaml-syntax"]


# edits of what a template gives


def test_an_experiment_edits_what_it_inherits(kelp: Path) -> None:
    edit = (
        "metrics:\n  secondary: {add: [orders_per_customer], remove: [churned]}\n"
        "  guardrails: {remove: [unsubscribed@30d]}\n"
    )
    _edit(kelp / VOUCHER, "expect:", edit + "expect:")
    finding = _found(kelp, "guardrail-removed")
    assert (finding.path, finding.line, finding.severity) == (VOUCHER, 11, "warning")
    study = _study(kelp, "winback-voucher")
    plan = study.experiment.metrics
    assert [str(ref) for ref in plan.secondary] == [
        "retained",
        "average_order_value",
        "repurchased@90d",
        "orders_per_customer",
    ]
    assert [guard.metric for guard in plan.guardrails] == [MetricRef("margin_after_offer")]
    assert study.origins["metrics.guardrails.removed.unsubscribed@30d"] == f"{VOUCHER}:11"


def test_a_policy_by_its_name(kelp: Path) -> None:
    _edit(kelp / VOUCHER, "expect:", "decision: do_no_harm\nexpect:")
    assert _study(kelp, "winback-voucher").experiment.decision.policy == "do_no_harm"
    _edit(kelp / VOUCHER, "do_no_harm", "{ship_if: [{metric: retained, reads: better}]}")
    decision = _study(kelp, "winback-voucher").experiment.decision
    assert (decision.policy, decision.ship_if[0].reads) == ("custom", ("better",))


def test_a_cap_is_written_in_words(kelp: Path) -> None:
    _edit(kelp / "configs/project.yaml", "2 per 7d", "twice a week")
    finding = _found(kelp, "invalid-value")
    assert finding.message == (
        '"twice a week" is not a contact cap: write how many within how long, such as `cap: 2 per 7d`'
    )
