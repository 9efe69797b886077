"""Anthropic's steps without engines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest

from tests.fakes.step_bench import Bench, Bucket, Pages
from workers.catalog import Catalog
from workers.model.page import Read
from workers.model.window import DateWindow


def midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def bucket(day: date, *results: Mapping[str, Any]) -> Bucket:
    return {"starting_at": midnight(day), "ending_at": midnight(day + timedelta(days=1)), "results": list(results)}


def empty(read: Read) -> Pages:
    """Answer with the empty buckets of the window; listings that have none are empty."""
    asked = dict(read.params)
    if "bucket_width" not in asked:
        return [[]]
    first, after = (date.fromisoformat(asked[name][:10]) for name in ("starting_at", "ending_at"))
    return [[bucket(day) for day in DateWindow(first, after - timedelta(days=1))]]


@pytest.fixture
def bench(real_catalog: Catalog) -> Bench:
    return Bench(real_catalog, empty)
