"""Tables of an organisation's own, in a project of its own: read with its credential, never written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from attrs import frozen

from workers.model.secret import Secret
from workers.model.table_path import TablePath
from workers.ports.plain import Row
from workers.ports.warehouse import Answer, Batch


@frozen
class Access:
    """Whose eyes a source is read with: a service account's key file, and where it is exchanged for a token.

    `provider` is the name that the credential is stored under, `project` the one whose jobs the reading is; without
    one it is the credential's own. Without a secret the service itself reads what was granted to it.
    """

    provider: str = ""
    secret: Secret | None = None
    token_url: str = ""
    project: str = ""


@frozen
class SourceTable:
    """What a table is like: its columns, those of records as `record.column`, and where it is.

    `by_arrival` says that its partitions are the days on which rows arrived, which no column holds.
    """

    columns: frozenset[str]
    location: str
    by_arrival: bool = False


@frozen
class Question:
    """A SELECT over tables of one location, which may bill `most_bytes` at most. Values are parameters."""

    sql: str
    parameters: Row
    location: str
    most_bytes: int


class Answering(Protocol):
    """The answer to a question, page by page."""

    @property
    def bytes_billed(self) -> int:
        """What it cost."""

    def batches(self) -> AsyncIterator[Batch]:
        """Yield pages with rows; no more than one is held."""


class Source(Protocol):
    """Reads one organisation's own tables.

    Raises FailedError with PROVIDER_AUTH, PROVIDER_REFUSED, PROVIDER_UNAVAILABLE or PROVIDER_RATE_LIMIT; SnoozeError
    where a quota of the day is used up.
    """

    @property
    def project(self) -> str:
        """The project of the credential."""

    async def describe(self, table: TablePath) -> SourceTable:
        """Look at a table."""

    async def estimate(self, question: Question) -> int:
        """Return how many bytes the question would read; nothing is read or billed."""

    async def rows(self, question: Question) -> Answer:
        """Return a small answer whole."""

    async def ask(self, question: Question) -> Answering:
        """Run a question to its end, and read the answer from what is returned."""


class Sources(Protocol):
    """The way to organisations' own tables."""

    def open(self, access: Access) -> AbstractAsyncContextManager[Source]:
        """Open one organisation's; a client and a thread of its own, closed with it."""
