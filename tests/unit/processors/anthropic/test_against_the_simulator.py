"""Anthropic's steps read through the real reader from the simulator, as it should be and with its faults."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestServer
from attrs import define, field

from sandbox.anthropic.app import Service, parse
from sandbox.anthropic.generated import Generated
from sandbox.anthropic.listings import USAGE_COUNTS
from sandbox.anthropic.pages import Pages
from sandbox.faults import Faults
from sandbox.records import Past
from tests.fakes.anthropic_caller import KEY, NOON, TODAY
from tests.fakes.rows_of import misfits
from tests.fakes.step_bench import Bench
from tests.unit.rest.desk import FakeClock
from workers.catalog import Catalog
from workers.model.failure import FailedError, Reason, SnoozeError
from workers.model.page import Receipt
from workers.model.secret import Secret
from workers.ports import StepResult, Wiring
from workers.processors.anthropic.claude_code import AnthropicClaudeCode, ClaudeCodeConfig
from workers.processors.anthropic.reported_cost import AnthropicReportedCost, ReportedCostConfig
from workers.processors.anthropic.usage import AnthropicUsage, UsageConfig
from workers.rest import Egress, RestReader

FIRST, LAST = date(2026, 10, 1), date(2026, 11, 9)
Read = Callable[..., Awaitable[StepResult]]


@define
class Noon(FakeClock):
    """A clock on the day of the simulator, whose waits take no time."""

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds - 1000)


@define(eq=False)
class World:
    """A simulator, and steps with a real way to it."""

    bench: Bench
    reader: RestReader
    clock: Noon
    faults: Faults
    source: Generated
    key: str = KEY
    receipts: list[Receipt] = field(factory=list)
    waits: list[float] = field(factory=list)

    async def read(self, engine: Any, config: Any, first: date = FIRST, last: date = LAST) -> StepResult:
        async def secret(*_names: str) -> Secret:
            return Secret(self.key)

        async def take(key: str, _per_minute: float, _burst: int) -> float:
            return self.waits.pop(0) if key.endswith(" polls") and self.waits else 0.0

        async def receipt(page: Receipt) -> None:
            self.receipts.append(page)

        async with self.reader.open(Wiring(secret, take, receipt, budget_key="acme")) as reading:
            ctx = self.bench.context(first, last, reading=reading, clock=self.clock)
            result: StepResult = await engine.execute(config, ctx)
            return result

    async def use(self, first: date = FIRST, last: date = LAST, **config: Any) -> StepResult:
        return await self.read(AnthropicUsage(), UsageConfig(**config), first, last)

    def fail(self, **rule: Any) -> None:
        self.faults.rules = parse([rule])

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return what was published at last to a table, which it must fit."""
        done = self.bench.warehouse.published[-1]
        schema = self.bench.catalog.schemas.table(table)
        assert [problem for row in done.rows for problem in misfits(schema, row)] == []
        return [dict(row) for row in done.rows]

    def truth(self, count: str) -> int:
        days = [FIRST + timedelta(days=ahead) for ahead in range((LAST - FIRST).days + 1)]
        return sum(int(one.counts[count]) for day in days for one in self.source.records("messages", day))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    source, faults, clock = Generated(5), Faults(), Noon()
    pages = Pages(Past(source, lambda: TODAY), lambda: NOON)
    server = TestServer(Service(pages, faults, KEY, lambda: NOON).application(), shutdown_timeout=0.1)
    await server.start_server()
    place = f"127.0.0.1:{server.port}"
    urls = {"ANTHROPIC_BASE_URL": f"http://{place}/v1"}
    catalog = Catalog.load(Path("configs"), base_urls=urls, egress_allow=frozenset({place}))
    reader = RestReader(Egress.parse(place), clock, lambda: 0.5)
    yield World(Bench(catalog, lambda _read: []), reader, clock, faults, source)
    reader.close()
    await server.close()


async def test_the_rows_hold_exactly_what_the_provider_counted(world: World) -> None:
    result = await world.use()
    rows = world.rows("anthropic_usage_daily_raw")
    columns = ("uncached_input_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "cache_read_tokens",
               "output_tokens", "web_search_requests")  # fmt: skip
    for column, count in zip(columns, USAGE_COUNTS, strict=False):
        assert sum(row[column] for row in rows) == world.truth(count)
    assert (result.output["days"], result.output["pages"], result.output["missing_days"]) == (40, 2, 0)


