from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.model.lease import Lease
from workers.model.run import Run, RunStatus
from workers.runtime.mailboxes import Mailboxes


def lease(org: str, number: int) -> Lease:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    run = Run(UUID(int=number), org, "p", "d", "n", "id", "hash", RunStatus.RUNNING, at, date(2026, 1, 1))
    return Lease(run, number, number, "w")


async def taken(boxes: Mailboxes) -> list[Lease]:
    return [await boxes.take() for _ in range(len(boxes))]


@given(st.lists(st.sampled_from("abcd"), max_size=30))
def test_organisations_take_turns_and_keep_their_own_order(orgs: list[str]) -> None:
    async def scenario() -> list[Lease]:
        boxes = Mailboxes(30)
        for number, org in enumerate(orgs):
            boxes.put(lease(org, number))
        return await taken(boxes)

    order = asyncio.run(scenario())
    assert len(order) == len(orgs)
    for org in set(orgs):
        assert all(a.fence < b.fence for a, b in pairwise([one for one in order if one.run.org_slug == org]))
    first_round = [one.run.org_slug for one in order[: len(set(orgs))]]
    assert sorted(first_round) == sorted(set(orgs))


async def test_a_taker_waits_until_something_comes() -> None:
    boxes = Mailboxes(3)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(boxes.take())
        await asyncio.sleep(0)
        assert not waiting.done()
        boxes.put(lease("acme", 1))
    assert waiting.result().run.org_slug == "acme"


async def test_nothing_is_kept_for_an_organisation_without_work() -> None:
    boxes = Mailboxes(3)
    boxes.put(lease("acme", 1))
    await boxes.take()
    assert boxes._boxes == {}


async def test_more_than_the_slots_is_refused() -> None:
    boxes = Mailboxes(1)
    boxes.put(lease("acme", 1))
    with pytest.raises(asyncio.QueueFull):
        boxes.put(lease("acme", 2))


async def test_what_is_cleared_is_handed_back_and_gone() -> None:
    boxes = Mailboxes(3)
    boxes.put(lease("acme", 1))
    boxes.put(lease("other", 2))
    assert {one.fence for one in boxes.clear()} == {1, 2}
    assert len(boxes) == 0
