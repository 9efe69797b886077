"""Kinds of pagination, as values; what the next request is stands in `workers/rest/paging.py`."""

from __future__ import annotations

from attrs import frozen


@frozen
class SinglePage:
    """One request, one page."""


@frozen
class CursorPages:
    """The answer carries a cursor at `path`, sent back as `param`; `more_path` names a boolean: is there more."""

    param: str
    path: str
    more_path: str = ""


@frozen
class OffsetPages:
    """`param` counts rows already read in steps of `limit` (sent as `limit_param`); a short page is the last.

    With `until_empty` only an empty page is, and steps are the rows that came: a server may give fewer than asked for.
    """

    param: str
    limit_param: str
    limit: int
    until_empty: bool = False


@frozen
class NumberPages:
    """`param` counts pages from `first`; a page with fewer than `limit` rows (sent as `limit_param`) is the last.

    Without a `limit`, or with `until_empty`, only an empty page is.
    """

    param: str
    first: int = 1
    limit_param: str = ""
    limit: int = 0
    until_empty: bool = False


@frozen
class LinkPages:
    """The next URL stands at `path` of the body, or in the Link header (rel="next") when `path` is empty."""

    path: str = ""


Pagination = SinglePage | CursorPages | OffsetPages | NumberPages | LinkPages
