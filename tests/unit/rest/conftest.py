"""A reader wired to a hostile provider on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fakes.hostile_provider import HostileProvider
from tests.unit.rest.desk import Desk, FakeClock, MakeReader
from workers.rest import Egress, RestReader, Timeouts


@pytest.fixture
async def provider() -> AsyncIterator[HostileProvider]:
    async with HostileProvider() as provider:
        yield provider


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def make_reader(provider: HostileProvider, clock: FakeClock) -> AsyncIterator[MakeReader]:
    made: list[RestReader] = []

    def make(**changes: Any) -> RestReader:
        egress = changes.pop("egress", Egress.parse(f"127.0.0.1:{provider.port},localhost:{provider.port}"))
        settings = {"timeouts": Timeouts(connect=10.0, read=10.0)} | changes
        made.append(RestReader(egress, clock, lambda: 0.5, **settings))
        return made[-1]

    yield make
    for reader in made:
        reader.close()


@pytest.fixture
def hasty(desk: Desk, make_reader: MakeReader) -> Desk:
    """The desk with a reader that waits for a silent provider only briefly."""
    desk.reader = make_reader(timeouts=Timeouts(connect=10.0, read=0.15))
    return desk


@pytest.fixture
def desk(provider: HostileProvider, clock: FakeClock, make_reader: MakeReader) -> Desk:
    return Desk(provider, clock, make_reader())
