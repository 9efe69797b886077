"""The example pipelines run as they are, end to end: an extract that reads on, and transformations by SQL."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from tests.e2e.stack.provider_reader import ProviderReader
from tests.plugins.sandbox import Running

ELT = "example/usage/example_elt_pipeline"
SUBSCRIPTIONS = "example/finance/subscription_costs_transform"


async def test_the_elt_example_reads_on_and_its_table_holds_what_the_provider_said(sandbox: Running) -> None:
    globex = sandbox.org("globex")
    last = datetime.now(UTC).date() - timedelta(days=1)
    first = last - timedelta(days=4)
    run = await globex.done(ELT, start_date=first.isoformat(), end_date=(last - timedelta(days=2)).isoformat())
    assert [step["status"] for step in run["steps"]] == ["COMPLETED", "COMPLETED"], run
    run = await globex.done(ELT)
    extract, _ = run["steps"]
    assert (extract["output"]["pages"], extract["output"]["rows_read"]) == (1, 5)
    reader = ProviderReader(sandbox.rest.session, sandbox.simulator.base_url, sandbox.stack.secrets.openai_key)
    said: dict[date, Decimal] = {}
    for (day, *_), amount in (await reader.costs(first, last)).items():
        said[day] = said.get(day, Decimal(0)) + amount
    rows = await sandbox.query(
        "SELECT usage_date, SUM(amount) AS total FROM globex_local.example_usage_daily GROUP BY 1"
    )
    assert {row["usage_date"]: row["total"] for row in rows} == said


async def test_the_subscription_example_merges_a_day_once(sandbox: Running) -> None:
    acme = sandbox.org("acme")
    for force_refresh in (False, True):
        run = await acme.done(SUBSCRIPTIONS, date="2025-06-01", force_refresh=force_refresh)
        assert run["steps"][0]["status"] == "COMPLETED", run
    rows = await sandbox.query(
        "SELECT provider, plans, monthly_cost FROM acme_local.example_subscription_costs_monthly ORDER BY provider"
    )
    found = {row["provider"]: (row["plans"], row["monthly_cost"]) for row in rows}
    assert (found["slack"], found["figma"], found["personio"]) == (
        (1, Decimal(210)),
        (1, Decimal(270)),
        (1, Decimal(182)),
    )
    assert len(rows) == len(found)
