"""From checks and estimates to a recommendation: one truth table, evaluated in order; the rule that fired is named.

| rule | when | recommendation |
|---|---|---|
| 1 check_failed | a health check blocks | no_verdict |
| 2 harm_alarm | before the readout of a plan that is read once, the alarm of harm is crossed | do_not_ship |
| 2 between_looks | a plan with looks is read on another day before its readout | keep_running |
| 2 not_mature | a plan that is read once is read before its readout | keep_running |
| 3 primary_missing | the primary metric cannot be estimated, and no look follows | no_verdict |
| 4 harm | a guardrail shows harm beyond what is tolerated | do_not_ship |
| 5 primary_worse | the primary metric is worse, and no condition of the policy's own accepts that | do_not_ship |
| 5 loses_money | the interval of what is left after the tactic's costs lies below zero | do_not_ship |
| 6 not_crossed | at a look before the last, none of these, and not rule 7 | keep_running |
| 6 guardrail_cannot_tell | the primary is better, a guardrail cannot tell | discuss |
| 6 unclear_money | the primary is better, guardrails are safe, and a loss is not improbable enough | discuss |
| 7 primary_better | the primary is better, every guardrail is safe, and it pays where that is measured | ship |
| 7 conditions_met | policy custom, in place of the rules from 6 to here: every condition of ship_if holds | ship |
| 8 no_worthwhile_effect | the interval excludes the effect worth having | do_not_ship (do_no_harm: ship) |
| 9 conditions_not_met | policy custom: a condition does not hold | discuss |
| 9 inconclusive | everything else | discuss |

It pays where the interval of what is left lies above zero, or a loss is at most 10 % probable. At a look before the
last, rule 7 waits until enrolment has run for a week: a day of the week is no random sample. Losing money is then no
reason to stop, since its interval knows nothing of the looks.
Rules 3 to 9 are evaluated for each variant against control; the overall recommendation is the ship variant with the
best primary estimate, and without one the most pressing of the others.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from statistics import NormalDist

from holdfast.model.found import Alarm, MoneyResult
from holdfast.model.plan import Plan
from holdfast.model.result import Check, Estimate, Recommendation, VariantVerdict, Verdict

RULES = {
    "check_failed": 1,
    "harm_alarm": 2,
    "between_looks": 2,
    "not_mature": 2,
    "primary_missing": 3,
    "harm": 4,
    "primary_worse": 5,
    "loses_money": 5,
    "not_crossed": 6,
    "guardrail_cannot_tell": 6,
    "unclear_money": 6,
    "primary_better": 7,
    "conditions_met": 7,
    "no_worthwhile_effect": 8,
    "primary_not_worse": 8,
    "conditions_not_met": 9,
    "inconclusive": 9,
}
_PRESSING: tuple[Recommendation, ...] = ("ship", "keep_running", "discuss", "do_not_ship", "no_verdict")
_WEEK = dt.timedelta(days=7)
_ACCEPTED_RISK = 0.1
"""How probable a loss may be in something that pays."""
_POWER = 0.8
_BEYOND_USE = 1e12
"""Units that nobody has."""


def judge(
    plan: Plan,
    estimates: Sequence[Estimate],
    checks: Sequence[Check],
    alarms: Sequence[Alarm] = (),
    pays: Sequence[MoneyResult] = (),
) -> Verdict:
    """The recommendation, the rule that fired and what it was about.

    Args:
        plan: what was planned, as of the day of reading.
        estimates: all rows.
        checks: of health.
        alarms: of harm, before the readout.
        pays: what is left of each variant's margin after its costs, where that is measured.
    """
    blocked = tuple(check.id for check in checks if check.status == "block")
    if blocked:
        return Verdict(
            recommendation="no_verdict", reason="check_failed", rule=_rule("check_failed"), variant=None, checks=blocked
        )
    if plan.interim:
        return _interim(plan, [alarm for alarm in alarms if alarm.crossed])
    control = plan.study.experiment.control
    verdicts = tuple(
        _variant(
            plan,
            variant,
            [row for row in estimates if row.variant == variant and row.baseline == control],
            next((row for row in pays if row.variant == variant and row.baseline == control), None),
        )
        for variant in plan.study.experiment.treatments
    )
    chosen = _overall(plan, verdicts, estimates)
    return Verdict(
        recommendation=chosen.recommendation,
        reason=chosen.reason,
        rule=_rule(chosen.reason),
        variant=chosen.variant,
        metrics=chosen.metrics,
        until=_next(plan) if chosen.recommendation == "keep_running" else None,
        by_variant=verdicts,
    )


def _interim(plan: Plan, crossed: Sequence[Alarm]) -> Verdict:
    """Before the readout: wait, unless harm has been shown."""
    if crossed:
        first = crossed[0].variant
        return Verdict(
            recommendation="do_not_ship",
            reason="harm_alarm",
            rule=_rule("harm_alarm"),
            variant=first,
            metrics=tuple(alarm.metric for alarm in crossed if alarm.variant == first),
        )
    reason = "between_looks" if plan.looks else "not_mature"
    return Verdict(
        recommendation="keep_running",
        reason=reason,
        rule=_rule(reason),
        variant=None,
        until=_next(plan),
    )


def _next(plan: Plan) -> str | None:
    """The date to wait for: the next look that has one, or the readout."""
    ahead = [day for day in (plan.looks.dates if plan.looks else ()) if day > plan.as_of]
    found = min(ahead, default=plan.readout)
    return found.isoformat() if found else None


def _too_early_to_ship(plan: Plan) -> bool:
    """Whether enrolment has not run for a week."""
    return plan.enrolled_from is not None and plan.as_of < plan.enrolled_from + _WEEK


def _rule(reason: str) -> str:
    return f"{RULES[reason]} {reason}"


def _variant(  # noqa: PLR0911 (one return a rule)
    plan: Plan, variant: str, rows: list[Estimate], money: MoneyResult | None
) -> VariantVerdict:
    """The first rule of the table that holds for one variant."""
    differences = [row for row in rows if row.estimand == "difference"]
    primary = next((row for row in differences if row.role == "primary"), None)
    if primary is None or primary.status != "estimated":
        key = (plan.primary.key,)
        if plan.goes_on:
            return VariantVerdict(variant=variant, recommendation="keep_running", reason="not_crossed", metrics=key)
        return VariantVerdict(variant=variant, recommendation="no_verdict", reason="primary_missing", metrics=key)
    harmed = tuple(row.metric for row in differences if row.role == "guardrail" and row.state == "harm")
    decisive = (primary.metric,)
    if harmed:
        return VariantVerdict(variant=variant, recommendation="do_not_ship", reason="harm", metrics=harmed)
    if primary.state == "worse" and not _accepted(plan, primary):
        return VariantVerdict(variant=variant, recommendation="do_not_ship", reason="primary_worse", metrics=decisive)
    if _loses(money) and not plan.goes_on:
        return VariantVerdict(variant=variant, recommendation="do_not_ship", reason="loses_money", metrics=decisive)
    custom = plan.study.experiment.decision.policy == "custom"
    found = _by_conditions(plan, variant, differences) if custom else _by_signals(variant, primary, differences, money)
    if plan.goes_on:
        if found is not None and found.recommendation == "ship" and not _loses(money) and not _too_early_to_ship(plan):
            return found
        return VariantVerdict(variant=variant, recommendation="keep_running", reason="not_crossed", metrics=decisive)
    if found is not None and found.reason != "conditions_not_met":
        return found
    if _excludes_worthwhile(plan, rows):
        unsure = () if custom else _unsure(differences)
        return _without_worth(plan, variant, decisive, unsure)
    return found or VariantVerdict(
        variant=variant,
        recommendation="discuss",
        reason="inconclusive",
        metrics=decisive,
        follow_up=_follow_up(plan, rows),
    )


def _by_signals(
    variant: str, primary: Estimate, rows: list[Estimate], money: MoneyResult | None
) -> VariantVerdict | None:
    """What a primary metric that is better means; None where it is not."""
    if primary.state != "better":
        return None
    if unsure := _unsure(rows):
        return VariantVerdict(variant=variant, recommendation="discuss", reason="guardrail_cannot_tell", metrics=unsure)
    if not _pays(money):
        metrics = (primary.metric,)
        return VariantVerdict(variant=variant, recommendation="discuss", reason="unclear_money", metrics=metrics)
    return VariantVerdict(variant=variant, recommendation="ship", reason="primary_better", metrics=(primary.metric,))


def _by_conditions(plan: Plan, variant: str, rows: list[Estimate]) -> VariantVerdict:
    """What the conditions of a policy of one's own say: which do not hold, or that all do."""
    states = {row.metric: row.state for row in rows if row.status == "estimated"}
    conditions = plan.study.experiment.decision.ship_if
    named = tuple(dict.fromkeys(str(each.metric) for each in conditions))
    failed = {str(each.metric) for each in conditions if states.get(str(each.metric)) not in each.reads}
    if failed:
        metrics = tuple(metric for metric in named if metric in failed)
        return VariantVerdict(variant=variant, recommendation="discuss", reason="conditions_not_met", metrics=metrics)
    return VariantVerdict(variant=variant, recommendation="ship", reason="conditions_met", metrics=named)


