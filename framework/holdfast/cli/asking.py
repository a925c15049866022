"""The commands that ask further: what was not planned, by what statement, what changed, and where to act."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.console import note, out, pairs, progress, table, write
from holdfast.cli.figures import number
from holdfast.cli.options import AsOfOption, JsonOption, ProjectOption, QuietOption
from holdfast.errors import UsageError

if TYPE_CHECKING:
    from holdfast.model.exploration import ExplorationResult
    from holdfast.model.kpi import Kpi
    from holdfast.model.result import MetricInfo

_USUAL = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]*[1-9])?")
MetricOption = Annotated[
    str, typer.Option("--metric", metavar="METRIC", help="A metric by name, with a window where it needs one.")
]


def explore(
    slug: str,
    metric: MetricOption,
    segment: Annotated[
        str | None, typer.Option("--segment", metavar="NAME", help="Compare within the values of this property.")
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="PROPERTY=VALUE",
            help='Only these units: country=JP, "orders=>= 3", age=20..29; twice the same property is any of both.',
        ),
    ] = None,
    project: ProjectOption = Path(),
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Look at what was not planned: exploratory, never in the verdict, listed by the next report as a deviation."""
    from holdfast.project import open_project

    wanted = conditions(where or [])
    with progress(quiet or as_json) as show:
        experiment = open_project(project).experiment(slug)
        found = experiment.explore(metric, segment=segment, where=wanted, as_of=as_of, progress=show)
    if as_json:
        write(found.to_json())
    else:
        _print_exploration(found.result)


def query(
    slug: str,
    metric: MetricOption,
    project: ProjectOption = Path(),
    as_of: AsOfOption = None,
    quiet: QuietOption = False,
) -> None:
    """Print the one statement behind a number, to be pasted: n, mean and variance of a metric in each variant."""
    from holdfast.project import open_project

    with progress(quiet) as show:
        text = open_project(project).experiment(slug).query(metric, as_of=as_of, progress=show)
    write(text)


