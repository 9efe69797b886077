"""ProcedureService: the files of stored procedures, what stands in the warehouse, and the way from one to the other."""

from __future__ import annotations

from attrs import frozen
from datapipeline.v1 import procedures_pb2, procedures_pb2_grpc

from server.call import Call
from server.convert.procedures import file_message, procedure_message, sync_message
from workers.catalog.procedure_sync import ProcedureSync
from workers.model.failure import Code, FailedError, Reason, refused


@frozen
class ProcedureService(procedures_pb2_grpc.ProcedureServiceServicer):
    """Manages the stored procedures of the central dataset."""

    syncing: ProcedureSync

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
        written = await self.syncing.put(request.name)
        return procedure_message(written, self.syncing.procedures.find(request.name))

    async def DeleteProcedure(
        self, request: procedures_pb2.DeleteProcedureRequest, _call: Call
    ) -> procedures_pb2.DeleteProcedureResponse:
        """Remove one."""
        if not await self.syncing.routines.delete(request.name):
            raise _absent(request.name)
        return procedures_pb2.DeleteProcedureResponse(name=request.name)


def _absent(name: str) -> FailedError:
    return refused(Code.NOT_FOUND, Reason.PROCEDURE_NOT_FOUND, f"there is no procedure {name!r}")
