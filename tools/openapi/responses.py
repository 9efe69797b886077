"""Answers of an operation by their status: what its comment names, and what every call may meet on its way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from google.api import http_pb2
from google.protobuf.descriptor import MethodDescriptor

from tools.openapi.policy import takes_keys
from tools.openapi.schemas import Schemas

# As the edge turns them: https://cloud.google.com/apis/design/errors#handling_errors
_STATUSES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
}
_SAID = {
    400: "The request cannot be read, or a field or parameter holds what it may not; each is named.",
    401: "No key, or one that is not valid.",
    403: "The key may not do this.",
    404: "There is no such thing in the organisation of the key.",
    409: "It stands otherwise already.",
    413: "The body is larger than 4 MiB.",
    429: "A limit or quota; Retry-After says when it is worth trying again.",
    431: "The headers are larger than 8 KiB.",
    500: "A fault of the service; the request id tells the operators which.",
    501: "The service does not do it yet.",
    503: "The service, or what it needs, is away for now; the same call may be tried again.",
    504: "It took too long; what was asked for may have been done all the same.",
}
_HERE, _NAME = "#/components/responses/", "Refused"
_ALWAYS = (400, 431, 500, 503, 504)
_WITH_A_KEY = (401, 403, 429)
_NAMES = re.compile(r"\b[A-Z]+(?:_[A-Z]+)*\b")
_AS_FOR = re.compile(r"those of (\w+)")
_REQUEST_ID = {"X-Request-Id": {"description": "Id of the call; an own one may be sent.", "schema": {"type": "string"}}}
_RETRY_AFTER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}}


def responses(
    method: MethodDescriptor, rule: http_pb2.HttpRule, schemas: Schemas, said: Mapping[str, str]
) -> dict[str, Any]:
    """Return every answer of a binding of a method."""
    statuses = {*_ALWAYS, *_named(method, said), *(_WITH_A_KEY if takes_keys(method) else ())}
    statuses |= {413} if rule.body else set()
    head = rule.custom.kind == "HEAD"
    refused = {str(one): _refusal(one) if head else {"$ref": f"{_HERE}{_NAME}{one}"} for one in sorted(statuses)}
    return {"200": _done(method, rule, schemas)} | refused


def refusals() -> dict[str, Any]:
    """Return the answers that operations refer to, by name."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    return {f"{_NAME}{status}": _refusal(status) | {"content": content} for status in _SAID}


def _refusal(status: int) -> dict[str, Any]:
    return {"description": _SAID[status], "headers": _REQUEST_ID | (_RETRY_AFTER if status in {429, 503} else {})}


def _done(method: MethodDescriptor, rule: http_pb2.HttpRule, schemas: Schemas) -> dict[str, Any]:
    answer = schemas.message(method.output_type)
    kinds = ("application/x-ndjson", "text/event-stream") if method.server_streaming else ("application/json",)
    content = {} if rule.custom.kind == "HEAD" else {"content": {kind: {"schema": answer} for kind in kinds}}
    return {"description": "Done.", "headers": _REQUEST_ID} | content


def _named(method: MethodDescriptor, said: Mapping[str, str]) -> Iterator[int]:
    """Yield the statuses of the codes that a comment names, those of another method included."""
    comment = said.get(method.full_name, "")
    yield from (_STATUSES[name] for name in _NAMES.findall(comment) if name in _STATUSES)
    for other in _AS_FOR.findall(comment):
        found = method.containing_service.methods_by_name.get(other)
        if found is not None:
            yield from _named(found, said)
