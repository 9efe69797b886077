"""The warehouse on the session's emulator: a fresh dataset for a test, and authorities to write to it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.bigquery.launch import Emulator
from tests.fakes.bigquery_proxy import BigQueryProxy
from tests.plugins.warehouse_desk import Desk, open_desk

_numbers = itertools.count()


@pytest.fixture
async def dataset(bq: Any) -> str:
    """An empty dataset of its own for the test."""
    name = f"acme_{next(_numbers)}_local"
    await asyncio.to_thread(bq.create_dataset, name)
    return name


@pytest.fixture
async def desk(emulator: Emulator, dataset: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """Warehouses of the emulator, with the test's dataset as organisation's and as central one."""
    async with open_desk(emulator.rest, dataset, tmp_path / "spool") as desk:
        yield desk


@pytest.fixture
async def proxy(emulator: Emulator) -> AsyncIterator[BigQueryProxy]:
    """A fault proxy before the emulator."""
    async with BigQueryProxy(emulator.rest) as proxy:
        yield proxy


@pytest.fixture
async def faulty(proxy: BigQueryProxy, dataset: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """As `desk`, behind the fault proxy."""
    async with open_desk(proxy.url, dataset, tmp_path / "spool") as desk:
        yield desk
