from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.fakes import hostile_provider as hostile
from tests.unit.rest.desk import Desk, MakeReader
from workers.model.failure import FailedError, Reason, SnoozeError
from workers.model.pause import Pause
from workers.rest.circuit import RETRY_TOKENS, CircuitTerms

OOPS = hostile.answer(status="500 Oops")
GOOD = hostile.rows({"id": 1})


def busy(**headers: Any) -> hostile.Behaviour:
    return hostile.answer(status="429 Too Many Requests", **headers)


async def fail(desk: Desk) -> FailedError:
    with pytest.raises(FailedError) as caught:
        await desk.pages()
    return caught.value


async def snooze(desk: Desk) -> SnoozeError:
    with pytest.raises(SnoozeError) as caught:
        await desk.pages()
    return caught.value


@pytest.mark.fault("F41")
async def test_a_burst_of_errors_is_ridden_out_with_growing_jitter(desk: Desk) -> None:
    desk.provider.script("/rows", OOPS, hostile.answer(status="503 Busy"), GOOD)
    assert await desk.rows() == [{"id": 1}]
    assert desk.clock.slept == [0.25, 0.5]


@pytest.mark.parametrize("attempts", [1, 2, 3, 5])
async def test_a_request_is_tried_as_often_as_its_limit_says(desk: Desk, attempts: int) -> None:
    desk.limit(attempts=attempts)
    desk.provider.script("/rows", OOPS)
    assert (await fail(desk)).failure.metadata["attempt"] == str(attempts)
    assert len(desk.provider.heard) == attempts


@pytest.mark.item("H119")
@pytest.mark.fault("F40")
@pytest.mark.parametrize(
    ("headers", "slept"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"Retry_After": "Fri, 01 May 2026 12:00:09 GMT"}, 9.0),
        ({"retry_after_ms": "1500", "Retry_After": "9"}, 1.5),
        *(({"Retry_After": text}, 0.25) for text in ("-1", "soon", "Thu, 30 Apr 2026 12:00:00 GMT", "0")),
    ],
)
async def test_a_short_wait_that_is_asked_for_is_kept(desk: Desk, headers: dict[str, str], slept: float) -> None:
    desk.provider.script("/rows", busy(**headers), GOOD)
    assert await desk.rows() == [{"id": 1}]
    assert desk.clock.slept == [slept]


@pytest.mark.item("H119")
@pytest.mark.fault("F40")
@pytest.mark.parametrize(
    ("text", "delay"), [("21", 21.0), ("1000000000", 3600.0), ("Fri, 01 May 2026 12:05:00 GMT", 300.0)]
)
async def test_a_long_wait_gives_the_slot_back(desk: Desk, text: str, delay: float) -> None:
    desk.provider.script("/rows", busy(Retry_After=text))
    asked = await snooze(desk)
    assert (asked.delay, asked.pause, asked.failure) == (delay, Pause.RATE_LIMIT, Reason.PROVIDER_RATE_LIMIT)
    assert desk.clock.slept == []


@pytest.mark.fault("F40")
async def test_a_long_wait_is_no_failure_even_at_the_last_attempt(desk: Desk) -> None:
    desk.limit(attempts=1)
    desk.provider.script("/rows", busy(Retry_After="60"))
    assert (await snooze(desk)).delay == 60.0


@pytest.mark.fault("F40")
async def test_short_waits_together_are_a_long_one(desk: Desk) -> None:
    desk.provider.script("/rows", busy(Retry_After="15"))
    assert (await snooze(desk)).delay == 15.0
    assert desk.clock.slept == [15.0]


@pytest.mark.fault("F40")
async def test_a_rate_limit_that_stays_is_named(desk: Desk) -> None:
    desk.provider.script("/rows", busy())
    failure = (await fail(desk)).failure
    assert (failure.reason, failure.retryable) == (Reason.PROVIDER_RATE_LIMIT, True)
    assert failure.metadata == {"provider": "openai", "status": "429", "attempt": "3"}


@pytest.mark.fault("F46")
@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
async def test_a_refused_credential_is_not_tried_again(desk: Desk, status: str) -> None:
    desk.provider.script("/rows", hostile.answer(b'{"error": {}}', status, x_should_retry="true"))
    failure = (await fail(desk)).failure
    assert (failure.reason, failure.retryable) == (Reason.PROVIDER_AUTH, False)
    assert len(desk.provider.heard) == 1


async def test_a_403_for_rates_is_waited_out(desk: Desk) -> None:
    body = b'{"error": {"errors": [{"reason": "rateLimitExceeded"}]}}'
    desk.provider.script("/rows", hostile.answer(body, "403 Forbidden", Retry_After="2"), GOOD)
    assert await desk.rows() == [{"id": 1}]
    assert desk.clock.slept == [2.0]


