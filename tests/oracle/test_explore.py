"""Explorations beside a plan that asks for the same, and beside the rows themselves.

What is explored has to be what an analysis would have said, had it been planned; and no analysis may change by it but
for the line that says what was looked at.
"""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_ind

from holdfast.cli import main
from holdfast.cli.figures import number
from holdfast.errors import DataError, HoldfastError, NotYet, UsageError
from tests.documents import checked
from tests.oracle.small_shop import AS_OF, HEAD, TWO, WINDOW, analyze, known, row, shop, trial, write

PLAN = f"{HEAD}{TWO}metrics: {{primary: revenue}}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "asked", shop(11), PLAN)


def test_it_says_what_a_plan_for_it_would_have_said(tmp_path: Path, folder: Path) -> None:
    """The same metric, segment and adjustment, planned in one project and explored in another with the same rows."""
    cuped = "cuped: {lookback: 20d}"
    planned = f"{HEAD}{TWO}metrics: {{primary: orders}}\nanalysis: {{segments: [country], {cuped}}}\n"
    asked = f"{PLAN}analysis: {{{cuped}}}\n"
    wanted = analyze(write(tmp_path / "planned", shop(11), planned))
    found = trial(write(tmp_path / "adjusted", shop(11), asked)).explore("orders", segment="country").result
    numbers = ("estimate", "se", "lower", "upper", "p", "n", "n_baseline", "estimator", "unadjusted")
    for lift in (False, True):
        (mine,) = [each for each in found.estimates if (each.estimand == "lift") == lift]
        theirs = row(wanted, "orders", lift=lift)
        assert [getattr(mine, name) for name in numbers] == [getattr(theirs, name) for name in numbers]
        assert (mine.role, mine.state) == ("descriptive", "described")
    theirs_by_level = [each for each in wanted.segments if each.metric == "orders"]
    assert len(theirs_by_level) == 5
    assert list(found.segments) == theirs_by_level
    assert [test.p for test in found.interactions] == [test.p for test in wanted.interactions]


def test_only_units_that_meet_every_condition_count(folder: Path) -> None:
    """Against the rows: the mean margin of plus customers of sizes 3 to 6, by Welch's test."""
    data = shop(11)
    found = trial(folder).explore("margin", where={"plan": "plus", "size": "3..6"}).result
    (difference, _) = found.estimates
    chosen = (data.units["plan"] == "plus") & data.units["size"].between(3, 6)
    margin = data.total("margin")
    control, letter = (
        margin[(chosen & (data.units["variant"] == variant)).to_numpy()].to_numpy() for variant in ("control", "letter")
    )
    assert (difference.n, difference.n_baseline) == (len(letter), len(control))
    assert difference.estimate == pytest.approx(letter.mean() - control.mean(), rel=1e-9)
    assert difference.p == pytest.approx(ttest_ind(letter, control, equal_var=False).pvalue, rel=1e-6)
    assert found.where == {"plan": "plus", "size": "3 to 6"}


def test_within_a_segment_of_some_units(folder: Path) -> None:
    """Both at once: customers of one plan by country, against the rows."""
    data = shop(11)
    found = trial(folder).explore("orders", segment="country", where={"plan": "basic"}).result
    orders = data.total("order")
    assert {each.level for each in found.segments} >= {"JP", "US"}
    for each in found.segments:
        country = data.units["country"].isna() if each.level is None else data.units["country"] == each.level
        chosen = country & (data.units["plan"] == "basic")
        means = {
            variant: orders[(chosen & (data.units["variant"] == variant)).to_numpy()].mean()
            for variant in ("control", "letter")
        }
        assert each.difference.estimate == pytest.approx(means["letter"] - means["control"], rel=1e-9)


