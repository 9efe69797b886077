"""A source that makes its records up: the same day gives the same records, for every day. Given a seed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from sandbox.dice import Dice
from sandbox.openai.activities import ACTIVITIES, activity_records, session_records, vector_store_records
from sandbox.openai.completions import completion_records
from sandbox.openai.tariff import cost_records
from sandbox.records import Record

USAGE = ("completions", *ACTIVITIES, "vector_stores", "code_interpreter_sessions")
_QUIET = 24  # an endpoint rests about one day in so many
_REMEMBERED = 512


class Generated:
    """Records of an invented organisation, drawn from a seed, the endpoint and the day alone."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._days: dict[tuple[str, date], Sequence[Record]] = {}

    def records(self, endpoint: str, day: date) -> Sequence[Record]:
        """Return the day's records, ordered by second."""
        key = (endpoint, day)
        if key not in self._days:
            if len(self._days) >= _REMEMBERED:
                self._days.clear()
            self._days[key] = tuple(sorted(self._draw(endpoint, day), key=lambda record: record.second))
        return self._days[key]

    def _draw(self, endpoint: str, day: date) -> Iterable[Record]:
        if endpoint == "costs":
            return [cost for name in USAGE for usage in self.records(name, day) for cost in cost_records(name, usage)]
        if Dice(self._seed, "rest", endpoint, day).one_in(_QUIET):
            return ()
        match endpoint:
            case "completions":
                return completion_records(self._seed, day)
            case "vector_stores":
                return vector_store_records(self._seed, day)
            case "code_interpreter_sessions":
                return session_records(self._seed, day)
            case _:
                return activity_records(self._seed, endpoint, day)
