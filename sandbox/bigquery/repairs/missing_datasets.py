"""Repair: making a table in a dataset that is not there is an internal error, listing its tables finds none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bqemulator.api.routes import tables
from bqemulator.domain.errors import ErrorDetail, NotFoundError

from sandbox.bigquery.patching import wrap_route

if TYPE_CHECKING:
    from collections.abc import Callable


def missing_datasets() -> None:
    """Answer that the dataset was not found."""
    wrap_route(tables.router, tables.insert_table, _insert)
    wrap_route(tables.router, tables.list_tables, _list)


async def _insert(insert: Callable[..., Any], **given: Any) -> Any:
    _check(given)
    return await insert(**given)


def _list(list_tables: Callable[..., Any], **given: Any) -> Any:
    _check(given)
    return list_tables(**given)


def _check(given: dict[str, Any]) -> None:
    project_id, dataset_id = given["project_id"], given["dataset_id"]
    if given["ctx"].catalog.get_dataset(project_id, dataset_id) is None:
        message = f"Not found: Dataset {project_id}:{dataset_id}"
        raise NotFoundError(message, details=[ErrorDetail(reason="notFound", message=message)])
