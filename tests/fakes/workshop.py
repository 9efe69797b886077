"""A runtime on the real journal, with processors whose behaviour the test writes: accepts, leases, runs, watches."""

from __future__ import annotations

import asyncio
import random
import shutil
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from attrs import define, evolve, field

from server.clock import SystemClock
from tests.fakes.central import ListedCentral, Script
from tests.fakes.directory import OrgBook
from tests.fixtures.runtime.processors.lab.act import PARTS, Part
from workers.adapters.journal import PostgresJournal
from workers.adapters.kms import LocalKms
from workers.catalog import Catalog
from workers.catalog.credentials import Credentials
from workers.model.lease import Lease
from workers.model.run import EventType, Run, RunEvent
from workers.model.situation import Live, Paused
from workers.ports import Authority, Clock, Dispatch, Expected, Keys
from workers.rest import Egress, RestReader
from workers.runtime.explain import Explain
from workers.runtime.firing import Firing
from workers.runtime.holdings import Interruption
from workers.runtime.intake import Acceptance, Accepted, Bounds, Submission
from workers.runtime.pool import Pool, PoolTerms
from workers.runtime.runner import Runner
from workers.runtime.scheduler import Scheduler
from workers.runtime.stepping import Stepping
from workers.runtime.supervisor import Supervisor
from workers.runtime.watch import Watch

SYSTEM = Path(__file__).parents[2] / "configs" / "system"
CREDENTIAL = "system/sql/credential.sql"
ONE_STEP = "steps: [{step_id: only, ps_type: lab.act}]"


class NoWarehouses:
    """Steps of the laboratory write nowhere; an authority is all they are given. `expected` is what was of the last."""

    expected: Expected

    def of(self, authority: Authority, expected: Expected) -> Authority:
        self.expected = expected
        return authority


