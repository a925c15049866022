"""The demo: the whole path once, on data whose true effects are known."""

from __future__ import annotations

from pathlib import Path

from holdfast import report
from holdfast.cli.console import out, progress, table
from holdfast.cli.options import typed_path
from holdfast.project import open_project
from holdfast.project.demo import Compared, compare, make_shop, read_truth
from holdfast.report.numbers import Numbers, Scale, interval_places

AFTER_ENROLMENT = "2025-12-01"
"""A date after the last enrolment of the three experiments."""


def run_demo(folder: Path, customers: int, seed: int, quiet: bool) -> None:
    """Simulate, assign, analyse and print each verdict with its estimates beside the truth."""
    with progress(quiet) as show:
        root = make_shop(folder, customers, seed, show, replace=True)
        truth = read_truth(root)
        project = open_project(root)
        analyses = []
        for slug in project.slugs:
            experiment = project.experiment(slug)
            experiment.assign(AFTER_ENROLMENT, show)
            analysis = experiment.analyze(progress=lambda step, slug=slug: show(f"{slug}: {step}"))  # type: ignore[misc]
            analyses.append((analysis, analysis.write()))
        index = project.write_index()
    for analysis, path in analyses:
        out(analysis.analysis.experiment.title)
        for line in report.summary_lines(analysis.analysis):
            out(f"  {line}")
        compared = list(compare(analysis.analysis, truth))
        table(
            ("  metric", "true effect", "estimate", "95% interval", "holds the truth"),
            [_row(item) for item in compared],
        )
        out(f"  report: {typed_path(path)}")
        out()
    out(f"All reports: {typed_path(index)}")


def _row(item: Compared) -> tuple[str, str, str, str, str]:
    row = item.estimate
    low, high = row.lower or 0.0, row.upper or 0.0
    scale = Scale.of(item.metric.family, item.metric.unit)
    digits = interval_places(low, high, scale)
    shown = [Numbers().change(value, scale, digits) for value in (item.true_difference, row.estimate or 0.0, low, high)]
    return (f"  {item.metric.title}", shown[0], shown[1], f"{shown[2]} to {shown[3]}", "yes" if item.covered else "no")
