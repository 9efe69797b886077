"""One repaired BigQuery emulator for the whole session, a client of it, and an empty table for a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.bigquery.connect import connect
from sandbox.bigquery.launch import Emulator
from tests.plugins.emulator_calls import create_table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture(scope="session")
async def emulator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Emulator]:
    emulator = Emulator(tmp_path_factory.mktemp("emulator"))
    await emulator.start()
    yield emulator
    await emulator.stop()


@pytest.fixture(scope="session")
async def admitting(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Emulator]:
    """One that lets readers in between the statements of a script, as BigQuery does."""
    emulator = Emulator(tmp_path_factory.mktemp("admitting"), admit_readers=True)
    await emulator.start()
    yield emulator
    await emulator.stop()


@pytest.fixture(scope="session")
def bq(emulator: Emulator) -> Iterator[Any]:
    """A google-cloud-bigquery client with an empty dataset `ds`."""
    with connect(emulator.rest) as client:
        client.create_dataset("ds")
        yield client


@pytest.fixture
def table(bq: Any) -> str:
    """An empty table of its own for the test, as `dataset.name`."""
    return create_table(bq)
