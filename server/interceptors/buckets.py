"""Token buckets: pure arithmetic on the time they are told, and a bounded number of them by name."""

from __future__ import annotations

from collections import OrderedDict

from attrs import define


@define
class Bucket:
    """Holds at most `capacity` tokens and gains `capacity` a minute; starts full."""

    capacity: float
    tokens: float
    at: float

    def wait(self, now: float) -> float:
        """Return 0 when there is a token, else the seconds until there is one."""
        self._gain(now)
        return 0.0 if self.tokens >= 1 else (1 - self.tokens) * 60 / self.capacity

    def take(self) -> None:
        """Remove a token; ask `wait` first."""
        self.tokens -= 1

    def _gain(self, now: float) -> None:
        self.tokens = min(self.capacity, self.tokens + max(0.0, now - self.at) * self.capacity / 60)
        self.at = now


class Buckets:
    """One bucket per name, at most `most`: the one unused for longest goes first."""

    def __init__(self, per_minute: int, most: int = 10_000) -> None:
        self._per_minute = per_minute
        self._most = most
        self._by_name: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_name)

    def of(self, name: str, now: float) -> Bucket:
        """Return the bucket of that name."""
        bucket = self._by_name.get(name)
        if bucket is None:
            bucket = self._by_name[name] = Bucket(self._per_minute, self._per_minute, now)
            if len(self._by_name) > self._most:
                self._by_name.popitem(last=False)
        else:
            self._by_name.move_to_end(name)
        return bucket
