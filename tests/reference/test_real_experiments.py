"""Real experiments against measured reference values.

The reference figures were measured with pandas, scipy and statsmodels (they stand in the data sets' READMEs): variances
use n - 1; the difference is treated minus control with a Welch 95 % interval; z is the pooled two-proportion test; no
correction. They are printed to six significant digits, which is how closely they are compared.

Lift intervals are Fieller's. The references use the delta method, so they are checked by a second route here: the
values r at which the t statistic of m_t - r m_c crosses its critical value, found by root finding.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from scipy import optimize
from scipy import stats as scipy_stats

import holdfast
from holdfast.model.result import Analysis, Estimate
from holdfast.project import AnalysisHandle, Project
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def project(data_folder: Path) -> Project:
    return holdfast.open_project(ROOT)


@pytest.fixture(scope="module")
def analyses(project: Project) -> dict[str, AnalysisHandle]:
    return {slug: project.experiment(slug).analyze() for slug in project.slugs}


def six(value: float) -> object:
    """Equal to six significant digits, the precision of the reference."""
    return pytest.approx(value, rel=6e-6)


LEVELS = [
    ("hillstrom-email", "visit", "control", 21306, 0.106167, 0.0949002),
    ("hillstrom-email", "visit", "mens_email", 21307, 0.182757, 0.149364),
    ("hillstrom-email", "visit", "womens_email", 21387, 0.1514, 0.128484),
    ("hillstrom-email", "conversion", "control", 21306, 0.00572609, 0.00569357),
    ("hillstrom-email", "conversion", "mens_email", 21307, 0.0125311, 0.0123746),
    ("hillstrom-email", "conversion", "womens_email", 21387, 0.00883714, 0.00875946),
    ("hillstrom-email", "spend", "control", 21306, 0.652789, 134.286),
    ("hillstrom-email", "spend", "mens_email", 21307, 1.42262, 315.212),
    ("hillstrom-email", "spend", "womens_email", 21387, 1.0772, 228.497),
    ("cookie-cats-gate", "retention_day_1", "gate_30", 44700, 0.448188, 0.247321),
    ("cookie-cats-gate", "retention_day_1", "gate_40", 45489, 0.442283, 0.246674),
    ("cookie-cats-gate", "retention_day_7", "gate_30", 44700, 0.190201, 0.154028),
    ("cookie-cats-gate", "retention_day_7", "gate_40", 45489, 0.182, 0.148879),
    ("karlan-list-match", "given_per_letter", "control", 16687, 0.813268, 66.8549),
    ("karlan-list-match", "given_per_letter", "match_1_1", 11133, 0.936675, 87.2404),
    ("karlan-list-match", "given_per_letter", "match_2_1", 11134, 1.02614, 87.6717),
    ("karlan-list-match", "given_per_letter", "match_3_1", 11127, 0.932686, 65.8895),
    ("karlan-list-match", "gave", "control", 16687, 0.0178582, 0.0175403),
    ("karlan-list-match", "gave", "match_1_1", 11133, 0.0207491, 0.0203204),
    ("karlan-list-match", "gave", "match_2_1", 11134, 0.0226334, 0.0221231),
]

DIFFERENCES = [
    ("hillstrom-email", "visit", "mens_email", "control", 0.0765896, 0.0699531, 0.083226, 1.364e-112),
    ("hillstrom-email", "conversion", "mens_email", "control", 0.00680501, 0.00500007, 0.00860994, 1.502e-13),
    ("hillstrom-email", "spend", "mens_email", "control", 0.769827, 0.48514, 1.05451, 1.164e-07),
    ("hillstrom-email", "visit", "womens_email", "control", 0.0452331, 0.0388935, 0.0515727, 2.432e-44),
    ("hillstrom-email", "conversion", "womens_email", "control", 0.00311106, 0.00149859, 0.00472352, 0.000156),
    ("hillstrom-email", "spend", "womens_email", "control", 0.424412, 0.168957, 0.679868, 0.001129),
    ("hillstrom-email", "visit", "mens_email", "womens_email", 0.0313565, 0.0242847, 0.0384282, 3.725e-18),
    ("hillstrom-email", "conversion", "mens_email", "womens_email", 0.00369395, 0.00174341, 0.00564449, 0.000206),
    ("hillstrom-email", "spend", "mens_email", "womens_email", 0.345415, 0.0325614, 0.658268, 0.03047),
    ("cookie-cats-gate", "retention_day_1", "gate_40", "gate_30", -0.00590517, -0.0123926, 0.000582259, 0.07441),
    ("cookie-cats-gate", "retention_day_7", "gate_40", "gate_30", -0.0082013, -0.0132817, -0.00312092, 0.001557),
    ("karlan-list-match", "given_per_letter", "match_1_1", "control", 0.123407, -0.0898956, 0.336709, 0.2568),
    ("karlan-list-match", "given_per_letter", "match_2_1", "control", 0.212868, -0.000776444, 0.426513, 0.05084),
    ("karlan-list-match", "given_per_letter", "match_3_1", "control", 0.119418, -0.0758809, 0.314718, 0.2307),
    ("karlan-list-match", "gave", "match_1_1", "control", 0.00289091, -0.000433345, 0.00621517, 0.08829),
    ("karlan-list-match", "gave", "match_2_1", "control", 0.00477516, 0.00135871, 0.00819161, 0.006157),
]


@pytest.mark.parametrize(("slug", "metric", "variant", "n", "mean", "variance"), LEVELS)
def test_levels(
    analyses: dict[str, AnalysisHandle], slug: str, metric: str, variant: str, n: int, mean: float, variance: float
) -> None:
    level = analyses[slug].analysis.level(metric, variant)
    assert level is not None
    assert level.n == n
    assert level.value == six(mean)
    assert level.unit_variance == six(variance)


@pytest.mark.parametrize(("slug", "metric", "variant", "baseline", "estimate", "lower", "upper", "p"), DIFFERENCES)
def test_differences(
    analyses: dict[str, AnalysisHandle],
    slug: str,
    metric: str,
    variant: str,
    baseline: str,
    estimate: float,
    lower: float,
    upper: float,
    p: float,
) -> None:
    row = analyses[slug].analysis.find(metric, variant, "difference", baseline)
    assert row is not None
    assert (row.estimate, row.lower, row.upper) == (six(estimate), six(lower), six(upper))
    assert row.confidence == 0.95
    assert row.p == pytest.approx(p, rel=6e-4)


def test_response_rate_keeps_the_two_donors_without_an_amount(analyses: dict[str, AnalysisHandle]) -> None:
    """736 of 33,396 letters with a match brought a gift, two of them of unknown size; 298 of 16,687 without."""
    analysis = analyses["karlan-list-match"].analysis
    gave = [analysis.level("gave", variant) for variant in ("match_1_1", "match_2_1", "match_3_1")]
    assert sum(level.n for level in gave if level) == 33_396
    assert sum(level.active for level in gave if level) == 736
    given = analysis.level("given_per_letter", "match_3_1")
    assert given is not None
    assert given.excluded == 2


def test_raw_rounds_stand_beside_the_capped_ones(analyses: dict[str, AnalysisHandle]) -> None:
    """52.4563 and 51.2988 rounds, one player of the first group with 49,854 of them."""
    analysis = analyses["cookie-cats-gate"].analysis
    levels = [analysis.level("rounds", variant) for variant in ("gate_30", "gate_40")]
    assert [level.raw_value for level in levels if level] == [six(52.4563), six(51.2988)]
    assert all(level.value and level.raw_value and level.value < level.raw_value for level in levels if level)


def test_split_of_cookie_cats_is_noted(analyses: dict[str, AnalysisHandle]) -> None:
    analysis = analyses["cookie-cats-gate"].analysis
    assert {variant.key: variant.assigned for variant in analysis.variants} == {"gate_30": 44_700, "gate_40": 45_489}
    (srm,) = (check for check in analysis.checks if check.id == "srm")
    assert srm.status == "note"
    assert srm.value == pytest.approx(0.008608, rel=1e-4)
    assert analysis.verdict.recommendation == "do_not_ship"


def test_split_of_cookie_cats_blocks_under_a_stricter_project(
    data_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a project threshold of 0.01 the same split leaves no verdict."""
    monkeypatch.setenv("HOLDFAST_DATA", str(data_folder))
    for part in ("configs", "experiments"):
        shutil.copytree(ROOT / part, tmp_path / part)
    path = tmp_path / "configs" / "project.yaml"
    text = path.read_text(encoding="utf-8")
    assert "block: 0.0005" in text
    path.write_text(text.replace("block: 0.0005", "block: 0.01"), encoding="utf-8")
    handle = holdfast.open_project(tmp_path).experiment("cookie-cats-gate").analyze()
    assert handle.verdict.recommendation == "no_verdict"
    assert handle.verdict.checks == ("srm",)
    assert "[!WARNING]" in handle.to_markdown().splitlines()[2]