@define(eq=False)
class Workshop:
    """Everything below the wire. `parts` are what steps do, by step id; `stored` answers for credentials."""

    journal: PostgresJournal
    folder: Path
    supervisor: Supervisor
    clock: Clock
    reader: RestReader
    book: OrgBook = field(factory=OrgBook)
    stored: list[Any] = field(factory=list)
    keys: Keys | None = None
    dispatch: Dispatch | None = None
    warehouses: NoWarehouses = field(factory=NoWarehouses)
    roll: Callable[[], float] = random.Random(3).random
    parts: dict[str, Part] = field(factory=lambda: PARTS)
    _read: dict[str, int] | None = field(default=None, init=False)
    _catalog: Catalog = field(init=False)

    async def declare(self, text: str = ONE_STEP, path: str = "lab/test/flow") -> None:
        """Write a pipeline and keep its declaration, as a start of the service would."""
        file = self.folder / f"{path}.yml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        for pipeline in self.catalog().pipelines.values():
            await self.journal.declare(pipeline.config_hash, pipeline.source)

    def catalog(self) -> Catalog:
        """Read what is declared now, unless it has just been read."""
        declared = {str(file): file.stat().st_mtime_ns for file in self.folder.glob("*/*/*.yml")}
        if self._read != declared:
            self._catalog = Catalog.load(self.folder, processors_package="tests.fixtures.runtime.processors")
            self._read = declared
        return self._catalog

    def acceptance(self, **bounds: Any) -> Acceptance:
        directory: Any = self.book
        terms = Bounds(mend_at="https://mend", **bounds)
        return Acceptance(self.catalog(), directory, self.journal, self.clock, uuid.uuid4, terms)

    async def submit(self, org: str = "acme", path: str = "lab/test/flow", **parameters: Any) -> UUID:
        return (await self.accept(org, path, **parameters)).run_id

    async def accept(self, org: str = "acme", path: str = "lab/test/flow", **parameters: Any) -> Accepted:
        if org not in self.book.orgs:
            self.enrol(org)
        parameters = parameters or {"trigger_by": uuid.uuid4().hex, "force_refresh": True}
        provider, domain, name = path.split("/")
        return await self.acceptance().accept(Submission(org, provider, domain, name, parameters))

    def explain(self) -> Explain:
        directory: Any = self.book
        return Explain(self.journal, directory, self.catalog(), self.clock, "https://mend")

    async def paused(self, run_id: UUID, org: str = "acme") -> tuple[float, str]:
        """Return for how many seconds more a run waits, and why."""
        found = await self.journal.situation(org, run_id)
        assert found is not None
        assert isinstance(found.state, Live)
        assert isinstance(found.state.place, Paused)
        return (found.state.place.until - found.at).total_seconds(), found.state.place.why

    def scheduler(self, journal: PostgresJournal | None = None) -> Scheduler:
        """Make a scheduler that is not yet started, on this journal or another connection to it."""
        on = journal or self.journal
        firing = Firing(on, on, self.acceptance(), self.catalog())
        return Scheduler(on, on, firing, self.supervisor.spawn, self.clock, self.roll)

    def enrol(self, org: str = "acme", **changes: Any) -> None:
        """Make an organisation known; `changes` are those to what OrgBook gives everyone."""
        self.book.enrol(org, f"{org}_api_key")
        self.book.orgs[org] = evolve(self.book.orgs[org], **changes)

    def runner(self, **changes: Any) -> Runner:
        anything: Any = self
        answers: dict[str, Script] = {(SYSTEM.parent / CREDENTIAL).read_text(): lambda _parameters: self.stored}
        catalog = self.catalog()
        keys = self.keys or LocalKms(self.folder / "kms.key")
        credentials = Credentials(ListedCentral(answers), keys, catalog.schemas)
        none: Any = self.warehouses
        shielded = self.supervisor.shielded
        stepping = Stepping(
            catalog, credentials, none, self.reader, self.journal, self.clock, self.roll, shielded, none
        )
        parts = {
            "dispatch": self.dispatch or self.journal,
            "catalog": catalog,
            "directory": anything.book,
            "stepping": stepping,
            "supervisor": self.supervisor,
            "clock": self.clock,
            "roll": self.roll,
            "dataset": lambda org: f"{org}_local",
            "away_seconds": 60.0,
            "patience": 0.2,
        }
        return Runner(**(parts | changes))

    async def lease(self, worker: str = "w1") -> Lease:
        (lease,) = await self.journal.claim(worker, 1)
        return lease

    async def do(self, text: str, **parts: Part) -> Run:
        """Declare a pipeline, submit it, take one lease of it to where it goes; return the run."""
        await self.declare(text)
        self.parts.update(parts)
        run_id = await self.submit()
        return await self.go_on(run_id)

    async def go_on(self, run_id: UUID, interrupted: asyncio.Future[Interruption] | None = None) -> Run:
        lease = await self.lease()
        await self.runner().run(lease, interrupted or uninterrupted())
        return await self.run(run_id)

    async def run(self, run_id: UUID, org: str = "acme") -> Run:
        run = await self.journal.find_run(org, run_id)
        assert run is not None
        return run

    async def events(self, run_id: UUID) -> tuple[RunEvent, ...]:
        return await self.journal.events(run_id, 0)

    async def seen(self, run_id: UUID, kind: EventType, step: str = "") -> RunEvent:
        """Wait for an event of the run."""
        watch = Watch(self.journal, SystemClock(), poll=0.01)
        async for event in watch.follow("acme", run_id, 0):
            if event.type is kind and event.step_id == step:
                return event
        raise AssertionError(f"the run ended without {kind} {step}")

    async def ended(self, run_id: UUID, org: str = "acme") -> Run:
        """Wait until the run has ended."""
        watch = Watch(self.journal, SystemClock(), poll=0.01)
        async for _ in watch.follow(org, run_id, 0):
            pass
        return await self.run(run_id, org)

    def pool(self, run: Any = None, **terms: Any) -> Pool:
        """Make a pool that is not yet started; without `run` it runs runs."""
        dispatch = self.dispatch or self.journal
        given: dict[str, Any] = {"worker": "w1", "slots": 4, **terms}
        return Pool(PoolTerms(**given), dispatch, run or self.runner().run, self.supervisor, self.clock, self.roll)

    def start(self, run: Any = None, **terms: Any) -> Pool:
        pool = self.pool(run, **terms)
        pool.start()
        self.supervisor.start()
        return pool


async def for_ever(_ctx: object = None) -> Any:
    """Do what some steps do."""
    await asyncio.Event().wait()


def uninterrupted() -> asyncio.Future[Interruption]:
    return asyncio.get_running_loop().create_future()


@asynccontextmanager
async def open_workshop(url: str, folder: Path, clock: Clock | None = None, **options: Any) -> AsyncIterator[Workshop]:
    """Open a journal and a runtime on it; everything is stopped at the end."""
    moments, chance = clock or SystemClock(), random.Random(7)
    shutil.copytree(SYSTEM, folder / "system", ignore=shutil.ignore_patterns("schemas"))
    supervisor = Supervisor(moments, chance.random, patience=0.5)
    journal_tasks = Supervisor(SystemClock(), chance.random)
    async with PostgresJournal.open(url, spawn=journal_tasks.spawn, roll=chance.random, **options) as journal:
        reader = RestReader(Egress.parse(""), moments, chance.random)
        try:
            yield Workshop(journal, folder, supervisor, moments, reader)
        finally:
            PARTS.clear()
            await supervisor.stop()
            await journal_tasks.stop()
            reader.close()
