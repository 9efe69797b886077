"""Repair: the emulator downloads DuckDB's spatial extension at every start and refuses to start without it."""

from __future__ import annotations

from typing import Any

from bqemulator.storage.engine import DuckDBEngine

from sandbox.bigquery.patching import patch


def no_spatial() -> None:
    """Load no extension from the network: nothing of ours is GEOGRAPHY, and a laptop may be offline."""
    patch(DuckDBEngine, "_load_spatial", _forbid_downloads)


def _forbid_downloads(engine: Any) -> None:
    engine.connection.execute("SET GLOBAL autoinstall_known_extensions = false")
    engine.connection.execute("SET GLOBAL autoload_known_extensions = false")
