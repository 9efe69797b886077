"""Refuses calls that come faster than allowed: per organisation, for all, and for starting runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from server.call import Call
from server.interceptors.buckets import Bucket, Buckets
from server.interceptors.meters import limited
from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.org import Caller


class Limits:
    """Calls a minute. A call takes from all its buckets or from none; what needs no key is not limited.

    Calls without a good key never get here: whoever refuses them says so by `stranger`.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        *,
        per_org: int = 100,
        runs_per_org: int = 50,
        in_all: int = 10_000,
        enabled: bool = True,
    ) -> None:
        self._monotonic = monotonic
        self._enabled = enabled
        self._orgs = Buckets(per_org)
        self._runs = Buckets(runs_per_org)
        self._all = Buckets(in_all)

    @asynccontextmanager
    async def __call__(self, call: Call) -> AsyncIterator[None]:
        """Take a token, or refuse with the time to wait."""
        if self._enabled and call.principal.caller is not Caller.NOBODY:
            self._take(self._buckets(call, self._monotonic()))
        yield

    def stranger(self) -> None:
        """Count a call without a good key among those of the service; raises FailedError when that limit is hit."""
        if self._enabled:
            self._take({"service": self._all.of("", self._monotonic())})

    def _buckets(self, call: Call, now: float) -> dict[str, Bucket]:
        name = call.principal.org_slug or "root"
        buckets = {"organisation": self._orgs.of(name, now), "service": self._all.of("", now)}
        if call.policy.starts_run:
            buckets["runs"] = self._runs.of(name, now)
        return buckets

    def _take(self, buckets: dict[str, Bucket]) -> None:
        now = self._monotonic()
        waits = {limit: bucket.wait(now) for limit, bucket in buckets.items()}
        limit = max(waits, key=waits.__getitem__)
        if waits[limit] > 0:
            limited.labels(limit).inc()
            raise _too_fast(limit, waits[limit])
        for bucket in buckets.values():
            bucket.take()


def _too_fast(limit: str, wait: float) -> FailedError:
    message = f"too many calls, the limit is that of the {limit}; wait as retry-after says"
    metadata = {"limit": limit}
    failure = Failure(
        Code.RESOURCE_EXHAUSTED, Reason.RATE_LIMITED, message, retryable=True, retry_after=wait, metadata=metadata
    )
    return FailedError(failure)
