"""What a step of `gcp.api_extractor` may say, checked key by key when the service starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from attrs import Attribute, field, frozen
from attrs.validators import and_, ge, le, max_len, optional

from workers.model.pipeline import Destination
from workers.model.table import IDENTIFIER
from workers.processors.gcp.templates import template_names
from workers.rest.expressions import expression

Scalar = str | int | float | bool | None

PROJECT = "project"
"""The path parameter that stands for the project whose resources are read."""


def _is_place(_owner: Any, attribute: Attribute[str], text: str) -> None:
    try:
        expression(text)
    except ValueError as error:
        raise ValueError(f"'{attribute.name}' {error}") from None


def _are_columns(_owner: Any, attribute: Attribute[Any], names: Any) -> None:
    for name in names:
        if not IDENTIFIER.match(name):
            raise ValueError(f"'{attribute.name}' names a column that is none: {name[:80]!r}")


def _are_places(_owner: Any, attribute: Attribute[Any], places: Mapping[str, str]) -> None:
    for column, place in places.items():
        try:
            expression(place)
        except ValueError as error:
            raise ValueError(f"'{attribute.name}' of {column} {error}") from None


def _is_template(_owner: Any, attribute: Attribute[str], text: str) -> None:
    try:
        template_names(text)
    except ValueError as error:
        raise ValueError(f"'{attribute.name}' {error}") from None


@frozen
class MapDeclared:
    """A list in the shape of a map, scope → object: where an object's rows stand, and the column of the scope."""

    rows: str = field(validator=_is_place)
    scope_column: str = "scope"


@frozen(kw_only=True)
class ApiDeclared:
    """The whole `config:` of a step.

    `url`, or `api` (of configs/system/providers.yml) and the `endpoint` below it; both may hold `{{name}}` of
    `path_params`, of which `project` is `project_id`, or the key's own project. A snapshot that is `daily` replaces
    the one of the same day, the `latest` one the last; of the table only rows that have the same `replace_by` columns.
    """

    destination: Destination
    provider: str = "GCP_SA"
    url: str = field(default="", validator=_is_template)
    api: str = ""
    endpoint: str = field(default="", validator=_is_template)
    scopes: tuple[str, ...] = field(default=(), validator=max_len(20))
    method: Literal["GET", "POST"] = "GET"
    path_params: Mapping[str, str] = field(factory=dict, validator=max_len(50))
    params: Mapping[str, Scalar | tuple[Scalar, ...]] = field(factory=dict, validator=max_len(100))
    body: Mapping[str, Any] | None = None
    project_id: str | None = None
    data_path: str = field(validator=_is_place)
    map: MapDeclared | None = None
    page_token_param: str = "pageToken"  # noqa: S105 - a parameter's name
    next_page_path: str = field(default="nextPageToken", validator=_is_place)
    page_size_param: str = "pageSize"
    page_size: int | None = field(default=None, validator=optional(and_(ge(1), le(100_000))))
    add_fields: Mapping[str, Scalar] = field(factory=dict, validator=_are_columns)
    flatten: Mapping[str, str] = field(factory=dict, validator=[_are_columns, _are_places])
    snapshot: Literal["latest", "daily"] = "latest"
    replace_by: tuple[str, ...] = field(default=(), validator=_are_columns)
    allow_shrink: bool = False

    def __attrs_post_init__(self) -> None:
        if bool(self.url) is bool(self.api or self.endpoint) or bool(self.api) is not bool(self.endpoint):
            raise ValueError("either 'url', or 'api' and 'endpoint'")
        unknown = template_names(self.url or self.endpoint) - self.path_params.keys() - {PROJECT}
        if unknown:
            raise ValueError(f"'path_params' has no {min(unknown)!r}")
        if self.body is not None and self.method != "POST":
            raise ValueError("'body' goes with method POST")
        if self.destination.write_mode != "overwrite":
            raise ValueError("'destination' takes the place of what was there: write_mode must be overwrite")
        if not IDENTIFIER.match(self.destination.table) or self.destination.table.startswith("__"):
            raise ValueError(f"'destination' names a table that is none: {self.destination.table[:80]!r}")
