"""One table with one row a unit, a file or a frame, analysed without a project: a study is made of it in memory."""

from __future__ import annotations

import datetime as dt
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal, cast

from holdfast.errors import UsageError, nearest
from holdfast.project.analysis import AnalysisHandle
from holdfast.project.forms import known_language
from holdfast.project.question import Asked, Question, understood

if TYPE_CHECKING:
    from holdfast import warehouse

Progress = Callable[[str], None]
_PARQUET = (".parquet", ".pq")


def _quiet(_: str) -> None:
    """No progress wanted."""


def analyze_frame(
    frame: Any,
    *,
    variant: str,
    control: object,
    metrics: Sequence[str],
    unit: str | None = None,
    primary: str | None = None,
    guardrails: Mapping[str, str] | None = None,
    lower_is_better: Sequence[str] = (),
    covariates: Sequence[str] = (),
    cluster: str | None = None,
    segments: Sequence[str] = (),
    weights: Mapping[str, float] | None = None,
    missing: str = "error",
    winsorize: Mapping[str, str] | None = None,
    money: Sequence[str] = (),
    currency: str | None = None,
    expect: str | None = None,
    title: str | None = None,
    owner: str | None = None,
    unit_name: str | None = None,
    as_of: str | dt.date | None = None,
    language: str = "en",
) -> AnalysisHandle:
    """The analysis of a frame with one row a unit: the same statistics, checks and report as a project's experiment.

    Args:
        frame: a pandas, polars or Arrow table, or whatever hands itself over as Arrow data.
        variant: the column that says who got what.
        control: the value in it that the others are compared with.
        metrics: conversion:bought, mean:minutes, sum:revenue (nothing counts as zero), ratio:revenue/orders; the first
            decides.
        unit: the column that identifies a unit; None: each row is one.
        primary: the metric that decides, where it is not the first.
        guardrails: metric to the harm that is tolerated, such as {"unsubscribed": "0.3pt"}.
        lower_is_better: metrics of which less is better.
        covariates: columns known before the start, to adjust for.
        cluster: the column whose units were assigned as one, such as household.
        segments: columns known before the start, to compare effects within.
        weights: value of the variant column to its planned share; default: equal shares.
        missing: what an empty value of conversion, mean and ratio means: error, zero or exclude.
        winsorize: metric to the percentile of its positive values that it is capped at, such as {"revenue": "99.9%"}.
        money: metrics that are money, in `currency`.
        currency: three letters, such as JPY.
        expect: the smallest effect on the primary metric that is worth having, such as 0.5pt, 3% or 80 JPY.
        title: of the report.
        owner: who decides.
        unit_name: what one unit is called in the report, such as player.
        as_of: the date of the analysis; default: today.
        language: of the report, en or ja.

    Raises:
        UsageError: a column, metric or value is not there, with the nearest one.
        DataError: the values cannot be used; with counts.
    """
    question = Question(
        variant=variant,
        control=str(control),
        metrics=_several(metrics, "metrics"),
        unit=unit,
        primary=primary,
        guardrails=guardrails or {},
        lower_is_better=_several(lower_is_better, "lower_is_better"),
        money=_several(money, "money"),
        covariates=_several(covariates, "covariates"),
        cluster=cluster,
        segments=_several(segments, "segments"),
        weights={str(label): weight for label, weight in (weights or {}).items()},
        missing=missing,
        winsorize=winsorize or {},
        currency=currency,
        expect=expect,
        title=title or "Frame",
        owner=owner,
        unit_name=unit_name,
        as_of=str(as_of) if as_of is not None else None,
        language=language,
    )
    return frame_analysis(frame, question)


def _several(names: Sequence[str], option: str) -> tuple[str, ...]:
    """Names as a list; one text would be taken for its letters."""
    if isinstance(names, str):
        raise UsageError(f'{option} is a list: write {option}=["{names}"]')
    return tuple(names)


def frame_analysis(frame: Any, question: Question) -> AnalysisHandle:
    """The analysis of a frame, as `analyze_frame` has it."""
    from holdfast import warehouse
    from holdfast.project.frames import arrow_table, column_names

    known_language(question.language)
    names = column_names(frame)
    asked = understood(question, names, "the frame")
    warehouse.refuse_repeated(names, asked.columns, "the frame")
    table = arrow_table(frame, asked.columns)
    with warehouse.connect_files(Path.cwd()) as engine:
        warehouse.hold_frame(engine, table)
        return _analysis(
            engine, asked, slug=_slug(question.title or ""), place="a frame", command="holdfast.analyze_frame(...)"
        )


def file_analysis(
    path: Path, question: Question, progress: Progress = _quiet, folder: Path | None = None
) -> AnalysisHandle:
    """The analysis of a CSV or Parquet file with one row a unit.

    Args:
        path: the file.
        question: what is asked of it.
        progress: called with each step.
        folder: where its report is written; default: reports/<file name>.

    Raises:
        UsageError: the file is not there or of another kind, or a name is not in it, with the nearest one.
        DataError: it cannot be read, or its values cannot be used; with counts.
    """

    known_language(question.language)
    path = _file(path)
    with _in_utf8(path, question.encoding) as readable:
        return _of_file(path, readable, question, progress, folder)


