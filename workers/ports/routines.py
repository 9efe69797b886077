"""Stored procedures of the platform's dataset."""

from __future__ import annotations

from typing import Protocol

from workers.model.routine import Procedure, Routine


class Routines(Protocol):
    """Reads and writes them. Every method raises FailedError with a WAREHOUSE_ reason."""

    async def read_all(self) -> tuple[Routine, ...]:
        """Return all procedures by name, without their definitions."""

    async def find(self, name: str) -> Routine | None:
        """Return one with its definition."""

    async def write(self, procedure: Procedure) -> Routine:
        """Create or replace one, and return it as it reads back, its description included."""

    async def delete(self, name: str) -> bool:
        """Remove one; False when there is none."""
