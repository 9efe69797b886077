"""One request until it has an answer: rate budget, circuit, attempts. Waits too long for a slot are handed back."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from attrs import evolve, frozen

from workers.model.failure import FailedError, Reason, SnoozeError, pause_for
from workers.model.page import Read
from workers.model.pause import Pause
from workers.model.retry import Again, decide
from workers.model.secret import Secret
from workers.rest.circuit import Circuits
from workers.rest.paging import Answer
from workers.rest.request import Request
from workers.rest.sender import Sender
from workers.rest.trouble import Trouble
from workers.rest.wiring import Clock, Wiring

BACKOFF_SECONDS = 0.5

_log = structlog.get_logger(__name__)


@frozen
class _Call:
    read: Read
    request: Request
    secret: Secret | None
    key: str


class Calls:
    """Makes requests for one reading. A wait beyond `patience` seconds in all raises SnoozeError."""

    def __init__(
        self,
        sender: Sender,
        wiring: Wiring,
        circuits: Circuits,
        clock: Clock,
        roll: Callable[[], float],
        patience: float,
    ) -> None:
        self._sender = sender
        self._wiring = wiring
        self._circuits = circuits
        self._clock = clock
        self._roll = roll
        self._patience = patience
        self._polled: set[str] = set()

    async def poll(self, read: Read, request: Request) -> None:
        """Take a poll of the provider, once for this reading and host; raises SnoozeError when there is none left."""
        limits, host = read.endpoint.limits, request.url.authority
        if not limits.polls_per_minute or host in self._polled:
            return
        patience = _Patience(self._clock, self._patience, host)
        key = f"{self._wiring.budget_key} {host} polls"
        while seconds := await self._wiring.take(key, limits.polls_per_minute, limits.poll_burst):
            await patience.wait(seconds, "for the next poll", Pause.RATE_BUDGET)
        self._polled.add(host)

    async def answer(self, read: Read, request: Request, secret: Secret | None) -> Answer:
        """Return the page; raises FailedError with a PROVIDER_ reason, or SnoozeError.

        A failure that opened the circuit says as its `retry_after` when the host may be asked again.
        """
        host = request.url.authority
        credential = read.endpoint.auth.provider or read.endpoint.provider
        call = _Call(read, request, secret, f"{self._wiring.budget_key} {credential} {host}")
        patience = _Patience(self._clock, self._patience, host)
        attempt = 1
        while True:
            outcome = await self._attempt(call, patience)
            if isinstance(outcome, Answer):
                return outcome
            error = outcome.error(f"{request.method} {request.shown}", read.endpoint.provider, attempt)
            delay = self._delay(call, error, attempt)
            if delay is None:
                raise error
            open_for = self._circuits.of(call.key).open_for(self._clock.monotonic())
            if open_for > patience.left:
                # Not a snooze: what failed must count, or a host that stays down is asked for ever.
                later = max(open_for, error.failure.retry_after or 0.0)
                raise FailedError(evolve(error.failure, retry_after=later))
            _log.warning("provider call failed", error=str(error), attempt=attempt, delay=delay)
            reason = error.failure.reason
            await patience.wait(delay, "to try again", pause_for(reason), reason)
            attempt += 1

    def _delay(self, call: _Call, error: FailedError, attempt: int) -> float | None:
        attempts = call.read.endpoint.limits.attempts
        # Being told to come back later is no failure of an attempt when the slot is given back meanwhile.
        long = error.failure.retryable and (error.failure.retry_after or 0.0) > self._patience
        decision = decide(error.failure, attempt, attempt + 1 if long else attempts, BACKOFF_SECONDS, self._roll())
        if not isinstance(decision, Again):
            return None
        return decision.delay if long or self._circuits.of(call.key).may_retry() else None

    async def _attempt(self, call: _Call, patience: _Patience) -> Answer | Trouble:
        limits = call.read.endpoint.limits
        while seconds := await self._wiring.take(call.key, limits.requests_per_minute, limits.burst):
            await patience.wait(seconds, "for the rate limit", Pause.RATE_BUDGET)
        while seconds := self._circuits.of(call.key).enter(self._clock.monotonic()):
            await patience.wait(seconds, "for the host to recover", Pause.HOST_DOWN)
        try:
            outcome = await self._sender.send(call.read, call.request, call.secret)
        except BaseException:
            self._circuits.of(call.key).abandoned()
            raise
        self._report(call.key, outcome)
        return outcome

    def _report(self, key: str, outcome: Answer | Trouble) -> None:
        if isinstance(outcome, Trouble) and outcome.unwell:
            self._circuits.of(key).failed(self._clock.monotonic())
        else:
            self._circuits.of(key).succeeded()
        self._circuits.tidy(key)


class _Patience:
    """What one request may wait while it holds a slot."""

    def __init__(self, clock: Clock, left: float, host: str) -> None:
        self._clock = clock
        self.left = left
        self._host = host

    async def wait(self, seconds: float, why: str, pause: Pause, failure: Reason | None = None) -> None:
        if seconds > self.left:
            raise SnoozeError(seconds, f"waiting {why}: {self._host}", pause=pause, failure=failure)
        self.left -= seconds
        await self._clock.sleep(seconds)
