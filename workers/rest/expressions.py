"""Places in a document: dotted keys as people write them, and JMESPath for everything else.

A text of plain keys (`meta.next-cursor`) is walked key by key, so that a place that is absent differs from one that
holds null; any other text is JMESPath with the functions of `functions.py`, which knows no such difference: null
counts as absent there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from workers.rest.functions import OurFunctions

ABSENT = object()
"""What stands at a place that is not there; JSON's null is None."""

LONGEST = 300
_OPTIONS = jmespath.Options(custom_functions=OurFunctions())
_PLAIN = re.compile(r"[A-Za-z_$][\w$-]*(?:\.[A-Za-z_$][\w$-]*)*\Z", re.ASCII)

Find = Callable[[Any], Any]


class ExpressionError(ValueError):
    """A text that names no place, in words that continue «data_path …»."""


@lru_cache(maxsize=1024)
def expression(text: str) -> Find:
    """Return what finds a place; the empty text is the whole. Raises ExpressionError.

    What is found may raise ExpressionError too, where a function is given what it does not take.
    """
    if len(text) > LONGEST:
        raise ExpressionError(f"is longer than {LONGEST} characters")
    keys = plain_keys(text)
    if keys is not None:
        return _walker(keys)
    try:
        compiled = jmespath.compile(text)
    except (JMESPathError, RecursionError, ValueError):
        raise ExpressionError(f"{text[:80]!r} is not a JMESPath expression") from None
    unknown = sorted(set(_functions(compiled.parsed)) - OurFunctions.FUNCTION_TABLE.keys())
    if unknown:
        raise ExpressionError(f"{text[:80]!r} calls a function there is not: {unknown[0][:40]}")
    return _searcher(compiled)


def plain_keys(text: str) -> tuple[str, ...] | None:
    """Return the keys that a text of plain keys consists of, none for the whole; None for any other text."""
    if not text:
        return ()
    return tuple(text.split(".")) if _PLAIN.match(text) else None


def _functions(node: Any) -> Iterator[str]:
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        if isinstance(child, dict):
            yield from _functions(child)


def _walker(keys: tuple[str, ...]) -> Find:
    def find(value: Any) -> Any:
        for key in keys:
            if not isinstance(value, dict) or key not in value:
                return ABSENT
            value = value[key]
        return value

    return find


def _searcher(compiled: Any) -> Find:
    def find(value: Any) -> Any:
        try:
            found = compiled.search(value, _OPTIONS)
        except (JMESPathError, RecursionError, TypeError, ValueError, ArithmeticError, KeyError):
            raise ExpressionError("is given something it cannot work on") from None
        if isinstance(found, float):  # a literal of the expression, or an average
            return Decimal(repr(found))
        return ABSENT if found is None else found

    return find
