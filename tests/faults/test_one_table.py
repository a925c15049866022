"""One table that does not fit the question: every case is a clear word, nothing is written, and no id is told."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import holdfast
from holdfast.cli.app import main
from holdfast.errors import DataError, HoldfastError, UsageError

ID = "mailbox-of-somebody@example.com"
"""What must never be told."""
STRANGE = ['a "quoted" one', "it's; DROP TABLE x --", "購入 額", "**bold** | `code` <b>", "back\\slash {x} $y$"]

FILES_OF_A_REPORT = {
    "report.md", "figures", "results.json", "results.parquet", "moments.parquet", "curves.parquet", "queries.sql",
}  # fmt: skip

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Typed:
    """Exit code, stdout and stderr of a command, run in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["holdfast", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        printed = capsys.readouterr()
        return int(stopped.value.code or 0), printed.out, printed.err

    return call


def usual(rows: int = 400) -> pd.DataFrame:
    """A table in order."""
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "id": [f"{ID}{i}" for i in range(rows)],
            "arm": ["A", "B"] * (rows // 2),
            "home": [f"h{i // 4 * 2 + i % 2}" for i in range(rows)],
            "country": (["DE"] * 3 + ["FR"]) * (rows // 4),
            "bought": rng.integers(0, 2, rows),
            "revenue": rng.gamma(2, 20, rows).round(2),
            "orders": rng.poisson(1.0, rows) + 1,
            "note": ["hello"] * rows,
        }
    )


def ask(frame: Any, **more: Any) -> holdfast.AnalysisHandle:
    asked: dict[str, Any] = {"unit": "id", "variant": "arm", "control": "A", "metrics": ["conversion:bought"]}
    return holdfast.analyze_frame(frame, **(asked | more))


WRONG_QUESTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "unit": ({"unit": "idd"}, 'the frame: no column "idd", did you mean "id"?'),
    "variant": ({"variant": "arms"}, 'no column "arms", did you mean "arm"?'),
    "cluster": ({"cluster": "hom"}, 'no column "hom", did you mean "home"?'),
    "covariate": ({"covariates": ["spent"]}, 'no column "spent"'),
    "segment": ({"segments": ["contry"]}, 'no column "contry", did you mean "country"?'),
    "measured": ({"metrics": ["mean:revenu"]}, 'no column "revenu", did you mean "revenue"?'),
    "numerator": ({"metrics": ["ratio:revenu/orders"]}, 'no column "revenu", did you mean "revenue"?'),
    "denominator": ({"metrics": ["ratio:revenue/order"]}, 'no column "order", did you mean "orders"?'),
    "no ratio": ({"metrics": ["ratio:revenue"]}, "write two columns, such as ratio:revenue/orders"),
    "form": ({"metrics": ["conversoin:bought"]}, '"conversoin:bought" is not a metric, did you mean "conversion:...'),
    "bare": ({"metrics": ["bought"]}, '"bought" is a column; say what to make of it: conversion:bought, mean:bought'),
    "nothing": ({"metrics": []}, "nothing is measured"),
    "one text": ({"metrics": "mean:revenue"}, 'metrics is a list: write metrics=["mean:revenue"]'),
    "twice": ({"metrics": ["sum:revenue", "total:revenue"]}, "total:revenue is asked for twice"),
    "control": ({"control": "C"}, 'column "arm": no row has the control "C" (known: A, B)'),
    "primary": ({"primary": "bougt"}, 'there is no metric "bougt"'),
    "guardrail": ({"guardrails": {"revenue": "3%"}}, 'there is no metric "revenue"'),
    "guards what decides": ({"guardrails": {"bought": "3%"}}, "conversion:bought decides already"),
    "harm": ({"metrics": ["mean:revenue", "conversion:bought"], "guardrails": {"bought": "3"}}, '"3" is not an effect'),
    "harm below zero": (
        {"metrics": ["mean:revenue", "conversion:bought"], "guardrails": {"bought": "-1pt"}},
        "the harm that is tolerated is above zero",
    ),
    "unit of an effect": ({"expect": "80 JPY"}, "80 JPY does not fit conversion:bought: write 0.5pt or 3%"),
    "money without a currency": (
        {"metrics": ["mean:revenue"], "money": ["revenue"]},
        "say which currency the money is",
    ),
    "no currency": ({"currency": "yen"}, '"yen" is not a currency; write its three letters'),
    "a share of money": ({"money": ["bought"], "currency": "JPY"}, "conversion:bought is a share, and no money"),
    "missing": ({"missing": "exlude"}, 'missing is one of error, zero, exclude, not "exlude", did you mean "exclude"?'),
    "weight of nobody": ({"weights": {"A": 1, "C": 1}}, 'no row has the variant "C"'),
    "half of the weights": ({"weights": {"A": 1}}, 'say the share of "B" too'),
    "weight": ({"weights": {"A": 1, "B": -1}}, '"-1" is not a share'),
    "cap": ({"winsorize": {"bought": "99.9%"}}, "conversion:bought has no values to cap"),
    "low cap": ({"metrics": ["mean:revenue"], "winsorize": {"revenue": "5%"}}, "5% is no cap"),
    "date": ({"as_of": "1 May"}, '"1 May" is not a date: write it as 2026-10-01'),
    "a day to come": ({"as_of": "2126-05-01"}, "2126-05-01 is in the future; today is"),
    "an outcome known before": ({"covariates": ["bought"]}, '"bought" is measured, and what is adjusted for'),
    "a measured variant": ({"metrics": ["mean:arm"]}, '"arm" is the variant, so it is neither measured nor'),
    "unit and variant": ({"unit": "arm"}, '"arm" is the variant and something else'),
    "ids as segments": ({"segments": ["id"]}, '"id" identifies a unit'),
    "adjusted clusters": ({"cluster": "home", "covariates": ["revenue"]}, "estimates of clusters are not adjusted"),
}


