"""A failure as gRPC says it: canonical code, text, and google.rpc.Status with its details as trailing metadata."""

from __future__ import annotations

import math

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from workers.model.failure import Failure, Violation

DOMAIN = "datapipeline"
# Bytes. Together, percent-encoded and in base64 as gRPC sends them, below the 8 KiB of metadata that clients accept.
LONGEST_MESSAGE = 800
LONGEST_DESCRIPTION = 240
ALL_VIOLATIONS = 2500
MOST_METADATA = 4

Metadata = tuple[tuple[str, str | bytes], ...]


def answer(failure: Failure, request_id: str) -> tuple[grpc.StatusCode, str, Metadata]:
    """Return code, text and trailing metadata.

    Trailing, because a refusal sends nothing else: the edge sees one block of headers and can turn it into a REST
    answer with its status, whatever kind of method was called.
    """
    code = grpc.StatusCode[failure.code.name]
    text = _cut(failure.message, LONGEST_MESSAGE)
    status = status_pb2.Status(code=code.value[0], message=text, details=[_packed(part) for part in _details(failure)])
    trailing: list[tuple[str, str | bytes]] = [
        ("x-request-id", request_id),
        ("grpc-status-details-bin", status.SerializeToString()),
    ]
    if failure.retry_after is not None:
        trailing.append(("retry-after", str(max(1, math.ceil(failure.retry_after)))))
    return code, text, tuple(trailing)


def _details(failure: Failure) -> list[Message]:
    metadata = {name[:32]: _cut(value, 64) for name, value in list(failure.metadata.items())[:MOST_METADATA]}
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=failure.reason.value, domain=DOMAIN, metadata=metadata)
    ]
    if failure.violations:
        details.append(error_details_pb2.BadRequest(field_violations=_violations(failure.violations)))
    if failure.retry_after is not None:
        seconds, fraction = divmod(max(failure.retry_after, 0.0), 1)
        delay = Duration(seconds=int(seconds), nanos=int(fraction * 1e9))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return details


def _violations(found: tuple[Violation, ...]) -> list[error_details_pb2.BadRequest.FieldViolation]:
    shown: list[error_details_pb2.BadRequest.FieldViolation] = []
    room = ALL_VIOLATIONS
    for violation in found:
        one = _violation(violation)
        room -= one.ByteSize() + 4
        if room < 0:
            return [*shown, _violation(Violation("", f"and {len(found) - len(shown)} more"))]
        shown.append(one)
    return shown


def _violation(violation: Violation) -> error_details_pb2.BadRequest.FieldViolation:
    return error_details_pb2.BadRequest.FieldViolation(
        field=_cut(violation.field, 100), description=_cut(violation.description, LONGEST_DESCRIPTION)
    )


def _cut(text: str, longest: int) -> str:
    return text.encode(errors="replace")[:longest].decode(errors="ignore")


def _packed(detail: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(detail)
    return packed
