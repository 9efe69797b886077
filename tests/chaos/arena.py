"""Where things are broken: a stack with short leases, ways to kill its service at a chosen moment, and the toll."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from attrs import define, field, frozen

from sandbox.bigquery.connect import connect
from sandbox.parts import free_port
from sandbox.service import Service
from sandbox.stack import Options, running
from tests.e2e.stack.provider_reader import COUNTS, NAMES, ProviderReader
from tests.fakes.org_client import OrgClient
from tests.fakes.rest_client import RestClient
from tests.fakes.until import until
from tests.plugins.sandbox import Running, environment

LEASE = {"LEASE_SECONDS": "4", "HEARTBEAT_SECONDS": "1", "REAP_SECONDS": "1", "SHUTDOWN_GRACE_SECONDS": "2"}
ORGS = tuple(f"org_{number}" for number in range(8))
DAY = date(2025, 2, 1)


@frozen
class Toll:
    """What a fault cost, as the last table prints it."""

    fault: str
    injected: int
    recovered_in: float
    lost: int
    duplicated: int
    leaked: int

    @property
    def harmless(self) -> bool:
        """Whether nothing was lost, done twice or left behind."""
        return self.lost == self.duplicated == self.leaked == 0


@define
class Arena:
    """The stack under attack, and what became of it so far."""

    running: Running
    tolls: list[Toll] = field(factory=list)
    _day: date = DAY

    @property
    def service(self) -> Service:
        """The replica that the sandbox keeps alive."""
        service = self.running.stack.parts["service"]
        assert isinstance(service, Service)
        return service

    def org(self, number: int = 0) -> OrgClient:
        """Return a customer."""
        return self.running.org(ORGS[number])

    def next_day(self) -> str:
        """Return a day that no run here was for."""
        self._day += timedelta(days=1)
        return self._day.isoformat()

    async def kill(self) -> float:
        """End the service as a power cut would; return when (monotonic seconds)."""
        os.kill(self.service.pid, signal.SIGKILL)
        return time.monotonic()

    async def rearm(self, failpoints: str) -> None:
        """Start the service again with failpoints; once it has died of them it comes back without."""
        clean, before = self.service.environment, self.service.pid
        self.service.environment = {**clean, "FAILPOINTS": failpoints}
        await self.kill()
        await until(lambda: self.reborn(before), 30)
        self.service.environment = clean
        await self.ready()

    async def reborn(self, before: int) -> bool:
        """Whether the sandbox has started another service."""
        pids = json.loads(self.running.stack.manifest_path.read_text())["pids"]
        return pids["service"] not in {0, before}

    async def ready(self) -> None:
        """Wait until calls are taken."""

        async def answers() -> bool:
            try:
                return (await self.running.rest.ask("GET", "/health/ready")).status == 200
            except (OSError, aiohttp.ClientError):
                return False

        await until(answers, 40)

    @asynccontextmanager
    async def replica(self, **changed: str) -> AsyncIterator[Service]:
        """Run a second replica on the same journal."""
        ports = {"GRPC_PORT": str(free_port()), "METRICS_PORT": str(free_port())}
        clean = dict(self.service.environment)
        second = Service(clean | ports | changed, self.running.stack.options.data_dir / "replica.log")
        await second.start()
        try:
            yield second
        finally:
            await second.stop()

    async def completed(self, org: OrgClient, run_id: str, seconds: float = 60) -> dict[str, Any]:
        """Wait for a run's end through whatever is down, and return the run."""

        async def ended() -> dict[str, Any]:
            try:
                reply = await org.ask("GET", f"/api/v1/pipelines/runs/{run_id}")
            except (OSError, aiohttp.ClientError, TimeoutError):
                return {}
            over = reply.status == 200 and reply.json["status"] not in {"PENDING", "RUNNING", "CANCELLING"}
            return dict(reply.json) if over else {}

        return await until(ended, seconds, pause=0.1)

    async def asked_for(self, endpoint: str) -> None:
        """Wait until the provider has been asked for an endpoint (and holds the request back)."""

        async def seen() -> bool:
            async with self.running.rest.session.get(f"{self.running.simulator.origin}/_requests") as answer:
                last = (await answer.json())["last"]
            return any(one["path"].endswith(endpoint) and one["fault"] for one in last)

        await until(seen, 30)

    async def fence(self, run_id: str) -> int:
        """Return the newest fence of a run, live or over."""
        sql = "SELECT COALESCE(q.fence, r.last_fence, 0) FROM run r LEFT JOIN queue q USING (run_id) WHERE run_id = $1"
        return int(await self.running.journal.fetchval(sql, run_id))

    async def charge(self, fault: str, injected: int, since: float, acked: Mapping[str, OrgClient]) -> Toll:
        """Wait until all acked runs are over, count what is wrong, and write it down."""
        ends = {run_id: await self.completed(org, run_id) for run_id, org in acked.items()}
        recovered = time.monotonic() - since
        lost = sum(run["status"] != "COMPLETED" for run in ends.values())
        toll = Toll(fault, injected, recovered, lost, await self._duplicated(acked), await self._leaked())
        self.tolls.append(toll)
        return toll

    async def _duplicated(self, acked: Mapping[str, OrgClient]) -> int:
        """Count terminal events too many, gaps in the events' numbers, and runs too many under one key."""
        journal, ids = self.running.journal, list(acked)
        ends = "SELECT count(*) FROM event WHERE run_id = ANY ($1::uuid[]) AND type = 'TERMINAL'"
        gaps = "SELECT count(*) FROM (SELECT 1 FROM event WHERE run_id = ANY ($1::uuid[]) GROUP BY run_id"
        gaps += " HAVING max(sequence) <> count(*)) g"
        twice = "SELECT count(*) - count(DISTINCT run_id) FROM idempotency"
        return int(
            abs(await journal.fetchval(ends, ids) - len(ids))
            + await journal.fetchval(gaps, ids)
            + await journal.fetchval(twice)
        )

    async def _leaked(self) -> int:
        """Count slots, lane counters, spool files and stages that nobody holds any more."""
        journal = self.running.journal

        async def quiet() -> bool:
            return bool(await journal.fetchval("SELECT count(*) = 0 FROM queue"))

        await until(quiet, 20)
        leases = await journal.fetchval("SELECT count(*) FROM queue WHERE state = 'leased'")
        drift = await journal.fetchval("SELECT count(*) FROM lane_drift")
        spool = [file for file in (self.running.stack.options.data_dir / "spool").rglob("*") if file.is_file()]
        return int(leases + drift + len(spool))

    async def as_the_source(self, org: OrgClient, day: str) -> None:
        """The usage table holds every row of the provider for that day, once."""
        reader = ProviderReader(
            self.running.rest.session, self.running.simulator.base_url, self.running.stack.secrets.openai_key
        )
        expected = await reader.usage(date.fromisoformat(day), date.fromisoformat(day))
        sql = f"SELECT * FROM {org.dataset}.openai_usage_daily_raw WHERE usage_date = CAST(@day AS DATE)"
        rows = await self.running.query(sql, day=day)
        stored = {tuple(row[name] for name in NAMES): {n: row[n] or 0 for n in COUNTS} for row in rows}
        assert len(rows) == len(stored)
        assert stored == expected


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Arena]:
    """Start the stack."""
    options = Options(folder, orgs=ORGS, environment=environment(**LEASE))
    async with (
        running(options) as stack,
        aiohttp.ClientSession(trust_env=False) as session,
        asyncpg.create_pool(stack.environment["JOURNAL_URL"], min_size=0, max_size=4) as journal,
    ):
        with connect(stack.environment["BIGQUERY_EMULATOR_HOST"]) as warehouse:
            yield Arena(Running(stack, RestClient(stack.edge.rest, session), warehouse, journal))


def table(tolls: list[Toll]) -> str:
    """Print what every fault cost."""
    lines = [f"{'fault':58} {'injected':>8} {'recovered':>10} {'lost':>5} {'twice':>6} {'leaked':>7}"]
    for toll in tolls:
        counts = f"{toll.lost:5} {toll.duplicated:6} {toll.leaked:7}"
        lines.append(f"{toll.fault:58} {toll.injected:8} {toll.recovered_in:8.1f} s {counts}")
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return "\n".join([f"chaos, {at}, lease {LEASE['LEASE_SECONDS']} s", *lines])
