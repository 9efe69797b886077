"""Every repair earns its place: its check passes on the repaired emulator and fails on one without that repair."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.bigquery.connect import connect
from sandbox.bigquery.launch import Emulator
from sandbox.bigquery.repairs import REPAIRS, START_UP
from tests.repairs import check_queries, check_streams, check_tables

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHECKS: dict[str, Callable[[Any, str], None]] = {
    name.replace("_", "-"): function
    for module in (check_queries, check_tables, check_streams)
    for name, function in inspect.getmembers(module, inspect.isfunction)
    if function.__module__ == module.__name__ and not name.startswith("_")
}


def test_every_repair_that_can_be_left_out_has_a_check() -> None:
    assert CHECKS.keys() == REPAIRS.keys() - START_UP


@pytest.mark.parametrize("name", sorted(REPAIRS.keys() - START_UP))
def test_with_all_repairs_the_check_passes(name: str, bq: Any, emulator: Emulator) -> None:
    CHECKS[name](bq, emulator.grpc)


@pytest.mark.parametrize("name", sorted(REPAIRS.keys() - START_UP))
async def test_without_the_repair_its_check_fails(name: str, tmp_path: Path) -> None:
    emulator = Emulator(tmp_path, without=(name,))
    await emulator.start()
    try:
        failed = await asyncio.to_thread(_fails, CHECKS[name], emulator)
    finally:
        await emulator.stop()
    assert failed, f"{name} is no longer needed: its check passes without it"


def _fails(check: Callable[[Any, str], None], emulator: Emulator) -> bool:
    with connect(emulator.rest) as bq:
        bq.create_dataset("ds")
        try:
            check(bq, emulator.grpc)
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001  however the released emulator gets it wrong
            print(f"without it: {type(error).__name__}: {str(error)[:300]}")
            return True
    return False
