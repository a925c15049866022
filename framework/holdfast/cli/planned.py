"""What `holdfast plan` says besides the metrics: looks, adjustment, segments, money."""

from __future__ import annotations

from collections.abc import Iterator

from holdfast.model.plan import Plan


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
