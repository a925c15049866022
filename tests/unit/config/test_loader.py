"""Bytes of YAML files to marked trees: the values, the places, and what is refused."""

from __future__ import annotations

import time

import pytest

from holdfast.config.loader import load
from holdfast.config.marks import Map, Mark, place


def _one(text: str) -> object:
    sheet = load(f"value: {text}\n".encode(), "file.yaml")
    assert not sheet.findings
    return sheet.tree["value"]


def _rules(data: bytes) -> list[tuple[int, int, str]]:
    return [(item.line, item.column, item.rule) for item in load(data, "file.yaml").findings]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        ("12", 12),
        ("+5", 5),
        ("-5", -5),
        ("0o17", 15),
        ("0x1F", 31),
        ("0", 0),
        ("0.0005", 0.0005),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("y", "y"),
        ("12:30:45", "12:30:45"),
        ("2026-10-01", "2026-10-01"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("1.2.3", "1.2.3"),
        ("+80 JPY", "+80 JPY"),
        ("10%", "10%"),
        ("< 3", "< 3"),
        ('"12"', "12"),
        ("'null'", "null"),
        ("55..65", "55..65"),
    ],
)
def test_plain_scalars_follow_the_core_schema(text: str, value: object) -> None:
    found = _one(text)
    assert found == value
    assert type(found) is type(value)


def test_marks_count_from_one_and_survive_nesting() -> None:
    tree = load("a: 1\nb:\n  - x\n  - {c: ü, d: 2}\n".encode(), "file.yaml").tree
    assert place(tree, ("a",)) == Mark(1, 4)
    assert place(tree, ("a",), "key") == Mark(1, 1)
    assert place(tree, ("b",)) == Mark(2, 1)
    assert place(tree, ("b", 0)) == Mark(3, 5)
    assert place(tree, ("b", 1, "d")) == Mark(4, 15)
    assert place(tree, ("b", 1, "missing")) == Mark(4, 5)


def test_whole_numbers_as_keys_become_their_text() -> None:
    assert load(b"{7: a, 14: b}", "file.yaml").tree == {"7": "a", "14": "b"}
    assert _rules(b"{7: a, '7': b}") == [(1, 8, "duplicate-key")]


def test_a_duplicate_key_names_the_first_place() -> None:
    finding = load(b"a: 1\nb: 2\n  \na: 3\n", "file.yaml").findings[0]
    assert (finding.line, finding.column) == (4, 1)
    assert "line 1, column 1" in finding.message


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", [(1, 1, "not-a-mapping")]),
        (b"# only a comment\n", [(1, 1, "not-a-mapping")]),
        (b"text", [(1, 1, "not-a-mapping")]),
        (b"a: 1\n\0", [(2, 1, "nul-byte")]),
        ("a: 1".encode("utf-16"), [(0, 0, "wrong-encoding")]),
        ("a: 1".encode("utf-32"), [(0, 0, "wrong-encoding")]),
        ("a: 1".encode("utf-16-le"), [(1, 2, "nul-byte")]),
        ("a: 1\nb: é".encode("latin-1"), [(2, 4, "wrong-encoding")]),
        ("a: 顧客".encode("shift-jis"), [(1, 4, "wrong-encoding")]),
        (b"a: \x07", [(1, 4, "control-character")]),
        (b"a: 1\n\xc2\x80b: 2\n", [(2, 1, "control-character")]),
        (b"a:\n\tb: 1\n", [(2, 1, "tab")]),
        (b"a: >= 3\n", [(1, 5, "unquoted-comparison")]),
        (b"a: {b: >= 3}\n", [(1, 8, "unquoted-comparison")]),
        (b"a: > 3\n", [(1, 6, "unquoted-comparison")]),
        (b"a: >3\nb: 1\n", [(1, 4, "unquoted-comparison")]),
        (b"a: *b\n", [(1, 4, "unknown-alias")]),
        (b"a: &a [*a]\n", [(1, 8, "alias-cycle")]),
        (b"a: &a {b: {c: *a}}\n", [(1, 15, "alias-cycle")]),
        (b"a: &a {x: 1}\nb: {<<: *a}\n", [(2, 5, "merge-key")]),
        (b"a: !!python/object:os.system x\n", [(1, 4, "yaml-tag")]),
        (b"a: !x 1\n", [(1, 4, "yaml-tag")]),
        (b"? [a]\n: b\n", [(1, 3, "key-not-text")]),
        (b"true: a\n", [(1, 1, "key-not-text")]),
        (b"1.0: a\n", [(1, 1, "key-not-text")]),
        (b"~: a\n", [(1, 1, "key-not-text")]),
        (b"a: 010\n", [(1, 4, "ambiguous-number")]),
        (b"a: .nan\n", [(1, 4, "ambiguous-number")]),
        (b"a: 1e999\n", [(1, 4, "ambiguous-number")]),
        (b"a: 99999999999999999999\n", [(1, 4, "ambiguous-number")]),
        (b"a: " + b"9" * 5000, [(1, 4, "ambiguous-number")]),
        (b"a: 1\n---\nb: 2\n", [(2, 1, "many-documents")]),
        (b"a: 'x\n", [(2, 1, "yaml-syntax")]),
        (b"a: [1\nb: 2\n", [(2, 2, "yaml-syntax")]),
        (b'a: "\\ud800"\n', [(1, 7, "yaml-syntax")]),
        (b"%YAML 3.0\n---\na: 1\n", [(1, 1, "yaml-syntax")]),
    ],
)
def test_what_is_refused_and_where(data: bytes, expected: list[tuple[int, int, str]]) -> None:
    assert _rules(data) == expected


def test_a_byte_order_mark_of_utf_8_is_harmless() -> None:
    assert load(b"\xef\xbb\xbfa: 1\n", "file.yaml").tree == {"a": 1}


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"[" * 200_000, "too-complex"),
        (b"a: " + b"{a: " * 1000, "too-complex"),
        (b"- " * 100_000, "too-complex"),
        (b"a: [" + b"1," * 150_000 + b"]", "too-complex"),
        (b"a: &x 1\nb: [" + b"*x," * 200 + b"]", "too-complex"),
        (b"x" * 10_000_000, "too-large"),
    ],
)
def test_hostile_sizes_are_refused_quickly(data: bytes, rule: str) -> None:
    start = time.perf_counter()
    assert [finding[2] for finding in _rules(data)] == [rule]
    assert time.perf_counter() - start < 5


def test_a_few_aliases_cannot_stand_for_billions_of_values() -> None:
    lines = ["l0: &l0 [1, 1]"] + [f"l{i}: &l{i} [*l{i - 1}, *l{i - 1}]" for i in range(1, 45)]
    assert [finding[2] for finding in _rules("\n".join(lines).encode())] == ["too-complex"]


def test_an_alias_is_the_value_that_it_names() -> None:
    sheet = load(b"a: &a {x: 1}\nb: *a\n", "file.yaml")
    assert not sheet.findings
    assert sheet.tree == {"a": {"x": 1}, "b": {"x": 1}}
    assert isinstance(sheet.tree["b"], Map)
