"""A provider that is overloaded, fails for a while, answers with what is not data, or takes its credential back."""

from __future__ import annotations

import time

import pytest

from tests.chaos.arena import Arena
from tests.chaos.aside import due, waiting
from tests.fakes.org_client import EXTRACT, NOTHING, step_of
from tests.plugins.sandbox import CENTRAL

VALIDATE = "integrations/credentials/validate"
COMPLETIONS = {"endpoint": "completions"}
LATER = {**COMPLETIONS, "kind": "status", "status": 429}
BREAKER_FAILURES = 5
TABLE_OF = f"{CENTRAL}.org_integration_credentials WHERE provider = 'OPENAI' AND is_active AND org_slug = @org"


@pytest.mark.fault("F40")
@pytest.mark.promise("P1", "P13")
@pytest.mark.parametrize(("said", "longest"), [("seconds", 600), ("date", 600), ("absurd", 3600)])
async def test_a_run_that_is_told_to_come_back_later_holds_no_slot_and_is_done_then(
    arena: Arena, said: str, longest: int
) -> None:
    org, other, day, at = arena.org(0), arena.org(1), arena.next_day(), time.monotonic()
    asked = {
        "seconds": {"retry_after": longest},
        "date": {"retry_at": int(time.time()) + longest},
        "absurd": {"retry_after": 10**12},
    }
    await arena.running.faults(LATER | asked[said])
    run_id = await arena.accepted(org, EXTRACT, day, date=day)
    why, seconds = await waiting(arena, run_id)
    assert longest - 60 < seconds <= longest
    assert "waiting to try again" in why
    reason = (await org.explain(run_id))["reasons"][0]["reason"]
    assert (reason, (await arena.run(org, run_id))["attempt"]) == ("RATE_LIMITED", 0)
    lane = await arena.accepted(org, NOTHING, f"behind {day}", note=f"behind {day}")
    beside = await arena.accepted(other, EXTRACT, f"beside {day}", date=day)
    assert {await arena.ended(lane), await arena.ended(beside)} == {"COMPLETED"}
    await due(arena, run_id)
    toll = await arena.charge(f"429, {said} of Retry-After", 1, at, [run_id, lane, beside])
    assert toll.harmless, toll
    await arena.as_the_source(org, day)


@pytest.mark.fault("F40")
@pytest.mark.parametrize("nonsense", [{"retry_after": -5}, {"retry_at": 1}, {}], ids=["negative", "past", "missing"])
async def test_a_429_that_says_no_time_that_makes_sense_is_only_a_pause(arena: Arena, nonsense: dict[str, int]) -> None:
    org, day, at = arena.org(2), arena.next_day(), time.monotonic()
    before = await asked(arena, "completions")
    await arena.running.faults(LATER | nonsense)
    run_id = await arena.accepted(org, EXTRACT, day, date=day)
    assert await arena.ended(run_id) == "COMPLETED"
    assert await asked(arena, "completions") == before + 2
    toll = await arena.charge(f"429 with a Retry-After of {nonsense or 'nothing'}", 1, at, [run_id])
    assert toll.harmless, toll
    await arena.as_the_source(org, day)


@pytest.mark.fault("F41")
@pytest.mark.promise("P1")
@pytest.mark.parametrize(("status", "times", "attempt"), [(500, 2, 1), (502, 1, 1), (503, 4, 2)])
async def test_a_run_whose_provider_fails_for_a_while_ends_as_if_it_had_not(
    arena: Arena, status: int, times: int, attempt: int
) -> None:
    org, day, at = arena.org(3), arena.next_day(), time.monotonic()
    before = await asked(arena, "completions")
    await arena.running.faults({**COMPLETIONS, "kind": "status", "status": status, "times": times})
    run_id = await arena.accepted(org, EXTRACT, day, date=day)
    assert await arena.ended(run_id) == "COMPLETED"
    assert await asked(arena, "completions") == before + times + 1
    toll = await arena.charge(f"{times} answers of {status}", times, at, [run_id])
    assert toll.harmless, toll
    assert step_of(await arena.run(org, run_id), "extract_usage")["attempt"] == attempt
    await arena.as_the_source(org, day)


@pytest.mark.fault("F41")
@pytest.mark.promise("P6", "P13")
async def test_a_provider_that_keeps_failing_is_left_alone_for_a_while_and_costs_nobody_else(arena: Arena) -> None:
    org, other, day, at = arena.org(4), arena.org(5), arena.next_day(), time.monotonic()
    before = await asked(arena, "completions")
    await arena.running.faults({**COMPLETIONS, "kind": "status", "times": None})
    run_id = await arena.accepted(org, EXTRACT, day, date=day)
    why, _ = await waiting(arena, run_id)
    assert "answered 500" in why or "for the host to recover" in why
    failures = await asked(arena, "completions") - before
    # What the other step reads meanwhile counts as a sign of health once.
    assert failures in {BREAKER_FAILURES, BREAKER_FAILURES + 1}
    await arena.running.faults()
    lane = await arena.accepted(org, NOTHING, f"behind {day}", note=f"behind {day}")
    beside = await arena.accepted(other, EXTRACT, f"beside {day}", date=day)
    assert {await arena.ended(lane), await arena.ended(beside)} == {"COMPLETED"}
    toll = await arena.charge("500 until the breaker opens", failures, at, [run_id, lane, beside])
    assert toll.harmless, toll
    await arena.as_the_source(org, day)