def kpi(
    months: Annotated[int, typer.Option("--months", min=1, max=120, help="How many calendar months.")] = 12,
    by: Annotated[
        str | None, typer.Option("--by", metavar="NAME", help="A property of the customers, or a segment.")
    ] = None,
    project: ProjectOption = Path(),
    as_of: AsOfOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Print retention, churn, repeat, frequency, order value and revenue by month: where to act. Not an experiment."""
    from holdfast.project import open_project

    with progress(quiet or as_json) as show:
        found = open_project(project).kpi(months, by=by, as_of=as_of, progress=show)
    if as_json:
        write(found.to_json())
    else:
        _print_kpi(found.result)


def _print_kpi(found: Kpi) -> None:
    out(found.warning)
    out()
    by = [found.by] if found.by else []
    header = ("month", *by, "customers", "retention", "churn", "repeat", "frequency", "order value", "a customer")
    rows = []
    for row in found.rows:
        level = "all" if row.everybody else "too few" if row.suppressed else row.level or "not known"
        shares = ("–" if share is None else f"{share:.1%}" for share in (row.retention, row.churn, row.repeat))
        values = (row.frequency, row.average_order_value, row.revenue_per_customer)
        shown = ("–" if value is None else f"{value:,.2f}" for value in values)
        many = "–" if row.customers is None else f"{row.customers:,}"
        rows.append((row.month, *([level] if found.by else []), many, *shares, *shown))
    table(header, rows)
    out()
    pairs(found.definitions)
    if found.last_order:
        year, month = map(int, found.last_order.split("-"))
        after = f"{year + month // 12}-{month % 12 + 1:02d}-01"
        out(f"No orders after {found.last_order}. If the data end there, ask as of then: --as-of {after}")
    out(f"Calendar months of {found.timezone}, amounts in {found.currency}, facts that had arrived by {found.as_of}.")
    if any(row.suppressed for row in found.rows):
        out("Rows of so few customers that they may not be shown are left out, and what would give them away.")


def conditions(texts: list[str]) -> dict[str, object]:
    """Conditions by property, each value as YAML would read it.

    Raises:
        UsageError: a text is no property with what it must be.
    """
    found: dict[str, list[object]] = {}
    for text in texts:
        name, sign, value = (part.strip() for part in text.partition("="))
        if not sign or not name or not value:
            raise UsageError("--where needs a property and a value, as in country=JP")
        if name[-1] in "<>!":
            raise UsageError(f'--where "{text}": write the property, =, and what it must be, as in "orders=>= 3"')
        found.setdefault(name, []).append(_typed(value))
    return {name: values[0] if len(values) == 1 else values for name, values in found.items()}


def _typed(text: str) -> object:
    """A number where the text is the one usual way to write it: 007 and 1.10 may be texts."""
    if text in {"true", "false"}:
        return text == "true"
    if _USUAL.fullmatch(text):
        return float(text) if "." in text else int(text)
    return text


def _print_exploration(found: ExplorationResult) -> None:
    info = found.metric
    about = [f"by {found.segment}"] if found.segment else []
    about += ["where " + " and ".join(f"{name} is {text}" for name, text in found.where.items())] if found.where else []
    out(f"EXPLORATORY: {' '.join([f'{info.title} ({info.key})', *about])}; {found.experiment} as of {found.as_of}")
    out("Not planned, so no verdict rests on it. A new experiment can show whether it holds.")
    for check in found.blocked:
        out(f"Do not trust it: the check {check.id} of the assignment failed; see holdfast analyze {found.experiment}.")
    out()
    interval = f"difference ({found.confidence:.0%} interval)"
    header = ("units", "variant", "against", "n", "n against", "value", "value against", interval, "change", "p")
    table(header, [*_whole(found), *_levels(found)])
    if found.suppressed:
        out(f"{found.suppressed} values of {found.segment} are not shown: too few units, or they would show those.")
    for test in found.interactions:
        told = "cannot be tested" if test.p is None else f"p = {test.p:.2g}"
        out(f"Whether {test.variant} against {test.baseline} differs by {test.dimension}: {told}.")
    note(
        f"exploration {found.explored} of this experiment, listed in experiments/{found.experiment}/explorations.yaml; "
        "of twenty questions without an effect about one looks like a finding"
    )


def _whole(found: ExplorationResult) -> Iterator[tuple[str, ...]]:
    info, levels = found.metric, {row.variant: row for row in found.levels}
    lifts = {(row.variant, row.baseline): row for row in found.estimates if row.estimand == "lift"}
    for row in found.estimates:
        if row.estimand != "difference":
            continue
        lift = lifts[row.variant, row.baseline]
        yield (
            "all" if not found.where else "these",
            row.variant,
            row.baseline,
            f"{row.n:,}",
            f"{row.n_baseline:,}",
            figure(info, levels[row.variant].value),
            figure(info, levels[row.baseline].value),
            _interval(info, row.estimate, row.lower, row.upper) or f"none: {row.detail or row.reason}",
            "" if lift.estimate is None else f"{lift.estimate:+.1%}",
            "" if row.p is None else f"{row.p:.2g}",
        )


def _levels(found: ExplorationResult) -> Iterator[tuple[str, ...]]:
    info = found.metric
    for row in found.segments:
        difference, lift = row.difference, row.lift
        yield (
            f"{row.dimension}: {'not known' if row.level is None else row.level}",
            row.variant,
            row.baseline,
            f"{row.n:,}",
            f"{row.n_baseline:,}",
            figure(info, row.value),
            figure(info, row.baseline_value),
            _interval(info, difference.estimate, difference.lower, difference.upper) or f"none: {difference.reason}",
            "" if lift.estimate is None else f"{lift.estimate:+.1%}",
            "",
        )


def figure(info: MetricInfo, value: float | None, *, signed: bool = False) -> str:
    """A value of a metric: a share in percent, anything else in its unit."""
    if value is None:
        return "–"
    sign = "+" if signed else ""
    if info.family == "proportion":
        return f"{100 * value:{sign}.2f}{' points' if signed else '%'}"
    return number(value, signed=signed) + (f" {info.unit}" if info.unit else "")


def _interval(info: MetricInfo, estimate: float | None, lower: float | None, upper: float | None) -> str:
    if estimate is None or lower is None or upper is None:
        return ""
    scale = 100.0 if info.family == "proportion" else 1.0
    ends = [number(scale * end, signed=True) for end in (lower, upper)]
    return f"{figure(info, estimate, signed=True)} ({ends[0]} to {ends[1]})"


__all__ = ["conditions", "explore", "figure", "kpi", "query"]
