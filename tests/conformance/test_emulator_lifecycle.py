"""The emulator's life: what a stop, a crash and a start keep, and how it tells that it cannot start."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import duckdb
import psutil
import pytest
from google.api_core.exceptions import Conflict, NotFound
from requests.exceptions import ConnectionError as LostConnection

from sandbox.bigquery.connect import connect
from sandbox.bigquery.launch import Emulator, EmulatorError
from tests.plugins.emulator_calls import DAYS, SCHEMA, create_table, fill, load, query

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engine

STARTER = """
import asyncio, sys
from pathlib import Path
from sandbox.bigquery.launch import Emulator

async def start() -> None:
    emulator = Emulator(Path(sys.argv[1]))
    await emulator.start()
    print(emulator.pid, flush=True)
    await emulator.wait()

asyncio.run(start())
"""


def count(bq: Any, table: str) -> int:
    return int(query(bq, f"SELECT COUNT(*) AS n FROM {table}")[0][0])


async def test_a_crash_keeps_what_was_committed_and_nothing_of_an_open_transaction(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path, admit_readers=True)
    await emulator.start()
    loaded = await asyncio.to_thread(_prepare, emulator)
    await asyncio.gather(asyncio.to_thread(_replace_until_lost, emulator), _kill_in_the_middle(emulator))
    await emulator.start()
    with connect(emulator.rest) as bq:
        assert await asyncio.to_thread(count, bq, "ds.kept") == 2
        assert (await asyncio.to_thread(bq.get_job, loaded)).state == "DONE"
        with pytest.raises(NotFound):
            await asyncio.to_thread(bq.get_job, "lost")
        with pytest.raises(Conflict):
            await asyncio.to_thread(load, bq, "ds.kept", {"id": ["x"], "day": DAYS[:1]}, loaded)
    await emulator.stop()


def _prepare(emulator: Emulator) -> str:
    with connect(emulator.rest) as bq:
        bq.create_dataset("ds")
        return fill(bq, create_table(bq, "ds.kept"))


def _replace_until_lost(emulator: Emulator) -> None:
    insert = "INSERT INTO ds.kept (id, day) VALUES ('x', DATE '2025-01-01');"
    script = f"BEGIN TRANSACTION; DELETE FROM ds.kept WHERE TRUE; {insert * 100} COMMIT TRANSACTION;"
    with connect(emulator.rest) as bq, pytest.raises(LostConnection):
        bq.query(script, job_id="lost", retry=None, job_retry=None, timeout=30)


async def _kill_in_the_middle(emulator: Emulator) -> None:
    """Every answer lets the script go one statement further: ten of them are well inside its transaction."""
    running = 0
    with connect(emulator.rest) as bq:
        while running < 10:
            with contextlib.suppress(NotFound):
                running += (await asyncio.to_thread(bq.get_job, "lost")).state == "RUNNING"
    await emulator.kill()


async def test_a_stop_and_a_start_keep_tables_rows_and_layout(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path)
    await emulator.start()
    await asyncio.to_thread(_prepare, emulator)
    await emulator.stop()
    assert emulator.exit_code == 0
    await emulator.start()
    with connect(emulator.rest) as bq:
        assert await asyncio.to_thread(count, bq, "ds.kept") == 2
        assert (await asyncio.to_thread(bq.get_table, "ds.kept")).schema == SCHEMA
    await emulator.stop()


async def test_an_emulator_that_cannot_start_shows_its_log(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match="no such repair: imagined"):
        await Emulator(tmp_path, without=("imagined",)).start()


async def test_a_stop_may_come_before_a_start_and_twice(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path)
    await emulator.stop()
    await emulator.start()
    await emulator.stop()
    await emulator.stop()
    assert emulator.pid == 0


async def test_a_job_is_forgotten_after_a_week(tmp_path: Path) -> None:
    emulator = Emulator(tmp_path)
    await emulator.start()
    loaded = await asyncio.to_thread(_prepare, emulator)
    await emulator.stop()
    with duckdb.connect(tmp_path / "bqemulator.duckdb") as storage:
        storage.execute("UPDATE _bqemulator_catalog.jobs SET creation_time = creation_time - INTERVAL 8 DAY")
    await emulator.start()
    with connect(emulator.rest) as bq, pytest.raises(NotFound):
        await asyncio.to_thread(bq.get_job, loaded)
    await emulator.stop()


def test_it_does_not_outlive_whoever_started_it(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", STARTER, tmp_path], stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        emulator = psutil.Process(int(starter.stdout.readline()))
        starter.kill()
    emulator.wait(timeout=20)
    assert not emulator.is_running()
