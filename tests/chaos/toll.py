"""What a fault cost: accepted runs that were lost, things done twice, what was left taken."""

from __future__ import annotations

from attrs import frozen


@frozen
class Toll:
    """What a fault cost; `faults` are the rows of matrix.py that it was, `wrong` says what is counted."""

    fault: str
    injected: int
    recovered_in: float
    lost: int
    duplicated: int
    leaked: int
    faults: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()

    @property
    def harmless(self) -> bool:
        """Whether nothing was lost, done twice or left behind."""
        return self.lost == self.duplicated == self.leaked == 0


@frozen
class Counted:
    """What is wrong, in words, by the column it is printed in."""

    lost: tuple[str, ...] = ()
    duplicated: tuple[str, ...] = ()
    leaked: tuple[str, ...] = ()

    def toll(self, fault: str, injected: int, recovered_in: float, faults: tuple[str, ...]) -> Toll:
        """Sum it up."""
        counts = len(self.lost), len(self.duplicated), len(self.leaked)
        return Toll(fault, injected, recovered_in, *counts, faults, (*self.lost, *self.duplicated, *self.leaked))
