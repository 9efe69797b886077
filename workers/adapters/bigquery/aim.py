"""What a publication replaces: days of a table, and which rows of them. Pure."""

from __future__ import annotations

import json
from datetime import date

from attrs import field, frozen

from workers.model.failure import Code, FailedError, Failure, Reason
from workers.model.table import TableSchema
from workers.model.window import DateWindow
from workers.ports import Row

WHOLE = date(1, 1, 1)  # the ledger's day for a table that is published in one piece
FILLED_IN = ("run_id", "ingested_at")  # never taken from a row


@frozen
class Aim:
    """What is published where: the days of `window` (all of the table when None) among rows that match `scope`."""

    table: TableSchema
    window: DateWindow | None
    scope: Row = field(factory=dict)
    allow_shrink: bool = False

    def __attrs_post_init__(self) -> None:
        if self.window is not None and self.table.partition is None:
            raise _misused(f"table {self.table.name} has no partition that a window of days could name")
        for name, value in self.scope.items():
            if self.table.column(name) is None or name in FILLED_IN or value is None:
                raise _misused(f"column {name} of table {self.table.name} cannot be a scope")

    @property
    def scope_text(self) -> str | None:
        """The scope as the ledger keeps it."""
        return json.dumps(dict(self.scope), sort_keys=True, default=str) if self.scope else None

    @property
    def days(self) -> tuple[date, date]:
        """First and last day in the ledger."""
        return (self.window.first, self.window.last) if self.window else (WHOLE, WHOLE)


def _misused(message: str) -> FailedError:
    return FailedError(Failure(Code.FAILED_PRECONDITION, Reason.CONFIG_INVALID, message))
