"""What a test of reading needs: a provider, a reader on a clock that only moves by sleeping, and what they leave."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from attrs import define, evolve, field

from tests.fakes.hostile_provider import HostileProvider
from workers.model.page import Auth, Endpoint, Limits, Page, Read, Receipt
from workers.model.secret import Secret
from workers.ports import Wiring
from workers.rest import RestReader

MakeReader = Callable[..., RestReader]
CANARY = "canary-7f3a9"


@define
class FakeClock:
    """Time that passes by sleeping only."""

    seconds: float = 1000.0
    slept: list[float] = field(factory=list)

    def now(self) -> datetime:
        return datetime(2026, 5, 1, 12, tzinfo=UTC) + timedelta(seconds=self.seconds - 1000)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)


@define
class Desk:
    """Everything a test needs: the provider, the reader, and what they left behind."""

    provider: HostileProvider
    clock: FakeClock
    reader: RestReader
    receipts: list[Receipt] = field(factory=list)
    taken: list[tuple[str, float, int]] = field(factory=list)
    waits: list[float] = field(factory=list)
    auth: Auth = field(factory=Auth)
    limits: Limits = field(factory=lambda: Limits(request_seconds=20.0))
    secret: str = CANARY
    budget_key: str = "acme/openai/1"
    wired: dict[str, Any] = field(factory=dict)

    def wiring(self) -> Wiring:
        async def secret(_provider: str) -> Secret:
            return Secret(self.secret)

        async def take(key: str, per_minute: float, burst: int) -> float:
            self.taken.append((key, per_minute, burst))
            return self.waits.pop(0) if self.waits else 0.0

        async def receipt(done: Receipt) -> None:
            self.receipts.append(done)

        return evolve(Wiring(secret, take, receipt, self.budget_key), **self.wired)

    def read(self, path: str = "/rows", **changes: Any) -> Read:
        endpoint = Endpoint("openai", self.provider.url, self.auth, limits=self.limits)
        return evolve(Read(endpoint, path, data_path="data"), **changes)

    def limit(self, **changes: Any) -> None:
        self.limits = evolve(self.limits, **changes)

    async def pages(self, read: Read | None = None) -> list[Page]:
        async with self.reader.open(self.wiring()) as reading:
            return [page async for page in reading.pages(read or self.read())]

    async def rows(self, read: Read | None = None) -> list[Any]:
        return [row for page in await self.pages(read) for row in page.rows]
