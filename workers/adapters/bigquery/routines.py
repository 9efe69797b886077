"""Stored procedures of the platform's dataset. A `ports.Routines`.

DDL replaces a procedure and takes its description away; the description, which says what it was written from, is set
through the routines API afterwards. Between the two it counts as out of sync, which the next sync mends.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen
from google.cloud import bigquery

from workers.adapters.bigquery.calls import CALL_SECONDS, ONCE, Calls
from workers.adapters.bigquery.failures import explained
from workers.adapters.bigquery.publishing import Queries
from workers.adapters.bigquery.rendering import fill_known
from workers.adapters.bigquery.trouble import Kind, TroubleError
from workers.model.failure import Code, Reason, refused
from workers.model.routine import Argument, Procedure, Routine
from workers.model.table import identifier

_READ_ONLY = {"routineReference", "etag", "creationTime", "lastModifiedTime"}


@frozen
class BigQueryRoutines:
    """`listing` is the SELECT that lists procedures, `name_query` gives a job a name."""

    client: bigquery.Client
    calls: Calls
    queries: Queries
    central: str
    listing: str
    name_query: Callable[[], str]

    async def read_all(self) -> tuple[Routine, ...]:
        """Return all procedures by name, without their definitions."""
        with explained(f"list procedures of {self.central}"):
            done = await self.queries.run(self.name_query(), self.listing, ())
            answer = await self.queries.answer(done)
        return tuple(
            Routine(row["name"], row["created"], row["modified"], row["description"] or "") for row in answer.rows
        )

    async def find(self, name: str) -> Routine | None:
        """Return one with its definition."""
        with explained(f"read procedure {self.central}.{name}"):
            return _routine(await self._get(name))

    async def write(self, procedure: Procedure) -> Routine:
        """Create or replace one, and return it as it reads back, its description included."""
        names = {"project_id": str(self.client.project), "central_dataset": self.central}
        with explained(f"write procedure {self.central}.{procedure.name}"):
            await self.queries.run(self.name_query(), fill_known(procedure.text, names), ())
            await self.calls.again(lambda: self._describe(procedure.name, procedure.description))
            found = _routine(await self._get(procedure.name))
        if found is None or found.description != procedure.description:
            message = f"write procedure {self.central}.{procedure.name}: BigQuery did not keep its description"
            raise refused(Code.FAILED_PRECONDITION, Reason.WAREHOUSE_REJECTED, message)
        return found

    async def delete(self, name: str) -> bool:
        """Remove one; False when there is none."""
        with explained(f"delete procedure {self.central}.{name}"):
            if await self._get(name) is None:
                return False
            await self.calls.again(lambda: self._delete(name))
        return True

    async def _get(self, name: str) -> bigquery.Routine | None:
        try:
            found = await self.calls.again(lambda: self._read(name))
        except TroubleError as trouble:
            if trouble.kind is Kind.MISSING:
                return None
            raise
        return found if found.type_ == "PROCEDURE" else None

    def _describe(self, name: str, description: str) -> None:
        """Set the description; the API wants to be told everything else again."""
        routine = self._read(name)
        routine.description = description
        fields = [one for one in routine.to_api_repr() if one not in _READ_ONLY]
        self.client.update_routine(routine, fields, retry=ONCE, timeout=CALL_SECONDS)

    def _read(self, name: str) -> bigquery.Routine:
        return self.client.get_routine(self._reference(name), retry=ONCE, timeout=CALL_SECONDS)

    def _delete(self, name: str) -> None:
        self.client.delete_routine(self._reference(name), retry=ONCE, timeout=CALL_SECONDS, not_found_ok=True)

    def _reference(self, name: str) -> bigquery.RoutineReference:
        return bigquery.RoutineReference.from_string(f"{self.client.project}.{self.central}.{identifier(name)}")


def _routine(found: bigquery.Routine | None) -> Routine | None:
    if found is None:
        return None
    arguments = tuple(Argument(str(one.name), _type(one.data_type)) for one in found.arguments or ())
    return Routine(
        str(found.reference.routine_id),
        found.created,
        found.modified,
        found.description or "",
        found.body or "",
        arguments,
    )


def _type(found: bigquery.StandardSqlDataType | None) -> str:
    return "" if found is None or found.type_kind is None else str(found.type_kind.value)
