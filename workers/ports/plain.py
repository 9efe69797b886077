"""Small promises and names that the other ports share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from workers.model.table import TableSchema

Row = Mapping[str, Any]
Failpoint = Callable[[str], None]


class Clock(Protocol):
    """Time, passed in. Leases live on the database's clock, never on this one."""

    def now(self) -> datetime:
        """Wall time, UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class Keys(Protocol):
    """Sealing and opening small secrets with bound additional data.

    Raises FailedError with CREDENTIAL_INVALID (does not open) or CREDENTIAL_UNAVAILABLE (retryable).
    """

    async def encrypt(self, plaintext: bytes, bound: bytes) -> bytes:
        """Seal."""

    async def decrypt(self, ciphertext: bytes, bound: bytes) -> bytes:
        """Open."""


class Schemas(Protocol):
    """Schema and SQL files below configs/."""

    def table(self, name: str) -> TableSchema:
        """Return the declared table; raises FailedError(CONFIG_INVALID) when there is none."""

    def declared(self, name: str) -> bool:
        """Whether a schema file declares the table."""

    def file(self, path: str, folder: str = "") -> TableSchema:
        """Return the table that a schema file declares, named from configs/ or from `folder`; raises likewise."""

    def sql(self, path: str) -> str:
        """Return the text of a .sql file, by its path below configs/."""

    def text(self, path: str) -> str | None:
        """Return the text of any other file below configs/ (a price CSV), None when there is none."""