@pytest.mark.parametrize("name", WRONG_QUESTIONS)
def test_wrong_questions(name: str) -> None:
    asked, says = WRONG_QUESTIONS[name]
    with pytest.raises(UsageError) as refused:
        ask(usual(), **asked)
    assert says in str(refused.value)
    assert ID not in str(refused.value)


def changed(**columns: Any) -> pd.DataFrame:
    return usual().assign(**columns)


WRONG_DATA: dict[str, tuple[Callable[[], pd.DataFrame], dict[str, Any], str]] = {
    "no rows": (lambda: usual().iloc[:0], {}, "the table has no rows"),
    "a unit twice": (
        lambda: pd.concat([usual(), usual().iloc[:7]]),
        {},
        'column "id": 7 of 407 rows repeat a unit; give one row a unit',
    ),
    "no unit": (lambda: changed(id=[None, "", *usual()["id"][2:]]), {}, 'column "id": 2 of 400 rows have no value'),
    "one variant": (lambda: changed(arm="A"), {}, 'column "arm" has one value only'),
    "no variant": (lambda: changed(arm=None), {}, 'column "arm" has no value on any row'),
    "ids as variants": (lambda: changed(arm=usual()["id"]), {}, 'column "arm" has too many values'),
    "few ids as variants": (lambda: changed(arm=usual()["id"]).iloc[:8], {}, 'column "arm" has too many values'),
    "text": (usual, {"metrics": ["mean:note"]}, 'mean:note: column "note" holds text, not numbers'),
    "words for yes": (usual, {"metrics": ["conversion:note"]}, "a yes or no is written 1 or 0"),
    "no share": (
        usual,
        {"metrics": ["conversion:orders"]},
        'column "orders" holds other values than 0 and 1, so it is no conversion; write mean:orders',
    ),
    "dates": (
        lambda: changed(bought=pd.Timestamp("2026-01-01")),
        {},
        'conversion:bought: column "bought" holds times without a zone, not numbers',
    ),
    "missing": (
        lambda: changed(bought=[None] * 3 + [1] * 397),
        {},
        'column "bought": 3 of 400 rows have no value; say what that means with missing="zero"',
    ),
    "all missing": (lambda: changed(bought=np.nan), {"missing": "exclude"}, 'column "bought" has no value on any row'),
    "infinite": (
        lambda: changed(bought=[np.inf, *[1.0] * 399]),
        {},
        'column "bought": 1 of 400 values are infinite or no number',
    ),
    "beyond": (
        lambda: changed(bought=np.arange(400) * 1e300),
        {"metrics": ["mean:bought"]},
        "a value is too large, infinite or no number",
    ),
    "split clusters": (
        lambda: changed(home=[f"h{i // 2}" for i in range(400)]),
        {"cluster": "home"},
        'column "home": 200 clusters have units in more than one variant',
    ),
    "no cluster": (
        lambda: changed(home=[None, *usual()["home"][1:]]),
        {"cluster": "home"},
        'column "home": 1 units have no cluster',
    ),
    "covariate of dates": (
        lambda: changed(when=pd.Timestamp("2026-01-01")),
        {"covariates": ["when"]},
        'column "when" holds times without a zone; estimates are adjusted for numbers and texts',
    ),
    "several kinds": (
        lambda: changed(bought=["a", *[1] * 399]),
        {},
        'column "bought" holds values of several kinds',
    ),
    "numbers too large": (
        lambda: changed(bought=np.arange(400) + 10**18),
        {"metrics": ["mean:bought"]},
        'column "bought" holds whole numbers beyond 9,007,199,254,740,992, whose last digits no average keeps',
    ),
    "ids beyond whole numbers": (
        lambda: changed(id=[10**25 + i for i in range(400)]),
        {},
        'column "id" holds whole numbers beyond 64 bits; make ids texts: frame["id"].astype(str)',
    ),
    "numbers as texts": (
        lambda: changed(revenue=usual()["revenue"].astype(str)),
        {"metrics": ["mean:revenue"]},
        'holds numbers that are written as text; make them numbers: frame["revenue"].astype(float)',
    ),
    "a covariate of numbers as texts": (
        lambda: changed(revenue=usual()["revenue"].astype(str)),
        {"covariates": ["revenue"]},
        'column "revenue" holds numbers that are written as text',
    ),
    "a covariate without end": (
        lambda: changed(revenue=[np.inf, *usual()["revenue"][1:]]),
        {"covariates": ["revenue"]},
        'column "revenue": 1 of 400 values are infinite or no number',
    ),
    "months": (
        lambda: changed(revenue=pd.period_range("2000-01", periods=400, freq="M")),
        {"metrics": ["mean:revenue"]},
        'look like "9999-99"',
    ),
    "spans": (
        lambda: changed(revenue=pd.cut(usual()["revenue"], 5)),
        {"metrics": ["mean:revenue"]},
        'column "revenue" holds text, not numbers',
    ),
    "nothing told of ids": (
        lambda: changed(arm=[f"{ID}{i}" for i in range(5)] * 80),
        {"control": "nobody"},
        'column "arm": no row has the control "nobody"',
    ),
}


