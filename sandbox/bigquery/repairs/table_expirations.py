"""Repair: the expiration of a table is dropped without a word."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from bqemulator.api.routes import tables

from sandbox.bigquery.patching import wrap

if TYPE_CHECKING:
    from collections.abc import Callable

_FIELD = "expirationTime"


def table_expirations() -> None:
    """Keep and tell a table's expiration. It is not acted upon: nothing vanishes from a laptop by itself."""
    wrap(tables, "_rest_to_table_meta", _keep)
    wrap(tables, "_table_to_rest", _tell)


def _keep(
    read: Callable[..., Any], project: str, dataset: str, body: dict[str, Any], clock: Any, existing: Any = None
) -> Any:
    expiration = existing.expiration_time if existing is not None else None
    if _FIELD in body:
        expiration = datetime.fromtimestamp(int(body[_FIELD]) / 1000, UTC) if body[_FIELD] else None
    return read(project, dataset, body, clock, existing).model_copy(update={"expiration_time": expiration})


def _tell(tell: Callable[..., dict[str, Any]], table: Any) -> dict[str, Any]:
    expiration = table.expiration_time
    return tell(table) | ({} if expiration is None else {_FIELD: str(int(expiration.timestamp() * 1000))})
