"""The figures of an analysis for a notebook: analysis.plot."""

from __future__ import annotations

from typing import Any

from holdfast.model.result import Analysis


class Plot:
    """Figures of one analysis; each method returns the matplotlib Axes, drawn as in the report.

    With `ax` a figure is drawn into the reader's own Axes. pyplot is not imported: without `ax` the Axes belong to a
    figure that nothing else holds, `analysis.plot.forest().figure`.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis

    def forest(self, ax: Any | None = None) -> Any:
        """The relative changes of all metrics against control, with their intervals."""
        from holdfast import report

        return report.plot(self._analysis, "forest", ax)

    def retention(self, ax: Any | None = None, curve: str | None = None) -> Any:
        """A retention curve or time to an event of every variant, by title; default: the first of the report.

        Raises:
            UsageError: there is none, or none of that title.
        """
        from holdfast import report

        return report.plot(self._analysis, "retention", ax, curve)

    def difference(self, ax: Any | None = None, curve: str | None = None) -> Any:
        """The same as a difference from control, with its interval and a line at zero.

        Raises:
            UsageError: there is none, or none of that title.
        """
        from holdfast import report

        return report.plot(self._analysis, "difference", ax, curve)

    def by_week(self, ax: Any | None = None) -> Any:
        """The effect on the primary metric in each week since assignment.

        Raises:
            UsageError: its window is too short, or its number does not add up by week.
        """
        from holdfast import report

        return report.plot(self._analysis, "by_week", ax)

    def exposures(self, ax: Any | None = None) -> Any:
        """The units of every variant that were assigned on each day.

        Raises:
            UsageError: assignment has no dates, or only one.
        """
        from holdfast import report

        return report.plot(self._analysis, "exposures", ax)
