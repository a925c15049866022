"""The figures of a report as bytes."""

from __future__ import annotations

from functools import partial

from holdfast.model.result import Analysis
from holdfast.report import (
    difference_lines,
    exposure,
    exposure_lines,
    forest,
    lines,
    segment_forest,
    survival_lines,
    waterfall,
)
from holdfast.report.canvas import both, language_of_figures
from holdfast.report.differences import shown_gaps
from holdfast.report.money import waterfalls
from holdfast.report.pictures import forest_rows, shown_curves, shown_survival
from holdfast.report.segments import segment_figures
from holdfast.report.view import View


def figures(analysis: Analysis, language: str | None = None) -> dict[str, bytes]:
    """PNG and SVG of every figure by path: forest, each retention curve and time to an event with its differences, the
    effect by week, each variant's money, the segments of each metric, exposures, enrolment over several days; in a
    language, by default the experiment's."""
    wanted = language_of_figures(language or analysis.experiment.language)
    view = View.of(analysis, markdown=False, language=wanted)
    files: dict[str, bytes] = {}
    if forest_rows(view):
        files |= both("forest", partial(forest.draw, view))
    for name, curve in shown_curves(view):
        files |= both(name, partial(lines.retention, view, curve))
    for name, row in shown_survival(view):
        files |= both(name, partial(survival_lines.draw, view, row))
    for gaps in shown_gaps(view):
        files |= both(gaps.name, partial(difference_lines.draw, view, gaps))
    for name, money in waterfalls(view):
        files |= both(name, partial(waterfall.draw, view, money))
    for name, metric, found in segment_figures(view):
        files |= both(name, partial(segment_forest.draw, view, metric, found))
    if exposure.drawn(view):
        files |= both(exposure.NAME, partial(exposure_lines.draw, view))
    if len(analysis.enrolment) > 1:
        files |= both("enrolment", partial(lines.enrolment, view))
    return files
