"""One truth about whether the service takes work: grpc.health.v1 for clients and the edge, a flag for HealthService."""

from __future__ import annotations

from collections.abc import Iterable

from grpc_health.v1 import health
from grpc_health.v1.health_pb2 import HealthCheckResponse


class Health:
    """Speaks for the server as a whole and for the services of `names`; `Health.starting` makes one."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = ("", *names)
        self._serving = False
        self.servicer = health.aio.HealthServicer()  # type: ignore[attr-defined]

    @classmethod
    async def starting(cls, names: Iterable[str]) -> Health:
        """Return one that says NOT_SERVING: gRPC's own would begin with SERVING for the server as a whole."""
        health = cls(names)
        await health.set(serving=False)
        return health

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
