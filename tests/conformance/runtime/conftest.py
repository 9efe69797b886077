"""A workshop on a journal that holds nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.workshop import Workshop, open_workshop


@pytest.fixture
async def shop(journal_url: str, tmp_path: Path) -> AsyncIterator[Workshop]:
    async with open_workshop(journal_url, tmp_path / "configs") as workshop:
        yield workshop
