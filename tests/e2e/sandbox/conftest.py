"""Folders for sandboxes: Postgres keeps its data in them, by a user of its own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def tmp_path(postgres_home: Path) -> Path:
    return postgres_home
