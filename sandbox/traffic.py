"""What was asked: counts and the last requests, without anybody's key."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence

import attrs

_KEPT = 200


@attrs.define
class Seen:
    """One request and its answer; status 0 means that none was finished."""

    method: str
    path: str
    query: Sequence[tuple[str, str]]
    headers: dict[str, str]
    status: int = 0
    fault: str | None = None


class Traffic:
    """Counts requests and remembers the last of them."""

    def __init__(self) -> None:
        self._total = 0
        self._paths: Counter[str] = Counter()
        self._last: deque[Seen] = deque(maxlen=_KEPT)

    def see(self, seen: Seen) -> Seen:
        """Count a request; its status and fault are filled in by whoever answers."""
        self._total += 1
        self._paths[seen.path] += 1
        self._last.append(seen)
        return seen

    def report(self) -> dict[str, object]:
        """Return the counts, and the last requests from old to new."""
        return {
            "total": self._total,
            "by_path": dict(self._paths),
            "by_status": dict(Counter(str(seen.status) for seen in self._last)),
            "last": [attrs.asdict(seen) for seen in self._last],
        }
