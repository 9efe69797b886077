"""Stored procedures by REST with the root key, and the pipeline that calls them, run end to end."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sandbox.plans import plans
from tests.fakes.org_client import OrgClient, step_of
from tests.fakes.rest_client import Reply
from tests.plugins.sandbox import Running

SAAS_COST = "saas_subscription/costs/saas_cost"
RUN = "sp_run_saas_subscription_costs_pipeline"


async def asked(sandbox: Running, method: str, path: str = "", body: Any = None) -> Reply:
    """Ask as an operator."""
    headers = {"X-CA-Root-Key": sandbox.stack.secrets.root_key}
    text = None if body is None else json.dumps(body)
    return await sandbox.rest.ask(method, f"/api/v1/procedures{path}", headers, text)


async def test_every_file_is_synced_when_the_sandbox_is_ready(sandbox: Running) -> None:
    files = (await asked(sandbox, "GET", "/files")).json["files"]
    listed = (await asked(sandbox, "GET")).json["procedures"]
    assert {one["name"] for one in files} == {one["name"] for one in listed} >= {RUN}
    assert all(one["in_sync"] for one in listed)
    got = (await asked(sandbox, "GET", f"/{RUN}")).json
    assert (got["domain"], got["in_sync"], "CALL" in got["definition"]) == ("saas", True, True)


async def test_a_deleted_procedure_comes_back_by_sync_and_a_forced_one_is_written_anew(sandbox: Running) -> None:
    name = "sp_convert_saas_costs_to_focus_1_2"
    assert (await asked(sandbox, "DELETE", f"/{name}")).json == {"name": name}
    assert (await asked(sandbox, "GET", f"/{name}")).info["reason"] == "PROCEDURE_NOT_FOUND"
    said = (await asked(sandbox, "POST", "/sync", {})).json
    assert (said["created"], said["updated"], said["failed"]) == (1, 0, 0)
    said = (await asked(sandbox, "POST", "/sync", {"force": True, "procedures": [name]})).json
    assert [(one["name"], one["outcome"]) for one in said["outcomes"]] == [(name, "updated")]
    refusal = await asked(sandbox, "POST", "/sync", {"forced": True})
    assert refusal.refusal == (400, 3, "REQUEST_INVALID")
    assert (await asked(sandbox, "POST", f"/{name}", {})).json["in_sync"]


async def test_subscription_costs_are_month_to_date_by_default(sandbox: Running, acme: OrgClient) -> None:
    run = await acme.done(SAAS_COST)
    assert run["status"] == "COMPLETED", run
    last = date.fromisoformat(run["run_date"])
    first = last.replace(day=1)
    days = [first + timedelta(days=number) for number in range(last.day)]
    costs = await sandbox.query("SELECT * FROM acme_local.saas_subscription_plan_costs_daily")
    focus = await sandbox.query("SELECT * FROM acme_local.cost_data_standard_1_2")
    running = {one["subscription_id"] for one in plans(last) if one["status"] == "active"}
    assert {(row["subscription_id"], row["cost_date"]) for row in costs} == {(n, day) for n in running for day in days}
    assert {row["daily_cost"] for row in costs if row["seats"] == 0} == {Decimal(0)}
    assert {(row["org_slug"], row["run_id"]) for row in (*costs, *focus)} == {("acme", run["run_id"])}
    assert sum(row["daily_cost"] for row in costs) == sum(row["BilledCost"] for row in focus) > 0
    output = step_of(run, "transform_saas_costs")["output"]
    assert {row["currency"] for row in output["result"]} == {"EUR", "USD"}
    assert output["job_id"].startswith("dp_call_")
