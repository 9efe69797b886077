"""Faults on demand, for development: armed by name through FAILPOINTS, and nothing at all otherwise."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence

import structlog

from workers.ports import Failpoint

log = structlog.get_logger()


class FailpointError(RuntimeError):
    """Raised by an armed failpoint, as a fault of our own would be."""


def arm(armed: Sequence[tuple[str, str]]) -> Failpoint:
    """Return the function that components call by name; raises ValueError for an action that does not exist.

    Actions: `kill` ends the process as kill -9 does, `fail` raises, `lose` raises as a connection that is lost does
    (after a commit: it was done, and its answer never came), `hang:SECONDS` blocks the process. `name=action*N` acts at
    the N-th time only.
    """
    actions = {name: _action(name, text) for name, text in armed}
    if not actions:
        return _nothing

    def failpoint(name: str) -> None:
        action = actions.get(name)
        if action is not None:
            log.warning("failpoint", name=name)
            action()

    return failpoint


def _nothing(_name: str) -> None:
    """Do nothing."""


def _action(name: str, text: str) -> Callable[[], None]:
    what, star, nth = text.partition("*")
    act = _named(name, what)
    if not star:
        return act
    if not nth.isdecimal() or not int(nth):
        raise ValueError(f"FAILPOINTS: {name} acts at the N-th time, not at {nth!r}")
    left = int(nth)

    def counted() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            act()

    return counted


def _named(name: str, what: str) -> Callable[[], None]:
    kind, _, amount = what.partition(":")
    match kind:
        case "kill":
            return lambda: os.kill(os.getpid(), signal.SIGKILL)
        case "hang":
            seconds = _seconds(name, amount)
            return lambda: time.sleep(seconds)
        case "fail":
            return lambda: _fail(FailpointError(name))
        case "lose":
            return lambda: _fail(ConnectionResetError(name))
        case _:
            known = "kill, fail, lose or hang:SECONDS"
            raise ValueError(f"FAILPOINTS: {name} has the unknown action {what!r}; use {known}")


def _seconds(name: str, amount: str) -> float:
    try:
        return float(amount)
    except ValueError:
        raise ValueError(f"FAILPOINTS: {name} hangs for seconds, not for {amount!r}") from None


def _fail(error: Exception) -> None:
    raise error
