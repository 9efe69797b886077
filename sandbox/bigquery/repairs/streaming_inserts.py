"""Repair: insertAll inserts a repeated insertId twice, and answers a row that does not fit with an internal error."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from bqemulator.api.routes import tabledata
from bqemulator.domain.errors import ResourceRef, resource_not_found

from sandbox.bigquery.patching import wrap_route
from sandbox.bigquery.rows import RowError, check_fields, insert, to_arrow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_WINDOW = timedelta(seconds=60)
_Key = tuple[str, str, str]
_seen: dict[tuple[_Key, str], datetime] = {}


def streaming_inserts() -> None:
    """Insert each insertId once a minute, tell every row's own error, insert all rows or none."""
    wrap_route(tabledata.router, tabledata.insert_all, _insert_all)


async def _insert_all(_original: Callable[..., Any], *, request: Any, ctx: Any, **path: str) -> dict[str, Any]:
    key = path["project_id"], path["dataset_id"], path["table_id"]
    table = ctx.catalog.get_table(*key)
    if table is None:
        raise resource_not_found(ResourceRef("table", *key))
    body = await request.json()
    fields = table.schema_.fields
    rows = _fresh(body.get("rows", ()), key, ctx.clock.now())
    errors = {index: error for index, row in rows.items() if (error := _error(row["json"], fields, body)) is not None}
    if errors and not body.get("skipInvalidRows"):
        errors = {index: errors.get(index) or _entry("stopped", "", "") for index in rows}
    good = [_known(row["json"], fields) for index, row in rows.items() if index not in errors]
    if good:
        insert(to_arrow(good, fields), [field.name for field in fields], key, ctx.engine)
        _remember([row for index, row in rows.items() if index not in errors], key, ctx.clock.now())
    told = [{"index": index, "errors": [error]} for index, error in errors.items()]
    return {"kind": "bigquery#tableDataInsertAllResponse", **({"insertErrors": told} if told else {})}


def _fresh(rows: Sequence[dict[str, Any]], key: _Key, now: datetime) -> dict[int, dict[str, Any]]:
    """Return the rows by index whose insertId was not inserted within the window, each id once."""
    for known in [entry for entry, at in _seen.items() if now - at > _WINDOW]:
        del _seen[known]
    fresh: dict[Any, tuple[int, dict[str, Any]]] = {}
    for index, row in enumerate(rows):
        identity = row.get("insertId") or index
        if (key, identity) not in _seen:
            fresh.setdefault(identity, (index, row))
    return dict(fresh.values())


def _remember(rows: list[dict[str, Any]], key: _Key, now: datetime) -> None:
    _seen.update({(key, row["insertId"]): now for row in rows if row.get("insertId")})


def _error(row: dict[str, Any], fields: Sequence[Any], body: dict[str, Any]) -> dict[str, Any] | None:
    try:
        kept = _known(row, fields) if body.get("ignoreUnknownValues") else row
        check_fields(kept, fields)
        to_arrow([kept], fields)
    except RowError as error:
        return _entry("invalid", error.location, str(error))
    return None


def _known(row: dict[str, Any], fields: Sequence[Any]) -> dict[str, Any]:
    names = {field.name for field in fields}
    return {name: value for name, value in row.items() if name in names}


def _entry(reason: str, location: str, message: str) -> dict[str, Any]:
    return {"reason": reason, "location": location, "debugInfo": "", "message": message}
