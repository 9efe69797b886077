"""Bounds how long a call may take, whatever the caller asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import frozen

from server.call import Call
from workers.model.failure import Code, Reason, refused


@frozen
class Deadline:
    """Longest time in seconds of a single answer and of a stream; a shorter deadline of the caller stands."""

    unary: float = 30.0
    stream: float = 3600.0

    @asynccontextmanager
    async def __call__(self, call: Call) -> AsyncIterator[None]:
        """Cancel what is inside at the deadline and answer DEADLINE_EXCEEDED."""
        longest = self.stream if call.streams else self.unary
        limit = longest if call.remaining is None else min(call.remaining, longest)
        try:
            async with asyncio.timeout(limit) as timer:
                yield
        except TimeoutError:
            if not timer.expired():
                raise
            raise refused(Code.DEADLINE_EXCEEDED, Reason.DEADLINE_EXCEEDED, "the call took too long") from None
