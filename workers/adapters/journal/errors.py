"""How the engine's errors become failures: what was surely undone, what nobody knows, and what is worth another try."""

from __future__ import annotations

import asyncpg

from workers.model.failure import Code, FailedError, Failure, Reason

# InternalClientError: the driver lost its place in the protocol, as it may when the server dies at a wrong moment.
ENGINE_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)

_AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)


def _away(message: str) -> Failure:
    return Failure(Code.UNAVAILABLE, Reason.SERVICE_UNAVAILABLE, message, retryable=True, retry_after=1.0)


class AwayError(FailedError):
    """The journal cannot be reached, or did not do what it was asked: nothing was written."""

    def __init__(self) -> None:
        super().__init__(_away("The journal is not available."))


class UnknownOutcomeError(FailedError):
    """The answer was lost: the statement may or may not have been committed by the backend `pid`."""

    def __init__(self, pid: int) -> None:
        super().__init__(_away("The journal's answer was lost."))
        self.pid = pid


class RejectedError(FailedError):
    """The engine refused the statement's data; nothing was written, and trying again would change nothing."""

    def __init__(self) -> None:
        super().__init__(Failure(Code.INTERNAL, Reason.INTERNAL, "The journal could not keep this."))


def failure_of(error: BaseException, pid: int) -> FailedError:
    """Return what an engine's error means for whoever sent the statement on the connection of backend `pid`."""
    if isinstance(error, _LOST):
        return UnknownOutcomeError(pid)
    if isinstance(error, asyncpg.DataError | asyncpg.IntegrityConstraintViolationError):
        return RejectedError()
    return AwayError()


def worth_another_try(error: BaseException) -> bool:
    """Whether the engine undid the statement only because of others."""
    return isinstance(error, _AGAIN)
