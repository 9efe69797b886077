"""Stored procedures on the real engine: what is written reads back, by whom it was written included."""

from __future__ import annotations

import hashlib

import pytest

from tests.plugins.warehouse_desk import Desk
from workers.model.failure import FailedError, Reason
from workers.model.routine import Argument, Procedure

pytestmark = pytest.mark.engine

TEXT = """-- Gives a number.
CREATE OR REPLACE PROCEDURE `{project_id}`.`{central_dataset}`.`sp_number`(p_n INT64, p_day DATE)
OPTIONS (strict_mode = FALSE)
BEGIN
  SELECT p_n + 1 AS n, p_day AS day, '{7}' AS braces;
END;
"""


def procedure(text: str = TEXT) -> Procedure:
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return Procedure("sp_number", "x", "system/procedures/x/sp_number.sql", text, sha256)


async def test_a_procedure_reads_back_and_is_listed_with_its_hash(desk: Desk) -> None:
    routines = desk.warehouses.routines()
    written = await routines.write(procedure())
    assert written == await routines.find("sp_number")
    assert written.sha256 == procedure().sha256
    assert written.arguments == (Argument("p_n", "INT64"), Argument("p_day", "DATE"))
    assert "SELECT p_n + 1" in written.definition
    (listed,) = await routines.read_all()
    assert (listed.name, listed.sha256, listed.created) == ("sp_number", written.sha256, written.created)
    called = await desk.warehouse().call("sp_number", {"p_n": 6, "p_day": None})
    assert [dict(row) for row in called.rows] == [{"n": 7, "day": None, "braces": "{7}"}]


async def test_a_procedure_that_was_replaced_by_hand_is_nobodys(desk: Desk) -> None:
    routines = desk.warehouses.routines()
    await routines.write(procedure())
    by_hand = "CREATE OR REPLACE PROCEDURE {dataset}.sp_number(p_n INT64) BEGIN SELECT 1 AS n; END"
    await desk.warehouse().query(by_hand, {})
    found = await routines.find("sp_number")
    assert found is not None
    assert found.sha256 == ""
    with pytest.raises(FailedError, match="sync it"):
        await desk.warehouse().call("sp_number", {"p_n": 6})
    assert (await routines.write(procedure())).sha256 == procedure().sha256


async def test_a_deleted_procedure_is_gone(desk: Desk) -> None:
    routines = desk.warehouses.routines()
    assert not await routines.delete("sp_number")
    await routines.write(procedure())
    assert await routines.delete("sp_number")
    assert await routines.find("sp_number") is None
    assert await routines.read_all() == ()


async def test_a_text_that_bigquery_refuses_is_told_without_its_words(desk: Desk) -> None:
    with pytest.raises(FailedError, match="write procedure") as raised:
        await desk.warehouses.routines().write(procedure(TEXT.replace("BEGIN", "confidential BEGIN")))
    assert raised.value.failure.reason is Reason.WAREHOUSE_REJECTED
    assert "confidential" not in str(raised.value)