def test_times_to_an_event_count_the_same_units(folder: Path) -> None:
    """Those at risk at first are the customers who meet the condition and hold a subscription."""
    data = shop(11)
    found = trial(folder).explore("stayed", where={"plan": "plus"}).result
    holders = data.units[data.units["id"].isin(data.periods["id"]) & (data.units["plan"] == "plus")]
    sizes = {each.variant: each.n for each in found.levels}
    assert sizes == {variant: int((holders["variant"] == variant).sum()) for variant in ("control", "letter")}


def test_it_is_recorded_and_the_next_report_lists_it_and_nothing_else_changes(folder: Path) -> None:
    before = analyze(folder)
    experiment = trial(folder)
    experiment.explore("orders", segment="country")
    experiment.explore("margin", where={"plan": "plus"})
    again = experiment.explore("margin", where={"plan": "plus"})
    assert again.result.explored == 2
    handle = trial(folder).analyze()
    after = handle.analysis
    told = [each for each in after.deviations if each.id == "explored"]
    assert [dict(each.details) for each in told] == [
        {"name": "orders", "segment": "country", "where": ""},
        {"name": "margin", "segment": "", "where": "plan: plus"},
    ]
    assert replace(after, deviations=before.deviations) == before
    report = handle.to_markdown()
    assert "Explored after the fact: orders by country." in report
    assert "Explored after the fact: margin where plan: plus." in report


def test_before_the_readout_nothing_is_shown_or_recorded(folder: Path) -> None:
    with pytest.raises(NotYet, match="2026-05-01") as early:
        trial(folder).explore("orders", as_of="2026-04-01")
    assert early.value.available_from.isoformat() == AS_OF
    assert not (folder / "experiments" / "trial" / "explorations.yaml").exists()


@pytest.mark.parametrize(
    ("metric", "options", "says"),
    [
        ("ordrs", {}, 'did you mean "orders"'),
        ("orders@", {}, "is not a metric"),
        ("steps", {}, "funnel"),
        ("orders", {"segment": "contry"}, 'no column "contry", did you mean "country"'),
        ("orders", {"where": {"id": "c7"}}, "which unit it is"),
        ("orders", {"where": {"variant": "letter"}}, "how it was assigned"),
        ("orders", {"where": {"size": "top 20%"}}, "top"),
        ("orders", {"where": {"size": "6..3"}}, "empty range"),
        ("median_revenue", {"segment": "country"}, "--where"),
        ("orders", {"segment": "home"}, None),
    ],
)
def test_what_cannot_be_asked(folder: Path, metric: str, options: dict[str, object], says: str | None) -> None:
    """Refused with a reason, and not recorded; only a property of many values is an answer without a level."""
    segment, where = options.get("segment"), options.get("where")
    assert segment is None or isinstance(segment, str)
    assert where is None or isinstance(where, dict)
    if says is None:
        found = trial(folder).explore(metric, segment=segment, where=where).result
        assert not found.segments
        assert found.suppressed > 300
        assert "h1" not in json.dumps(json.loads(trial(folder).explore(metric, segment=segment).to_json()))
        return
    with pytest.raises(HoldfastError, match=says):
        trial(folder).explore(metric, segment=segment, where=where)
    assert not (folder / "experiments" / "trial" / "explorations.yaml").exists()


def test_few_units_are_not_shown_nor_told_by_what_is_left(tmp_path: Path) -> None:
    """Nineteen customers of a variant are too few, and so are all but nineteen; twenty are enough. The message does
    not repeat the value."""
    data = shop(3)
    for variant in ("control", "letter"):
        mine = np.flatnonzero(data.units["variant"] == variant)
        data.units.loc[mine[:19], "plan"] = "rare"
        data.units.loc[mine[19:39], "plan"] = "enough"
    experiment = trial(write(tmp_path, data, PLAN))
    for value in ("rare", {"not": "rare"}):
        with pytest.raises(DataError, match="fewer than 20 units") as small:
            experiment.explore("orders", where={"plan": value})
        assert "rare" not in str(small.value)
    assert [each.n for each in experiment.explore("orders", where={"plan": "enough"}).result.levels] == [20, 20]