async def test_a_403_whose_body_breaks_off_is_still_a_403(desk: Desk) -> None:
    desk.provider.script("/rows", hostile.raw(hostile.head("403 Forbidden", Content_Length="99") + b"{"))
    assert (await fail(desk)).failure.reason is Reason.PROVIDER_AUTH
    assert len(desk.provider.heard) == 1


@pytest.mark.parametrize("status", ["400 Bad Request", "402 Payment Required", "404 Not Found"])
async def test_a_refused_request_is_not_tried_again(desk: Desk, status: str) -> None:
    desk.provider.script("/rows", hostile.answer(b"{}", status))
    assert (await fail(desk)).failure.reason is Reason.PROVIDER_REFUSED
    assert len(desk.provider.heard) == 1


async def test_a_short_wait_for_the_rate_budget_is_slept(desk: Desk) -> None:
    desk.waits = [2.0, 1.0]
    desk.provider.script("/rows", GOOD)
    assert await desk.rows() == [{"id": 1}]
    assert desk.clock.slept == [2.0, 1.0]
    assert len(desk.taken) == 3


async def test_a_long_wait_for_the_rate_budget_gives_the_slot_back(desk: Desk) -> None:
    desk.waits = [20.5]
    own = await snooze(desk)
    assert (own.delay, own.pause) == (20.5, Pause.RATE_BUDGET)
    assert desk.provider.heard == []


@pytest.mark.fault("F41")
async def test_the_breaker_opens_after_five_failures_and_says_for_how_long(desk: Desk) -> None:
    desk.provider.script("/rows", OOPS)
    await fail(desk)
    failure = (await fail(desk)).failure
    assert len(desk.provider.heard) == 5
    assert (failure.reason, failure.retry_after) == (Reason.PROVIDER_UNAVAILABLE, 30.0)
    assert failure.metadata["attempt"] == "2"


@pytest.mark.fault("F41")
async def test_an_open_breaker_gives_the_slot_back_without_a_request(desk: Desk) -> None:
    desk.provider.script("/rows", OOPS)
    await fail(desk)
    await fail(desk)
    snoozed = await snooze(desk)
    assert len(desk.provider.heard) == 5
    assert snoozed.delay == 30.0
    assert str(snoozed) == f"waiting for the host to recover: 127.0.0.1:{desk.provider.port}"


@pytest.mark.fault("F41")
async def test_the_breaker_lets_one_probe_through_and_closes(desk: Desk) -> None:
    desk.provider.script("/rows", *[OOPS] * 5, GOOD)
    await fail(desk)
    await fail(desk)
    desk.clock.seconds += 30.0
    assert await desk.rows() == [{"id": 1}]
    assert await desk.rows() == [{"id": 1}]


@pytest.mark.fault("F41")
async def test_a_failed_probe_is_a_failure_and_opens_the_breaker_again(desk: Desk) -> None:
    desk.provider.script("/rows", OOPS)
    await fail(desk)
    await fail(desk)
    desk.clock.seconds += 30.0
    assert (await fail(desk)).failure.retry_after == 30.0
    assert len(desk.provider.heard) == 6
    assert (await snooze(desk)).delay == 30.0


async def test_another_credential_has_a_breaker_of_its_own(desk: Desk) -> None:
    desk.provider.script("/rows", *[OOPS] * 5, GOOD)
    await fail(desk)
    await fail(desk)
    desk.budget_key = "globex/openai/1"
    assert await desk.rows() == [{"id": 1}]


async def test_rate_limits_do_not_open_the_breaker(desk: Desk) -> None:
    desk.provider.script("/rows", *[busy()] * 9, GOOD)
    for _ in range(3):
        await fail(desk)
    assert await desk.rows() == [{"id": 1}]


async def test_retries_stop_when_their_budget_is_spent(desk: Desk, make_reader: MakeReader) -> None:
    desk.reader = make_reader(circuit=CircuitTerms(failures=1000))
    desk.provider.script("/rows", OOPS)
    for _ in range(20):
        await fail(desk)
    assert len(desk.provider.heard) == 20 + RETRY_TOKENS


async def test_a_cancelled_probe_leaves_its_place_to_the_next(desk: Desk) -> None:
    arrived = asyncio.Event()

    async def hang(line: hostile.Line) -> None:
        arrived.set()
        await line.hang()

    desk.provider.script("/rows", *[OOPS] * 5, hang, GOOD)
    await fail(desk)
    await fail(desk)
    desk.clock.seconds += 30.0
    async with asyncio.TaskGroup() as tasks:
        probe = tasks.create_task(desk.pages())
        await arrived.wait()
        probe.cancel()
    assert await desk.rows() == [{"id": 1}]