def test_order_values_are_ratios_of_sums_by_customer(analyses: dict[str, AnalysisHandle]) -> None:
    """Means of 114.0027, 113.5269 and 121.8948 dollars over 122, 267 and 189 buyers."""
    analysis = analyses["hillstrom-email"].analysis
    expected = {"control": (122, 114.0027), "mens_email": (267, 113.5269), "womens_email": (189, 121.8948)}
    for variant, (buyers, mean) in expected.items():
        level = analysis.level("spend_per_buyer", variant)
        assert level is not None
        assert level.active == buyers
        assert level.value == pytest.approx(mean, abs=5e-5)


def _lift_rows(analyses: dict[str, AnalysisHandle]) -> Iterator[tuple[Analysis, Estimate, Estimate]]:
    for handle in analyses.values():
        for row in handle.analysis.estimates:
            if row.estimand == "lift" and row.estimator.startswith("Fieller") and row.status == "estimated":
                difference = handle.analysis.find(row.metric, row.variant, "difference", row.baseline)
                assert difference is not None
                yield handle.analysis, row, difference


def test_lifts_by_a_second_route(analyses: dict[str, AnalysisHandle]) -> None:
    rows = list(_lift_rows(analyses))
    assert len(rows) > 30
    for analysis, row, difference in rows:
        treated, control = analysis.level(row.metric, row.variant), analysis.level(row.metric, row.baseline)
        assert treated and control and treated.se and control.se and treated.value is not None and control.value
        variances = treated.se**2, control.se**2
        df = sum(variances) ** 2 / (variances[0] ** 2 / (treated.n - 1) + variances[1] ** 2 / (control.n - 1))
        critical = scipy_stats.t.ppf(0.975, df)

        def distance(
            r: float,
            means: tuple[float, float] = (treated.value, control.value),
            spread: tuple[float, float] = variances,
            bound: float = critical,
        ) -> float:
            return float((means[0] - r * means[1]) ** 2 / (spread[0] + r**2 * spread[1]) - bound**2)

        ratio = treated.value / control.value
        low = optimize.brentq(distance, ratio - 20, ratio)
        high = optimize.brentq(distance, ratio, ratio + 20)
        assert row.lower == pytest.approx(low - 1, rel=1e-7, abs=1e-9)
        assert row.upper == pytest.approx(high - 1, rel=1e-7, abs=1e-9)
        assert row.lower is not None
        assert row.upper is not None
        assert difference.lower is not None
        assert difference.upper is not None
        assert (row.lower > 0) == (difference.lower > 0)
        assert (row.upper < 0) == (difference.upper < 0)


