"""What an answer of Google's says of its own completeness: warnings, and what could not be reached. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from attrs import define, field

_INCOMPLETE = frozenset({"UNREACHABLE", "PARTIAL_SUCCESS"})
_NOTHING_HERE = "NO_RESULTS_ON_PAGE"
_SHOWN = 20
_LONGEST = 200


@define
class Coverage:
    """Gathers it page by page. `scopes` were spoken of, `failed` are those among them that are not whole."""

    scopes: set[str] = field(factory=set)
    failed: set[str] = field(factory=set)
    unreachable: dict[str, None] = field(factory=dict)
    warnings: Counter[str] = field(factory=Counter)
    _partial: bool = False

    def answer(self, warning: Any, unreachable: Any) -> None:
        """Take what stands beside the rows of a page; raises ValueError for what no list has there."""
        if unreachable is not None:
            if not isinstance(unreachable, list) or not all(isinstance(one, str) for one in unreachable):
                raise ValueError("does not name what is unreachable by texts")
            self.unreachable |= dict.fromkeys(unreachable)
        self._partial |= self._warned(warning)

    def scope(self, name: str, warning: Any) -> None:
        """Take a scope of a list in the shape of a map."""
        self.scopes.add(name)
        if self._warned(warning):
            self.failed.add(name)

    @property
    def complete(self) -> bool:
        """Whether nothing was said to be missing."""
        return not (self._partial or self.failed or self.unreachable)

    @property
    def reached(self) -> tuple[str, ...]:
        """The scopes that are whole; of the unreachable some are named as parts of longer names."""
        gone = {
            scope
            for scope in self.scopes
            if any(named == scope or named.endswith(f"/{scope}") for named in self.unreachable)
        }
        return tuple(sorted(self.scopes - self.failed - gone))

    @property
    def missing(self) -> list[str]:
        """What is shown of that which could not be reached."""
        return [name[:_LONGEST] for name in sorted({*self.unreachable, *self.failed})[:_SHOWN]]

    def _warned(self, warning: Any) -> bool:
        code = warning.get("code") if isinstance(warning, Mapping) else None
        if not isinstance(code, str) or code == _NOTHING_HERE:
            return False
        self.warnings[code[:_LONGEST]] += 1
        return code in _INCOMPLETE
