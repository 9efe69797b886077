"""Turns whatever goes wrong below into an answer that shows a code, a stable reason and nothing of the inside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from grpc.aio import AbortError

from server.call import Call
from workers.model.failure import Code, FailedError, Failure, Reason

log = structlog.get_logger()


@asynccontextmanager
async def errors(call: Call) -> AsyncIterator[None]:
    """Leave the failure in the call instead of raising it. A cancellation goes on, or grpc.aio leaks memory."""
    try:
        yield
    except FailedError as error:
        call.fail(error.failure)
    except AbortError:
        raise  # a foreign service (health, reflection) has answered by itself already
    except Exception as error:
        log.exception("call failed inside", method=call.method, error=type(error).__name__)
        message = f"internal error; tell the operators the request id {call.request_id}"
        call.fail(Failure(Code.INTERNAL, Reason.INTERNAL, message))
