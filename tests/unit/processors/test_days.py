"""Which days are read again: ManualClock stands on 15 June 2025, so 14 June is the newest complete day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.step_bench import Bench
from workers.catalog import Catalog
from workers.model.window import DateWindow
from workers.ports import Row
from workers.processors.days import CATCH_UP_DAYS, LOADED_DAYS, days_to_read

TABLE = "openai_usage_daily_raw"


def june(day: int) -> date:
    return date(2025, 6, day)


def loaded(**at: int):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """Answer the ledger query: `d5=9` says that 5 June was loaded on 9 June."""
    moments = {june(int(day[1:])): june(on) for day, on in at.items()}

    def answer(_sql: str, asked: Mapping[str, object]) -> Sequence[Row]:
        first, last, restate = asked["first_day"], asked["last_day"], asked["restate_days"]
        return [
            {"day": day, "final": on > day + timedelta(days=restate)}  # type: ignore[arg-type]
            for day, on in moments.items()
            if first <= day <= last  # type: ignore[operator]
        ]

    return answer


async def chosen(bench: Bench, first: int, last: int, restate: int = 3, **changes: bool) -> list[tuple[int, int]]:
    windows = await days_to_read(bench.context(june(first), june(last), **changes), TABLE, restate, LOADED_DAYS)
    return [(window.first.day, window.last.day) for window in windows]


async def test_a_run_for_yesterday_reads_the_restatement_window(bench: Bench) -> None:
    assert await chosen(bench, 14, 14) == [(12, 14)]


async def test_a_run_for_today_reads_today_and_the_restatement_window(bench: Bench) -> None:
    assert await chosen(bench, 15, 15) == [(12, 15)]


async def test_a_run_inside_the_restatement_window_reads_what_it_is_for(bench: Bench) -> None:
    bench.warehouse.answer = loaded(d13=14)
    assert await chosen(bench, 13, 13) == [(13, 13)]


async def test_a_day_that_was_never_loaded_is_read_however_old(bench: Bench) -> None:
    assert await chosen(bench, 2, 4) == [(2, 4)]


async def test_final_days_are_left_out_and_the_rest_is_read_in_spans(bench: Bench) -> None:
    bench.warehouse.answer = loaded(d3=7, d4=9, d7=11)
    assert await chosen(bench, 2, 8) == [(2, 2), (5, 6), (8, 8)]


async def test_a_day_that_was_last_read_too_early_is_not_final(bench: Bench) -> None:
    bench.warehouse.answer = loaded(d3=6, d4=8)
    assert await chosen(bench, 3, 4) == [(3, 3)]


async def test_nothing_is_read_when_every_day_is_final(bench: Bench) -> None:
    bench.warehouse.answer = loaded(d3=7, d4=9)
    assert await chosen(bench, 3, 4) == []


async def test_force_refresh_reads_final_days_again(bench: Bench) -> None:
    bench.warehouse.answer = loaded(d3=7, d4=9)
    assert await chosen(bench, 3, 4, force_refresh=True) == [(3, 4)]


async def test_without_restatement_only_the_days_of_the_run_are_read(bench: Bench) -> None:
    assert await chosen(bench, 14, 14, restate=0) == [(14, 14)]


@pytest.mark.parametrize("last", [14, 10])
async def test_a_long_run_leaves_out_what_is_final_and_keeps_what_is_recent(bench: Bench, last: int) -> None:
    bench.warehouse.answer = loaded(**{f"d{day}": min(day + 5, 28) for day in range(1, 15)})
    assert await chosen(bench, 1, last) == ([(12, 14)] if last == 14 else [])


async def test_a_run_for_yesterday_reads_the_days_that_an_outage_left_out(bench: Bench) -> None:
    bench.warehouse.answer = loaded(d3=7, d4=7, d5=7)
    assert await chosen(bench, 14, 14) == [(4, 14)]


async def test_a_gap_behind_loaded_days_is_filled_too(bench: Bench) -> None:
    bench.warehouse.answer = loaded(d3=7, d6=10, d7=11, d8=12, d9=13, d10=14, d11=15)
    assert await chosen(bench, 14, 14) == [(4, 5), (12, 14)]


async def test_a_day_is_read_once_more_when_the_provider_no_longer_corrects_it(bench: Bench) -> None:
    bench.warehouse.answer = loaded(d10=14, d11=14, d12=14, d13=14)
    assert await chosen(bench, 14, 14) == [(11, 14)]


async def test_a_run_does_not_catch_up_with_days_it_does_not_reach(bench: Bench) -> None:
    bench.warehouse.answer = loaded(d3=7)
    assert await chosen(bench, 10, 10) == [(10, 10)]


async def test_catching_up_ends_where_a_page_of_buckets_does(bench: Bench) -> None:
    newest = june(14)
    oldest = newest - timedelta(days=CATCH_UP_DAYS - 1)
    bench.warehouse.answer = lambda _sql, asked: [{"day": asked["first_day"], "final": False}]
    (window,) = await days_to_read(bench.context(newest, newest), TABLE, 3, LOADED_DAYS)
    assert (window.first, window.last) == (oldest, newest)


@given(st.integers(0, 40), st.integers(0, 20), st.sets(st.integers(0, 40)), st.integers(0, 10))
async def test_every_day_of_a_run_is_read_unless_it_is_final(
    real_catalog: Catalog, ago: int, length: int, done: set[int], restate: int
) -> None:
    bench = Bench(real_catalog, lambda _read: [])
    today = bench.clock.now().date()
    last = today - timedelta(days=ago)
    window = DateWindow(last - timedelta(days=length), last)
    final = {today - timedelta(days=back) for back in done if back > restate}
    bench.warehouse.answer = lambda _sql, _asked: [{"day": day, "final": True} for day in final]
    windows = await days_to_read(bench.context(window.first, window.last), TABLE, restate, LOADED_DAYS)
    read = [day for one in windows for day in one]
    assert read == sorted(set(read))
    assert set(window) - final <= set(read)
    assert not final & set(read)
