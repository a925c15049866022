"""The figures of a report as matplotlib Axes, for a notebook: on paper of their own, or within the reader's figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from holdfast.errors import UsageError, nearest
from holdfast.model.result import Analysis, VariantInfo
from holdfast.report import difference_lines, forest, lines, survival_lines
from holdfast.report.canvas import language_of_figures, mark_of, readable, styled
from holdfast.report.differences import difference_of_curve, survival_gap, week_gaps
from holdfast.report.pictures import forest_rows, shown_curves, shown_survival
from holdfast.report.view import View

PlotName = Literal["forest", "retention", "difference", "exposures", "by_week"]
_MISSING: Mapping[PlotName, str] = {
    "forest": "no relative change has an interval",
    "retention": "there is no retention curve and no time to an event; ask for one under `curves` of the metrics",
    "difference": "no curve has a difference from control; analyse again if the report is of an older version",
    "exposures": "assignment has no dates, or only one",
    "by_week": "the window of the primary metric has not two weeks, or its number does not add up by week",
}


@dataclass(frozen=True, slots=True)
class _Drawing:
    """One figure, on its own paper or within axes."""

    title: str
    whole: Callable[[], Any]
    onto: Callable[[Any], Any]
    legend: tuple[VariantInfo, ...] = ()


def plot(analysis: Analysis, name: PlotName, ax: Any | None = None, curve: str | None = None) -> Any:
    """The Axes that a figure was drawn into; without any a new figure is made, the same as in the report.

    pyplot is not used, so that nothing is shown or kept open by itself: `.figure` of the Axes is the figure.

    Raises:
        UsageError: there is nothing to draw, or no such curve.
    """
    if analysis.plan.interim and name != "exposures":
        raise UsageError(f"effects are not computed before the readout on {analysis.plan.readout}")
    view = View.of(analysis, markdown=False, language=language_of_figures(analysis.experiment.language))
    with styled():
        drawing = _chosen(_drawings(view, name), name, curve)
        if ax is None:
            return drawing.whole().axes[0]
        drawing.onto(ax)
        ax.set_title(readable(drawing.title), fontsize=11, loc="left")
        _legend(ax, view, drawing.legend)
        return ax


def _chosen(found: list[_Drawing], name: PlotName, curve: str | None) -> _Drawing:
    if not found:
        raise UsageError(f"nothing to draw: {_MISSING[name]}")
    if curve is None:
        return found[0]
    by_title = {drawing.title: drawing for drawing in found}
    if curve not in by_title:
        raise UsageError(f'there is no curve "{curve}"{nearest(curve, by_title)}')
    return by_title[curve]


def _drawings(view: View, name: PlotName) -> list[_Drawing]:
    """All figures of a name, in the order of the report."""
    match name:
        case "forest":
            return _forest(view)
        case "retention":
            return _curves(view)
        case "exposures":
            return _exposures(view)
        case _:
            return _differences(view, name)


def _forest(view: View) -> list[_Drawing]:
    if not forest_rows(view):
        return []
    rows, sheet = forest.forest(view)

    def onto(ax: Any) -> None:
        forest.onto(ax, rows, sheet)

    return [_Drawing(sheet.title, lambda: forest.draw(view), onto)]


def _curves(view: View) -> list[_Drawing]:
    found = [
        _Drawing(
            curve.title,
            partial(lines.retention, view, curve),
            partial(lines.retention_onto, view=view, curve=curve),
            view.ordered,
        )
        for _, curve in shown_curves(view)
    ]
    times = [
        _Drawing(
            row.title,
            partial(survival_lines.draw, view, row),
            partial(survival_lines.onto, view=view, row=row),
            view.ordered,
        )
        for _, row in shown_survival(view)
    ]
    return [*found, *times]


def _differences(view: View, name: PlotName) -> list[_Drawing]:
    if name == "by_week":
        known = [week_gaps(view)]
    else:
        curves = [difference_of_curve(view, figure, curve) for figure, curve in shown_curves(view)]
        known = [*curves, *(survival_gap(view, figure, row) for figure, row in shown_survival(view))]
    return [
        _Drawing(
            str(gaps.title),
            partial(difference_lines.draw, view, gaps),
            partial(_noted, view=view, gaps=gaps),
            view.treated,
        )
        for gaps in known
        if gaps is not None
    ]


def _noted(ax: Any, view: View, gaps: Any) -> None:
    """Differences with the name of their axis, which stands over the figure in a report."""
    difference_lines.onto(ax, view, gaps)
    ax.set_ylabel(difference_lines.axis_note(view, gaps), fontsize=9)


def _exposures(view: View) -> list[_Drawing]:
    if len(view.analysis.enrolment) < 2:
        return []
    title = lines.enrolment_title(view)
    return [_Drawing(title, lambda: lines.enrolment(view), lambda ax: lines.enrolment_onto(ax, view), view.ordered)]


def _legend(ax: Any, view: View, variants: tuple[VariantInfo, ...]) -> None:
    if not variants:
        return
    from matplotlib.lines import Line2D

    handles = []
    for info in variants:
        mark, name = mark_of(view, info.key), readable(view.name(info.key), info.key)
        handles.append(Line2D([], [], color=mark.colour, marker=mark.shape, label=name))
    ax.legend(handles=handles, frameon=False, fontsize=9)
