"""Google's APIs through the edge: what it lists stands in the warehouse, and a zone that is down keeps its rows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest_asyncio

from sandbox.google.account import PROJECT
from sandbox.google.estate import COMPUTE_ENGINE, Estate
from sandbox.google.lists import GONE
from tests.fakes.org_client import Json, step_of
from tests.plugins.sandbox import Running

ACCOUNTS, INSTANCES, PRICES = (f"gcp/api/{name}" for name in ("billing_accounts", "compute_instances", "sku_prices"))
ESTATE = Estate(1)
SAID = """
SELECT scope, instance_id, status, run_id, gcp_project_id, org_slug, CAST(snapshot_date AS STRING) AS day,
    JSON_VALUE(raw_data, '$.selfLink') AS link
FROM cloudy_local.gcp_compute_instances_raw ORDER BY scope, instance_id
"""


@pytest_asyncio.fixture(scope="module")
async def runs(sandbox_stack: Running) -> dict[str, Json]:
    """The three pipelines, each run once with nothing said."""
    cloudy = sandbox_stack.org("cloudy")
    done = await asyncio.gather(*(cloudy.done(pipeline) for pipeline in (ACCOUNTS, INSTANCES, PRICES)))
    assert [run["status"] for run in done] == ["COMPLETED"] * 3, done
    return dict(zip((ACCOUNTS, INSTANCES, PRICES), done, strict=True))


def told(zones: Any) -> list[tuple[str, str, str]]:
    return sorted((f"zones/{zone}", one["id"], one["status"]) for zone, one in zones)


async def test_every_instance_stands_in_the_days_snapshot(sandbox: Running, runs: dict[str, Json]) -> None:
    rows = await sandbox.query(SAID)
    assert [(row["scope"], row["instance_id"], row["status"]) for row in rows] == told(ESTATE.instances(PROJECT))
    first, run = rows[0], runs[INSTANCES]
    assert (first["run_id"], first["gcp_project_id"], first["org_slug"]) == (run["run_id"], PROJECT, "cloudy")
    assert first["day"] == run["start_time"][:10]
    assert first["link"].startswith("https://www.googleapis.com/compute/v1/projects/")


async def test_every_billing_account_and_price_stands_in_its_table(sandbox: Running, runs: dict[str, Json]) -> None:
    accounts = await sandbox.query("SELECT name, is_open FROM cloudy_local.gcp_billing_accounts_raw")
    assert {row["name"]: row["is_open"] for row in accounts} == {
        one["name"]: one["open"] for one in ESTATE.billing_accounts()
    }
    prices = await sandbox.query("SELECT sku_id, last_tier_price FROM cloudy_local.gcp_sku_prices_raw")
    listed = {one["skuId"]: one["pricingInfo"][0] for one in ESTATE.skus(COMPUTE_ENGINE, "USD") or ()}
    money = {sku: priced["pricingExpression"]["tieredRates"][-1]["unitPrice"] for sku, priced in listed.items()}
    assert {row["sku_id"]: f"{row['last_tier_price']:.9f}" for row in prices} == {
        sku: f"{price['units']}.{price['nanos']:09d}" for sku, price in money.items()
    }
    assert step_of(runs[PRICES], "extract_sku_prices")["rows"] == len(listed)


async def test_a_second_snapshot_replaces_the_first_but_for_the_zone_that_is_down(
    sandbox: Running, runs: dict[str, Json]
) -> None:
    rule = [{"kind": "unreachable", "endpoint": "instances", "times": None}]
    async with sandbox.rest.session.post(f"{sandbox.google.origin}/_faults", json=rule) as answer:
        assert answer.status == 200
    run = await sandbox.org("cloudy").done(INSTANCES, force_refresh=True)
    await sandbox.rest.session.post(f"{sandbox.google.origin}/_faults", json=[])
    assert run["status"] == "COMPLETED", run
    assert GONE in step_of(run, "extract_instances")["output"]["unreachable"][0]
    rows = await sandbox.query(SAID)
    assert [(row["scope"], row["instance_id"], row["status"]) for row in rows] == told(ESTATE.instances(PROJECT))
    kept = {row["scope"] for row in rows if row["run_id"] == runs[INSTANCES]["run_id"]}
    assert kept == {f"zones/{GONE}"}