def _accepted(plan: Plan, primary: Estimate) -> bool:
    """Whether a condition of the policy's own accepts that the primary metric reads as it does."""
    conditions = plan.study.experiment.decision.ship_if
    return any(str(each.metric) == primary.metric and primary.state in each.reads for each in conditions)


def _unsure(rows: list[Estimate]) -> tuple[str, ...]:
    """The guardrails that are neither safe nor harmed."""
    return tuple(row.metric for row in rows if row.role == "guardrail" and row.state not in {"safe", "harm"})


def _loses(money: MoneyResult | None) -> bool:
    """Whether it is shown that costs exceed what they bring in."""
    return money is not None and money.net.upper is not None and money.net.upper < 0


def _pays(money: MoneyResult | None) -> bool:
    """Whether it pays, or nobody measures that."""
    if money is None or (money.net.lower is not None and money.net.lower > 0):
        return True
    return money.loss_probability is not None and money.loss_probability <= _ACCEPTED_RISK


def _without_worth(plan: Plan, variant: str, decisive: tuple[str, ...], unsure: tuple[str, ...]) -> VariantVerdict:
    """No worthwhile gain: no reason to ship, unless the policy ships whatever does no harm."""
    if plan.study.experiment.decision.policy != "do_no_harm":
        return VariantVerdict(
            variant=variant, recommendation="do_not_ship", reason="no_worthwhile_effect", metrics=decisive
        )
    if unsure:
        return VariantVerdict(variant=variant, recommendation="discuss", reason="guardrail_cannot_tell", metrics=unsure)
    return VariantVerdict(variant=variant, recommendation="ship", reason="primary_not_worse", metrics=decisive)


