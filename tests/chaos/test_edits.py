"""Somebody edits what the service stands on while it runs: its files, and the rows and sequences of its journal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import asyncpg
import pytest

from sandbox.service import ServiceFailedError
from tests.chaos.arena import Arena
from tests.chaos.lab import ACT
from tests.fakes.org_client import EXTRACT, NOTHING, OrgClient
from tests.fakes.until import until

SWEPT_WITHIN = 100  # the sweep comes about once a minute
LAST_FENCE = 2**63 - 1
COLLISIONS = 2  # one in the company of others, and one alone

REFUSED = (
    "UPDATE queue SET state = 'odd' WHERE run_id = $1",
    "UPDATE queue SET status = 'ODD' WHERE run_id = $1",
    "UPDATE queue SET fence = NULL WHERE run_id = $1",
    "UPDATE queue SET worker = NULL, lease_until = NULL WHERE run_id = $1",
    "UPDATE queue SET attempt = -1 WHERE run_id = $1",
    "UPDATE queue SET state = 'waiting' WHERE run_id = $1",
    "UPDATE run SET status = 'ODD' WHERE run_id = $1",
    "UPDATE run SET trigger_type = 'odd' WHERE run_id = $1",
    "UPDATE run SET parameters = '[1]' WHERE run_id = $1",
    "UPDATE step SET status = 'ODD' WHERE run_id = $1",
    "UPDATE lane SET weight = 0 WHERE org = (SELECT org FROM run WHERE run_id = $1)",
)
EDITS = (
    "UPDATE lane SET running = cap + 7 WHERE org = '{full}'",
    "UPDATE lane SET running = 0 WHERE org = '{low}'",
    "DELETE FROM lane WHERE org = '{gone}'",
    "UPDATE queue SET worker = 'nobody', lease_until = now() + interval '1 year' WHERE run_id = '{stolen}'",
    "UPDATE tally SET waiting = waiting + 9 WHERE shard = 3",
)
FINDINGS = (
    "lane {full} counted 27 running, had 1; repaired",
    "lane {low} counted 0 running, had 1; repaired",
    "lane {gone} was missing; made with a cap of 1",
    "run {stolen} was leased into the far future; its lease ends now",
    "waiting runs were miscounted by -9; repaired",
)
COLLIDE = """
CREATE SEQUENCE witness.collisions;
CREATE FUNCTION witness.collide() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.parameters->>'note' = 'collision 0' AND nextval('witness.collisions') <= {times} THEN
        NEW.run_id := '{run_id}';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER colliding BEFORE INSERT ON run FOR EACH ROW EXECUTE FUNCTION witness.collide();
