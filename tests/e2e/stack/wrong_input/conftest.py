"""One more edge before the stack's service, and what the rows ask for."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.stack.wrong_input import scene
from tests.e2e.stack.wrong_input.scene import Scene
from tests.plugins.sandbox import Running


@pytest_asyncio.fixture(scope="session")
async def stage(sandbox_stack: Running, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with scene.opened(sandbox_stack, tmp_path_factory.mktemp("hasty")) as opened:
        yield opened
