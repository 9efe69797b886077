"""A simulator's application on a port of its own, without a process, and a caller that holds its key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from sandbox.faults import Faults
from sandbox.openai.app import Service
from sandbox.openai.faults import parse
from sandbox.openai.generated import Generated
from sandbox.openai.pages import Pages
from sandbox.records import Past, Source
from tests.fakes.openai_caller import KEY, NOON, TODAY, Caller, Start


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def begin(*, source: Source | None = None, scale: int = 1, faults: Any = ()) -> Caller:
            past = Past(source or Generated(7), lambda: TODAY)
            rules = Faults(parse(list(faults)))
            application = Service(Pages(past, scale), rules, KEY, lambda: NOON).application()
            server = TestServer(application, handler_cancellation=True, shutdown_timeout=0.1)
            return Caller(await stack.enter_async_context(TestClient(server)))

        yield begin


@pytest.fixture
async def caller(start: Start) -> Caller:
    return await start()
