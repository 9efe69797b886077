"""Days that are reckoned again, and what stops them: nothing is lost, and never half of it is there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from tests.conformance.saas.conftest import FOCUS, Books, plan
from workers.model.failure import FailedError, Reason

pytestmark = pytest.mark.engine

FIRST, LAST = date(2024, 3, 1), date(2024, 3, 14)
DAYS = 14


def until(day: date) -> dict[date, Decimal]:
    """Days from the first on at 1 each: 31 a month, in March."""
    return {FIRST + timedelta(days=n): Decimal(1) for n in range((day - FIRST).days + 1)}


async def refused(books: Books, change: Callable[[Any], Any] = lambda config: config, **changes: Any) -> Any:
    """Run the step with its configuration changed; return the failure."""
    engine, config, ctx = books.step(FIRST, LAST, **changes)
    with pytest.raises(FailedError) as raised:
        await engine.execute(change(config), ctx)
    return raised.value.failure


@pytest.fixture(scope="module", autouse=True)
async def older(books: Books) -> Any:
    """Four plans that all run; and a run that was accepted before all others and comes last."""
    warehouse = books.make(FIRST, LAST).warehouse
    await books.keep([plan(name, updated_at=None) for name in ("stays", "cancelled", "forgotten", "unknown")])
    await books.run(FIRST, LAST)
    assert await books.costs() == dict.fromkeys(("stays", "cancelled", "forgotten", "unknown"), until(LAST))
    return warehouse


async def test_an_end_in_the_past_takes_away_only_what_lies_after_it(books: Books) -> None:
    ended = [
        plan("stays"),
        plan("cancelled", status="cancelled", end_date=date(2024, 3, 12)),
        plan("forgotten", status="expired", updated_at=datetime(2024, 3, 7, tzinfo=UTC)),
        plan("unknown", status="cancelled", updated_at=None),
    ]
    await books.keep(ended)
    sql = f"UPDATE {{dataset}}.{FOCUS} SET x_SourceSystem = 'gcp' WHERE x_SourceRecordId = 'stays'"
    await books.desk.warehouse().query(sql, {})
    await books.run(FIRST, LAST)
    assert await books.costs() == {
        "stays": until(LAST),
        "cancelled": until(date(2024, 3, 12)),
        "forgotten": until(LAST),  # it was costed as running after it was last changed, so it ended later
        "unknown": until(LAST),  # nobody knows since when, so what was there stays
    }


async def test_rows_of_other_sources_stay(books: Books) -> None:
    counted = await books.desk.rows(f"SELECT x_SourceSystem, COUNT(*) AS n FROM {{dataset}}.{FOCUS} GROUP BY 1")
    assert dict(counted) == {"gcp": DAYS, "saas_subscription": DAYS * 3 + 12}


@pytest.mark.fault("F53")
async def test_an_older_run_leaves_both_tables_to_the_newer_one(books: Books, older: Any) -> None:
    result = await books.run(FIRST, LAST, warehouse=older)
    assert (result.rows, result.output["superseded_days"]) == (0, DAYS * 2)
    assert books.heard.messages[-1] == "28 days were left to a newer run"


async def test_when_one_table_cannot_be_written_the_other_stays(books: Books) -> None:
    def break_second(config: Any) -> Any:
        return evolve(config, publish=(config.publish[0], evolve(config.publish[1], made="saas_plans")))

    before = await books.costs()
    await books.keep([plan("stays", unit_price_usd=Decimal(62))])
    assert (await refused(books, break_second)).reason is Reason.WAREHOUSE_REJECTED
    assert await books.costs() == before


async def test_a_plan_that_cannot_be_costed_is_named_and_nothing_changes(books: Books) -> None:
    before = await books.costs()
    await books.keep([plan("stays"), plan("odd", billing_cycle="biennial"), plan("minus", seats=-1)])
    failure = await refused(books)
    assert failure.reason is Reason.DATA_INVALID
    assert failure.message.endswith("minus seats, odd billing_cycle")
    assert await books.costs() == before


async def test_arguments_that_are_not_the_procedures_are_named(books: Books) -> None:
    warehouse: Any = books.make(FIRST).warehouse
    for given, what in (
        ({"p_dataset": "globex_prod"}, "p_dataset is not to be given"),
        ({"p_org_slug": 3}, "p_org_slug is INT64 and not STRING"),
        ({"p_more": "x"}, "p_org_slug is missing, p_more is not taken"),
    ):
        with pytest.raises(FailedError, match=what) as raised:
            await warehouse.call("sp_convert_saas_costs_to_focus_1_2", given)
        assert raised.value.failure.reason is Reason.CONFIG_INVALID


async def test_the_procedure_itself_refuses_days_it_cannot_mean(books: Books) -> None:
    warehouse: Any = books.make(FIRST).warehouse
    for last, what in ((FIRST - timedelta(days=1), "is before"), (FIRST + timedelta(days=732), "732 days")):
        days = {"p_org_slug": "acme", "p_start_date": FIRST, "p_end_date": last, "p_run_date": FIRST}
        with pytest.raises(FailedError, match=what) as raised:
            await warehouse.call("sp_run_saas_subscription_costs_pipeline", days)
        assert raised.value.failure.reason is Reason.DATA_INVALID


async def test_a_procedure_that_nobody_synced_is_told_with_the_remedy(books: Books) -> None:
    failure = await refused(books, lambda config: evolve(config, procedure="sp_absent"))
    assert failure.reason is Reason.PROCEDURE_NOT_FOUND
    assert "sync" in failure.message


async def test_two_rows_that_claim_the_same_days_cost_the_same_in_any_order(books: Books) -> None:
    twins = [plan("twin", unit_price_usd=Decimal(price), updated_at=None) for price in (31, 62)]
    found = []
    for plans in (twins, twins[::-1]):
        await books.keep(plans)
        await books.run(FIRST, FIRST)
        found.append((await books.costs())["twin"])
    assert found == [{FIRST: Decimal(2)}] * 2
