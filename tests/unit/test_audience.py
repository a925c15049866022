"""What each tool is given: headers that it takes for its own, apart for each experiment, and ids that it can match."""

from __future__ import annotations

import re

import pytest

from holdfast.model.audience import FORMATS

LONG = ["winback-voucher", "winback-voucher-2", "winback-voucher.2", "winback-2026-spring"]


def test_csv_has_one_header_for_all() -> None:
    assert FORMATS["csv"].column("winback-voucher") == "variant"


@pytest.mark.parametrize("slug", ["email", "language", "phone", "2026-spring", "a.b", "x" * 80, *LONG])
def test_braze_attributes_are_never_fields_of_the_profile(slug: str) -> None:
    """A column `language` would overwrite everybody's language; Braze's own names are lower case with underscores."""
    column = FORMATS["braze"].column(slug)
    assert re.fullmatch("experiment_[a-z0-9_]+", column)
    assert len(column) <= 255
    assert FORMATS["braze"].accepts(column)


@pytest.mark.parametrize("slug", ["letter", "fname", "merge3", "mmerge", "email", "2026-spring", "date", "7", *LONG])
def test_mailchimp_tags_have_ten_characters_and_are_nobody_elses(slug: str) -> None:
    tag = FORMATS["mailchimp"].column(slug)
    assert re.fullmatch("[A-Z][A-Z0-9]{0,9}", tag)
    assert tag not in {"EMAIL", "FNAME", "LNAME", "ADDRESS", "PHONE", "BIRTHDAY", "MERGE3", "MMERGE", "DATE"}
    assert FORMATS["mailchimp"].accepts(tag)


def test_mailchimp_tags_of_long_names_stay_apart_and_stay_the_same() -> None:
    """Their first ten letters are the same. The digits are those of `printf %s winback-voucher | sha256sum`."""
    tags = {slug: FORMATS["mailchimp"].column(slug) for slug in LONG}
    assert len(set(tags.values())) == len(LONG)
    assert tags["winback-voucher"] == "WINBAC0770"
    assert FORMATS["mailchimp"].column("letter") == "LETTER"


@pytest.mark.parametrize(
    ("form", "header"),
    [
        ("csv", "id"),
        ("csv", ""),
        ("csv", "=1+1"),
        ("csv", "a\nb"),
        ("braze", "external_id"),
        ("braze", "email"),
        ("braze", "a.b"),
        ("braze", 'a"b'),
        ("mailchimp", "Email Address"),
        ("mailchimp", "EMAIL"),
        ("mailchimp", "MERGE12"),
        ("mailchimp", "winter"),
        ("mailchimp", "ELEVENCHARS"),
    ],
)
def test_headers_that_a_tool_would_take_for_something_else(form: str, header: str) -> None:
    assert not FORMATS[form].accepts(header)


@pytest.mark.parametrize(
    ("id", "fits"),
    [
        ("a@example.com", True),
        ("first.last+tag@mail.example.co.jp", True),
        ("o'hara_1%x@example.com", True),
        ("a@ex-ample.みんな", True),
        ("a@example", False),
        ("a", False),
        ("@example.com", False),
        ("a@b@example.com", False),
        ("a b@example.com", False),
        ("a@example.com ", False),
        ("a@example..com", False),
        ("a@example.com,b@example.com", False),
        ("Ann <a@example.com>", False),
        ("añn@example.com", False),
        ("a@example.com\u200f", False),
    ],
)
def test_what_an_address_looks_like(id: str, fits: bool) -> None:
    """The engine reads the pattern with RE2; \\p stands for classes of Unicode that Python's re does not know."""
    import duckdb

    pattern = rf"\A({FORMATS['mailchimp'].id_pattern})\z"
    found = duckdb.execute("SELECT regexp_matches(?, ?)", [id, pattern]).fetchone()
    assert found == (fits,)
