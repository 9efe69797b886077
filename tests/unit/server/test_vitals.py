from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest
from attrs import define

from server.health import Health
from server.vitals import Vitals
from tests.fakes.clock import NOON, ManualClock
from workers.model.failure import Code, FailedError, Failure, Reason


@define(eq=False)
class Pulse:
    """A journal that answers, is away, or hangs; and what else may be wrong."""

    away: bool = False
    hangs: bool = False
    known: bool = True
    sick: bool = False

    async def ping(self) -> datetime:
        if self.away:
            raise FailedError(Failure(Code.UNAVAILABLE, Reason.SERVICE_UNAVAILABLE, "away", retryable=True))
        if self.hangs:
            await asyncio.Event().wait()
        return NOON


def vitals(pulse: Pulse, clock: ManualClock | None = None, patience: float = 0.05) -> Vitals:
    journal: Any = pulse
    return Vitals(
        Health(["x"]), journal, clock or ManualClock(), lambda: pulse.known, lambda: pulse.sick, patience=patience
    )


@pytest.mark.parametrize("wrong", [{"away": True}, {"hangs": True}, {"known": False}, {"sick": True}])
async def test_one_thing_that_is_wrong_is_enough(wrong: dict[str, bool]) -> None:
    assert not await vitals(Pulse(**wrong)).well()


async def test_a_replica_serves_while_all_is_well() -> None:
    assert await vitals(Pulse()).well()


async def test_health_follows_within_a_second() -> None:
    pulse, clock = Pulse(), ManualClock()
    watched = vitals(pulse, clock)
    looking = asyncio.get_running_loop().create_task(watched.run())
    for away in (False, True, False):
        pulse.away = away
        await clock.until_asleep()
        clock.advance(1)
        await asyncio.sleep(0)
        await clock.until_asleep()
        assert watched.health.serving is not away
    looking.cancel()


async def test_a_replica_that_stops_never_serves_again() -> None:
    pulse, clock = Pulse(), ManualClock()
    watched = vitals(pulse, clock)
    looking = asyncio.get_running_loop().create_task(watched.run())
    await clock.until_asleep()
    assert watched.health.serving
    await watched.stop()
    assert not watched.health.serving
    clock.advance(1)
    await looking
    assert not watched.health.serving


async def test_a_look_that_ends_after_the_stop_changes_nothing() -> None:
    pulse = Pulse(hangs=True)
    watched = vitals(pulse, patience=30)
    looking = asyncio.get_running_loop().create_task(watched.run())
    await asyncio.sleep(0)
    await watched.stop()
    pulse.hangs = False
    looking.cancel()
    await asyncio.wait({looking})
    assert not watched.health.serving
