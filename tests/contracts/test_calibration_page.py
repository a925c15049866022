"""docs/calibration.md holds a row for every study, as docs/make_calibration.py writes it, and none outside its band."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from docs import make_calibration
from docs.make_calibration import PAGE, document, row, sections

from tests.calibration.study import Study, all_studies, judge

TEXT = PAGE.read_text(encoding="utf-8")


def cells() -> dict[tuple[str, str, str, str], list[str]]:
    """Topic, method, data and seed to the cells of the row."""
    found = {}
    for topic, body in sections(TEXT).items():
        for line in body.splitlines()[2:]:
            if line.startswith("| "):
                parts = [cell.replace("\\|", "|") for cell in line[2:-2].split(" | ")]
                found[topic, parts[0], parts[1], parts[-1]] = parts
    return found


def test_every_study_has_its_row_and_every_row_its_study() -> None:
    studies = {(study.topic, study.method, study.data, str(study.seed)): study for study in all_studies()}
    rows = cells()
    assert set(rows) == set(studies)
    for key, study in studies.items():
        assert rows[key][2] == study.measures
        promised = float(re.sub(r"[^\d.]", "", rows[key][3])) / 100
        assert promised == pytest.approx(study.nominal)
        assert rows[key][3].startswith("at ") == study.at_most


def test_no_row_is_outside_without_a_reason() -> None:
    """By its own numbers, not only by its mark; the reason stands below the table."""
    known = {str(study.seed): study for study in all_studies() if study.known}
    for method, _, _, _, rate, band, _, seed in cells().values():
        found, ends = float(re.sub(r"[^\d.]", "", rate)), [float(end) for end in re.findall(r"[\d.]+", band)]
        low = 0.0 if band.startswith("at most") else ends[0]
        high = 100.0 if band.startswith("at least") else ends[-1]
        outside = "outside**" in rate
        assert outside or low <= found <= high, f"{method}, seed {seed}"
        if outside:
            assert f"Seed {seed} is outside: {known[seed].known}" in TEXT


def test_replications_are_no_fewer_than_in_the_tests() -> None:
    rows = cells()
    for study in all_studies():
        runs = rows[study.topic, study.method, study.data, str(study.seed)][6]
        assert int(runs.replace(",", "")) >= study.runs


def test_the_page_is_what_its_script_writes_of_it() -> None:
    assert document(sections(TEXT)) == TEXT


def test_one_topic_is_made_again_and_the_others_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    page = tmp_path / "calibration.md"
    page.write_text(TEXT, encoding="utf-8")
    monkeypatch.setattr(make_calibration, "PAGE", page)
    make_calibration.main(["--only", "Ratios", "--runs", "50", "--jobs", "1"])
    before, after = sections(TEXT), sections(page.read_text(encoding="utf-8"))
    assert list(after) == list(before)
    assert [topic for topic in before if before[topic] != after[topic]] == ["Ratios"]
    assert "| 50 | 20009 |" in after["Ratios"]


def test_a_study_outside_its_band_is_marked() -> None:
    """Never hidden."""
    study = next(study for study in all_studies() if study.seed == 20_009)
    wrong = dataclasses.replace(study, nominal=0.5)
    assert ", outside** |" in row(wrong, judge(wrong, 200), 200)
    assert "outside" not in row(study, judge(study, 200), 200)


def test_an_unknown_topic_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        make_calibration.main(["--only", "Astrology"])
    assert "Astrology" in capsys.readouterr().err


def test_shares_are_judged_by_their_own_spread() -> None:
    """Answers between 0 and 1 vary less than yes and no: 2,000 shares around 0.3 with a standard deviation of 0.1."""
    values = Study(
        topic="x",
        method="x",
        data="x",
        measures="false discovery rate",
        nominal=0.3,
        seed=1,
        hits=lambda rng, runs: rng.normal(0.3, 0.1, runs).clip(0.0, 1.0).tolist(),
    )
    found = judge(values, 2_000)
    assert found.ok
    assert found.high - found.low == pytest.approx(2 * 3.29 * 0.1 / 2_000**0.5, rel=0.1)
    assert not judge(dataclasses.replace(values, nominal=0.31), 2_000).ok
