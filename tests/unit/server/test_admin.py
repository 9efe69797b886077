"""Metrics over HTTP, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, Counter

from server.admin import Admin


@pytest.fixture
async def admin() -> AsyncIterator[Admin]:
    registry = CollectorRegistry()
    Counter("things", "Things", registry=registry).inc(3)
    admin = Admin(registry)
    yield admin
    await admin.stop()


async def test_metrics_are_prometheus_text(admin: Admin) -> None:
    port = await admin.start("127.0.0.1", 0)
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        assert "things_total 3.0" in await answer.text()


async def test_there_is_nothing_else(admin: Admin) -> None:
    port = await admin.start("127.0.0.1", 0)
    async with aiohttp.ClientSession() as session:
        for path, method in (("/", "GET"), ("/metrics", "POST"), ("/debug", "GET")):
            async with session.request(method, f"http://127.0.0.1:{port}{path}") as answer:
                assert answer.status in {404, 405}


async def test_a_port_that_is_taken_is_named(admin: Admin) -> None:
    port = await admin.start("127.0.0.1", 0)
    second = Admin()
    with pytest.raises(OSError, match="METRICS_PORT"):
        await second.start("127.0.0.1", port)
    await second.stop()


async def test_stopping_may_come_before_starting_and_twice() -> None:
    admin = Admin()
    await admin.stop()
    await admin.start("127.0.0.1", 0)
    await admin.stop()
    await admin.stop()
