"""One arena for the session; what the faults cost is printed at its end."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.chaos.arena import Arena, opened
from tests.chaos.toll import table

HERE = Path(__file__).parent
SHORT = bool(os.environ.get("SHORT"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep only what is marked as short with SHORT=1; other folders are not this one's business."""
    long = [item for item in items if item.path.is_relative_to(HERE) and item.get_closest_marker("short") is None]
    if SHORT and long:
        items[:] = [item for item in items if item not in long]
        config.hook.pytest_deselected(items=long)


@pytest_asyncio.fixture(scope="session")
async def whole_arena(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arena]:
    async with opened(tmp_path_factory.mktemp("arena")) as arena:
        yield arena
        print(f"\n\n{table(arena.tolls)}\n")


@pytest_asyncio.fixture
async def arena(whole_arena: Arena) -> AsyncIterator[Arena]:
    await whole_arena.ready()
    yield whole_arena
    await whole_arena.running.faults()
