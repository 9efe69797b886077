"""The real PipelineService over a real journal, catalog and runtime, behind the real guards."""

from __future__ import annotations

import random
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen
from datapipeline.v1.pipelines_pb2 import RunPipelineRequest, RunPipelineResponse

from server.clock import SystemClock
from server.convert.tokens import PageTokens
from server.interceptors.limits import Limits
from server.services.pipelines import PipelineService
from server.services.scheduler import SchedulerService
from tests.fakes.directory import OrgBook
from tests.plugins.service import ACME_KEY, AS_ACME, GLOBEX_KEY, Serve, Served
from workers.adapters.journal import PostgresJournal
from workers.catalog import Catalog
from workers.runtime.explain import Explain
from workers.runtime.firing import Firing
from workers.runtime.intake import Acceptance, Bounds
from workers.runtime.scheduler import Scheduler
from workers.runtime.supervisor import Supervisor
from workers.runtime.watch import Watch

CONFIGS = Path(__file__).parents[4] / "configs"


@frozen
class Desk:
    """A caller's view of the service, and what stands behind it."""

    served: Served
    service: PipelineService
    journal: PostgresJournal
    book: OrgBook

    async def run(self, *, key: str | None = None, metadata: Any = AS_ACME, **changes: Any) -> RunPipelineResponse:
        """Start the usage and cost pipeline; other fields of the request as given."""
        fields: dict[str, Any] = {"org": "acme", "provider": "openai", "domain": "cost", "pipeline": "usage_cost"}
        headers = metadata if key is None else (*metadata, ("idempotency-key", key))
        answer: RunPipelineResponse = await self.served.pipelines.RunPipeline(
            RunPipelineRequest(**fields | changes), metadata=headers
        )
        return answer


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.load(CONFIGS)


@pytest.fixture
async def desk(serve: Serve, catalog: Catalog, journal_url: str) -> AsyncIterator[Desk]:
    clock, roll, book = SystemClock(), random.Random(7).random, OrgBook()
    book.enrol("acme", ACME_KEY)
    book.enrol("globex", GLOBEX_KEY)
    supervisor = Supervisor(clock, roll)
    async with PostgresJournal.open(journal_url, spawn=supervisor.spawn, roll=roll) as journal:
        acceptance = Acceptance(catalog, book, journal, clock, uuid.uuid4, Bounds(mend_at="http://console"))  # type: ignore[arg-type]
        service = PipelineService(
            acceptance=acceptance,
            journal=journal,
            timetable=journal,
            watch=Watch(journal, clock, poll=0.02),
            explain=Explain(journal, book, catalog, clock, "http://console"),  # type: ignore[arg-type]
            catalog=catalog,
            tokens=PageTokens(b"k" * 32),
            clock=clock,
        )
        firing = Firing(journal, journal, acceptance, catalog)
        scheduler = SchedulerService(
            timetable=journal,
            catalog=catalog,
            tokens=PageTokens(b"k" * 32),
            new_id=uuid.uuid4,
            scheduler=Scheduler(journal, journal, firing, supervisor.spawn, clock, roll),
            queue=journal,
            directory=book,  # type: ignore[arg-type]
            clock=clock,
        )
        served = await serve(
            service, scheduler=scheduler, limits=lambda *_: Limits(clock.monotonic, per_org=10_000, runs_per_org=10_000)
        )
        yield Desk(served, service, journal, book)
        await supervisor.stop()