def test_small_differences_within_a_segment_are_not_told(tmp_path: Path) -> None:
    """All but five of the customers of a country meet the condition: beside the country's own numbers that tells of
    the five."""
    data = shop(3)
    french = np.flatnonzero((data.units["country"] == "FR") & (data.units["variant"] == "control"))
    data.units["plan"] = np.where(np.arange(len(data.units)) % 2, "basic", "plus")
    data.units.loc[data.units["country"] == "FR", "plan"] = "basic"
    data.units.loc[french[:5], "plan"] = "plus"
    experiment = trial(write(tmp_path, data, PLAN))
    with pytest.raises(DataError, match="leave out the segment or the conditions"):
        experiment.explore("orders", segment="country", where={"plan": "basic"})


@pytest.fixture
def hiding(tmp_path: Path) -> Path:
    """A report by country that hides LI, for its few customers, and FR, which would tell of them; size 8 comes with
    twelve customers of a variant beyond size 7."""
    data = shop(3)
    for variant in ("control", "letter"):
        mine = np.flatnonzero(data.units["variant"] == variant)
        data.units.loc[mine[:7], "country"] = "LI"
    return write(tmp_path, data, f"{PLAN}analysis: {{segments: [country]}}\n")


def test_a_value_that_is_hidden_to_protect_another_is_not_told(hiding: Path) -> None:
    """In every way of asking for it: alone, with what is shown, as the opposite, beside another condition that
    everybody meets, or as a segment of its own; and nothing of it is recorded."""
    shown = {row.level for row in analyze(hiding).segments if not row.suppressed}
    hidden = {"LI", "FR"}
    assert shown == {"JP", "US", "DE", None}
    sources = hiding / "configs" / "sources" / "all.yaml"
    sources.write_text(sources.read_text("utf-8") + "segments: {french: {country: FR}}\n", encoding="utf-8")
    asked = (["FR"], ["FR", "JP"], {"not": "FR"}, {"not": ["FR", "US"]})
    for value in asked:
        with pytest.raises(DataError, match="by subtraction") as told:
            trial(hiding).explore("orders", where={"country": value})
        assert not any(f" {level} " in str(told.value) for level in hidden)
    with pytest.raises(DataError, match="by subtraction"):
        trial(hiding).explore("orders", where={"country": "FR", "size": ">= 0"})
    with pytest.raises(DataError, match="by subtraction"):
        trial(hiding).explore("orders", segment="french")
    assert not (hiding / "experiments" / "trial" / "explorations.yaml").exists()
    # What is shown may be asked for, and what is hidden all together.
    together = trial(hiding).explore("orders", where={"country": ["FR", "LI"]}).result.levels
    assert min(row.n for row in together) >= 20
    trial(hiding).explore("orders", where={"country": "JP"})
    trial(hiding).explore("orders", segment="country")


def test_questions_that_differ_by_few_customers_are_not_both_answered(tmp_path: Path) -> None:
    """Whichever comes first, and whichever metric: the first is answered, the other refused, and other questions are
    answered still. The difference of three questions tells no less than that of two."""
    data = shop(3)
    data.units["size"] = np.where(np.arange(len(data.units)) % 60, data.units["size"], 9)
    counts = data.units.groupby(["variant", "size"]).size()
    assert 0 < counts["control", 9.0] < 20
    first, second = {"size": "5..9"}, {"size": "5..8"}
    folder = write(tmp_path, data, PLAN)
    trial(folder).explore("orders", where=first)
    for metric in ("orders", "margin"):
        with pytest.raises(DataError, match="by subtraction"):
            trial(folder).explore(metric, where=second)
    trial(folder).explore("margin", where=first)
    trial(folder).explore("margin", where={"plan": "plus"})
    trial(folder).explore("margin", where={"size": "5..6"})
    with pytest.raises(DataError, match="by subtraction"):
        trial(folder).explore("margin", where={"size": "7..8"})


