"""What a reading is handed, as promises of its own: this folder knows neither a journal nor a credential store."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Protocol

from workers.model.page import Receipt
from workers.model.secret import Secret


class Clock(Protocol):
    """Time, passed in."""

    def now(self) -> datetime:
        """Wall time, UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class Wiring(Protocol):
    """How a secret is found and replaced, how a rate budget is taken, where receipts go.

    `take(key, per_minute, burst)` gives 0 when taken, else the seconds until it could be. `turn` and `shielded`
    are for secrets that change with their use.
    """

    @property
    def secret(self) -> Callable[..., Awaitable[Secret]]:
        """Find the secret of a provider, or else the one that the run keeps under a second name."""

    @property
    def store(self) -> Callable[[str, Secret], Awaitable[None]]:
        """Store what a provider has replaced a credential by, before it is used."""

    @property
    def take(self) -> Callable[[str, float, int], Awaitable[float]]:
        """Take one from a rate budget."""

    @property
    def receipt(self) -> Callable[[Receipt], Awaitable[None]]:
        """Keep the receipt of a page."""

    @property
    def budget_key(self) -> str:
        """Whose budgets these are: one credential of one organisation."""

    @property
    def user_agent(self) -> str:
        """What the service calls itself."""

    @property
    def turn(self) -> Callable[[str], AbstractAsyncContextManager[None]]:
        """Hold the fleet-wide lock of a provider's secret while inside."""

    @property
    def shielded(self) -> Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]]:
        """Await work to its end even when the caller is cancelled."""
