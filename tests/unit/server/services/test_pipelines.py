"""PipelineService over the real journal: what each method answers and refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import attrs
import pytest
from datapipeline.v1 import pipelines_pb2 as pb
from google.protobuf.message import Message

from server.convert.values import struct_of
from tests.plugins.service import AS_ACME, AS_GLOBEX, drain, refusal_of
from tests.unit.server.services.conftest import Desk
from workers.model.lease import RunEnded
from workers.model.run import RunStatus

pytestmark = pytest.mark.engine
NIL = "00000000-0000-0000-0000-000000000000"
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()


def params(**values: Any) -> Any:
    return struct_of(values)


async def test_an_accepted_run_is_pending_and_can_be_read_back(desk: Desk) -> None:
    receipt = await desk.run(parameters=params(date=YESTERDAY, trigger_by="ana"))
    assert (receipt.status, receipt.existing, receipt.org_slug) == ("PENDING", False, "acme")
    assert (receipt.run_id, receipt.pipeline_id) == (receipt.pipeline_logging_id, "acme-openai-cost-usage_cost")
    run = await desk.served.pipelines.GetRun(pb.GetRunRequest(run_id=receipt.run_id), metadata=AS_ACME)
    assert (run.status, run.trigger_type, run.trigger_by, run.run_date) == ("PENDING", "api", "ana", YESTERDAY)
    assert run.parameters["date"] == YESTERDAY
    assert run.steps[0].step_id == "load_prices"


async def test_a_run_id_is_the_same_in_upper_case(desk: Desk) -> None:
    receipt = await desk.run()
    run = await desk.served.pipelines.GetRun(pb.GetRunRequest(run_id=receipt.run_id.upper()), metadata=AS_ACME)
    assert run.run_id == receipt.run_id


async def test_the_same_key_gives_the_same_run_and_with_another_body_a_refusal(desk: Desk) -> None:
    body = params(date=YESTERDAY)
    first, second = await desk.run(key="k1", parameters=body), await desk.run(key="k1", parameters=body)
    assert (second.run_id, second.existing) == (first.run_id, True)
    refusal = await refusal_of(desk.run(key="k1"))
    assert (refusal.code, refusal.reason) == ("ALREADY_EXISTS", "IDEMPOTENCY_MISMATCH")


async def test_fifty_callers_with_one_key_get_one_run(desk: Desk) -> None:
    receipts = await asyncio.gather(*(desk.run(key="same") for _ in range(50)))
    assert len({receipt.run_id for receipt in receipts}) == 1
    assert sum(not receipt.existing for receipt in receipts) == 1


async def test_keys_of_two_organisations_never_meet(desk: Desk) -> None:
    ours, theirs = await desk.run(key="k"), await desk.run(key="k", org="globex", metadata=AS_GLOBEX)
    assert ours.run_id != theirs.run_id


async def test_the_same_live_pipeline_and_parameters_stand_for_one_run_unless_forced(desk: Desk) -> None:
    first, again = await desk.run(), await desk.run()
    forced = await desk.run(parameters=params(force_refresh=True))
    assert (again.run_id, again.existing) == (first.run_id, True)
    assert forced.run_id != first.run_id


BAD_PARAMETERS = [
    {"nonsense": 1},
    {"date": "2025-02-30"},
    {"date": YESTERDAY, "start_date": YESTERDAY, "end_date": YESTERDAY},
    {"force_refresh": "true"},
    {"date": ["2025-01-01"]},
    {"x" * 100: {"a": [1] * 20_000}},
    {"date": float("nan")},
]


@pytest.mark.parametrize("values", BAD_PARAMETERS, ids=lambda values: next(iter(values))[:12])
async def test_bad_parameters_are_named_and_nothing_is_journalled(desk: Desk, values: dict[str, Any]) -> None:
    refusal = await refusal_of(desk.run(parameters=params(**values)))
    assert (refusal.code, refusal.reason) == ("INVALID_ARGUMENT", "PARAMETERS_INVALID")
    assert refusal.violations
    assert (await desk.journal.depth()).waiting == 0


async def _no_pipeline(desk: Desk) -> Any:
    return await desk.run(pipeline="nothing_here")


async def _missing_domain(desk: Desk) -> Any:
    return await desk.run(domain="-")


async def _suspended(desk: Desk) -> Any:
    org = desk.served.book.orgs["acme"]
    desk.book.orgs["acme"] = attrs.evolve(org, status="SUSPENDED")
    return await desk.run()


async def _no_credential(desk: Desk) -> Any:
    desk.book.orgs["acme"] = attrs.evolve(desk.book.orgs["acme"], integrations=())
    return await desk.run()


@pytest.mark.parametrize(
    ("attempt", "code", "reason"),
    [
        (_no_pipeline, "NOT_FOUND", "PIPELINE_NOT_FOUND"),
        (_missing_domain, "NOT_FOUND", "PIPELINE_NOT_FOUND"),
        (_suspended, "PERMISSION_DENIED", "SUBSCRIPTION_INACTIVE"),
        (_no_credential, "FAILED_PRECONDITION", "INTEGRATION_NOT_CONFIGURED"),
    ],
)
async def test_what_cannot_run_is_refused_with_its_reason(
    desk: Desk, attempt: Callable[[Desk], Awaitable[Any]], code: str, reason: str
) -> None:
    refusal = await refusal_of(attempt(desk))
    assert (refusal.code, refusal.reason) == (code, reason)
    assert (await desk.journal.depth()).waiting == 0


ABOUT_A_RUN: dict[str, Callable[[str], Message]] = {
    "GetRun": lambda run_id: pb.GetRunRequest(run_id=run_id),
    "CancelRun": lambda run_id: pb.CancelRunRequest(run_id=run_id),
    "RetryRun": lambda run_id: pb.RetryRunRequest(run_id=run_id),
    "ExplainRun": lambda run_id: pb.ExplainRunRequest(run_id=run_id),
    "WatchRun": lambda run_id: pb.WatchRunRequest(run_id=run_id),
}


async def ask(desk: Desk, method: str, run_id: str, metadata: Any = AS_ACME) -> Any:
    call = getattr(desk.served.pipelines, method)(ABOUT_A_RUN[method](run_id), metadata=metadata)
    return await (drain(call) if method == "WatchRun" else call)


@pytest.mark.parametrize("method", ABOUT_A_RUN)
async def test_a_run_of_another_organisation_is_as_absent_as_one_that_never_was(desk: Desk, method: str) -> None:
    theirs = await desk.run(org="globex", metadata=AS_GLOBEX)
    foreign, absent, nil = [await refusal_of(ask(desk, method, one)) for one in (theirs.run_id, str(uuid4()), NIL)]
    assert (foreign.code, foreign.reason) == ("NOT_FOUND", "RUN_NOT_FOUND")
    assert foreign.seen == absent.seen == nil.seen


async def test_a_cancelled_run_stays_cancelled_however_often_it_is_asked(desk: Desk) -> None:
    receipt = await desk.run()
    assert [(await ask(desk, "CancelRun", receipt.run_id)).status for _ in range(2)] == ["CANCELLED", "CANCELLED"]


async def test_a_watcher_sees_every_event_and_then_the_end(desk: Desk) -> None:
    receipt = await desk.run()
    watching = desk.served.pipelines.WatchRun(pb.WatchRunRequest(run_id=receipt.run_id), metadata=AS_ACME)
    assert (await watching.read()).type == "QUEUED"
    await ask(desk, "CancelRun", receipt.run_id)
    last = await watching.read()
    assert (last.type, last.status, last.sequence) == ("TERMINAL", "CANCELLED", 2)
    replayed = desk.served.pipelines.WatchRun(pb.WatchRunRequest(run_id=receipt.run_id, after=1), metadata=AS_ACME)
    assert [event.type for event in await drain(replayed)] == ["TERMINAL"]


async def test_a_live_or_completed_run_cannot_be_retried(desk: Desk) -> None:
    receipt = await desk.run()
    refusal = await refusal_of(ask(desk, "RetryRun", receipt.run_id))
    assert (refusal.code, refusal.reason) == ("FAILED_PRECONDITION", "RUN_NOT_RETRYABLE")


async def test_a_retry_is_a_new_run_that_names_the_old_one(desk: Desk) -> None:
    receipt = await desk.run()
    (lease,) = await desk.journal.claim("worker-1", 1)
    await desk.journal.record(lease, RunEnded(RunStatus.FAILED))
    retried = await ask(desk, "RetryRun", receipt.run_id)
    assert (retried.retry_of, retried.trigger_type, retried.status) == (receipt.run_id, "retry", "PENDING")
    assert retried.run_id != receipt.run_id


async def test_a_retry_with_a_key_is_one_run_and_the_key_is_the_organisations(desk: Desk) -> None:
    receipts = [await desk.run(), await desk.run(parameters=params(force_refresh=True))]
    for lease in await desk.journal.claim("worker-1", 2):
        await desk.journal.record(lease, RunEnded(RunStatus.FAILED))
    keyed = (*AS_ACME, ("idempotency-key", "k"))
    retried, again = [await ask(desk, "RetryRun", receipts[0].run_id, keyed) for _ in range(2)]
    assert again.run_id == retried.run_id
    refusal = await refusal_of(ask(desk, "RetryRun", receipts[1].run_id, keyed))
    assert refusal.reason == "IDEMPOTENCY_MISMATCH"


async def test_a_call_that_changes_a_run_is_recorded_once_and_in_the_commit_of_the_change(desk: Desk) -> None:
    receipt = await desk.run()
    (lease,) = await desk.journal.claim("worker-1", 1)
    await desk.journal.record(lease, RunEnded(RunStatus.FAILED))
    retried = await ask(desk, "RetryRun", receipt.run_id)
    await ask(desk, "CancelRun", retried.run_id)
    rows = [parcel.payload for parcel in await desk.journal.parcels("audit", 10)]
    found = [(row["details"]["method"], row["resource_id"], row["status"]) for row in rows]
    ids = {"RunPipeline": receipt.run_id, "RetryRun": retried.run_id, "CancelRun": retried.run_id}
    assert found == [(method, run_id, "SUCCESS") for method, run_id in ids.items()]
    assert desk.served.ledger.rows == []


async def test_a_call_that_changes_nothing_is_recorded_after_it(desk: Desk) -> None:
    await desk.run(key="k")
    await desk.run(key="k")
    await refusal_of(ask(desk, "CancelRun", NIL))
    await refusal_of(desk.run(key="k", parameters=params(force_refresh=True)))
    assert [row["status"] for row in desk.served.ledger.rows] == ["SUCCESS", "FAILURE", "FAILURE"]
    assert len(await desk.journal.parcels("audit", 10)) == 1


async def test_a_waiting_run_explains_itself(desk: Desk) -> None:
    receipt = await desk.run()
    explained = await ask(desk, "ExplainRun", receipt.run_id)
    assert (explained.run_id, explained.status) == (receipt.run_id, "PENDING")
    assert [reason.reason for reason in explained.reasons] == ["NO_WORKER"]
    assert (explained.lane.ahead, explained.lane.running, explained.lane.cap, explained.lane.weight) == (0, 0, 5, 1)


async def _page(desk: Desk, token: str = "", metadata: Any = AS_ACME, **filters: Any) -> pb.ListRunsResponse:
    request = pb.ListRunsRequest(page_token=token, **filters)
    answer: pb.ListRunsResponse = await desk.served.pipelines.ListRuns(request, metadata=metadata)
    return answer


async def _several(desk: Desk, count: int) -> list[str]:
    return [(await desk.run(parameters=params(force_refresh=True))).run_id for _ in range(count)]


async def test_pages_hold_every_run_once_newest_first(desk: Desk) -> None:
    made, seen, token = await _several(desk, 5), list[str](), ""
    await desk.run(org="globex", metadata=AS_GLOBEX)
    while True:
        page = await _page(desk, token, page_size=2)
        assert len(page.runs) <= 2
        seen += [run.run_id for run in page.runs]
        token = page.next_page_token
        if not token:
            break
    assert seen == made[::-1]


async def test_limit_is_another_name_and_a_huge_page_is_cut(desk: Desk) -> None:
    made = await _several(desk, 3)
    assert len((await _page(desk, limit=2)).runs) == 2
    assert len((await _page(desk, page_size=10**9)).runs) == len(made)


async def test_filters_select_and_never_inject(desk: Desk) -> None:
    first, _ = await _several(desk, 2)
    await ask(desk, "CancelRun", first)
    assert [run.run_id for run in (await _page(desk, status="CANCELLED")).runs] == [first]
    assert not (await _page(desk, pipeline_id="acme-openai-other")).runs
    refusal = await refusal_of(_page(desk, status="PENDING' OR '1'='1", pipeline_id="'; DROP TABLE run"))
    assert set(refusal.violations) == {"status", "pipeline_id"}


async def test_forged_truncated_foreign_and_refiltered_page_tokens_get_the_same_bytes(desk: Desk) -> None:
    await _several(desk, 3)
    token = (await _page(desk, page_size=1)).next_page_token
    flipped = ("A" if token[0] != "A" else "B") + token[1:]
    attempts = [_page(desk, one) for one in (flipped, token[:-3], "x")]
    attempts += [_page(desk, token, AS_GLOBEX), _page(desk, token, status="FAILED")]
    answers = [await refusal_of(attempt) for attempt in attempts]
    assert {(answer.code, answer.reason) for answer in answers} == {("INVALID_ARGUMENT", "PAGE_TOKEN_INVALID")}
    assert len({answer.seen for answer in answers}) == 1


async def test_planning_says_that_it_comes_later(desk: Desk) -> None:
    request = pb.PlanRunRequest(org="acme", provider="openai", domain="cost", pipeline="usage_cost")
    refusal = await refusal_of(desk.served.pipelines.PlanRun(request, metadata=AS_ACME))
    assert (refusal.code, refusal.reason) == ("UNIMPLEMENTED", "NOT_IMPLEMENTED")
    assert "PlanRun" in refusal.text
