"""What the trail keeps of a call, in the commit of what the call did."""

from __future__ import annotations

import uuid

import attrs
import pytest

from tests.conformance.journal.conftest import OpenJournal, new_run
from workers.adapters.journal import PostgresJournal
from workers.model.failure import FailedError
from workers.model.lease import LaneTerms

pytestmark = pytest.mark.engine


async def test_an_audit_entry_goes_to_the_outbox(journal: PostgresJournal) -> None:
    entry = {"id": str(uuid.UUID(int=1)), "action": "run"}
    await journal.audit(entry)
    (parcel,) = await journal.parcels("audit", 10)
    assert (parcel.kind, parcel.payload) == ("audit", entry)


async def entries(journal: PostgresJournal) -> list[tuple[str, str]]:
    return [(row.payload["who"], row.payload["resource_id"]) for row in await journal.parcels("audit", 10)]


async def test_who_asked_for_a_run_is_kept_with_it_also_when_another_stands_for_it(journal: PostgresJournal) -> None:
    first = new_run(audit={"who": "one", "resource_id": None}, idempotency_key="k", body_hash="b")
    same = new_run(audit={"who": "two"}, parameters_hash=first.parameters_hash)
    again = new_run(audit={"who": "three"}, idempotency_key="k", body_hash="b")
    nobody = new_run()
    for new in (first, same, again, nobody):
        await journal.add(new)
    assert await entries(journal) == [(who, str(first.run_id)) for who in ("one", "two", "three")]


async def test_a_refused_run_leaves_no_word_of_success(journal: PostgresJournal) -> None:
    await journal.add(new_run(idempotency_key="k", body_hash="b"))
    for new in (new_run(idempotency_key="k", body_hash="other"), new_run(terms=LaneTerms(5, daily_limit=0))):
        with pytest.raises(FailedError):
            await journal.add(attrs.evolve(new, audit={"who": "one"}))
    assert await entries(journal) == []


async def test_a_process_that_dies_after_accepting_or_cancelling_leaves_the_record(open_journal: OpenJournal) -> None:
    def die(name: str) -> None:
        if name == "accept.after_commit":
            raise RuntimeError(name)

    new = new_run(audit={"who": "one"})
    async with open_journal(failpoint=die) as dying:
        with pytest.raises(RuntimeError):
            await dying.add(new)
        assert await entries(dying) == [("one", str(new.run_id))]


async def test_who_cancelled_a_run_is_kept_with_that_also_when_it_had_ended(journal: PostgresJournal) -> None:
    added = await journal.add(new_run())
    for who in ("first", "second"):
        assert await journal.cancel("acme", added.run_id, {"who": who}) is not None
    assert await journal.cancel("globex", added.run_id, {"who": "stranger"}) is None
    assert await entries(journal) == [(who, str(added.run_id)) for who in ("first", "second")]
