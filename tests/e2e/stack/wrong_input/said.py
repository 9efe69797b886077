"""What came back, whoever said it over whatever: one shape to compare, and all of its text to search."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import grpc
from attrs import field, frozen
from google.rpc import error_details_pb2, status_pb2

from tests.fakes.rest_client import Reply

NAMES = {code.value[0]: code.name for code in grpc.StatusCode}
INSIDE = re.compile(
    r"Traceback|site-packages|\.py\b|line \d+|/(?:work|tmp|root|usr|home|app)/|google\.|proto(?:buf|col buffer)"
    r"|Struct\b|TYPE_|datapipeline\.v1|asyncpg|postgres|grpcio|\bgrpc\.|aiohttp|workers\.|server\.|\w(?:Error|Exception)\b"
    r"|recursion|envoy|SELECT |INSERT "
)


@frozen
class Said:
    """`status` is HTTP's, None where there is none; `whole` is every byte that came, headers and trailers with it."""

    code: str
    reason: str = ""
    message: str = ""
    fields: frozenset[str] = frozenset()
    status: int | None = None
    request_id: str = ""
    value: Mapping[str, Any] = field(factory=dict)
    whole: str = ""
    explained: str = ""

    @property
    def shown(self) -> str:
        """For a person, not all of it."""
        return (
            f"{self.status} {self.code} {self.reason} {sorted(self.fields)} {self.message[:300]} | {self.whole[:500]}"
        )

    @property
    def refused(self) -> bool:
        """Whether it is a refusal of any kind."""
        return self.code != "OK"

    def told_of_the_inside(self) -> list[str]:
        """Return what in the sentences for the caller names files, classes or parts of the inside."""
        return INSIDE.findall(self.explained)


CLOSED = Said("CLOSED")


def by_rest(reply: Reply) -> Said:
    """Read an answer of REST; AssertionError when a refusal has not the one shape."""
    whole = f"{dict(reply.headers)}\n{reply.body.decode(errors='replace')}"
    request_id = reply.headers.get("X-Request-Id", "")
    if reply.status < 300:
        lines = reply.body.splitlines()
        value = json.loads(lines[-1]) if lines else {}
        return Said("OK", status=reply.status, request_id=request_id, value=value, whole=whole)
    if not reply.body:  # HEAD has none
        return Said("EMPTY", status=reply.status, request_id=request_id, whole=whole)
    shape, info = reply.json, reply.info
    bad = [detail for detail in shape["details"] if "field_violations" in detail]
    violations = [one for detail in bad for one in detail["field_violations"]]
    return Said(
        NAMES[shape["code"]],
        info["reason"],
        shape["message"],
        frozenset(one["field"] for one in violations),
        reply.status,
        request_id,
        whole=whole,
        explained=_sentences(shape["message"], info["metadata"], [one["description"] for one in violations]),
    )


def by_grpc(trailers: Mapping[str, Any], whole: str = "") -> Said:
    """Read the trailers of a call that ended: grpc-status, grpc-message, details and the request's id."""
    details = status_pb2.Status.FromString(trailers.get("grpc-status-details-bin", b""))
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for detail in details.details:
        detail.Unpack(info)
        detail.Unpack(bad)
    violations = bad.field_violations
    message = str(trailers.get("grpc-message", ""))
    assert not info.reason or (info.domain, details.message) == ("datapipeline", message)
    return Said(
        NAMES[int(trailers["grpc-status"])],
        info.reason,
        message,
        frozenset(one.field for one in violations),
        request_id=str(trailers.get("x-request-id", "")),
        whole=f"{whole}\n{dict(trailers)}\n{details}",
        explained=_sentences(message, dict(info.metadata), [one.description for one in violations]),
    )


def _sentences(message: str, metadata: Mapping[str, str], descriptions: list[str]) -> str:
    return "\n".join([message, *metadata.values(), *descriptions])
