"""When a waiting run will probably start, where that can be said honestly."""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta

from workers.model.situation import MOST_COUNTED, Live, Waiting


def forecast_start(live: Live, at: datetime) -> datetime | None:
    """Return when its turn comes if the runs before it take as long as the last completed ones of the organisation.

    None when too few are known, when it waits for other organisations' runs as well, or for runs that have outlasted
    the typical time already: nothing says when those end.
    """
    lane, typical = live.lane, live.lane.typical_seconds
    if typical is None or not isinstance(live.place, Waiting) or not live.fleet.free or live.place.ahead > MOST_COUNTED:
        return None
    if lane.cap <= 0 or lane.running > len(lane.holders):
        return None
    term = timedelta(seconds=typical)
    ends = [holder.since + term for holder in lane.holders if holder.since + term > at]
    slots = ends + [at] * min(lane.cap - lane.running, live.place.ahead + 1)
    if not slots:
        return None
    heapq.heapify(slots)
    for _ in range(live.place.ahead):
        heapq.heapreplace(slots, slots[0] + term)
    return slots[0]
