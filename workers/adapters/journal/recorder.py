"""Writing marks: holders of leases share one commit, and each learns whether its lease was still good."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import attrs

from workers.adapters.journal.batching import Batcher
from workers.adapters.journal.encode import placed, to_array
from workers.adapters.journal.errors import RejectedError, UnknownOutcomeError
from workers.adapters.journal.marks import Entry, entry_of
from workers.adapters.journal.room import Room
from workers.model.lease import Lease, Mark, StaleFenceError
from workers.model.run import Change, Ended, Run, RunStatus, TransitionError, advance

Answer = bool | Exception


class Recorder:
    """Turns `record` calls into batches."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._batcher: Batcher[Entry, bool] = Batcher(self._write, spawn=room.spawn)

    async def record(self, lease: Lease, marks: Sequence[Mark]) -> None:
        """Write marks; raises StaleFenceError or TransitionError, and then nothing of them was written."""
        if marks:
            entry = entry_of(lease, marks, next(self._room.numbers))
            await self._batcher.submit(entry, key=lease.run.run_id)

    async def _write(self, entries: Sequence[Entry]) -> list[Answer]:
        ending = any(entry.ends for entry in entries)
        if ending:
            self._room.failpoint("finish.before_commit")
        try:
            answers = await self._commit(entries)
        except UnknownOutcomeError as lost:
            answers = await self._reread(entries, lost)
        except RejectedError as error:
            # One item's data must not cost its companions: nothing was written, so each tries alone.
            return [error] if len(entries) == 1 else [a for entry in entries for a in await self._write([entry])]
        if ending:
            self._room.failpoint("finish.after_commit")
            self._room.bell.ring()
        return answers

    async def _commit(self, entries: Sequence[Entry]) -> list[Answer]:
        rows = await self._room.workers.fetch(
            "record",
            to_array(placed(place, entry.item) for place, entry in enumerate(entries)),
            to_array(event for entry in entries for event in entry.events),
            to_array(step for entry in entries for step in entry.steps),
            to_array(receipt for entry in entries for receipt in entry.receipts),
            _ENDINGS,
        )
        outcomes = {row["ord"]: row["outcome"] for row in rows}
        return [_answer(outcomes[place]) for place in range(len(entries))]

    async def _reread(self, entries: Sequence[Entry], lost: UnknownOutcomeError) -> list[Answer]:
        """Tell from the tables what a lost answer would have said; what was surely not written is written now."""
        await self._room.workers.settle(lost)
        runs, fences = [entry.lease.run.run_id for entry in entries], [entry.lease.fence for entry in entries]
        rows = await self._room.workers.fetch("recorded", runs, fences, [entry.number for entry in entries])
        written = {row["run_id"] for row in rows}
        missing = [entry for entry in entries if entry.lease.run.run_id not in written]
        again = iter(await self._commit(missing) if missing else [])
        return [True if run in written else next(again) for run in runs]


def _answer(outcome: str) -> Answer:
    if outcome == "written":
        return True
    if outcome == "stale":
        return StaleFenceError("the lease is not the run's any more")
    return TransitionError(f"the run is {outcome.removeprefix('refused ')} and cannot end so")


def _endings() -> list[str]:
    """Return every ending that `advance` allows, as `FROM>TO`."""
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    run = Run(UUID(int=0), "", "", "", "", "", "", RunStatus.PENDING, epoch, epoch.date())
    pairs = itertools.product(RunStatus, RunStatus)
    return [f"{now}>{end}" for now, end in pairs if _may(attrs.evolve(run, status=now), Ended(epoch, end))]


def _may(run: Run, change: Change) -> bool:
    try:
        advance(run, change)
    except TransitionError:
        return False
    return True


_ENDINGS = _endings()
