from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.rest.retry_after import LONGEST_SECONDS, retry_after

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.item("H119")
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("1.5", 1.5),
        ("1000000000", LONGEST_SECONDS),
        ("Fri, 01 May 2026 12:00:30 GMT", 30.0),
        ("Friday, 01-May-26 12:00:30 GMT", 30.0),
        ("Fri, 01 May 2099 12:00:30 GMT", LONGEST_SECONDS),
        ("Fri, 01 May 2026 11:00:00 GMT", None),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("1e9", None),
        ("inf", None),
        ("nan", None),
        ("٣", None),
    ],
)
def test_a_wait_is_read_capped_or_taken_as_unsaid(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}, NOW) == seconds


def test_milliseconds_go_before_seconds() -> None:
    assert retry_after({"retry-after-ms": "250", "retry-after": "9"}, NOW) == 0.25
    assert retry_after({"retry-after-ms": "soon", "retry-after": "9"}, NOW) == 9.0


@pytest.mark.item("H119")
@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    seconds = retry_after({"retry-after": text}, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST_SECONDS
