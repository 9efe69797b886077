"""The access tokens one process holds: each for its life, and one exchange at a time for each credential."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from attrs import define, field, frozen

from workers.model.failure import FailedError, Failure
from workers.model.secret import Secret
from workers.rest.tokens.verdict import Grant
from workers.rest.wiring import Clock

EARLY_SECONDS = 225.0
"""How long before its end a token is renewed; of a short life the last half."""


@frozen(repr=False)
class Held:
    """A token and until when it is used, on the monotonic clock."""

    token: Secret
    until: float


@define
class _Slot:
    """What is known of one credential: its token, the last failure, and how many exchanges have ended."""

    turn: asyncio.Lock = field(factory=asyncio.Lock)
    held: Held | None = None
    failure: Failure | None = None
    ended: int = 0

    def usable(self, now: float, rejected: Secret | None) -> Secret | None:
        if self.held is None or now >= self.held.until or _same(self.held.token, rejected):
            return None
        return self.held.token


class HeldTokens:
    """Tokens by the key of their credential; the oldest are forgotten beyond `most`."""

    def __init__(self, clock: Clock, most: int = 1000) -> None:
        self._clock = clock
        self._most = most
        self._slots: dict[str, _Slot] = {}

    def find(self, key: str, rejected: Secret | None = None) -> Secret | None:
        """Return a token that may be sent; never the one that was `rejected`."""
        slot = self._slots.get(key)
        return slot.usable(self._clock.monotonic(), rejected) if slot else None

    async def obtain(self, key: str, ask: Callable[[], Awaitable[Held]], rejected: Secret | None = None) -> Secret:
        """Return a token, asking for it when there is none. Who waits for another's asking shares how it ends."""
        slot = self._slot(key)
        before = slot.ended
        async with slot.turn:
            if token := slot.usable(self._clock.monotonic(), rejected):
                return token
            if slot.ended != before and slot.failure is not None:
                raise FailedError(slot.failure)
            try:
                slot.held, slot.failure = await ask(), None
            except FailedError as error:
                slot.failure = error.failure
                slot.ended += 1
                raise
            slot.ended += 1
            return slot.held.token

    def keep(self, key: str, held: Held) -> None:
        """Hold a token under one more key of its credential."""
        self._slot(key).held = held

    def holding(self, grant: Grant) -> Held:
        """Return a grant that came just now with the time until which it is used."""
        early = min(EARLY_SECONDS, grant.seconds / 2)
        return Held(grant.token, self._clock.monotonic() + grant.seconds - early)

    def _slot(self, key: str) -> _Slot:
        slot = self._slots.pop(key, None) or _Slot()
        self._slots[key] = slot
        for oldest in list(self._slots)[: max(0, len(self._slots) - self._most)]:
            del self._slots[oldest]
        return slot


def _same(token: Secret, other: Secret | None) -> bool:
    return other is not None and token.reveal() == other.reveal()
