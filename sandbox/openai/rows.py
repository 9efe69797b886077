"""The result rows of one bucket: records grouped, summed and written as the API writes them. Pure.

Now and then a group comes as two rows with the same key, as it does live: readers have to add them up.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from sandbox.openai.endpoints import COSTS, Endpoint
from sandbox.records import Dimension, Record

_TWINS = 13  # one group in so many is reported as two rows
_LABELLED = 3  # one row in so many has a field newer than the specification

Key = tuple[Dimension | None, ...]
Row = dict[str, object]


def result_rows(
    endpoint: Endpoint, group_by: tuple[str, ...], records: Sequence[Record], times: int = 1
) -> Iterator[Row]:
    """Give the rows of a bucket in the order of their keys; counts are multiplied by `times`."""
    groups: dict[Key, list[Record]] = {}
    for record in records:
        groups.setdefault(tuple(record.dimensions.get(name) for name in group_by), []).append(record)
    for key in sorted(groups, key=repr):
        chance = zlib.crc32(repr((endpoint.path, key, groups[key][0].second)).encode())
        for part in _parts(groups[key], chance if group_by else 1):
            yield _row(endpoint, dict(zip(group_by, key, strict=True)), part, times, chance)


def _parts(records: list[Record], chance: int) -> list[list[Record]]:
    if len(records) > 1 and chance % _TWINS == 0:
        return [records[::2], records[1::2]]
    return [records]


def _row(endpoint: Endpoint, key: Mapping[str, object], records: list[Record], times: int, chance: int) -> Row:
    counts = _cost(key, records, times, chance) if endpoint is COSTS else _usage(endpoint, records, times)
    row: Row = {"object": endpoint.object, **counts, **{name: key.get(name) for name in endpoint.dimensions}}
    if endpoint.name in {"completions", "web_search_calls", "costs"} and chance % _LABELLED == 0:
        row["api_source"] = None
    for record in records:
        row.update(record.extras)
    return row


def _usage(endpoint: Endpoint, records: list[Record], times: int) -> Row:
    names = dict.fromkeys([*endpoint.counts, *(name for record in records for name in record.counts)])
    return {name: times * sum(int(record.counts.get(name, 0)) for record in records) for name in names}


def _cost(key: Mapping[str, object], records: list[Record], times: int, chance: int) -> Row:
    """Write the amount as text with trailing zeros or as a number: the API has done both."""
    total = times * sum((Decimal(record.counts["amount"]) for record in records), Decimal(0))
    value: object = f"{total:.10f}" if chance % 2 else float(total)
    row: Row = {"amount": {"value": value, "currency": "usd"}, "quantity": None, "quantity_unit": None}
    if "line_item" in key:
        row["quantity"] = _number(times * sum(Decimal(record.counts.get("quantity", 0)) for record in records))
        row["quantity_unit"] = records[0].dimensions.get("quantity_unit")
    return row


def _number(value: Decimal | int) -> int | float:
    return int(value) if value == int(value) else float(value)
