"""Where each promise and fault is shown: the marks of all tests, read from their source without running any."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parents[1]
KINDS = ("fault", "promise")

Shown = Mapping[str, Sequence[str]]


@cache
def shown(kind: str) -> Shown:
    """Return the tests marked with each name of a kind (fault, promise), as `tests/path.py::name`."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text()
        if f"mark.{kind}(" in text:
            place = str(path.relative_to(TESTS.parent))
            for test, name in _marked(ast.parse(text), kind):
                found[name].append(f"{place}::{test}" if test else place)
    return found


def _marked(tree: ast.Module, kind: str) -> Iterator[tuple[str, str]]:
    """Yield test and name for each mark; what stands outside a function counts for the file."""
    for node in tree.body:
        test = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else ""
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and _is_mark(call.func, kind):
                yield from ((test, str(ast.literal_eval(argument))) for argument in call.args)


def _is_mark(node: ast.expr, kind: str) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == kind
        and isinstance(node.value, ast.Attribute)
        and node.value.attr == "mark"
    )
