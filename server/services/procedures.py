"""ProcedureService; none of its methods is done yet."""

from __future__ import annotations

from datapipeline.v1 import procedures_pb2_grpc

from server.services.not_yet import not_yet


@not_yet
class ProcedureService(procedures_pb2_grpc.ProcedureServiceServicer):
    """Manages the stored procedures of the central dataset."""
