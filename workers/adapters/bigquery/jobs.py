"""Jobs under names of our own, each run once: a lost answer, a crash or a second attempt finds the job again.

Given a name and how to submit a job under an id; hands on the finished job. The ids of a name are the name, then
`name_a2`, `name_a3` …: a failed job keeps its id for ever, so what may succeed on another try gets the next one.
Whoever starts over walks the same ids from the first, so no id needs to be written down before it is used.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import cast

from attrs import frozen
from google.cloud import bigquery

from workers.adapters.bigquery.calls import CALL_SECONDS, ONCE, Calls
from workers.adapters.bigquery.trouble import Kind, TroubleError, of_job
from workers.ports import Clock

Job = bigquery.QueryJob | bigquery.LoadJob
Submit = Callable[[str], Job]

_OWN_TRIES = 5
_MOST_IDS = 100
_LOOK_UPS = 6
_FIRST_POLL, _LONGEST_POLL = 0.05, 1.0
_LOST = {Kind.UNKNOWN, Kind.BUSY}


@frozen
class Done:
    """A job that succeeded; `adopted` when an earlier attempt had submitted it."""

    job: Job
    adopted: bool


@frozen
class _Found:
    job: Job
    ours: bool


class Jobs:
    """Submits, finds and awaits jobs. `job_seconds` bounds the wait for one; it runs on and is adopted later."""

    def __init__(self, client: bigquery.Client, calls: Calls, clock: Clock, *, job_seconds: float = 600.0) -> None:
        self._client = client
        self._calls = calls
        self._clock = clock
        self._job_seconds = job_seconds

    async def run(
        self,
        name: str,
        submit: Submit,
        *,
        first: asyncio.Future[Job] | None = None,
        usable: Callable[[], Awaitable[bool]] | None = None,
    ) -> Done:
        """Run the job to its end, or adopt it; TroubleError says why it cannot be done.

        `first` is the submission under the first id when it is already on its way; an adopted success counts only
        while `usable` says that its result is still there.
        """
        own_tries = 0
        for number in count(1):
            found = await self._obtain(name if number == 1 else f"{name}_a{number}", submit, first)
            first = None
            job = await self._end_of(found.job)
            if not job.error_result:
                if found.ours or usable is None or await usable():
                    return Done(job, not found.ours)
                continue
            own_tries += found.ours
            trouble = of_job(job.error_result)
            if number >= _MOST_IDS or (found.ours and (trouble.kind is not Kind.BUSY or own_tries >= _OWN_TRIES)):
                raise trouble
            if found.ours:
                await self._calls.pause(own_tries)
        raise AssertionError("count() does not end")

    async def _obtain(self, job_id: str, submit: Submit, first: asyncio.Future[Job] | None) -> _Found:
        """Submit, or find what an unknown outcome or an earlier attempt left under the id."""
        ours = False
        for number in range(1, _LOOK_UPS + 1):
            try:
                job = await (first or self._calls.begin(lambda: submit(job_id)))
            except TroubleError as trouble:
                if trouble.kind is not Kind.EXISTS and trouble.kind not in _LOST:
                    raise
                ours = ours or trouble.kind in _LOST
            else:
                return _Found(job, ours=True)
            first = None
            existing = await self._find(job_id)
            if existing is not None:
                return _Found(existing, ours)
            await self._calls.pause(number)
        raise TroubleError(Kind.UNKNOWN, "job")

    async def _find(self, job_id: str) -> Job | None:
        try:
            return await self._calls.again(lambda: self._get(job_id))
        except TroubleError as trouble:
            if trouble.kind is Kind.MISSING:
                return None
            raise

    async def _end_of(self, job: Job) -> Job:
        until = self._clock.monotonic() + self._job_seconds
        wait = _FIRST_POLL
        while job.state != "DONE":
            if self._clock.monotonic() > until:
                raise TroubleError(Kind.UNKNOWN, "job")
            await self._clock.sleep(wait)
            wait = min(_LONGEST_POLL, wait * 2)
            job_id = str(job.job_id)
            job = await self._calls.again(lambda: self._get(job_id))  # noqa: B023 - awaited before the next turn
        return job

    def _get(self, job_id: str) -> Job:
        return cast("Job", self._client.get_job(job_id, retry=ONCE, timeout=CALL_SECONDS))
