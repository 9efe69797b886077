"""Error bodies in Google's two shapes: those of its APIs, and OAuth's at the token endpoint. Pure."""

from __future__ import annotations

import json

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_OLD = {401: "authError", 403: "forbidden", 404: "notFound", 429: "rateLimitExceeded", 503: "backendError"}


class RefusedError(Exception):
    """A request that gets an error body instead of a page."""

    def __init__(self, status: int, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason

    @property
    def body(self) -> bytes:
        """The error as an API writes it."""
        return error_body(self.status, str(self), self.reason)


class OAuthError(Exception):
    """A request for a token that is refused, in OAuth's own words."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.status = status
        self.body = json.dumps({"error": code, "error_description": description}).encode()


def error_body(status: int, message: str = "", reason: str = "") -> bytes:
    """Return an API's error; with the older `errors` beside it, as Compute still writes them."""
    name = _STATUSES.get(status, "UNKNOWN")
    said = message or f"The request failed with {name}."
    error: dict[str, object] = {"code": status, "message": said, "status": name}
    error["errors"] = [{"message": said, "domain": "global", "reason": reason or _OLD.get(status, "backendError")}]
    if reason:
        kind = "type.googleapis.com/google.rpc.ErrorInfo"
        error["details"] = [{"@type": kind, "reason": reason, "domain": "googleapis.com", "metadata": {}}]
    return json.dumps({"error": error}).encode()
