"""Text files as people have them, beside pandas on the same bytes: each gives the number that pandas does when it is
told how the file is written, or a word that says what is wrong. Nothing in between; no word tells of anybody.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

import holdfast
from holdfast.errors import DataError, HoldfastError
from holdfast.project import AnalysisHandle
from holdfast.project.one_table import file_analysis
from holdfast.project.question import Question

N = 300


def shop(seed: int = 5) -> pd.DataFrame:
    """Amounts of three to five digits, a count in thousands, and a town."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "id": [f"c{i}" for i in range(N)],
            "arm": ["A", "B"] * (N // 2),
            "spent": (rng.gamma(2, 900, N) + 0.01).round(2),
            "points": rng.integers(1000, 9000, N),
            "bought": rng.integers(0, 2, N),
            "before": (rng.gamma(2, 400, N) + 0.01).round(2),
            "town": rng.choice(["München", "Orléans", "東京"], N),
        }
    )


def continental(value: float, digits: int = 2, between: str = ".") -> str:
    """12.345,67"""
    return f"{value:,.{digits}f}".replace(",", "_").replace(".", ",").replace("_", between)


def with_comma(value: float) -> str:
    """12345,67"""
    return str(value).replace(".", ",")


def written(frame: pd.DataFrame, separator: str = ",", **forms: Callable[[Any], str]) -> str:
    """The frame as text, some columns in a form of their own."""
    shown = frame.assign(**{name: frame[name].map(form) for name, form in forms.items()})
    return shown.to_csv(index=False, sep=separator)


def ask(path: Path, content: str | bytes, metrics: tuple[str, ...] = ("mean:spent",), **more: Any) -> AnalysisHandle:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    asked: dict[str, Any] = {"unit": "id", "variant": "arm", "control": "A", "as_of": "2026-03-01", "typed": True}
    return file_analysis(path, Question(metrics=metrics, **(asked | more)))


def as_welch(found: AnalysisHandle, metric: str, frame: pd.DataFrame, column: str) -> None:
    """Difference and p are those of Welch's test of a frame's column."""
    treated, control = (frame.loc[frame["arm"] == arm, column].to_numpy(float) for arm in ("B", "A"))
    shown = found[metric].difference
    assert shown.estimate == pytest.approx(treated.mean() - control.mean(), rel=1e-9)
    assert shown.p == pytest.approx(scipy_stats.ttest_ind(treated, control, equal_var=False).pvalue, rel=1e-7)


FORMS: dict[str, tuple[Callable[[pd.DataFrame], str], dict[str, Any]]] = {
    "decimal comma": (
        lambda t: written(t, ";", spent=lambda x: str(x).replace(".", ",")),
        {"sep": ";", "decimal": ","},
    ),
    "comma in quotes": (lambda t: written(t, spent=lambda x: str(x).replace(".", ",")), {"decimal": ","}),
    "comma and tabs": (lambda t: written(t, "\t", spent=continental), {"sep": "\t", "decimal": ",", "thousands": "."}),
    "German": (lambda t: written(t, ";", spent=continental), {"sep": ";", "decimal": ",", "thousands": "."}),
    "French": (
        lambda t: written(t, ";", spent=lambda x: continental(x, between="\u202f")),
        {"sep": ";", "decimal": ","},
    ),
    "Swiss": (lambda t: written(t, ";", spent=lambda x: f"{x:,.2f}".replace(",", "'")), {"sep": ";", "thousands": "'"}),
    "American": (lambda t: written(t, spent=lambda x: f"{x:,.2f}"), {"thousands": ","}),
    "point after semicolons": (lambda t: written(t, ";"), {"sep": ";"}),
    "signs": (lambda t: written(t, spent=lambda x: f"+{x}"), {}),
}


@pytest.mark.parametrize("name", FORMS)
def test_numbers_in_every_writing(name: str, tmp_path: Path) -> None:
    make, told = FORMS[name]
    frame = shop()
    content = make(frame)
    # Of marks between thousands pandas knows those of ASCII.
    read = pd.read_csv(io.StringIO(content.replace("\u202f", "")), **told)
    np.testing.assert_allclose(read["spent"], frame["spent"])
    as_welch(ask(tmp_path / "t.csv", content), "spent", read, "spent")


@pytest.mark.parametrize("mark", [",", "."])
def test_three_digits_after_one_mark_are_asked_about(mark: str, tmp_path: Path) -> None:
    """1.234 points are a thousand and more to a German, and little more than one to an American: no guess."""
    frame = shop()
    content = written(frame, ";", points=lambda x: f"{x:,}".replace(",", mark))
    with pytest.raises(DataError, match=f'column "points" holds {N} numbers with one mark and three digits after it'):
        ask(tmp_path / "t.csv", content, ("mean:points",))
    for decimal, by in ((mark, 1000), ({",": ".", ".": ","}[mark], 1)):
        found = ask(tmp_path / "t.csv", content, ("mean:points",), decimal=decimal)
        as_welch(found, "points", frame.assign(points=frame["points"] / by), "points")


