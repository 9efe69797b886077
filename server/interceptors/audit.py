"""Records who did what: one row of org_audit_logs for every audited call that got as far as its service.

A row of success is made before the service is asked, which hands it to the journal with what it does: one commit, so
that no crash leaves a run without its record. Whatever the service did not hand on is written once the call is over. A
caller who hung up, or was told that the outcome is unknown, may so have two rows: that it was done, and what it heard.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import unquote
from uuid import UUID

import structlog
from attrs import frozen

from server.call import Call
from server.interceptors.meters import audit_lost
from workers.model.failure import Code, FailedError

PLATFORM = "platform"
WRITE_SECONDS = 2.0

log = structlog.get_logger()
_DENIED = {Code.PERMISSION_DENIED, Code.UNAUTHENTICATED}
_NAMES = ("run_id", "config_id", "pipeline_id", "name", "pipeline")

Shield = Callable[[Coroutine[Any, Any, None]], Awaitable[None]]


class AuditTrail(Protocol):
    """Takes rows; the journal's intake is one."""

    async def audit(self, entry: Mapping[str, Any]) -> None:
        """Hand a row to the outbox."""


@frozen
class Audit:
    """Waits for the journal to have the row, at most 2 s; a row it did not take changes no answer but is counted.

    `shielded` finishes the write even when the caller has hung up meanwhile.
    """

    trail: AuditTrail
    now: Callable[[], datetime]
    new_id: Callable[[], UUID]
    shielded: Shield

    @asynccontextmanager
    async def __call__(self, call: Call) -> AsyncIterator[None]:
        """Record the call once it has its outcome."""
        if not call.policy.audit_action:
            yield
            return
        call.audit = self._row(call, "SUCCESS", None, "")
        try:
            yield
        except FailedError as error:
            status = "DENIED" if error.failure.code in _DENIED else "FAILURE"
            await self._record(call, status, error.failure.message, error.failure.reason)
            raise
        except BaseException as error:
            await self._record(call, "FAILURE", "", type(error).__name__)
            raise
        else:
            if not call.audited:
                await self._record(call, "SUCCESS", None, "")

    async def _record(self, call: Call, status: str, message: str | None, reason: str) -> None:
        await self.shielded(self._write(self._row(call, status, message, reason)))

    async def _write(self, row: Mapping[str, Any]) -> None:
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await self.trail.audit(row)
        except Exception as error:  # noqa: BLE001 - the answer stands whatever becomes of its record
            audit_lost.inc()
            log.error("audit entry lost", error=type(error).__name__, action=row["action"])  # noqa: TRY400

    def _row(self, call: Call, status: str, message: str | None, reason: str) -> Mapping[str, Any]:
        details = {"method": call.method.rpartition("/")[2], "reason": reason or None}
        return {
            "audit_id": str(self.new_id()),
            "org_slug": call.principal.org_slug or PLATFORM,
            "user_id": None,
            "api_key_id": call.principal.key_id or None,
            "action": call.policy.audit_action,
            "resource_type": call.policy.audit_resource,
            "resource_id": _resource(call) or None,
            "details": {name: value for name, value in details.items() if value},
            "ip_address": address(call),
            "user_agent": (call.header("user-agent") or "")[:256] or None,
            "request_id": call.request_id,
            "status": status,
            "error_message": message,
            "created_at": self.now().isoformat(),
        }


def _resource(call: Call) -> str:
    found = (getattr(part, name, "") for part in (call.response, call.request) for name in _NAMES)
    return next((text for text in found if text and isinstance(text, str)), "")


def address(call: Call) -> str | None:
    """Return the caller's address.

    The edge on this host appends the address it saw to x-forwarded-for; from any other peer the header is hearsay.
    """
    peer = _ip(unquote(call.peer).partition(":")[2].rpartition(":")[0].strip("[]"))
    if peer is not None and peer.is_loopback:
        forwarded = _ip((call.header("x-forwarded-for") or "").rpartition(",")[2].strip())
        peer = forwarded or peer
    return str(peer) if peer else None


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
