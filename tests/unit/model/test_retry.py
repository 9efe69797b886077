from __future__ import annotations

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from workers.model.failure import Code, Failure, Reason
from workers.model.retry import LONGEST_BACKOFF_SECONDS, Again, GiveUp, decide

AWAY = Failure(Code.UNAVAILABLE, Reason.PROVIDER_UNAVAILABLE, "away", retryable=True)

rolls = st.floats(0, 1, exclude_max=True)
attempts = st.integers(1, 10_000)


@given(attempt=attempts, roll=rolls)
def test_what_cannot_be_helped_is_not_tried_again(attempt: int, roll: float) -> None:
    assert decide(evolve(AWAY, retryable=False), attempt, attempt + 1, 1.0, roll) == GiveUp()


@given(attempt=attempts, spent=st.integers(0, 5), roll=rolls)
def test_no_more_attempts_are_made_than_there_are(attempt: int, spent: int, roll: float) -> None:
    assert decide(AWAY, attempt + spent, attempt, 1.0, roll) == GiveUp()


@given(attempt=attempts, backoff=st.floats(0, 1e6), roll=rolls)
def test_a_delay_lies_anywhere_below_the_doubling_ceiling(attempt: int, backoff: float, roll: float) -> None:
    decision = decide(AWAY, attempt, attempt + 1, backoff, roll)
    ceiling = min(LONGEST_BACKOFF_SECONDS, backoff * 2.0 ** min(attempt - 1, 100))
    assert isinstance(decision, Again)
    assert 0 <= decision.delay <= ceiling


@pytest.mark.parametrize(("attempt", "delay"), [(1, 2.5), (2, 5.0), (3, 10.0)])
def test_the_ceiling_doubles_with_every_attempt(attempt: int, delay: float) -> None:
    assert decide(AWAY, attempt, 9, 5.0, 0.5) == Again(delay)


@given(asked=st.floats(0, 1e6), roll=rolls)
def test_a_provider_that_asks_to_wait_is_never_asked_earlier(asked: float, roll: float) -> None:
    decision = decide(evolve(AWAY, retry_after=asked), 1, 3, 5.0, roll)
    assert isinstance(decision, Again)
    assert decision.delay >= asked
