"""The report: an Analysis as Markdown, figures and results.json. A pure function of it, and no statistics."""

from holdfast.report.answers import answers
from holdfast.report.canvas import load as load_drawing
from holdfast.report.cards import analysis_card, analysis_html, metric_card, metric_html
from holdfast.report.document import canonical, from_json, to_json
from holdfast.report.draw import figures
from holdfast.report.files import renew, write
from holdfast.report.html import render_html
from holdfast.report.index import render_index
from holdfast.report.markdown import render_markdown, render_summary
from holdfast.report.plots import plot
from holdfast.report.slack import render_slack
from holdfast.report.verdict import summary_lines
from holdfast.report.words import LANGUAGES

__all__ = [
    "LANGUAGES",
    "analysis_card",
    "analysis_html",
    "answers",
    "canonical",
    "figures",
    "from_json",
    "load_drawing",
    "metric_card",
    "metric_html",
    "plot",
    "render_html",
    "render_index",
    "render_markdown",
    "render_slack",
    "render_summary",
    "renew",
    "summary_lines",
    "to_json",
    "write",
]