@pytest.mark.parametrize("name", WRONG_DATA)
def test_wrong_data(name: str) -> None:
    make, asked, says = WRONG_DATA[name]
    with pytest.raises(HoldfastError) as refused:
        ask(make(), **asked)
    assert says in str(refused.value)
    assert ID not in str(refused.value)
    assert isinstance(refused.value, DataError | UsageError)


@pytest.mark.parametrize("frame", [None, {"a": [1]}, [1, 2], "file.csv", pd.Series([1])])
def test_what_is_no_frame(frame: object) -> None:
    with pytest.raises(UsageError, match="is no frame: hand over a pandas, polars or Arrow table"):
        ask(frame)


def test_what_has_to_be_collected_first() -> None:
    class Lazy:
        def collect(self) -> None: ...

    with pytest.raises(UsageError, match=r"a Lazy is no frame: .* collect it first: frame\.collect\(\)"):
        ask(Lazy())


@pytest.mark.parametrize("names", [["id", "arm", "bought", "bought"], ["id", "arm", "bought", "Bought"]])
def test_columns_that_are_named_alike(names: list[str]) -> None:
    frame = usual()[["id", "arm", "bought", "orders"]].set_axis(names, axis=1)
    with pytest.raises(DataError, match="columns 3 and 4 have the same name"):
        ask(frame)


def test_columns_without_a_text_for_a_name() -> None:
    with pytest.raises(UsageError, match="a column whose name is no text"):
        ask(usual().rename(columns={"note": 7}))


SMALL: dict[str, pd.DataFrame] = {
    "one unit each": pd.DataFrame({"arm": ["A", "B"], "x": [1.0, 2.0], "y": [1, 1]}),
    "no variance": pd.DataFrame({"arm": ["A", "B"] * 30, "x": [3.0] * 60, "y": [1] * 60}),
    "all zero": pd.DataFrame({"arm": ["A", "B"] * 30, "x": [0.0] * 60, "y": [0] * 60}),
    "one arm without values": pd.DataFrame({"arm": ["A", "B"] * 30, "x": [1.0, np.nan] * 30, "y": [1.0, np.nan] * 30}),
    "huge": pd.DataFrame({"arm": ["A", "B"] * 30, "x": np.arange(60) * 1e100, "y": [0, 1] * 30}),
    "true and false": pd.DataFrame({"arm": [True, False] * 30, "x": np.arange(60), "y": [True, True, False] * 20}),
    "whole numbers": pd.DataFrame({"arm": [1.0, 0.0] * 30, "x": np.arange(60), "y": [1, 1, 0] * 20}),
}
CONTROLS: dict[str, object] = {"true and false": False, "whole numbers": 0}


