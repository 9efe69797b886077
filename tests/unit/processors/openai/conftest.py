"""OpenAI's steps without engines: scripted pages in, what they would publish out."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
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


def second(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())


def bucket(day: date, *results: Mapping[str, Any]) -> Bucket:
    return {"object": "bucket", "start_time": second(day), "end_time": second(day) + 86_400, "results": list(results)}


def days(first: date = FIRST, last: date = LAST) -> list[date]:
    return list(DateWindow(first, last))


@define(eq=False)
class Bench:
    """A step's surroundings. `pages` are what endpoints answer, by the last part of their path; else empty buckets."""

    catalog: Catalog
    warehouse: ListedWarehouse = field(factory=ListedWarehouse)
    pages: dict[str, Pages] = field(factory=dict)
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
            "step": Step("step", "openai.step"),
            "variables": {},
            "schemas": self.catalog.schemas,
            "warehouse": self.warehouse,
            "secret": anything,
            "vault": anything,
            "endpoint": self.catalog.endpoint,
            "reading": Reading(self),
            "checkpoint": anything,
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
        asked = dict(read.params)
        empty = range(int(asked["start_time"]), int(asked["end_time"]), 86_400)
        pages = self._bench.pages.get(name, [[{"start_time": start, "results": []} for start in empty]])
        for number, rows in zip(itertools.count(1), pages, strict=False):
            yield Page(tuple(rows), Receipt(f"https://api.openai.com/v1{read.path}", number, len(rows), 100, "5ha"))


@pytest.fixture(scope="session")
def real_catalog() -> Catalog:
    return Catalog.load(Path("configs"))


@pytest.fixture
def bench(real_catalog: Catalog) -> Bench:
    return Bench(real_catalog)


def later(bench: Bench, by: timedelta) -> None:
    bench.clock.advance(by.total_seconds())
