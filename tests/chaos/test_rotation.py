"""A credential that is replaced while a run reads with it: the run goes on with the one that is stored by then."""

from __future__ import annotations

import asyncio
import base64
import time

import pytest
from attrs import define, field

from tests.chaos.arena import Arena
from tests.chaos.front import PATHS, Front, fronted
from tests.fakes.hostile_provider import Line, answer
from tests.fakes.org_client import EXTRACT, OrgClient, step_of
from tests.fakes.until import until
from tests.plugins.sandbox import CENTRAL
from workers.adapters.kms import LocalKms
from workers.model.secret import HANDED_IN, bound_data

STORE = "integrations/credentials/store"
ACTIVE = f"""
SELECT validation_status FROM {CENTRAL}.org_integration_credentials
WHERE provider = 'OPENAI' AND is_active AND org_slug = @org
"""


@define
class Door:
    """Lets some keys in, and holds the first request for images back until the keys have been changed."""

    front: Front
    keys: set[str]
    changed: asyncio.Event = field(factory=asyncio.Event)
    refused: list[str] = field(factory=list)
    passed: list[tuple[str, str]] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        for path in PATHS:
            self.front.provider.script(path, self.admit)
        self.front.provider.script(IMAGES, self.later, self.admit)

    async def admit(self, line: Line) -> None:
        """Answer who has a key."""
        key, path = line.heard.headers["authorization"].removeprefix("Bearer "), line.heard.path
        if key not in self.keys:
            self.refused.append(path)
            await answer(b"{}", "401 Unauthorized")(line)
            return
        self.passed.append((path, key))
        await self.front.passed_on(line)

    async def later(self, line: Line) -> None:
        """Answer once the keys are others."""
        await self.changed.wait()
        await self.admit(line)


IMAGES = "/v1/organization/usage/images"


@pytest.mark.fault("F59")
@pytest.mark.promise("P1", "P10")
async def test_a_run_whose_credential_is_rotated_while_it_reads_goes_on_with_the_one_stored_now(arena: Arena) -> None:
    org, day, at = arena.org(2), arena.next_day(), time.monotonic()
    old = arena.running.stack.secrets.openai_key
    new = f"{old}{time.monotonic_ns()}"
    async with fronted(arena) as front:
        door = Door(front, {old})
        run_id = await arena.accepted(org, EXTRACT, "rotated", date=day)
        await until(lambda: _held(arena, org, front, run_id), 60)
        door.keys.add(new)
        acked = [
            run_id,
            await arena.accepted(org, STORE, "new key", credential="OPENAI", sealed=await sealed(arena, org, new)),
        ]
        assert await arena.ended(acked[-1]) == "COMPLETED"
        door.keys.remove(old)
        door.changed.set()
        assert await arena.ended(run_id) == "COMPLETED"
    assert door.refused == [IMAGES]
    ways = [path for path, key in door.passed if key == new]
    assert ways[1:] == list(PATHS[PATHS.index(IMAGES) : -1])
    assert await arena.running.query(ACTIVE, org=org.slug) == [{"validation_status": "VALID"}]
    restored = await sealed(arena, org, old)
    acked.append(await arena.accepted(org, STORE, "old key", credential="OPENAI", sealed=restored))
    assert await arena.ended(acked[-1]) == "COMPLETED"
    acked.append(await arena.accepted(org, EXTRACT, "rotated back", date=day, force_refresh=True))
    toll = await arena.charge("a credential that is rotated while a run reads", 1, at, acked)
    assert toll.harmless, toll
    assert step_of(await arena.run(org, run_id), "extract_usage")["attempt"] == 1


async def sealed(arena: Arena, org: OrgClient, key: str) -> str:
    """Seal a key as an operator would who may use the service's KMS key."""
    bound = bound_data(org.slug, "OPENAI", "", HANDED_IN)
    return base64.b64encode(await LocalKms(arena.folder / "kms.key").encrypt(key.encode(), bound)).decode()


async def _held(arena: Arena, org: OrgClient, front: Front, run_id: str) -> bool:
    """Whether the run has asked for images, and its other step has nothing to ask any more."""
    run = await arena.run(org, run_id)
    return front.asked("images") == 1 and step_of(run, "extract_reported_cost")["status"] == "COMPLETED"
