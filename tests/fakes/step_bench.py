"""A provider's steps without engines: scripted pages in, what they would publish out."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from attrs import define, field
from structlog import get_logger

from tests.fakes.clock import ManualClock
from tests.fakes.listed_warehouse import ListedWarehouse
from workers.catalog import Catalog
from workers.model.page import Page, Read, Receipt
from workers.model.pipeline import Step
from workers.model.run import Progress
from workers.model.window import DateWindow
from workers.ports import StepContext

Bucket = Mapping[str, Any]
Pages = Sequence[Sequence[Bucket]]
FIRST, LAST = date(2025, 6, 1), date(2025, 6, 3)  # long final on the day of ManualClock


def days(first: date = FIRST, last: date = LAST) -> list[date]:
    return list(DateWindow(first, last))


@define(eq=False)
class Bench:
    """A step's surroundings. `pages` are what endpoints answer, by the last part of their path; else `empty` does."""

    catalog: Catalog
    empty: Callable[[Read], Pages]
    warehouse: ListedWarehouse = field(factory=ListedWarehouse)
    pages: dict[str, Pages] = field(factory=dict)
    fields: Mapping[str, Any] = field(factory=dict)
    reads: dict[str, list[Read]] = field(factory=lambda: defaultdict(list))
    messages: list[str] = field(factory=list)
    progress: list[Progress] = field(factory=list)
    clock: ManualClock = field(factory=ManualClock)

    def context(self, first: date = FIRST, last: date = LAST, **changes: Any) -> StepContext:
        async def message(text: str) -> None:
            self.messages.append(text)

        async def progress(further: Progress) -> None:
            self.progress.append(further)

        anything: Any = self
        parts: dict[str, Any] = {
            "org": "acme",
            "run_id": UUID(int=1),
            "run_date": last,
            "window": DateWindow(first, last),
            "step": Step("step", "a.step"),
            "variables": {},
            "schemas": self.catalog.schemas,
            "warehouse": self.warehouse,
            "secret": anything,
            "vault": anything,
            "endpoint": self.catalog.endpoint,
            "reading": Reading(self),
            "checkpoint": anything,
            "bookmark": anything,
            "warehouse_as": anything,
            "notify": anything,
            "progress": progress,
            "message": message,
            "log": get_logger(),
            "clock": self.clock,
        }
        return StepContext(**(parts | changes))


class Reading:
    """Answers reads from the bench."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def pages(self, read: Read) -> AsyncIterator[Page]:
        name = read.path.rpartition("/")[2]
        self._bench.reads[name].append(read)
        pages = self._bench.pages.get(name) or self._bench.empty(read)
        for number, rows in zip(itertools.count(1), pages, strict=False):
            url = f"{read.endpoint.base_url}{read.path}"
            fields = {path: self._bench.fields[path] for path in read.page_fields if path in self._bench.fields}
            yield Page(tuple(rows), Receipt(url, number, len(rows), 100, "5ha"), fields)


def later(bench: Bench, by: timedelta) -> None:
    bench.clock.advance(by.total_seconds())
