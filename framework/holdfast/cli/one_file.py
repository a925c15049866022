"""The command that analyses one file with one row a unit, without a project."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.console import note, out, progress, write
from holdfast.cli.options import JsonOption, QuietOption, typed_path
from holdfast.errors import UsageError

if TYPE_CHECKING:
    from holdfast.project import AnalysisHandle

_OF_METRIC = "by its column or as written in --metric"

_Data = Annotated[Path, typer.Argument(metavar="DATA", help="A CSV (also .csv.gz, .tsv) or Parquet file.")]
_Unit = Annotated[
    str,
    typer.Option("--unit", metavar="COLUMN|row", help="The column that identifies a unit; row: each row is one."),
]
_Variant = Annotated[str, typer.Option("--variant", metavar="COLUMN", help="The column that says who got what.")]
_Control = Annotated[
    str, typer.Option("--control", metavar="VALUE", help="The value in it that the others are compared with.")
]
_Metric = Annotated[
    list[str],
    typer.Option(
        "--metric",
        metavar="FORM:COLUMN",
        help="conversion:bought (0 and 1), mean:minutes, sum:revenue (nothing counts as zero), "
        "ratio:revenue/orders. The first decides. Repeat for more.",
    ),
]
_Primary = Annotated[
    str | None, typer.Option("--primary", metavar="METRIC", help=f"The metric that decides, {_OF_METRIC}.")
]
_Guardrail = Annotated[
    list[str] | None,
    typer.Option(
        "--guardrail", metavar="METRIC=HARM", help="A metric with the harm that is tolerated: unsubscribed=0.3pt."
    ),
]
_Lower = Annotated[
    list[str] | None,
    typer.Option("--lower-is-better", metavar="METRIC", help="Less of it is better; by default more is."),
]
_Covariate = Annotated[
    list[str] | None,
    typer.Option("--covariate", metavar="COLUMN", help="Known before the start; estimates are adjusted for it."),
]
_Cluster = Annotated[
    str | None,
    typer.Option("--cluster", metavar="COLUMN", help="Units with the same value were assigned as one: household."),
]
_Segment = Annotated[
    list[str] | None,
    typer.Option("--segment", metavar="COLUMN", help="Known before the start; effects are compared within it."),
]
_Weight = Annotated[
    list[str] | None,
    typer.Option("--weight", metavar="VALUE=SHARE", help="A variant's planned share; default: equal shares."),
]
_Missing = Annotated[
    str,
    typer.Option(
        "--missing", metavar="zero|exclude|error", help="What an empty value of conversion, mean and ratio means."
    ),
]
_Empty = Annotated[
    list[str] | None,
    typer.Option("--empty", metavar="WORD", help="A word of a text file that stands for no value: NA."),
]
_Decimal = Annotated[
    str | None,
    typer.Option("--decimal", metavar=",|.", help="The decimal mark of a text file; default: as its values tell."),
]
_Encoding = Annotated[
    str | None,
    typer.Option("--encoding", metavar="NAME", help="How a text file is written: cp932, cp1252; default: UTF-8."),
]
_Winsorize = Annotated[
    list[str] | None,
    typer.Option(
        "--winsorize", metavar="METRIC=SHARE", help="Cap a metric at a percentile of its positive values: 99.9%."
    ),
]
_Currency = Annotated[str | None, typer.Option("--currency", metavar="JPY", help="The currency of --money.")]
_Money = Annotated[
    list[str] | None, typer.Option("--money", metavar="METRIC", help="A metric that is money, in --currency.")
]
_Expect = Annotated[
    str | None,
    typer.Option("--expect", metavar="EFFECT", help="Smallest effect worth having on what decides: 0.5pt, 3%."),
]
_Title = Annotated[str | None, typer.Option("--title", help="Of the report; default: the file's name.")]
_Owner = Annotated[str | None, typer.Option("--owner", help="Who decides, for the report.")]
_UnitName = Annotated[
    str | None, typer.Option("--unit-name", metavar="NOUN", help="What one unit is called: player, donor.")
]
_AsOf = Annotated[str | None, typer.Option("--as-of", metavar="DATE", help="The date of the analysis; default: today.")]
_Language = Annotated[str, typer.Option("--language", metavar="en|ja", help="The language of the report.")]
_Page = Annotated[
    bool, typer.Option("--html", help="Write report.html beside report.md: one page that needs nothing else.")
]
_Folder = Annotated[
    Path | None, typer.Option("--out", metavar="DIR", help="The report's folder; default: reports/<file name>.")
]


def analyze_file(
    data: _Data,
    unit: _Unit,
    variant: _Variant,
    control: _Control,
    metric: _Metric,
    primary: _Primary = None,
    guardrail: _Guardrail = None,
    lower: _Lower = None,
    covariate: _Covariate = None,
    cluster: _Cluster = None,
    segment: _Segment = None,
    weight: _Weight = None,
    missing: _Missing = "error",
    empty: _Empty = None,
    decimal: _Decimal = None,
    encoding: _Encoding = None,
    winsorize: _Winsorize = None,
    currency: _Currency = None,
    money: _Money = None,
    expect: _Expect = None,
    title: _Title = None,
    owner: _Owner = None,
    unit_name: _UnitName = None,
    as_of: _AsOf = None,
    language: _Language = "en",
    html: _Page = False,
    folder: _Folder = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Analyse one file with one row a unit, no project needed; write the same files as for an experiment."""
    from holdfast.project.one_table import file_analysis
    from holdfast.project.question import Question

    question = Question(
        variant=variant,
        control=control,
        metrics=tuple(metric),
        unit=unit,
        primary=primary,
        guardrails=_pairs(guardrail, "--guardrail", "unsubscribed=0.3pt"),
        lower_is_better=tuple(lower or ()),
        money=tuple(money or ()),
        covariates=tuple(covariate or ()),
        cluster=cluster,
        segments=tuple(segment or ()),
        weights=_pairs(weight, "--weight", "A=50"),
        missing=missing,
        empty=tuple(empty or ()),
        decimal=decimal,
        encoding=encoding,
        winsorize=_pairs(winsorize, "--winsorize", "revenue=99.9%"),
        currency=currency,
        expect=expect,
        title=title,
        owner=owner,
        unit_name=unit_name,
        as_of=as_of,
        language=language,
        typed=True,
    )
    with progress(quiet) as show:
        analysis = file_analysis(data, question, show, folder)
        path = analysis.write(page=html)
    _show(data, analysis, path, as_json=as_json)
    for line in _hints(analysis, weighted=bool(weight), money=bool(money), currency=currency):
        note(line)


