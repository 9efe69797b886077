"""Answers of a provider that no library would send: pages that break off, lie about their length, or hold nonsense."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.chaos.arena import Arena
from tests.chaos.front import Front, fronted
from tests.fakes import hostile_provider as hostile
from tests.fakes.hostile_provider import Behaviour, Line
from tests.fakes.org_client import EXTRACT

HALF = b'{"object": "page", "data": ['
DAY_SECONDS = 86_400
TWICE = "a day twice"


@pytest_asyncio.fixture(scope="module")
async def front(whole_arena: Arena) -> AsyncIterator[Front]:
    async with fronted(whole_arena) as front:
        yield front


def bucket(line: Line, *results: object) -> dict[str, object]:
    """Return the one bucket that was asked for."""
    start = int(line.heard.query["start_time"])
    return {"object": "bucket", "start_time": start, "end_time": start + DAY_SECONDS, "results": list(results)}


def page(*copies: object) -> Behaviour:
    """Answer the day that was asked for, as often as there are copies, each with that for its result."""

    async def behave(line: Line) -> None:
        data = [bucket(line, copy) for copy in copies]
        body = json.dumps({"object": "page", "data": data, "has_more": False, "next_page": None})
        await hostile.answer(body.encode())(line)

    return behave


BREAKS = {
    "reset": hostile.reset_in_body,
    "shorter than it says": hostile.promised(HALF, 1000),
    "a bad chunk": hostile.bad_chunk(pause=0.1),
    "dropped at once": hostile.close_at_once,
}
NONSENSE = {
    "empty": (hostile.answer(b""), "answered with a body that"),
    "not a number": (page({"input_tokens": float("nan")}), "answered with a body that"),
    "of another type": (page({"input_tokens": "many"}), "input_tokens is not a whole number"),
    "a list": (hostile.answer(b"[]"), ""),
    "without an end": (hostile.raw(hostile.head(Content_Type="application/json"), HALF), "where the body ends"),
    TWICE: (page({}, {}), "came before"),
}


@pytest.mark.fault("F43")
@pytest.mark.promise("P10")
@pytest.mark.parametrize("how", BREAKS)
async def test_a_page_that_breaks_off_is_read_again_and_no_part_of_it_is_used(
    arena: Arena, front: Front, how: str
) -> None:
    org, day, at = arena.org(0), arena.next_day(), time.monotonic()
    before = front.asked("embeddings")
    front.first("embeddings", BREAKS[how])
    run_id = await arena.accepted(org, EXTRACT, day, date=day)
    assert await arena.ended(run_id) == "COMPLETED"
    assert front.asked("embeddings") == before + 2
    toll = await arena.charge(f"a page that is {how}", 1, at, [run_id])
    assert toll.harmless, toll
    await arena.as_the_source(org, day)


@pytest.mark.promise("P10")
@pytest.mark.parametrize(
    "how",
    [
        *(pytest.param(how, marks=pytest.mark.fault("F44")) for how in NONSENSE if how != TWICE),
        pytest.param(TWICE, marks=pytest.mark.fault("F45")),
    ],
)
async def test_a_page_of_nonsense_ends_its_run_and_leaves_the_table_as_it_was(
    arena: Arena, front: Front, how: str
) -> None:
    org, other, day, at = arena.org(3), arena.org(4), arena.next_day(), time.monotonic()
    behaviour, said = NONSENSE[how]
    acked = [await arena.accepted(org, EXTRACT, f"{how} before", date=day)]
    assert await arena.ended(acked[0]) == "COMPLETED"
    front.first("embeddings", behaviour)
    run_id = await arena.accepted(org, EXTRACT, how, date=day, force_refresh=True)
    assert await arena.ended(run_id) == "FAILED"
    error = (await arena.run(org, run_id))["error"]
    assert (error["reason"], said in error["message"]) == ("PROVIDER_BAD_RESPONSE", True), error
    await arena.as_the_source(org, day)
    acked.append(await arena.accepted(org, EXTRACT, f"{how} after", date=day, force_refresh=True))
    acked.append(await arena.accepted(other, EXTRACT, f"{how} beside", date=day))
    toll = await arena.charge(f"a page of nonsense: {how}", 1, at, acked)
    assert toll.harmless, toll