@contextmanager
def _in_utf8(path: Path, encoding: str | None) -> Iterator[Path]:
    """The file, or a copy of it in UTF-8 for as long as it is read."""
    from holdfast import warehouse

    if encoding is None:
        yield path
        return
    if path.name.lower().endswith(_PARQUET):
        raise UsageError(f"--encoding is of text files, and {path.name} is Parquet; leave it out")
    with TemporaryDirectory() as folder:
        yield warehouse.rewritten(path, encoding, Path(folder))


def _of_file(path: Path, readable: Path, question: Question, progress: Progress, folder: Path | None) -> AnalysisHandle:
    """The analysis of a file that is there, read from where it can be."""
    from holdfast import warehouse

    names = warehouse.file_columns(readable)
    asked = understood(question, names, path.name, told=path.name.lower().endswith(_PARQUET))
    warehouse.refuse_repeated(names, asked.columns, path.name)
    with warehouse.connect_files(readable.parent, progress) as engine:
        decimal = cast("Literal['.', ','] | None", question.decimal)
        wanted = warehouse.Wanted(asked.columns, asked.texts, asked.numbers, tuple(question.empty), decimal)
        warehouse.hold_file(engine, readable, wanted)
        command = f"holdfast analyze-file {shlex.join(_arguments(path, question))}"
        titled = replace(asked, question=replace(question, title=question.title or stem(path)))
        target = (folder or Path("reports", stem(path))).absolute()
        return _analysis(engine, titled, slug=_slug(stem(path)), place=path.name, command=command, folder=target)


def stem(path: Path) -> str:
    """A file's name without what says its kind: letters.csv.gz is letters."""
    from holdfast.warehouse.handed import SUFFIXES

    found = max((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), key=len, default="")
    return path.name[: len(path.name) - len(found)] or path.name


def _file(path: Path) -> Path:
    from holdfast.warehouse.handed import SUFFIXES

    if not path.is_file():
        if path.is_dir():
            raise UsageError(f"{path} is a folder; name one file in it")
        beside = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
        readable = [name for name in beside if name.lower().endswith(SUFFIXES)]
        raise UsageError(f"there is no file {path}{nearest(path.name, readable) if readable else ''}")
    if not path.name.lower().endswith(SUFFIXES):
        raise UsageError(f"{path.name} is of another kind than {', '.join(SUFFIXES)}; save it as one of those")
    return path.absolute()


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._") or "frame"


def _analysis(
    engine: warehouse.Engine, asked: Asked, *, slug: str, place: str, command: str, folder: Path | None = None
) -> AnalysisHandle:
    """Look at the table that the engine holds, make a study of it, and analyse that."""
    from holdfast import planning, warehouse
    from holdfast.project.analysing import analysed
    from holdfast.project.started import Started
    from holdfast.project.table_study import SOURCE, refuse, study_of

    question = asked.question
    found = warehouse.look_at(engine, variant=question.variant, unit=asked.unit, numbers=asked.numbers)
    refuse(asked, found)
    study = study_of(asked, found, slug, _day(question.as_of))
    assert study.experiment.observed is not None
    # No table of one row a unit says by itself which of its columns are retention, churn and order value.
    plan = replace(planning.plan(study, study.experiment.observed.until), not_measured={})
    begun = Started(study=study, locked=None, assigned_by=study.experiment.version, design={})
    made = analysed(engine, plan, None, begun, None)
    provenance = replace(made.analysis.provenance, sources=((SOURCE, place),), command=command)
    analysis = replace(made.analysis, provenance=provenance)
    return AnalysisHandle(analysis, made.statements, Path.cwd(), folder, besides=made.answers)


def _arguments(path: Path, question: Question) -> list[str]:
    """The command that asks the same, with the file by its name alone."""
    single = {
        "unit": question.unit or "row",
        "variant": question.variant,
        "control": question.control,
        "primary": question.primary,
        "cluster": question.cluster,
        "decimal": question.decimal,
        "encoding": question.encoding,
        "missing": question.missing if question.missing != "error" else None,
        "currency": question.currency,
        "expect": question.expect,
        "as-of": str(_day(question.as_of)),
        "language": question.language if question.language != "en" else None,
    }
    several = {
        "metric": question.metrics,
        "guardrail": [f"{name}={text}" for name, text in question.guardrails.items()],
        "winsorize": [f"{name}={text}" for name, text in question.winsorize.items()],
        "lower-is-better": question.lower_is_better,
        "money": question.money,
        "covariate": question.covariates,
        "segment": question.segments,
        "empty": question.empty,
        "weight": [f"{label}={weight}" for label, weight in question.weights.items()],
    }
    words = [path.name]
    words += [word for name, value in single.items() if value is not None for word in (f"--{name}", value)]
    return words + [word for name, values in several.items() for value in values for word in (f"--{name}", value)]


def _day(as_of: str | None) -> dt.date:
    """The date of the analysis; default: today, in the zone of the report."""
    now = dt.datetime.now(dt.UTC)
    if as_of is None:
        return now.date()
    try:
        day = dt.date.fromisoformat(as_of)
    except ValueError as error:
        raise UsageError(f'"{as_of}" is not a date: write it as 2026-10-01') from error
    if day > max(now.date(), now.astimezone().date()):
        raise UsageError(f"{day} is in the future; today is {now.date()} in UTC")
    return day
