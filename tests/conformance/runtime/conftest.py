"""A workshop on a journal that holds nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from tests.fakes.letterbox import Letterbox
from tests.fakes.post_office import Post, settle
from tests.fakes.wall import Wall
from tests.fakes.workshop import ONE_STEP, Workshop, open_workshop
from workers.model.org import Subscription


@pytest.fixture
async def shop(journal_url: str, tmp_path: Path) -> AsyncIterator[Workshop]:
    async with open_workshop(journal_url, tmp_path / "configs") as workshop:
        yield workshop


@pytest.fixture
async def wall(shop: Workshop, journal_url: str) -> AsyncIterator[Wall]:
    await shop.declare(ONE_STEP)
    shop.enrol("acme", subscription=Subscription("ACTIVE", "PRO", 10_000, 10_000, 50))
    connection = await asyncpg.connect(journal_url)
    yield Wall(shop, connection)
    await connection.close()


@pytest.fixture
def post(shop: Workshop, journal_url: str) -> Post:
    settle(shop)
    return Post(shop, Letterbox(), journal_url)
