"""A report on disk and its figures: whole or not at all, and always the same bytes."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast import atomic
from holdfast.errors import UsageError
from holdfast.model.result import Analysis, CurveResult
from holdfast.report import figures, files, from_json, render_markdown, to_json, write


def tree(folder: Path) -> dict[str, bytes]:
    """All files under a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_report_is_written_whole_and_replaces_the_one_before(voucher: Analysis, tmp_path: Path) -> None:
    folder = tmp_path / "reports" / "winback" / "2027-02-14"
    assert write(voucher, folder, "SELECT 1;\n") == folder / "report.md"
    first = tree(tmp_path)
    assert first["reports/winback/2027-02-14/queries.sql"] == b"SELECT 1;\n"
    (folder / "old.txt").write_text("old")
    write(voucher, folder, "SELECT 1;\n")
    assert tree(tmp_path) == first
    assert sorted(path.name for path in folder.parent.iterdir()) == ["2027-02-14"]


@pytest.mark.parametrize("broken", ["fsync", "rename"])
def test_a_failure_half_way_changes_nothing(
    voucher: Analysis, tmp_path: Path, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "report"
    write(voucher, folder, "SELECT 1;\n")
    before = tree(tmp_path)
    calls = 0
    real = Path.rename

    def full(handle: int) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OSError("no space left on device")

    def stuck(path: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise OSError("permission denied")
        return real(path, target)

    if broken == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        # As on systems that cannot exchange two folders in one step.
        monkeypatch.setattr(atomic, "_exchange", lambda *_: False)
        monkeypatch.setattr(Path, "rename", stuck)
    with pytest.raises(OSError, match=r"no space|permission"):
        write(replace(voucher, as_of="2027-03-01"), folder, "SELECT 2;\n")
    assert tree(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_failure_leaves_no_new_folders(voucher: Analysis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write(voucher, tmp_path / "a" / "b" / "c", "")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_things_is_not_replaced(voucher: Analysis, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("ten years of work")
    with pytest.raises(UsageError, match="something else than a report"):
        write(voucher, tmp_path, "")
    assert tree(tmp_path) == {"thesis.txt": b"ten years of work"}


def test_content_that_fails_never_touches_the_disk(voucher: Analysis, tmp_path: Path) -> None:
    broken = replace(voucher, money=(replace(voucher.money[0], value=float("nan")),))
    with pytest.raises(ValueError, match="money"):
        write(broken, tmp_path / "report", "")
    assert list(tmp_path.iterdir()) == []
    assert files.REPORT == "report.md"


@pytest.mark.parametrize("name", ["hillstrom", "cookie_cats", "voucher", "interim"])
def test_the_same_results_give_the_same_bytes(name: str, request: pytest.FixtureRequest) -> None:
    analysis = from_json(to_json(request.getfixturevalue(name)))
    again = from_json(to_json(analysis))
    assert render_markdown(analysis) == render_markdown(again)
    assert figures(analysis) == figures(again)


def test_figures_have_their_names_and_fit_a_page(voucher: Analysis, hillstrom: Analysis, interim: Analysis) -> None:
    drawn = figures(voucher)
    assert sorted(drawn) == [
        f"figures/{name}.{ending}" for name in ("enrolment", "forest", "retention") for ending in ("png", "svg")
    ]
    assert sorted(figures(hillstrom)) == ["figures/forest.png", "figures/forest.svg"]
    assert sorted(figures(interim)) == ["figures/enrolment.png", "figures/enrolment.svg"]
    for name, content in drawn.items():
        if name.endswith("png"):
            assert struct.unpack(">I", content[16:20])[0] <= 1200
        else:
            assert b"<dc:date>" not in content
            assert b"matplotlib.org" not in content.split(b"<defs>")[0].replace(b"http://matplotlib.org", b"")


def test_each_curve_has_its_figure(voucher: Analysis) -> None:
    curve = voucher.curves[0]
    empty = CurveResult(title="Nothing yet", confidence=0.95, points=tuple(replace(p, rate=None) for p in curve.points))
    several = replace(voucher, curves=(curve, empty, replace(curve, title="Again")))
    assert {"figures/retention.png", "figures/retention-2.png"} <= set(figures(several))
    assert "figures/retention-3.png" not in figures(several)


def test_figures_survive_titles_that_the_font_cannot_draw(hillstrom: Analysis) -> None:
    variants = tuple(replace(variant, title="呼び戻し $x$ " * 9) for variant in hillstrom.variants)
    metrics = tuple(replace(metric, title="$\\frac{" + "long title " * 20) for metric in hillstrom.metrics)
    assert figures(replace(hillstrom, variants=variants, metrics=metrics))
