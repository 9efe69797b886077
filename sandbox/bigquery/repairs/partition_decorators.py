"""Repair: a load into `table$20250131` is refused, where BigQuery loads into that one partition."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bqemulator.domain.errors import ValidationError
from bqemulator.jobs import executor

from sandbox.bigquery.patching import wrap

if TYPE_CHECKING:
    from collections.abc import Callable

_FORMATS = {"YEAR": "%Y", "MONTH": "%Y%m", "DAY": "%Y%m%d", "HOUR": "%Y%m%d%H"}


def partition_decorators() -> None:
    """Truncate only the named partition, and refuse rows that belong to another."""
    wrap(executor, "_parse_load_job_config", _parse)
    wrap(executor, "_apply_load_write_disposition", _dispose)
    wrap(executor, "_refresh_load_row_count", _check)


@dataclasses.dataclass(frozen=True, slots=True)
class _PartitionLoad(executor._LoadJobConfig):  # noqa: SLF001
    decorator: str = ""
    outside: list[int] = dataclasses.field(default_factory=list)


def _parse(parse: Callable[..., Any], project_id: str, config: dict[str, Any]) -> Any:
    load = config.get("load", {})
    table, _, decorator = load.get("destinationTable", {}).get("tableId", "").partition("$")
    if not decorator:
        return parse(project_id, config)
    destination = {**load["destinationTable"], "tableId": table}
    plain = parse(project_id, {**config, "load": {**load, "destinationTable": destination}})
    values = {field.name: getattr(plain, field.name) for field in dataclasses.fields(plain)}
    return _PartitionLoad(**values, decorator=decorator)


def _dispose(dispose: Callable[..., None], job: Any, ctx: Any) -> None:
    if not isinstance(job, _PartitionLoad):
        dispose(job, ctx)
        return
    inside = _condition(job, ctx)
    if job.write_disposition == "WRITE_TRUNCATE":
        ctx.engine.execute(f"DELETE FROM {job.target_ref} WHERE {inside}")  # noqa: S608
    job.outside.append(_count_outside(inside, job, ctx))


def _check(refresh: Callable[..., Any], job: Any, ctx: Any) -> Any:
    if isinstance(job, _PartitionLoad) and _count_outside(_condition(job, ctx), job, ctx) != job.outside[0]:
        raise ValidationError(f"Some rows belong to different partitions rather than destination {job.decorator}")
    return refresh(job, ctx)


def _count_outside(inside: str, job: Any, ctx: Any) -> int:
    sql = f"SELECT COUNT(*) FROM {job.target_ref} WHERE ({inside}) IS NOT TRUE"  # noqa: S608
    count: int = ctx.engine.execute(sql).fetchone()[0]
    return count


def _condition(job: Any, ctx: Any) -> str:
    table = ctx.catalog.get_table(job.project_id, job.dataset_id, job.table_id)
    partitioning = table.time_partitioning if table is not None else None
    if partitioning is None or not partitioning.field:
        raise ValidationError(f"{job.table_id} is not partitioned by a column: ${job.decorator} names no partition")
    try:
        start = datetime.strptime(job.decorator, _FORMATS[partitioning.type])  # noqa: DTZ007  compared without a zone
    except ValueError as error:
        raise ValidationError(f"Invalid partition ID {job.decorator}") from error
    column = f"date_trunc('{partitioning.type}', CAST(\"{partitioning.field}\" AS TIMESTAMP))"
    return f"{column} = TIMESTAMP '{start.isoformat(sep=' ')}'"
