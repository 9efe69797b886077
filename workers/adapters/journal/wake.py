"""Tells claimers that work may have come: callers here at once, other replicas by one NOTIFY for many commits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import structlog

from workers.adapters.journal.database import Address
from workers.adapters.journal.errors import ENGINE_ERRORS, AwayError
from workers.adapters.journal.statements import statements

_log = structlog.get_logger(__name__)
_CHANNEL = "journal"
_PAUSE = 0.05
_QUIET = 10.0


class Bell:
    """Rung after own commits. A ring that gets lost only costs a poll."""

    def __init__(self, address: Address, roll: Callable[[], float]) -> None:
        self._address = address
        self._roll = roll
        self._calls: list[Callable[[], None]] = []
        self._rung = asyncio.Event()

    def on_ring(self, call: Callable[[], None]) -> None:
        """Call this at every ring, here or elsewhere."""
        self._calls.append(call)

    def ring(self) -> None:
        """Wake who listens here, and soon who listens elsewhere."""
        self._wake()
        self._rung.set()

    async def listen(self) -> None:
        """Carry rings between replicas until cancelled; connects again whenever the connection breaks."""
        while True:
            try:
                await self._listen_once()
            except (AwayError, *ENGINE_ERRORS) as error:
                _log.warning("journal bell lost its connection", error=type(error).__name__)
            await asyncio.sleep(0.5 + self._roll())

    async def _listen_once(self) -> None:
        connection = await self._address.connect()
        try:
            connection.add_termination_listener(lambda _: self._rung.set())
            await connection.add_listener(_CHANNEL, self._heard)
            self._wake()
            while True:
                await connection.execute(statements()["ring" if await self._soon() else "ping"])
                await asyncio.sleep(_PAUSE)
        finally:
            connection.terminate()

    async def _soon(self) -> bool:
        """Wait for a ring; False when it stays quiet, so that a dead connection is noticed."""
        try:
            async with asyncio.timeout(_QUIET):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True

    def _heard(self, connection: Any, pid: int, _channel: str, _payload: object) -> None:
        if pid != connection.get_server_pid():
            self._wake()

    def _wake(self) -> None:
        for call in self._calls:
            call()
