"""What a service with other surroundings shows: own prices, bytes billed, traces, a provider that stays down."""

from __future__ import annotations

from decimal import Decimal

import pytest
from google.protobuf.json_format import MessageToDict

from tests.e2e.stack.annex import BILLED, LIMITED, OUTAGE, RUNS_PER_MINUTE
from tests.e2e.stack.conftest import Annexed
from tests.fakes.fixture_provider import MODEL
from tests.fakes.org_client import NOTHING, Json
from tests.fakes.until import until
from tests.plugins.sandbox import CENTRAL, Running
from tests.plugins.service import refusal_of

PARENT = "4bf92f3577b34da6a3ce929d0e0e4736"


async def priced(annexed: Annexed) -> Json:
    return MessageToDict(await annexed.annex.ended("priced", annexed.priced), preserving_proto_field_name=True)


async def test_a_provider_that_nobody_here_wrote_is_read(sandbox: Running, annexed: Annexed) -> None:
    run = await priced(annexed)
    assert run["status"] == "COMPLETED", run
    rows = await sandbox.query("SELECT * FROM priced_local.openai_usage_daily_raw WHERE endpoint = 'completions'")
    assert [(row["model"], row["input_tokens"], row["input_cache_write_tokens"]) for row in rows] == [
        (MODEL, 1000, 100)
    ]
    costs = await sandbox.query("SELECT amount, currency FROM priced_local.openai_provider_cost_daily")
    assert [row["amount"] for row in costs] == [Decimal("0.06")]


async def test_an_organisations_own_prices_come_before_the_lists(sandbox: Running, annexed: Annexed) -> None:
    await priced(annexed)
    [row] = await sandbox.query("SELECT * FROM priced_local.openai_cost_daily WHERE model = @model", model=MODEL)
    assert row["input_cost_usd"] == 450 * 1 + 50 * 2 + 100 * 1  # text, audio, and cache writes at the price of input
    assert row["output_cost_usd"] == 450 * Decimal("0.5") + 50 * 4
    assert row["cached_input_cost_usd"] == 350 * Decimal("0.075") / 1_000_000  # the list's, where there is no own
    book = await sandbox.query("SELECT is_custom, COUNT(*) AS n FROM priced_local.llm_price_book GROUP BY is_custom")
    assert {entry["is_custom"]: entry["n"] for entry in book}[True] == 5


async def test_the_bytes_that_were_billed_stand_on_the_steps_and_in_the_platforms_table(
    sandbox: Running, annexed: Annexed
) -> None:
    run = await priced(annexed)
    billed = {step["step_id"]: step["output"]["bytes_billed"] for step in run["steps"]}
    assert all(amount > 0 and amount % BILLED == 0 for amount in billed.values()), billed
    sql = f"SELECT cost_id, bytes_billed FROM {CENTRAL}.org_cost_tracking WHERE org_slug = 'priced'"

    async def published() -> list[Json]:
        return [row for row in await sandbox.query(sql) if row["bytes_billed"]]

    rows = await until(published, 20, pause=0.25)
    assert {row["cost_id"]: row["bytes_billed"] for row in rows} == {
        f"{run['run_id']}-{step}": amount for step, amount in billed.items()
    }


async def test_a_run_carries_the_callers_trace_and_its_spans_arrive(annexed: Annexed) -> None:
    run = await priced(annexed)
    assert run["trace_id"] == PARENT
    spans = await annexed.annex.collector.trace(
        PARENT, "datapipeline.v1.PipelineService/RunPipeline", "run", "step", "provider.call"
    )
    assert spans["datapipeline.v1.PipelineService/RunPipeline"].parent_span_id.hex() == "00f067aa0ba902b7"
    assert annexed.annex.collector.resources["service.name"] == "data-pipeline-service"


async def test_no_span_carries_a_secret(sandbox: Running, annexed: Annexed) -> None:
    await priced(annexed)
    said = str(annexed.annex.collector.spans)
    assert len(annexed.annex.collector.spans) > 10
    assert not [secret for secret in sandbox.secrets if secret in said]
    assert "?" not in "".join(
        attribute.value.string_value for span in annexed.annex.collector.spans for attribute in span.attributes
    )


@pytest.mark.fault("F40")
async def test_too_many_requests_for_good_end_the_step(annexed: Annexed) -> None:
    run = await annexed.annex.ended("limited", annexed.limited)
    error = run.steps[0].error
    assert (run.status, error.code, error.reason) == ("FAILED", "RESOURCE_EXHAUSTED", "PROVIDER_RATE_LIMIT")
    assert f"{annexed.annex.provider.base_url}/organization/usage/completions" in error.message
    assert "attempt 3" in error.message
    assert "?" not in error.message
    assert annexed.annex.provider.asked.count(f"{LIMITED} /v1/organization/usage/completions") == 9


@pytest.mark.fault("F41")
async def test_a_provider_that_stays_broken_ends_the_step(annexed: Annexed) -> None:
    run = await annexed.annex.ended("outage", annexed.outage)
    assert (run.status, run.error.code, run.error.reason) == ("FAILED", "UNAVAILABLE", "PROVIDER_UNAVAILABLE")
    assert "answered 500" in run.error.message
    assert run.error.step == "extract_usage"
    # Three tries, then two until the breaker opens at the fifth failure, then the one that finds the host still down.
    assert annexed.annex.provider.asked.count(f"{OUTAGE} /v1/organization/usage/completions") == 3 + 2 + 1


async def test_runs_that_are_asked_for_too_fast_are_refused_before_anything_is_looked_at(annexed: Annexed) -> None:
    for number in range(RUNS_PER_MINUTE):
        await annexed.annex.start("hasty", NOTHING, note=f"hasty {number}")
    for pipeline in (NOTHING, "example/smoke/absent", "Not/A/Name"):
        refusal = await refusal_of(annexed.annex.start("hasty", pipeline))
        assert (refusal.code, refusal.reason) == ("RESOURCE_EXHAUSTED", "RATE_LIMITED")
        assert refusal.metadata == {"limit": "runs"}
        assert 0 < (refusal.retry_seconds or 0) <= 60 / RUNS_PER_MINUTE + 1
        assert int(refusal.trailing["retry-after"]) > 0
    assert await annexed.annex.start("patient", NOTHING, note="not hasty")
