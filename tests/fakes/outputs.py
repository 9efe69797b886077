"""All that a stack has written: files, the journal's tables and the warehouse's, each as a name and its bytes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from google.cloud import bigquery
from google.cloud.exceptions import NotFound

# What keeps secrets on purpose, readable by its owner only; engines' own files are read through the engines.
KEEPERS = {"secrets.json", "sandbox.json", "kms.key", "postgres.password"}
ENGINES = {"postgres", "bqemulator.duckdb", "bqemulator.duckdb.wal"}


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield every file below a folder."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if not ENGINES & set(parts) and path.name not in KEEPERS and path.is_file():
            yield str(path), path.read_bytes()


async def journal_tables(
    connection: asyncpg.Connection[Any] | PoolConnectionProxy[Any],
) -> AsyncIterator[tuple[str, bytes]]:
    """Yield every table of a journal."""
    for (table,) in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"):
        copied = BytesIO()
        await connection.copy_from_table(table, output=copied)
        yield f"journal {table}", copied.getvalue()


def warehouse_tables(client: bigquery.Client) -> Iterator[tuple[str, bytes]]:
    """Yield every table of a warehouse; stages come and go meanwhile."""
    for dataset in client.list_datasets():
        for table in client.list_tables(dataset.dataset_id):
            with contextlib.suppress(NotFound):
                rows = [dict(row) for row in client.list_rows(table)]
                yield f"warehouse {dataset.dataset_id}.{table.table_id}", json.dumps(rows, default=_plain).encode()


def _plain(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
