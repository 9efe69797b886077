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
    """`param` counts rows already read in steps of `limit` (sent as `limit_param`); a short page is the last."""

    param: str
    limit_param: str
    limit: int


@frozen
class NumberPages:
    """`param` counts pages from `first`; a page with fewer than `limit` rows (sent as `limit_param`) is the last."""

    param: str
    first: int = 1
    limit_param: str = ""
    limit: int = 0


@frozen
class LinkPages:
    """The next URL stands at `path` of the body, or in the Link header (rel="next") when `path` is empty."""

    path: str = ""


Pagination = SinglePage | CursorPages | OffsetPages | NumberPages | LinkPages
