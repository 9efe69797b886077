"""What happened: the unit that everything the simulator answers is computed from, and where such records come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Protocol

import attrs

DAY = 86_400

Dimension = str | bool
Count = int | Decimal


@attrs.frozen
class Record:
    """One bundle of usage or cost at a second of a UTC day: counts add up, dimensions group, extras are kept."""

    second: int
    dimensions: Mapping[str, Dimension]
    counts: Mapping[str, Count]
    extras: Mapping[str, object] = attrs.field(factory=dict)


class Source(Protocol):
    """Gives the records of an endpoint on a UTC day; the same ones however often it is asked."""

    def records(self, endpoint: str, day: date) -> Sequence[Record]:
        """Return the day's records, ordered by second."""
        ...


@attrs.frozen
class Past:
    """A source without a future: days after today have no records yet."""

    source: Source
    today: Callable[[], date]

    def records(self, endpoint: str, day: date) -> Sequence[Record]:
        """Return the day's records, none for a day to come."""
        return self.source.records(endpoint, day) if day <= self.today() else ()
