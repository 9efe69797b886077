"""The API's error bodies, as an exception that says what to answer."""

from __future__ import annotations

import json

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_MESSAGES = {429: "This request would exceed your organization's rate limit.", 529: "Overloaded"}


class RefusedError(Exception):
    """A request that gets an error body instead of a page."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def body(self) -> bytes:
        """The error as the API writes it."""
        return error_body(self.status, str(self))


def error_body(status: int, message: str = "", request_id: str | None = None) -> bytes:
    """Return an error body; its type follows from the status."""
    error = {"type": _TYPES.get(status, "api_error"), "message": message or _MESSAGES.get(status, "Internal error")}
    return json.dumps({"type": "error", "error": error, "request_id": request_id}).encode()


def bad(name: str, what: str) -> RefusedError:
    """Return the answer to a parameter that cannot be."""
    return RefusedError(400, f"{name}: {what}")
