"""Notices: what the journal keeps of them, and who carries them away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from attrs import field, frozen

from workers.model.notice import Letter, MailServer, Posting
from workers.model.secret import Secret

Key = tuple[str, str, str]
"""Organisation, pipeline and event that something was kept under; the last two may be empty."""


@frozen
class News:
    """Something that happened and may have to be told; `run_id` is the run it is about."""

    parcel_id: int
    run_id: UUID | None
    payload: Mapping[str, Any] = field(factory=dict)


@frozen
class Planned:
    """What comes of some news: letters to be sent, and what was told as it stands now (None: nothing any more)."""

    news: tuple[int, ...]
    letters: tuple[Letter, ...]
    told: Mapping[Key, Mapping[str, Any] | None]


class Notices(Protocol):
    """The part of the journal that keeps what is to be told. Raises FailedError(SERVICE_UNAVAILABLE)."""

    async def tell(self, payload: Mapping[str, Any]) -> None:
        """Keep news that is about no run."""

    async def news(self, limit: int) -> tuple[News, ...]:
        """Return the oldest news; what a step asked for only when its run has ended."""

    async def told(self, keys: Sequence[Key]) -> Mapping[Key, Mapping[str, Any]]:
        """Return what was kept under keys."""

    async def overdue(self, limit: int) -> Mapping[Key, Mapping[str, Any]]:
        """Return pauses that are over and have held something back."""

    async def plan(self, planned: Planned) -> bool:
        """Write letters and what was told, and forget the news, in one commit; False when another one has."""

    async def undertake(self, most: int, each: int, seconds: float) -> tuple[Posting, ...]:
        """Take letters that are due, the first of each lane and at most `each` of an organisation.

        Nobody else is given them for so many seconds; after that they are due again, unless they are `sent`.
        """

    async def sent(self, posting: Posting) -> None:
        """Forget a letter that has arrived, or never will."""

    async def put_off(self, posting: Posting, seconds: float, why: str) -> None:
        """Try a letter again later."""

    async def ping(self) -> datetime:
        """Return the database's time."""


@frozen
class Way:
    """How a letter gets to whom it is for: the mail server where there is one, and what opens it."""

    server: MailServer | None = None
    secret: Secret | None = None


class Notifier(Protocol):
    """Carries letters of one channel away."""

    async def send(self, letter: Letter, way: Way) -> None:
        """Send once. Raises FailedError, `retryable` when the letter may arrive later.

        Sent again, it is recognised by its key.
        """
