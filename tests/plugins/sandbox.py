"""The whole stack once a session: real Postgres, emulator, simulator, service and Envoy, with times to be waited for.

Every organisation has one part to play, so that no test meets another's quota, breaker or suspension.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import grpc.aio
import pytest
import pytest_asyncio
from attrs import frozen
from google.cloud import bigquery

from sandbox.anthropic.launch import AnthropicSimulator
from sandbox.bigquery.connect import PROJECT, connect
from sandbox.google.launch import GoogleSimulator
from sandbox.openai.launch import Simulator
from sandbox.stack import Options, Stack, running
from tests.fakes.answers import Answers
from tests.fakes.canaries import plant
from tests.fakes.org_client import OrgClient
from tests.fakes.rest_client import RestClient
from tests.fakes.until import until

ORGS = (
    "acme",  # reads usage of many days
    "books",  # reads and prices the days its books are compared for
    "globex",  # must not see anything of acme's
    "quick",  # runs that do nothing
    "busy",  # one run at once
    "frugal",  # two runs a day
    "monthly",  # one run a month
    "keyless",  # its credential is switched off
    "ended",  # its subscription is over since yesterday
    "leaving",  # suspended while the tests run
    "revoked",  # its key is revoked while the tests run
    "twin",  # one run a day, asked for twice
    "crowded",  # one run at once, and many that wait
    "patient",  # is told to come back later
    "curious",  # asks why its runs wait, of which one may run at once
    "bereft",  # loses its subscription and credential while its runs wait
    "scribe",  # reads what Anthropic has
    "cloudy",  # reads what Google has
    "reader",  # pastes what the README says
    "keeper",  # stores and proves its credential
    "timely",  # runs at the times of schedules
    *("walled", "beyond"),  # each must not see anything of the other's
    "fuzzed",  # is asked for anything at all
    "swapped",  # its credential's row is a copy of another's
    "careless",  # sends what is wrong
    "lapsed",  # its key is revoked
    "expired",  # its key is too old
    "halted",  # it is suspended
    *("priced", "limited", "outage", "hasty", "told"),  # run on the service beside the stack's
    *(f"unlucky_{number}" for number in range(9)),  # meet the provider's failures, one breaker each
)
CENTRAL = f"`{PROJECT}`.organizations"
MEND_AT = "http://api.example.test:8000"
SETTINGS = {
    "SHUTDOWN_GRACE_SECONDS": "1",
    "PUBLISH_SECONDS": "1",
    "RATE_LIMIT_REQUESTS_PER_MINUTE": "100000",
    "RATE_LIMIT_GLOBAL_REQUESTS_PER_MINUTE": "100000",
    "RATE_LIMIT_RUNS_PER_MINUTE": "100000",
    "MAX_WAITING_RUNS_PER_ORG": "30",
    "HEARTBEAT_SECONDS": "0.5",
    "API_SERVICE_URL": MEND_AT,
}
NOT_INHERITED = re.compile(r"(OPENAI|ANTHROPIC|GCP|SANDBOX|OTEL|BIGQUERY|PYTEST)_.*|JOURNAL_URL|DATA_DIR|FAILPOINTS")

Rules = Sequence[Mapping[str, Any]]


def environment(**changed: str) -> dict[str, str]:
    """What a stack of the tests is told: the tests' own environment without what would point it elsewhere."""
    return {name: value for name, value in os.environ.items() if not NOT_INHERITED.fullmatch(name)} | SETTINGS | changed


