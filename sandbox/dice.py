"""Chance that is the same every time: numbers drawn from a hash of what they are for. Pure, stable across versions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

Choice = TypeVar("Choice")


class Dice:
    """A sequence of draws that depends on nothing but its key."""

    def __init__(self, *key: object) -> None:
        self._key = "\n".join(str(part) for part in key).encode()
        self._draws = 0

    def below(self, bound: int) -> int:
        """Draw an integer of 0 ≤ n < bound."""
        self._draws += 1
        digest = hashlib.blake2b(self._key, digest_size=8, salt=self._draws.to_bytes(16, "big")).digest()
        return int.from_bytes(digest, "big") % bound

    def between(self, low: int, high: int) -> int:
        """Draw an integer of low ≤ n ≤ high."""
        return low + self.below(high - low + 1)

    def one_in(self, count: int) -> bool:
        """Draw true once in so many times."""
        return self.below(count) == 0

    def pick(self, choices: Sequence[Choice]) -> Choice:
        """Draw one of the choices."""
        return choices[self.below(len(choices))]
