"""What must hold before a port is opened: every check runs, and all that fell short is told at once.

Each check is given what it looks at, so that the composition root can run them all together with those of the settings.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from workers.model.failure import FailedError
from workers.ports import Clock, Keys

CLOCK_OFFSET_SECONDS = 5.0
CHECK_SECONDS = 15.0
EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)

Check = Callable[[], Awaitable[tuple[str, ...]]]


class StartupError(Exception):
    """Everything that keeps the service from starting, one line each."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def clock_faults(now: datetime) -> tuple[str, ...]:
    """Return the fault of a clock that was never set."""
    return () if now >= EARLIEST else (f"clock: says {now:%Y-%m-%d}, which cannot be",)


def spool_faults(folder: Path) -> tuple[str, ...]:
    """Return what keeps the spool folder from being written; it is created when absent."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(b"spool")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return (f"DATA_DIR: {folder} cannot be written ({error.strerror})",)
    return ()


async def offset_faults(database_time: Callable[[], Awaitable[datetime]], clock: Clock) -> tuple[str, ...]:
    """Compare the clock with the database's, allowing for the time the question took."""
    asked = clock.now()
    theirs = await database_time()
    answered = clock.now()
    offset = max((asked - theirs).total_seconds(), (theirs - answered).total_seconds(), 0.0)
    if offset > CLOCK_OFFSET_SECONDS:
        return (f"clock: is {offset:.0f} s off the database's, at most {CLOCK_OFFSET_SECONDS:.0f} s are allowed",)
    return ()


async def keys_faults(keys: Keys, probe: bytes) -> tuple[str, ...]:
    """Seal and open a probe; it must come back, and must not open under other bound data."""
    try:
        sealed = await keys.encrypt(probe, b"datapipeline start-up check")
        opened = await keys.decrypt(sealed, b"datapipeline start-up check")
    except FailedError as error:
        return (f"KMS_KEY_NAME: the key cannot be used ({error.failure.reason})",)
    if opened != probe:
        return ("KMS_KEY_NAME: what was sealed does not come back",)
    try:
        await keys.decrypt(sealed, b"datapipeline other data")
    except FailedError:
        return ()
    return ("KMS_KEY_NAME: bound data is not checked",)


async def require(checks: Mapping[str, Check], known: tuple[str, ...] = ()) -> None:
    """Run every check at once; raises StartupError with `known` and all new faults.

    Each fault begins with the name of its check, which is the variable to mend where there is one. A check that fails
    by itself or takes longer than 15 s is a fault too; no exception's text is shown, since it may hold a password.
    """
    found = await asyncio.gather(*(attempt(name, check, CHECK_SECONDS) for name, check in checks.items()))
    faults = (*known, *(fault for faults in found for fault in faults))
    if faults:
        raise StartupError(faults)


async def attempt(name: str, check: Check, seconds: float | None) -> tuple[str, ...]:
    """Run one check, for ever when `seconds` is None, and return its faults under its name."""
    try:
        async with asyncio.timeout(seconds):
            found = await check()
    except TimeoutError:
        return (f"{name}: no answer in time",)
    except FailedError as error:
        return (f"{name}: {error.failure.message}{_because(error)}",)
    except Exception as error:  # noqa: BLE001 - every fault is told, whatever it is
        return (f"{name}: could not be checked ({type(error).__name__})",)
    return tuple(fault if fault.startswith(f"{name}:") else f"{name}: {fault}" for fault in found)


def _because(error: FailedError) -> str:
    """Name the kind of what lies behind a failure; its text stays inside."""
    return f" ({type(error.__cause__).__name__})" if error.__cause__ else ""
