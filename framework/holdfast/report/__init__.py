"""The report: an Analysis as Markdown, figures and results.json. A pure function of it, and no statistics."""

from holdfast.report.answers import answers
from holdfast.report.canvas import load as load_drawing
from holdfast.report.document import canonical, from_json, to_json
from holdfast.report.draw import figures
from holdfast.report.files import write
from holdfast.report.markdown import render_index, render_markdown
from holdfast.report.verdict import summary_lines

__all__ = [
    "answers",
    "canonical",
    "figures",
    "from_json",
    "load_drawing",
    "render_index",
    "render_markdown",
    "summary_lines",
    "to_json",
    "write",
]
