"""The way to REST APIs, with credential, budget and receipts wired in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from attrs import frozen

from workers.model.page import Page, Read, Receipt
from workers.model.secret import Secret


class Reading(Protocol):
    """One step's way to REST APIs, with its credential, budget and receipts wired in."""

    def pages(self, read: Read) -> AsyncIterator[Page]:
        """Yield pages until the last. Raises FailedError with a PROVIDER_ reason, or SnoozeError for a long wait."""


@frozen
class Wiring:
    """What a reading is made of: how a secret is found, how a budget is taken, where receipts go."""

    secret: Callable[[str], Awaitable[Secret]]
    take: Callable[[str, float, int], Awaitable[float]]
    receipt: Callable[[Receipt], Awaitable[None]]
    budget_key: str
    user_agent: str = "data-pipeline-service/1.0"


class Reader(Protocol):
    """Opens readings; one session per step, nothing shared but breakers and retry budgets."""

    def open(self, wiring: Wiring) -> AbstractAsyncContextManager[Reading]:
        """Open a reading for one step."""
