"""The two ways in which a key refuses, as failures that name neither key nor content."""

from __future__ import annotations

from workers.model.failure import Code, FailedError, Failure, Reason


def does_not_open(why: str = "the sealed value does not open with this key and identity") -> FailedError:
    """Return the failure of a sealed value that no second try will open."""
    return FailedError(Failure(Code.FAILED_PRECONDITION, Reason.CREDENTIAL_INVALID, why))


def unavailable(why: str, *, retryable: bool) -> FailedError:
    """Return the failure of the key itself, not of what it seals."""
    code = Code.UNAVAILABLE if retryable else Code.FAILED_PRECONDITION
    return FailedError(Failure(code, Reason.CREDENTIAL_UNAVAILABLE, why, retryable))
