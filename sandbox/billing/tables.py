"""Export tables in the emulator. There they have the day of export_time: the emulator keeps no days of arrival."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from google.cloud import bigquery

from sandbox.billing.export import Export, Row

DATASET = "billing_export"


def create(client: bigquery.Client, project: str, export: Export, dataset: str = DATASET) -> str:
    """Create an export's table and return its full name."""
    path = f"{project}.{dataset}.{export.table}"
    client.create_dataset(f"{project}.{dataset}", exists_ok=True)
    table = bigquery.Table(path, schema=fields(export))
    table.time_partitioning = bigquery.TimePartitioning(field="export_time")
    client.create_table(table)
    return path


def add(client: bigquery.Client, path: str, export: Export, rows: Iterable[Row]) -> None:
    """Export rows; nothing that was exported ever changes."""
    config = bigquery.LoadJobConfig(schema=fields(export), write_disposition="WRITE_APPEND")
    client.load_table_from_json(list(rows), path, job_config=config).result()


def fields(export: Export) -> list[bigquery.SchemaField]:
    """Return the columns as published."""
    form = "resource_v1" if export.detailed else "v1"
    declared = json.loads((Path(__file__).parent / f"gcp_billing_export_{form}.schema.json").read_text())
    return [bigquery.SchemaField.from_api_repr(one) for one in declared]