def _excludes_worthwhile(plan: Plan, rows: list[Estimate]) -> bool:
    """Whether the interval of the primary metric lies wholly short of the effect worth having, harm included:
    under do_no_harm also of the same effect in the wrong direction."""
    row, size = _beside_expected(plan, rows)
    if row is None or row.lower_adjusted is None or row.upper_adjusted is None:
        return False
    short = row.upper_adjusted < size if plan.primary.direction == "increase" else row.lower_adjusted > -size
    if plan.study.experiment.decision.policy != "do_no_harm":
        return short
    return row.upper_adjusted < size and row.lower_adjusted > -size


def _beside_expected(plan: Plan, rows: list[Estimate]) -> tuple[Estimate | None, float]:
    """The primary metric's row on the scale of the effect worth having, and the size of that."""
    expect = plan.study.experiment.analysis.expect
    if expect is None:
        return None, 0.0
    estimand = "lift" if expect.is_relative else "difference"
    row = next((row for row in rows if row.role == "primary" and row.estimand == estimand), None)
    return row, abs(expect.plain)


def _follow_up(plan: Plan, rows: list[Estimate]) -> int | None:
    """Units a variant with which a repeat that is read in the same way shows the effect worth having with the usual
    power: the interval's width goes with one over the root of the units."""
    row, size = _beside_expected(plan, rows)
    if row is None or not size or row.lower_adjusted is None or row.upper_adjusted is None:
        return None
    critical = NormalDist().inv_cdf(0.5 + (row.confidence_adjusted or 0.0) / 2)
    if not critical > 0:
        return None
    half = (row.upper_adjusted - row.lower_adjusted) / 2
    times = (half * (1 + NormalDist().inv_cdf(_POWER) / critical) / size) ** 2
    wanted = times * max(row.n, row.n_baseline)
    return None if times <= 1 or wanted > _BEYOND_USE else _two_digits_up(wanted)


def _two_digits_up(number: float) -> int:
    step = int(10 ** max(len(str(math.ceil(number))) - 2, 0))
    return math.ceil(number / step) * step


def _overall(plan: Plan, verdicts: Sequence[VariantVerdict], estimates: Sequence[Estimate]) -> VariantVerdict:
    """The ship variant with the best primary estimate; without one, the best of the most pressing recommendation."""
    control = plan.study.experiment.control
    sign = 1 if plan.primary.direction == "increase" else -1
    effect = {
        row.variant: sign * (row.estimate or 0.0)
        for row in estimates
        if row.role == "primary" and row.estimand == "difference" and row.baseline == control
    }
    for recommendation in _PRESSING:
        matching = [verdict for verdict in verdicts if verdict.recommendation == recommendation]
        if matching:
            return max(matching, key=lambda verdict: effect.get(verdict.variant, float("-inf")))
    raise ValueError("an experiment has at least one variant besides control")
