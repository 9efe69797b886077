"""A machine that runs short: of disk, of file descriptors, of memory, of threads."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psutil
import pytest

from tests.chaos.arena import Arena
from tests.chaos.lab import ACT
from tests.fakes.bigquery_proxy import BigQueryProxy, Fault
from tests.fakes.org_client import EXTRACT, NOTHING
from tests.fakes.until import until

DISK_MIB, HELD_LOADS = 8, 20


@pytest.mark.fault("F23")
@pytest.mark.promise("P1", "P10")
async def test_a_run_whose_replica_has_no_room_on_disk_waits_until_it_has(arena: Arena) -> None:
    org, day = arena.org(0), arena.next_day()
    with small_disk(arena.folder / "small") as disk:
        shutil.copy(arena.folder / "kms.key", disk / "kms.key")
        async with arena.answering_only(), arena.replica(ROLE="worker", DATA_DIR=str(disk)) as replica:
            filler = fill(disk)
            run_id = await arena.accepted(org, EXTRACT, day, date=day)
            await until(lambda: _said(arena, run_id, "the replica's disk is full"), 60)
            at = time.monotonic()
            assert await arena.status(run_id) == "PENDING"
            beside = await arena.accepted(org, NOTHING, "without room", note="without room")
            assert await arena.ended(beside) == "COMPLETED"
            filler.unlink()
            toll = await arena.charge("a disk of 8 MiB that is full", 1, at, [run_id, beside])
            assert replica.pid
            assert [str(file) for file in (disk / "spool").rglob("*") if file.is_file()] == []
    assert toll.harmless, toll


@pytest.mark.fault("F23")
@pytest.mark.promise("P1", "P2")
async def test_a_journal_without_room_on_disk_takes_no_run_and_keeps_what_it_took(arena: Arena) -> None:
    org, gate = arena.org(4), arena.gate()
    size = await arena.running.journal.fetchval("SELECT pg_table_size('event')")
    with small_disk(arena.folder / "of-the-journal", DISK_MIB + size // 2**20) as disk:
        async with events_on(arena, disk):
            under_way = await arena.accepted(org, ACT, "no room to end", do="wait", gate=str(gate))
            await arena.holder(under_way)
            filler, acked = fill(disk), [under_way]
            while (
                reply := await org.start(NOTHING, key=f"room {len(acked)}", note=f"room {len(acked)}")
            ).status == 200:
                acked.append(reply.json["run_id"])
            at = time.monotonic()
            assert reply.refusal == (503, 14, "SERVICE_UNAVAILABLE")
            gate.touch()
            await until(lambda: _tried(arena, "record"), 30)
            assert await arena.status(under_way) not in {"COMPLETED", "FAILED"}
            filler.unlink()
            acked.append(await arena.accepted(org, NOTHING, f"room {len(acked)}", note=f"room {len(acked)}"))
            toll = await arena.charge("a disk of the journal that is full", 1, at, acked)
    assert toll.harmless, toll


@pytest.mark.fault("F63")
@pytest.mark.promise("P1")
async def test_a_replica_without_a_file_descriptor_left_lives_and_serves_again(arena: Arena) -> None:
    org, gate, at = arena.org(1), arena.gate(), time.monotonic()
    under_way = await arena.accepted(org, ACT, "no descriptors", do="wait", gate=str(gate))
    await arena.holder(under_way)
    pid = arena.service.pid
    with limited(pid, psutil.RLIMIT_NOFILE, psutil.Process(pid).num_fds() + 1):
        asked = [org.start(NOTHING, key=f"fd {number}", note=f"fd {number}") for number in range(40)]
        replies = await asyncio.gather(*asked)
        assert {reply.status for reply in replies} <= {200, 429, 503}
        day = arena.next_day()
        extract = await arena.accepted(org, EXTRACT, day, date=day)
    gate.touch()
    acked = [await arena.accepted(org, NOTHING, f"fd {number}", note=f"fd {number}") for number in range(40)]
    toll = await arena.charge("no file descriptor left", 1, at, [under_way, extract, *acked])
    assert toll.harmless, toll
    assert arena.service.pid == pid


@pytest.mark.fault("F64")
@pytest.mark.promise("P2")
async def test_a_run_that_takes_all_memory_fails_alone(arena: Arena) -> None:
    org, at, pid = arena.org(2), time.monotonic(), arena.service.pid
    with limited(pid, psutil.RLIMIT_AS, psutil.Process(pid).memory_info().vms + (512 << 20)):
        swollen = await arena.accepted(org, ACT, "swelling", do="swell")
        assert await arena.ended(swollen) == "FAILED"
        acked = [await arena.accepted(org, NOTHING, f"beside {n}", note=f"beside {n}") for n in range(5)]
        toll = await arena.charge("a run that takes all memory", 1, at, acked)
    assert toll.harmless, toll
    assert arena.service.pid == pid
    assert (await arena.run(org, swollen))["error"]["reason"] == "PROCESSOR_ERROR"


@pytest.mark.fault("F65")
@pytest.mark.promise("P6")
async def test_hung_loads_of_one_organisation_keep_no_other_from_running(arena: Arena) -> None:
    acked, answer = [], asyncio.Event()
    async with (
        arena.answering_only(),
        hung(arena, answer) as url,
        arena.replica(ROLE="worker", BIGQUERY_EMULATOR_HOST=url),
    ):
        for number in range(HELD_LOADS):
            day = arena.next_day()
            acked.append(await arena.accepted(arena.org(number % 4), EXTRACT, day, date=day))
        at = time.monotonic()
        free = [await arena.accepted(arena.org(7), NOTHING, f"free {n}", note=f"hung {n}") for n in range(5)]
        assert {await arena.ended(run_id, 20) for run_id in free} == {"COMPLETED"}
        assert "COMPLETED" not in {await arena.status(run_id) for run_id in acked}
        answer.set()
        toll = await arena.charge("BigQuery calls that hang on every thread", HELD_LOADS, at, [*acked, *free])
    assert toll.harmless, toll


@asynccontextmanager
async def hung(arena: Arena, answer: asyncio.Event) -> AsyncIterator[str]:
    """Stand before BigQuery and keep every load waiting for its answer; hands on the URL."""
    async with BigQueryProxy(arena.running.stack.environment["BIGQUERY_EMULATOR_HOST"]) as proxy:
        proxy.fail(Fault(job="load", times=None, until=answer))
        try:
            yield proxy.url
        finally:
            answer.set()


@contextmanager
def small_disk(folder: Path, mib: int = DISK_MIB) -> Iterator[Path]:
    """Give a disk of its own, where the machine lets this user mount one."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("this user may mount nothing here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@asynccontextmanager
