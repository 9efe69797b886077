"""Classes of lanes: what operators tell apart where an organisation's name must not stand."""

from __future__ import annotations

from bisect import bisect_right

from attrs import field, frozen
from attrs.validators import min_len


def _ordered(named: tuple[tuple[float, str], ...]) -> tuple[tuple[float, str], ...]:
    """Keep one name for a weight, the first in the alphabet."""
    first = dict(sorted(named, reverse=True))
    return tuple(sorted(first.items()))


@frozen
class LaneClasses:
    """Names by weight; of several names for one weight the first in the alphabet stands for all."""

    named: tuple[tuple[float, str], ...] = field(converter=_ordered, validator=min_len(1))

    @property
    def names(self) -> tuple[str, ...]:
        """Every name there can be, by ascending weight."""
        return tuple(name for _, name in self.named)

    def of(self, weight: float) -> str:
        """Return the class of the largest weight that is not above this one; below all, the lowest class."""
        place = bisect_right([known for known, _ in self.named], weight)
        return self.names[max(place - 1, 0)]
