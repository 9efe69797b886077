"""Page cursors: opaque to clients, `page_` and base64 of where the next page begins. Pure."""

from __future__ import annotations

import base64
import binascii

from sandbox.anthropic.answers import RefusedError, bad

_PREFIX = "page_"


def encode(place: str) -> str:
    """Return the cursor of a place."""
    return _PREFIX + base64.b64encode(place.encode()).decode()


def decode(cursor: str) -> str:
    """Return the place of a cursor; raises RefusedError for what is none."""
    try:
        place = base64.b64decode(cursor.removeprefix(_PREFIX), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        raise foreign() from None
    if not cursor.startswith(_PREFIX):
        raise foreign()
    return place


def foreign() -> RefusedError:
    """Return the answer to a cursor of another query."""
    return bad("page", "this token does not belong to this query")