async def test_both_generations_of_endpoints_tell_the_same(world: World) -> None:
    groups = ("model", "workspace_id", "service_tier")
    await world.use(group_by=groups)
    report = world.rows("anthropic_usage_daily_raw")
    await world.use(group_by=groups, source="analytics")
    flat = world.rows("anthropic_usage_daily_raw")
    names = ("usage_date", *groups, "uncached_input_tokens", "cache_write_1h_tokens", "output_tokens")
    found = [sorted(tuple(str(row[name]) for name in names) for row in rows) for rows in (report, flat)]
    assert found[0] == found[1] != []
    assert sum(row["requests"] for row in flat) == world.truth("requests")
    assert {row["data_refreshed_at"].hour for row in flat} == {8}


async def test_both_generations_of_costs_add_up_to_the_same(world: World) -> None:
    totals = []
    for source in ("report", "analytics"):
        result = await world.read(AnthropicReportedCost(), ReportedCostConfig(source=source))
        world.rows("anthropic_provider_cost_daily")
        totals.append(Decimal(result.output["reported_total"]))
    assert totals[0] == totals[1] > 0


async def test_claude_code_is_read_in_pages_of_records(world: World) -> None:
    config = ClaudeCodeConfig(records_per_page=2)
    result = await world.read(AnthropicClaudeCode(), config, LAST - timedelta(days=2), LAST)
    rows = world.rows("anthropic_claude_code_usage_daily")
    assert {row["usage_date"] for row in rows} == {LAST - timedelta(days=ago) for ago in range(3)}
    assert (result.rows, result.output["pages"] > 5) == (len(rows), True)


@pytest.mark.parametrize(
    ("rule", "slept"),
    [
        ({"kind": "status", "status": 529}, 0.25),
        ({"kind": "status", "status": 529, "retry_after": 7}, 7.0),
        ({"kind": "status", "status": 429, "retry_after": 12}, 12.0),
    ],
)
async def test_a_short_trouble_is_ridden_out_for_as_long_as_was_asked(world: World, rule: Any, slept: float) -> None:
    world.fail(**rule, skip=1)
    assert (await world.use()).output["pages"] == 2
    assert world.clock.slept == [slept]


@pytest.mark.parametrize("status", [429, 529])
async def test_a_long_wait_gives_the_slot_back(world: World, status: int) -> None:
    world.fail(kind="status", status=status, retry_after=90)
    with pytest.raises(SnoozeError) as caught:
        await world.use()
    assert (caught.value.delay, world.clock.slept, world.bench.warehouse.published) == (90.0, [], [])


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"kind": "status", "status": 529, "times": None}, Reason.PROVIDER_UNAVAILABLE),
        ({"kind": "status", "status": 403}, Reason.PROVIDER_AUTH),
        ({"kind": "repeated_cursor"}, Reason.PROVIDER_BAD_RESPONSE),
        ({"kind": "lost_cursor"}, Reason.PROVIDER_BAD_RESPONSE),
        ({"kind": "html"}, Reason.PROVIDER_BAD_RESPONSE),
        ({"kind": "truncated", "times": None}, Reason.PROVIDER_BAD_RESPONSE),
    ],
)
async def test_a_read_that_fails_ends_with_its_class_and_changes_nothing(
    world: World, rule: Any, reason: Reason
) -> None:
    world.fail(**rule)
    with pytest.raises(FailedError) as caught:
        await world.use()
    assert caught.value.failure.reason is reason
    assert "?" not in caught.value.failure.message
    assert world.bench.warehouse.published == []


async def test_a_key_that_is_none_is_not_tried_again(world: World) -> None:
    world.key = "sk-ant-api03-of-a-workspace"
    with pytest.raises(FailedError) as caught:
        await world.use()
    assert (caught.value.failure.reason, world.clock.slept) == (Reason.PROVIDER_AUTH, [])


async def test_a_bucket_that_is_missing_is_told_and_its_day_not_complete(world: World) -> None:
    world.fail(kind="missing_bucket")
    result = await world.use()
    assert (result.output["missing_days"], world.bench.warehouse.published[-1].complete) == (1, False)
    assert world.bench.messages == ["days without a bucket: 2026-10-01"]


async def test_a_count_below_zero_is_kept_and_counted(world: World) -> None:
    world.fail(kind="negative_count")
    assert (await world.use()).output["rows_below_zero"] == 1
    assert min(row["output_tokens"] for row in world.rows("anthropic_usage_daily_raw")) == -1


async def test_a_poll_within_the_minute_waits_before_anything_is_asked(world: World) -> None:
    world.waits = [42.0]
    with pytest.raises(SnoozeError, match="for the next poll") as caught:
        await world.use()
    assert (caught.value.delay, world.receipts) == (42.0, [])
