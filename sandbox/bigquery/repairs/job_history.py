"""Repair: every job ever run is read back into memory at every start, which grows slower by the week."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bqemulator.catalog.duckdb_repository import DuckDBCatalogRepository

from sandbox.bigquery.patching import wrap

if TYPE_CHECKING:
    from collections.abc import Callable

_FORGET = """
DELETE FROM "_bqemulator_catalog"."jobs" WHERE creation_time < now() - INTERVAL 7 DAY
"""


def job_history() -> None:
    """Forget jobs after a week, long after any client would ask for one or use its id again."""
    wrap(DuckDBCatalogRepository, "_hydrate_jobs", _forget_first)


def _forget_first(hydrate: Callable[..., None], catalog: Any) -> None:
    catalog._engine.execute(_FORGET)  # noqa: SLF001
    hydrate(catalog)
