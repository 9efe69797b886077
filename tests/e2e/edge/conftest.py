"""The loop of the session is busy with other files in between: Envoy may have missed the service for a while."""

from __future__ import annotations

import pytest_asyncio

from sandbox.edge import Edge


@pytest_asyncio.fixture(autouse=True)
async def reached(edge: Edge) -> None:
    """Begin each test with a service that is reached."""
    await edge.healthy()
