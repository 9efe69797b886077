"""OpenAI's steps without engines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from tests.fakes.step_bench import Bench, Bucket, Pages
from workers.catalog import Catalog
from workers.model.page import Read


def second(day: date) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp())


def bucket(day: date, *results: Mapping[str, Any]) -> Bucket:
    return {"object": "bucket", "start_time": second(day), "end_time": second(day) + 86_400, "results": list(results)}


def empty(read: Read) -> Pages:
    asked = dict(read.params)
    starts = range(int(asked["start_time"]), int(asked["end_time"]), 86_400)
    return [[{"start_time": start, "results": []} for start in starts]]


@pytest.fixture
def bench(real_catalog: Catalog) -> Bench:
    return Bench(real_catalog, empty)