def test_what_was_told_before_does_not_stop_other_questions(hiding: Path) -> None:
    """A list from before such questions were refused, with a value that reads like two."""
    path = hiding / "experiments" / "trial" / "explorations.yaml"
    path.write_text(
        "schema: holdfast.explorations/1\nexplorations:\n"
        "- {as_of: 2026-05-01, version: 1, metric: orders, where: {country: FR}}\n"
        "- {as_of: 2026-05-01, version: 1, metric: orders, where: {plan: plus or basic, size: 3 to 6}}\n"
        "- {as_of: 2026-05-01, version: 1, metric: orders, where: {gone: x}}\n",
        encoding="utf-8",
    )
    trial(hiding).explore("orders", where={"plan": "plus"})
    for metric in ("orders", "margin"):
        with pytest.raises(DataError, match="by subtraction"):
            trial(hiding).explore(metric, where={"country": "FR"})


def test_explorations_at_the_same_time_are_all_kept(folder: Path) -> None:
    """Four at once: none is lost."""
    metrics = ("orders", "margin", "bought", "order_value")
    threads = [threading.Thread(target=trial(folder).explore, args=(metric,)) for metric in metrics]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    listed = [each.details["name"] for each in analyze(folder).deviations if each.id == "explored"]
    assert sorted(listed) == sorted(metrics)


def test_a_broken_list_is_named_and_stays(folder: Path) -> None:
    path = folder / "experiments" / "trial" / "explorations.yaml"
    path.write_text("schema: another\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"experiments/trial/explorations\.yaml"):
        trial(folder).explore("orders")
    assert path.read_text(encoding="utf-8") == "schema: another\n"


def test_the_command(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Stamped in words and in JSON, with the numbers of the Python call; typed conditions as YAML reads them."""

    def run(*arguments: str) -> str:
        line = ["holdfast", "explore", "trial", "--metric", "margin", "--project", str(folder), *arguments]
        monkeypatch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as end:
            main()
        assert not end.value.code
        return capsys.readouterr().out

    conditions = ("--where", "size=3", "--where", "size=4", "--where", "plan=plus")
    found = checked("exploration", run("--json", *conditions))
    assert (found["schema"], found["exploratory"]) == ("holdfast.exploration/1", True)
    assert found["where"] == {"plan": "plus", "size": "3 or 4"}
    same = trial(folder).explore("margin", where={"size": [3, 4], "plan": "plus"})
    assert found["estimates"][0]["estimate"] == pytest.approx(known(same.estimates[0].estimate), rel=1e-11)
    text = run("--segment", "country")
    assert text.startswith("EXPLORATORY: ")
    assert "country: JP" in text
    assert same.to_pandas()["exploratory"].all()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (12_345.6, "12,346"),
        (1923.0, "1,923"),
        (216.94, "216.9"),
        (6.9431, "6.943"),
        (0.01234, "0.0123"),
        (0.0, "0"),
    ],
)
def test_amounts_are_shown_without_an_exponent(value: float, shown: str) -> None:
    assert number(value) == shown
    assert number(-value, signed=True).lstrip("+-") == shown


def test_another_window_than_the_planned_one(folder: Path) -> None:
    """Ten days instead of thirty, against the rows."""
    data = shop(11)
    (difference, _) = trial(folder).explore("orders@10d").result.estimates
    orders = data.total("order", 0, 10)
    letter, control = (data.of(orders, variant).mean() for variant in ("letter", "control"))
    assert difference.estimate == pytest.approx(letter - control, rel=1e-9)
    assert WINDOW != 10


def test_a_property_that_a_project_assigns_by_is_looked_up_before_anything_is_read(folder: Path) -> None:
    with pytest.raises(UsageError, match="is an outcome"):
        path = folder / "configs" / "metrics" / "all.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text + "  grown: {operation: column, column: size, desired_change: increase}\n", "utf-8")
        trial(folder).explore("orders", where={"size": 3})
