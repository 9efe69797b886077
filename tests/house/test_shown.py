"""Each promise and each fault of the matrix has a test that is marked with it, or a reason why none can be."""

from __future__ import annotations

from tests.chaos.matrix import FAULTS, NOT_RUN, PROMISES
from tests.chaos.shown import shown


def test_every_promise_is_shown_by_a_test() -> None:
    assert [name for name in PROMISES if not shown("promise").get(name)] == []


def test_every_fault_is_caused_by_a_test_or_has_the_reason_why_not() -> None:
    caused = shown("fault")
    assert [name for name in FAULTS if not caused.get(name) and not NOT_RUN.get(name)] == []
    assert [name for name in NOT_RUN if caused.get(name) or name not in FAULTS] == []


def test_marks_name_what_there_is() -> None:
    assert set(shown("promise")) <= set(PROMISES)
    assert set(shown("fault")) <= set(FAULTS)
