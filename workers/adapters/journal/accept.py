"""Accepting runs: concurrent calls share one commit, and each learns its own outcome."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from attrs import frozen

from workers.adapters.journal.batching import Batcher
from workers.adapters.journal.encode import new_run, placed, to_array
from workers.adapters.journal.errors import AwayError, RejectedError, UnknownOutcomeError
from workers.adapters.journal.room import Room
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.lease import Added, NewRun
from workers.model.run import RunStatus


@frozen
class _Item:
    run_id: UUID
    encoded: str


class Acceptor:
    """Turns `add` calls into batches."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._batcher: Batcher[_Item, Added] = Batcher(self._accept, spawn=room.spawn)

    async def add(self, new: NewRun) -> Added:
        """Return the run's place; raises FailedError as the port says."""
        return await self._batcher.submit(_Item(new.run_id, new_run(new)))

    async def _accept(self, items: Sequence[_Item]) -> list[Added | Exception]:
        try:
            answers = await self._commit(items)
        except UnknownOutcomeError as lost:
            answers = await self._reread(items, lost)
        except RejectedError as error:
            # One item's data must not cost its companions: nothing was written, so each tries alone.
            return [error] if len(items) == 1 else [answer for item in items for answer in await self._accept([item])]
        if any(isinstance(answer, Added) and not answer.existing for answer in answers):
            self._room.bell.ring()
        return answers

    async def _commit(self, items: Sequence[_Item]) -> list[Added | Exception]:
        encoded = to_array(placed(place, item.encoded) for place, item in enumerate(items))
        rows = await self._room.callers.fetch("accept", encoded, self._room.waiting_limit_total)
        outcomes = {row["ord"]: answer_of(row) for row in rows}
        return [outcomes[place] for place in range(len(items))]

    async def _reread(self, items: Sequence[_Item], lost: UnknownOutcomeError) -> list[Added | Exception]:
        """Tell from the table what a lost answer would have said: who stands there was accepted, nobody else was."""
        await self._room.callers.settle(lost)
        rows = await self._room.callers.fetch("accepted", [item.run_id for item in items])
        found = {row["run_id"]: Added(row["run_id"], RunStatus(row["status"])) for row in rows}
        return [found.get(item.run_id) or AwayError() for item in items]


def answer_of(row: Any) -> Added | Exception:
    """Read an outcome of the function accept: the run's place, or the error to raise."""
    outcome, retry_after = row["outcome"], row["retry_after"]
    if outcome in {"added", "existing"}:
        return Added(row["known"], RunStatus(row["status"]), existing=outcome == "existing")
    code, reason, message = _REFUSALS[outcome]
    return FailedError(Failure(code, reason, message, retryable=retry_after is not None, retry_after=retry_after))


_REFUSALS = {
    "mismatch": (
        Code.ALREADY_EXISTS,
        Reason.IDEMPOTENCY_MISMATCH,
        "The idempotency key was used for another request.",
    ),
    "daily": (Code.RESOURCE_EXHAUSTED, Reason.QUOTA_EXCEEDED, "The organisation's runs of this UTC day are used up."),
    "monthly": (Code.RESOURCE_EXHAUSTED, Reason.QUOTA_EXCEEDED, "The organisation's runs of this month are used up."),
    "full": (Code.RESOURCE_EXHAUSTED, Reason.QUEUE_FULL, "Too many runs of the organisation are waiting."),
    "away": (Code.UNAVAILABLE, Reason.SERVICE_UNAVAILABLE, "Too many runs are waiting in all."),
}
