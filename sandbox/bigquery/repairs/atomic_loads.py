"""Repair: a load that fails has already emptied the table it was to replace, and counts all rows as its own.

A process killed after the rows and before the job is recorded forgets the job, and loads it twice when asked again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bqemulator.jobs import executor

from sandbox.bigquery.patching import wrap_everywhere
from sandbox.bigquery.repairs.one_write_lock import forget_uncommitted
from sandbox.bigquery.sessions import write_section

if TYPE_CHECKING:
    from collections.abc import Callable


def atomic_loads() -> None:
    """Make the load, its table and the record of its job one transaction."""
    wrap_everywhere(executor.execute_load_job, _load_whole)


async def _load_whole(load: Callable[..., Any], project_id: str, job_id: str, config: dict[str, Any], ctx: Any) -> Any:
    try:
        async with write_section(ctx.engine):
            before = _kept_rows(project_id, config, ctx)
            job = await load(project_id, job_id, config, ctx)
            total = int(job.statistics["load"]["outputRows"])
            job = job.model_copy(update={"statistics": {"load": {"outputRows": str(total - before)}}})
            return ctx.catalog.upsert_job(job)
    except BaseException:
        forget_uncommitted(ctx.catalog)
        raise


def _kept_rows(project_id: str, config: dict[str, Any], ctx: Any) -> int:
    """Return how many rows of the destination the load leaves in place."""
    target = executor._parse_load_job_config(project_id, config)  # noqa: SLF001
    if target.write_disposition == "WRITE_TRUNCATE":
        return 0
    if ctx.catalog.get_table(target.project_id, target.dataset_id, target.table_id) is None:
        return 0
    count: int = ctx.engine.execute(f"SELECT COUNT(*) FROM {target.target_ref}").fetchone()[0]  # noqa: S608
    return count
