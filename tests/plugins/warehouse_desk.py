"""What warehouse tests share: a small table, rows for it, and warehouses opened as the service opens them."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from attrs import frozen

from sandbox.bigquery.connect import PROJECT
from server.clock import SystemClock
from workers.adapters.bigquery import STATEMENTS, BigQueryWarehouses, connect
from workers.adapters.bigquery.warehouse import BigQueryWarehouse
from workers.model.table import Column, TableSchema
from workers.model.window import DateWindow
from workers.ports import Authority, Expected, Reached, Row, Written

FIRST, SECOND, THIRD = date(2025, 1, 1), date(2025, 1, 2), date(2025, 1, 3)
WINDOW = DateWindow(FIRST, SECOND)
FACTS = TableSchema(
    "facts",
    (
        Column("day", "DATE", "REQUIRED"),
        Column("endpoint", "STRING"),
        Column("tokens", "INT64"),
        Column("amount", "NUMERIC"),
        Column("raw", "JSON"),
        Column("org_slug", "STRING"),
        Column("run_id", "STRING"),
        Column("ingested_at", "TIMESTAMP"),
        Column("source_hash", "STRING"),
    ),
    partition="day",
    clustering=("endpoint",),
)
NOON = datetime(2025, 6, 15, 12, tzinfo=UTC)
RUN = UUID("00000000-0000-0000-0000-000000000001")
_ids = itertools.count()


def facts(day: date, count: int, endpoint: str = "completions", start: int = 0) -> list[Row]:
    """Rows of a day, told apart by their tokens."""
    return [
        {"day": day, "endpoint": endpoint, "tokens": number, "amount": Decimal("0.123456789"), "raw": {"n": number}}
        for number in range(start, start + count)
    ]


def scripts() -> dict[str, str]:
    """The texts of the statements, as the service reads them."""
    return {name: Path(f"configs/system/sql/{name}.sql").read_text() for name in STATEMENTS}


def declared(path: str) -> TableSchema:
    """A table as its schema file declares it."""
    said = json.loads(Path(path).read_text())
    columns = tuple(Column(**column) for column in said["columns"])
    partition = said["partition"]["field"] if said["partition"] else None
    return TableSchema(said["table"], columns, partition, None, tuple(said["clustering"]))


LEDGER = declared("configs/system/schemas/load_ledger.json")


@frozen
class Desk:
    """Warehouses and one dataset of them."""

    warehouses: BigQueryWarehouses
    dataset: str
    spool_dir: Path

    def warehouse(
        self,
        run_id: UUID = RUN,
        *,
        run_seq: int = 1,
        fence: int = 1,
        step_id: str = "extract",
        expected: Expected | None = None,
    ) -> BigQueryWarehouse:
        """The dataset on the authority of an attempt."""
        return self.warehouses.of(Authority("acme", self.dataset, run_id, run_seq, fence, step_id), expected)

    async def restate(
        self,
        rows: Sequence[Row],
        window: DateWindow | None = WINDOW,
        scope: Row | None = None,
        *,
        complete: bool = True,
        reached: Reached | None = None,
        allow_shrink: bool = False,
        **authority: Any,
    ) -> Written:
        """Publish rows of the facts table on an authority; without a `run_id` and `run_seq`, the first run's."""
        warehouse = self.warehouse(authority.pop("run_id", RUN), **authority)
        await warehouse.ensure(FACTS)
        async with warehouse.restate(FACTS, window, scope, allow_shrink=allow_shrink) as load:
            await load.write(rows)
            return await load.publish(complete=complete, reached=reached)

    async def later(self, rows: Sequence[Row], run_seq: int, *args: Any, **options: Any) -> Written:
        """Publish rows by another run."""
        return await self.restate(rows, *args, run_id=uuid4(), run_seq=run_seq, **options)

    async def rows(self, sql: str, **parameters: Any) -> list[tuple[Any, ...]]:
        """Query, as tuples."""
        answer = await self.warehouse().query(sql, parameters)
        return [tuple(row.values()) for row in answer.rows]

    async def counts(self) -> dict[tuple[date, str], int]:
        """Rows of the facts table per day and endpoint."""
        counted = await self.rows("SELECT day, endpoint, COUNT(*) AS n FROM {dataset}.facts GROUP BY day, endpoint")
        return {(day, endpoint): n for day, endpoint, n in counted}


@asynccontextmanager
async def open_desk(
    endpoint: str, dataset: str, spool_dir: Path, *, sql: Mapping[str, str] | None = None, **options: Any
) -> AsyncIterator[Desk]:
    """Open warehouses at an endpoint; chance always rolls low, so that repetitions follow at once."""
    warehouses = BigQueryWarehouses(
        connect(PROJECT, "US", endpoint=endpoint),
        ledger=LEDGER,
        sql=sql or scripts(),
        spool_dir=spool_dir,
        clock=SystemClock(),
        roll=lambda: 0.01,
        new_id=lambda: f"test_{dataset}_{next(_ids)}",
        central=dataset,
        **options,
    )
    async with warehouses:
        yield Desk(warehouses, dataset, spool_dir)
