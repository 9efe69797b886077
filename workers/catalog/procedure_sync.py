"""Brings stored procedures in the warehouse to what their files say, each after what it calls, and tells of each."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from attrs import frozen

from workers.catalog.procedures import Procedures
from workers.model.failure import Code, FailedError, Failure, Reason, refused
from workers.model.routine import Procedure, Routine
from workers.ports import Routines


class Outcome(StrEnum):
    """What became of one procedure."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@frozen
class Synced:
    """A procedure and what became of it; `failure` says why it failed."""

    procedure: Procedure
    outcome: Outcome
    failure: Failure | None = None


@frozen
class ProcedureSync:
    """Writes procedures; one that fails is told to the caller, and keeps no other from being written."""

    procedures: Procedures
    routines: Routines

    async def sync(self, names: Collection[str] = (), domain: str = "", *, force: bool = False) -> tuple[Synced, ...]:
        """Write those named, or of a domain, or all, and what they call, unless they stand as their files say.

        Raises FailedError: PROCEDURE_NOT_FOUND for what has no file, or a WAREHOUSE_ reason when nothing can be seen.
        """
        wanted = self.procedures.in_order(self._chosen(names, domain))
        there = {routine.name: routine for routine in await self.routines.read_all()}
        done: dict[str, Synced] = {}
        for procedure in wanted:
            lacking = [name for name in sorted(procedure.calls) if done[name].outcome is Outcome.FAILED]
            found = there.get(procedure.name)
            done[procedure.name] = _without(procedure, lacking) if lacking else await self._one(procedure, found, force)
        return tuple(done.values())

    async def put(self, name: str) -> Routine:
        """Write one, changed or not; raises FailedError with why not."""
        return await self.routines.write(self.file(name))

    def file(self, name: str) -> Procedure:
        """Return the procedure's file; raises FailedError(PROCEDURE_NOT_FOUND) when there is none."""
        found = self.procedures.find(name)
        if found is None:
            raise _absent(f"there is no file of procedure {name[:80]!r}")
        return found

    async def _one(self, procedure: Procedure, found: Routine | None, force: bool) -> Synced:
        if found is not None and found.sha256 == procedure.sha256 and not force:
            return Synced(procedure, Outcome.UNCHANGED)
        try:
            await self.routines.write(procedure)
        except FailedError as error:
            return Synced(procedure, Outcome.FAILED, error.failure)
        return Synced(procedure, Outcome.UPDATED if found else Outcome.CREATED)

    def _chosen(self, names: Collection[str], domain: str) -> list[str]:
        of_domain = {one.name for one in self.procedures.all() if domain in ("", one.domain)}
        if domain and not of_domain:
            raise _absent(f"there is no file in configs/system/procedures/{domain}")
        unknown = sorted(set(names) - of_domain)
        if unknown:
            raise _absent(f"there is no file of {', '.join(repr(name[:80]) for name in unknown[:10])}")
        return sorted(names or of_domain)


def _without(procedure: Procedure, lacking: list[str]) -> Synced:
    message = f"it calls {', '.join(lacking)}, which could not be written"
    return Synced(procedure, Outcome.FAILED, Failure(Code.FAILED_PRECONDITION, Reason.WAREHOUSE_REJECTED, message))


def _absent(message: str) -> FailedError:
    return refused(Code.NOT_FOUND, Reason.PROCEDURE_NOT_FOUND, message)
