"""One mailbox per organisation that has work here; workers take from them in turn."""

from __future__ import annotations

import asyncio

from workers.model.lease import Lease


class Mailboxes:
    """An organisation has a mailbox only while something lies in it, and one turn however much that is.

    No more than `slots` leases may lie here at once: whoever puts has claimed no more than that.
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._boxes: dict[str, asyncio.Queue[Lease]] = {}
        self._turns: asyncio.Queue[str] = asyncio.Queue(slots)

    def put(self, lease: Lease) -> None:
        """Lay a leased run into its organisation's mailbox; raises asyncio.QueueFull beyond the slots."""
        org = lease.run.org_slug
        box = self._boxes.get(org)
        if box is None:
            box = self._boxes[org] = asyncio.Queue(self._slots)
            self._turns.put_nowait(org)
        box.put_nowait(lease)

    async def take(self) -> Lease:
        """Wait for work and return the oldest of the organisation whose turn it is."""
        org = await self._turns.get()
        box = self._boxes[org]
        lease = box.get_nowait()
        if box.empty():
            del self._boxes[org]
        else:
            self._turns.put_nowait(org)
        return lease

    def clear(self) -> tuple[Lease, ...]:
        """Empty every mailbox and return what lay there."""
        left: list[Lease] = []
        for box in self._boxes.values():
            while not box.empty():
                left.append(box.get_nowait())
        self._boxes.clear()
        while not self._turns.empty():
            self._turns.get_nowait()
        return tuple(left)

    def __len__(self) -> int:
        return sum(box.qsize() for box in self._boxes.values())
