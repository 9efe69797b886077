"""The client's blocking calls in bounded threads of their own, with their exceptions read.

Given a number of threads, a clock and chance; hands on awaitable calls that raise TroubleError.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from google.api_core.retry import Retry

from workers.adapters.bigquery.trouble import Kind, TroubleError, of_exception
from workers.ports import Clock

T = TypeVar("T")

CALL_SECONDS = 30.0
ONCE = Retry(predicate=lambda _error: False)  # the client's own would repeat a 500 for ten minutes
UPLOAD_SECONDS = 120.0
_TRIES = 5
_FIRST_WAIT, _LONGEST_WAIT = 0.25, 8.0
_PASSING = {Kind.UNKNOWN, Kind.BUSY, Kind.CHANGED}


class Calls:
    """Runs functions that call BigQuery; at most `threads` at once, the rest queue."""

    def __init__(self, threads: int, clock: Clock, roll: Callable[[], float]) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="bigquery")
        self._clock = clock
        self._roll = roll

    def begin(self, call: Callable[[], T]) -> asyncio.Future[T]:
        """Start a call; whoever awaits the future gets what it returned or its TroubleError."""
        return asyncio.get_running_loop().run_in_executor(self._executor, _read, call)

    async def once(self, call: Callable[[], T]) -> T:
        """Call once."""
        return await self.begin(call)

    async def again(self, call: Callable[[], T]) -> T:
        """Call something that may be repeated freely, until it is answered or five tries are gone."""
        for number in range(1, _TRIES):
            try:
                return await self.once(call)
            except TroubleError as trouble:
                if trouble.kind not in _PASSING:
                    raise
            await self.pause(number)
        return await self.once(call)

    async def pause(self, number: int) -> None:
        """Wait before the next try, longer after each, with full jitter."""
        ceiling = min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** (number - 1))
        await self._clock.sleep(ceiling * self._roll())

    def close(self) -> None:
        """Let running calls end at their timeouts and start no more."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def _read(call: Callable[[], T]) -> T:
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - what is not BigQuery's is raised again as it is
        raise of_exception(error) from None
