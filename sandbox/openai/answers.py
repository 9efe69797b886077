"""The API's error bodies, as an exception that says what to answer."""

from __future__ import annotations

import json


class RefusedError(Exception):
    """A request that gets an error body instead of a page."""

    def __init__(self, status: int, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.param = param
        self.code = code

    @property
    def body(self) -> bytes:
        """The error as the API writes it; all four keys are always there."""
        return error_body(self.status, str(self), self.param, self.code)


def error_body(status: int, message: str, param: str | None = None, code: str | None = None) -> bytes:
    """Return an error body; its type follows from the status."""
    kind = {429: "requests"}.get(status, "server_error" if status >= 500 else "invalid_request_error")  # noqa: PLR2004
    return json.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}}).encode()


_MESSAGES = {
    429: ("Rate limit reached", "rate_limit_exceeded"),
    500: ("The server had an error while processing your request. Sorry about that!", None),
    503: ("The engine is currently overloaded, please try again later.", None),
}


def fault_body(status: int) -> bytes:
    """Return the error body of a fault."""
    message, code = _MESSAGES.get(status, (f"Something went wrong ({status}).", None))
    return error_body(status, message, code=code)


def unknown_key(shown: str) -> RefusedError:
    """Return the answer to a key that is none; only the key's kind is repeated."""
    message = f"Incorrect API key provided: {shown}. You can find your API key at the API keys page."
    return RefusedError(401, message, code="invalid_api_key")


def missing_key() -> RefusedError:
    """Return the answer to a request without a bearer key."""
    return RefusedError(401, "You didn't provide an API key in an Authorization header using Bearer auth.")


def missing_scope() -> RefusedError:
    """Return the answer to a key of a project."""
    return RefusedError(
        403,
        "You have insufficient permissions for this operation. Missing scopes: api.usage.read. Check that you have the "
        "correct role in your organization (Reader, Writer, Owner) and project (Member, Owner), and if you're using a "
        "restricted API key, that it has the necessary scopes.",
    )
