"""HealthService: whether the process lives, and whether it takes work, for callers of REST."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen
from datapipeline.v1 import health_pb2, health_pb2_grpc

from server.call import Call
from workers.model.failure import Code, FailedError, Failure, Reason

SERVICE = "data-pipeline-service"


@frozen
class HealthService(health_pb2_grpc.HealthServiceServicer):
    """`serving` says whether the service takes work now."""

    serving: Callable[[], bool]
    version: str
    environment: str

    async def GetHealth(self, _request: health_pb2.GetHealthRequest, _call: Call) -> health_pb2.GetHealthResponse:
        """Answer who this is, when it takes work."""
        self._require()
        return health_pb2.GetHealthResponse(
            status="healthy", service=SERVICE, version=self.version, environment=self.environment
        )

    async def GetLiveness(self, _request: health_pb2.GetLivenessRequest, _call: Call) -> health_pb2.GetLivenessResponse:
        """Answer at all."""
        return health_pb2.GetLivenessResponse(status="alive")

    async def GetReadiness(
        self, _request: health_pb2.GetReadinessRequest, _call: Call
    ) -> health_pb2.GetReadinessResponse:
        """Answer when the service takes work."""
        self._require()
        return health_pb2.GetReadinessResponse(status="ready")

    def _require(self) -> None:
        if not self.serving():
            message = "the service is starting, stopping or without its journal"
            raise FailedError(Failure(Code.UNAVAILABLE, Reason.SERVICE_UNAVAILABLE, message, retryable=True))
