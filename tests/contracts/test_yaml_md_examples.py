"""Three experiments of ten lines are complete and valid in a new project, exactly as a growth manager writes them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from holdfast import config
from holdfast.model.study import Study
from holdfast.model.tactic import Incentive, OnboardingChange, PersonalisedEmail
from holdfast.starter import init_project

# ruff: noqa: E501 (one line is as long as it is printed)
EXPERIMENTS = {
    "winback-voucher": """\
# experiments/winback-voucher/experiment.yaml
extends: winback-incentive
owner: growth@example.com
hypothesis: A 10 % voucher brings lapsed customers back and pays for itself in margin.
audience: {days_since_last_order: 55..65}
tactic: {offer: {discount: 10%, minimum_basket: 4000 JPY, expires_after: 14d}, channel: email}
control: nothing
enroll: {from: 2026-10-01, for: 6w, each: day}
expect: +80 JPY
rollout: {customers: 42000, every: 90d}
""",
    "onboarding-checklist": """\
# experiments/onboarding-checklist/experiment.yaml
extends: onboarding-change
owner: activation@example.com
hypothesis: Finishing one real task on day 0 keeps more people in week 5.
tactic: {surface: mobile_app, flag: onboarding-checklist, change: Three-step checklist instead of the tour, activation: tasks.completed}
control: same_as_today
enroll: {from: 2026-10-01, for: 4w, at: sessions.signup}
expect: +1.5pt
""",
    "personal-picks-mail": """\
# experiments/personal-picks-mail/experiment.yaml
extends: personalised-email
owner: crm@example.com
hypothesis: Picks from the last category bring more second orders than the general newsletter.
audience: {orders_365d: 1}
tactic: {template: picks-v2, personalised_by: [last_category], fallback: bestsellers, uses: [purchase_history]}
control: {tactic: general-newsletter}
enroll: {date: 2026-11-05}
expect: +1pt
""",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples") / "shop"
    init_project(folder, "shop", "kelp-and-co")
    for slug, text in EXPERIMENTS.items():
        path = folder / "experiments" / slug / "experiment.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def studies(root: Path) -> dict[str, Study]:
    catalogue = config.load_catalogue(root)
    return {slug: config.load_study(catalogue, slug) for slug in EXPERIMENTS}


def test_they_are_valid_as_printed(root: Path) -> None:
    assert config.load_catalogue(root).project.business == "shop"
    assert [str(finding) for finding in config.validate(root)] == []


@pytest.mark.parametrize("slug", EXPERIMENTS)
def test_everything_that_can_be_derived_is(studies: dict[str, Study], slug: str) -> None:
    experiment = studies[slug].experiment
    assert [variant.weight for variant in experiment.variants.values()] == [50, 50]
    assert experiment.assignment.method == "hash"
    assert experiment.assignment.unit == "customer"
    assert str(experiment.assignment.traffic) == "100%"
    assert experiment.population == "assigned"
    assert experiment.analysis.looks == "fixed"
    assert set(experiment.metrics.trio) == {"retained", "churned", "average_order_value"}


def test_the_incentive(studies: dict[str, Study]) -> None:
    study = studies["winback-voucher"]
    experiment = study.experiment
    tactic = study.tactics[next(v.tactic for v in experiment.variants.values() if not v.is_control)]
    assert isinstance(tactic, Incentive)
    assert tactic.channel == ("email",)
    assert tactic.costs is not None
    assert experiment.variants[experiment.control].tactic == "nothing"
    assert str(experiment.metrics.primary) == "margin_per_customer@90d"
    assert [str(item.metric) for item in experiment.metrics.guardrails] == ["margin_after_offer", "unsubscribed@30d"]
    window = study.metrics["margin_after_offer"].window
    assert window is not None
    assert (window.first_day, window.end_day) == (14, 90)
    assert str(experiment.analysis.expect) == "80 JPY"


def test_the_onboarding_change(studies: dict[str, Study]) -> None:
    study = studies["onboarding-checklist"]
    tactic = study.tactics[next(v.tactic for v in study.experiment.variants.values() if not v.is_control)]
    assert isinstance(tactic, OnboardingChange)
    assert str(tactic.activation) == "tasks.completed"
    assert str(study.experiment.metrics.primary) == "retained_week_5"
    enroll = study.experiment.enroll
    assert enroll is not None
    assert str(enroll.at) == "sessions.signup"


def test_the_personalised_e_mail(studies: dict[str, Study]) -> None:
    study = studies["personal-picks-mail"]
    experiment = study.experiment
    tactic = study.tactics[next(v.tactic for v in experiment.variants.values() if not v.is_control)]
    assert isinstance(tactic, PersonalisedEmail)
    assert tactic.channel == ("email",)
    assert experiment.variants[experiment.control].tactic == "general-newsletter"
    assert str(experiment.metrics.primary) == "repurchased@60d"
    assert experiment.enroll is not None
    assert experiment.enroll.date == dt.date(2026, 11, 5)


def test_a_finished_experiment_is_valid_too(tmp_path: Path) -> None:
    init_project(tmp_path, "shop", "kelp-and-co")
    path = tmp_path / "experiments" / "last-years-buyers" / "experiment.yaml"
    path.parent.mkdir()
    path.write_text(
        """\
extends: finished-experiment
owner: analyst@example.com
hypothesis: An e-mail brings last year's buyers back to the site and to the till.
data: {path: "hillstrom/*.csv", unit: row, variant: segment, labels: {No E-Mail: control, Mens E-Mail: mens_email}}
variants: {control: {weight: 1, control: true, tactic: nothing}, mens_email: {weight: 1, tactic: personal-picks}}
metrics:
  primary: spend
  define: {spend: {operation: column, column: spend, unit_of_measure: JPY, desired_change: increase}}
observed: {from: 2008-03-01, to: 2008-03-15}
""",
        encoding="utf-8",
    )
    assert [str(finding) for finding in config.validate(tmp_path)] == []
