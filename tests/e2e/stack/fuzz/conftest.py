"""An organisation to be fuzzed: a run, a schedule and a page token of its own, and calls whose every byte is chosen."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, cast

import grpc.aio
import pytest
import pytest_asyncio
from attrs import frozen
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

from tests.fakes.messages import Known
from tests.fakes.org_client import NOTHING, RUNS, OrgClient
from tests.plugins.sandbox import Running

ORG = "fuzzed"
SCHEDULES = f"/api/v1/scheduler/org/{ORG}/pipelines"
NEVER_SOON = "0 0 29 2 *"
PATIENCE = 30.0
MARKS = """
SELECT (SELECT count(*) FROM run WHERE org = $1) AS runs,
    (SELECT count(*) FROM idempotency WHERE org = $1) AS keys,
    (SELECT coalesce(sum(started), 0) FROM quota_started WHERE org = $1) AS started,
    (SELECT coalesce(sum(version), 0) FROM schedule WHERE org = $1 AND deleted_at IS NULL) AS schedules
"""

Metadata = tuple[tuple[str, str], ...]


@frozen
class Outcome:
    """How a call ended; `said` is every text and byte that came back beside messages."""

    code: str
    reason: str = ""
    fields: frozenset[str] = frozenset()
    said: str = ""
    messages: Sequence[Message] = ()


@frozen
class Fuzzed:
    """The organisation, and the door."""

    running: Running
    channel: grpc.aio.Channel
    org: OrgClient
    known: Known

    @property
    def keys(self) -> Mapping[str, Metadata]:
        """Every way to say who calls."""
        org, root = ("x-api-key", self.org.key), ("x-ca-root-key", self.running.stack.secrets.root_key)
        return {"org": (org,), "root": (root,), "both": (org, root), "none": (), "bad": (("x-api-key", "x" * 40),)}

    async def call(self, method: MethodDescriptor, data: bytes, metadata: Metadata) -> Outcome:
        """Send exactly these bytes as the request."""
        answer = GetMessageClass(method.output_type).FromString
        path = f"/{method.containing_service.full_name}/{method.name}"
        try:
            if method.server_streaming:
                stream = self.channel.unary_stream(path, None, answer)(data, metadata=metadata, timeout=PATIENCE)
                return Outcome("OK", messages=[message async for message in stream])
            unary = self.channel.unary_unary(path, None, answer)
            return Outcome("OK", messages=[await unary(data, metadata=metadata, timeout=PATIENCE)])
        except grpc.aio.AioRpcError as error:
            return _taken_apart(error)

    async def marks(self) -> tuple[int, ...]:
        """Return what the journal holds of the organisation, in numbers that only an accepted call changes."""
        found = await self.running.journal.fetchrow(MARKS, ORG)
        assert found is not None
        return tuple(found)


@pytest_asyncio.fixture(scope="session")
async def fuzzed(sandbox_stack: Running) -> AsyncIterator[Fuzzed]:
    org = sandbox_stack.org(ORG)
    runs = [(await org.done(NOTHING, note=str(number)))["run_id"] for number in range(2)]
    provider, domain, pipeline = NOTHING.split("/")
    put = {"provider": provider, "domain": domain, "pipeline": pipeline, "schedule_cron": NEVER_SOON}
    kept = (await org.ask("POST", SCHEDULES, json.dumps(put))).json
    token = (await org.ask("GET", f"{RUNS}?page_size=1")).json["next_page_token"]
    known = {
        "run_id": runs,
        "config_id": [kept["config_id"]],
        "org": [ORG],
        "provider": [provider],
        "domain": [domain],
        "pipeline": [pipeline],
        "page_token": [token],
        "name": ["default"],
        "procedures": ["absent"],
        "schedule_cron": [NEVER_SOON, "0 5 1 1 *"],
        "timezone": ["Europe/Lisbon", ""],
        "members": ["note", "date", "start_date", "end_date", "trigger_by", "force_refresh"],
    }
    async with sandbox_stack.answers.channel(sandbox_stack.stack.edge.listen) as channel:
        yield Fuzzed(sandbox_stack, channel, org, known)


@pytest.fixture(autouse=True)
def survived(sandbox_stack: Running) -> Iterator[None]:
    """The service that is asked is the one that still serves afterwards; other tests may start another between two."""
    service = sandbox_stack.stack.parts["service"]
    before = service.pid
    yield
    assert service.pid == before, "the service died of it"


def _taken_apart(error: grpc.aio.AioRpcError) -> Outcome:
    trailing: dict[str, Any] = dict(cast("Sequence[tuple[str, Any]]", error.trailing_metadata() or ()))
    status = status_pb2.Status.FromString(trailing.get("grpc-status-details-bin", b""))
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in status.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    fields = {one.field for one in bad.field_violations} | {
        info.metadata[name] for name in info.metadata if name == "field"
    }
    said = "\n".join([error.details() or "", str(trailing), str(status)])
    return Outcome(error.code().name, info.reason, frozenset(fields), said)
