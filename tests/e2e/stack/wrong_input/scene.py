"""The stack as the rows see it: who asks, what there is to ask for, and what the journal holds."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

import grpc.aio
from attrs import define, evolve

from sandbox.edge import Edge
from tests.fakes.org_client import NOTHING, RUNS, OrgClient
from tests.fakes.rest_client import RestClient
from tests.fakes.until import until
from tests.plugins.sandbox import ORGS, Running

CARELESS, NEIGHBOUR = "careless", "globex"
BUSY = [org for org in ORGS if org != CARELESS]
"""What other tests left may still go on there: its runs may leave the queue, and schedules may start some."""

HASTE = {"request_headers": 0.4, "request": 0.5, "health_interval": 0.1, "delayed_close": 0.1}

Text = TypeVar("Text", str, Mapping[str, Any])


class Door(Enum):
    """Where a call goes in."""

    EDGE = "the stack's Envoy"
    HASTY = "an Envoy that waits for nobody long, before the same service"
    SERVICE = "the service's own port"


@define
class Scene:
    """`names` stand for what only the running stack knows."""

    running: Running
    hasty: Edge
    channels: Mapping[Door, grpc.aio.Channel]
    names: Mapping[str, str]

    @property
    def rest(self) -> RestClient:
        """Speak REST to the stack."""
        return self.running.rest

    def client(self, door: Door) -> RestClient:
        """Speak REST through a door."""
        return evolve(self.rest, base=f"http://{self.address(door)}")

    def address(self, door: Door) -> str:
        """Return HOST:PORT of a door."""
        service = f"127.0.0.1:{self.running.stack.environment['GRPC_PORT']}"
        return {Door.EDGE: self.running.stack.edge.listen, Door.HASTY: self.hasty.listen}.get(door, service)

    def channel(self, door: Door) -> grpc.aio.Channel:
        """Speak native gRPC through a door."""
        return self.channels[door]

    def fill(self, given: Text) -> Text:
        """Put what they stand for in the place of <names>, in texts and in what holds texts."""
        return _filled(given, self.names)  # type: ignore[no-any-return]

    async def settled(self) -> dict[str, Any]:
        """Wait until no run here is under way; return what a refusal must leave as it is."""

        async def counted() -> dict[str, Any]:
            (row,) = await self.running.journal.fetch(COUNTED, "timely", BUSY)
            return {} if row["waiting"] else dict(row)

        return await until(counted)

    def given_away(self, text: str) -> list[str]:
        """Return the keys and secrets that stand in a text."""
        keys = (*self.running.secrets, *(text for name, text in self.names.items() if name.endswith("key")))
        return [secret for secret in keys if secret in text]

    async def serves(self, door: Door = Door.EDGE) -> None:
        """Assert that the next caller is served."""
        caller = evolve(self.running.org(CARELESS), rest=self.client(door))
        reply = await caller.ask("GET", f"{RUNS}?page_size=1")
        assert reply.status == 200, reply.body


COUNTED = """
SELECT
    (SELECT count(*) FROM queue WHERE org <> ALL ($2::text[])) AS waiting,
    (SELECT count(*) FROM run WHERE org <> $1) AS runs,
    (SELECT count(*) FROM idempotency WHERE org <> $1) AS keys,
    (SELECT coalesce(sum(started), 0) FROM quota_started WHERE org <> $1) AS started,
    (SELECT count(*) FROM schedule WHERE org <> $1) AS schedules
"""


def _filled(given: Any, names: Mapping[str, str]) -> Any:
    if isinstance(given, str):
        return re.sub(r"<(\w+)>", lambda found: names.get(found[1], found[0]), given)
    if isinstance(given, Mapping):
        return {_filled(name, names): _filled(value, names) for name, value in given.items()}
    return [_filled(one, names) for one in given] if isinstance(given, list) else given


@asynccontextmanager
async def opened(running: Running, folder: Path) -> AsyncIterator[Scene]:
    """Open the doors and lay out what the rows ask for."""
    service = f"127.0.0.1:{running.stack.environment['GRPC_PORT']}"
    times = [word for name, seconds in HASTE.items() for word in ("--seconds", f"{name}={seconds}")]
    hasty = Edge(service, folder, arguments=times, concurrency=1)
    await hasty.start()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(hasty.stop)
        await hasty.healthy()
        addresses = {Door.EDGE: running.stack.edge.listen, Door.HASTY: hasty.listen, Door.SERVICE: service}
        channels = {
            door: await stack.enter_async_context(running.answers.channel(address))
            for door, address in addresses.items()
        }
        yield Scene(running, hasty, channels, await _names(running))


async def _names(running: Running) -> dict[str, str]:
    careless, neighbour = running.org(CARELESS), running.org(NEIGHBOUR)
    keys = running.stack.secrets.api_keys
    known = {
        "key": careless.key,
        "other_key": neighbour.key,
        "root": running.stack.secrets.root_key,
        **{f"{org}_key": keys[org] for org in ("lapsed", "expired", "halted", "ended")},
        "done": (await careless.done(NOTHING, note="done"))["run_id"],
        "foreign": (await neighbour.done(NOTHING, note="foreign"))["run_id"],
        "absent": "01900000-0000-4000-8000-000000000000",
        "nil": "00000000-0000-0000-0000-000000000000",
    }
    for org in (careless, neighbour):
        await org.done(NOTHING, note="a second one")
    token = await _token(careless)
    known |= {"token": token, "cut_token": token[:-8], "foreign_token": await _token(neighbour)}
    return {**known, "DONE": known["done"].upper()}


async def _token(org: OrgClient) -> str:
    page = await org.ask("GET", f"{RUNS}?page_size=1")
    return str(page.json["next_page_token"])
