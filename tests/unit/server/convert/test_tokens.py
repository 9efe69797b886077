"""Page tokens lead back to their place, and only there."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.convert.tokens import PageTokens
from workers.model.failure import FailedError, Failure, Reason

TOKENS = PageTokens(b"k" * 32)
PLACE = (datetime(2025, 6, 15, 12, 0, 0, 123456, tzinfo=UTC), UUID(int=7))
BOUND = ("acme", "acme-openai-cost-usage_cost", "FAILED")
TOKEN = TOKENS.make(PLACE, *BOUND)


def failure_of(token: str, *bound: str, tokens: PageTokens = TOKENS) -> Failure:
    with pytest.raises(FailedError) as caught:
        tokens.read(token, *bound)
    return caught.value.failure


@given(
    st.datetimes(timezones=st.just(UTC)),
    st.uuids(),
    st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=3),
)
def test_a_token_leads_back_to_its_place(moment: datetime, run_id: UUID, bound: list[str]) -> None:
    token = TOKENS.make((moment, run_id), *bound)
    assert TOKENS.read(token, *bound) == (moment, run_id)
    assert len(token) < 512


def test_no_token_is_the_beginning() -> None:
    assert TOKENS.read("", *BOUND) is None


def test_forged_truncated_foreign_and_refiltered_tokens_are_refused_alike() -> None:
    flipped = TOKEN[:5] + ("A" if TOKEN[5] != "A" else "B") + TOKEN[6:]
    wrong = [flipped, TOKEN[:-4], TOKEN + "AAAA", "x", "é", "====", "A" * 512, TOKEN.replace("=", "")[:-1]]
    failures = {failure_of(token, *BOUND).message for token in wrong}
    failures.add(failure_of(TOKEN, "globex", *BOUND[1:]).message)
    failures.add(failure_of(TOKEN, "acme", "", "").message)
    failures.add(failure_of(TOKEN, *BOUND, tokens=PageTokens(b"j" * 32)).message)
    assert len(failures) == 1
    assert failure_of("x", *BOUND).reason is Reason.PAGE_TOKEN_INVALID


@given(st.text(max_size=80))
def test_no_text_is_a_token_by_chance(text: str) -> None:
    if text:
        assert failure_of(text, *BOUND).reason is Reason.PAGE_TOKEN_INVALID


def test_a_token_shows_nothing_of_whom_it_is_for() -> None:
    assert "acme" not in TOKEN
