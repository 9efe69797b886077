"""What all warehouses of a process share; nothing in it belongs to a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path

from attrs import frozen
from google.cloud import bigquery

from workers.adapters.bigquery.calls import Calls
from workers.adapters.bigquery.jobs import Jobs
from workers.adapters.bigquery.names import dataset_path
from workers.adapters.bigquery.publishing import Publisher, Queries
from workers.adapters.bigquery.routines import BigQueryRoutines
from workers.adapters.bigquery.tables import Tables
from workers.model.table import TableSchema
from workers.ports import Clock, Failpoint


@frozen
class Wiring:
    """The parts of the adapter, the declaration of the ledger, and the texts of the scripts by name.

    `reading` is what asks for answers too large to hold, in a thread of its own.
    """

    client: bigquery.Client
    calls: Calls
    jobs: Jobs
    queries: Queries
    reading: Queries
    tables: Tables
    publisher: Publisher
    routines: BigQueryRoutines
    ledger: TableSchema
    sql: Mapping[str, str]
    central: str
    spool_dir: Path
    spooling: Executor
    rotate_bytes: int
    clock: Clock
    failpoint: Failpoint
    new_id: Callable[[], str]

    def path(self, dataset: str) -> str:
        """Return a dataset's quoted name."""
        return dataset_path(str(self.client.project), dataset)

    def query_name(self) -> str:
        """Name the job of a query or of a script that bears repetition: another each time, since its answer may be."""
        return f"dp_query_{self.new_id()}"

    def datasets(self, own: str) -> dict[str, str]:
        """Return what `{dataset}` and `{central}` stand for in SQL."""
        return {"dataset": self.path(own), "central": self.path(self.central)}
