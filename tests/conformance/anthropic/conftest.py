"""Anthropic's steps on the real warehouse."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.step_contexts import Heard, Make, contexts
from tests.plugins.warehouse_desk import Desk
from workers.catalog import Catalog


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.load(Path("configs"))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def context(desk: Desk, catalog: Catalog, heard: Heard) -> Make:
    return contexts(desk, catalog, heard)
