"""Counts and names as providers report them, checked; and rows of one key, which may come in pieces, added together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from operator import itemgetter
from typing import Any

from workers.model.money import total as total_of

Result = Mapping[str, Any]
Row = dict[str, Any]

LARGEST = 2**63 - 1


def count_of(result: Result, name: str) -> int | None:
    """Return a count, None where it is not given; raise ValueError when it is no whole number of 64 bits."""
    value = result.get(name)
    if value is None:
        return None
    if not is_whole(value):
        raise ValueError(f"{name} is not a whole number that can be kept")
    return int(value)


def text_of(result: Result, name: str) -> str | None:
    """Return a text, None where it is not given; raise ValueError when it is something else."""
    value = result.get(name)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{name} is {type(value).__name__}")
    return value


def inside(result: Result, *path: str) -> Result:
    """Return the object at a path, an empty one where it is not given; raise ValueError when it is something else."""
    for name in path:
        found = result.get(name)
        if found is None:
            return {}
        if not isinstance(found, Mapping):
            raise ValueError(f"{name} is {type(found).__name__}")  # noqa: TRY004 - a fault of the answer like any other
        result = found
    return result


def is_whole(value: Any) -> bool:
    """Whether it is a whole number of 64 bits; compared before it is expanded, for 1e999999999 is a Decimal too."""
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return is_number and abs(value) <= LARGEST and value == int(value)


def below_zero(row: Mapping[str, Any]) -> bool:
    """Whether a row counts less than nothing, which cannot be right; amounts of money may be credits."""
    return any(isinstance(value, int) and value < 0 for value in row.values())


def added(rows: Iterable[Row], keys: Sequence[str], counts: Sequence[str]) -> Iterator[Row]:
    """Add rows of one key together, in any order; `raw` holds what has no column and is merged field by field."""
    key_of = itemgetter(*keys)
    firsts: dict[Any, Row] = {}
    pieces: dict[Any, list[Row]] = {}
    for row in rows:
        key = key_of(row)
        first = firsts.setdefault(key, row)
        if first is not row:
            pieces.setdefault(key, [first]).append(row)
    for key, row in firsts.items():
        yield _together(pieces[key], counts) if key in pieces else row


def _together(pieces: Sequence[Row], counts: Sequence[str]) -> Row:
    total = dict(pieces[0])
    for name in counts:
        given = [piece[name] for piece in pieces if piece[name] is not None]
        total[name] = _sum(given) if given else None
    names = sorted({name for piece in pieces for name in piece["raw"]})
    total["raw"] = {name: _one_of([piece["raw"][name] for piece in pieces if name in piece["raw"]]) for name in names}
    return total


def _sum(given: Sequence[int | Decimal]) -> int | Decimal:
    return total_of(given) if any(isinstance(value, Decimal) for value in given) else sum(given)


def _one_of(values: Sequence[Any]) -> Any:
    """Return what values of one unknown field come to: numbers add up, what differs otherwise is listed."""
    if all(isinstance(value, int | Decimal) and not isinstance(value, bool) for value in values):
        return sum(values)
    distinct = {json.dumps(value, sort_keys=True, default=str): value for value in values}
    return values[0] if len(distinct) == 1 else [distinct[text] for text in sorted(distinct)]
