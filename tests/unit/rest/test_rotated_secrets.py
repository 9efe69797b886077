"""A secret that is rotated while it is read with: the reading goes on with the one that is stored now, once."""

from __future__ import annotations

import json

import pytest

from tests.fakes.hostile_provider import Behaviour, Line, answer
from tests.unit.rest.desk import Desk
from workers.model.failure import FailedError, Reason
from workers.model.page import Auth
from workers.model.pagination import CursorPages

pytestmark = pytest.mark.fault("F59")

PAGES = {"": "2", "2": "3", "3": ""}


@pytest.fixture
def rotating(desk: Desk) -> Desk:
    """A provider of three pages that takes the secret it has at the moment only."""
    desk.auth, desk.secret = Auth("bearer"), "old"
    desk.provider.script("/rows", taking("old"))
    return desk


def taking(secret: str) -> Behaviour:
    async def behave(line: Line) -> None:
        if line.heard.headers["authorization"] != f"Bearer {secret}":
            await answer(b"{}", "401 Unauthorized")(line)
            return
        at = line.heard.query.get("page", "")
        await answer(json.dumps({"data": [{"id": at or "1"}], "next": PAGES[at]}).encode())(line)

    return behave


def rotate(desk: Desk, stored: str, accepted: str) -> None:
    """After the first page the provider takes another secret, and one is stored."""

    async def first(line: Line) -> None:
        await taking("old")(line)
        desk.secret = stored

    desk.provider.script("/rows", first, taking(accepted))


async def sent(desk: Desk) -> list[str]:
    return [heard.headers["authorization"].removeprefix("Bearer ") for heard in desk.provider.heard]


async def test_the_reading_goes_on_with_what_is_stored_now(rotating: Desk) -> None:
    rotate(rotating, "new", "new")
    rows = await rotating.rows(rotating.read(pagination=CursorPages("page", "next")))
    assert [row["id"] for row in rows] == ["1", "2", "3"]
    assert await sent(rotating) == ["old", "old", "new", "new"]
    assert len(rotating.receipts) == 3


@pytest.mark.parametrize(("stored", "asked"), [("old", ["old", "old"]), ("newer", ["old", "old", "newer"])])
async def test_a_secret_that_is_refused_although_it_is_the_stored_one_is_not_tried_again(
    rotating: Desk, stored: str, asked: list[str]
) -> None:
    rotate(rotating, stored, "another")
    with pytest.raises(FailedError) as caught:
        await rotating.rows(rotating.read(pagination=CursorPages("page", "next")))
    assert (caught.value.failure.reason, caught.value.failure.retryable) == (Reason.PROVIDER_AUTH, False)
    assert await sent(rotating) == asked
    assert not any(secret in str(caught.value) for secret in ("old", "newer"))
