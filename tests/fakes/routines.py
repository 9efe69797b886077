"""Stored procedures kept in memory, with descriptions as the warehouse keeps them; chosen ones cannot be written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import define, evolve, field

from workers.model.failure import Code, FailedError, Reason, refused
from workers.model.routine import Procedure, Routine

AT = datetime(2026, 11, 1, tzinfo=UTC)


@define
class KeptRoutines:
    """Keeps `ports.Routines`; `written` are the names in the order they were written."""

    kept: dict[str, Routine] = field(factory=dict)
    refusing: set[str] = field(factory=set)
    written: list[str] = field(factory=list)

    async def read_all(self) -> tuple[Routine, ...]:
        return tuple(evolve(self.kept[name], definition="", arguments=()) for name in sorted(self.kept))

    async def find(self, name: str) -> Routine | None:
        return self.kept.get(name)

    async def write(self, procedure: Procedure) -> Routine:
        if procedure.name in self.refusing:
            raise _refusal(procedure.name)
        self.written.append(procedure.name)
        later = AT + timedelta(minutes=len(self.written))
        made = Routine(procedure.name, AT, later, procedure.description, procedure.text, procedure.arguments)
        self.kept[procedure.name] = made
        return made

    async def delete(self, name: str) -> bool:
        return self.kept.pop(name, None) is not None


def _refusal(name: str) -> FailedError:
    message = f"write procedure organizations.{name}: BigQuery refuses the request (invalidQuery at 7:1)"
    return refused(Code.FAILED_PRECONDITION, Reason.WAREHOUSE_REJECTED, message)
