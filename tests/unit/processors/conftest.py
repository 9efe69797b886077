from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.step_bench import Bench
from workers.catalog import Catalog


@pytest.fixture(scope="session")
def real_catalog() -> Catalog:
    return Catalog.load(Path("configs"))


@pytest.fixture
def bench(real_catalog: Catalog) -> Bench:
    """Hand out surroundings in which nothing is read."""
    return Bench(real_catalog, lambda _read: [])