def test_replay_finds_nothing(analyses: dict[str, AnalysisHandle]) -> None:
    """Nobody got anything: no metric may read better or worse, and the split is what the hash gives."""
    analysis = analyses["cdnow-replay"].analysis
    assert sum(variant.assigned for variant in analysis.variants) == 23_570
    assert {row.state for row in analysis.estimates} <= {"cannot_tell", "safe"}
    assert all(check.status in {"ok", "not_applicable"} for check in analysis.checks)


def test_replay_reads_the_log_as_it_is(
    project: Project, analyses: dict[str, AnalysisHandle], data_folder: Path
) -> None:
    """Orders and revenue of the 180 days, counted by plain Python from the text file."""
    import datetime as dt

    start, end = dt.date(1997, 10, 1), dt.date(1998, 3, 30)
    orders, cents = 0, 0
    for line in (data_folder / "cdnow" / "CDNOW_master.txt").read_text().splitlines():
        if line.strip():
            _, day, _, amount = line.split()
            if start <= dt.datetime.strptime(day, "%Y%m%d").date() < end:  # noqa: DTZ007 (a plain date)
                orders += 1
                cents += round(float(amount) * 100)
    analysis = analyses["cdnow-replay"].analysis
    levels = [analysis.level("average_order_value", variant) for variant in ("control", "replay")]
    totals = [level.totals for level in levels if level]
    assert sum(total[1] for total in totals) == pytest.approx(orders)
    assert sum(total[0] for total in totals) == pytest.approx(cents / 100)


def test_every_report_shows_the_trio(analyses: dict[str, AnalysisHandle]) -> None:
    for handle in analyses.values():
        analysis = handle.analysis
        shown = {info.trio for info in analysis.metrics if info.trio} | set(analysis.plan.not_measured)
        assert shown == {"retained", "churned", "average_order_value"}


def test_a_second_run_gives_the_same_document(project: Project) -> None:
    experiment = project.experiment("cookie-cats-gate")
    first, second = experiment.analyze(), experiment.analyze()
    assert first.analysis == second.analysis
    assert first.to_json() == second.to_json()
