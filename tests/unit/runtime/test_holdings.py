from __future__ import annotations

from attrs import evolve

from tests.unit.runtime.test_mailboxes import lease
from workers.runtime.holdings import Holdings, Interruption


async def test_only_the_first_word_interrupts_a_run() -> None:
    holding = Holdings().hold(lease("acme", 1), 0.0)
    holding.interrupt(Interruption.CANCEL)
    holding.interrupt(Interruption.LOST)
    assert holding.interrupted.result() is Interruption.CANCEL
    assert not holding.lost


async def test_a_lease_given_up_is_not_renewed_any_more_but_still_takes_its_slot() -> None:
    held = Holdings()
    first, second = held.hold(lease("acme", 1), 0.0), held.hold(lease("acme", 2), 0.0)
    first.interrupt(Interruption.LOST)
    assert list(held.fences.values()) == [2]
    assert len(held) == 2
    held.drop(first)
    held.drop(first)
    assert list(held) == [second]


async def test_two_leases_of_one_run_are_two_and_the_older_is_lost() -> None:
    held = Holdings()
    old = lease("acme", 1)
    new = evolve(old, fence=9)
    first, second = held.hold(old, 0.0), held.hold(new, 1.0)
    assert (first.lost, second.lost, len(held)) == (True, False, 2)
    assert (held.of(old), held.of(new)) == (first, second)
    held.drop(first)
    assert held.of(new) is second
