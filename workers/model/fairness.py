"""How evenly slots are shared among the lanes that compete for them: Jain's index over weighted shares."""

from __future__ import annotations

from attrs import frozen


@frozen
class Contest:
    """Lanes that have a run to start and room below their cap; a share is a lane's running runs over its weight."""

    lanes: int = 0
    shares: float = 0.0
    squares: float = 0.0

    def __add__(self, other: Contest) -> Contest:
        return Contest(self.lanes + other.lanes, self.shares + other.shares, self.squares + other.squares)

    @property
    def index(self) -> float:
        """Return (sum of x)^2 / (n * sum of x^2), between 1/n and 1 (Jain, Chiu and Hawe, 1984); 1 where none runs."""
        return self.shares**2 / (self.lanes * self.squares) if self.squares else 1.0