async def events_on(arena: Arena, disk: Path) -> AsyncIterator[None]:
    """Keep on another disk what grows with all that runs do: they are accepted, started and ended with an event."""
    journal = arena.running.journal
    data = Path(await journal.fetchval("SHOW data_directory"))
    await journal.execute(f"CREATE TABLESPACE small LOCATION '{owned_like(data, disk / 'tables')}'")
    try:
        await journal.execute("ALTER TABLE event SET TABLESPACE small")
        yield
    finally:
        await journal.execute("ALTER TABLE event SET TABLESPACE pg_default")
        await journal.execute("DROP TABLESPACE small")


def owned_like(other: Path, folder: Path) -> Path:
    """Make a folder for whoever owns the other one."""
    folder.mkdir(mode=0o700)
    os.chown(folder, other.stat().st_uid, other.stat().st_gid)
    return folder


def fill(disk: Path) -> Path:
    """Take all room there is."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return filler


@contextmanager
def limited(pid: int, what: int, most: int) -> Iterator[None]:
    """Let a process have no more of something for a while."""
    process = psutil.Process(pid)
    before = process.rlimit(what)
    process.rlimit(what, (most, before[1]))
    try:
        yield
    finally:
        if psutil.pid_exists(pid):
            process.rlimit(what, before)


async def _said(arena: Arena, run_id: str, what: str) -> bool:
    sql = "SELECT count(*) FROM event WHERE run_id = $1 AND message = $2"
    return bool(await arena.running.journal.fetchval(sql, run_id, what))


async def _tried(arena: Arena, statement: str) -> bool:
    """Whether the service has told that the journal could not do something for want of room."""
    return any(statement in line and "No space left" in line for line in await asyncio.to_thread(_lines, arena))


def _lines(arena: Arena) -> list[str]:
    return (arena.folder / "service.log").read_text().splitlines()
