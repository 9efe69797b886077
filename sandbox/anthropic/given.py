"""A source that answers from a data file (its form stands in the package's docstring)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from sandbox.anthropic.listings import COST_DETAILS, USAGE_COUNTS, USAGE_DIMENSIONS
from sandbox.records import DAY, Record

_DIMENSIONS = {"messages": USAGE_DIMENSIONS, "cost_report": ("workspace_id", *COST_DETAILS), "claude_code": ()}


class DataFileError(ValueError):
    """The data file does not hold what it should; the message names listing, place and field."""


class Given:
    """The records of a data file, by listing and day."""

    def __init__(self, days: Mapping[tuple[str, date], Sequence[Record]]) -> None:
        self._days = days

    def records(self, endpoint: str, day: date) -> Sequence[Record]:
        """Return the day's records, ordered by second."""
        return self._days.get((endpoint, day), ())


def load_data(path: Path) -> Given:
    """Read a data file; raises DataFileError where it is not one."""
    document = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    if not isinstance(document, dict) or document.keys() - _DIMENSIONS.keys():
        raise DataFileError(f"{path}: not records by {', '.join(_DIMENSIONS)}")
    days: dict[tuple[str, date], list[Record]] = {}
    for name, items in document.items():
        for place, item in enumerate(items):
            try:
                day = date.fromisoformat(item["date"][:10])
                days.setdefault((name, day), []).append(_record(name, item))
            except (KeyError, TypeError, ValueError, ArithmeticError) as error:
                raise DataFileError(f"{path}: {name}[{place}]: {error!r}") from error
    return Given({key: tuple(sorted(found, key=lambda record: record.second)) for key, found in days.items()})


def _record(name: str, item: Mapping[str, object]) -> Record:
    if name == "claude_code":
        return Record(0, {}, {}, item)
    second = int(str(item.get("second", 0)))
    if not 0 <= second < DAY:
        raise ValueError(f"second {second} is not within a day")
    dimensions = {field: str(item[field]) for field in _DIMENSIONS[name] if item.get(field) is not None}
    if name == "cost_report":
        return Record(second, dimensions, {"amount": Decimal(str(item["amount"]))})
    return Record(second, dimensions, {count: int(str(item[count])) for count in USAGE_COUNTS if count in item})
