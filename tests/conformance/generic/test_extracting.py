"""The generic extractor on the real warehouse: a table made of rows, widened, merged, and right after a crash."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.fakes.hostile_provider import HostileProvider, rows
from tests.plugins.warehouse_desk import Desk
from tests.unit.processors.generic.conftest import SYSTEM, Bench
from tests.unit.rest.desk import FakeClock
from workers.rest import Egress, RestReader

pytestmark = pytest.mark.engine

EVENTS = """\
url: "{url}/v1/events"
data_path: data
incremental: {param: since, cursor_path: at, type: unix}
destination: {table: vendor_events_raw, write_mode: merge, key_fields: [id]}
"""


@pytest.fixture
async def bench(desk: Desk, tmp_path: Path) -> AsyncIterator[Bench]:
    shutil.copytree(SYSTEM, tmp_path / "configs" / "system")
    async with HostileProvider() as provider:
        clock = FakeClock()
        reader = RestReader(Egress.parse(f"127.0.0.1:{provider.port}"), clock, lambda: 0.5)
        yield attempt(Bench(tmp_path / "configs", provider, reader, clock=clock), desk, uuid4(), 1)
        reader.close()


def attempt(bench: Bench, desk: Desk, run_id: UUID, run_seq: int, fence: int = 1) -> Bench:
    real: Any = desk.warehouse(run_id, run_seq=run_seq, fence=fence)
    bench.warehouse = real
    return bench


async def test_rows_make_a_table_that_grows_and_a_crash_after_publishing_loses_and_doubles_nothing(
    bench: Bench, desk: Desk
) -> None:
    bench.declare(EVENTS)
    one, two = {"id": "a", "at": 100, "cost": 0.5, "who": {"n": "x"}}, {"id": "b", "at": 200, "cost": 1, "who": None}
    bench.provider.script("/v1/events", rows(one, two))
    await bench.run()
    # The second run publishes and dies before its outcome is kept; what it reads again has changed meanwhile.
    second, kept = uuid4(), bench.bookmark
    bench.provider.script("/v1/events", rows(two | {"cost": 2, "note": "n"}))
    await attempt(bench, desk, second, 2).run()
    bench.bookmark = kept
    bench.provider.script("/v1/events", rows(two | {"cost": 3, "note": "m"}, {"id": "c", "at": 300, "cost": 4}))
    await attempt(bench, desk, second, 2, fence=2).run()
    assert [heard.query for heard in bench.provider.heard] == [{}, {"since": "200"}, {"since": "200"}]
    assert bench.bookmark.value == {"cursor": "1970-01-01T00:05:00+00:00"}
    found = await desk.rows(
        "SELECT id, cost, note, JSON_VALUE(raw_data, '$.who.n') AS n FROM {dataset}.vendor_events_raw ORDER BY id"
    )
    assert found == [("a", Decimal("0.5"), None, "x"), ("b", Decimal(3), "m", None), ("c", Decimal(4), None, None)]
