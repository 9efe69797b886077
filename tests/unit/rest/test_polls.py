"""Polls: a budget of whole readings beside that of requests, so that paging is free and polling is not."""

from __future__ import annotations

import pytest

from tests.fakes import hostile_provider as hostile
from tests.unit.rest.desk import Desk
from workers.model.failure import SnoozeError

ROWS = hostile.rows({"id": 1})


def poll_key(desk: Desk) -> str:
    return f"{desk.budget_key} {desk.provider.url.removeprefix('http://')} polls"


async def test_a_reading_takes_one_poll_however_much_it_reads(desk: Desk) -> None:
    desk.limit(polls_per_minute=1.0, poll_burst=3)
    desk.provider.script("/rows", ROWS)
    async with desk.reader.open(desk.wiring()) as reading:
        for _ in range(2):
            assert [page.rows async for page in reading.pages(desk.read())] == [({"id": 1},)]
    polls = [taken for taken in desk.taken if taken[0].endswith(" polls")]
    assert polls == [(poll_key(desk), 1.0, 3)]
    assert len(desk.taken) == 3


async def test_the_next_reading_takes_a_poll_of_its_own(desk: Desk) -> None:
    desk.limit(polls_per_minute=1.0)
    desk.provider.script("/rows", ROWS)
    await desk.pages()
    await desk.pages()
    assert [key for key, _, _ in desk.taken].count(poll_key(desk)) == 2


async def test_a_poll_that_is_not_due_gives_the_slot_back_before_anything_is_asked(desk: Desk) -> None:
    desk.limit(polls_per_minute=1.0)
    desk.waits = [60.0]
    with pytest.raises(SnoozeError, match="for the next poll") as caught:
        await desk.pages()
    assert (caught.value.delay, desk.clock.slept, desk.provider.heard) == (60.0, [], [])


async def test_a_provider_without_a_bound_on_polls_is_asked_for_requests_only(desk: Desk) -> None:
    desk.provider.script("/rows", ROWS)
    await desk.pages()
    assert len(desk.taken) == 1


async def test_what_stands_beside_the_rows_comes_with_each_page(desk: Desk) -> None:
    body = b'{"data": [{"id": 1}], "seen": {"at": "noon"}, "other": 1}'
    desk.provider.script("/rows", hostile.answer(body))
    (page,) = await desk.pages(desk.read(page_fields=("seen.at", "absent")))
    assert page.fields == {"seen.at": "noon"}
