"""Opens an arena: the whole stack with short leases, a laboratory, and a witness in its journal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import asyncpg

from sandbox.bigquery.connect import connect
from sandbox.stack import Options, running
from tests.chaos.arena import LEASE, ORGS, Arena
from tests.chaos.canaries import Canaries
from tests.chaos.invariants import Invariants
from tests.chaos.lab import lay_out
from tests.chaos.witness import Witness
from tests.fakes.answers import Answers
from tests.fakes.canaries import plant
from tests.fakes.rest_client import RestClient
from tests.plugins.sandbox import Running, environment


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Arena]:
    """Start the stack."""
    options = Options(folder, orgs=ORGS, environment=environment(**LEASE, **lay_out(folder / "tree")))
    plant(folder, ORGS)
    answers = Answers()
    async with (
        running(options) as stack,
        aiohttp.ClientSession(trust_env=False, trace_configs=[answers.tracing()]) as session,
        asyncpg.create_pool(stack.environment["JOURNAL_URL"], min_size=0, max_size=4) as journal,
    ):
        with connect(stack.environment["BIGQUERY_EMULATOR_HOST"]) as warehouse:
            witness = Witness(journal)
            await witness.begin()
            found = Running(stack, RestClient(stack.edge.rest, session, answers), warehouse, journal)
            invariants = Invariants(journal, folder, witness, Canaries(folder, found.secrets))
            yield Arena(found, invariants)
