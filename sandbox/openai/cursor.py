"""Page cursors: opaque to clients, twenty bytes of when the listing began, what it asked, and the next bucket. Pure."""

from __future__ import annotations

import base64
import binascii
import struct

from sandbox.openai.answers import RefusedError

_PREFIX = "page_"
_FORM = struct.Struct(">q4sq")


def encode(asked_at: int, digest: bytes, position: int) -> str:
    """Return the cursor of the page whose first bucket begins at `position`; plain base64, as the API's own."""
    return _PREFIX + base64.b64encode(_FORM.pack(asked_at, digest, position)).decode()


def decode(cursor: str, digest: bytes) -> tuple[int, int]:
    """Return when the listing began and where it goes on; raises RefusedError for another query's cursor."""
    try:
        asked_at, bound_to, position = _FORM.unpack(base64.b64decode(cursor.removeprefix(_PREFIX), validate=True))
    except (binascii.Error, struct.error, ValueError):
        raise _foreign() from None
    if not cursor.startswith(_PREFIX) or bound_to != digest:
        raise _foreign()
    return asked_at, position


def _foreign() -> RefusedError:
    return RefusedError(400, "Invalid 'page': it does not belong to this query.", param="page", code="invalid_value")
