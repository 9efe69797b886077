"""Repair: the result of every query ever run is kept in memory until the process ends."""

from __future__ import annotations

from typing import Any

from bqemulator.jobs import executor

from sandbox.bigquery.patching import patch_everywhere

MAX_RESULTS = 1_000
MAX_BYTES = 128 * 1024 * 1024


def bounded_results() -> None:
    """Keep the latest results only; an older one answers as a job that is not found."""
    patch_everywhere(executor.JOB_RESULTS, _LatestResults(executor.JOB_SCHEMAS))


class _LatestResults(dict[str, Any]):
    """Arrow tables by job id, oldest first, within a number and a size; schemas leave with their table."""

    def __init__(self, schemas: dict[str, Any]) -> None:
        super().__init__()
        self._schemas = schemas

    def __setitem__(self, job_id: str, table: Any) -> None:
        super().__setitem__(job_id, table)
        while len(self) > 1 and (len(self) > MAX_RESULTS or self._bytes() > MAX_BYTES):
            oldest = next(iter(self))
            del self[oldest]
            self._schemas.pop(oldest, None)

    def _bytes(self) -> int:
        return sum(table.nbytes for table in self.values())
