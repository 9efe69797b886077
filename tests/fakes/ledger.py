"""Takes audit rows and keeps them, or fails to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from attrs import define, field


@define(eq=False)
class Ledger:
    rows: list[Mapping[str, Any]] = field(factory=list)
    before: Callable[[], Awaitable[None]] | None = None

    async def audit(self, entry: Mapping[str, Any]) -> None:
        if self.before is not None:
            await self.before()
        self.rows.append(entry)
