"""The simulator's application on a port of its own, without a process, and a caller that holds its key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from sandbox.anthropic.app import Service, parse
from sandbox.anthropic.generated import Generated
from sandbox.anthropic.pages import Pages
from sandbox.faults import Faults
from sandbox.records import Past, Source
from tests.fakes.anthropic_caller import KEY, NOON, TODAY, Caller, Start


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def begin(*, source: Source | None = None, faults: Any = ()) -> Caller:
            pages = Pages(Past(source or Generated(7), lambda: TODAY), lambda: NOON)
            application = Service(pages, Faults(parse(list(faults))), KEY, lambda: NOON).application()
            server = TestServer(application, handler_cancellation=True, shutdown_timeout=0.1)
            return Caller(await stack.enter_async_context(TestClient(server)))

        yield begin


@pytest.fixture
async def caller(start: Start) -> Caller:
    return await start()
