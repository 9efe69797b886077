"""Why a run that waits is not further, told from a real journal."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest

from tests.fakes.explained import attended, explained, names, pool_of
from tests.fakes.until import until
from tests.fakes.workshop import ONE_STEP, Workshop
from workers.adapters.journal.statements import statements
from workers.model.explanation import Owner, Why
from workers.model.explanation_live import PAUSES
from workers.model.failure import Code, FailedError, Failure, Reason, SnoozeError
from workers.model.lease import RunEnded
from workers.model.org import Integration, Subscription
from workers.model.pause import Pause
from workers.model.run import RunStatus
from workers.ports import StepContext, StepResult

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
async def worker(shop: Workshop) -> None:
    """There is a worker with slots to spare."""
    await attended(shop)


ONE_AT_ONCE = Subscription("ACTIVE", "PRO", 10, 10, 1)
NEEDY = "integration_required: [OPENAI]\n" + ONE_STEP
REJECTED = Integration("c", "OPENAI", "INVALID", last_error="answered 401")
MANY = """
    INSERT INTO queue (run_id, org, seq, priority, path, parameters_hash, accepted_at)
    SELECT gen_random_uuid(), 'org_' || n % 2000, n, 1, '', n::text, now()
    FROM generate_series($1::integer, $2::integer) n
