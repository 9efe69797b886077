"""What can go wrong, as values: a code, a stable reason, a sentence, and whether trying again can help."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from attrs import field, frozen

from workers.model.pause import Pause


class Code(StrEnum):
    """Canonical gRPC status names that this service uses."""

    CANCELLED = "CANCELLED"
    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    FAILED_PRECONDITION = "FAILED_PRECONDITION"
    ABORTED = "ABORTED"
    UNIMPLEMENTED = "UNIMPLEMENTED"
    INTERNAL = "INTERNAL"
    UNAVAILABLE = "UNAVAILABLE"
    UNAUTHENTICATED = "UNAUTHENTICATED"


class Reason(StrEnum):
    """The closed list of reasons a caller may act on; documented in the README."""

    # A call was refused.
    KEY_INVALID = "KEY_INVALID"
    KEY_KIND_NOT_ALLOWED = "KEY_KIND_NOT_ALLOWED"
    KEY_SCOPE_NOT_ALLOWED = "KEY_SCOPE_NOT_ALLOWED"
    ORG_MISMATCH = "ORG_MISMATCH"
    RATE_LIMITED = "RATE_LIMITED"
    REQUEST_INVALID = "REQUEST_INVALID"
    REQUEST_TOO_LARGE = "REQUEST_TOO_LARGE"
    METHOD_NOT_FOUND = "METHOD_NOT_FOUND"
    NOT_IMPLEMENTED = "NOT_IMPLEMENTED"
    PIPELINE_NOT_FOUND = "PIPELINE_NOT_FOUND"
    PARAMETERS_INVALID = "PARAMETERS_INVALID"
    IDEMPOTENCY_MISMATCH = "IDEMPOTENCY_MISMATCH"
    SUBSCRIPTION_INACTIVE = "SUBSCRIPTION_INACTIVE"
    INTEGRATION_NOT_CONFIGURED = "INTEGRATION_NOT_CONFIGURED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    QUEUE_FULL = "QUEUE_FULL"
    PROCEDURE_NOT_FOUND = "PROCEDURE_NOT_FOUND"
    RUN_NOT_FOUND = "RUN_NOT_FOUND"
    RUN_NOT_RETRYABLE = "RUN_NOT_RETRYABLE"
    SCHEDULE_NOT_FOUND = "SCHEDULE_NOT_FOUND"
    SCHEDULE_CHANGED = "SCHEDULE_CHANGED"
    PAGE_TOKEN_INVALID = "PAGE_TOKEN_INVALID"  # noqa: S105 - a reason, not a password
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    CANCELLED = "CANCELLED"
    INTERNAL = "INTERNAL"

    # A run or a step failed.
    PROVIDER_AUTH = "PROVIDER_AUTH"
    PROVIDER_RATE_LIMIT = "PROVIDER_RATE_LIMIT"
    PROVIDER_BAD_RESPONSE = "PROVIDER_BAD_RESPONSE"
    PROVIDER_REFUSED = "PROVIDER_REFUSED"
    PROVIDER_UNAVAILABLE = "PROVIDER_UNAVAILABLE"
    CREDENTIAL_INVALID = "CREDENTIAL_INVALID"
    CREDENTIAL_UNAVAILABLE = "CREDENTIAL_UNAVAILABLE"
    WAREHOUSE_UNAVAILABLE = "WAREHOUSE_UNAVAILABLE"
    WAREHOUSE_QUOTA = "WAREHOUSE_QUOTA"
    WAREHOUSE_REJECTED = "WAREHOUSE_REJECTED"
    SCHEMA_CONFLICT = "SCHEMA_CONFLICT"
    STALE_RUN = "STALE_RUN"
    SHRINK_HELD = "SHRINK_HELD"
    DATA_INVALID = "DATA_INVALID"
    DATA_QUALITY_FAILED = "DATA_QUALITY_FAILED"
    CONFIG_INVALID = "CONFIG_INVALID"
    STEP_TIMEOUT = "STEP_TIMEOUT"
    RUN_TIMEOUT = "RUN_TIMEOUT"
    PROCESSOR_ERROR = "PROCESSOR_ERROR"
    PROCESS_CRASHED = "PROCESS_CRASHED"


@frozen
class Violation:
    """One thing that is wrong with one field of a request or a file."""

    field: str
    description: str


@frozen
class Failure:
    """Why something did not happen; `retryable` says whether trying again can help, `retry_after` is in seconds."""

    code: Code
    reason: Reason
    message: str
    retryable: bool = False
    retry_after: float | None = None
    metadata: Mapping[str, str] = field(factory=dict)
    violations: tuple[Violation, ...] = ()


class FailedError(Exception):
    """Carries a Failure to whoever answers for it: an interceptor for a call, the runner for a step."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.reason}: {failure.message}")
        self.failure = failure


class SnoozeError(Exception):
    """A step must wait longer than it may hold a slot; the run goes back to its lane for `delay` seconds.

    `pause` says what for; `failure` is the reason of what is tried again then, where something failed.
    """

    def __init__(self, delay: float, why: str, *, pause: Pause = Pause.ASKED, failure: Reason | None = None) -> None:
        super().__init__(why)
        self.pause = pause
        self.failure = failure
        self.delay = delay
        self.why = why


def pause_for(reason: Reason) -> Pause:
    """Return what a run waits for that tries again what failed so."""
    return Pause.RATE_LIMIT if reason is Reason.PROVIDER_RATE_LIMIT else Pause.RETRY


def refused(code: Code, reason: Reason, message: str, **metadata: str) -> FailedError:
    """Build the error of a refused call."""
    return FailedError(Failure(code, reason, message, metadata=metadata))


def provider_failed(
    reason: Reason, message: str, *, retryable: bool, retry_after: float | None = None, **metadata: str
) -> FailedError:
    """Build the error of a provider's answer; `message` names the URL without its query."""
    codes = {
        Reason.PROVIDER_AUTH: Code.PERMISSION_DENIED,
        Reason.PROVIDER_RATE_LIMIT: Code.RESOURCE_EXHAUSTED,
        Reason.PROVIDER_UNAVAILABLE: Code.UNAVAILABLE,
    }
    code = codes.get(reason, Code.FAILED_PRECONDITION)
    return FailedError(Failure(code, reason, message, retryable, retry_after, metadata))
