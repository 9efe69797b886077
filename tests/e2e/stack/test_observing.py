"""What operators see: metrics without organisations, JSON logs that name the run and the call, and never a secret."""

from __future__ import annotations

import json
import re

import pytest

from tests.fakes.org_client import EXTRACT, NOTHING, OrgClient
from tests.fakes.until import until
from tests.plugins.sandbox import ORGS, Running, sample

METRICS = (
    'runs_ended_total{outcome="completed"}',
    'runs_waiting{lane="enterprise"}',
    'runs_running{lane="starter"}',
    'oldest_wait_seconds{lane="professional"}',
    "slots_leased",
    'slots_jain_index{lane="enterprise"}',
    "slots_jain_index_all",
    "process_open_fds",
    "loop_tasks",
    "loop_lag_seconds",
    'step_rows_total{ps_type="openai.usage"}',
    'step_seconds_count{ps_type="generic.nothing",status="COMPLETED"}',
    'rpc_seconds_count{code="OK",method="/datapipeline.v1.PipelineService/RunPipeline"}',
    "directory_age_seconds",
    'run_wait_seconds_count{lane="enterprise",trigger="api"}',
)


async def test_metrics_show_runs_queue_slots_steps_calls_and_lag(sandbox: Running, acme: OrgClient) -> None:
    await acme.done(EXTRACT, date="2025-08-01")
    await acme.done(NOTHING)
    text = await sandbox.metrics()
    assert [name for name in METRICS if not re.search(rf"^{re.escape(name)} ", text, re.MULTILINE)] == []
    assert sample(text, METRICS[0]) >= 2
    assert sample(text, 'step_rows_total{ps_type="openai.usage"}') > 0
    assert sample(text, 'provider_calls_total{provider="OPENAI",status="2xx"}') >= 10


async def test_metrics_have_no_label_for_an_organisation(sandbox: Running) -> None:
    text = await sandbox.metrics()
    assert not [org for org in ORGS if f'"{org}"' in text]


async def test_every_log_line_is_json_and_calls_are_named(sandbox: Running, quick: OrgClient) -> None:
    run_id = await quick.accepted(NOTHING, note="logged")
    await quick.ask("GET", f"/api/v1/pipelines/runs/{run_id}", x_request_id="to-be-found")
    call = await until(lambda: _line(sandbox, request_id="to-be-found"))
    assert (call["event"], call["code"], call["org"]) == ("rpc", "OK", "quick")
    assert call["method"] == "/datapipeline.v1.PipelineService/GetRun"
    assert {"timestamp", "level", "ms", "key_id"} <= call.keys()


async def test_what_a_run_says_names_the_run(sandbox: Running, acme: OrgClient) -> None:
    await sandbox.faults({"kind": "status", "endpoint": "embeddings", "status": 503})
    run = await acme.done(EXTRACT, date="2025-08-03", force_refresh=True)
    said = await until(lambda: _line(sandbox, run_id=run["run_id"]))
    assert said["org_slug"] == "acme"


@pytest.mark.promise("P11")
async def test_no_secret_stands_in_any_log_table_or_event(sandbox: Running, acme: OrgClient) -> None:
    await acme.ask("GET", "/api/v1/pipelines?api_key=" + acme.key)
    await sandbox.faults({"kind": "status", "endpoint": "completions", "status": 401, "times": None})
    run = await sandbox.org("globex").done(EXTRACT, date="2025-08-04")
    folder = sandbox.stack.options.data_dir
    said = "\n".join(file.read_text(errors="replace") for file in (sandbox.log, folder / "envoy" / "envoy.log"))
    said += json.dumps(run) + await sandbox.metrics()
    for table in ("run", "event", "receipt", "step", "outbox", "idempotency", "declaration", "letter", "told"):
        said += str(await sandbox.journal.fetchval(f"SELECT string_agg(t::text, ' ') FROM {table} t"))
    assert len(said) > 10_000
    assert [secret for secret in sandbox.secrets if secret in said] == []
    assert sandbox.stack.environment["JOURNAL_URL"].split("@")[0].rpartition(":")[2] not in said


async def _line(sandbox: Running, **named: str) -> dict[str, str]:
    lines = [json.loads(line) for line in sandbox.log.read_text().splitlines()]
    return next((line for line in lines if named.items() <= line.items()), {})
