"""How many evaluations a second the OpenFeature provider answers, beside a provider that returns a constant.

    python benchmarks/provider.py [--evaluations 5000] [--rounds 41]

Every round runs every case once, each with the same customers; a ratio is taken within a round, and the median over the
rounds is printed. Times are the process's own, so that other programs on the machine count less; writing the log is in
them. The floor is the hash of each id in a plain Python loop. `one hash` is an experiment with a
condition on one property; `four hashes` has three conditions, a slot, a holdout, half of the traffic and three
variants. With the hook, `repeats` are customers that were logged before, `first time` are new ones in every round.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.hook import Hook
from openfeature.provider import Metadata

from holdfast import hashing
from holdfast.model.flag import Flag, FlagHoldout, FlagSlot, FlagVariant
from holdfast.model.predicate import Condition
from holdfast.serve import ExposureHook, ExposureLog, HoldfastProvider

OPENS = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
Run = Callable[[], None]
BASES = ("client and an idle hook: constant", "client: constant", "resolve: constant")
"""What cases are compared with, by how they begin."""


class Constant(HoldfastProvider):
    """Answers without a look at anything."""

    def __init__(self) -> None:
        super().__init__(Flags())

    def get_metadata(self) -> Metadata:
        return Metadata("constant")

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        del flag_key, default_value, evaluation_context
        return FlagResolutionDetails("control", reason=Reason.STATIC)


class Flags:
    """Two experiments, one simple and one with everything."""

    def flags(self) -> Sequence[Flag]:
        """The flags."""
        two = (FlagVariant(key="control", weight=1, is_control=True), FlagVariant(key="new", weight=1))
        three = (*two, FlagVariant(key="other", weight=2))
        simple = Flag(
            experiment="one",
            names=("one",),
            salt="one-1",
            config_hash="0" * 64,
            variants=two,
            audience={"country": Condition.parse("JP")},
            opens=OPENS,
        )
        full = Flag(
            experiment="four",
            names=("four",),
            salt="four-1",
            config_hash="0" * 64,
            variants=three,
            traffic=Decimal("0.5"),
            audience={"country": Condition.parse(["JP", "KR"]), "orders": Condition.parse(">= 3")},
            consents=("email_opt_in",),
            slot=FlagSlot(name="g", salt="g-1", low=Decimal(0), high=Decimal("0.9")),
            holdouts=(FlagHoldout(name="h", salt="h-1", share=Decimal("0.05"), start=OPENS),),
            opens=OPENS,
        )
        return simple, full


def _contexts(n: int, prefix: str = "customer") -> list[EvaluationContext]:
    attributes = {"country": "JP", "orders": 5, "email_opt_in": True}
    return [EvaluationContext(f"{prefix}-{number}", attributes) for number in range(n)]


def _floor(keys: list[str]) -> Run:
    limits = hashing.variant_limits({"control": 1, "new": 1})

    def run() -> None:
        for key in keys:
            hashing.pick(hashing.bucket("one-1", "variant", key), limits)

    return run


def _resolving(provider: HoldfastProvider, flag: str, contexts: list[EvaluationContext]) -> Run:
    def run() -> None:
        for context in contexts:
            provider.resolve_string_details(flag, "tour", context)

    return run


def _asking(domain: str, flag: str, contexts: list[EvaluationContext], hooks: list[Any]) -> Run:
    client = api.get_client(domain)
    client.add_hooks(hooks)

    def run() -> None:
        for context in contexts:
            client.get_string_value(flag, "tour", context)

    return run


def _newcomers(log: ExposureLog, n: int) -> Run:
    """Other customers in every round, made before the clock starts."""
    client = api.get_client("holdfast")
    client.add_hooks([ExposureHook(log)])
    fresh = iter([_contexts(n, f"round-{number}") for number in range(100)])

    def run() -> None:
        for context in next(fresh):
            client.get_string_value("one", "tour", context)

    return run


def measure(evaluations: int, rounds: int, folder: str) -> dict[str, list[float]]:
    """Seconds of each case in each round."""
    constant, provider = Constant(), HoldfastProvider(Flags())
    api.set_provider_and_wait(constant, "constant")
    api.set_provider_and_wait(provider, "holdfast")
    contexts = _contexts(evaluations)
    log = ExposureLog(folder, capacity=10**7, remember=10 * evaluations)
    repeats, first = ExposureHook(log), ExposureLog(f"{folder}/first", capacity=10**7)
    cases: dict[str, Run] = {
        "hash in a plain loop": _floor([str(context.targeting_key) for context in contexts]),
        "resolve: constant": _resolving(constant, "one", contexts),
        "resolve: one hash": _resolving(provider, "one", contexts),
        "resolve: four hashes": _resolving(provider, "four", contexts),
        "client: constant": _asking("constant", "one", contexts, []),
        "client: one hash": _asking("holdfast", "one", contexts, []),
        "client: four hashes": _asking("holdfast", "four", contexts, []),
        "client and an idle hook: constant": _asking("constant", "one", contexts, [Hook()]),
        "client and hook: one hash, repeats": _asking("holdfast", "one", contexts, [repeats]),
        "client and hook: one hash, first time": _newcomers(first, evaluations),
    }
    times: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, run in sorted(cases.items(), key=lambda item: hash((number, item[0]))):
            start = time.process_time()
            run()
            log.flush()
            first.flush()
            if number:  # the first round warms up
                times[name].append(time.process_time() - start)
    log.close()
    first.close()
    return times


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--evaluations", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=41)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        times = measure(options.evaluations, options.rounds, folder)
    print(f"{'':40}{'a second, best':>16}{'median':>10}{'of the constant':>18}")
    for name, seconds in times.items():
        against = next(base for base in BASES if name.startswith(base.partition(":")[0][:10]) or base is BASES[-1])
        ratios = [base / own for base, own in zip(times[against], seconds, strict=True)]
        best, median = options.evaluations / min(seconds), options.evaluations / statistics.median(seconds)
        print(f"{name:40}{best:>16,.0f}{median:>10,.0f}{statistics.median(ratios):>17.0%}")


if __name__ == "__main__":
    main()
