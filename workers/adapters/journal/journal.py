"""The journal over Postgres, assembled: it is given a URL and its collaborators, and is the whole of ports.Journal."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self

from workers.adapters.journal.batching import Spawn
from workers.adapters.journal.database import Address, Database
from workers.adapters.journal.dispatch import PostgresDispatch
from workers.adapters.journal.intake import PostgresIntake
from workers.adapters.journal.notices import PostgresNotices
from workers.adapters.journal.queue import PostgresQueue
from workers.adapters.journal.room import Room, Suspicion
from workers.adapters.journal.rounds import PostgresRounds
from workers.adapters.journal.timetable import PostgresTimetable
from workers.adapters.journal.upkeep import PostgresUpkeep
from workers.adapters.journal.wake import Bell
from workers.ports import Failpoint

_SUSPICION = Suspicion()


def _no_failpoint(_: str) -> None:
    """Do nothing."""


class PostgresJournal(
    PostgresIntake,
    PostgresDispatch,
    PostgresUpkeep,
    PostgresTimetable,
    PostgresRounds,
    PostgresQueue,
    PostgresNotices,
):
    """Implements ports.Journal on a database that `migrate` has prepared."""

    def __init__(self, room: Room) -> None:
        PostgresIntake.__init__(self, room)
        PostgresDispatch.__init__(self, room)
        PostgresUpkeep.__init__(self, room)
        PostgresTimetable.__init__(self, room)
        PostgresRounds.__init__(self, room)
        PostgresQueue.__init__(self, room)
        PostgresNotices.__init__(self, room)

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        *,
        spawn: Spawn,
        roll: Callable[[], float],
        lease_seconds: float = 30.0,
        waiting_limit_total: int = 100_000,
        suspicion: Suspicion = _SUSPICION,
        failpoint: Failpoint = _no_failpoint,
        command_timeout: float = 10.0,
        connections: int = 4,
    ) -> AsyncIterator[Self]:
        """Open the journal; nothing connects before the first call.

        `spawn` starts a commit that no caller's cancellation may tear; `roll` gives chance in [0, 1); `connections`
        bounds those of callers and those of workers, each.
        """
        first = int(roll() * 2**40) << 20
        address = Address(url, f"journal {first:x}", command_timeout)
        callers = Database(address, size=connections, roll=roll, failpoint=failpoint)
        workers = Database(address, size=connections, roll=roll, failpoint=failpoint)
        bell = Bell(address, roll)
        numbers = itertools.count(first)
        room = Room(
            address,
            callers,
            workers,
            bell,
            spawn,
            numbers,
            failpoint,
            roll,
            lease_seconds,
            waiting_limit_total,
            suspicion,
        )
        await callers.open()
        await workers.open()
        try:
            yield cls(room)
        finally:
            await callers.close()
            await workers.close()
