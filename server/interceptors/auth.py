"""Finds out who calls: an organisation's key by its SHA-256, or the root key; then whether they may call this."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Protocol

from attrs import frozen

from server.call import Call
from workers.model.failure import Code, FailedError, Reason, refused
from workers.model.org import Caller, OrgKey, Principal
from workers.model.secret import Secret

ORG_HEADER = "x-api-key"
ROOT_HEADER = "x-ca-root-key"
ROOT = Principal(Caller.ROOT, key_id="root")
RECHECK_SECONDS = 2.0

# What no key can be costs no look-up.
_KEY = re.compile(r"[!-~]{8,256}\Z")
_HASHED = hashlib.sha256


class KeyBook(Protocol):
    """Keys by their hash; the directory of organisations is one."""

    async def find_key(self, sha256_hex: str) -> OrgKey | None:
        """Return the key; raises FailedError(SERVICE_UNAVAILABLE) when that cannot be known now."""


@frozen
class Auth:
    """`stranger` is told of every call without a good key, and may refuse it as one too many; `used` of good ones.

    `open_to_all` (development only) lets calls without any key in, as the organisation that their path names.
    """

    keys: KeyBook
    root_key: Secret | None
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    stranger: Callable[[], None] = lambda: None
    open_to_all: bool = False
    used: Callable[[OrgKey], None] = lambda _key: None

    @asynccontextmanager
    async def __call__(self, call: Call) -> AsyncIterator[None]:
        """Set the principal, or refuse: 401 for the key, 403 for its kind or scope or for another's path."""
        if Caller.NOBODY not in call.policy.callers:
            call.principal = await self._caller(call)
            _may_call(call)
            _in_scope(call.principal, call)
            _same_org(call)
            if call.streams:
                call.recheck = self._rechecker(call)
        yield

    async def _caller(self, call: Call) -> Principal:
        try:
            return await self._principal(call)
        except FailedError as error:
            if error.failure.code is Code.UNAUTHENTICATED:
                self.stranger()
            raise

    async def _principal(self, call: Call) -> Principal:
        org_keys, root_keys = call.metadata.get(ORG_HEADER, ()), call.metadata.get(ROOT_HEADER, ())
        if not org_keys and not root_keys:
            return self._keyless(call)
        if len(org_keys) + len(root_keys) > 1:
            raise _unknown("send exactly one key")
        if root_keys:
            return self._root(root_keys[0])
        return await self._org(org_keys[0])

    def _keyless(self, call: Call) -> Principal:
        if not self.open_to_all:
            raise _unknown("send an API key as X-API-Key or the root key as X-CA-Root-Key")
        org = getattr(call.request, "org", "")
        if Caller.ORG in call.policy.callers and org:
            return Principal(Caller.ORG, org, "auth-disabled")
        if Caller.ROOT in call.policy.callers:
            return ROOT
        raise _unknown("authentication is off, but this call names no organisation: send its X-API-Key")

    def _root(self, key: str) -> Principal:
        if not _KEY.match(key) or self.root_key is None:
            raise _unknown()
        given, ours = (_HASHED(text.encode()).digest() for text in (key, self.root_key.reveal()))
        if not hmac.compare_digest(given, ours):
            raise _unknown()
        return ROOT

    async def _org(self, key: str) -> Principal:
        if not _KEY.match(key):
            raise _unknown()
        sha256 = _HASHED(key.encode()).hexdigest()
        found = await self.keys.find_key(sha256)
        if found is None or not hmac.compare_digest(found.sha256.lower().encode(), sha256.encode()):
            raise _unknown()
        if found.expires_at is not None and found.expires_at <= self.now():
            raise _unknown()
        self.used(found)
        return Principal(Caller.ORG, found.org_slug, found.key_id, found.scopes)

    def _rechecker(self, call: Call) -> Callable[[], Awaitable[None]]:
        """Return what ends a stream whose key was revoked: asked per message, it looks at most every 2 s.

        The directory's snapshot is at most 25 s old, and a stream says something every few seconds: 30 s in all.
        """
        looked = self.monotonic()

        async def recheck() -> None:
            nonlocal looked
            if self.monotonic() - looked >= RECHECK_SECONDS:
                looked = self.monotonic()
                _in_scope(await self._principal(call), call)

        return recheck


def _may_call(call: Call) -> None:
    if call.principal.caller not in call.policy.callers:
        needed = " or ".join(sorted(caller.value.lower() for caller in call.policy.callers))
        raise refused(Code.PERMISSION_DENIED, Reason.KEY_KIND_NOT_ALLOWED, f"this method takes the {needed} key")


def _in_scope(principal: Principal, call: Call) -> None:
    if not principal.may(call.policy.scope):
        message = f"this method takes a key with the scope {call.policy.scope}"
        raise refused(Code.PERMISSION_DENIED, Reason.KEY_SCOPE_NOT_ALLOWED, message, scope=call.policy.scope)


def _same_org(call: Call) -> None:
    """Compare the path's organisation with the key's, without a look-up: existing and absent ones answer the same."""
    named = getattr(call.request, "org", None)
    if named is not None and call.principal.caller is Caller.ORG and named != call.principal.org_slug:
        raise refused(Code.PERMISSION_DENIED, Reason.ORG_MISMATCH, "the key belongs to another organisation")


def _unknown(message: str = "the API key is not valid") -> FailedError:
    return refused(Code.UNAUTHENTICATED, Reason.KEY_INVALID, message)
