"""What a deploy does: Envoy restarts with calls in flight, an older version serves beside a newer one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from sandbox.edge import Edge
from tests.chaos.arena import Arena
from tests.chaos.lab import ACT, LAB, PIPELINES
from tests.chaos.load import loaded
from tests.fakes.org_client import EXTRACT
from tests.fakes.until import until

ROOT = Path(__file__).parents[2]
RESTARTS = 3
# The last commit before migrations 0016 and 0017.
OLDER = "d79279f790e1005282ff1b60a38a27cf187ba069"


@pytest.mark.fault("F69")
@pytest.mark.promise("P1", "P8")
async def test_calls_that_an_edge_dies_with_are_answered_by_the_next_under_their_keys(arena: Arena) -> None:
    edge = arena.running.stack.edge
    async with loaded(arena) as load:
        for number in range(RESTARTS):
            await load.more(25)
            before = edge.pid
            os.kill(before, signal.SIGKILL if number % 2 else signal.SIGTERM)
            await _another(edge, before)
        await load.more(25)
        at = time.monotonic()
    acked = load.acked
    toll = await arena.charge(f"Envoy restarts under load ({len(acked)} runs)", RESTARTS, at, acked.values())
    assert toll.harmless, toll


@pytest.mark.fault("F22", "F70")
@pytest.mark.promise("P1", "P9", "P13")
async def test_an_older_version_works_beside_a_newer_one_on_the_newer_ones_journal(
    arena: Arena, tmp_path: Path
) -> None:
    told = _older(tmp_path / "older")
    gate, at = arena.gate(), time.monotonic()
    async with arena.answering_only(), arena.replica(ROLE="worker", **told) as older:
        acked = [await _waiting(arena, number, str(gate)) for number in range(8)]
        day = arena.next_day()
        acked.append(await arena.accepted(arena.org(0), EXTRACT, day, date=day))
        assert await arena.ended(acked[-1]) == "COMPLETED"
        async with arena.replica(ROLE="worker"):
            os.kill(older.pid, signal.SIGTERM)
            gate.touch()
            toll = await arena.charge("an older version on a newer journal, then replaced", 1, at, acked)
    assert toll.harmless, toll


async def _waiting(arena: Arena, number: int, gate: str) -> str:
    return await arena.accepted(arena.org(number), ACT, f"old {number}", do="wait", gate=gate, note=str(number))


def _older(folder: Path) -> dict[str, str]:
    """Lay out the tree of an older commit with the laboratory of this one; skip where there is no history."""
    folder.mkdir()
    packed = subprocess.run(["git", "archive", OLDER], cwd=ROOT, check=False, capture_output=True)
    if packed.returncode:
        pytest.skip("this checkout has no history")
    subprocess.run(["tar", "-x"], cwd=folder, input=packed.stdout, check=True)
    shutil.copytree(LAB, folder / "workers" / "processors" / "lab")
    for path, text in PIPELINES.items():
        target = folder / "configs" / f"{path}.yml"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return {"PYTHONPATH": f"{folder}:{folder / 'proto' / 'gen'}", "PYTHONSAFEPATH": "1"}


async def _another(edge: Edge, before: int) -> None:
    async def there() -> bool:
        return edge.pid not in {0, before}

    await until(there, 30)
