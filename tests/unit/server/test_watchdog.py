from __future__ import annotations

import asyncio
import threading
import time

import pytest
from structlog.testing import capture_logs

from server.watchdog import Watchdog
from tests.fakes.until import until


async def settled(watchdog: Watchdog) -> None:
    async def well() -> bool:
        return not watchdog.sick

    await until(well, pause=0.01)


@pytest.mark.fault("F11")
async def test_a_blocked_loop_is_told_once_with_the_stack_of_what_blocks_it() -> None:
    watchdog = Watchdog(loud=0.1)
    with capture_logs() as logs, watchdog.watching(asyncio.get_running_loop()):
        time.sleep(0.4)  # noqa: ASYNC251 - blocking is what is watched for
        await asyncio.sleep(0)
    (told,) = [entry for entry in logs if entry["event"] == "event loop blocked"]
    assert "test_a_blocked_loop_is_told_once" in told["stack"]
    assert told["seconds"] >= 0.1


@pytest.mark.fault("F11")
async def test_a_loop_that_stands_still_makes_the_replica_sick_until_it_turns_again() -> None:
    watchdog = Watchdog(loud=0.1, sick_after=0.2)
    with watchdog.watching(asyncio.get_running_loop()):
        time.sleep(0.5)  # noqa: ASYNC251 - likewise
        assert watchdog.sick
        await settled(watchdog)


async def test_a_loop_that_turns_is_not_spoken_of() -> None:
    watchdog = Watchdog(loud=5)
    with capture_logs() as logs, watchdog.watching(asyncio.get_running_loop()):
        await asyncio.sleep(0)
    assert (watchdog.sick, logs) == (False, [])


async def test_the_watching_thread_goes_with_the_watching() -> None:
    with Watchdog().watching(asyncio.get_running_loop()):
        assert "watchdog" in {thread.name for thread in threading.enumerate()}
    assert "watchdog" not in {thread.name for thread in threading.enumerate()}
