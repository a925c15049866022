"""How long it takes to assign 10 million customers, beside other ways to do it.

    python benchmarks/assign_10m.py [--ids 10000000] [--slow 5] [--traffic 100% 50%] [--planout FOLDER]

Every way gives each text id ("customer-1" and so on) one of two variants, 50 : 50, or leaves it outside the traffic.
Ways that take one id at a time get a fifth of the ids (--slow; PlanOut, the slowest by far, a two-hundredth), once, and
their time is scaled; the others get all of them three times, and the best counts. The ids are made before the clock
starts: in the engine's own table, in an Arrow array or in a list. Ratios are of the seconds that passed; where the
machine is busy, compare those of the processor, over all threads. The ways that promise the same hash are checked
against each other, unit by unit.

GrowthBook and PlanOut come with `pip install -e '.[bench]'`; what is not there is left out, and said. PlanOut 0.6 of
2017 imports names that Python removed in 3.10: they are put back for it here. --planout names a folder that holds it
(and six), for a machine on which it cannot be installed.
"""

from __future__ import annotations

import argparse
import collections
import collections.abc
import hashlib
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ibis
import pyarrow as pa

import holdfast
from holdfast import hashing
from holdfast.model.values import Share
from holdfast.warehouse.variants import drawn

SALT = "winback-1"
WEIGHTS = {"control": 50, "voucher": 50}
LOOP = "hashlib in a loop"

Assigned = list[str | None]


@dataclass
class Plan:
    """What is assigned, and to which share of everybody."""

    ids: list[str]
    arrow: Any
    backend: Any
    traffic: Share

    @property
    def share(self) -> int:
        return hashing.share_limit(self.traffic.value)


@dataclass
class Way:
    """One way to assign, with the number of ids it took and the seconds."""

    name: str
    count: int
    seconds: float
    processor: float
    answer: Assigned | None


def in_the_engine(plan: Plan) -> None:
    """The product's own expression, from a table into a table: nothing leaves the engine."""
    bounds = [limit for _, limit in hashing.variant_limits(WEIGHTS)]
    statement = ibis.to_sql(drawn(plan.backend.table("ids"), SALT, plan.share, bounds), dialect="duckdb")
    plan.backend.con.execute(f"CREATE OR REPLACE TABLE assigned AS {statement}")


def from_the_engine(plan: Plan, count: int) -> Assigned:
    """What the engine's table says about the first ids."""
    con, names = plan.backend.con, list(WEIGHTS)
    con.register("first", pa.table({"place": range(count), "unit": plan.arrow[:count]}))
    joined = "SELECT variant FROM first LEFT JOIN assigned USING (unit) ORDER BY place"
    variants = con.execute(joined).to_arrow_table()["variant"].to_pylist()
    return [None if variant is None else names[variant] for variant in variants]


def with_hashlib(plan: Plan, count: int) -> Assigned:
    """What anybody writes first: one function, no checks."""
    share, half, md5 = plan.share, hashing.SPACE // 2, hashlib.md5

    def number(purpose: str, unit: str) -> int:
        return int(md5(f"{SALT}:{purpose}:{unit}".encode()).hexdigest()[:13], 16)

    found: Assigned = []
    for unit in plan.ids[:count]:
        if share < hashing.SPACE and number("traffic", unit) >= share:
            found.append(None)
        else:
            found.append("control" if number("variant", unit) < half else "voucher")
    return found


def with_variant_of(plan: Plan, count: int) -> Assigned:
    traffic = plan.traffic.value
    return [hashing.variant_of(SALT, unit, WEIGHTS, traffic) for unit in plan.ids[:count]]


def with_growthbook(plan: Plan, count: int) -> Assigned:
    """An inline experiment, one instance for everybody: less work than one for each customer."""
    from growthbook import Experiment, GrowthBook

    book = GrowthBook()
    experiment = Experiment(
        key=SALT, variations=list(WEIGHTS), weights=[0.5, 0.5], coverage=float(plan.traffic), hashVersion=2
    )
    found: Assigned = []
    for unit in plan.ids[:count]:
        book.set_attributes({"id": unit})
        result = book.run(experiment)
        found.append(result.value if result.inExperiment else None)
    return found


def with_planout(plan: Plan, count: int) -> Assigned:
    """An experiment class of its own, as PlanOut's manual has it, with logging off."""
    for name in ("MutableMapping", "Mapping"):
        if not hasattr(collections, name):
            setattr(collections, name, getattr(collections.abc, name))
    from planout.experiment import SimpleExperiment
    from planout.ops.random import BernoulliTrial, WeightedChoice

    names, weights, traffic = list(WEIGHTS), list(WEIGHTS.values()), float(plan.traffic)

    class Winback(SimpleExperiment):
        def setup(self) -> None:
            self.salt = SALT
            self.set_auto_exposure_logging(False)

        def configure_logger(self) -> None:
            pass

        def assign(self, params: Any, unit: str) -> bool:
            if traffic < 1:
                params.inside = BernoulliTrial(p=traffic, unit=unit)
                if not params.inside:
                    return False
            params.variant = WeightedChoice(choices=names, weights=weights, unit=unit)
            return True

    return [Winback(unit=unit).get("variant") for unit in plan.ids[:count]]


