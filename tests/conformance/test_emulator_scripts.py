"""Scripts of the repaired emulator: parameters, transactions, and what others see of them."""

from __future__ import annotations

import asyncio
import threading
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from google.api_core.exceptions import BadRequest

from sandbox.bigquery.connect import connect
from sandbox.bigquery.launch import Emulator
from tests.plugins.emulator_calls import DAYS, create_table, fill, query

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engine

PUBLISH = """
DECLARE v_fence INT64 DEFAULT 0;
SET v_fence = (SELECT COALESCE(MAX(count), 0) FROM {table});
IF v_fence > @fence THEN
  RAISE USING MESSAGE = CONCAT('STALE_FENCE ', CAST(v_fence AS STRING));
END IF;
BEGIN TRANSACTION;
DELETE FROM {table} WHERE day IN UNNEST(@days);
INSERT INTO {table} (id, day, amount, count)
  SELECT CONCAT('new', CAST(n AS STRING)), d, ROUND(CAST('1.5' AS NUMERIC) * n, 9), @fence
  FROM UNNEST(@days) AS d CROSS JOIN UNNEST([1, 2]) AS n;
MERGE {table} AS t USING (SELECT 'ledger' AS id, d AS day FROM UNNEST(@days) AS d) AS s
  ON t.id = s.id AND t.day = s.day
  WHEN MATCHED THEN UPDATE SET count = @fence
  WHEN NOT MATCHED THEN INSERT (id, day, count) VALUES (s.id, s.day, @fence);
COMMIT TRANSACTION;
SELECT COUNT(*) AS written FROM {table} WHERE day IN UNNEST(@days);
"""
REPLACE = """
BEGIN TRANSACTION;
DELETE FROM {table} WHERE TRUE;
INSERT INTO {table} (id, day) SELECT 'n', DATE '2025-01-01' FROM UNNEST(GENERATE_ARRAY(1, 2));
COMMIT TRANSACTION;
"""
TRANSACTION_LINES = ("BEGIN TRANSACTION;", "COMMIT TRANSACTION;")


def count(bq: Any, table: str) -> int:
    return int(query(bq, f"SELECT COUNT(*) AS n FROM {table}")[0][0])


def publish(bq: Any, table: str, fence: int, days: list[date] = DAYS) -> list[tuple[Any, ...]]:
    return query(bq, PUBLISH.format(table=table), fence=("INT64", fence), days=("DATE", days))


def test_a_script_with_parameters_replaces_exactly_its_days(bq: Any, table: str) -> None:
    fill(bq, table, count=4)
    assert publish(bq, table, 1, DAYS[:1]) == [(3,)]
    found = query(bq, f"SELECT id FROM {table} ORDER BY day, id")
    assert found == [("ledger",), ("new1",), ("new2",), ("r1",), ("r3",)]


def test_publishing_twice_changes_nothing(bq: Any, table: str) -> None:
    assert publish(bq, table, 1) == publish(bq, table, 1) == [(6,)]


def test_a_raise_is_a_bad_request_with_its_message(bq: Any, table: str) -> None:
    publish(bq, table, 5)
    with pytest.raises(BadRequest, match="STALE_FENCE 5"):
        publish(bq, table, 4)


@pytest.mark.parametrize(
    "failure", ["RAISE USING MESSAGE = 'no'", "INSERT INTO {table} (id) VALUES ('x')", "SELECT CAST('x' AS DATE)"]
)
def test_a_transaction_that_fails_leaves_nothing(bq: Any, table: str, failure: str) -> None:
    fill(bq, table)
    script = "BEGIN TRANSACTION; DELETE FROM {table} WHERE TRUE; " + failure + "; COMMIT TRANSACTION;"
    with pytest.raises(BadRequest):
        query(bq, script.format(table=table))
    assert count(bq, table) == 2


@pytest.mark.parametrize("end", ["ROLLBACK TRANSACTION;", ""])
def test_a_transaction_that_is_not_committed_leaves_nothing(bq: Any, table: str, end: str) -> None:
    fill(bq, table)
    query(bq, f"BEGIN TRANSACTION; DELETE FROM {table} WHERE TRUE; {end}")
    assert count(bq, table) == 2


def test_a_handler_can_roll_back_and_read_the_error(bq: Any, table: str) -> None:
    fill(bq, table)
    found = query(
        bq,
        f"""BEGIN BEGIN TRANSACTION; DELETE FROM {table} WHERE TRUE; SELECT CAST('x' AS DATE); COMMIT TRANSACTION;
        EXCEPTION WHEN ERROR THEN ROLLBACK TRANSACTION; SELECT @@error.message AS message; END;""",
    )
    assert "Invalid date" in found[0][0]
    assert count(bq, table) == 2


async def _counts_while_replacing(emulator: Emulator, script: str, *, until_torn: bool) -> set[int]:
    """Replace two rows by two others while a second client counts them over and over."""
    seen: set[int] = set()
    reading, done = threading.Event(), threading.Event()

    def replace() -> None:
        with connect(emulator.rest) as bq:
            reading.wait(20)
            for turn in range(30):
                query(bq, script)
                if turn >= 2 and (seen != {2} or not until_torn):  # a busy machine may take a reader past the gap
                    break
        done.set()

    def read(table: str) -> None:
        with connect(emulator.rest) as bq:
            while not done.is_set():
                seen.add(count(bq, table))
                reading.set()

    with connect(emulator.rest) as bq:
        await asyncio.to_thread(bq.create_dataset, "ds")
        table = await asyncio.to_thread(create_table, bq, "ds.replaced")
        await asyncio.to_thread(fill, bq, table)
    await asyncio.gather(asyncio.to_thread(read, table), asyncio.to_thread(replace))
    return seen


@pytest.mark.parametrize("atomic", [True, False])
async def test_readers_between_statements_tell_a_transaction_from_none(tmp_path: Path, atomic: bool) -> None:
    script = REPLACE.format(table="ds.replaced")
    for line in TRANSACTION_LINES:
        script = script if atomic else script.replace(line, "")
    emulator = Emulator(tmp_path, admit_readers=True)
    await emulator.start()
    try:
        seen = await _counts_while_replacing(emulator, script, until_torn=not atomic)
    finally:
        await emulator.stop()
    assert (seen == {2}) is atomic
