from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.model.instants import instant

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-05-01T12:00:00Z",
        "2026-05-01t12:00:00z",
        "2026-05-01T14:00:00+02:00",
        "2026-05-01T12:00:00.000000000Z",
    ],
)
def test_every_spelling_of_a_moment_is_that_moment(text: str) -> None:
    assert instant(text) == NOON


@pytest.mark.parametrize(
    "odd",
    [None, 5, "", "2026-05-01", "2026-05-01T12:00:00", "2026-02-30T00:00:00Z", "9999-12-31T23:59:59-23:00", "soon"],
)
def test_what_is_no_moment_is_refused(odd: object) -> None:
    with pytest.raises(ValueError, match="not a"):
        instant(odd)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_comes_back_as_it_was_written(moment: datetime) -> None:
    assert instant(moment.isoformat()) == moment
