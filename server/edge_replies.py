"""What the edge answers by itself: given the table of envoy/local_replies.yaml, hands on Envoy's reply mappers."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

DOMAIN = "datapipeline"
_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_LAST_STATUS = 599
_REFUSED = "The JSON body or the query is not what this method takes."
# The transcoder turns a REST call into gRPC before it fails; only its original path tells them apart then.
_GRPC_CONTENT = {
    "name": "content-type",
    "string_match": {"prefix": "application/grpc"},
    "treat_missing_header_as_empty": True,
}
# The transcoder turns a REST call into gRPC before it fails; only its original path tells them apart then.
IS_REST: list[dict[str, Any]] = [
    {"header_filter": {"header": {**_GRPC_CONTENT, "invert_match": True}}},
    {"header_filter": {"header": {"name": "x-envoy-original-path", "present_match": True}}},
]
IS_NATIVE: list[dict[str, Any]] = [
    {"header_filter": {"header": _GRPC_CONTENT}},
    {"header_filter": {"header": {"name": "x-envoy-original-path", "present_match": False}}},
]


def local_replies(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Map every status in the table, then any other error, to the one error shape, in JSON and in gRPC.

    A row holds `status`, `code` (canonical), `reason`, `message` and, where gRPC answers with another, `grpc_code`.
    """
    mappers = [_refused_json(), *(mapper for row in rows for mapper in (_json(row), _grpc(row)))]
    other = {"status": 0, "code": 13, "reason": "INTERNAL", "message": "The request could not be served."}
    return {"mappers": [*mappers, _json(other), _grpc(other)]}


def _json(row: dict[str, Any]) -> dict[str, Any]:
    conditions = [*_status(row["status"]), {"or_filter": {"filters": IS_REST}}]
    return _mapper(conditions, [], {"json_format": _shape(row["code"], row["reason"], row["message"])})


def _grpc(row: dict[str, Any]) -> dict[str, Any]:
    conditions = [*_status(row["status"]), *IS_NATIVE]
    status = _status_message(row.get("grpc_code", row["code"]), row["reason"], row["message"])
    details = base64.b64encode(status.SerializeToString()).rstrip(b"=").decode()
    headers = [_set("grpc-status", str(status.code)), _set("grpc-status-details-bin", details)]
    return _mapper(conditions, headers, {"text_format_source": {"inline_string": row["message"]}})


def _refused_json() -> dict[str, Any]:
    """Keep what the transcoder says of a body or query: only it knows what the caller must correct."""
    refused = "response.code == 400 && response.code_details.contains('grpc_json_transcode')"
    said = {
        "name": "envoy.access_loggers.extension_filters.cel",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
            "expression": refused,
        },
    }
    return _mapper(
        [{"extension_filter": said}, {"or_filter": {"filters": IS_REST}}],
        [],
        {"json_format": _shape(3, "REQUEST_INVALID", _REFUSED, parser="%LOCAL_REPLY_BODY%")},
    )


def _shape(code: int, reason: str, message: str, **metadata: str) -> dict[str, Any]:
    info = {"@type": _ERROR_INFO, "reason": reason, "domain": DOMAIN, "metadata": metadata}
    return {"code": code, "message": message, "details": [info]}


def _status_message(code: int, reason: str, message: str) -> status_pb2.Status:
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN))
    return status_pb2.Status(code=code, message=message, details=[detail])


def _mapper(conditions: list[dict[str, Any]], headers: list[dict[str, Any]], body: dict[str, Any]) -> dict[str, Any]:
    request_id = {
        "header": {"key": "x-request-id", "value": "%UNIQUE_ID%"},
        "append_action": "ADD_IF_ABSENT",
    }
    return {
        "filter": {"and_filter": {"filters": conditions}},
        "headers_to_add": [*headers, request_id],
        "body_format_override": body,
    }


def _status(status: int) -> list[dict[str, Any]]:
    """Match one status, or any error when it is 0."""
    if status:
        return [_compare("EQ", status)]
    return [_compare("GE", 400), _compare("LE", _LAST_STATUS)]


def _compare(operator: str, status: int) -> dict[str, Any]:
    value = {"default_value": status, "runtime_key": "unused"}
    return {"status_code_filter": {"comparison": {"op": operator, "value": value}}}


def _set(key: str, value: str) -> dict[str, Any]:
    return {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
