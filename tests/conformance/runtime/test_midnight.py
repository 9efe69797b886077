"""Every organisation's schedules due in the same minute, and three replicas that all look at them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.fakes.wall import Wall
from tests.fakes.workshop import ONE_STEP, open_workshop
from workers.model.org import Subscription

pytestmark = pytest.mark.engine

ORGS, EACH = 20, 2


@pytest.mark.fault("F38", "F71")
async def test_every_occurrence_of_every_organisation_fires_once_whoever_looks(
    wall: Wall, journal_url: str, tmp_path: Path
) -> None:
    orgs = [f"org_{number}" for number in range(ORGS)]
    for org in orgs:
        wall.shop.enrol(org, subscription=Subscription("ACTIVE", "PRO", 10_000, 10_000, 50))
    for org in orgs:
        for number in range(EACH):
            await wall.put(org_slug=org, parameters={"date": f"today-{number}"})
    async with AsyncExitStack() as stack:
        shops = [wall.shop]
        for name in ("second", "third"):
            shop = await stack.enter_async_context(open_workshop(journal_url, tmp_path / name))
            shop.book.orgs.update(wall.shop.book.orgs)
            await shop.declare(ONE_STEP)
            shops.append(shop)
        schedulers = [shop.scheduler() for shop in shops for _ in range(2)]
        await asyncio.gather(*(one.attend() for one in schedulers))
    fired = "SELECT count(*), count(DISTINCT run_id), count(DISTINCT schedule_id) FROM occurrence WHERE state = 'FIRED'"
    assert [tuple(row) for row in await wall.database.fetch(fired)] == [(ORGS * EACH,) * 3]
    assert await wall.database.fetchval("SELECT count(*) FROM occurrence") == ORGS * EACH
    by_org = await wall.database.fetch("SELECT org, count(*) AS n FROM run GROUP BY org")
    assert {row["org"]: row["n"] for row in by_org} == dict.fromkeys(orgs, EACH)
