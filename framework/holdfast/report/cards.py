"""An analysis, or one metric of it, as a few lines for a notebook. What authors wrote is escaped."""

from __future__ import annotations

from holdfast.model.result import Analysis
from holdfast.report.first import first_screen
from holdfast.report.fragment import fragment
from holdfast.report.text import Safe
from holdfast.report.verdict import summary_lines
from holdfast.report.view import Table, View


def analysis_card(analysis: Analysis) -> str:
    """The verdict and the first tables."""
    view = View.of(analysis)
    verdict = "\n".join(f"- {view.voice.text(line)}" for line in map(str, summary_lines(analysis)))
    tables = (_written(table) for table in first_screen(view).tables)
    return "\n\n".join(part for part in (f"**{view.voice.text(_title(analysis))}**", verdict, *tables) if part) + "\n"


def analysis_html(analysis: Analysis) -> str:
    """The verdict and the first tables as HTML."""
    return fragment(analysis_card(analysis), analysis.experiment.language)


def metric_html(analysis: Analysis, metric: str, variant: str) -> str:
    """One metric of one variant as HTML."""
    return fragment(metric_card(analysis, metric, variant), analysis.experiment.language)


def metric_card(analysis: Analysis, metric: str, variant: str) -> str:
    """One metric of one variant: both values, the difference and the relative change."""
    view = View.of(analysis)
    info = view.metric(metric)
    title = view.titled(info) if info else view.title(metric)
    names = (view.name(view.control.key), view.name(variant))
    head = (Safe(""), *names, view.voice.say("segments.difference"), view.voice.say("segments.lift"))
    decimals = view.decimals(metric, variant)
    row = (
        title,
        view.value(metric, view.control.key, decimals),
        view.value(metric, variant, decimals),
        view.effect(view.estimate(metric, variant, "difference")),
        view.effect(view.estimate(metric, variant, "lift")),
    )
    return _written(Table(head, "lrrrr", (row,))) + "\n"


def _title(analysis: Analysis) -> str:
    return analysis.experiment.title or analysis.experiment.slug


def _written(table: Table) -> str:
    lines = [table.head, *table.rows]
    shown = ["| " + " | ".join(cells) + " |" for cells in lines]
    text = "\n".join([shown[0], f"|{table.rule}|", *shown[1:]])
    return f"{table.title}\n\n{text}" if table.title else text
