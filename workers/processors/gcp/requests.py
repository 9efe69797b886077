"""From what a step declares to the read that is asked of `rest`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import evolve

from workers.model.apis import api_at, api_named
from workers.model.page import Endpoint, Read
from workers.model.pagination import CursorPages
from workers.processors.gcp.declared import ApiDeclared, Scalar
from workers.processors.gcp.templates import filled

WARNING, UNREACHABLE = "warning", ("unreachables", "unreachable")
"""Where Google's lists say that they are not whole."""


def read_of(declared: ApiDeclared, endpoint: Endpoint, values: Mapping[str, str]) -> Read:
    """Return the read; `values` are the path parameters. Raises ValueError for what a run cannot ask."""
    if declared.url:
        api, path = api_at(endpoint, filled(declared.url, values))
    else:
        api, path = api_named(endpoint, declared.api), filled(declared.endpoint, values)
    scopes = declared.scopes or api.auth.scopes
    if not scopes:
        raise ValueError("no scopes are declared for this API; say them in scopes")
    return Read(
        evolve(api, auth=evolve(api.auth, scopes=scopes)),
        path,
        params=(*_sizes(declared), *_params(declared.params)),
        method=declared.method,
        body=None if declared.body is None else dict(declared.body),
        pagination=CursorPages(declared.page_token_param, declared.next_page_path),
        data_path=_rows(declared),
        key_fields=("key",) if declared.map else (),
        page_fields=(WARNING, *UNREACHABLE),
    )


def _rows(declared: ApiDeclared) -> str:
    """Name the rows; an empty list of Google's is left out of the answer."""
    if declared.map is not None:
        return f"entries(if_absent(@, {declared.data_path}, `{{}}`))"
    return f"if_absent(@, {declared.data_path}, `[]`)"


def _sizes(declared: ApiDeclared) -> Iterator[tuple[str, str]]:
    if declared.page_size is not None:
        yield declared.page_size_param, str(declared.page_size)


def _params(given: Mapping[str, Scalar | tuple[Scalar, ...]]) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        for one in value if isinstance(value, tuple | list) else (value,):
            if one is not None and one != "":
                yield name, str(one).lower() if isinstance(one, bool) else str(one)
