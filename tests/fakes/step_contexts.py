"""Steps on the real warehouse: a context as the runner makes it, around what a test gives."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from datetime import date
from typing import Any
from uuid import UUID

from attrs import evolve
from structlog import get_logger

from server.clock import SystemClock
from tests.plugins.warehouse_desk import Desk
from workers.catalog import Catalog
from workers.model.page import Page, Read
from workers.model.pipeline import Step
from workers.model.run import Progress
from workers.model.window import DateWindow
from workers.ports import StepContext

Make = Callable[..., StepContext]
_numbers = itertools.count(1)


class NoReading:
    """For steps that read nothing."""

    async def pages(self, read: Read) -> AsyncIterator[Page]:
        raise AssertionError(f"nothing reads {read.path}")
        yield


class Heard:
    """What a step said."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.progress: list[Progress] = []

    async def message(self, text: str) -> None:
        self.messages.append(text)

    async def further(self, progress: Progress) -> None:
        self.progress.append(progress)


def contexts(desk: Desk, catalog: Catalog, heard: Heard) -> Make:
    """Make contexts of one run after another; a keyword replaces a part."""

    async def nothing(*_: Any) -> Any:
        raise AssertionError("nothing asks for this")

    no_vault: Any = None

    def make(first: date, last: date | None = None, **changes: Any) -> StepContext:
        number = next(_numbers)
        run_id = UUID(int=number)
        made = StepContext(
            org="acme",
            run_id=run_id,
            run_date=last or first,
            window=DateWindow(first, last or first),
            step=Step("step", "a.step"),
            variables={},
            schemas=catalog.schemas,
            warehouse=desk.warehouse(run_id, run_seq=number, fence=number, step_id="step"),
            secret=nothing,
            vault=no_vault,
            endpoint=catalog.endpoint,
            reading=NoReading(),
            checkpoint=nothing,
            bookmark=nothing,
            warehouse_as=nothing,
            notify=nothing,
            progress=heard.further,
            message=heard.message,
            log=get_logger(),
            clock=SystemClock(),
        )
        return evolve(made, **changes)

    return make
