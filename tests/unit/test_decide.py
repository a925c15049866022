"""The whole truth table of the recommendation, against a table of patterns written on its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from itertools import product
from statistics import NormalDist
from typing import Any

import pytest
from statsmodels.stats.power import NormalIndPower

from holdfast import decide, planning
from holdfast.model.found import Alarm, MoneyResult, Quantity
from holdfast.model.plan import Plan, PlannedLooks
from holdfast.model.result import Check, CheckId, CheckStatus, Estimate, State
from tests.builders import outcomes

AS_OF = date(2026, 6, 1)

# checks, time, primary, worst guardrail, interval, money, policy -> recommendation, rule. The first row that fits
# holds. custom and lenient are policies of one's own: the primary has to read better, and worse.
TABLE = """
block  *        *              *       *           *        *             no_verdict    1 check_failed
*      alarm    *              *       *           *        *             do_not_ship   2 harm_alarm
*      interim  *              *       *           *        *             keep_running  2 not_mature
*      between  *              *       *           *        *             keep_running  2 between_looks
*      look     not_estimable  *       *           *        *             keep_running  6 not_crossed
*      week_1   not_estimable  *       *           *        *             keep_running  6 not_crossed
*      *        not_estimable  *       *           *        *             no_verdict    3 primary_missing
*      *        *              harm    *           *        *             do_not_ship   4 harm
*      *        worse          *       *           *        clear_signals do_not_ship   5 primary_worse
*      *        worse          *       *           *        do_no_harm    do_not_ship   5 primary_worse
*      *        worse          *       *           *        custom        do_not_ship   5 primary_worse
*      week_1   *              *       *           *        *             keep_running  6 not_crossed
*      look     *              *       *           loses    *             keep_running  6 not_crossed
*      *        *              *       *           loses    *             do_not_ship   5 loses_money
*      look     cannot_tell    *       *           *        clear_signals keep_running  6 not_crossed
*      look     cannot_tell    *       *           *        do_no_harm    keep_running  6 not_crossed
*      look     better         unsure  *           *        clear_signals keep_running  6 not_crossed
*      look     better         unsure  *           *        do_no_harm    keep_running  6 not_crossed
*      look     better         *       *           unclear  clear_signals keep_running  6 not_crossed
*      look     better         *       *           unclear  do_no_harm    keep_running  6 not_crossed
*      *        better         *       *           *        custom        ship          7 conditions_met
*      *        worse          *       *           *        lenient       ship          7 conditions_met
*      look     *              *       *           *        custom        keep_running  6 not_crossed
*      look     *              *       *           *        lenient       keep_running  6 not_crossed
*      *        better         unsure  *           *        clear_signals discuss       6 guardrail_cannot_tell
*      *        better         unsure  *           *        do_no_harm    discuss       6 guardrail_cannot_tell
*      *        better         safe    *           unclear  clear_signals discuss       6 unclear_money
*      *        better         safe    *           unclear  do_no_harm    discuss       6 unclear_money
*      *        better         safe    *           *        clear_signals ship          7 primary_better
*      *        better         safe    *           *        do_no_harm    ship          7 primary_better
*      *        *              *       short       *        clear_signals do_not_ship   8 no_worthwhile_effect
*      *        *              *       negligible  *        clear_signals do_not_ship   8 no_worthwhile_effect
*      *        *              *       short       *        custom        do_not_ship   8 no_worthwhile_effect
*      *        *              *       negligible  *        custom        do_not_ship   8 no_worthwhile_effect
*      *        *              *       short       *        lenient       do_not_ship   8 no_worthwhile_effect
*      *        *              *       negligible  *        lenient       do_not_ship   8 no_worthwhile_effect
*      *        cannot_tell    unsure  negligible  *        do_no_harm    discuss       6 guardrail_cannot_tell
*      *        cannot_tell    safe    negligible  *        do_no_harm    ship          8 primary_not_worse
*      *        *              *       *           *        custom        discuss       9 conditions_not_met
*      *        *              *       *           *        lenient       discuss       9 conditions_not_met
*      *        *              *       *           *        *             discuss       9 inconclusive
"""
ROWS = [(line.split()[:7], line.split()[7], " ".join(line.split()[8:])) for line in TABLE.strip().splitlines()]
CONDITIONS = {"custom": ["better"], "lenient": ["worse"]}
"""How the primary metric must read for the policies with conditions of their own."""


def oracle(*facts: str) -> tuple[str, str]:
    for pattern, recommendation, rule in ROWS:
        if all(wanted in {"*", fact} for wanted, fact in zip(pattern, facts, strict=True)):
            return recommendation, rule
    raise AssertionError


# Where the interval lies, in multiples of the effect worth having, with + the wanted direction.
INTERVALS: dict[str, tuple[float, float] | None] = {
    "open": (-0.5, 1.5),
    "wide": (-5.0, 5.0),
    "short": (-1.5, 0.5),
    "negligible": (-0.5, 0.5),
    "missing": None,
}
EXPECT = {None: None, "5%": ("lift", 0.05), "1pt": ("difference", 0.01), "80 USD": ("difference", 80.0)}


def plans(direction: str, expect: str | None, policy: str) -> Plan:
    """A plan whose primary may be anything; two guardrails are enough."""
    study = outcomes(
        {"main": {"desired_change": direction}, "g0": {"desired_change": "increase"}},
        {"primary": "main"},
        analysis={"expect": expect} if expect else {},
        decision={"policy": "custom", "ship_if": [{"metric": "main", "reads": CONDITIONS[policy]}]}
        if policy in CONDITIONS
        else {"policy": policy},
    )
    return planning.plan(study, AS_OF)


def pays(money: str, *, variant: str = "treated", baseline: str = "control") -> tuple[MoneyResult, ...]:
    """What is left of the margin after costs; the loss is as improbable as asked for, or not quite."""
    if money == "unmeasured":
        return ()
    nets = {
        "pays": (Quantity(estimate=2.0, lower=1.0, upper=3.0), 0.001),
        "probably": (Quantity(estimate=2.0, lower=-0.5, upper=4.5), 0.1),
        "unclear": (Quantity(estimate=2.0, lower=-0.6, upper=4.6), 0.101),
        "loses": (Quantity(estimate=-2.0, lower=-3.0, upper=-1.0), 0.999),
    }
    net, loss = nets[money]
    nothing = Quantity(reason="not_planned")
    return (
        MoneyResult(
            metric="main",
            variant=variant,
            baseline=baseline,
            currency="USD",
            confidence=0.95,
            margin=nothing,
            cost=nothing,
            net=net,
            return_on_cost=nothing,
            break_even=nothing,
            loss_probability=loss,
            expected_loss=None,
            cost_per_retained=nothing,
            because=nothing,
            given_anyway=nothing,
        ),
    )


def primary_rows(
    plan: Plan, state: str, interval: str, *, variant: str = "treated", estimate: float = 0.0
) -> list[Any]:
    """Difference and lift; the one that `expect` is not about says the opposite."""
    expect = plan.study.experiment.analysis.expect
    wanted, size = EXPECT[str(expect).lstrip("-") if expect else None] or ("difference", 1.0)
    sign = 1 if plan.primary.direction == "increase" else -1
    rows: list[Estimate] = []
    for estimand in ("difference", "lift"):
        row = Estimate(
            metric="main",
            role="primary",
            variant=variant,
            baseline="control",
            estimand=estimand,
            status="not_estimable" if state == "not_estimable" else "estimated",
            estimate=None if state == "not_estimable" else estimate,
            state=state,  # type: ignore[arg-type]
        )
        opposite = "wide" if interval in {"short", "negligible"} else "negligible"
        bounds = INTERVALS[interval if estimand == wanted else opposite]
        if bounds is not None:
            low, high = sorted(sign * bound * (size if estimand == wanted else 1e-9) for bound in bounds)
            row = replace(row, lower_adjusted=low, upper_adjusted=high)
        rows.append(row)
    return rows


def guardrail_rows(states: tuple[State, ...], *, variant: str = "treated", baseline: str = "control") -> list[Estimate]:
    return [
        Estimate(
            metric=f"g{number}",
            role="guardrail",
            variant=variant,
            baseline=baseline,
            estimand=estimand,
            status="not_estimable" if state == "not_estimable" else "estimated",
            # Only the difference row decides; the lift row of an absolute tolerance is for reading.
            state=state if estimand == "difference" else "described",
        )
        for number, state in enumerate(states)
        for estimand in ("difference", "lift")
    ]


def check(status: CheckStatus, name: CheckId = "srm") -> Check:
    return Check(id=name, status=status)


STATUSES: list[CheckStatus] = ["ok", "note", "block"]
PRIMARY = ["better", "worse", "cannot_tell", "not_estimable"]
MONEY = ["unmeasured", "pays", "probably", "unclear", "loses"]
GUARDRAIL: list[State] = ["safe", "harm", "cannot_tell", "not_estimable"]


def times(plan: Plan) -> dict[str, tuple[Plan, tuple[Alarm, ...]]]:
    """The moments at which a plan may be read, with the alarms of the moment."""
    looks = PlannedLooks(method="group_sequential", dates=(AS_OF, date(2026, 9, 1)), first=AS_OF)
    looking = replace(plan, looks=looks, readout=date(2026, 9, 1), enrolled_from=date(2026, 4, 1))
    interim = replace(plan, interim=True, readout=date(2026, 9, 1))
    quiet = Alarm(metric="g0", variant="treated", crossed=False)
    return {
        "final": (plan, ()),
        "interim": (interim, (quiet,)),
        "alarm": (interim, (quiet, replace(quiet, metric="main", crossed=True))),
        "between": (replace(looking, interim=True), ()),
        "look": (looking, ()),
        "week_1": (replace(looking, enrolled_from=date(2026, 5, 26)), ()),
        "last": (replace(looking, as_of=date(2026, 9, 1)), ()),
    }


def guardrail_states() -> Iterator[tuple[State, ...]]:
    for size in range(3):
        yield from product(GUARDRAIL, repeat=size)


def worst(states: tuple[State, ...]) -> str:
    return "harm" if "harm" in states else "safe" if set(states) <= {"safe"} else "unsure"


@pytest.mark.parametrize("policy", ["clear_signals", "do_no_harm", "custom", "lenient"])
@pytest.mark.parametrize(
    ("direction", "expect"),
    [
        *product(["increase", "decrease"], [None, "5%", "1pt", "80 USD"]),
        # A fall that is wanted may be written with its minus.
        *product(["decrease"], ["-5%", "-1pt", "-80 USD"]),
    ],
)
def test_the_truth_table(direction: str, expect: str | None, policy: str) -> None:
    plan = plans(direction, expect, policy)
    seen = set()
    moments = times(plan)
    primaries = {key: primary_rows(plan, *key) for key in product(PRIMARY, INTERVALS)}
    guards = {states: guardrail_rows(states) for states in guardrail_states()}
    health = {status: [check("ok", "maturity"), check(status)] for status in STATUSES}
    left = {money: pays(money) for money in MONEY}
    cases = product(STATUSES, moments, PRIMARY, guards, INTERVALS, MONEY)
    for status, time, primary, states, interval, money in cases:
        if status == "block" and (states or money != "pays"):
            continue  # Nothing else matters then: once is enough.
        rows = [*guards[states], *primaries[primary, interval]]
        then, alarms = moments[time]
        verdict = decide.judge(then, rows, health[status], alarms, left[money])
        known = interval if expect else "open"
        expected = oracle(status, time, primary, worst(states), known, money, policy)
        found = (verdict.recommendation, verdict.rule)
        assert found == expected, (status, time, primary, states, interval, money)
        assert verdict.rule.endswith(f" {verdict.reason}")
        seen.add(verdict.rule)
    reached = {rule for pattern, _, rule in ROWS if pattern[6] in {"*", policy} and (expect or pattern[4] == "*")}
    # The last row stands for the policies without conditions.
    assert seen == reached - ({"9 inconclusive"} if policy in CONDITIONS else set())


def test_every_rule_is_in_the_table() -> None:
    assert {f"{number} {name}" for name, number in decide.RULES.items()} == {rule for _, _, rule in ROWS}


@pytest.mark.parametrize("direction", ["increase", "decrease"])
def test_an_interval_that_touches_the_effect_worth_having_does_not_exclude_it(direction: str) -> None:
    plan = plans(direction, "80 USD", "clear_signals")
    sign = 1 if direction == "increase" else -1
    for factor, reason in ((1.0, "inconclusive"), (1 - 1e-12, "no_worthwhile_effect")):
        rows = [
            replace(
                row,
                lower_adjusted=min(-sign * 9.0, sign * 80 * factor),
                upper_adjusted=max(-sign * 9, sign * 80 * factor),
            )
            for row in primary_rows(plan, "cannot_tell", "open")
        ]
        assert decide.judge(plan, rows, []).reason == reason


@pytest.mark.parametrize(("spread", "units"), [(2_000.0, 5_000), (900.0, 700)])
def test_a_follow_up_is_as_large_as_its_power_asks(spread: float, units: int) -> None:
    """Beside statsmodels' sample size of a comparison of two means, rounded up to two digits; none where these units
    were enough, or nobody knows how wide the interval is."""
    plan = plans("increase", "80 USD", "clear_signals")
    half = NormalDist().inv_cdf(0.975) * spread * (2 / units) ** 0.5

    def follow_up(half: float, confidence: float | None = 0.95) -> int | None:
        known: dict[str, Any] = {"confidence_adjusted": confidence, "n": units, "n_baseline": units - 20}
        bounds = {"lower_adjusted": 40 - half, "upper_adjusted": 40 + half}
        rows = [replace(row, **known, **bounds) for row in primary_rows(plan, "cannot_tell", "open")]
        (found,) = decide.judge(plan, rows, []).by_variant
        assert found.reason == "inconclusive"
        return found.follow_up

    wanted = NormalIndPower().solve_power(effect_size=80 / spread, alpha=0.05, power=0.8)
    found = follow_up(half)
    assert found is not None
    assert wanted <= found <= 1.1 * wanted + 1
    assert len(str(found).rstrip("0")) <= 2
    assert follow_up(45.0) is None
    assert follow_up(half, None) is None


def test_what_the_verdict_is_about() -> None:
    plan = replace(plans("increase", "1pt", "clear_signals"), readout=date(2026, 9, 1))
    blocked = decide.judge(plan, [], [check("block"), check("note", "maturity"), check("block", "contamination")])
    assert (blocked.checks, blocked.variant, blocked.by_variant) == (("srm", "contamination"), None, ())
    early = decide.judge(replace(plan, interim=True), [], [])
    assert (early.until, early.variant) == ("2026-09-01", None)
    alarm = decide.judge(times(plan)["alarm"][0], [], [], times(plan)["alarm"][1])
    assert (alarm.variant, alarm.metrics, alarm.until) == ("treated", ("main",), None)
    waiting = decide.judge(times(plan)["look"][0], primary_rows(plan, "cannot_tell", "open"), [])
    assert (waiting.until, waiting.recommendation) == ("2026-09-01", "keep_running")
    missing = decide.judge(plan, [], [])
    assert (missing.reason, missing.metrics, missing.variant) == ("primary_missing", ("main",), "treated")
    better = primary_rows(plan, "better", "open")
    harmed = decide.judge(plan, [*better, *guardrail_rows(("harm", "cannot_tell"))], [])
    assert (harmed.metrics, harmed.until, harmed.checks) == (("g0",), None, ())
    unsure = decide.judge(plan, [*better, *guardrail_rows(("safe", "not_estimable"))], [])
    assert unsure.metrics == ("g1",)
    ship = decide.judge(plan, [*better, *guardrail_rows(("safe", "safe"))], [])
    assert (ship.metrics, ship.variant) == (("main",), "treated")


def several(direction: str = "increase", policy: str = "clear_signals") -> Plan:
    study = outcomes(
        {"main": {"desired_change": direction}},
        {"primary": "main"},
        variants=("mail", "push", "voucher"),
        analysis={"expect": "80 USD", "comparisons": [["push", "mail"]]},
        decision={"policy": policy},
    )
    return planning.plan(study, AS_OF)


STATES = {
    "ship": ("better", "open", ("safe",)),
    "discuss": ("cannot_tell", "open", ("safe",)),
    "do_not_ship": ("worse", "open", ("safe",)),
    "no_verdict": ("not_estimable", "open", ("safe",)),
}
PRIORITY = ["ship", "discuss", "do_not_ship", "no_verdict"]


@pytest.mark.parametrize("direction", ["increase", "decrease"])
def test_the_overall_choice(direction: str) -> None:
    """Every combination of what the three variants get, and of the order of their effects."""
    plan = several(direction)
    variants = ("mail", "push", "voucher")
    for given in product(STATES, repeat=3):
        for effects in ((1.0, 2.0, 3.0), (2.0, 3.0, 1.0), (3.0, 1.0, 2.0), (-3.0, -1.0, -2.0)):
            rows: list[Estimate] = []
            for variant, kind, effect in zip(variants, given, effects, strict=True):
                state, interval, guards = STATES[kind]
                rows += primary_rows(plan, state, interval, variant=variant, estimate=effect)
                rows += guardrail_rows(guards, variant=variant)  # type: ignore[arg-type]
            verdict = decide.judge(plan, rows, [])
            best = min(given, key=PRIORITY.index)
            candidates = [
                (effect, variant)
                for variant, kind, effect in zip(variants, given, effects, strict=True)
                if kind == best
            ]
            assert [row.recommendation for row in verdict.by_variant] == list(given)
            assert [row.variant for row in verdict.by_variant] == list(variants)
            assert verdict.recommendation == best
            chosen = (max if direction == "increase" else min)(candidates)[1]
            if best == "no_verdict":
                assert verdict.variant in variants
            else:
                assert verdict.variant == chosen


def test_only_the_comparison_with_control_decides() -> None:
    """Harm against another variant, and a better effect against it, say nothing about shipping."""
    plan = several()
    rows: list[Estimate] = []
    for variant in ("mail", "push", "voucher"):
        rows += primary_rows(plan, "cannot_tell", "open", variant=variant)
        rows += guardrail_rows(("safe",), variant=variant)
    pair = [
        replace(row, baseline="mail") for row in primary_rows(plan, "better", "open", variant="push", estimate=99.0)
    ]
    rows = [*pair, *guardrail_rows(("harm",), variant="push", baseline="mail"), *rows]
    verdict = decide.judge(plan, rows, [])
    assert {row.reason for row in verdict.by_variant} == {"inconclusive"}


def test_secondary_metrics_do_not_decide() -> None:
    plan = plans("increase", "1pt", "clear_signals")
    secondary = [replace(row, metric="other", role="secondary") for row in primary_rows(plan, "worse", "open")]
    verdict = decide.judge(plan, [*secondary, *primary_rows(plan, "better", "open")], [])
    assert verdict.recommendation == "ship"