@pytest.mark.parametrize("name", SMALL)
def test_a_value_or_a_reason(name: str, tmp_path: Path) -> None:
    found = ask(
        SMALL[name],
        unit=None,
        control=CONTROLS.get(name, "A"),
        metrics=["mean:x", "conversion:y", "ratio:x/y"],
        missing="exclude",
    )
    for row in found.analysis.estimates:
        assert (row.estimate is not None) or row.reason
    path = found.write(tmp_path / "out")
    json.loads((path.parent / "results.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert path.read_text("utf-8").startswith("# Frame")


def test_names_of_any_kind(tmp_path: Path, typed: Typed) -> None:
    """Columns and labels with quotes, blanks, SQL, Markdown and letters of other scripts are names and nothing else."""
    frame = usual()
    names = dict(zip(["id", "arm", "bought", "revenue", "orders"], STRANGE, strict=True))
    frame = frame.rename(columns=names)
    frame[names["arm"]] = frame[names["arm"]].map({"A": "'; --", "B": "`B` | <script>"})
    question: dict[str, Any] = {
        "unit": names["id"],
        "variant": names["arm"],
        "control": "'; --",
        "metrics": [f"conversion:{names['bought']}", f"ratio:{names['revenue']}/{names['orders']}"],
        "segments": ["country"],
        "as_of": "2026-03-01",
    }
    found = ask(frame, **question)
    plain = ask(usual(), metrics=["conversion:bought", "ratio:revenue/orders"], as_of="2026-03-01")
    for mine, theirs in zip(found.analysis.estimates, plain.analysis.estimates, strict=True):
        assert (mine.estimate, mine.lower, mine.p) == (theirs.estimate, theirs.lower, theirs.p)
    text = found.write(tmp_path / "frame").read_text("utf-8")
    assert "<script>" not in text
    assert "**bold**" not in text.replace("\\*\\*bold\\*\\*", "")
    frame.to_csv(tmp_path / "strange [1] *.csv", index=False)
    metrics = [word for text in question["metrics"] for word in ("--metric", text)]
    code, out, err = typed(
        "analyze-file", "strange [1] *.csv", "--unit", names["id"], "--variant", names["arm"], "--control", "'; --",
        *metrics, "--segment", "country", "--as-of", "2026-03-01", "-q", "--json",
    )  # fmt: skip
    assert (code, err) == (0, "")
    document = json.loads(out)
    assert [row["estimate"] for row in document["estimates"]] == [
        pytest.approx(row.estimate) for row in found.analysis.estimates
    ]
    folder = tmp_path / "reports" / "strange [1] *"
    assert "<script>" not in (folder / "report.md").read_text("utf-8")
    for path in folder.rglob("*.*"):
        assert ID.encode() not in path.read_bytes(), path.name
        assert str(tmp_path).encode() not in path.read_bytes(), path.name


def run(typed: Typed, *more: str, data: str = "t.csv") -> tuple[int, str, str]:
    """The usual question, typed."""
    return typed(
        "analyze-file", data, "--unit", "id", "--variant", "arm", "--control", "A", "--metric", "conversion:bought",
        "-q", *more,
    )  # fmt: skip


def test_the_command(typed: Typed, tmp_path: Path) -> None:
    usual().to_csv(tmp_path / "t.csv", index=False, encoding="utf-8-sig")
    code, out, err = run(typed, "--as-of", "2026-03-01")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == "t.csv"
    assert out.splitlines()[-1] == "  reports/t/report.md"
    folder = tmp_path / "reports" / "t"
    assert {path.name for path in folder.iterdir()} == FILES_OF_A_REPORT
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    assert run(typed, "--as-of", "2026-03-01")[0] == 0
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before, "the same bytes again"
    text = (folder / "report.md").read_text("utf-8")
    assert "Not pre-registered" in text
    assert "`t.csv`" in text
    assert ID not in text + (folder / "results.json").read_text("utf-8")


def test_a_file_and_a_frame_leave_the_same_files(typed: Typed, tmp_path: Path) -> None:
    """The folder of a file holds what that of an experiment holds, and the same numbers as a frame's."""
    usual().to_csv(tmp_path / "t.csv", index=False)
    assert run(typed, "--as-of", "2026-03-01")[0] == 0
    written = ask(usual(), as_of="2026-03-01", title="t").write(tmp_path / "frames")
    theirs, mine = written.parent, tmp_path / "reports" / "t"
    assert {path.name for path in theirs.iterdir()} == FILES_OF_A_REPORT
    for name in ("moments.parquet", "curves.parquet", "results.parquet"):
        pd.testing.assert_frame_equal(pd.read_parquet(mine / name), pd.read_parquet(theirs / name))


def test_a_page_and_another_language(typed: Typed, tmp_path: Path) -> None:
    usual().to_csv(tmp_path / "t.csv", index=False)
    code, out, _ = run(typed, "--as-of", "2026-03-01", "--language", "ja", "--html")
    folder = tmp_path / "reports" / "t"
    assert code == 0
    assert "結論" in out
    assert {path.name for path in folder.iterdir()} == {*FILES_OF_A_REPORT, "report.html"}
    page = (folder / "report.html").read_text("utf-8")
    assert '<html lang="ja">' in page
    assert "<script" not in page
    text = (folder / "report.md").read_text("utf-8")
    assert "データの点検" in text
    assert "--language ja" in text, "the command that makes it again"
    frame = ask(usual(), as_of="2026-03-01", language="ja", title="t")
    assert "データの点検" in frame.to_markdown()
    assert "Can it be trusted?" in frame.to_markdown("en")
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    code, _, err = run(typed, "--language", "jp")
    assert (code, 'no report can be written in "jp"' in err) == (2, True)
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before


def test_the_document_on_stdout_is_the_one_on_disk(typed: Typed, tmp_path: Path) -> None:
    usual().to_csv(tmp_path / "t.csv", index=False)
    code, out, err = run(typed, "--json", "--out", "mine/here")
    assert (code, err) == (0, "")
    assert out == (tmp_path / "mine" / "here" / "results.json").read_text("utf-8")


def test_the_split_that_was_planned(typed: Typed, tmp_path: Path) -> None:
    frame = usual()
    frame[(frame["arm"] == "A") | (frame.index % 8 == 1)].to_csv(tmp_path / "t.csv", index=False)
    code, out, err = run(typed)
    assert code == 0
    assert "equal shares were assumed; if others were planned, say so: --weight A=70 --weight B=30" in err
    assert "No verdict" in out or "no verdict" in out
    code, out, err = run(typed, "--weight", "A=0.8", "--weight", "B=0.2")
    assert (code, err) == (0, "")
    assert "no verdict" not in out.lower()


def test_a_currency_of_nothing_is_said(typed: Typed, tmp_path: Path) -> None:
    usual().to_csv(tmp_path / "t.csv", index=False)
    assert "no metric is shown in JPY" in run(typed, "--currency", "JPY")[2]


FILES: dict[str, tuple[bytes, int, str]] = {
    "empty": (b"", 1, "t.csv is empty"),
    "blank": (b"\n\n", 1, "t.csv is empty"),
    "only a header": (b"id,arm,bought\n", 1, "the table has no rows"),
    "a column twice": (b"id,arm,bought,ARM\n1,A,1,B\n", 1, "columns 2 and 4 have the same name"),
    "not UTF-8": ("id,arm,bought,straße\n".encode("latin-1"), 1, "t.csv is not UTF-8 text"),
    "no header": (f"{ID}1,A,1\n{ID}2,B,0\n".encode(), 2, 't.csv: no column "id"; --unit names it'),
    "torn": (b'id,arm,bought\n1,A,1\n2,"B\n', 1, "t.csv"),
    "a text among numbers": (b"id,arm,bought\n1,A,1\n2,B,maybe\n", 1, 'column "bought" holds text, not numbers'),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_cannot_be_used(name: str, typed: Typed, tmp_path: Path) -> None:
    content, expected, says = FILES[name]
    (tmp_path / "t.csv").write_bytes(content)
    code, out, err = run(typed)
    assert (code, out) == (expected, "")
    assert err.startswith("error: ")
    assert says in err
    assert ID not in err
    assert not (tmp_path / "reports").exists()


def test_files_that_are_not_there_or_of_another_kind(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_bytes(b"")
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    (tmp_path / "t.csv.gz").write_bytes(b"id,arm,bought\n")
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    cases: Sequence[tuple[str, int, str]] = [
        ("tabel.csv", 2, 'there is no file tabel.csv, did you mean "table.csv"?'),
        ("nowhere/t.csv", 2, "there is no file nowhere/t.csv"),
        (".", 2, "is a folder; name one file in it"),
        ("t.xlsx", 2, "t.xlsx is of another kind than .csv"),
        ("t.csv.gz", 1, "t.csv.gz is not gzip, or is cut off"),
        ("t.parquet", 1, "t.parquet cannot be read as Parquet"),
    ]
    for data, expected, says in cases:
        code, out, err = run(typed, data=data)
        assert (code, out) == (expected, ""), data
        assert says in err
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"id,arm,bought\n" * 500)[:40])
    assert "t.csv.gz is not gzip, or is cut off" in run(typed, data="t.csv.gz")[2]


def test_pairs_and_folders(typed: Typed, tmp_path: Path) -> None:
    usual().to_csv(tmp_path / "t.csv", index=False)
    assert '--weight: "A" is not a pair; write it as --weight A=50' in run(typed, "--weight", "A")[2]
    assert '--guardrail: "bought" is given twice' in run(
        typed, "--guardrail", "bought=1pt", "--guardrail", "bought=2pt"
    )[2]  # fmt: skip
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine", encoding="utf-8")
    code, _, err = run(typed, "--out", "mine")
    assert (code, "holds something else than a report" in err) == (2, True)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_ids_stay_as_they_are_written(typed: Typed, tmp_path: Path) -> None:
    """007 and 7 are two customers, whatever a number would make of them."""
    rows = "".join(f"{'0' * (i % 3)}{i // 3 + 1},{'AB'[i % 2]},{i % 2}\n" for i in range(300))
    (tmp_path / "t.csv").write_text(f"id,arm,bought\n{rows}", encoding="utf-8")
    assert run(typed)[0] == 0


def test_words_that_stand_for_no_value(typed: Typed, tmp_path: Path) -> None:
    """As R writes them; without a word about it they make a column of texts."""
    frame = usual()
    frame.loc[:9, "revenue"] = np.nan
    frame.to_csv(tmp_path / "t.csv", index=False, na_rep="NA")
    code, _, err = run(typed, "--metric", "mean:revenue")
    assert code == 1
    assert '10 of 400 values are no numbers, such as "NA"' in err
    assert "if that word stands for no value, say so: --empty NA" in err
    code, out, err = run(typed, "--metric", "mean:revenue", "--missing", "exclude", "--empty", "NA", "--json")
    assert (code, err) == (0, "")
    expected = ask(frame, metrics=["conversion:bought", "mean:revenue"], missing="exclude")
    assert json.loads(out)["estimates"] == json.loads(expected.to_json())["estimates"]


def test_a_variant_that_may_stand_for_no_value(typed: Typed, tmp_path: Path) -> None:
    frame = usual()
    frame.loc[:4, "arm"] = np.nan
    frame.to_csv(tmp_path / "t.csv", index=False, na_rep="NULL")
    code, _, err = run(typed)
    assert code == 0
    assert '"NULL" counts as a variant; if it stands for no value, say so: --empty NULL' in err
    assert "counts as a variant" not in run(typed, "--empty", "NULL")[2]


def test_arrow_types_that_pandas_has_not() -> None:
    """Decimals, dictionaries, large texts and small numbers, and a column without a type."""
    frame = usual()
    table = pa.table(
        {
            "id": pa.array(frame["id"], pa.large_string()),
            "arm": pa.array(frame["arm"]).dictionary_encode(),
            "bought": pa.array(frame["bought"], pa.uint8()),
            "revenue": pa.array([f"{value:.2f}" for value in frame["revenue"]]).cast(pa.decimal128(12, 2)),
            "orders": pa.array(frame["orders"], pa.int16()),
            "nothing": pa.nulls(len(frame)),
        }
    )
    metrics = ["conversion:bought", "mean:revenue", "ratio:revenue/orders"]
    mine, theirs = (ask(each, metrics=metrics).to_pandas() for each in (table, frame))
    pd.testing.assert_frame_equal(mine, theirs)
    with pytest.raises(DataError, match='column "nothing" has no value on any row'):
        ask(table, metrics=["mean:nothing"], missing="zero")
