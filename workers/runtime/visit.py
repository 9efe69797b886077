"""One look at one schedule, while it is under way."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from attrs import define, field

from workers.model.timetable import Held, Occurrence, OccurrenceState, Round


@define
class Visit:
    """A schedule while it is looked at: its pending occurrences as they are by now, and which of them to write."""

    held: Held
    board: dict[datetime, Occurrence]
    changed: set[datetime] = field(factory=set)
    next_due: datetime | None = None
    disable: str | None = None
    last_run_status: str | None = None

    @classmethod
    def of(cls, held: Held) -> Self:
        """Begin a visit."""
        return cls(held, {occurrence.due_at: occurrence for occurrence in held.pending})

    def put(self, occurrence: Occurrence) -> None:
        """Have an occurrence written as it is now."""
        self.board[occurrence.due_at] = occurrence
        self.changed.add(occurrence.due_at)

    @property
    def live(self) -> list[Occurrence]:
        """Occurrences whose run has not ended."""
        return [occurrence for _, occurrence in sorted(self.board.items()) if occurrence.live]

    def ahead(self, of: Occurrence) -> int:
        """Count the undecided occurrences that were due before."""
        waiting = (one for one in self.board.values() if one.state is OccurrenceState.DUE)
        return sum(one.due_at < of.due_at for one in waiting)

    def written(self, *, release: bool) -> Round:
        """Return what is to be written by now, and begin anew."""
        rows = tuple(self.board[due_at] for due_at in sorted(self.changed))
        self.changed.clear()
        return Round(rows, self.next_due, self.disable, self.last_run_status, release)