def test_another_column_may_tell(tmp_path: Path) -> None:
    """What is spent shows a decimal comma, so the points of the points column stand between thousands; and so does what
    was spent before, which is adjusted for as a number and not as a text."""
    frame = shop()
    content = written(frame, ";", spent=continental, points=lambda x: f"{x:,}".replace(",", "."), before=continental)
    found = ask(tmp_path / "t.csv", content, ("mean:spent", "mean:points"))
    as_welch(found, "points", frame, "points")
    adjusted = ask(tmp_path / "t.csv", content, covariates=("before",))
    plain = holdfast.analyze_frame(
        frame, unit="id", variant="arm", control="A", metrics=["mean:spent"], covariates=["before"], as_of="2026-03-01"
    )
    assert adjusted["spent"].difference == plain["spent"].difference
    assert adjusted["spent"].difference.variance_saved is not None


@pytest.mark.parametrize(
    ("decimal", "says"),
    [(",", "numbers with a decimal point, and --decimal says otherwise"), (".", "numbers with a decimal comma, and")],
)
def test_what_is_said_and_what_is_seen(decimal: str, says: str, tmp_path: Path) -> None:
    content = written(shop(), ";", spent=lambda x: str(x) if decimal == "," else continental(x))
    with pytest.raises(DataError, match=says):
        ask(tmp_path / "t.csv", content, decimal=decimal)


def test_a_column_of_two_writings(tmp_path: Path) -> None:
    content = written(shop(), ";", spent=lambda x: f"{x:.2f}" if x < 900 else f"{x:.2f}".replace(".", ","))
    with pytest.raises(DataError, match='column "spent" may be read with a decimal comma or a decimal point'):
        ask(tmp_path / "t.csv", content)


@pytest.mark.parametrize("encoding", ["cp932", "shift_jis", "cp1252", "latin-1", "utf-16", "utf-8"])
@pytest.mark.parametrize("packed", [False, True])
def test_encodings(encoding: str, packed: bool, tmp_path: Path) -> None:
    frame = shop()
    frame["town"] = np.where(frame["town"] == "東京", "東京" if encoding in {"cp932", "shift_jis"} else "Köln", "Bern")
    content = frame.rename(columns={"town": frame["town"].max()}).to_csv(index=False).encode(encoding)
    path = tmp_path / ("t.csv.gz" if packed else "t.csv")
    content = gzip.compress(content) if packed else content
    found = ask(path, content, segments=(frame["town"].max(),), encoding=encoding)
    as_welch(found, "spent", frame, "spent")
    assert {row.level for row in found.analysis.segments} == set(frame["town"])
    assert f"--encoding {encoding}" in found.to_markdown()
    assert str(tmp_path) not in found.queries()
    assert "/tmp" not in found.queries()
    if encoding != "utf-8":
        with pytest.raises(DataError, match=r"is not UTF-8 text; .* --encoding cp932"):
            ask(path, content)


YES = {"yes": "no", "TRUE": "FALSE", "True": "False", "t": "f", "1.0": "0.0", "1": "0"}


@pytest.mark.parametrize("yes", YES)
def test_yes_and_no(yes: str, tmp_path: Path) -> None:
    frame = shop()
    content = written(frame, bought=lambda x: yes if x else YES[yes])
    as_welch(ask(tmp_path / "t.csv", content, ("conversion:bought",)), "bought", frame, "bought")


def test_files_as_spreadsheets_leave_them(tmp_path: Path) -> None:
    """A first line for Excel, empty columns at the end, names that repeat where nobody asks for them, values and names
    over two lines, and three hundred columns more."""
    frame = shop()
    lines = frame.to_csv(index=False).splitlines()
    wide = [",".join([line, *(f"c{j}" if i == 0 else "1" for j in range(300))]) for i, line in enumerate(lines)]
    contents = {
        "sep": "sep=;\n" + frame.to_csv(index=False, sep=";"),
        "ends": "\n".join(f"{line},," for line in lines),
        "twice": "\n".join(f"{line},x,x,x_1" if i == 0 else f"{line},a,b,c" for i, line in enumerate(lines)),
        "lines": "\n".join(f'{line},"no\nte"' for line in lines),
        "windows": "\r\n".join(lines) + "\r\n\r\n",
        "wide": "\n".join(wide),
    }
    for name, content in contents.items():
        as_welch(ask(tmp_path / f"{name}.csv", content), "spent", frame, "spent")


