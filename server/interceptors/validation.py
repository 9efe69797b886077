"""Refuses requests that could not be read or hold what the contract does not allow, all violations at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from google.protobuf.message import Message

from server.call import Call, Malformed
from server.interceptors.bodies import body_violations
from server.interceptors.rules import violations
from workers.model.failure import Code, FailedError, Failure, Reason


@asynccontextmanager
async def validation(call: Call) -> AsyncIterator[None]:
    """Refuse, or let the request through with what its body holds in its fields."""
    if isinstance(call.request, Malformed):
        raise FailedError(call.request.failure)
    if isinstance(call.request, Message):
        found = (*body_violations(call.request), *violations(call.request))
        if found:
            said = "; ".join(f"{violation.field} {violation.description}" for violation in found)
            raise FailedError(Failure(Code.INVALID_ARGUMENT, Reason.REQUEST_INVALID, said, violations=found))
    yield
