"""What the edge answers by itself: given the table of envoy/local_replies.yaml, hands on Envoy's reply mappers."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any

from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

DOMAIN = "datapipeline"
_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"
_LAST_STATUS = 599
_BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
# Where a filter refuses, as its details begin; what the transcoder says itself names classes and types of the inside.
_FILTERS = {
    "headers": "rbac_access_denied",
    "query": "early_grpc_json_transcode",
    "number": "early_grpc_json_transcode",
    "body": "grpc_json_transcode",
}
# What no number of 32 bits is written as, if the transcoder refused it: from 2·10⁹ on, where only few are one.
_NO_NUMBER = "-?|[^0-9&-][^&]*|-?[0-9]+[^0-9&][^&]*|-[^0-9&][^&]*|-?[0-9]{11}[^&]*|-?[2-9][0-9]{9}"
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


def local_replies(rows: Sequence[dict[str, Any]], numbers: Iterable[str] = ()) -> dict[str, Any]:
    """Map every status in the table, then any other error, to the one error shape, in JSON and in gRPC.

    A row holds `status`, `code` (canonical), `reason`, `message`, a `grpc_code` where gRPC answers with another, `as`
    where another status is answered, and `retry_after` in seconds where trying again can help. One with `where` is for
    what a filter refuses there, and comes first: in the `headers`; in the `body`; in the `query`, or in a `number` of
    it, whose name stands for {name} and is one of `numbers`.
    """
    refused = [mapper for row in rows if "where" in row for mapper in _refused(row, numbers)]
    plain = [mapper for row in rows if "where" not in row for mapper in (_json(row), _grpc(row))]
    other = {"status": 0, "code": 13, "reason": "INTERNAL", "message": "The request could not be served."}
    return {"mappers": [*refused, *plain, _json(other), _grpc(other)]}


def _json(row: dict[str, Any], *only: dict[str, Any]) -> dict[str, Any]:
    conditions = [*_status(row["status"]), *only, {"or_filter": {"filters": IS_REST}}]
    shape = _shape(row["code"], row["reason"], row["message"])
    if "retry_after" in row:
        shape["details"].append({"@type": _RETRY_INFO, "retry_delay": f"{row['retry_after']}s"})
    return _mapper(conditions, _again(row), {"json_format": shape}) | _as(row)


def _grpc(row: dict[str, Any], *only: dict[str, Any]) -> dict[str, Any]:
    conditions = [*_status(row["status"]), *only, *IS_NATIVE]
    status = _status_message(row.get("grpc_code", row["code"]), row["reason"], row["message"])
    if "retry_after" in row:
        delay = duration_pb2.Duration(seconds=row["retry_after"])
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    details = base64.b64encode(status.SerializeToString()).rstrip(b"=").decode()
    headers = [_set("grpc-status", str(status.code)), _set("grpc-status-details-bin", details), *_again(row)]
    return _mapper(conditions, headers, {"text_format_source": {"inline_string": row["message"]}}) | _as(row)


def _as(row: dict[str, Any]) -> dict[str, Any]:
    return {"status_code": row["as"]} if "as" in row else {}


def _again(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [_set("retry-after", str(row["retry_after"]))] if "retry_after" in row else []


def _refused(row: dict[str, Any], numbers: Iterable[str]) -> list[dict[str, Any]]:
    expression = f"response.code_details.startsWith('{_FILTERS[row['where']]}')"
    said = {
        "name": "envoy.access_loggers.extension_filters.cel",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
            "expression": expression,
        },
    }
    refused = {"extension_filter": said}
    if row["where"] == "headers":
        return [_json(row, refused), _grpc(row, refused)]
    if row["where"] != "number":
        return [_json(row, refused)]
    conditions = [*_status(row["status"]), refused, {"or_filter": {"filters": IS_REST}}]
    return [
        _mapper([*conditions, *_no_number(name)], [], {"json_format": _shape_of_field(row, name)})
        for name in sorted(numbers)
    ]


def _no_number(name: str) -> list[dict[str, Any]]:
    """Match a query that gives a parameter something else than a whole number of 32 bits."""
    return [_path(f".*[?&]{name}=(?:{_NO_NUMBER})(?:&.*)?")]


def _path(regex: str) -> dict[str, Any]:
    header = {"name": "x-envoy-original-path", "string_match": {"safe_regex": {"regex": regex}}}
    return {"header_filter": {"header": header}}


def _shape(code: int, reason: str, message: str) -> dict[str, Any]:
    info = {"@type": _ERROR_INFO, "reason": reason, "domain": DOMAIN, "metadata": {}}
    return {"code": code, "message": message, "details": [info]}


def _shape_of_field(row: dict[str, Any], name: str) -> dict[str, Any]:
    shape = _shape(row["code"], row["reason"], row["message"].format(name=name))
    violation = {"field": name, "description": row["message"].format(name="").strip(" .")}
    shape["details"].append({"@type": _BAD_REQUEST, "field_violations": [violation]})
    return shape


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
