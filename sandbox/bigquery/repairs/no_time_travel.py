"""Repair: every write copies its whole table, kept for seven days, to serve FOR SYSTEM_TIME AS OF."""

from __future__ import annotations

from typing import Any

from bqemulator.domain.events import TableDataChanged
from bqemulator.versioning.snapshots import SnapshotManager

from sandbox.bigquery.patching import patch


def no_time_travel() -> None:
    """Announce a change without copying the table: nothing of ours travels in time."""
    patch(SnapshotManager, "record_change", _announce)


def _announce(manager: Any, project_id: str, dataset_id: str, table_id: str) -> None:
    manager._events.publish(TableDataChanged(project_id, dataset_id, table_id))  # noqa: SLF001
