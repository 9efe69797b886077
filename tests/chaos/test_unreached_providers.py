"""A provider that cannot be reached, or never ends an answer: its run gives its slot back and is done by who can."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.chaos.arena import Arena
from tests.chaos.aside import due, waiting
from tests.chaos.caps import capped
from tests.chaos.front import ROOT, Front, directed
from tests.chaos.lab import lay_out
from tests.fakes import hostile_provider as hostile
from tests.fakes.hostile_provider import HostileProvider
from tests.fakes.org_client import EXTRACT, NOTHING

CAP = "SELECT max(cap) FROM witness.lease WHERE run_id = $1"
DECLARED, HASTY = "      request_seconds: 60\n", "      request_seconds: 1\n"
# As the system's resolver does whose name server does not answer; a replica leaves in time all the same.
SILENT_RESOLVER = """\
import socket, threading
known = socket.getaddrinfo
def silent(host, *rest, **named):
    if host == "silent.invalid":
        threading.Event().wait()
    return known(host, *rest, **named)
socket.getaddrinfo = silent
"""


@pytest.mark.promise("P1", "P4", "P13")
@pytest.mark.parametrize(
    ("how", "said"),
    [
        pytest.param("hangs", "did not answer in time", marks=pytest.mark.fault("F42")),
        pytest.param("drips", "did not answer in time", marks=pytest.mark.fault("F42")),
        pytest.param("sends half its headers", "did not answer in time", marks=pytest.mark.fault("F42")),
        pytest.param("hangs in the body", "did not answer in time", marks=pytest.mark.fault("F42")),
        pytest.param("has no such name", "name does not resolve", marks=pytest.mark.fault("F47")),
        pytest.param("has a name that takes for ever", "did not answer in time", marks=pytest.mark.fault("F47")),
    ],
)
async def test_a_run_whose_provider_is_not_reached_leaves_the_one_slot_of_its_lane_and_is_done_elsewhere(
    arena: Arena, tmp_path: Path, how: str, said: str
) -> None:
    org, day, at = arena.org(1), arena.next_day(), time.monotonic()
    async with (
        capped(arena, {org.slug: 1}),
        arena.answering_only(),
        astray(arena, tmp_path, how) as told,
        arena.replica(ROLE="worker", **told) as lost,
    ):
        run_id = await arena.accepted(org, EXTRACT, day, date=day)
        behind = await arena.accepted(org, NOTHING, f"behind {day}", note=f"behind {day}")
        why, _ = await waiting(arena, run_id)
        assert said in why or "for the host to recover" in why
        assert said in lost.log.read_text()
        assert await arena.ended(behind) == "COMPLETED"
        assert await arena.running.journal.fetchval(CAP, behind) == 1
    await due(arena, run_id)
    beside = await arena.accepted(arena.org(2), EXTRACT, f"beside {day}", date=day)
    toll = await arena.charge(f"a provider that {how}", 1, at, [run_id, behind, beside])
    assert toll.harmless, toll
    await arena.as_the_source(org, day)


@asynccontextmanager
async def astray(arena: Arena, folder: Path, how: str) -> AsyncIterator[dict[str, str]]:
    """Yield what leads a replica, which waits a second for a page, to a provider that is never reached."""
    tree = folder / "tree"
    told, providers = lay_out(tree), tree / "configs" / "system" / "providers.yml"
    declared = providers.read_text()
    assert DECLARED in declared
    providers.write_text(declared.replace(DECLARED, HASTY, 1))
    names = {"has no such name": "absent.invalid", "has a name that takes for ever": "silent.invalid"}
    if how in names:
        (tree / "sitecustomize.py").write_text(SILENT_RESOLVER)
        yield told | directed(arena, names[how], 80)
        return
    async with HostileProvider() as provider:
        front = Front(arena, provider)
        ways = {
            "hangs": hostile.hang,
            "drips": hostile.drip(provider),
            "sends half its headers": hostile.half_head,
            "hangs in the body": hostile.hang_in_body,
        }
        provider.script(f"{ROOT}/usage/completions", ways[how])
        yield told | front.told
