"""A load like that of a day: runs of every kind, callers who hang up or cancel, watchers who come and go, schedules."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import grpc.aio
from attrs import define, field
from datapipeline.v1 import pipelines_pb2, pipelines_pb2_grpc

from tests.chaos.arena import Arena
from tests.fakes.org_client import EXTRACT, NOTHING, RUNS, USAGE_COST, OrgClient
from tests.fakes.until import until

CALLERS = 6
CANCELLED, HUNG_UP = 0.15, 0.15
CUT = 0.6
KINDS = ((NOTHING, 0.92), (EXTRACT, 0.05), (USAGE_COST, 0.03))
DAYS = 4
PATIENCE = 240.0  # a neighbour's load makes a run slow, not stuck
SCHEDULES = "/api/v1/scheduler"


@define
class MixedLoad:
    """`pace` is released as often as a run may be asked for; `counted` says what was done."""

    arena: Arena
    dice: random.Random
    channel: grpc.aio.Channel
    pace: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(0))
    acked: list[str] = field(factory=list)
    cancelled: set[str] = field(factory=set)
    fired: set[str] = field(factory=set)
    counted: Counter[str] = field(factory=Counter)

    @property
    def wanted(self) -> list[str]:
        """Runs that were accepted and that nobody has cancelled."""
        return [run_id for run_id in dict.fromkeys(self.acked) if run_id not in self.cancelled]

    @asynccontextmanager
    async def going(self) -> AsyncIterator[None]:
        """Keep the callers and a schedule at it; a failure of one ends it all."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.caller(number)) for number in range(CALLERS)]
            tasks.append(group.create_task(self.schedule()))
            yield
            for task in tasks:
                task.cancel()

    async def caller(self, number: int) -> None:
        """Ask for runs for ever, one after another."""
        org = self.arena.org(number % 7)
        while True:
            await self.pace.acquire()
            self.counted["runs"] += 1
            await self._one(org, f"soak {number} {self.counted['runs']}")

    async def _one(self, org: OrgClient, key: str) -> None:
        pipeline, parameters = self._wish(key)
        fate = self.dice.random()
        if fate < HUNG_UP:
            await self._hang_up(org, pipeline, key, parameters)
        run_id = await self.arena.accepted(org, pipeline, key, **parameters)
        if HUNG_UP <= fate < HUNG_UP + CANCELLED:
            self.counted["cancelled"] += 1
            self.cancelled.add(run_id)
            await org.cancel(run_id)
        self.acked.append(run_id)
        await self._watch(org, run_id)
        await self.arena.ended(run_id, PATIENCE)

    def _wish(self, key: str) -> tuple[str, dict[str, str]]:
        [pipeline] = self.dice.choices([kind for kind, _ in KINDS], [weight for _, weight in KINDS])
        return pipeline, {"note": key} if pipeline == NOTHING else {"date": f"2025-06-0{self.dice.randint(1, DAYS)}"}

    async def _hang_up(self, org: OrgClient, pipeline: str, key: str, parameters: dict[str, str]) -> None:
        self.counted["hung up"] += 1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.dice.uniform(0.0005, 0.02)):
                await org.start(pipeline, key=key, **parameters)

    async def _watch(self, org: OrgClient, run_id: str) -> None:
        """Follow a run by one of three ways, mostly not to its end."""
        most = self.dice.choice((0, 1, 2)) if self.dice.random() < CUT else 1000
        way = self.dice.choice(("ndjson", "sse", "grpc"))
        self.counted[f"{way}{'' if most == 1000 else ' cut'}"] += 1
        try:
            if way == "grpc":
                await self._by_grpc(org, run_id, most)
            else:
                await self._by_rest(org, run_id, most, "text/event-stream" if way == "sse" else "*/*")
        except (TimeoutError, grpc.aio.AioRpcError) as error:
            status = await self.arena.status(run_id)
            raise AssertionError(f"{way} stream of {run_id}, which is {status}: {error!r}") from error

    async def _by_grpc(self, org: OrgClient, run_id: str, most: int) -> None:
        service = pipelines_pb2_grpc.PipelineServiceStub(self.channel)
        asked = pipelines_pb2.WatchRunRequest(run_id=run_id)
        call = service.WatchRun(asked, metadata=(("x-api-key", org.key),), timeout=PATIENCE)
        seen = 0
        async for _ in call:
            seen += 1
            if seen > most:
                break
        call.cancel()

    async def _by_rest(self, org: OrgClient, run_id: str, most: int, accept: str) -> None:
        url = f"{org.rest.base}{RUNS}/{run_id}/events"
        limit = aiohttp.ClientTimeout(total=PATIENCE)
        headers = {"X-API-Key": org.key, "Accept": accept}
        async with org.rest.session.get(url, headers=headers, timeout=limit) as answer:
            seen = 0
            async for _ in org.rest.answers.lines(answer):
                seen += 1
                if seen > most:
                    answer.close()
                    return

    async def schedule(self) -> None:
        """Let a schedule fire for ever, each time once its last run is over."""
        org = self.arena.org(7)
        body = {"provider": "example", "domain": "smoke", "pipeline": "nothing", "type": "daily"}
        kept = (await org.ask("POST", f"{SCHEDULES}/org/{org.slug}/pipelines", json.dumps(body))).json
        while True:
            fired = await until(lambda: self._fired(org, kept["config_id"]), 60, pause=0.5)
            self.counted["fired"] += 1
            for run_id in fired:
                assert await self.arena.ended(run_id, PATIENCE) == "COMPLETED", run_id

    async def _fired(self, org: OrgClient, schedule: str) -> list[str]:
        """Return runs that the scheduler has started and nobody here has seen.

        A round that was under way writes its own next time over the one that is set here: so it is set again.
        """
        due = "UPDATE schedule SET next_due = now(), look_at = now() WHERE schedule_id::text = $1 AND next_due > now()"
        await self.arena.running.journal.execute(due, schedule)
        await org.ask("POST", f"{SCHEDULES}/trigger", "{}")
        path = f"{SCHEDULES}/org/{org.slug}/pipelines/{schedule}/occurrences?page_size=20"
        past = (await org.ask("GET", path)).json["past"]
        new = [one["run_id"] for one in past if one["run_id"] and one["run_id"] not in self.fired]
        self.fired |= set(new)
        return new
