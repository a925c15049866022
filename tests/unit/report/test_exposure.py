"""How soon units were exposed: figure, table and words, where only exposed units count."""

from __future__ import annotations

from dataclasses import replace

import pytest

from holdfast.model.found import ExposureResult
from holdfast.model.result import Analysis
from holdfast.report import exposure_lines, figures, from_json, render_markdown, to_json
from holdfast.report.view import View
from tests.unit.report import fuller as parts
from tests.unit.report.fuller import OFFERED


@pytest.fixture
def exposed(voucher: Analysis) -> Analysis:
    return parts.exposed(voucher)


def test_the_table_and_the_words_are_those_of_the_analysis(exposed: Analysis) -> None:
    text = render_markdown(exposed)
    assert "| day 0 | 30.0% (6,000) | 29.5% (5,900) |" in text
    assert "| day 6 | 57.6% (11,512) | 57.4% (11,470) |" in text
    assert "| day 20 | 60.1% (12,012) | 59.9% (11,988) |" in text
    assert "| Assigned | 20,000 | 20,000 |" in text
    alt = next(line for line in text.splitlines() if "(figures/exposure.png)" in line)
    assert "No voucher 30.0% by the end of day 0, 60.1% by the end of day 20; Voucher 29.5%" in alt
    assert "The variants were exposed alike (p = 0.81)." in alt
    assert "Customers by the day of their first exposure, from" in text
    assert "enrolled a day" not in text


@pytest.mark.parametrize(("status", "told"), [("note", "may not have been"), ("block", "The variants were not")])
def test_a_fault_is_said_in_the_words_of_the_figure(exposed: Analysis, status: str, told: str) -> None:
    checks = tuple(
        replace(check, status=status, value=0.0002) if check.id == "exposure" else check  # type: ignore[arg-type]
        for check in exposed.checks
    )
    text = render_markdown(replace(exposed, checks=checks))
    alt = next(line for line in text.splitlines() if "(figures/exposure.png)" in line)
    assert told in alt
    assert "p = 0.0002" in alt


def test_what_is_drawn_are_the_shares(exposed: Analysis) -> None:
    lines = exposure_lines.draw(View.of(exposed, markdown=False)).axes[0].lines
    shares = [0.3, 0.45, 0.525, 0.5756, 0.6006]
    assert [line for line in lines if list(line.get_ydata()) == pytest.approx(shares)]
    assert {tuple(line.get_xdata()) for line in lines if len(line.get_xdata()) == 5} == {(0, 1, 2, 6, 20)}


def test_the_figure_is_the_same_bytes_every_time_and_reads_back(exposed: Analysis) -> None:
    found = figures(exposed)
    again = figures(from_json(to_json(exposed)))
    assert {"figures/exposure.png", "figures/exposure.svg"} <= set(found)
    assert found == again


def test_a_variant_that_may_not_be_shown_and_one_that_nobody_met(exposed: Analysis) -> None:
    """A variant without any exposure has a line at zero; one that is left out has none."""
    assert exposed.exposure is not None
    none = tuple(
        replace(step, counts=(("control", dict(step.counts)["control"]), ("voucher", 0)))
        for step in exposed.exposure.days
    )
    text = render_markdown(replace(exposed, exposure=ExposureResult(offered=OFFERED, days=none)))
    assert "| day 20 | 60.1% (12,012) | 0.0% (0) |" in text
    alone = tuple(replace(step, counts=step.counts[:1]) for step in exposed.exposure.days)
    text = render_markdown(replace(exposed, exposure=ExposureResult(offered=OFFERED[:1], days=alone)))
    assert "| Assigned | 20,000 |" in text
    assert figures(replace(exposed, exposure=ExposureResult(offered=OFFERED[:1], days=alone)))["figures/exposure.png"]


def test_one_step_is_a_table_without_a_line(exposed: Analysis) -> None:
    assert exposed.exposure is not None
    once = replace(exposed, exposure=replace(exposed.exposure, days=exposed.exposure.days[:1]))
    assert "figures/exposure.png" not in figures(once)
    assert "(figures/exposure.png)" not in (text := render_markdown(once))
    assert "| day 0 | 30.0% (6,000) | 29.5% (5,900) |" in text


def test_results_from_before_render_without_it(exposed: Analysis, voucher: Analysis) -> None:
    older = replace(exposed, exposure=None)
    text = to_json(older).replace('  "exposure": null,\n', "")
    assert '"exposure":' not in text.replace('"id": "exposure"', "")
    report = render_markdown(from_json(text))
    assert "figures/exposure.png" not in report
    assert "Customers by the day of their first exposure" in report
    assert "enrolled a day" in render_markdown(voucher)


def test_before_the_readout_it_is_shown_too(exposed: Analysis, interim: Analysis) -> None:
    early = replace(interim, exposure=exposed.exposure)
    assert "(figures/exposure.png)" in render_markdown(early)
    assert "figures/exposure.png" in figures(early)


def test_in_japanese(exposed: Analysis) -> None:
    text = render_markdown(exposed, "ja")
    assert "| 0日目 | 30.0%（6,000） | 29.5%（5,900） |" in text
    assert "どの群も同じように接触しています（p = 0.81）。" in text
