"""Appending happens once for an attempt's authority; transforming is a restatement whose rows are a SELECT."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from tests.plugins.warehouse_desk import FACTS, FIRST, RUN, SECOND, WINDOW, Desk, facts
from workers.model.failure import FailedError, Reason
from workers.model.table import Column, TableSchema
from workers.ports import Row, Written

pytestmark = pytest.mark.engine

SUMS = TableSchema("sums", (Column("day", "DATE", "REQUIRED"), Column("total", "NUMERIC"), *FACTS.columns[5:]), "day")
SELECT = """
SELECT day, CAST(ROUND(SUM(amount) * @times, 9) AS NUMERIC) AS total
FROM {dataset}.facts
WHERE day BETWEEN @first AND @last
GROUP BY day -- braces in {a literal} stay
"""


async def append(desk: Desk, rows: list[Row], **authority: Any) -> Written:
    warehouse = desk.warehouse(**authority)
    await warehouse.ensure(FACTS)
    async with warehouse.append(FACTS) as load:
        await load.write(rows)
        return await load.publish()


async def transform(desk: Desk, times: int = 2, sql: str = SELECT, **authority: Any) -> Written:
    warehouse = desk.warehouse(step_id="sum", **authority)
    await warehouse.ensure(SUMS)
    return await warehouse.transform(SUMS, WINDOW, sql, {"times": times, "first": FIRST, "last": SECOND})


@pytest.mark.promise("P10")
async def test_an_append_adds_and_a_second_attempt_of_it_does_not(desk: Desk) -> None:
    assert await append(desk, facts(FIRST, 3)) == Written(3)
    assert await append(desk, facts(FIRST, 4), fence=2) == Written(3, adopted=True)
    assert await desk.counts() == {(FIRST, "completions"): 3}


@pytest.mark.promise("P3")
@pytest.mark.fault("F53")
async def test_an_older_lease_appends_nothing_after_a_newer_one(desk: Desk) -> None:
    await append(desk, facts(FIRST, 3), fence=2)
    with pytest.raises(FailedError) as raised:
        await append(desk, facts(FIRST, 3), fence=1)
    assert raised.value.failure.reason is Reason.STALE_RUN


async def test_a_step_may_append_twice_and_so_may_another_run(desk: Desk) -> None:
    warehouse = desk.warehouse()
    await warehouse.ensure(FACTS)
    for _ in range(2):
        async with warehouse.append(FACTS) as load:
            await load.write(facts(FIRST, 2))
            await load.publish()
    async with desk.warehouse(uuid4(), run_seq=0).append(FACTS) as load:
        await load.write(facts(FIRST, 2))
        await load.publish()
    assert await desk.counts() == {(FIRST, "completions"): 6}


async def test_a_transformation_replaces_its_window_with_lineage(desk: Desk) -> None:
    await desk.restate(facts(FIRST, 4))
    assert await transform(desk) == Written(1)
    found = await desk.rows("SELECT day, total, org_slug, run_id, LENGTH(source_hash) AS n FROM {dataset}.sums")
    assert found == [(FIRST, Decimal("0.987654312"), "acme", str(RUN), 64)]


async def test_a_repeated_transformation_is_adopted_and_another_run_replaces_it(desk: Desk) -> None:
    await desk.restate(facts(FIRST, 4))
    await transform(desk)
    assert (await transform(desk, fence=2)).adopted
    again = await desk.warehouse(uuid4(), run_seq=2).transform(SUMS, WINDOW, SELECT, {
        "times": 1, "first": FIRST, "last": SECOND,
    })  # fmt: skip
    assert again == Written(1)
    assert await desk.rows("SELECT total FROM {dataset}.sums") == [(Decimal("0.493827156"),)]


@pytest.mark.fault("F53")
async def test_an_older_run_transforms_nothing_where_a_newer_one_did(desk: Desk) -> None:
    await desk.restate(facts(FIRST, 1))
    await transform(desk, run_seq=3)
    older = await desk.warehouse(uuid4(), run_seq=2).transform(SUMS, WINDOW, SELECT, {
        "times": 1, "first": FIRST, "last": SECOND,
    })  # fmt: skip
    assert older == Written(0, superseded=2)
    assert await desk.rows("SELECT total FROM {dataset}.sums") == [(Decimal("0.246913578"),)]


@pytest.mark.promise("P3")
@pytest.mark.fault("F53")
async def test_an_older_lease_transforms_nothing(desk: Desk) -> None:
    await desk.restate(facts(FIRST, 1))
    await transform(desk, fence=2)
    with pytest.raises(FailedError) as raised:
        await transform(desk, times=3, fence=1)
    assert raised.value.failure.reason is Reason.STALE_RUN


async def test_a_refused_statement_is_not_shown(desk: Desk) -> None:
    with pytest.raises(FailedError) as raised:
        await transform(desk, sql="SELECT confidential FROM {dataset}.facts")
    assert raised.value.failure.reason is Reason.WAREHOUSE_REJECTED
    assert raised.value.__cause__ is None
    assert "confidential" not in str(raised.value)
    assert raised.value.__suppress_context__


async def test_sql_reaches_the_central_dataset_by_its_placeholder(desk: Desk) -> None:
    await desk.restate(facts(FIRST, 2))
    assert await desk.rows(
        "SELECT COUNT(*) AS n FROM {central}.facts WHERE endpoint IN UNNEST(@names)", names=["completions"]
    ) == [(2,)]
