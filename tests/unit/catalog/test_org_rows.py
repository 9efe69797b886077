from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from workers.catalog.org_rows import changed

EPOCH = datetime.fromtimestamp(0, UTC)
MOMENTS = st.none() | st.datetimes(timezones=st.just(UTC))


@given(MOMENTS, MOMENTS, MOMENTS, MOMENTS)
def test_rows_are_ordered_by_when_they_were_changed_and_then_by_when_they_were_made(
    changed_at: datetime | None, created_at: datetime | None, later: datetime | None, made: datetime | None
) -> None:
    one, other = (changed_at or EPOCH, created_at or EPOCH), (later or EPOCH, made or EPOCH)
    numbers = [
        changed({"changed_at": changed_at, "created_at": created_at}),
        changed({"changed_at": later, "created_at": made}),
    ]
    assert (numbers[0] < numbers[1], numbers[0] == numbers[1]) == (one < other, one == other)
