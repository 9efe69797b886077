"""Documents as no specification has them: a recorded page in, the bytes of a page that somebody broke out.

A mutation is data (an operation, a place, a value), so that Hypothesis can shrink what breaks something.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

from attrs import frozen
from hypothesis import strategies as st

DEEP = "[" * 40 + "]" * 40
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 7, 10**18, 10**30, -(10**30), 0.5, 1e-12, 1e300),
    *("", "x", "-1", "1e-7", "12,5", "NaN", "null", "2025-02-30", "10000-01-01T00:00:00Z", "\u0000", "\ud800", "é" * 9),
    *([], {}, [[]], [None], {"": None}, {"amount": {}}, "x" * 20_000, list(range(300)), json.loads(DEEP)),
)


@frozen
class Mutation:
    """What is done to which place: places are counted through the document, and around again."""

    operation: str
    place: int
    value: Any = None

    def apply(self, document: Any) -> Any:
        """Return the document with this done to it."""
        holder = {"": copy.deepcopy(document)}
        places = [*_places(holder)]
        parent, key = places[self.place % len(places)]
        _OPERATIONS[self.operation](parent, key, self.value)
        return holder.get("")


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield value, key
        yield from _places(inner)


def _drop(parent: Any, key: Any, _value: Any) -> None:
    del parent[key]


def _rename(parent: Any, key: Any, _value: Any) -> None:
    if isinstance(parent, dict):
        parent[f"{key}_"] = parent.pop(key)


def _replace(parent: Any, key: Any, value: Any) -> None:
    parent[key] = value


def _double(parent: Any, key: Any, _value: Any) -> None:
    if isinstance(parent, list):
        parent.insert(key, copy.deepcopy(parent[key]))
    else:
        parent[f"{key} again"] = copy.deepcopy(parent[key])


def _nest(parent: Any, key: Any, value: Any) -> None:
    parent[key] = {"data": parent[key]} if value else [parent[key]]


_OPERATIONS = {"drop": _drop, "rename": _rename, "replace": _replace, "double": _double, "nest": _nest}

MUTATIONS = st.builds(
    Mutation, st.sampled_from([*_OPERATIONS, "replace", "replace"]), st.integers(0, 400), st.sampled_from(ODD)
)


@frozen
class Broken:
    """How a page is broken: mutations of what it says, then perhaps of its text, in percent of its length."""

    mutations: list[Mutation]
    cut: int | None = None
    spliced: tuple[int, str] | None = None

    def text(self, document: Any) -> bytes:
        """Return the page as it is sent."""
        for mutation in self.mutations:
            document = mutation.apply(document)
        written = json.dumps(document)
        if self.spliced is not None:
            at = len(written) * self.spliced[0] // 100
            written = written[:at] + self.spliced[1] + written[at:]
        return written[: len(written) if self.cut is None else len(written) * self.cut // 100].encode()


SPLICED = st.sampled_from(["NaN", '"', "\x00", '"a":1,', "\ufeff"])
BROKEN = st.builds(
    Broken,
    st.lists(MUTATIONS, min_size=1, max_size=3),
    st.none() | st.none() | st.none() | st.integers(0, 99),
    st.none() | st.none() | st.none() | st.tuples(st.integers(0, 99), SPLICED),
)
