from __future__ import annotations

import asyncio

import pytest

from tests.fakes import hostile_provider as hostile
from tests.fakes.hostile_provider import Line
from tests.unit.rest.desk import Desk
from tests.unit.rest.tokens.conftest import asked, bearers, granting
from workers.model.body import ResponseRule
from workers.model.failure import FailedError, Reason
from workers.model.pagination import CursorPages

DENIED = hostile.answer(status="401 Unauthorized")


async def test_a_token_is_shared_by_the_readings_of_one_credential(google: Desk) -> None:
    for _ in range(3):
        await google.rows()
    assert bearers(google) == ["Bearer t1"] * 3


async def test_readings_that_begin_at_once_ask_for_one_token(google: Desk) -> None:
    await asyncio.gather(*(google.rows() for _ in range(10)))
    assert len(asked(google)) == 1
    assert bearers(google) == ["Bearer t1"] * 10


async def test_another_credential_has_a_token_of_its_own(oauth: Desk) -> None:
    await oauth.rows()
    oauth.secret = oauth.secret.replace("me@x", "you@x")
    await oauth.rows()
    assert bearers(oauth) == ["Bearer t1", "Bearer t2"]


@pytest.mark.parametrize(("life", "used"), [(3600, 3375), (60, 30)])
async def test_a_token_is_renewed_before_it_ends(google: Desk, life: int, used: int) -> None:
    google.provider.script("/token", granting(google, expires_in=life))
    await google.rows()
    google.clock.seconds += used - 1
    await google.rows()
    google.clock.seconds += 2
    await google.rows()
    assert bearers(google) == ["Bearer t1", "Bearer t1", "Bearer t2"]


async def test_a_long_walk_renews_its_token_on_the_way(google: Desk) -> None:
    google.provider.script("/rows", hostile.rows({"id": 1}, next="b"), hostile.rows({"id": 2}))
    async with google.reader.open(google.wiring()) as reading:
        async for _ in reading.pages(google.read(pagination=CursorPages("page", "next"))):
            google.clock.seconds += 3600
    assert bearers(google) == ["Bearer t1", "Bearer t2"]


async def test_a_rule_tells_by_another_status_that_a_held_token_has_ended(google: Desk) -> None:
    ended = hostile.answer(status="400 Bad Request", body=b'{"error": "token_expired"}')
    google.provider.script("/rows", hostile.rows(), ended, hostile.rows({"id": 1}))
    await google.rows()
    rule = ResponseRule("refresh_token", statuses=(400,), contains="token_expired")
    assert await google.rows(google.read(rules=(rule,))) == [{"id": 1}]
    assert bearers(google) == ["Bearer t1", "Bearer t1", "Bearer t2"]


async def test_a_held_token_that_is_rejected_is_replaced_once(google: Desk) -> None:
    google.provider.script("/rows", hostile.rows(), DENIED, hostile.rows({"id": 1}))
    await google.rows()
    assert await google.rows() == [{"id": 1}]
    assert bearers(google) == ["Bearer t1", "Bearer t1", "Bearer t2"]


async def test_a_new_token_that_is_rejected_too_ends_the_reading(google: Desk) -> None:
    google.provider.script("/rows", hostile.rows(), DENIED)
    await google.rows()
    with pytest.raises(FailedError) as caught:
        await google.rows()
    assert caught.value.failure.reason is Reason.PROVIDER_AUTH
    assert bearers(google) == ["Bearer t1", "Bearer t1", "Bearer t2"]


async def test_a_token_that_was_just_granted_is_not_replaced(google: Desk) -> None:
    google.provider.script("/rows", DENIED)
    with pytest.raises(FailedError, match="answered 401"):
        await google.rows()
    assert bearers(google) == ["Bearer t1"]


async def test_a_403_is_no_reason_for_another_token(google: Desk) -> None:
    google.provider.script("/rows", hostile.rows(), hostile.answer(b"{}", "403 Forbidden"))
    await google.rows()
    with pytest.raises(FailedError, match="answered 403"):
        await google.rows()
    assert len(asked(google)) == 1


async def test_many_whose_token_was_rejected_ask_for_one_new_one(google: Desk) -> None:
    await google.rows()
    all_in = asyncio.Barrier(5)

    async def deny(line: Line) -> None:
        if line.heard.headers["authorization"] == "Bearer t1":
            await all_in.wait()
            return await DENIED(line)
        return await hostile.rows({"id": 1})(line)

    google.provider.script("/rows", deny)
    await asyncio.gather(*(google.rows() for _ in range(5)))
    assert len(asked(google)) == 2


async def test_who_waits_for_a_token_shares_the_refusal(google: Desk) -> None:
    google.provider.script("/token", hostile.answer(b'{"error": "invalid_grant"}', "400 Bad Request"))
    ends = await asyncio.gather(*(google.rows() for _ in range(5)), return_exceptions=True)
    assert all(isinstance(end, FailedError) and "invalid_grant" in str(end) for end in ends)
    assert len(asked(google)) == 1


async def test_a_refusal_is_not_held(google: Desk) -> None:
    refusal = hostile.answer(b'{"error": "invalid_grant"}', "400 Bad Request")
    google.provider.script("/token", refusal, granting(google))
    with pytest.raises(FailedError):
        await google.rows()
    assert await google.rows() == [{"id": 1}]


async def test_who_waits_for_one_that_is_cancelled_asks_himself(google: Desk) -> None:
    came = asyncio.Event()

    async def hang(line: Line) -> None:
        came.set()
        await line.hang()

    google.provider.script("/token", hang, granting(google))
    first = asyncio.create_task(google.rows())
    await came.wait()
    second = asyncio.create_task(google.rows())
    await asyncio.sleep(0)
    first.cancel()
    assert await second == [{"id": 1}]
    assert first.cancelled()
