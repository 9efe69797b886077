from __future__ import annotations

import asyncio
import json

import pytest
from attrs import evolve

from tests.fakes import hostile_provider as hostile
from tests.fakes.hostile_provider import Line
from tests.unit.rest.desk import Desk, MakeReader
from tests.unit.rest.tokens.conftest import asked, bearers, granting
from tests.unit.rest.tokens.rotating import RotatingProvider, StoredCredential, away, shielded
from workers.model.failure import FailedError, Reason
from workers.model.page import Auth
from workers.rest.tokens.rotation import STORING_ATTEMPTS

STORED = {"client_id": "me", "client_secret": "own", "refresh_token": "r0", "note": "kept"}


@pytest.fixture
def rotating() -> RotatingProvider:
    return RotatingProvider()


@pytest.fixture
def stored() -> StoredCredential:
    return StoredCredential(json.dumps(STORED))


@pytest.fixture
def desk(desk: Desk, rotating: RotatingProvider, stored: StoredCredential) -> Desk:
    url = f"{desk.provider.url}/token"
    desk.auth = Auth("oauth2_refresh_token", provider="CRM", token_url=url)
    desk.wired = {"secret": stored.find, "store": stored.store, "turn": stored.turn, "shielded": shielded}
    desk.provider.script("/token", rotating.token)
    desk.provider.script("/rows", hostile.rows({"id": 1}))
    return desk


def other_replica(desk: Desk, make_reader: MakeReader) -> Desk:
    return evolve(desk, reader=make_reader())


async def test_a_new_refresh_token_is_stored_before_its_access_token_is_used(
    desk: Desk, stored: StoredCredential
) -> None:
    async def row(line: Line) -> None:
        stored.log.append(line.heard.headers["authorization"])
        await hostile.rows({"id": 1})(line)

    desk.provider.script("/rows", row)
    await desk.rows()
    assert stored.log == ["stored for CRM", "Bearer a0"]
    assert json.loads(stored.text) == STORED | {"refresh_token": "r1"}


async def test_a_refresh_token_that_stays_is_not_stored_again(desk: Desk, stored: StoredCredential) -> None:
    desk.provider.script("/token", granting(desk, refresh_token="r0"), granting(desk))
    await desk.rows()
    desk.clock.seconds += 3600
    await desk.rows()
    assert not stored.log
    assert bearers(desk) == ["Bearer t1", "Bearer t2"]


@pytest.mark.fault("F59")
async def test_a_later_reading_uses_the_token_that_came_with_the_new_credential(desk: Desk) -> None:
    for _ in range(3):
        await desk.rows()
    assert bearers(desk) == ["Bearer a0"] * 3


async def test_an_ended_token_is_refreshed_with_the_stored_refresh_token(desk: Desk, stored: StoredCredential) -> None:
    for _ in range(3):
        await desk.rows()
        desk.clock.seconds += 3600
    assert bearers(desk) == ["Bearer a0", "Bearer a1", "Bearer a2"]
    assert stored.refresh_token == "r3"


async def test_replicas_that_refresh_at_once_lose_no_refresh_token(
    desk: Desk, stored: StoredCredential, rotating: RotatingProvider, make_reader: MakeReader
) -> None:
    replicas = [desk, *(other_replica(desk, make_reader) for _ in range(4))]
    await asyncio.gather(*(replica.rows() for replica in replicas for _ in range(3)))
    assert not rotating.revoked
    assert stored.refresh_token == f"r{rotating.newest}"
    assert rotating.newest == len(replicas)


@pytest.mark.fault("F59")
async def test_a_credential_that_was_replaced_meanwhile_is_asked_with_instead(
    desk: Desk, stored: StoredCredential, rotating: RotatingProvider
) -> None:
    async def somebody_stores() -> None:
        rotating.before = None
        stored.text = json.dumps(STORED | {"refresh_token": "r7"})
        rotating.newest, rotating.revoked = 7, False

    async def refuse_the_old(line: Line) -> None:
        if b"r0" in line.heard.body:
            await somebody_stores()
            return await hostile.answer(b'{"error": "invalid_grant"}', "400 Bad Request")(line)
        return await rotating.token(line)

    desk.provider.script("/token", refuse_the_old)
    await desk.rows()
    assert (bearers(desk), stored.refresh_token) == (["Bearer a7"], "r8")


async def test_a_refusal_of_the_stored_credential_is_final(desk: Desk, rotating: RotatingProvider) -> None:
    rotating.revoked = True
    with pytest.raises(FailedError, match="invalid_grant") as caught:
        await desk.rows()
    assert caught.value.failure.reason is Reason.PROVIDER_AUTH
    assert len(asked(desk)) == 1


async def test_a_store_that_comes_back_is_waited_for(desk: Desk, stored: StoredCredential) -> None:
    stored.faults = [away(retryable=True)] * 3
    await desk.rows()
    assert stored.refresh_token == "r1"


async def test_what_could_not_be_stored_is_not_used(desk: Desk, stored: StoredCredential) -> None:
    stored.faults = [away(retryable=False)]
    with pytest.raises(FailedError, match="WAREHOUSE_UNAVAILABLE"):
        await desk.rows()
    assert (bearers(desk), stored.refresh_token) == ([], "r0")


async def test_what_could_not_be_stored_is_stored_before_the_next_refresh(
    desk: Desk, stored: StoredCredential, rotating: RotatingProvider
) -> None:
    stored.faults = [away(retryable=True)] * STORING_ATTEMPTS
    with pytest.raises(FailedError):
        await desk.rows()
    await desk.rows()
    assert (stored.refresh_token, rotating.revoked) == ("r2", False)
    assert stored.log == ["stored for CRM"] * 2


async def test_a_credential_that_was_stored_by_hand_wins_over_what_could_not_be_stored(
    desk: Desk, stored: StoredCredential, rotating: RotatingProvider
) -> None:
    stored.faults = [away(retryable=False)]
    with pytest.raises(FailedError):
        await desk.rows()
    stored.text, rotating.newest = json.dumps(STORED | {"refresh_token": "r5"}), 5
    await desk.rows()
    assert (bearers(desk), stored.refresh_token) == (["Bearer a5"], "r6")


async def test_a_reading_that_is_cancelled_still_stores_what_was_granted(
    desk: Desk, stored: StoredCredential, rotating: RotatingProvider
) -> None:
    came, may_go = asyncio.Event(), asyncio.Event()

    async def held_up() -> None:
        came.set()
        await may_go.wait()

    rotating.before = held_up
    reading = asyncio.create_task(desk.rows())
    await came.wait()
    reading.cancel()
    may_go.set()
    await asyncio.wait({reading})
    assert reading.cancelled()
    assert stored.refresh_token == "r1"


async def test_without_a_place_to_store_it_a_new_refresh_token_ends_the_reading(desk: Desk) -> None:
    del desk.wired["store"]
    with pytest.raises(FailedError, match="nowhere to store it"):
        await desk.rows()


@pytest.mark.parametrize("missing", ["client_id", "refresh_token"])
async def test_a_credential_without_what_it_needs_is_refused(
    desk: Desk, stored: StoredCredential, missing: str
) -> None:
    stored.text = json.dumps(STORED | {missing: ""})
    with pytest.raises(FailedError, match=f"has no text at '{missing}'"):
        await desk.rows()


async def test_a_public_client_names_itself_in_the_form(desk: Desk, stored: StoredCredential) -> None:
    stored.text = json.dumps({"client_id": "public", "refresh_token": "r0"})
    await desk.rows()
    assert b"client_id=public" in asked(desk)[0].body
    assert "authorization" not in asked(desk)[0].headers
