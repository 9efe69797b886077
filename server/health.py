"""One truth about whether the service takes work: grpc.health.v1 for clients and the edge, a flag for HealthService."""

from __future__ import annotations

from collections.abc import Iterable

from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckResponse


class Health:
    """Starts NOT_SERVING; `names` are the services it speaks for, beside the server as a whole."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = ("", *names)
        self._serving = False
        self.servicer = health.aio.HealthServicer()  # type: ignore[attr-defined]

    @property
    def serving(self) -> bool:
        """Whether the service takes work."""
        return self._serving

    async def set(self, *, serving: bool) -> None:
        """Tell everybody who asks or watches."""
        self._serving = serving
        status = HealthCheckResponse.SERVING if serving else HealthCheckResponse.NOT_SERVING
        for name in self._names:
            await self.servicer.set(name, status)
