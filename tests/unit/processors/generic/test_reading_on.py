from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from tests.fakes.hostile_provider import rows
from tests.unit.processors.generic.conftest import Bench
from workers.model.failure import FailedError, Reason
from workers.model.window import DateWindow

BY_DAY = """\
url: "{url}/v1/rows"
data_path: data
destination: {table: vendor_rows_raw, write_mode: merge, key_fields: [id]}
incremental: {param: from, until_param: to, type: date, start: "2025-05-01", lookback_days: 2, max_days: 10}
"""
BY_VALUE = """\
url: "{url}/v1/rows"
data_path: data
destination: {table: vendor_rows_raw, write_mode: merge, key_fields: [id]}
incremental: {param: since, cursor_path: changed.at, lookback_days: 1}
"""


def at(day: str, number: int = 1) -> dict[str, Any]:
    return {"id": number, "changed": {"at": day}}


async def asked(bench: Bench, *answers: Any) -> dict[str, str]:
    bench.provider.heard.clear()
    bench.provider.script("/v1/rows", rows(*answers))
    await bench.run()
    return bench.provider.heard[0].query


def until(bench: Bench, day: date) -> None:
    bench.window = DateWindow(day, day)


async def test_days_are_read_on_in_bounded_windows_and_what_remains_is_said(bench: Bench) -> None:
    bench.declare(BY_DAY)
    until(bench, date(2025, 5, 15))
    assert await asked(bench, at("x")) == {"from": "2025-05-01", "to": "2025-05-11"}
    assert bench.messages == ["5 days are left; the next run goes on from 2025-05-11"]
    assert await asked(bench, at("x")) == {"from": "2025-05-09", "to": "2025-05-16"}
    assert bench.bookmark.value == {"until": "2025-05-16"}


async def test_days_that_were_read_are_read_again_when_asked_for_and_move_nothing(bench: Bench) -> None:
    bench.declare(BY_DAY)
    until(bench, date(2025, 5, 8))
    await asked(bench)
    assert await asked(bench) == {"from": "2025-05-08", "to": "2025-05-09"}
    bench.window = DateWindow(date(2025, 4, 1), date(2025, 4, 2))
    assert await asked(bench) == {"from": "2025-04-01", "to": "2025-04-03"}
    assert bench.bookmark.value == {"until": "2025-05-09"}


async def test_a_day_that_is_not_over_is_read_again(bench: Bench) -> None:
    bench.declare(BY_DAY.replace("2025-05-01", "2026-04-30").replace("lookback_days: 2, ", ""))
    until(bench, today := bench.clock.now().date())
    assert await asked(bench) == {"from": "2026-04-30", "to": "2026-05-02"}
    assert bench.bookmark.value == {"until": "2026-05-01"}
    await asked(bench)
    assert bench.bookmark.version == 1
    until(bench, today + timedelta(days=3))
    assert await asked(bench) == {"from": "2026-05-01", "to": "2026-05-05"}


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [
        ("type: date, until_included: true", "2025-06-01", "2025-06-03"),
        ("type: timestamp", "2025-06-01T00:00:00Z", "2025-06-04T00:00:00Z"),
        ("type: unix", "1748736000", "1748995200"),
        ("type: unix_ms", "1748736000000", "1748995200000"),
    ],
)
async def test_days_are_written_as_the_api_wants_them(bench: Bench, kind: str, first: str, last: str) -> None:
    bench.declare(BY_DAY.replace("type: date", kind).replace("2025-05-01", "2025-06-01"))
    assert await asked(bench) == {"from": first, "to": last}


async def test_overwriting_by_days_replaces_the_days_that_were_asked_for(bench: Bench) -> None:
    config = BY_DAY.replace("merge, key_fields: [id]", "overwrite, table_config: {partition: day}")
    bench.declare(f"{config}schema: {{types: {{day: DATE}}}}\n")
    until(bench, date(2025, 5, 3))
    await asked(bench, {"id": 1, "day": "2025-05-02"})
    assert bench.publication.window == DateWindow(date(2025, 5, 1), date(2025, 5, 3))


async def test_a_value_is_read_on_from_the_largest_seen_and_a_little_before(bench: Bench) -> None:
    bench.declare(BY_VALUE)
    assert await asked(bench, at("2025-06-01T10:00:00Z"), at("2025-05-30T00:00:00Z", 2)) == {}
    assert bench.bookmark.value == {"cursor": "2025-06-01T10:00:00+00:00"}
    assert await asked(bench) == {"since": "2025-05-31T10:00:00Z"}
    assert bench.bookmark.value == {"cursor": "2025-06-01T10:00:00+00:00"}


async def test_a_value_from_the_future_does_not_skip_what_comes_until_then(bench: Bench) -> None:
    bench.declare(BY_VALUE)
    await asked(bench, at("9998-01-01T00:00:00Z"))
    assert bench.bookmark.value == {"cursor": bench.clock.now().isoformat()}


async def test_numbers_are_read_on_from_too(bench: Bench) -> None:
    changed = BY_VALUE.replace("lookback_days: 1", "type: integer, start: '100'").replace("changed.at", "id")
    bench.declare(changed)
    assert await asked(bench, at("x", 105), at("x", 103)) == {"since": "100"}
    assert await asked(bench) == {"since": "105"}


async def test_a_row_without_its_cursor_fails_and_moves_nothing(bench: Bench) -> None:
    bench.declare(BY_VALUE)
    bench.provider.script("/v1/rows", rows(at("2025-06-01T10:00:00Z"), {"id": 2}))
    with pytest.raises(FailedError, match=r"row 2 of page 1: its cursor changed\.at has no value") as raised:
        await bench.run()
    assert raised.value.failure.reason is Reason.DATA_INVALID
    assert bench.bookmark.version == 0


async def test_a_refresh_reads_the_days_it_is_for(bench: Bench) -> None:
    bench.declare(BY_DAY)
    until(bench, date(2025, 5, 8))
    await asked(bench)
    bench.force_refresh = True
    bench.window = DateWindow(date(2025, 5, 2), date(2025, 5, 8) + timedelta(days=1))
    assert await asked(bench) == {"from": "2025-05-02", "to": "2025-05-10"}
    assert bench.bookmark.value == {"until": "2025-05-09"}


async def test_a_long_page_leaves_the_loop_to_others_between_its_rows(bench: Bench) -> None:
    bench.declare(f"{BY_VALUE}flatten: {{at: changed.at}}\n")
    bench.provider.script("/v1/rows", rows(*(at("2025-05-01", number) for number in range(5000))))
    running, turns = asyncio.ensure_future(bench.run()), 0
    while not running.done():
        turns += bool(bench.receipts) and not bench.rows
        await asyncio.sleep(0)
    assert (await running).rows == 5000
    assert turns >= 2 * 9
