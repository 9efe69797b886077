"""Repair: Parquet is loaded by the order of its columns, NDJSON without BigQuery's types, unknown fields unchecked."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bqemulator.jobs import executor

from sandbox.bigquery.patching import wrap
from sandbox.bigquery.rows import RowError, check_fields, insert, to_arrow

if TYPE_CHECKING:
    from collections.abc import Callable

_GZIP_MAGIC = b"\x1f\x8b"


def loads_by_name() -> None:
    """Match the columns of Parquet and NDJSON by name, and refuse what the table does not have."""
    wrap(executor, "_load_path_into_target", _load)


def _load(load_otherwise: Callable[..., None], path: str, job: Any, ctx: Any) -> None:
    if job.source_format == "PARQUET":
        _load_parquet(path, job, ctx)
    elif job.source_format in ("NEWLINE_DELIMITED_JSON", "JSON"):
        _load_json(path, job, ctx)
    else:
        load_otherwise(path, job, ctx)


def _load_parquet(path: str, job: Any, ctx: Any) -> None:
    given = [row[0] for row in ctx.engine.execute("DESCRIBE SELECT * FROM read_parquet(?)", [path]).fetchall()]
    table = ctx.catalog.get_table(job.project_id, job.dataset_id, job.table_id)
    known = {field.name.lower() for field in table.schema_.fields}
    unknown = [name for name in given if name.lower() not in known]
    if unknown and not job.raw_config.get("ignoreUnknownValues"):
        raise RowError(f"No such field: {', '.join(unknown)}")
    names = ", ".join(f'"{name}"' for name in given if name.lower() in known)
    ctx.engine.execute(f"INSERT INTO {job.target_ref} ({names}) SELECT {names} FROM read_parquet(?)", [path])  # noqa: S608


def _load_json(path: str, job: Any, ctx: Any) -> None:
    key = job.project_id, job.dataset_id, job.table_id
    fields = ctx.catalog.get_table(*key).schema_.fields
    known = {field.name for field in fields}
    rows = [json.loads(line) for line in _lines(path)]
    if job.raw_config.get("ignoreUnknownValues"):
        rows = [{name: value for name, value in row.items() if name in known} for row in rows]
    for row in rows:
        check_fields(row, fields)
    insert(to_arrow(rows, fields), [field.name for field in fields], key, ctx.engine)


def _lines(path: str) -> list[bytes]:
    content = Path(path).read_bytes()
    if content.startswith(_GZIP_MAGIC):
        content = gzip.decompress(content)
    return [line for line in content.splitlines() if line.strip()]
