"""Why a run that a worker has, or had when it died, is not further, told from a real journal."""

from __future__ import annotations

import pytest

from tests.fakes.explained import attended, explained, pool_of
from tests.fakes.workshop import Workshop, for_ever
from workers.model.org import Subscription
from workers.model.run import EventType

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True)
async def worker(shop: Workshop) -> None:
    """There is a worker with slots to spare."""
    await attended(shop)


async def test_a_running_run_is_told_who_does_what(shop: Workshop) -> None:
    await shop.declare()
    shop.parts["only"] = for_ever
    run_id = await shop.submit()
    shop.start()
    await shop.seen(run_id, EventType.STEP_STARTED, "only")
    (why,) = await explained(shop, run_id)
    assert (why.reason, why.message.startswith("w1 is doing only")) == ("RUNNING", True)
    assert why.until is not None


async def test_a_run_whose_worker_died_is_told_that_it_waits_to_be_tried_alone(shop: Workshop) -> None:
    await shop.declare()
    first, second = await shop.submit(), await shop.submit()
    await shop.journal.claim("w1", 2)
    await shop.journal.recover("w1")
    (why,), (behind,) = await explained(shop, first), await explained(shop, second)
    assert (why.reason, behind.reason) == ("SUSPECT", "SUSPECT")
    assert ("0 such runs stand" in why.message, "1 such run stands" in behind.message) == (True, True)
    assert why.until is not None
    assert 0 < (why.until - shop.clock.now()).total_seconds() <= 6


async def test_a_run_that_is_tried_alone_says_so_and_whoever_waits_for_it_too(shop: Workshop) -> None:
    await shop.declare()
    tried = await shop.submit()
    await shop.lease()
    for _ in range(2):
        await shop.journal.recover("w1")
        await shop.lease()
    waiting = await shop.submit()
    (why,), (shut,) = await explained(shop, tried), await explained(shop, waiting)
    assert why.reason == "RUNNING"
    assert "and nothing else" in why.message
    assert "died 1 times while it ran alone" in why.message
    assert shut.reason == "WORKERS_SHUT"
    assert shut.until is not None


async def test_a_suspect_of_an_organisation_at_its_cap_is_told_of_both(shop: Workshop) -> None:
    await shop.declare()
    _, suspect = await shop.submit(), await shop.submit()
    await shop.journal.claim("w1", 2)
    await shop.journal.recover("w1")
    await shop.lease("w2")
    shop.enrol("acme", subscription=Subscription("ACTIVE", "PRO", 10, 10, 1))
    await shop.submit()
    assert await shop.journal.claim("w3", 1) == ()
    assert [why.reason for why in await explained(shop, suspect)] == ["CAP_REACHED", "SUSPECT"]


async def test_a_run_that_killed_its_worker_three_times_is_told_who_has_to_look(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    for _ in range(4):
        await shop.lease()
        await shop.journal.recover("w1")
    why, _ = await explained(shop, run_id)
    assert (why.reason, why.owner) == ("PROCESS_CRASHED", "service")
    assert "3 times" in why.message


async def test_a_run_that_is_asked_to_stop_is_told_who_ends_it(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    await shop.lease()
    await shop.journal.cancel("acme", run_id)
    (held,) = await explained(shop, run_id)
    assert (held.reason, held.message) == ("CANCELLING", "w1 is asked to stop it")
    await shop.journal.recover("w1")
    assert [why.reason for why in await explained(shop, run_id)] == ["CANCELLING", "SUSPECT"]


async def test_a_lease_that_ended_is_not_called_renewed(shop: Workshop) -> None:
    await shop.declare()
    run_id = await shop.submit()
    await shop.lease()
    await pool_of(shop).execute("UPDATE queue SET lease_until = now()")
    assert [why.reason for why in await explained(shop, run_id)] == ["LEASE_EXPIRED"]
