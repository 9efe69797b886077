"""Where things are broken: a stack with short leases, ways to kill its service at a chosen moment, and the toll."""

from __future__ import annotations

import itertools
import os
import signal
import time
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from attrs import define, evolve, field

from sandbox.parts import free_port
from sandbox.service import Service
from tests.chaos.invariants import Invariants, swollen
from tests.chaos.loaded import Loaded, unrecorded
from tests.chaos.toll import Toll
from tests.fakes.org_client import EXTRACT, USAGE_COST, OrgClient
from tests.fakes.until import until
from tests.plugins.sandbox import Running

LEASE = {
    "LEASE_SECONDS": "4",
    "HEARTBEAT_SECONDS": "1",
    "REAP_SECONDS": "1",
    "SHUTDOWN_GRACE_SECONDS": "2",
    "MAX_WAITING_RUNS_PER_ORG": "2000",
}
LEAVING_SECONDS = 3.0  # what a stop may take beyond its grace
ORGS = tuple(f"org_{number}" for number in range(8))
DAY = date(2025, 2, 1)


@define
class Arena:
    """The stack under attack, and what became of it so far."""

    running: Running
    invariants: Invariants
    tolls: list[Toll] = field(factory=list)
    # The rows of matrix.py that the test at hand causes, and what callers were told of each of their keys.
    faults: tuple[str, ...] = ()
    told: dict[tuple[str, str], set[str]] = field(factory=dict)
    _loaded: Loaded = field(init=False)
    _replicas: list[Service] = field(factory=list)
    _gates: list[Path] = field(factory=list)
    _numbers: Iterator[int] = field(factory=itertools.count)
    _day: date = DAY

    @property
    def service(self) -> Service:
        """The replica that the sandbox keeps alive."""
        service = self.running.stack.parts["service"]
        assert isinstance(service, Service)
        return service

    def __attrs_post_init__(self) -> None:
        self._loaded = Loaded(self.running)

    @property
    def folder(self) -> Path:
        """Where the stack keeps everything."""
        return self.running.stack.options.data_dir

    def org(self, number: int = 0) -> OrgClient:
        """Return a customer."""
        return self.running.org(ORGS[number])

    def next_day(self) -> str:
        """Return a day that no run here was for."""
        self._day += timedelta(days=1)
        return self._day.isoformat()

    async def kill(self) -> float:
        """End the service as a power cut would; return when (monotonic seconds)."""
        pid = self.service.pid
        assert pid, "there is no service to kill"
        os.kill(pid, signal.SIGKILL)
        return time.monotonic()

    async def rearm(self, failpoints: str) -> None:
        """Start the service again with failpoints; once it has died of them it comes back without."""
        clean, before = self.service.environment, self.service.pid
        self.service.environment = {**clean, "FAILPOINTS": failpoints}
        await self.kill()
        await self.reborn(before)
        self.service.environment = clean
        await self.ready()

    @asynccontextmanager
    async def answering_only(self) -> AsyncIterator[None]:
        """Let the sandbox's own replica take calls and no runs, so that others do all the work."""
        await self._again(ROLE="api")
        try:
            yield
        finally:
            await self._again(ROLE="all")

    async def _again(self, **changed: str) -> None:
        before = self.service.pid
        self.service.environment = {**self.service.environment, **changed}
        os.kill(before, signal.SIGTERM)
        await self.reborn(before)
        await self.ready()

    def gate(self) -> Path:
        """Return a file that no run has waited for yet; a run of the laboratory waits until it is there."""
        self._gates.append(self.folder / f"gate-{next(self._numbers)}")
        return self._gates[-1]

    def open_gates(self) -> None:
        """Let go on whatever still waits."""
        for gate in self._gates:
            gate.touch()

    async def holder(self, run_id: str) -> str:
        """Return the worker that holds a run, once one does."""
        sql = "SELECT COALESCE((SELECT worker FROM queue WHERE run_id = $1), '')"
        return await until(lambda: self.running.journal.fetchval(sql, run_id), 30)

    async def reborn(self, before: int) -> None:
        """Wait until the sandbox has started another service than that process."""

        async def other() -> bool:
            return self.service.pid not in {0, before}

        await until(other, 30)

    async def ready(self) -> None:
        """Wait until calls are taken: the edge has to have seen the service serve, which health passes by."""

        async def answers() -> bool:
            try:
                return (await self.org().ask("GET", "/api/v1/pipelines")).status == 200
            except (OSError, aiohttp.ClientError):
                return False

        await until(answers, 40)

    @asynccontextmanager
    async def replica(self, **changed: str) -> AsyncIterator[Service]:
        """Run another replica on the same journal; when nobody has killed it by then, it has to stop as promised."""
        ports = {"GRPC_PORT": str(free_port()), "METRICS_PORT": str(free_port())}
        clean = dict(self.service.environment)
        other = Service(clean | ports | changed, self.folder / f"replica-{next(self._numbers)}.log")
        await other.start()
        self._replicas.append(other)
        try:
            yield other
        finally:
            self._replicas.remove(other)
            await self._stop(other)

    async def _stop(self, replica: Service) -> None:
        asked = time.monotonic()
        await replica.stop()
        took = time.monotonic() - asked
        grace = float(replica.environment["SHUTDOWN_GRACE_SECONDS"])
        if replica.exit_code not in {0, -signal.SIGKILL} or took > grace + LEAVING_SECONDS:
            wrong = f"a replica left with {replica.exit_code} after {took:.1f} s, see {replica.log}"
            self.tolls.append(Toll("a stop", 1, took, 0, 0, 1, self.faults, (wrong,)))

    async def accepted(self, org: OrgClient, pipeline: str, key: str, **parameters: Any) -> str:
        """Ask for a run until somebody says that it is accepted, under one key, as a careful caller does."""

        async def said() -> str:
            try:
                reply = await org.start(pipeline, key=key, **parameters)
            except (OSError, aiohttp.ClientError, TimeoutError):
                return ""
            assert reply.status in {200, 429, 503}, reply.json
            return str(reply.json["run_id"]) if reply.status == 200 else ""

        run_id = await until(said, 60)
        self.told.setdefault((org.slug, key), set()).add(run_id)
        if pipeline in {EXTRACT, USAGE_COST} and "date" in parameters:
            self._loaded.note(run_id, org, str(parameters["date"]))
        return run_id

    async def run(self, org: OrgClient, run_id: str) -> dict[str, Any]:
        """Return a run as the service tells it, once it tells anything."""

        async def told() -> dict[str, Any]:
            try:
                reply = await org.ask("GET", f"/api/v1/pipelines/runs/{run_id}")
            except (OSError, aiohttp.ClientError, TimeoutError):
                return {}
            return dict(reply.json) if reply.status == 200 else {}

        return await until(told, 40, pause=0.1)

    async def status(self, run_id: str) -> str:
        """Return a run's status as the journal has it; empty while the journal is away."""
        try:
            found = await self.running.journal.fetchval("SELECT status FROM run_now WHERE run_id = $1", run_id)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return ""
        return str(found)

    async def ended(self, run_id: str, seconds: float = 60) -> str:
        """Wait for a run's end, whatever is down, and return its status."""

        async def over() -> str:
            status = await self.status(run_id)
            return "" if status in {"", "PENDING", "RUNNING", "CANCELLING"} else status

        return await until(over, seconds, pause=0.1)

    async def taken(self, run_id: str, after: int = 0) -> int:
        """Wait until somebody holds a newer lease than the fence `after`, or the run is over; return its fence or 0."""

        async def newer() -> tuple[int, ...]:
            sql = "SELECT fence FROM queue WHERE run_id = $1 AND state = 'leased' AND fence > $2"
            fence = await self.running.journal.fetchval(sql, run_id, after)
            over = await self.status(run_id) not in {"PENDING", "RUNNING"}
            return (int(fence or 0),) if fence or over else ()

        return (await until(newer, 90))[0]

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

    async def cleared(self) -> None:
        """Wait until no run is suspected of the last crash: who is killed three times while it is, is put aside."""

        async def none() -> bool:
            suspects = "SELECT count(*) = 0 FROM queue WHERE suspect_since IS NOT NULL"
            return bool(await self.running.journal.fetchval(suspects))

        await until(none, 60)

    async def written(self, run_id: str) -> str:
        """Return all that the journal has about a run that is over."""
        row = "SELECT (SELECT string_agg(t::text, ' ') FROM {} t WHERE run_id = $1)"
        return "".join(
            [str(await self.running.journal.fetchval(row.format(t), run_id)) for t in ("run", "step", "event")]
        )

    async def charge(self, fault: str, injected: int, since: float, acked: Collection[str]) -> Toll:
        """Wait until all acked runs are over, look at everything that must hold, and write down what did not."""
        for run_id in acked:
            await self.ended(run_id)
        recovered = time.monotonic() - since
        counted = await self.invariants.broken(acked, self.told)
        unheard, unlike = await unrecorded(self.running, acked), await self._loaded.unlike(self.status)
        pids = [self.service.pid, *(replica.pid for replica in self._replicas)]
        counted = evolve(
            counted,
            lost=(*counted.lost, *unheard),
            duplicated=(*counted.duplicated, *unlike),
            leaked=(*counted.leaked, *swollen(filter(None, pids))),
        )
        toll = counted.toll(fault, injected, recovered, self.faults)
        self.tolls.append(toll)
        return toll

    async def as_the_source(self, org: OrgClient, day: str) -> None:
        """The usage table holds every row of the provider for that day, once."""
        assert await self._loaded.alike(org, day)
