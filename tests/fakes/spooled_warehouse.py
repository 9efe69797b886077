"""One organisation's dataset that ends at the spool: rows become Parquet files as in the service, and go nowhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from attrs import define, field

from workers.adapters.bigquery.load import BigQueryLoad, Shape, cleaned_up
from workers.adapters.bigquery.sources import Source
from workers.adapters.bigquery.spool import Spool, SpoolFile
from workers.model.table import TableSchema
from workers.model.window import DateWindow
from workers.ports import Written


@define
class _Nowhere:
    """Takes files in the place of stages."""

    files: int = 0
    rows: int = 0
    bytes: int = 0
    columns: Any = ()
    staged: dict[str, Any] = field(factory=dict)
    hashes: list[str] = field(factory=list)

    async def take(self, file: SpoolFile) -> None:
        self.files, self.rows = self.files + 1, self.rows + file.rows
        self.bytes += file.path.stat().st_size
        file.path.unlink()

    async def settle(self) -> None:
        """Nothing is under way."""

    def abandon(self) -> None:
        """Likewise."""


@define
class SpooledWarehouse:
    """Counts in `spooled` what it was given."""

    folder: Path
    threads: Executor
    spooled: _Nowhere = field(factory=_Nowhere)

    async def ensure(self, _table: TableSchema) -> None:
        """Every table is there."""

    async def describe(self, _name: str) -> TableSchema | None:
        """Return no table, so that rows show what theirs has to be."""
        return None

    def restate(self, table: TableSchema, _window: DateWindow | None, **_how: Any) -> Any:
        """Open a load."""
        return self._load(table)

    def append(self, table: TableSchema, *, keys: Sequence[str] = ()) -> Any:
        """Open a load."""
        return self._load(table, keys)

    @asynccontextmanager
    async def _load(self, table: TableSchema, keys: Sequence[str] = ()) -> AsyncIterator[BigQueryLoad]:
        shape, nowhere = Shape("acme", tuple(keys)), self.spooled
        spool = Spool(self.folder / table.name, shape.records(table))
        staging: Any = nowhere

        async def publish(_table: TableSchema, _source: Source, _complete: bool) -> Written:
            return Written(nowhere.rows)

        load = BigQueryLoad("acme_local", table, shape, spool, staging, publish, self.threads)
        async with cleaned_up(load, spool, staging, self.threads):
            yield load
