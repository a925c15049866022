"""Rules for time: offers, windows, holdouts and the readout fit each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from holdfast.config.finished import DATA_SOURCE
from holdfast.config.marks import Path, Sheet
from holdfast.config.rules.deciding import Metrics, deciding, window_of
from holdfast.config.rules.known import Known
from holdfast.config.rules.limits import check_duration
from holdfast.config.rules.metrics import is_column, sources_of
from holdfast.config.rules.tactics import offer_of
from holdfast.model.experiment import AlwaysValid, Enroll, Experiment
from holdfast.model.metric import Window
from holdfast.model.tactic import Incentive
from holdfast.model.values import Duration


def check_timing(known: Known, sheet: Sheet, experiment: Experiment, metrics: Metrics) -> None:
    """What is read is over by then, and what is promised has ended."""
    if experiment.assignment.source != DATA_SOURCE:
        _check_offers(known, sheet, experiment, metrics)
    _check_holdout(known, sheet, experiment)
    _check_readout(known, sheet, experiment, metrics)
    looks = experiment.analysis.looks
    if isinstance(looks, AlwaysValid):
        check_duration(sheet, ("analysis", "looks", "start"), looks.start, zero=True)


def _end(window: Window) -> Duration:
    return Duration(window.start.hours + window.length.hours)


def _check_offers(known: Known, sheet: Sheet, experiment: Experiment, metrics: Metrics) -> None:
    """An incentive moves purchases forward: the windows reach past its end, and something looks at what follows."""
    tactics = [known.tactics.get(variant.tactic) for variant in experiment.variants.values()]
    offers = [offer for tactic in tactics if (offer := offer_of(tactic)) is not None]
    ends = [offer.expires_after for offer in offers if offer.expires_after is not None]
    if not offers:
        return
    latest = max(ends, default=None)
    plan = experiment.metrics
    primary = metrics.get(plan.primary.name)
    window = window_of(plan.primary, primary) if primary is not None else None
    if latest is not None and window is not None and _end(window) < latest:
        message = (
            f'"{plan.primary}" is read {_end(window)} after assignment, while the offer still runs for '
            f"{Duration(latest.hours - _end(window).hours)}; read it after {latest} at the earliest, "
            f"such as {plan.primary.name}@{Duration(latest.hours * 2)}"
        )
        sheet.judge("offer-outlasts-window", ("metrics", "primary"), message)
    if any(isinstance(tactic, Incentive) for tactic in tactics):
        _check_pull_forward(sheet, experiment, metrics, latest)


def _check_pull_forward(sheet: Sheet, experiment: Experiment, metrics: Metrics, latest: Duration | None) -> None:
    earliest = latest or Duration(24)
    for guardrail in experiment.metrics.guardrails:
        if guardrail.metric.name not in metrics:
            return  # an unknown name, reported already, may well be the one that is looked for
        metric = metrics[guardrail.metric.name]
        window = window_of(guardrail.metric, metric) if metric is not None else None
        if metric is None or (window is not None and window.start >= earliest):
            return
    message = (
        "an incentive may only move purchases forward, and no guardrail looks at what comes after it; add one whose "
        f"window starts {earliest} after assignment or later, such as `guardrails: "
        "[{metric: margin_after_offer, tolerate: 10%}]`"
    )
    sheet.judge("no-after-offer-guardrail", ("metrics", "guardrails"), message, at="key", severity="warning")


def enrolment(enroll: Enroll | None) -> tuple[dt.date, dt.date] | None:
    """The first day of enrolment and the day after its last, where they are written."""
    try:
        if enroll is not None and enroll.date is not None:
            return enroll.date, enroll.date + dt.timedelta(days=1)
        if enroll is not None and enroll.start is not None and enroll.length is not None:
            return enroll.start, enroll.start + enroll.length.timedelta
    except OverflowError:
        return None  # a length of centuries is reported at its own place
    return None


def _check_holdout(known: Known, sheet: Sheet, experiment: Experiment) -> None:
    """On every day that customers enter, one of the holdouts that the experiment names is running."""
    if known.project is None or not experiment.assignment.by_holdfast:
        return
    own, period = experiment.assignment.holdout, enrolment(experiment.enroll)
    names = known.project.defaults.holdout if own is None else own
    found = [known.project.holdouts[name] for name in names if name in known.project.holdouts]
    if not names or len(found) < len(names) or period is None or any(item.until <= item.start for item in found):
        return
    first, last = period[0], period[1] - dt.timedelta(days=1)
    covered = first
    for item in sorted(found, key=lambda item: item.start):
        if item.start <= covered:
            covered = max(covered, item.until + dt.timedelta(days=1))
    if covered <= last:
        running = " and ".join(
            f"{name} runs from {item.start} to {item.until}" for name, item in zip(names, found, strict=True)
        )
        message = f"customers enter from {first} to {last}, but {running}; name every holdout of that time"
        path: Path = ("enroll",) if own is None else ("assignment", "holdout")
        sheet.judge("holdout-not-running", path, message, severity="warning", rests_on=("enroll",))


def _waits(known: Known, experiment: Experiment, metrics: Metrics) -> Iterator[tuple[int, int, str]]:
    """For each metric that decides, and each curve: days until its window ends, days of freshness, its name."""
    for _, _, ref in deciding(experiment.metrics):
        metric = metrics.get(ref.name)
        window = window_of(ref, metric) if metric is not None else None
        if metric is not None and window is not None and not is_column(metric):
            yield _end(window).hours, _freshness(known, sources_of(metric)), f'"{ref}"'
    for curve in experiment.metrics.curves:
        if curve.fact is not None and curve.days:
            yield max(curve.days) * 24, _freshness(known, (curve.fact.source,)), "a curve"


def _freshness(known: Known, names: tuple[str, ...]) -> int:
    found = (known.sources.get(name) for name in names)
    return max((source.freshness.hours for source in found if source is not None), default=0)


def _check_readout(known: Known, sheet: Sheet, experiment: Experiment, metrics: Metrics) -> None:
    """The date up to which outcomes are seen lies after every window has closed."""
    observed, period = experiment.observed, enrolment(experiment.enroll)
    waits = list(_waits(known, experiment, metrics))
    if observed is None or not waits:
        return
    hours, fresh, name = max(waits, key=lambda wait: wait[0] + wait[1])
    # of a finished experiment only the first possible assignment is known: somebody at least must be seen to the end
    end = period[1] if period is not None else observed.start
    if end is None or hours + fresh > 24 * 7320:
        return
    try:
        earliest = end + dt.timedelta(days=-(-(hours + fresh) // 24))
    except OverflowError:
        return
    if observed.until < earliest:
        since = f"enrolment ends on {end}" if period is not None else f"nobody was assigned before {end}"
        message = (
            f"{observed.until} is too early: {since}, {name} ends {Duration(hours)} after assignment, and its data "
            f"arrive within {Duration(fresh)}; the earliest readout is {earliest}"
        )
        path: Path = ("observed", "until")
        sheet.judge("readout-too-early", path, message, rests_on=("enroll",))