@frozen
class Running:
    """The stack and the ways to all of it."""

    stack: Stack
    rest: RestClient
    warehouse: bigquery.Client
    journal: asyncpg.Pool[Any]

    def org(self, slug: str) -> OrgClient:
        """Return a customer."""
        return OrgClient(slug, self.stack.secrets.api_keys[slug], self.rest)

    @property
    def answers(self) -> Answers:
        """What was answered to all callers."""
        return self.rest.answers

    @property
    def simulator(self) -> Simulator:
        """The provider."""
        simulator = self.stack.parts["openai"]
        assert isinstance(simulator, Simulator)
        return simulator

    @property
    def log(self) -> Path:
        """What the service says."""
        return self.stack.options.data_dir / "service.log"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody may ever see."""
        kept = self.stack.secrets
        keys = (kept.root_key, *kept.provider_keys.values(), *kept.api_keys.values())
        return (*keys, self.stack.environment["JOURNAL_URL"])

    @property
    def anthropic(self) -> AnthropicSimulator:
        """The other provider."""
        simulator = self.stack.parts["anthropic"]
        assert isinstance(simulator, AnthropicSimulator)
        return simulator

    @property
    def google(self) -> GoogleSimulator:
        """And the one of many APIs."""
        simulator = self.stack.parts["google"]
        assert isinstance(simulator, GoogleSimulator)
        return simulator

    async def faults(self, *rules: Mapping[str, Any]) -> None:
        """Let the provider fail by these rules only; none heals it."""
        async with self.rest.session.post(f"{self.simulator.origin}/_faults", json=rules) as answer:
            assert answer.status == 200, await answer.text()

    async def query(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        """Ask the warehouse; parameters are text."""
        given = [bigquery.ScalarQueryParameter(name, "STRING", value) for name, value in parameters.items()]
        config = bigquery.QueryJobConfig(query_parameters=given)
        job = await asyncio.to_thread(self.warehouse.query, sql, job_config=config)
        return [dict(row) for row in await asyncio.to_thread(job.result)]

    async def metrics(self) -> str:
        """Return what operators see."""
        async with self.rest.session.get(self.stack.manifest()["metrics"]) as answer:
            return await answer.text()

    async def directory_seen(self) -> None:
        """Wait until the service knows what the platform's tables hold now; an unknown key makes it look."""
        since = time.monotonic()

        async def seen() -> bool:
            await self.rest.ask("GET", "/api/v1/pipelines", {"X-API-Key": "unknown_0123456789abcdef"})
            return sample(await self.metrics(), "directory_age_seconds") < time.monotonic() - since

        await until(seen, 30, pause=0.1)


def sample(text: str, name: str) -> float:
    """Return one value of a metrics page, named as it stands there with its labels."""
    return next(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(f"{name} "))


PARTS_TO_PLAY = """
UPDATE {p}.org_subscriptions SET concurrent_limit = 1 WHERE org_slug IN ('busy', 'crowded', 'curious', 'bereft');
UPDATE {p}.org_subscriptions SET daily_limit = 1 WHERE org_slug = 'twin';
UPDATE {p}.org_integration_credentials SET encrypted_credential = (
    SELECT encrypted_credential FROM {p}.org_integration_credentials WHERE org_slug = 'acme' AND provider = 'OPENAI'
) WHERE org_slug = 'swapped' AND provider = 'OPENAI';
UPDATE {p}.org_subscriptions SET daily_limit = 2 WHERE org_slug = 'frugal';
UPDATE {p}.org_subscriptions SET monthly_limit = 1 WHERE org_slug = 'monthly';
UPDATE {p}.org_integration_credentials SET is_active = FALSE WHERE org_slug = 'keyless';
UPDATE {p}.org_api_keys SET is_active = FALSE WHERE org_slug = 'lapsed';
UPDATE {p}.org_api_keys SET expires_at = TIMESTAMP '2026-01-01 00:00:00+00' WHERE org_slug = 'expired';
UPDATE {p}.org_subscriptions SET status = 'SUSPENDED' WHERE org_slug = 'halted';
UPDATE {p}.org_subscriptions SET subscription_end_date = DATE_SUB(CURRENT_DATE(), INTERVAL 1 DAY)
WHERE org_slug = 'ended';
"""


@pytest_asyncio.fixture(scope="session")
async def sandbox_stack(session_home: Path) -> AsyncIterator[Running]:
    """Keep one stack for the session."""
    options = Options(session_home / "sandbox", orgs=ORGS, environment=environment())
    plant(options.data_dir, ORGS)
    answers = Answers()
    async with (
        running(options) as stack,
        aiohttp.ClientSession(trust_env=False, trace_configs=[answers.tracing()]) as session,
        asyncpg.create_pool(stack.environment["JOURNAL_URL"], min_size=1, max_size=4) as journal,
    ):
        with connect(stack.environment["BIGQUERY_EMULATOR_HOST"]) as warehouse:
            found = Running(stack, RestClient(stack.edge.rest, session, answers), warehouse, journal)
            for statement in filter(str.strip, PARTS_TO_PLAY.format(p=CENTRAL).split(";")):
                await found.query(statement)
            await found.directory_seen()
            yield found


@pytest_asyncio.fixture
async def sandbox(sandbox_stack: Running) -> AsyncIterator[Running]:
    """Hand out the stack; what a test broke at the provider is healed after it."""
    yield sandbox_stack
    await sandbox_stack.faults()


@pytest.fixture
def acme(sandbox: Running) -> OrgClient:
    return sandbox.org("acme")


@pytest.fixture
def quick(sandbox: Running) -> OrgClient:
    return sandbox.org("quick")


@pytest_asyncio.fixture
async def native(sandbox: Running) -> AsyncIterator[grpc.aio.Channel]:
    """Speak native gRPC through the edge."""
    async with sandbox.answers.channel(sandbox.stack.edge.listen) as channel:
        yield channel