"""


async def test_the_next_run_is_told_that_it_is_next_and_others_what_stands_before_them(shop: Workshop) -> None:
    await shop.declare()
    first, second = await shop.submit(), await shop.submit()
    assert [why.reason for why in await explained(shop, first)] == ["NEXT"]
    (behind,) = await explained(shop, second)
    assert (behind.reason, behind.message.startswith("1 run of the organisation starts")) == ("QUEUED", True)


async def test_a_run_at_its_organisations_cap_is_told_which_runs_hold_it(shop: Workshop) -> None:
    await shop.declare()
    shop.enrol("acme", subscription=ONE_AT_ONCE)
    holder = await shop.submit()
    await shop.lease()
    waiting = await shop.submit()
    (why,) = await explained(shop, waiting)
    assert (why.reason, why.run_ids) == (Why.CAP_REACHED, (holder,))
    assert "1 run of the organisation runs and its cap is 1" in why.message


async def test_another_organisations_runs_hold_nothing_and_are_not_named(shop: Workshop) -> None:
    await shop.declare()
    await shop.submit("globex")
    await shop.lease()
    shop.enrol("acme", subscription=ONE_AT_ONCE)
    (why,) = await explained(shop, await shop.submit())
    assert (why.reason, why.run_ids) == (Why.NEXT, ())


async def test_the_start_is_forecast_from_the_last_runs_of_the_organisation(shop: Workshop) -> None:
    await shop.declare()
    shop.enrol("acme", subscription=ONE_AT_ONCE)
    for _ in range(3):
        await shop.submit()
        await shop.journal.record(await shop.lease(), RunEnded(RunStatus.COMPLETED))
    await pool_of(shop).execute("UPDATE run SET start_time = end_time - interval '100 seconds'")
    await shop.submit()
    await shop.lease()
    first, second = await shop.submit(), await shop.submit()
    forecasts = [(await explained(shop, run_id))[0].forecast for run_id in (first, second)]
    assert forecasts[0] is not None
    assert forecasts[1] is not None
    assert 90 < (forecasts[0] - shop.clock.now()).total_seconds() <= 101
    assert (forecasts[1] - forecasts[0]).total_seconds() == pytest.approx(100, abs=0.1)


async def test_a_lane_without_a_cap_is_paused(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    await pool_of(shop).execute("INSERT INTO notice (org, cap) VALUES ('acme', 0)")
    await shop.journal.claim("w1", 1)
    assert await names(shop, run_id) == ["LANE_PAUSED"]


async def test_full_slots_and_the_organisations_whose_turn_is_before_are_told(shop: Workshop) -> None:
    await shop.declare()
    await shop.journal.attend("w1", 2, 60)
    for _ in range(4):
        await shop.submit()
    await shop.journal.claim("w1", 2)
    await shop.submit("abc")
    (last,) = await shop.journal.list_runs("acme", limit=1)
    full, others, queued = await explained(shop, last.run_id)
    assert [full.reason, others.reason, queued.reason] == ["SLOTS_FULL", "LANES_AHEAD", "QUEUED"]
    assert "1 other organisation starts a run before" in others.message
    assert "with a weight of 1 it has 100% of those in use" in others.message
    assert (queued.message.startswith("1 run of"), queued.forecast) == (True, None)


async def test_a_run_is_told_that_no_worker_is_there(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    await shop.journal.release("w1")
    assert await names(shop, run_id) == ["NO_WORKER"]
    shop.start()
    await shop.ended(run_id)
    assert await names(shop, run_id) == ["COMPLETED"]


async def test_a_worker_says_that_it_is_there_until_it_stops(shop: Workshop) -> None:
    pool = shop.start(worker="w2", slots=3)

    async def there() -> list[int]:
        rows = await pool_of(shop).fetch("SELECT slots FROM attendance WHERE worker = 'w2' AND until > now()")
        return [row["slots"] for row in rows]

    assert await until(there) == [3]
    await pool.stop(0.1, asyncio.Event())
    assert await there() == []


async def test_a_worker_of_an_older_version_that_does_not_say_so_counts_by_its_leases(shop: Workshop) -> None:
    await shop.declare()
    await shop.submit()
    await shop.journal.release("w1")
    await shop.lease("old")
    assert await names(shop, await shop.submit()) == ["SLOTS_FULL"]


async def test_a_waiting_run_is_told_what_for_and_until_when(shop: Workshop) -> None:
    async def later(_ctx: StepContext) -> StepResult:
        raise SnoozeError(90, "waiting for the rate limit: api.p.com", pause=Pause.RATE_BUDGET)

    run = await shop.do(ONE_STEP, only=later)
    (why,) = await explained(shop, run.run_id)
    assert (why.reason, why.message) == ("RATE_BUDGET", "waiting for the rate limit: api.p.com")
    assert why.until is not None
    assert 80 < (why.until - shop.clock.now()).total_seconds() <= 91


async def test_a_retry_that_is_to_come_names_its_failure(shop: Workshop) -> None:
    async def away(_ctx: StepContext) -> StepResult:
        message = "GET https://p/x: answered 503"
        raise FailedError(
            Failure(Code.UNAVAILABLE, Reason.PROVIDER_UNAVAILABLE, message, retryable=True, retry_after=90)
        )

    run = await shop.do(ONE_STEP.replace("lab.act", "lab.act, retry: {max_attempts: 3}"), only=away)
    (why,) = await explained(shop, run.run_id)
    assert why.reason == Why.RETRY_SCHEDULED
    assert why.message == "GET https://p/x: answered 503 (PROVIDER_UNAVAILABLE)"
    assert why.until is not None


@pytest.mark.parametrize("pause", Pause)
async def test_every_kind_of_wait_is_kept_and_has_a_reason_of_its_own(shop: Workshop, pause: Pause) -> None:
    await shop.declare()
    run_id = await shop.submit()
    await shop.journal.snooze(await shop.lease(), 60, "the words", pause, Reason.WAREHOUSE_QUOTA)
    (why,) = await explained(shop, run_id)
    assert why.reason in set(Why)
    assert why.message == "the words (WAREHOUSE_QUOTA)"
    others = {PAUSES[other] for other in Pause if other is not pause}
    assert why.reason not in others


async def test_a_run_of_an_organisation_that_may_not_run_is_told_so_first(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    shop.enrol("acme", subscription=None)
    inactive, following = await explained(shop, run_id)
    assert (inactive.reason, following.reason) == ("SUBSCRIPTION_INACTIVE", "NEXT")
    assert (inactive.owner, inactive.link) == (Owner.ORGANISATION, "https://mend")


@pytest.mark.parametrize(
    ("integrations", "reason", "said"),
    [
        ((), Reason.INTEGRATION_NOT_CONFIGURED, "there is no credential for OPENAI"),
        ((Integration("c", "OPENAI", "VALID", active=False),), Reason.INTEGRATION_NOT_CONFIGURED, "is switched off"),
        ((Integration("c", "OPENAI", "EXPIRED"),), Reason.INTEGRATION_NOT_CONFIGURED, "is EXPIRED"),
        ((REJECTED,), Why.CREDENTIAL_REJECTED, "answered 401"),
    ],
)
async def test_a_queued_run_is_told_of_the_credential_that_it_lacks_now(
    shop: Workshop, integrations: tuple[Integration, ...], reason: str, said: str
) -> None:
    await shop.declare(NEEDY)
    run_id = await shop.submit()
    assert await names(shop, run_id) == ["NEXT"]
    shop.enrol("acme", integrations=integrations)
    (lack, following) = await explained(shop, run_id)
    assert (lack.reason, following.reason, lack.owner) == (reason, "NEXT", Owner.ORGANISATION)
    assert (said in lack.message, lack.link) == (True, "https://mend")


async def test_a_queued_run_is_told_of_the_credential_that_its_own_declaration_needs(shop: Workshop) -> None:
    await shop.declare(NEEDY)
    run_id = await shop.submit()
    shop.enrol("acme", integrations=())
    await shop.declare(ONE_STEP)
    assert await names(shop, run_id) == ["INTEGRATION_NOT_CONFIGURED", "NEXT"]
    await pool_of(shop).execute("DELETE FROM declaration")
    assert await names(shop, run_id) == ["CONFIG_INVALID", "NEXT"]


async def test_the_facts_cost_the_same_however_much_waits_of_others(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    first = await read_beside(shop, run_id, 1, 20_000)
    more = await read_beside(shop, run_id, 20_001, 60_000)
    assert more == first > 0


async def read_beside(shop: Workshop, run_id: UUID, start: int, end: int) -> float:
    """Let more runs wait, and count the rows of the queue that an explanation reads then."""
    await pool_of(shop).execute(MANY, start, end)
    async with pool_of(shop).acquire() as connection:
        await connection.execute("ANALYZE")  # as autovacuum does, at a moment of its own
        plan = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {asked_plainly(run_id)}")
    return rows_read(json.loads(plan)[0]["Plan"])


def rows_read(plan: dict[str, Any]) -> float:
    """Count the rows of the queue that the scans of a plan have given or thrown away."""
    below = sum(rows_read(part) for part in plan.get("Plans", ()))
    if plan.get("Relation Name") != "queue":
        return below
    thrown = plan.get("Rows Removed by Filter", 0) + plan.get("Rows Removed by Index Recheck", 0)
    return below + float((plan["Actual Rows"] + thrown) * plan["Actual Loops"])


def asked_plainly(run_id: UUID) -> str:
    sql = statements()["situation"]
    for place, value in enumerate(("'acme'", f"'{run_id}'::uuid", "2.0::float8", "5.0::float8", "1001"), 1):
        sql = sql.replace(f"${place}", value)
    return sql
