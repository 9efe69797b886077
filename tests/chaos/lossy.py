"""A journal's connections that are lost on the way to a commit and on the way back, at turns that a seed chooses."""

from __future__ import annotations

import random
from collections import Counter

from attrs import define, field


@define
class Lossy:
    """A failpoint: of every `each` passages of a statement's commit one is lost; `passed` and `lost` count them."""

    dice: random.Random
    each: int = 5
    healed: bool = False
    passed: Counter[str] = field(factory=Counter)
    lost: Counter[str] = field(factory=Counter)
    _turns: dict[str, int] = field(factory=dict)

    def __call__(self, name: str) -> None:
        """Raise as a connection that is lost does, when it is the turn of this name."""
        self.passed[name] += 1
        # An end is lost as the record that it is.
        if self.healed or not name.endswith("_commit") or name.startswith("finish."):
            return
        turn = self._turns.setdefault(name, self.dice.randrange(self.each))
        if self.passed[name] % self.each == turn:
            self.lost[name] += 1
            raise ConnectionResetError(name)
