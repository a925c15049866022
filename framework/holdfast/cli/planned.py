"""What `holdfast plan` prints: what will be computed, from when it can be read, and what a size could tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from holdfast.cli.console import note, out, table
from holdfast.model.plan import Plan

if TYPE_CHECKING:
    from holdfast.project.sizing import Sized


def print_plan(plan: Plan) -> None:
    """The plan, line by line, and its metrics as a table."""
    out(f"{plan.study.title} ({plan.study.slug})")
    out(
        f"as of {plan.as_of}; readout {plan.readout or 'when the file is read'}"
        + (f", set by {plan.readout_metric}" if plan.readout_metric else "")
    )
    out(f"comparisons: {', '.join(f'{variant} against {baseline}' for variant, baseline in plan.comparisons)}")
    for line in planned_besides(plan):
        out(line)
    rows = [
        (
            planned.key,
            planned.role,
            planned.family or "by its values",
            f"days {planned.window.first_day} to {planned.window.end_day - 1}, {planned.clock}"
            if planned.window
            else "closed",
            str(planned.tolerate or ""),
        )
        for planned in plan.metrics
        if planned.role != "curve"
    ]
    table(("metric", "role", "kind", "window", "tolerated"), rows)


def print_sizes(plan: Plan, found: Sequence[Sized]) -> None:
    """What a size could tell about each metric with a baseline."""
    from holdfast.report.numbers import Numbers, Scale, places

    out()
    rows, written = [], Numbers()
    for item in found:
        scale = Scale.of(item.metric.family or "mean", item.metric.unit)
        digits = places(2 * item.detectable, scale)
        chance = "" if item.power_to_pass is None else f"{item.power_to_pass:.0%}"
        needed = "" if item.customers_needed is None else f"{item.customers_needed:,}"
        known = written.level(item.baseline.value, scale, digits)
        rows.append((item.metric.key, known, f"±{written.size(item.detectable, scale, digits)}", chance, needed))
    table(("metric", "baseline", "detectable", "chance to read safe", "customers for that"), rows)
    for item in found:
        if item.finding:
            note(str(item.finding))
    sized_keys = {item.metric.key for item in found}
    for planned in plan.metrics:
        if planned.role in {"primary", "guardrail"} and planned.key not in sized_keys:
            note(f"{planned.key} ({planned.role}): no baseline was given, so nothing is said of it")


def planned_besides(plan: Plan) -> Iterator[str]:
    """One line for each thing that the plan has, in plain words."""
    yield from _looks(plan)
    analysis, strata = plan.study.experiment.analysis, plan.study.experiment.assignment.strata
    past = [f"each metric's own number over the {analysis.cuped.lookback} before assignment"] if analysis.cuped else []
    names = [*([] if analysis.covariates else past), *plan.study.experiment.adjusted_for]
    if names:
        yield f"adjusted for: {', '.join(names)}"
    if strata:
        yield f"compared within: {', '.join(strata)}"
    if analysis.segments:
        yield f"segments: {', '.join(analysis.segments)}"
    yield from _money(plan)


def _looks(plan: Plan) -> Iterator[str]:
    looks = plan.looks
    if looks is None:
        yield "looks: one, at the readout; before it an alarm of harm that may be read on any day"
    elif looks.method == "always_valid":
        yield f"looks: any day from {looks.first}, always-valid intervals"
    else:
        spent = looks.spending.replace("_", "-")
        dates = [str(day) for day in looks.dates]
        listed = ", ".join(dates) if len(dates) <= 6 else f"{', '.join(dates[:3])}, ... {dates[-1]}"
        yield f"looks: {len(dates)} ({listed}), group-sequential, error spent as {spent}"


def _money(plan: Plan) -> Iterator[str]:
    money = plan.money
    if money is None:
        return
    costs = [part.name for part in money.vector.parts[1 : 1 + len(money.netted)]]
    told = [f"{name} (in the margin already)" if net else name for name, net in zip(costs, money.netted, strict=True)]
    yield (
        f"pays: {money.metric}, costs from {', '.join(told)}" if told else f"pays: {money.metric}, no cost is measured"
    )
    for kind, amount in money.not_measured:
        yield f"  not measured, so left out: {kind.replace('_', ' ')} {amount}"