def _show(data: Path, analysis: AnalysisHandle, path: Path, *, as_json: bool) -> None:
    """The verdict in a few lines, or the whole document."""
    from holdfast import report

    if as_json:
        write(analysis.to_json())
        return
    out(data.name)
    for line in report.summary_lines(analysis.analysis):
        out(f"  {line}")
    out(f"  {typed_path(path)}")


def _pairs(texts: Sequence[str] | None, option: str, example: str) -> dict[str, str]:
    """Names with their values, split at the last equals sign: a column may have one in its name."""
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = text.rpartition("=")
        if not equals or not name or not value:
            raise UsageError(f'{option}: "{text}" is not a pair; write it as {option} {example}')
        if name in found:
            raise UsageError(f'{option}: "{name}" is given twice; give it once')
        found[name] = value
    return found


def _hints(analysis: AnalysisHandle, *, weighted: bool, money: bool, currency: str | None) -> list[str]:
    """What was assumed and can be said."""
    from holdfast.project.table_study import typed_for_nothing

    srm = next((check for check in analysis.analysis.checks if check.id == "srm"), None)
    hints = [
        f'"{name}" counts as a variant; if it stands for no value, say so: --empty {shlex.quote(name)}'
        for name in (variant.title for variant in analysis.analysis.variants)
        if typed_for_nothing(name)
    ]
    if srm is not None and srm.status in {"note", "block"} and not weighted:
        hints.append("equal shares were assumed; if others were planned, say so: --weight A=70 --weight B=30")
    if currency is not None and not any(metric.unit == currency for metric in analysis.analysis.metrics) and not money:
        hints.append(f"no metric is shown in {currency}; name those that are money: --money revenue")
    return hints
