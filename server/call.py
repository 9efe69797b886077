"""One call on its way through the guards: what came, who calls, and what was answered.

Made by the chain; guards fill it, services read it. Nothing of gRPC is in it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from attrs import define, field, frozen

from workers.model.failure import Code, Failure, Reason, refused
from workers.model.org import Caller, Principal

OK = "OK"
NOBODY = Principal(Caller.NOBODY)


@frozen
class Policy:
    """Who may call a method and what is recorded of the call."""

    callers: frozenset[Caller]
    audit_action: str = ""
    audit_resource: str = ""
    starts_run: bool = False
    scope: str = ""


@frozen
class Malformed:
    """Stands where a request should: what arrived could not be read as one."""

    failure: Failure


@define(eq=False)
class Call:
    """A call; `remaining` is in seconds, None when the caller set no deadline, `code` is the answer's status name.

    `audit` is the row that records its success, for a service that can keep it in the commit of what it does;
    `audited` says that it did.
    """

    method: str
    policy: Policy
    metadata: Mapping[str, tuple[str, ...]] = field(factory=dict)
    request: Any = None
    peer: str = ""
    remaining: float | None = None
    streams: bool = False
    exists: bool = True
    request_id: str = ""
    trace_id: str = ""
    principal: Principal = NOBODY
    response: Any = None
    failure: Failure | None = None
    code: str = OK
    audit: Mapping[str, Any] | None = None
    audited: bool = False
    recheck: Callable[[], Awaitable[None]] | None = None

    @property
    def org(self) -> str:
        """The organisation of the caller's key; raises FailedError when the key belongs to none."""
        if self.principal.org_slug is None:
            raise refused(Code.PERMISSION_DENIED, Reason.KEY_KIND_NOT_ALLOWED, "this needs an organisation's key")
        return self.principal.org_slug

    def header(self, name: str) -> str | None:
        """Return the first value of a header; None when it was not sent."""
        values = self.metadata.get(name)
        return values[0] if values else None

    def fail(self, failure: Failure) -> None:
        """Make this the answer."""
        self.failure = failure
        self.code = failure.code.value