def test_a_name_that_the_engine_would_give_to_another_column(tmp_path: Path) -> None:
    """The second x would be called x_1, and there is one already."""
    frame = shop()
    content = "\n".join(
        f"{line},x,x,x_1" if i == 0 else f"{line},7,8,{frame['spent'][i - 1]}"
        for i, line in enumerate(frame.to_csv(index=False).splitlines())
    )
    as_welch(ask(tmp_path / "t.csv", content, ("mean:x_1",)), "x_1", frame, "spent")


def test_ids_beyond_any_whole_number(tmp_path: Path) -> None:
    """As numbers of 64 bits, or floating ones, they would be the same."""
    for start in (2**53, 2**63, 10**30):
        frame = shop().assign(id=[str(start + i) for i in range(N)])
        as_welch(ask(tmp_path / "t.csv", frame.to_csv(index=False)), "spent", frame, "spent")


SECRET = "somebody@example.com"
REFUSED: dict[str, tuple[Callable[[pd.DataFrame], str | bytes], str]] = {
    "currency": (
        lambda t: written(t, spent=lambda x: f"€{x:.2f}"),
        r'300 of 300 values are no numbers and look like "€',
    ),
    "percent": (lambda t: written(t, spent=lambda x: f"{x / 100:05.2f}%"), r'look like "99.99%"'),
    "addresses": (lambda t: written(t, spent=lambda x: SECRET), r'look like "aaaaaaaa@aaaaaaa.aaa"'),
    "one word": (
        lambda t: written(t, spent=lambda x: "oops" if x > t["spent"].nlargest(2).min() else str(x)),
        "1 of 300",
    ),
    "a dash": (lambda t: written(t, spent=lambda x: "-" if x < 500 else str(x)), r'such as "-"; .* say so: --empty -'),
    "dates": (lambda t: written(t, spent=lambda x: "2026-01-31"), "holds dates, not numbers"),
    "infinite": (lambda t: written(t, spent=lambda x: "inf" if x < 200 else str(x)), "are infinite or no number"),
    "not a number": (lambda t: written(t, spent=lambda x: "nan" if x < 200 else str(x)), "are infinite or no number"),
    "whole numbers too large": (
        lambda t: t.assign(spent=[10**18 + i for i in range(N)]).to_csv(index=False),
        "holds whole numbers beyond 9,007,199,254,740,992",
    ),
    "a short line": (
        lambda t: t.to_csv(index=False) + f"{SECRET},B\n",
        "line 302 has 2 values and the header 7 names; correct the line",
    ),
    "names of rows without a name": (
        lambda t: "\n".join(f"{i},{x}" if i else x for i, x in enumerate(t.to_csv(index=False).splitlines())),
        "line 2 has 8 values and the header 7 names",
    ),
    "an open quote": (lambda t: t.to_csv(index=False) + f'"{SECRET},B,1,1,1,1,x\n', "line 302 begins a quoted value"),
    "a bad letter far down": (
        lambda t: (t.to_csv(index=False) * 400).encode() + SECRET.encode() + b",B,1,1,1,1,\xfc\n",
        "is not UTF-8 text",
    ),
    "gzip": (
        lambda t: gzip.compress(t.to_csv(index=False).encode()),
        "t.csv is no text but gzip; name it so",
    ),
    "a workbook": (lambda t: b"PK\x03\x04" + bytes(40), "t.csv is no text but a workbook; save its sheet as CSV UTF-8"),
    "asked for twice": (
        lambda t: t.rename(columns={"town": "Spent"}).to_csv(index=False),
        "columns 3 and 7 have the same",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read(name: str, tmp_path: Path) -> None:
    make, says = REFUSED[name]
    with pytest.raises(HoldfastError, match=says) as refused:
        ask(tmp_path / "t.csv", make(shop()))
    assert SECRET not in str(refused.value)
    assert isinstance(refused.value, DataError)


def test_a_covariate_of_numbers_and_words_is_asked_about(tmp_path: Path) -> None:
    """As texts, hundreds of numbers would be as many groups, and nothing would be adjusted for."""
    content = written(shop(), before=lambda x: "n/a" if x < 200 else str(x))
    with pytest.raises(DataError, match=r'column "before" .* such as "n/a"; .* say so: --empty n/a'):
        ask(tmp_path / "t.csv", content, covariates=("before",))
    found = ask(tmp_path / "t.csv", content, covariates=("before",), empty=("n/a",))
    assert found["spent"].difference.variance_saved is not None
