"""A customer of the service over REST: one organisation's key, and the few things a customer does with runs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from attrs import frozen

from tests.fakes.rest_client import Reply, RestClient

RUNS = "/api/v1/pipelines/runs"
USAGE_COST = "openai/cost/usage_cost"
EXTRACT = "openai/cost/cost_extract"
NOTHING = "example/smoke/nothing"

Json = dict[str, Any]


@frozen
class OrgClient:
    """Acts as `slug`."""

    slug: str
    key: str
    rest: RestClient

    @property
    def dataset(self) -> str:
        """Where its tables stand."""
        return f"{self.slug}_local"

    async def ask(self, method: str, path: str, body: str | bytes | None = None, **headers: str) -> Reply:
        """Send anything; underscores in header names stand for dashes."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.rest.ask(method, path, {"X-API-Key": self.key} | named, body)

    async def start(self, pipeline: str, *, key: str | None = None, **parameters: Any) -> Reply:
        """Ask for a run."""
        headers = {"Idempotency-Key": key} if key is not None else {}
        return await self.ask(
            "POST", f"/api/v1/pipelines/run/{self.slug}/{pipeline}", json.dumps(parameters), **headers
        )

    async def accepted(self, pipeline: str, *, key: str | None = None, **parameters: Any) -> str:
        """Ask for a run that must be accepted, and return its id."""
        reply = await self.start(pipeline, key=key, **parameters)
        assert reply.status == 200, reply.json
        return str(reply.json["run_id"])

    async def run(self, run_id: str) -> Json:
        """Return a run that must be there."""
        reply = await self.ask("GET", f"{RUNS}/{run_id}")
        assert reply.status == 200, reply.json
        found: Json = reply.json
        return found

    async def cancel(self, run_id: str) -> Json:
        """Ask a run to stop."""
        reply = await self.ask("POST", f"{RUNS}/{run_id}/cancel", "{}")
        assert reply.status == 200, reply.json
        found: Json = reply.json
        return found

    async def explain(self, run_id: str) -> Json:
        """Ask why a run is not further."""
        reply = await self.ask("GET", f"{RUNS}/{run_id}/explain")
        assert reply.status == 200, reply.json
        found: Json = reply.json
        return found

    async def events(self, run_id: str, after: int = 0, upto: str = "TERMINAL", step: str = "") -> list[Json]:
        """Follow a run until an event of that type (and of that step), and return all there were."""
        seen: list[Json] = []
        async for event in self.follow(run_id, after):
            seen.append(event)
            if event["type"] == upto and step in {"", event["step_id"]}:
                return seen
        raise AssertionError(f"the stream ended without {upto}: {seen}")

    async def follow(self, run_id: str, after: int = 0) -> AsyncIterator[Json]:
        """Yield a run's events while they come."""
        url = f"{self.rest.base}{RUNS}/{run_id}/events?after={after}"
        limit = aiohttp.ClientTimeout(total=90)
        async with self.rest.session.get(url, headers={"X-API-Key": self.key}, timeout=limit) as answer:
            assert answer.status == 200, await answer.text()
            async for line in self.rest.answers.lines(answer):
                yield json.loads(line)

    async def ended(self, run_id: str) -> Json:
        """Wait until a run is over, and return it."""
        await self.events(run_id)
        return await self.run(run_id)

    async def done(self, pipeline: str, **parameters: Any) -> Json:
        """Start a run and return it once it is over."""
        return await self.ended(await self.accepted(pipeline, **parameters))


def step_of(run: Json, step_id: str) -> Json:
    """Return one step of a run."""
    found: Json = next(step for step in run["steps"] if step["step_id"] == step_id)
    return found
