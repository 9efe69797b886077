"""A large billing export in the emulator, of an account that the sandbox does not have."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from google.cloud import bigquery

from sandbox.bigquery.connect import connect
from sandbox.billing.export import Export
from sandbox.billing.tables import DATASET, add, create

PROJECT = "bench-billing"
DAYS = 5
_AT_ONCE = 20_000


def fill(rest: str, rows: int) -> dict[str, str]:
    """Export so many rows until yesterday, and return what a run is told to read them. Blocks."""
    export = Export("0BEEF0-000000-0BEEF0", detailed=True, rows_a_day=rows // DAYS)
    last = datetime.now(UTC).date() - timedelta(days=1)
    with connect(rest) as client:
        path = create(client, PROJECT, export)
        for day in (last - timedelta(days=before) for before in range(DAYS)):
            _fill_day(client, path, export, day)
    where = {"export_project": PROJECT, "export_dataset": DATASET, "export_table": export.table}
    return {**where, "date": last.isoformat()}


def _fill_day(client: bigquery.Client, path: str, export: Export, day: date) -> None:
    arrived = list(export.arrived(day))
    for start in range(0, len(arrived), _AT_ONCE):
        add(client, path, export, arrived[start : start + _AT_ONCE])
