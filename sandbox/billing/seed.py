"""Lets Cloud Billing export to the project of an organisation's service account, both ways, for the last weeks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from google.cloud import bigquery
from google.cloud.exceptions import NotFound

from sandbox.billing.export import Export
from sandbox.billing.tables import DATASET, add, create

ACCOUNT = "01AB23-45CD67-89EF01"
DAYS, ROWS_A_DAY = 14, 12


def declared(key_file: str) -> Mapping[str, Any]:
    """Return what the platform stores with the credential: where the export is. The detailed one is read."""
    export = Export(ACCOUNT, detailed=True)
    return {"billing_export": {"project": _project(key_file), "dataset": DATASET, "tables": [export.table]}}


def seed_billing(client: bigquery.Client, key_file: str, today: date) -> None:
    """Create and fill the tables that are not there; what was exported until yesterday is in them."""
    for detailed in (True, False):
        export = Export(ACCOUNT, detailed=detailed, rows_a_day=ROWS_A_DAY)
        try:
            client.get_table(f"{_project(key_file)}.{DATASET}.{export.table}")
        except NotFound:
            path = create(client, _project(key_file), export)
            days = [today - timedelta(days=before) for before in range(DAYS, 0, -1)]
            add(client, path, export, [row for day in days for row in export.arrived(day)])


def _project(key_file: str) -> str:
    return str(json.loads(key_file)["project_id"])
