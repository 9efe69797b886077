"""What bodies of an API look like, and what its answers mean beyond their status, as values."""

from __future__ import annotations

from attrs import frozen


@frozen
class BodyFormat:
    """`kind` json, ndjson (a row a line) or csv (a header, then rows of text); `gzipped` when the body is a gzip file.

    Bodies of the last two are handed on in parts, so that a long one is never held.
    """

    kind: str = "json"
    delimiter: str = ","
    gzipped: bool = False


@frozen
class ResponseRule:
    """What an answer means: `action` ignore (there are no more rows), retry, fail, refresh_token or rate_limited.

    It speaks of answers with one of `statuses` (any but 200 when empty) whose body holds the text `contains`, and
    holds something true at the place `when`.
    """

    action: str
    statuses: tuple[int, ...] = ()
    contains: str = ""
    when: str = ""
    message: str = ""
