"""The real gRPC server with the real guards on loopback; what stands behind the guards is the test's choice."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Any, cast

import grpc
import pytest
from attrs import define, field, frozen
from datapipeline.v1 import pipelines_pb2_grpc, procedures_pb2_grpc, scheduler_pb2_grpc
from google.rpc import error_details_pb2, status_pb2

from server import grpc as assembly
from server.health import Health
from server.interceptors.audit import Audit
from server.interceptors.auth import Auth
from server.interceptors.deadline import Deadline
from server.interceptors.errors import errors
from server.interceptors.limits import Limits
from server.interceptors.trace import Trace
from server.interceptors.validation import validation
from server.services.health import HealthService
from server.services.not_yet import not_yet
from tests.fakes.clock import ManualClock
from tests.fakes.directory import OrgBook
from tests.fakes.ledger import Ledger
from workers.model.secret import Secret

ACME_KEY = "acme_api_canary789abcdef"
GLOBEX_KEY = "globex_api_canary789abcdef"
ROOT_KEY = "root-canary2e7b3a4860917e2f4d8c6b0a13"
AS_ACME = (("x-api-key", ACME_KEY),)
AS_GLOBEX = (("x-api-key", GLOBEX_KEY),)
AS_ROOT = (("x-ca-root-key", ROOT_KEY),)


@frozen
class Refusal:
    """An answer that is an error, taken apart; `seen` is all a caller can compare, request id left out."""

    code: str
    text: str
    reason: str
    domain: str
    metadata: Mapping[str, str]
    violations: Mapping[str, str]
    retry_seconds: float | None
    trailing: Mapping[str, Any]
    seen: str


async def refusal_of(call: Awaitable[Any]) -> Refusal:
    """Await a call that must be refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return taken_apart(caught.value)


def taken_apart(error: grpc.aio.AioRpcError) -> Refusal:
    trailing: dict[str, Any] = dict(cast("Iterable[tuple[str, Any]]", error.trailing_metadata()))
    status = status_pb2.Status.FromString(trailing.get("grpc-status-details-bin", b""))
    info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    retries = False
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
        retries |= detail.Unpack(retry)
    return Refusal(
        error.code().name,
        error.details() or "",
        info.reason,
        info.domain,
        dict(info.metadata),
        {violation.field: violation.description for violation in bad.field_violations},
        retry.retry_delay.ToTimedelta().total_seconds() if retries else None,
        trailing,
        repr((error.code(), error.details(), status.SerializeToString())),
    )


async def drain(stream: Any) -> list[Any]:
    return [message async for message in stream]


@define(eq=False)
class Served:
    """A running server and the ways to it."""

    address: str
    channel: grpc.aio.Channel
    clock: ManualClock
    book: OrgBook
    ledger: Ledger
    health: Health
    ids: list[str] = field(factory=list)

    @property
    def pipelines(self) -> pipelines_pb2_grpc.PipelineServiceStub:
        return pipelines_pb2_grpc.PipelineServiceStub(self.channel)

    @property
    def scheduler(self) -> scheduler_pb2_grpc.SchedulerServiceStub:
        return scheduler_pb2_grpc.SchedulerServiceStub(self.channel)

    @property
    def procedures(self) -> procedures_pb2_grpc.ProcedureServiceStub:
        return procedures_pb2_grpc.ProcedureServiceStub(self.channel)


@not_yet
class NoScheduler(scheduler_pb2_grpc.SchedulerServiceServicer):
    """Stands where a test schedules nothing."""


@not_yet
class NoProcedures(procedures_pb2_grpc.ProcedureServiceServicer):
    """Stands where a test has no procedures."""


Serve = Callable[..., Awaitable[Served]]


async def _unshielded(work: Awaitable[None]) -> None:
    await work


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start servers; a keyword replaces a guard by its name, or turns a switch."""
    async with AsyncExitStack() as stack:

        async def start(pipelines: Any, *, reflection_for_root: bool = False, **changed: Any) -> Served:
            clock, book, ledger = changed.pop("clock", None) or ManualClock(), OrgBook(), Ledger()
            book.enrol("acme", ACME_KEY)
            book.enrol("globex", GLOBEX_KEY)
            numbers = itertools.count(1)
            table = assembly.policies(reflection_for_root=reflection_for_root)
            health = await Health.starting(assembly.NAMES)
            await health.set(serving=True)
            guards: dict[str, Any] = {
                "trace": Trace(lambda: f"made-{next(numbers)}", clock.monotonic),
                "errors": errors,
                "deadline": Deadline(),
                "auth": Auth(book, Secret(ROOT_KEY), clock.now, clock.monotonic),
                "limits": Limits(clock.monotonic),
                "validation": validation,
                "audit": Audit(ledger, clock.now, uuid.uuid4, _unshielded),
            }
            scheduler = changed.pop("scheduler", None) or NoScheduler()
            procedures = changed.pop("procedures", None) or NoProcedures()
            made = {name: change(book, clock) for name, change in changed.items()}
            services = assembly.Services(
                pipelines, scheduler, procedures, HealthService(lambda: health.serving, "1", "test")
            )
            server = assembly.build(services, health, tuple((guards | made).values()), table)
            port = assembly.listen(server, "127.0.0.1", 0)
            await server.start()
            stack.push_async_callback(server.stop, 0)
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))
            return Served(f"127.0.0.1:{port}", channel, clock, book, ledger, health)

        yield start
