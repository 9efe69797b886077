"""Page tokens: where a listing goes on, sealed for one organisation and one set of filters.

A forged token, a truncated one and one made for another organisation or other filters are refused alike.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from datetime import UTC, datetime, timedelta
from uuid import UUID

from attrs import frozen

from workers.model.failure import Code, FailedError, Reason, refused

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SEAL_BYTES = 16

_PLACE = struct.Struct(">q16s")

Place = tuple[datetime, UUID]


@frozen
class PageTokens:
    """Makes and reads tokens with one key, the same for all replicas."""

    key: bytes

    def make(self, place: Place, *bound_to: str) -> str:
        """Return a token for what comes after a place: creation time (µs) and id of the last entry shown."""
        created_at, entry_id = place
        body = _PLACE.pack((created_at - EPOCH) // timedelta(microseconds=1), entry_id.bytes)
        return base64.urlsafe_b64encode(body + self._seal(body, bound_to)).decode()

    def read(self, token: str, *bound_to: str) -> Place | None:
        """Return the place, None for no token; raises FailedError(PAGE_TOKEN_INVALID)."""
        if not token:
            return None
        try:
            data = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
        except (UnicodeEncodeError, binascii.Error):
            raise _invalid() from None
        body, seal = data[:-SEAL_BYTES], data[-SEAL_BYTES:]
        if len(body) != _PLACE.size or not hmac.compare_digest(seal, self._seal(body, bound_to)):
            raise _invalid()
        microseconds, entry_id = _PLACE.unpack(body)
        return EPOCH + timedelta(microseconds=microseconds), UUID(bytes=entry_id)

    def _seal(self, body: bytes, bound_to: tuple[str, ...]) -> bytes:
        about = "\x1f".join(bound_to).encode()
        return hmac.digest(self.key, body + about, hashlib.sha256)[:SEAL_BYTES]


def _invalid() -> FailedError:
    message = "page_token is not one that this listing gave out"
    return refused(Code.INVALID_ARGUMENT, Reason.PAGE_TOKEN_INVALID, message)
