"""Repair: google-cloud-bigquery sends files up to 5 MB as a multipart upload of type `*/*`, answered with a 400."""

from __future__ import annotations

import json
import re
from typing import Any

from bqemulator.api.routes import upload
from bqemulator.domain.errors import InvalidQueryError

from sandbox.bigquery.patching import patch

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_PARTS = 2
_END_OF_HEADERS = b"\r\n\r\n"


def multipart_uploads() -> None:
    """Split the envelope by its boundary and take the media as it is, whatever its type is called."""
    patch(upload, "_parse_multipart_related", _parse)


def _parse(content_type: str, body: bytes) -> tuple[dict[str, Any], bytes]:
    match = _BOUNDARY.search(content_type)
    if match is None or not content_type.lower().startswith("multipart/"):
        raise InvalidQueryError(f"multipart upload requires Content-Type: multipart/related; got {content_type!r}")
    parts = (b"\r\n" + body).split(b"\r\n--" + match[1].encode())[1:-1]
    if len(parts) != _PARTS:
        raise InvalidQueryError(f"multipart upload requires exactly 2 parts; got {len(parts)}")
    resource, media = (part.partition(_END_OF_HEADERS)[2] for part in parts)
    try:
        envelope = json.loads(resource)
    except ValueError as error:
        raise InvalidQueryError(f"multipart upload's first part is not valid JSON: {error}") from error
    if not isinstance(envelope, dict):
        raise InvalidQueryError("multipart upload's first part must be a JSON object")
    return envelope, media
