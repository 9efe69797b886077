from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.catalog.documents import Document, read_document
from workers.catalog.problems import Findings


def read(content: str | bytes) -> tuple[Document | None, list[str]]:
    findings = Findings()
    raw = content if isinstance(content, bytes) else content.encode()
    return read_document("x.yml", raw, findings), [str(problem) for problem in findings.problems]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("True", "True"),
        ("017", "017"),
        ("0x1f", "0x1f"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2025-01-01", "2025-01-01"),
        ("1e9", "1e9"),
        (".5", ".5"),
        (".inf", ".inf"),
        ("~", "~"),
        ("'1'", "1"),
        ("'true'", "true"),
        ("''", ""),
        ("true", True),
        ("false", False),
        ("null", None),
        ("", None),
        ("0", 0),
        ("-5", -5),
        ("1.50", 1.5),
    ],
)
def test_only_true_false_null_integers_and_decimals_are_typed(written: str, value: Any) -> None:
    document, faults = read(f"key: {written}\n")
    assert faults == []
    assert document is not None
    assert document.data == {"key": value}
    assert type(document.data["key"]) is type(value)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("a: &x 1\n", "x.yml:1:4: anchors are not allowed"),
        ("a: 1\nb: *x\n", "x.yml:2:4: aliases are not allowed"),
        ("a: !!python/object:os.system {}\n", "x.yml:1:4: tags are not allowed"),
        ("a: ! x\n", "x.yml:1:4: tags are not allowed"),
        ("a: 1\nb: 2\na: 3\n", "x.yml:3:1: duplicate key 'a'"),
        ("a:\n  b: 1\n  'b': 2\n", "x.yml:3:3: duplicate key 'b'"),
        ("a:\t1\n", "x.yml:1:3: tab character"),
        ("a: 'x\ty'\n", "x.yml:1:6: tab character"),
        ("? [a]\n: 1\n", "x.yml:1:3: a key must be a plain text"),
        ("&x a: 1\n", "x.yml:1:1: anchors and tags are not allowed"),
        ("a: 1\n---\nb: 2\n", "x.yml:2:1: a second document"),
        ("- 1\n", "x.yml:1:1: the file must be a mapping"),
        ("", "x.yml:1:1: the file must be a mapping"),
        ("a: {b: 1\n", "x.yml:2:1: "),
        ("a: 9999999999999999999\n", "x.yml:1:4: the number is too large"),
        ("a: " + "9" * 5000 + "\n", "x.yml:1:4: the number is too large"),
        ("a: " + "[" * 100_000, "x.yml:1:36: nested deeper than 32 levels"),
        (b"\xef\xbb\xbfa: 1\n", "x.yml:1:1: the file starts with a byte order mark"),
        ("a: 1\n".encode("utf-16"), "x.yml:1:1: the file starts with a byte order mark"),
        ("a: 1\n".encode("utf-16-le"), "x.yml:1:1: the file holds NUL bytes"),
        (b"a: 1\nb: \xff\n", "x.yml:2:1: not valid UTF-8"),
        (b"a: \x01\n", "x.yml:1:1: the file holds a character"),
        (b"a: 1\n#" + b"x" * 10_000_000, "x.yml:1:1: the file is larger than 256 KiB"),
    ],
)
def test_what_strict_yaml_refuses_is_named_with_its_place(content: str | bytes, fault: str) -> None:
    document, faults = read(content)
    assert document is None
    assert any(one.startswith(fault) for one in faults), faults


def test_an_alias_bomb_is_refused_without_being_expanded() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 60))
    document, faults = read("l0: &l0 lol\n" + levels)
    assert document is None
    assert len(faults) == 60 + 59 * 9


def test_all_faults_of_a_file_are_told_at_once() -> None:
    _, faults = read("a: &x 1\nb: *x\na: 2\n")
    assert [fault.split(": ")[0] for fault in faults] == ["x.yml:1:4", "x.yml:2:4", "x.yml:3:1"]


def test_positions_point_at_keys_and_values() -> None:
    document, _ = read("a:\n  - b: 1\n    c: [x, yy]\n")
    assert document is not None
    assert str(document.problem("here", "a", 0, "c", key=True)) == "x.yml:3:5: here"
    assert str(document.problem("here", "a", 0, "c", 1)) == "x.yml:3:12: here"


def test_a_path_that_is_not_there_is_placed_at_what_stands_around_it() -> None:
    document, _ = read("a:\n  b: 1\n")
    assert document is not None
    assert str(document.problem("here", "a", "missing", "too")) == "x.yml:2:3: here"


@given(st.binary(max_size=200) | st.text(alphabet="ab:-[]{}&*!'\"|>#? \n\t017", max_size=80).map(str.encode))
def test_any_bytes_are_either_read_or_refused(content: bytes) -> None:
    document, faults = read(content)
    assert (document is None) is bool(faults)
