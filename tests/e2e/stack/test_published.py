"""What the rest of the platform sees: each run, step, quota and audited call in the central tables, once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Any

from google.api_core.exceptions import NotFound

from tests.fakes.org_client import EXTRACT, NOTHING, RUNS, OrgClient
from tests.fakes.until import until
from tests.plugins.sandbox import CENTRAL, Running


async def rows(sandbox: Running, table: str, where: str, value: str) -> list[dict[str, Any]]:
    """Wait until the table has such rows, and return them."""

    async def found() -> list[dict[str, Any]]:
        try:
            return await sandbox.query(f"SELECT * FROM {CENTRAL}.{table} WHERE {where} = @value", value=value)
        except NotFound:
            return []

    return await until(found, 20, pause=0.25)


async def test_a_run_is_published_once_with_its_key_and_days(sandbox: Running, quick: OrgClient) -> None:
    run = await quick.done(NOTHING, note="published", date="2025-01-15", trigger_by="somebody")
    [row] = await rows(sandbox, "org_meta_pipeline_runs", "pipeline_logging_id", run["run_id"])
    assert (row["org_slug"], row["pipeline_id"]) == ("quick", "quick-example-smoke-nothing")
    assert (row["status"], row["trigger_type"], row["trigger_by"]) == ("COMPLETED", "api", "somebody")
    assert (row["org_api_key_id"], str(row["run_date"])) == ("key_quick", "2025-01-15")
    assert row["end_time"] >= row["start_time"]
    assert row["error_message"] is None


async def test_the_steps_of_a_run_are_published_in_order(sandbox: Running) -> None:
    patient = sandbox.org("patient")
    await sandbox.faults({"kind": "status", "endpoint": "costs", "status": 400, "times": None})
    run = await patient.done(EXTRACT, date="2025-07-01")
    steps = await rows(sandbox, "org_meta_step_logs", "pipeline_logging_id", run["run_id"])
    told = {row["step_index"]: (row["step_name"], row["status"]) for row in steps}
    assert told == {0: ("extract_usage", "COMPLETED"), 1: ("extract_reported_cost", "FAILED")}
    errors = {row["step_name"]: row["error_message"] for row in steps}
    assert errors["extract_usage"] is None
    assert errors["extract_reported_cost"].startswith("PROVIDER_REFUSED: ")
    for part, resource in (("api", "API_CALL"), ("kms", "KMS_OPERATION")):
        [cost] = await rows(sandbox, "org_cost_tracking", "cost_id", f"{run['run_id']}-{part}")
        assert (cost["resource_type"], cost["unit"], cost["provider"]) == (resource, "COUNT", "OPENAI")
        assert cost["quantity"] >= 1
    [audited] = await rows(sandbox, "org_meta_dq_results", "pipeline_logging_id", run["run_id"])
    assert (audited["target_table"], audited["overall_status"]) == ("openai_usage_daily_raw", "PASSED")
    [row] = await rows(sandbox, "org_meta_pipeline_runs", "pipeline_logging_id", run["run_id"])
    assert (row["status"], row["error_message"]) == ("FAILED", errors["extract_reported_cost"])


async def test_a_retried_run_is_published_under_the_platforms_word(sandbox: Running) -> None:
    patient = sandbox.org("patient")
    await sandbox.faults({"kind": "status", "endpoint": "completions", "status": 404, "times": None})
    failed = await patient.done(EXTRACT, date="2025-07-02")
    await sandbox.faults()
    again = (await patient.ask("POST", f"{RUNS}/{failed['run_id']}/retry", "{}")).json["run_id"]
    await patient.ended(again)
    [row] = await rows(sandbox, "org_meta_pipeline_runs", "pipeline_logging_id", again)
    assert (row["trigger_type"], row["status"]) == ("manual", "COMPLETED")


async def test_the_last_use_of_a_key_is_published(sandbox: Running, quick: OrgClient) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    await quick.ask("GET", "/api/v1/pipelines")

    async def noted() -> bool:
        [key] = await rows(sandbox, "org_api_keys", "org_api_key_id", "key_quick")
        return key["last_used_at"] is not None and key["last_used_at"] >= before

    assert await until(noted, 20, pause=0.25)


async def test_quota_counters_are_published_for_the_day(sandbox: Running) -> None:
    usage_id = f"patient_{datetime.now(UTC):%Y%m%d}"
    counters = "SELECT started FROM quota_started WHERE org = 'patient'"

    async def agreed() -> bool:
        [row] = await rows(sandbox, "org_usage_quotas", "usage_id", usage_id)
        return bool(row["pipelines_run_today"] == await sandbox.journal.fetchval(counters))

    await sandbox.org("patient").done(NOTHING, note="counted")
    await until(agreed, 20, pause=0.25)
    [row] = await rows(sandbox, "org_usage_quotas", "usage_id", usage_id)
    assert row["pipelines_succeeded_today"] + row["pipelines_failed_today"] <= row["pipelines_run_today"]
    assert (row["daily_limit"], row["concurrent_limit"]) == (999_999, 20)
    assert row["max_concurrent_reached"] >= 1


async def test_audited_calls_are_published_refused_ones_too(sandbox: Running, quick: OrgClient) -> None:
    run_id = await quick.accepted(NOTHING, note="audited")
    await quick.ask("POST", f"/api/v1/pipelines/run/quick/{NOTHING}", '{"wrong": 1}', x_request_id="audit-refused")
    [done] = await rows(sandbox, "org_audit_logs", "resource_id", run_id)
    [refused] = await rows(sandbox, "org_audit_logs", "request_id", "audit-refused")
    assert (done["action"], done["resource_type"], done["status"]) == ("EXECUTE", "PIPELINE", "SUCCESS")
    assert (done["org_slug"], done["api_key_id"]) == ("quick", "key_quick")
    assert ip_address(done["ip_address"])  # Envoy tells its host's own address for callers on loopback
    assert refused["status"] == "FAILURE"


async def test_the_outbox_empties_and_nothing_stands_twice(sandbox: Running, quick: OrgClient) -> None:
    await quick.done(NOTHING, note="last")

    async def empty() -> bool:
        return bool(await sandbox.journal.fetchval("SELECT count(*) = 0 FROM outbox"))

    await until(empty, 20, pause=0.25)
    for table, key in (("org_meta_pipeline_runs", "pipeline_logging_id"), ("org_audit_logs", "audit_id")):
        sql = f"SELECT COUNT(*) AS n, COUNT(DISTINCT {key}) AS keys FROM {CENTRAL}.{table}"
        [counted] = await sandbox.query(sql)
        assert counted["n"] == counted["keys"] > 0
    ended = "SELECT count(*) FROM run WHERE status <> 'PENDING' AND org = 'quick'"
    [published] = await sandbox.query(
        f"SELECT COUNT(*) AS n FROM {CENTRAL}.org_meta_pipeline_runs WHERE org_slug = 'quick'"
    )
    assert published["n"] == await sandbox.journal.fetchval(ended)
