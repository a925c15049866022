"""Writes docs/calibration.md: every study of tests/calibration, run with as many replications as time allows.

Run from the repository's folder: python -m docs.make_calibration [--runs 10000] [--only TOPIC] [--jobs 2]
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from tests.calibration.study import Found, Study, all_studies, judge

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "calibration.md"
TOPICS = (
    "Proportions",
    "Means",
    "Ratios",
    "Relative change",
    "Guardrails",
    "Regression adjustment",
    "Post-stratification",
    "Clusters",
    "Quantiles",
    "Retention over time",
    "Several looks",
    "Several variants",
    "Several metrics",
    "Segments",
    "Money",
    "Decomposition",
    "Lifetime value",
    "Targeting",
    "Portfolio",
    "Sample ratio mismatch",
    "Health checks",
)
"""The order of the page; others follow by name."""

_HEAD = """\
# Calibration

Does a 95% interval hold the truth in 95 of 100 experiments, and does a test at 5% raise a false alarm in 5 of 100
experiments without an effect? Each row of this page answers that for one method on one kind of data: experiments are
simulated with a known truth, analysed with the function that `holdfast analyze` or a notebook calls, and counted.

- **Type I error**: how often a test finds an effect that is not there. Promised is the level of the test.
- **Coverage**: how often an interval holds the true value. Promised is its confidence.
- **False alarms**: how often a check complains though nothing is wrong.
- **Family-wise error**: how often any of several tests finds an effect that is not there.
- **False discovery rate**, **false coverage rate**: which share of what was found is false, and which share of its
  intervals misses the truth, on average.

**Band.** A finite number of replications scatters. A method that keeps its promise exactly lands within 3.29 standard
errors of it, √(p(1−p)/R) for R replications, in all but one of a thousand studies. Where a method may be cautious, as
one that allows for any number of looks must be, only the side of too many errors counts: promised is then *at most*, or
*at least*. A row that is out of its band is marked **outside** and stays on the page, with what is known of it below
the table. Of a hundred rows of exact methods one or more is outside by chance in one page of ten; that would be a
reason for more replications, never for another seed.

**Seeds** are fixed: the same numbers come out again with the same libraries. The tests run the same studies with 2,000
replications, those that take long with 500, and fail when one is outside. For this page it is up to {most}, and a tenth
for those that take long; each row says how many.

    python -m docs.make_calibration                      the whole page again
    python -m docs.make_calibration --only "Quantiles"   one topic; the others stay

A study is a few lines of Python in `tests/calibration/studies_*.py`. What each method does stands in
[methods.md](methods.md). {count} studies; {minutes} minutes of one processor.
"""
_COLUMNS = (
    "| method | data | measures | promised | found | band | replications | seed |\n|---|---|---|--:|--:|--:|--:|--:|"
)
_MINUTES = re.compile(r"^Took ([\d.]+) minutes of one processor\.$", re.M)


def sections(page: str) -> dict[str, str]:
    """Topic to the text below its heading, as a page has them."""
    parts = re.split(r"^## (.+)\n", page, flags=re.M)
    return {topic: body.strip("\n") for topic, body in zip(parts[1::2], parts[2::2], strict=True)}


def document(topics: Mapping[str, str]) -> str:
    """The whole page, from the text of each topic."""
    order = [topic for topic in TOPICS if topic in topics] + sorted(set(topics) - set(TOPICS))
    rows = [line.split(" | ") for body in topics.values() for line in body.splitlines()[2:] if line.startswith("| ")]
    head = _HEAD.format(
        count=len(rows),
        most=max((row[-2] for row in rows), key=lambda cell: int(cell.replace(",", ""))),
        minutes=round(sum(float(found) for body in topics.values() for found in _MINUTES.findall(body))),
    )
    contents = " · ".join(f"[{topic}](#{topic.lower().replace(' ', '-')})" for topic in order)
    return head + f"\n{contents}\n" + "".join(f"\n## {topic}\n\n{topics[topic]}\n" for topic in order)


def section(rows: Sequence[str], notes: Sequence[str], seconds: float) -> str:
    """The text of one topic."""
    return "\n".join([_COLUMNS, *rows, "", *notes, f"Took {seconds / 60:.1f} minutes of one processor."])


def row(study: Study, found: Found, runs: int) -> str:
    """One study as a line of its table."""
    least = "at least " if study.measures == "coverage" else "at most "
    promised = (least if study.at_most else "") + _percent(study.nominal, study)
    edge = found.low if study.measures == "coverage" else found.high
    whole = f"{_percent(found.low, study)} to {_percent(found.high, study)}"
    band = least + _percent(edge, study) if study.at_most else whole
    rate = _percent(found.rate, study)
    cells = (
        study.method,
        study.data,
        study.measures,
        promised,
        rate if found.ok else f"**{rate}, outside**",
        band,
        f"{runs:,}",
        str(study.seed),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _percent(rate: float, study: Study) -> str:
    return f"{100 * rate:.{2 if study.nominal >= 0.01 else 3}f}%"


@cache
def _studies() -> list[Study]:
    return all_studies()


def _judged(place: int, runs: int) -> tuple[Found, float]:
    """What a study found, and the seconds of processor time that it took."""
    began = time.process_time()
    found = judge(_studies()[place], runs)
    return found, time.process_time() - began


def measured(topics: Sequence[str], runs: int, jobs: int) -> Iterator[tuple[str, str]]:
    """The text of each topic, by its name, as soon as its studies are done."""
    studies = _studies()
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = {
            topic: [
                (study, many, pool.submit(_judged, place, many))
                for place, study in enumerate(studies)
                if study.topic == topic
                for many in [runs if study.cheap else max(1, runs // 10)]
            ]
            for topic in topics
        }
        for topic, asked in waiting.items():
            rows, notes, seconds = [], [], 0.0
            for study, many, answer in asked:
                found, took = answer.result()
                rows.append(row(study, found, many))
                notes += [f"Seed {study.seed} is outside: {study.known}", ""] if study.known and not found.ok else []
                seconds += took
                _say(f"{study.seed} {study.topic}, {study.method}: {found.rate:.4f}, {took:.0f} s", found.ok)
            yield topic, section(rows, notes, seconds)


def _say(line: str, ok: bool) -> None:
    sys.stderr.write(line + ("\n" if ok else ", OUTSIDE\n"))
    sys.stderr.flush()


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the page again, or the topics that are asked for."""
    parser = argparse.ArgumentParser(description="Write docs/calibration.md from the studies of tests/calibration.")
    parser.add_argument("--runs", type=int, default=10_000, help="replications; a tenth for studies that take long")
    parser.add_argument("--only", action="append", metavar="TOPIC", help="only this topic; may be repeated")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    asked = parser.parse_args(arguments)
    known = list(dict.fromkeys(study.topic for study in _studies()))
    unknown = [topic for topic in asked.only or () if topic not in known]
    if unknown:
        parser.error(f'no study has the topic "{unknown[0]}"; topics: {", ".join(known)}')
    kept = sections(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    topics = {topic: body for topic, body in kept.items() if topic in known}
    for topic, body in measured(asked.only or known, asked.runs, asked.jobs):
        topics[topic] = body
        PAGE.write_text(document(topics), encoding="utf-8")


if __name__ == "__main__":
    main()
