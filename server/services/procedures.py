"""ProcedureService: the files of stored procedures, what stands in the warehouse, and the way from one to the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from attrs import evolve, frozen
from datapipeline.v1 import procedures_pb2, procedures_pb2_grpc

from server.call import Call
from server.convert.procedures import file_message, procedure_message, sync_message
from workers.catalog.procedure_sync import ProcedureSync
from workers.model.failure import Code, FailedError, Failure, Reason, SnoozeError, refused
from workers.runtime.turns import Turns


@frozen
class ProcedureService(procedures_pb2_grpc.ProcedureServiceServicer):
    """Manages the stored procedures of the central dataset; the fleet writes them in turns.

    Two that write one procedure at once would pair the body of one with the content hash of the other.
    """

    syncing: ProcedureSync
    turns: Turns

    async def ListProcedures(
        self, _request: procedures_pb2.ListProceduresRequest, _call: Call
    ) -> procedures_pb2.ListProceduresResponse:
        """Return what exists, with whether it is what its file says."""
        found = await self.syncing.routines.read_all()
        files = self.syncing.procedures
        return procedures_pb2.ListProceduresResponse(
            procedures=[procedure_message(one, files.find(one.name)) for one in found]
        )

    async def ListProcedureFiles(
        self, _request: procedures_pb2.ListProcedureFilesRequest, _call: Call
    ) -> procedures_pb2.ListProcedureFilesResponse:
        """Return what could be synced."""
        return procedures_pb2.ListProcedureFilesResponse(
            files=[file_message(one) for one in self.syncing.procedures.all()]
        )

    async def SyncProcedures(
        self, request: procedures_pb2.SyncProceduresRequest, _call: Call
    ) -> procedures_pb2.SyncProceduresResponse:
        """Write what has changed; failures stand in the answer."""
        async with self._turn():
            synced = await self.syncing.sync(request.procedures, request.domain, force=request.force)
        return sync_message(synced)

    async def GetProcedure(self, request: procedures_pb2.GetProcedureRequest, _call: Call) -> procedures_pb2.Procedure:
        """Return one with its definition."""
        found = await self.syncing.routines.find(request.name)
        if found is None:
            raise _absent(request.name)
        return procedure_message(found, self.syncing.procedures.find(request.name))

    async def PutProcedure(self, request: procedures_pb2.PutProcedureRequest, _call: Call) -> procedures_pb2.Procedure:
        """Write one from its file."""
        async with self._turn():
            written = await self.syncing.put(request.name)
        return procedure_message(written, self.syncing.procedures.find(request.name))

    async def DeleteProcedure(
        self, request: procedures_pb2.DeleteProcedureRequest, _call: Call
    ) -> procedures_pb2.DeleteProcedureResponse:
        """Remove one."""
        async with self._turn():
            if not await self.syncing.routines.delete(request.name):
                raise _absent(request.name)
        return procedures_pb2.DeleteProcedureResponse(name=request.name)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Write while nobody else does; raises FailedError(SERVICE_UNAVAILABLE) when another takes too long."""
        try:
            async with self.turns.take("procedures"):
                yield
        except SnoozeError as busy:
            message = "procedures are being written by another call; ask again"
            failure = Failure(Code.UNAVAILABLE, Reason.SERVICE_UNAVAILABLE, message, retryable=True)
            raise FailedError(evolve(failure, retry_after=busy.delay)) from None


def _absent(name: str) -> FailedError:
    return refused(Code.NOT_FOUND, Reason.PROCEDURE_NOT_FOUND, f"there is no procedure {name!r}")
