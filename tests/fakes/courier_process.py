"""A courier as a process of its own, which carries once.

`python -m tests.fakes.courier_process URL CONFIGS HOST:PORT`
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from server.clock import SystemClock
from server.failpoints import arm
from server.notifying import open_notifiers
from server.reading import pairs
from workers.adapters.journal import PostgresJournal
from workers.catalog import Catalog
from workers.rest import Egress
from workers.runtime.announcer import Announcer
from workers.runtime.courier import Courier
from workers.runtime.supervisor import Supervisor


async def carry(url: str, folder: str, allowed: str) -> None:
    catalog = Catalog.load(
        Path(folder), processors_package="tests.fixtures.runtime.processors", egress_allow=frozenset({allowed})
    )
    clock, nobody = SystemClock(), lambda: 0.5
    tasks, no_credentials = Supervisor(clock, nobody), object()
    failpoint = arm(pairs(os.environ.get("FAILPOINTS", "")))
    async with PostgresJournal.open(url, spawn=tasks.spawn, roll=nobody, failpoint=failpoint) as journal:
        with open_notifiers(Egress.parse(allowed), clock) as ways:
            anything: Any = (catalog.notifications, no_credentials, ways, clock, nobody)
            await Courier(Announcer(journal, journal, catalog), journal, journal, *anything).carry()


if __name__ == "__main__":
    asyncio.run(carry(*sys.argv[1:]))