@pytest.mark.fault("F43")
@pytest.mark.promise("P10")
async def test_a_page_whose_connection_ends_inside_is_read_again_and_counted_once(arena: Arena) -> None:
    org, day, at = arena.org(6), arena.next_day(), time.monotonic()
    before = await asked(arena, "completions")
    await arena.running.faults({**COMPLETIONS, "kind": "reset"})
    run_id = await arena.accepted(org, EXTRACT, day, date=day)
    assert await arena.ended(run_id) == "COMPLETED"
    assert await asked(arena, "completions") == before + 2
    toll = await arena.charge("a connection that is reset inside a body", 1, at, [run_id])
    assert toll.harmless, toll
    await arena.as_the_source(org, day)


@pytest.mark.promise("P10")
@pytest.mark.parametrize(
    ("kind", "said"),
    [
        pytest.param("html", "something other than JSON", marks=pytest.mark.fault("F44")),
        pytest.param("truncated", "answered with a body that", marks=pytest.mark.fault("F44")),
        pytest.param("repeated_cursor", "was read before", marks=pytest.mark.fault("F45")),
        pytest.param("lost_cursor", "says there is more but has no cursor", marks=pytest.mark.fault("F45")),
    ],
)
async def test_an_answer_that_cannot_be_believed_ends_its_run_and_leaves_the_table_as_it_was(
    arena: Arena, kind: str, said: str
) -> None:
    org, other, day, at = arena.org(7), arena.org(1), arena.next_day(), time.monotonic()
    acked = [await arena.accepted(org, EXTRACT, f"{kind} before", date=day)]
    assert await arena.ended(acked[0]) == "COMPLETED"
    await arena.running.faults({"kind": kind, "endpoint": "images", "times": None})
    run_id = await arena.accepted(org, EXTRACT, kind, date=day, force_refresh=True)
    assert await arena.ended(run_id) == "FAILED"
    error = (await arena.run(org, run_id))["error"]
    assert (error["reason"], said in error["message"]) == ("PROVIDER_BAD_RESPONSE", True), error
    await arena.running.faults()
    await arena.as_the_source(org, day)
    acked.append(await arena.accepted(org, EXTRACT, f"{kind} after", date=day, force_refresh=True))
    acked.append(await arena.accepted(other, EXTRACT, f"{kind} beside", date=day))
    toll = await arena.charge(f"an answer of 200 that is {kind}", 1, at, acked)
    assert toll.harmless, toll


@pytest.mark.fault("F46")
@pytest.mark.promise("P13")
@pytest.mark.parametrize(("status", "flagged"), [(403, "VALID"), (401, "INVALID")])
async def test_a_credential_that_is_rejected_in_the_middle_of_a_run_ends_that_run_only(
    arena: Arena, status: int, flagged: str
) -> None:
    org, other, day, at = arena.org(5), arena.org(6), arena.next_day(), time.monotonic()
    read, before = await asked(arena, "completions"), await asked(arena, "images")
    # Once: who tried again would be done.
    await arena.running.faults({"kind": "status", "status": status, "endpoint": "images"})
    run_id = await arena.accepted(org, EXTRACT, f"{status}", date=day)
    assert await arena.ended(run_id) == "FAILED"
    run = await arena.run(org, run_id)
    assert (run["error"]["reason"], step_of(run, "extract_usage")["attempt"]) == ("PROVIDER_AUTH", 1)
    assert (await asked(arena, "completions") - read, await asked(arena, "images") - before) == (1, 1)
    assert await arena.running.query(f"SELECT validation_status AS v FROM {TABLE_OF}", org=org.slug) == [{"v": flagged}]
    acked = [
        await arena.accepted(org, EXTRACT, f"{status} after", date=day),
        await arena.accepted(other, EXTRACT, f"{status} beside", date=day),
        await arena.accepted(org, VALIDATE, f"{status} validate", credential="OPENAI"),
    ]
    toll = await arena.charge(f"a credential that is answered {status} in the middle of a run", 1, at, acked)
    assert toll.harmless, toll
    assert await arena.running.query(f"SELECT validation_status AS v FROM {TABLE_OF}", org=org.slug) == [{"v": "VALID"}]
    await arena.as_the_source(org, day)


async def asked(arena: Arena, endpoint: str) -> int:
    """Return how often the provider was asked for an endpoint of usage."""
    async with arena.running.rest.session.get(f"{arena.running.simulator.origin}/_requests") as answer:
        return int((await answer.json())["by_path"].get(f"/v1/organization/usage/{endpoint}", 0))
