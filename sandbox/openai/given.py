"""A source that answers from a data file (its form stands in the package's docstring)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from sandbox.openai.endpoints import ENDPOINTS, Endpoint
from sandbox.records import DAY, Record

_BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}


class DataFileError(ValueError):
    """The data file does not hold what it should; the message names endpoint, place and field."""


class Given:
    """The records of a data file, by endpoint and day."""

    def __init__(self, days: Mapping[tuple[str, date], Sequence[Record]]) -> None:
        self._days = days

    def records(self, endpoint: str, day: date) -> Sequence[Record]:
        """Return the day's records, ordered by second."""
        return self._days.get((endpoint, day), ())


def load_data(path: Path) -> Given:
    """Read a data file; raises DataFileError where it is not one."""
    document = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    if not isinstance(document, dict) or (unknown := document.keys() - _BY_NAME.keys()):
        raise DataFileError(f"{path}: not records by endpoint name: {sorted(unknown) if document else document}")
    days: dict[tuple[str, date], list[Record]] = {}
    for name, items in document.items():
        for place, item in enumerate(items):
            try:
                days.setdefault((name, date.fromisoformat(item["date"])), []).append(_record(_BY_NAME[name], item))
            except (KeyError, TypeError, ValueError, ArithmeticError) as error:
                raise DataFileError(f"{path}: {name}[{place}]: {error!r}") from error
    return Given({key: tuple(sorted(found, key=lambda record: record.second)) for key, found in days.items()})


def _record(endpoint: Endpoint, item: Mapping[str, object]) -> Record:
    second = int(str(item.get("second", 0)))
    if not 0 <= second < DAY:
        raise ValueError(f"second {second} is not within a day")
    dimensions = (*endpoint.dimensions, "quantity_unit")
    known = {"date", "second", *dimensions, *endpoint.counts}
    return Record(
        second,
        {name: _dimension(item[name]) for name in dimensions if item.get(name) is not None},
        {name: _count(endpoint, item[name]) for name in endpoint.counts if item.get(name) is not None},
        {name: value for name, value in item.items() if name not in known},
    )


def _dimension(value: object) -> str | bool:
    if isinstance(value, str | bool):
        return value
    raise TypeError(f"a dimension is text or true or false, not {value!r}")


def _count(endpoint: Endpoint, value: object) -> int | Decimal:
    return Decimal(str(value)) if endpoint.path == "costs" else int(str(value))
