"""Uses of keys are handed on once an interval for a key, and kept while the journal is away."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define, field

from tests.fakes.clock import NOON, ManualClock
from workers.model.failure import Code, Reason, refused
from workers.model.org import OrgKey
from workers.ports import Row
from workers.runtime.key_use import KeyUse

ONE, OTHER = (OrgKey(f"k{n}", "acme", str(n) * 64) for n in range(2))


@define
class Book:
    heard: list[list[Row]] = field(factory=list)
    away: bool = False

    async def note_uses(self, uses: Sequence[Row]) -> None:
        if self.away:
            raise refused(Code.UNAVAILABLE, Reason.SERVICE_UNAVAILABLE, "away")
        self.heard.append(list(uses))


async def test_many_uses_of_a_key_are_one_with_the_latest_time() -> None:
    book, clock = Book(), ManualClock()
    use = KeyUse(book, clock)
    for key in (ONE, OTHER, ONE):
        use.note(key)
        clock.advance(1)
    await use.flush()
    await use.flush()
    assert [[(row["key_id"], row["at"][17:19]) for row in rows] for rows in book.heard] == [
        [("k0", "02"), ("k1", "01")]
    ]


async def test_what_the_journal_does_not_take_is_kept_and_a_later_use_wins() -> None:
    book, clock = Book(away=True), ManualClock()
    use = KeyUse(book, clock)
    use.note(ONE)
    use.note(OTHER)
    await use.flush()
    clock.advance(5)
    use.note(ONE)
    book.away = False
    await use.flush()
    later = clock.now().isoformat()
    assert {row["key_id"]: row["at"] for row in book.heard[0]} == {"k0": later, "k1": NOON.isoformat()}