def timed(action: Callable[[], object], runs: int = 1) -> tuple[float, float]:
    """The seconds of the fastest run, and those of the processor in it."""
    times = []
    for _ in range(runs):
        start, busy = time.perf_counter(), time.process_time()
        action()
        times.append((time.perf_counter() - start, time.process_time() - busy))
    return min(times)


def at_once(plan: Plan, part: int) -> list[Way]:
    """The ways that take all ids together."""
    everything = len(plan.ids)
    times = timed(lambda: in_the_engine(plan), 3)
    ways = [Way("engine (DuckDB), table to table", everything, *times, from_the_engine(plan, part))]
    for name, ids in (("an Arrow array", plan.arrow), ("a list", plan.ids)):
        answers: list[Any] = []

        def assign(ids: Any = ids, answers: list[Any] = answers) -> None:
            answers[:] = [holdfast.variants_of(ids, salt=SALT, weights=WEIGHTS, traffic=plan.traffic)]

        times = timed(assign, 3)
        ways.append(Way(f"`holdfast.variants_of` on {name}", everything, *times, list(answers[0][:part])))
    return ways


def one_by_one(plan: Plan, part: int) -> list[Way]:
    """The ways that take one id at a time, those that can be had."""
    ways = []
    for name, way, count in (
        ("`holdfast.hashing.variant_of` in a loop", with_variant_of, part),
        (LOOP, with_hashlib, part),
        ("GrowthBook's SDK", with_growthbook, part),
        ("PlanOut", with_planout, part // 40),
    ):
        answer: Assigned = []

        def assign(way: Any = way, count: int = count, answer: Assigned = answer) -> None:
            answer[:] = way(plan, count)

        try:
            times = timed(assign)
        except ImportError as error:
            print(f"{name} is left out: {error}")
            continue
        inside = sum(variant is not None for variant in answer) / count
        assert abs(inside - float(plan.traffic)) < 3 / count**0.5, f"{name}: {inside:.3f} within the traffic"
        ways.append(Way(name, count, *times, answer if way in (with_variant_of, with_hashlib) else None))
    return ways


def shown(plan: Plan, ways: list[Way]) -> str:
    """The table of one traffic."""
    everything = len(plan.ids)
    pace = {way.name: way.count / way.seconds for way in ways}
    lines = [
        f"| {everything / 1e6:g} million, traffic {plan.traffic} | seconds | of the processor | ids a second | ratio |",
        "|---|--:|--:|--:|--:|",
    ]
    for way in sorted(ways, key=lambda way: -pace[way.name]):
        scaled = "" if way.count == everything else f" (from {way.count / 1e6:g} million)"
        ratio = pace[way.name] / pace[LOOP]
        busy = way.processor * everything / way.count
        seconds = f"{everything / pace[way.name]:.1f}{scaled}"
        lines.append(f"| {way.name} | {seconds} | {busy:.1f} | {pace[way.name]:,.0f} | {ratio:.2g} |")
    return "\n".join(lines)


def run(count: int, slow: int, traffics: list[str]) -> None:
    """Measure, check and print."""
    ids = [f"customer-{number}" for number in range(1, count + 1)]
    backend = ibis.duckdb.connect()
    backend.raw_sql("SET enable_progress_bar = false").fetchall()
    arrow = pa.array(ids)
    backend.con.register("given", pa.table({"unit": arrow}))
    backend.con.execute("CREATE TABLE ids AS SELECT unit FROM given")
    print(f"{os.cpu_count()} cores, DuckDB {backend.version}, Python {sys.version.split()[0]}")
    for traffic in traffics:
        plan = Plan(ids, arrow, backend, Share.parse(traffic))
        ways = at_once(plan, count // slow) + one_by_one(plan, count // slow)
        same = [way.answer for way in ways if way.answer is not None]
        assert all(answer == same[0] for answer in same), "the ways with one hash differ"
        print(f"\n{shown(plan, ways)}\n\n{len(same)} ways with the same hash agree on {len(same[0]):,} units.")


def main() -> None:
    """Read the options, and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--ids", type=int, default=10_000_000)
    parser.add_argument("--slow", type=int, default=5, help="ways that take one id at a time get one in so many")
    parser.add_argument("--traffic", nargs="+", default=["100%", "50%"])
    parser.add_argument("--planout", action="append", default=[], metavar="FOLDER")
    options = parser.parse_args()
    sys.path.extend(options.planout)
    run(options.ids, options.slow, options.traffic)


if __name__ == "__main__":
    main()
