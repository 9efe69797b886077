"""Usage and reported cost read through the real reader from the simulator into the real warehouse."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from attrs import define, evolve

from sandbox.openai.launch import Simulator
from server.clock import SystemClock
from tests.fakes.openai_caller import KEY
from tests.fakes.step_contexts import Heard, Make
from workers.catalog import Catalog
from workers.model.failure import FailedError, Reason, SnoozeError
from workers.model.openai_usage import DIMENSIONS, ENDPOINTS
from workers.model.page import Receipt
from workers.model.secret import Secret
from workers.ports import StepContext, StepResult, Wiring
from workers.processors.openai.reported_cost import OpenAiReportedCost, ReportedCostConfig
from workers.processors.openai.usage import OpenAiUsage, UsageConfig
from workers.rest import Egress, RestReader

pytestmark = pytest.mark.engine

TODAY = datetime.now(UTC).date()
OLD = TODAY - timedelta(days=20)
USAGE = "{dataset}.openai_usage_daily_raw"
COUNTS = ("input_tokens", "input_cached_tokens", "output_tokens", "num_model_requests")


class QuickClock(SystemClock):
    """The real day, with waits that take no time; `ahead` sets the day forward."""

    def __init__(self, ahead: timedelta = timedelta()) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return super().now() + self._ahead

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds and 0)


@define(eq=False)
class World:
    """The simulator, a way to it as its customer, and the steps with all they need to read from it."""

    simulator: Simulator
    session: aiohttp.ClientSession
    catalog: Catalog
    make: Make
    reader: RestReader
    receipts: list[Receipt]

    def context(self, first: date, last: date | None = None, **changes: Any) -> StepContext:
        clock = changes.pop("clock", QuickClock())
        return self.make(first, last, endpoint=self.catalog.endpoint, clock=clock, **changes)

    async def use(
        self, first: date, last: date | None = None, *, buckets: int | None = None, **other: Any
    ) -> StepResult:
        config = UsageConfig(buckets_per_page=buckets)
        return await self._read(OpenAiUsage().execute, config, self.context(first, last, **other))

    async def report(self, first: date, last: date | None = None, **changes: Any) -> StepResult:
        ctx = self.context(first, last, **changes)
        return await self._read(OpenAiReportedCost().execute, ReportedCostConfig(), ctx)

    async def _read(self, execute: Callable[..., Any], config: Any, ctx: StepContext) -> StepResult:
        async def secret(_provider: str) -> Secret:
            return Secret(KEY)

        async def take(_key: str, _per_minute: float, _burst: int) -> float:
            return 0.0

        async def receipt(page: Receipt) -> None:
            self.receipts.append(page)

        async with self.reader.open(Wiring(secret, take, receipt, budget_key="acme")) as reading:
            result: StepResult = await execute(config, evolve(ctx, reading=reading, secret=secret))
            return result

    async def rows(self, sql: str) -> list[dict[str, Any]]:
        answer = await self.make(TODAY).warehouse.query(sql, {})
        return [dict(row) for row in answer.rows]

    async def fault(self, **rule: Any) -> None:
        async with self.session.post(f"{self.simulator.origin}/_faults", json=[rule]) as answer:
            assert answer.status == 200

    async def truth(self, path: str, first: date, last: date, *group_by: str) -> list[tuple[date, dict[str, Any]]]:
        """Ask the simulator itself, in one page, for the results of every day."""
        start, end = (int(datetime.combine(day, time(), UTC).timestamp()) for day in (first, last + timedelta(days=1)))
        params = [("start_time", str(start)), ("end_time", str(end)), ("limit", "31"), ("bucket_width", "1d")]
        params += [("group_by", name) for name in group_by]
        headers = {"Authorization": f"Bearer {KEY}"}
        async with self.session.get(
            f"{self.simulator.base_url}/organization/{path}", params=params, headers=headers
        ) as answer:
            page = await answer.json(loads=partial(json.loads, parse_float=Decimal))
        return [
            (datetime.fromtimestamp(bucket["start_time"], UTC).date(), result)
            for bucket in page["data"]
            for result in bucket["results"]
        ]


@pytest.fixture(scope="module")
async def simulator() -> AsyncIterator[Simulator]:
    simulator = Simulator(KEY, seed=5)
    await simulator.start()
    yield simulator
    await simulator.stop()


@pytest.fixture
async def world(simulator: Simulator, context: Make) -> AsyncIterator[World]:
    place = simulator.origin.removeprefix("http://")
    urls = {"OPENAI_BASE_URL": simulator.base_url}
    catalog = Catalog.load(Path("configs"), base_urls=urls, egress_allow=frozenset({place}))
    reader = RestReader(Egress.parse(place), QuickClock(), lambda: 0.5)
    async with aiohttp.ClientSession() as session:
        world = World(simulator, session, catalog, context, reader, [])
        await session.post(f"{simulator.origin}/_faults", json=[])
        yield world
    reader.close()


async def test_the_table_holds_exactly_what_the_provider_counted(world: World) -> None:
    last = OLD + timedelta(days=8)
    result = await world.use(OLD, last)
    for endpoint in ENDPOINTS:
        truth: defaultdict[date, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
        for day, found in await world.truth(f"usage/{endpoint.name}", OLD, last):
            for place, name in enumerate((*COUNTS, endpoint.counted or "-")):
                truth[day][place] += found.get(name) or 0
        sums = ", ".join(
            f"COALESCE(SUM({name}), 0) AS {name}" for name in ("input_tokens", "input_cached_tokens", "output_tokens")
        )
        rows = await world.rows(
            f"SELECT usage_date, {sums}, COALESCE(SUM(requests), 0) AS requests, COALESCE(SUM(quantity), 0) AS quantity"
            f" FROM {USAGE} WHERE endpoint = '{endpoint.name}' GROUP BY usage_date"
        )
        assert {row.pop("usage_date"): list(row.values()) for row in rows} == truth
    (counted,) = await world.rows(f"SELECT COUNT(*) AS n FROM {USAGE}")
    assert counted["n"] == result.rows > 100
    assert (result.output["days"], result.output["pages"]) == (9, 11)  # two pages of completions
    assert (result.output["identity_mismatches"], result.output["missing_days"]) == (0, 0)


async def test_every_combination_of_dimensions_is_one_row(world: World) -> None:
    await world.use(OLD)
    keys = ", ".join(f"COALESCE(CAST({name} AS STRING), '-') AS {name}" for name in DIMENSIONS)
    rows = await world.rows(f"SELECT endpoint, {keys} FROM {USAGE}")
    assert len({tuple(row.values()) for row in rows}) == len(rows) > 10
    twins = await world.truth("usage/completions", OLD, OLD, *ENDPOINTS[0].group_by)
    assert len(twins) > sum(row["endpoint"] == "completions" for row in rows)


async def test_unknown_fields_are_kept_beside_the_columns(world: World) -> None:
    await world.use(OLD)
    rows = await world.rows(f"SELECT raw FROM {USAGE} WHERE endpoint = 'completions'")
    assert all("input_text_tokens" in str(row["raw"]) for row in rows)
    assert not any("num_model_requests" in str(row["raw"]) for row in rows)


async def test_a_run_for_yesterday_reads_the_last_three_days_once_again(world: World) -> None:
    first = await world.use(TODAY - timedelta(days=1))
    again = await world.use(TODAY - timedelta(days=1))
    assert (first.output["days"], again.output["days"]) == (3, 3)
    assert first.output["first_day"] == (TODAY - timedelta(days=3)).isoformat()
    (counted,) = await world.rows(f"SELECT COUNT(*) AS n FROM {USAGE}")
    assert counted["n"] == first.rows == again.rows


async def test_final_days_are_read_again_only_when_forced(world: World) -> None:
    first = await world.use(OLD, OLD + timedelta(days=1))
    pages = len(world.receipts)
    second = await world.use(OLD, OLD + timedelta(days=1))
    assert (second.rows, second.output["days"], len(world.receipts)) == (0, 0, pages)
    forced = await world.use(OLD, OLD + timedelta(days=1), force_refresh=True)
    assert (forced.rows, forced.output["days"]) == (first.rows, 2)


async def test_a_day_that_was_read_while_it_could_change_is_read_once_more_when_it_is_old(world: World) -> None:
    day = TODAY - timedelta(days=1)
    await world.use(day)
    later = await world.use(day, clock=QuickClock(ahead=timedelta(days=30)))
    assert later.output["days"] == 1


@pytest.mark.fault("F44", "F45", "F46")
@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"kind": "lost_cursor"}, Reason.PROVIDER_BAD_RESPONSE),
        ({"kind": "repeated_cursor"}, Reason.PROVIDER_BAD_RESPONSE),
        ({"kind": "truncated", "times": 9}, Reason.PROVIDER_BAD_RESPONSE),
        ({"kind": "status", "status": 401}, Reason.PROVIDER_AUTH),
        ({"kind": "status", "status": 500, "times": 9}, Reason.PROVIDER_UNAVAILABLE),
    ],
)
async def test_an_incomplete_read_leaves_the_table_as_it_was(world: World, fault: Any, reason: Reason) -> None:
    last = OLD + timedelta(days=9)
    await world.use(OLD, OLD)
    before = await world.rows(f"SELECT usage_date, COUNT(*) AS n FROM {USAGE} GROUP BY usage_date")
    await world.fault(endpoint="web_search_calls", skip=1, **fault)
    with pytest.raises(FailedError) as caught:
        await world.use(OLD, last, buckets=7, force_refresh=True)
    assert caught.value.failure.reason is reason
    assert "start_time" not in caught.value.failure.message
    assert await world.rows(f"SELECT usage_date, COUNT(*) AS n FROM {USAGE} GROUP BY usage_date") == before


@pytest.mark.fault("F41")
async def test_a_short_fault_is_ridden_out_and_nothing_is_counted_twice(world: World) -> None:
    expected = (await world.use(OLD)).rows
    await world.fault(endpoint="completions", kind="status", status=503, times=2)
    assert (await world.use(OLD, force_refresh=True)).rows == expected
    (counted,) = await world.rows(f"SELECT COUNT(*) AS n FROM {USAGE}")
    assert counted["n"] == expected


@pytest.mark.fault("F40")
async def test_a_long_retry_after_asks_to_wait_and_changes_nothing(world: World) -> None:
    await world.fault(endpoint="images", kind="status", status=429, retry_after=90)
    with pytest.raises(SnoozeError) as caught:
        await world.use(OLD)
    assert caught.value.delay == pytest.approx(90)
    assert (await world.rows(f"SELECT COUNT(*) AS n FROM {USAGE}")) == [{"n": 0}]


async def test_reported_costs_add_up_to_what_the_provider_reports(world: World, heard: Heard) -> None:
    last = OLD + timedelta(days=3)
    result = await world.report(OLD, last)
    truth: defaultdict[date, Decimal] = defaultdict(Decimal)
    for day, found in await world.truth("costs", OLD, last, "project_id", "line_item"):
        truth[day] += Decimal(str(found["amount"]["value"]))
    rows = await world.rows(
        "SELECT usage_date, SUM(amount) AS amount, MAX(currency) AS currency"
        " FROM {dataset}.openai_provider_cost_daily GROUP BY usage_date"
    )
    assert {row["usage_date"] for row in rows} == set(truth)
    for row in rows:
        assert abs(row["amount"] - truth[row["usage_date"]]) < Decimal("1e-6")
        assert row["currency"] == "USD"
    assert Decimal(result.output["reported_total"]) == sum(row["amount"] for row in rows)
    assert heard.messages == []
    assert heard.progress[-1].rows == result.rows
