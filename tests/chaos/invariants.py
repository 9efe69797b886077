"""What must hold after every fault, looked up behind the service's back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import asyncpg
import psutil
from attrs import frozen

from tests.chaos.canaries import Canaries
from tests.chaos.toll import Counted
from tests.chaos.witness import Witness
from tests.fakes.until import until

# What one replica may hold when nothing happens: eight pooled sessions, the bell's, and one of each role it leads;
# files and threads with room for every pool of the process at its bound.
MOST_SESSIONS, MOST_FILES, MOST_THREADS = 14, 250, 120

NOT_COMPLETED = """
SELECT format('%s of %s is %s, not completed: %s', run_id, pipeline, status, error) FROM run
WHERE run_id = ANY ($1::uuid[]) AND status <> 'COMPLETED'
"""
ABSENT = """
SELECT format('%s was accepted and is not there', a) FROM unnest($1::uuid[]) AS a
WHERE NOT EXISTS (SELECT 1 FROM run r WHERE r.run_id = a)
"""
ENDS = """
SELECT format('%s has %s ends and %s events up to number %s', run_id, ends, events, last) FROM (
    SELECT run_id, count(*) AS events, max(sequence) AS last, count(*) FILTER (WHERE type = 'TERMINAL') AS ends,
        max(sequence) FILTER (WHERE type = 'TERMINAL') AS ended
    FROM event GROUP BY run_id
) e WHERE NOT EXISTS (SELECT 1 FROM queue q WHERE q.run_id = e.run_id)
    AND (ends <> 1 OR last <> events OR ended <> last)
"""
OTHER_ENDS = """
SELECT format('%s is %s and told %s', r.run_id, r.status, e.status) FROM run r JOIN event e USING (run_id)
WHERE e.type = 'TERMINAL' AND e.status <> r.status
"""
KEYS = """
SELECT format('the key %s of %s stands for no run of its organisation', i.key, i.org) FROM idempotency i
WHERE NOT EXISTS (SELECT 1 FROM run r WHERE r.run_id = i.run_id AND r.org = i.org)
"""
DRIFT = "SELECT format('lane %s counts %s, has %s', org, counted, actual) FROM lane_drift"
ASLEEP = "SELECT format('lane %s sleeps over waiting runs', org) FROM lane_asleep"
TALLY = """
SELECT format('%s waiting runs are counted in an empty queue', sum(waiting)) FROM tally
HAVING sum(waiting) <> (SELECT count(*) FROM queue WHERE state <> 'leased')
"""
SESSIONS = """
SELECT format('%s holds %s sessions', application_name, count(*)) FROM pg_stat_activity
WHERE application_name LIKE 'journal %%' GROUP BY application_name HAVING count(*) > $1
"""
TORN = """
SELECT format('a session of %s has stood in a transaction since %s', application_name, xact_start)
FROM pg_stat_activity WHERE application_name LIKE 'journal %%' AND state LIKE 'idle in transaction%%'
"""


@frozen
class Invariants:
    """Looks at one arena: its journal, its data directory, its witness, and the audit rows that were published."""

    journal: asyncpg.Pool[Any]
    folder: Path
    witness: Witness
    canaries: Canaries

    async def broken(self, acked: Collection[str], keys: Mapping[tuple[str, str], set[str]]) -> Counted:
        """Return what is wrong once nothing waits any more; `keys` is what callers were told of each."""
        still = await self._quiet()
        lost = await self._found(NOT_COMPLETED, list(acked)) + await self._found(ABSENT, list(acked))
        twice = await self._found(ENDS) + await self._found(OTHER_ENDS) + await self._found(KEYS)
        twice += [f"key {key} was told to be {runs}" for key, runs in keys.items() if len(runs) > 1]
        twice += await self.witness.findings()
        left = still + await self._left() + await self._torn()
        return Counted(tuple(lost), tuple(twice), tuple(left + self.canaries.found()))

    async def _quiet(self) -> list[str]:
        """Wait until nothing is queued, and tell what still is."""

        async def empty() -> bool:
            return bool(await self.journal.fetchval("SELECT count(*) = 0 FROM queue"))

        try:
            await until(empty, 60)
        except AssertionError:
            return await self._found("SELECT format('%s is still %s, %s', run_id, state, status) FROM queue")
        return []

    async def _left(self) -> list[str]:
        """Tell of counters that are wrong and files that nobody will load."""
        wrong = await self._found(DRIFT) + await self._found(ASLEEP) + await self._found(TALLY)
        kept = [file for part in ("spool", "pages") for file in (self.folder / part).rglob("*") if file.is_file()]
        return wrong + [f"{file} was left behind" for file in kept]

    async def _torn(self) -> list[str]:
        """Tell of sessions that are too many, or that stand in a transaction and stay there."""

        async def none() -> bool:
            return not await self._found(TORN)

        try:
            await until(none, 15)
        except AssertionError:
            return await self._found(TORN)
        return await self._found(SESSIONS, MOST_SESSIONS)

    async def _found(self, sql: str, *arguments: object) -> list[str]:
        return [str(row[0]) for row in await self.journal.fetch(sql, *arguments)]


def swollen(pids: Iterable[int]) -> list[str]:
    """Tell which processes hold more files or threads than all their pools together."""
    found = []
    for pid in pids:
        try:
            process = psutil.Process(pid)
            files, threads = process.num_fds(), process.num_threads()
        except psutil.NoSuchProcess:
            continue
        if files > MOST_FILES or threads > MOST_THREADS:
            found.append(f"process {pid} holds {files} files and {threads} threads")
    return found
