"""Errors as one line: given a failed call, hands on its reason, what to do about it and the exit status it means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
import grpc
from attrs import field, frozen
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

FAILED, REFUSED, CANCELLED, UNREACHABLE = 1, 2, 3, 4
_UNREACHABLE = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
}
_REMEDIES = {
    "KEY_INVALID": "set PIPELINES_API_KEY to an active key of your organisation (PIPELINES_ROOT_KEY for procedures)",
    "KEY_SCOPE_NOT_ALLOWED": "use a key whose scopes cover this call",
    "KEY_KIND_NOT_ALLOWED": "use an organisation's key, not the root key",
    "ORG_MISMATCH": "name the organisation of your key with --org",
    "PIPELINE_NOT_FOUND": "`pipelines pipelines` lists what there is",
    "PARAMETERS_INVALID": "`pipelines pipelines` lists the parameters; name:=VALUE gives a number or true",
    "IDEMPOTENCY_MISMATCH": "use another --idempotency-key, or the parameters it was first used with",
    "SUBSCRIPTION_INACTIVE": "renew the subscription",
    "INTEGRATION_NOT_CONFIGURED": "store the provider's credential first",
    "PROCEDURE_NOT_FOUND": "`pipelines procedures files` lists what can be synced",
    "RUN_NOT_FOUND": "`pipelines runs` lists the runs of your organisation",
    "RUN_NOT_RETRYABLE": "only a run that ended without completing can be retried",
    "RATE_LIMITED": "try again later",
    "QUOTA_EXCEEDED": "wait for the quota's next period, or raise it",
    "QUEUE_FULL": "try again when earlier runs have ended",
    "SERVICE_UNAVAILABLE": "try again; with an --idempotency-key nothing runs twice",
    "DEADLINE_EXCEEDED": "try again; with an --idempotency-key nothing runs twice",
}


@frozen
class Details:
    """What a google.rpc.Status says beside its code and message."""

    reason: str = ""
    metadata: Mapping[str, str] = field(factory=dict)
    violations: Mapping[str, str] = field(factory=dict)
    retry_seconds: float | None = None


class RefusedError(click.ClickException):
    """A call that failed; `as_json` is what --json prints of it."""

    def __init__(self, code: str, message: str, details: Details, exit_code: int) -> None:
        super().__init__(message)
        self.code, self.details = code, details
        self.exit_code = exit_code  # type: ignore[misc] # click reads it from the instance as well

    def format_message(self) -> str:
        """Return the one line: reason, sentence, every violation, remedy."""
        wrong = "; ".join(f"{name}: {why}" for name, why in self.details.violations.items() if why not in self.message)
        said = " — ".join(part for part in (self.message.rstrip("."), wrong, self._remedy()) if part)
        return printable(f"{self.details.reason or self.code}: {said}")

    def as_json(self) -> dict[str, Any]:
        """Return the error as the one object of a JSON line."""
        details = self.details
        error = {"code": self.code, "reason": details.reason, "message": self.message}
        more = {"violations": dict(details.violations), "metadata": dict(details.metadata)}
        return {"error": error | more | {"retry_seconds": details.retry_seconds}}

    def _remedy(self) -> str:
        if self.details.retry_seconds is not None:
            return f"try again in {self.details.retry_seconds:g} s"
        return _REMEDIES.get(self.details.reason, "")


def refusal(error: Any, endpoint: str) -> RefusedError:
    """Read a failed call; without details it never reached the service, and gRPC's own words help nobody."""
    status = rpc_status.from_call(error)
    code = error.code()
    exit_code = UNREACHABLE if code in _UNREACHABLE else REFUSED
    if status is None and code == grpc.StatusCode.UNAVAILABLE:
        told = f"{endpoint} does not answer — start the service, or set PIPELINES_ENDPOINT"
        return RefusedError("UNAVAILABLE", told, Details("UNREACHABLE"), UNREACHABLE)
    return RefusedError(code.name, error.details() or "no reason was given", _details(status), exit_code)


def _details(status: status_pb2.Status | None) -> Details:
    info, wrong, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
    found = {message.DESCRIPTOR.name: message for message in (info, wrong, retry) if _unpacked(status, message)}
    violations = {item.field: item.description for item in wrong.field_violations}
    seconds = retry.retry_delay.ToTimedelta().total_seconds() if "RetryInfo" in found else None
    return Details(info.reason, dict(info.metadata), violations, seconds)


def _unpacked(status: status_pb2.Status | None, message: Any) -> bool:
    return status is not None and any(detail.Unpack(message) for detail in status.details)


def printable(text: str) -> str:
    """Escape what could move the cursor or hide text: names and messages come from elsewhere."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
