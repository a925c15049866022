"""Run the shop: the world that happened, and for each experiment the worlds with nobody and with everybody treated."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from holdfast import atomic
from holdfast.hashing import variant_of
from holdfast.simulate.around import Around
from holdfast.simulate.customers import Customers, Subscriptions, draw_customers, draw_subscriptions
from holdfast.simulate.events import Events, draw_day
from holdfast.simulate.experiments import CONTROL, ONBOARDING, TRIALS, Trial
from holdfast.simulate.settings import DAY, Bools, ShopSettings
from holdfast.simulate.shop import World, known_customers
from holdfast.simulate.tables import (
    customers_table,
    messages_table,
    orders_table,
    sessions_table,
    subscriptions_table,
    write_tables,
)
from holdfast.simulate.truth import Enrolment, ExperimentTruth, Truth, observed, true_effects

Progress = Callable[[str, float], None]
_REPORT_EVERY = 5
"""Days between two reports of progress."""


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """One experiment's two worlds that did not happen."""

    untreated: World
    treated: World


@dataclass(frozen=True, slots=True)
class ShopRun:
    """A simulated shop in memory."""

    settings: ShopSettings
    customers: Customers
    subscriptions: Subscriptions
    events: Events
    """What happened."""
    enrolments: dict[str, Enrolment]
    """Who took part, by experiment."""
    truth: Truth

    def assignments(self, slug: str) -> dict[str, tuple[str, int]]:
        """For each enrolled customer id of an experiment the variant and t0, in microseconds since 1970 UTC."""
        trial = next(trial for trial in TRIALS if trial.slug == slug)
        enrolment = self.enrolments[slug]
        instants = self.settings.utc_microseconds(enrolment.t0).tolist()
        ids = [self.customers.customer_id[row] for row in enrolment.customer.tolist()]
        names = [trial.treated if treated else CONTROL for treated in enrolment.treated.tolist()]
        return dict(zip(ids, zip(names, instants, strict=True), strict=True))


def simulate_shop(folder: Path, settings: ShopSettings, progress: Progress | None = None) -> Truth:
    """The true effects of the experiments of a simulated shop whose tables and truth.json are written to a folder.

    The same settings write the same tables and the same bytes of truth.json. `progress` hears the name of the stage
    and the share of it that is done.
    """
    say = progress or _silent
    run = run_shop(settings, say)
    shop, customers, events = run.settings, run.customers, run.events
    tables = (
        ("customers", lambda: customers_table(shop, customers)),
        ("subscription_periods", lambda: subscriptions_table(shop, customers, run.subscriptions)),
        ("messages", lambda: messages_table(shop, customers, events.messages)),
        ("orders", lambda: orders_table(shop, customers, events.orders)),
        ("sessions", lambda: sessions_table(shop, customers, events.sessions)),
        *Around(shop, customers, run.subscriptions, events).tables(),
    )
    with atomic.naming(folder):
        atomic.make_folder(folder)
    with atomic.workshop(folder) as room:
        # All of them before the first takes its place: tables of two shops would not fit together.
        write_tables(room, tables, lambda done: say("write", done / (len(tables) + 1)))
        atomic.write_text(room / "truth.json", run.truth.to_json())
        for path in sorted(path for path in room.iterdir() if path.is_file()):
            atomic.put(path, folder / path.name)
    say("write", 1.0)
    return run.truth


def run_shop(settings: ShopSettings, progress: Progress | None = None) -> ShopRun:
    """A simulated shop in memory, with who took part in which experiment and the true effects."""
    say = progress or _silent
    say("customers", 0.0)
    customers = draw_customers(settings)
    treated = {trial.slug: _treated(trial, customers) for trial in TRIALS}
    say("customers", 1.0)
    actual = World(settings, customers, treated)
    others = _live(actual, say)
    events = actual.journal.events()
    enrolments, experiments = {}, {}
    for number, trial in enumerate(TRIALS, start=1):
        enrolments[trial.slug] = _enrolment(actual, trial, treated[trial.slug])
        experiments[trial.slug] = _experiment(actual, events, enrolments[trial.slug], trial, others[trial.slug])
        say("truth", number / len(TRIALS))
    subscriptions = draw_subscriptions(settings, customers)
    return ShopRun(settings, customers, subscriptions, events, enrolments, Truth(experiments))


def _silent(stage: str, fraction: float) -> None:
    """Progress that nobody listens to."""


def _treated(trial: Trial, customers: Customers) -> Bools:
    """Whom the assignment hash of an experiment would treat."""
    weights = trial.weights
    variants = (variant_of(trial.salt, unit, weights) for unit in customers.customer_id)
    return np.fromiter((variant == trial.treated for variant in variants), dtype=np.bool_, count=customers.count)


def _live(actual: World, say: Progress) -> dict[str, Counterfactual]:
    """Run the actual world to its end; return the other worlds, each run from its experiment's start."""
    settings = actual.settings
    begins = {trial.slug: settings.day_of(trial.start) for trial in TRIALS}
    ends = {trial.slug: begins[trial.slug] + trial.follow_up for trial in TRIALS}
    others: dict[str, Counterfactual] = {}
    for day in range(settings.days):
        for slug, begin in begins.items():
            if day == begin:
                others[slug] = Counterfactual(actual.fork(slug, treat=False), actual.fork(slug, treat=True))
        draws = draw_day(settings, day, known_customers(actual.customers, day))
        actual.step(day, draws)
        for slug, worlds in others.items():
            if day < ends[slug]:
                worlds.untreated.step(day, draws)
                worlds.treated.step(day, draws)
        if day % _REPORT_EVERY == 0:
            say("simulate", day / settings.days)
    say("simulate", 1.0)
    return others


def _enrolment(world: World, trial: Trial, treated: Bools) -> Enrolment:
    """Who took part in an experiment, and from when on."""
    rows = np.flatnonzero(world.enrolled_on[trial.slug] >= 0)
    midnight = world.enrolled_on[trial.slug][rows] * DAY
    t0 = world.customers.signed_up[rows] if trial is ONBOARDING else midnight
    return Enrolment(rows, t0, treated[rows])


def _experiment(
    actual: World, events: Events, enrolment: Enrolment, trial: Trial, others: Counterfactual
) -> ExperimentTruth:
    """What is known about one experiment from its three worlds."""
    for world in (others.untreated, others.treated):
        # A tactic acts after t0 only, so it cannot change who is enrolled; the effects would not be averages
        # over one group of customers otherwise.
        if not np.array_equal(world.enrolled_on[trial.slug], actual.enrolled_on[trial.slug]):
            raise RuntimeError(f"the tactic of {trial.slug} changes who is enrolled in it")
    number = int(enrolment.treated.sum())
    return ExperimentTruth(
        enrolled=len(enrolment.customer),
        by_variant={CONTROL: len(enrolment.customer) - number, trial.treated: number},
        metrics=true_effects(others.untreated.journal.events(), others.treated.journal.events(), enrolment, trial),
        observed=observed(events, enrolment, trial),
    )