"""
COLLIDE_NO_MORE = "DROP FUNCTION witness.collide() CASCADE; DROP SEQUENCE witness.collisions"


@pytest.mark.fault("F62")
@pytest.mark.promise("P1", "P9")
async def test_a_pipeline_that_is_edited_under_the_service_changes_with_a_restart_and_for_new_runs_only(
    arena: Arena,
) -> None:
    org, gate = arena.org(0), arena.gate()
    under_way = await waiting_at(arena, org, "before the edit", str(gate))
    with edited(arena, lambda text: text.replace("step_id: act", "step_id: edited")) as put_back:
        at = time.monotonic()
        after = await waiting_at(arena, org, "after the edit", str(gate))
        assert await pinned(arena, under_way) == await pinned(arena, after)
        async with arena.answering_only(), arena.replica(ROLE="worker"):
            restarted = await waiting_at(arena, org, "after the restart", str(gate))
            assert await pinned(arena, restarted) != await pinned(arena, under_way)
            gate.touch()
            acked = [under_way, after, restarted]
            toll = await arena.charge("a pipeline that is edited under its runs", 1, at, acked)
            put_back()
            steps = [[step["step_id"] for step in (await arena.run(org, run_id))["steps"]] for run_id in acked]
    assert toll.harmless, toll
    assert steps == [["act"], ["act"], ["edited"]]


@pytest.mark.fault("F62")
@pytest.mark.promise("P1")
async def test_a_pipeline_that_is_broken_under_the_service_keeps_another_from_starting_and_says_where(
    arena: Arena,
) -> None:
    org, gate = arena.org(1), arena.gate()
    under_way = await waiting_at(arena, org, "before the break", str(gate))
    with edited(arena, lambda text: text + "  - {step_id: ["):
        at = time.monotonic()
        with pytest.raises(ServiceFailedError, match=r"exit code 78[^$]*lab/faults/act\.yml:\d+"):
            async with arena.replica(ROLE="worker"):
                pass
        beside = await waiting_at(arena, org, "after the break", str(gate))
        gate.touch()
        toll = await arena.charge("a pipeline that is broken under its runs", 1, at, [under_way, beside])
    assert toll.harmless, toll


@pytest.mark.fault("F73", "F74")
@pytest.mark.promise("P1", "P3", "P13")
async def test_counters_and_a_lease_that_somebody_edits_are_found_and_repaired_and_others_go_on_meanwhile(
    arena: Arena,
) -> None:
    full, low, gone, stolen, free = (arena.org(n) for n in range(5))
    gate, said = arena.gate(), arena.running.log.stat().st_size
    held = [await waiting_at(arena, org, f"edited {org.slug}", str(gate)) for org in (full, low, gone, stolen)]
    fence, at = await arena.fence(held[3]), time.monotonic()
    named = {"full": full.slug, "low": low.slug, "gone": gone.slug, "stolen": held[3]}
    async with arena.running.journal.acquire() as stranger, stranger.transaction():
        for edit in EDITS:
            await stranger.execute(edit.format(**named))
    behind = await arena.accepted(full, NOTHING, "behind the edit", note="behind the edit")
    beside = [await arena.accepted(org, NOTHING, f"beside {org.slug}", note="beside") for org in (low, free)]
    assert {await arena.ended(run_id) for run_id in beside} == {"COMPLETED"}
    findings = [found.format(**named) for found in FINDINGS]

    async def put_off() -> bool:
        return await arena.status(behind) == "PENDING" or await says(arena, said, findings[0])

    await until(put_off, 5)
    await until(lambda: says(arena, said, *findings), SWEPT_WITHIN, pause=0.25)
    assert await arena.taken(held[3], after=fence) > fence
    gate.touch()
    again = await arena.accepted(gone, NOTHING, "after the repair", note="after the repair")
    toll = await arena.charge("counters and a lease edited by hand", len(EDITS), at, [*held, behind, *beside, again])
    assert toll.harmless, toll


@pytest.mark.short
@pytest.mark.fault("F74")
@pytest.mark.promise("P13")
async def test_nonsense_is_refused_by_the_journal_itself_and_the_run_goes_on(arena: Arena) -> None:
    org, gate, at = arena.org(6), arena.gate(), time.monotonic()
    run_id = await waiting_at(arena, org, "nonsense", str(gate))
    for edit in REFUSED:
        with pytest.raises(asyncpg.CheckViolationError):
            await arena.running.journal.execute(edit, run_id)
    gate.touch()
    beside = await arena.accepted(arena.org(7), NOTHING, "beside nonsense", note="beside nonsense")
    toll = await arena.charge("nonsense written into the journal", len(REFUSED), at, [run_id, beside])
    assert toll.harmless, toll


@pytest.mark.fault("F75")
@pytest.mark.promise("P1", "P3", "P10")
async def test_the_last_fences_there_are_count_like_any_and_after_them_runs_wait(arena: Arena) -> None:
    org, day, gate = arena.org(3), arena.next_day(), arena.gate()
    async with fences_from(arena, LAST_FENCE - 40):
        at = time.monotonic()
        crashed = await waiting_at(arena, org, "the last fences", str(gate))
        first, pid = await arena.fence(crashed), arena.service.pid
        await arena.kill()
        await arena.reborn(pid)
        gate.touch()
        extract = await arena.accepted(org, EXTRACT, day, date=day)
        assert {await arena.ended(run_id) for run_id in (crashed, extract)} == {"COMPLETED"}
        assert LAST_FENCE - 40 <= first < await arena.fence(crashed) < LAST_FENCE
        assert await arena.fence(extract) > LAST_FENCE - 40
        said = arena.running.log.stat().st_size
        await arena.running.journal.execute("SELECT setval('fence_seq', $1)", LAST_FENCE)
        behind = await arena.accepted(org, NOTHING, "no fence left", note="no fence left")
        await until(lambda: says(arena, said, "reached maximum value of sequence"), 30)
        assert await arena.status(behind) == "PENDING"
        assert (await org.ask("GET", "/health/ready")).status == 200
    toll = await arena.charge("fences at their end", 1, at, [crashed, extract, behind])
    assert toll.harmless, toll
    await arena.as_the_source(org, day)


@pytest.mark.short
@pytest.mark.fault("F75")
@pytest.mark.promise("P2", "P8")
async def test_an_id_that_collides_costs_one_answer_and_neither_the_run_nor_its_companions(arena: Arena) -> None:
    org = arena.org(5)
    taken = await arena.accepted(org, NOTHING, "taken", note="taken")
    await arena.ended(taken)
    kept, at = await arena.written(taken), time.monotonic()
    async with colliding(arena, taken):
        keys = [f"collision {number}" for number in range(10)]
        replies = await asyncio.gather(*(org.start(NOTHING, key=key, note=key) for key in keys))
        assert replies[0].refusal == (500, 13, "INTERNAL")
        assert {reply.status for reply in replies[1:]} == {200}

        async def accepted() -> str:
            reply = await org.start(NOTHING, key=keys[0], note=keys[0])
            assert reply.status in {200, 500}, reply.json
            return str(reply.json["run_id"]) if reply.status == 200 else ""

        again = await until(accepted)
    acked = [again, *(reply.json["run_id"] for reply in replies[1:])]
    toll = await arena.charge("an id that collides", 1, at, [taken, *acked])
    assert toll.harmless, toll
    assert len({taken, *acked}) == len(keys) + 1
    assert await arena.written(taken) == kept


async def waiting_at(arena: Arena, org: OrgClient, note: str, gate: str) -> str:
    """Start a run that waits for a gate; return it once it is held, if anybody holds runs."""
    run_id = await arena.accepted(org, ACT, note, do="wait", gate=gate, note=note)
    await arena.holder(run_id)
    return run_id


@contextmanager
def edited(arena: Arena, change: Callable[[str], str]) -> Iterator[Callable[[], object]]:
    """Change the file of a pipeline; yield what puts it back before the end of the block."""
    file = arena.folder / "tree" / "configs" / f"{ACT}.yml"
    text = file.read_text()
    file.write_text(change(text))
    try:
        yield lambda: file.write_text(text)
    finally:
        file.write_text(text)


async def pinned(arena: Arena, run_id: str) -> str:
    """Return the hash of the declaration that a run was accepted with."""
    return str(await arena.running.journal.fetchval("SELECT config_hash FROM run WHERE run_id = $1", run_id))


async def says(arena: Arena, since: int, *what: str) -> bool:
    """Whether the service has said all that since its log was so long."""
    text = (await asyncio.to_thread(arena.running.log.read_bytes))[since:]
    return all(one.encode() in text for one in what)


@asynccontextmanager
async def fences_from(arena: Arena, first: int) -> AsyncIterator[None]:
    """Let fences go on from there, and in the end from where they were, which nobody holds any more."""
    journal = arena.running.journal
    before = await journal.fetchval("SELECT last_value FROM fence_seq")
    await journal.execute(f"ALTER SEQUENCE fence_seq RESTART WITH {first}")
    try:
        yield
    finally:
        await journal.execute(f"ALTER SEQUENCE fence_seq RESTART WITH {before + 1}")


@asynccontextmanager
async def colliding(arena: Arena, run_id: str) -> AsyncIterator[None]:
    """Give a new run the id of another."""
    await arena.running.journal.execute(COLLIDE.format(times=COLLISIONS, run_id=run_id))
    try:
        yield
    finally:
        await arena.running.journal.execute(COLLIDE_NO_MORE)
