"""A provider of bad manners before the simulated one, and a replica that asks it while the sandbox's own answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import frozen
from yarl import URL

from tests.chaos.arena import Arena
from tests.e2e.stack.provider_reader import USAGE
from tests.fakes.hostile_provider import Behaviour, HostileProvider, Line, answer

ROOT = "/v1/organization"
PATHS = (*(f"{ROOT}/usage/{name}" for name in USAGE), f"{ROOT}/costs")


@frozen
class Front:
    """What the replica takes for the provider: a path behaves as scripted and then as the simulator."""

    arena: Arena
    provider: HostileProvider

    def __attrs_post_init__(self) -> None:
        for path in PATHS:
            self.provider.script(path, self.passed_on)

    @property
    def told(self) -> dict[str, str]:
        """What a replica has to be told to ask it."""
        return directed(self.arena, "127.0.0.1", self.provider.port)

    def first(self, endpoint: str, *behaviours: Behaviour) -> None:
        """Let the next requests for an endpoint of usage meet these behaviours, and later ones the simulator."""
        self.provider.script(f"{ROOT}/usage/{endpoint}", *behaviours, self.passed_on)

    def asked(self, endpoint: str) -> int:
        """Return how often an endpoint of usage was asked for."""
        return [heard.path for heard in self.provider.heard].count(f"{ROOT}/usage/{endpoint}")

    async def passed_on(self, line: Line) -> None:
        """Answer as the simulator does."""
        url = URL(f"{self.arena.running.simulator.origin}{line.heard.target}", encoded=True)
        headers = {"Authorization": f"Bearer {self.arena.running.stack.secrets.openai_key}"}
        async with self.arena.running.rest.session.get(url, headers=headers) as reply:
            body, status = await reply.read(), f"{reply.status} {reply.reason}"
        await answer(body, status)(line)


@asynccontextmanager
async def fronted(arena: Arena) -> AsyncIterator[Front]:
    """Let a replica do all the work and ask a front for the provider's data."""
    async with HostileProvider() as provider:
        front = Front(arena, provider)
        async with arena.answering_only(), arena.replica(ROLE="worker", **front.told):
            yield front


def directed(arena: Arena, host: str, port: int) -> dict[str, str]:
    """Return what tells a replica that the provider is elsewhere."""
    allowed = arena.service.environment["EGRESS_ALLOW"]
    return {"OPENAI_BASE_URL": f"http://{host}:{port}/v1", "EGRESS_ALLOW": f"{allowed},{host}:{port}"}
