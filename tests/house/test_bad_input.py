"""Every wrong thing of the list is shown by a test, and every mark names one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.house.bad_input import AWAITED, ITEMS

TESTS = Path(__file__).parents[1]


def marked(source: str) -> Iterator[str]:
    """Yield the names that calls of anything called `item` are given."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "item":
            words = (str(word.value) for word in node.args if isinstance(word, ast.Constant))
            yield from filter(re.compile(r"[A-Z]\d+\Z").match, words)


@cache
def shown() -> frozenset[str]:
    texts = (path.read_text() for path in TESTS.rglob("*.py"))
    return frozenset(name for text in texts if "item(" in text for name in marked(text))


def test_every_mark_names_an_item() -> None:
    assert shown() <= ITEMS.keys()


def test_every_item_is_shown_or_its_surface_is_awaited() -> None:
    assert {item for item in ITEMS if item[0] not in AWAITED} <= shown()


def test_a_surface_with_all_of_its_items_is_awaited_no_longer() -> None:
    whole = {item[0] for item in ITEMS} - {item[0] for item in ITEMS.keys() - shown()}
    assert not whole & AWAITED


def test_marks_are_read_from_decorators_params_and_tables() -> None:
    source = '@pytest.mark.item("A1", "B17")\ndef f(): ...\nx = [row(item("C34")), other("D49"), item("x")]\n'
    assert list(marked(source)) == ["A1", "B17", "C34"]
