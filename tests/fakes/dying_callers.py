"""Processes that each accept one run and are killed at a commit: forked from this one, which has everything loaded.

Given the journal's URL, the failpoint and how many on the command line; each uses the key "FAILPOINT NUMBER".
"""

from __future__ import annotations

import asyncio
import os
import random
import sys

from server.failpoints import arm
from tests.conformance.journal.conftest import Tasks, new_run
from workers.adapters.journal import PostgresJournal


async def accept(url: str, point: str, key: str) -> None:
    """Accept a run under a key, and die of it."""
    armed, dice = arm([(point, "kill")]), random.SystemRandom()
    async with PostgresJournal.open(url, spawn=Tasks(), roll=dice.random, failpoint=armed) as journal:
        await journal.add(new_run(idempotency_key=key, body_hash=key, parameters_hash=key))


def main() -> int:
    """Fork one after another; 1 when one of them outlived its failpoint."""
    url, point, count = sys.argv[1:]
    for number in range(int(count)):
        key = f"{point} {number}"
        child = os.fork()
        if not child:
            asyncio.run(accept(url, point, key))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
