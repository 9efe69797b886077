"""The way to REST APIs, with credential, budget and receipts wired in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Protocol

from attrs import frozen

from workers.model.failure import Code, Reason, refused
from workers.model.page import Page, Read, Receipt
from workers.model.secret import Secret


class Reading(Protocol):
    """One step's way to REST APIs, with its credential, budget and receipts wired in."""

    def pages(self, read: Read) -> AsyncIterator[Page]:
        """Yield pages until the last. Raises FailedError with a PROVIDER_ reason, or SnoozeError for a long wait."""


async def _nowhere(provider: str, _secret: Secret) -> None:
    what = f"a new {provider} credential was issued, and there is nowhere to store it"
    raise refused(Code.FAILED_PRECONDITION, Reason.CREDENTIAL_UNAVAILABLE, what)


def _shared_with_nobody(_provider: str) -> AbstractAsyncContextManager[None]:
    return nullcontext()


async def _unshielded(work: Coroutine[Any, Any, Any]) -> Any:
    return await work


@frozen
class Wiring:
    """What a reading is made of: how a secret is found, how a budget is taken, where receipts go.

    `secret(provider)` or `secret(provider, secret_key)`; `store(provider, secret)` puts a credential that its provider
    has replaced in the place of the stored one, and is to be awaited before the new one is used. While that may
    happen, `turn` holds the fleet-wide lock of the provider's secret, and `shielded` awaits work to its end even when
    the caller is cancelled.
    """

    secret: Callable[..., Awaitable[Secret]]
    take: Callable[[str, float, int], Awaitable[float]]
    receipt: Callable[[Receipt], Awaitable[None]]
    budget_key: str
    user_agent: str = "data-pipeline-service/1.0"
    store: Callable[[str, Secret], Awaitable[None]] = _nowhere
    turn: Callable[[str], AbstractAsyncContextManager[None]] = _shared_with_nobody
    shielded: Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]] = _unshielded


class Reader(Protocol):
    """Opens readings; one session per step, nothing shared but breakers and retry budgets."""

    def open(self, wiring: Wiring) -> AbstractAsyncContextManager[Reading]:
        """Open a reading for one step."""
