"""Stacks to measure, each in a directory of its own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from sandbox.stack import Options, Stack, running

QUIET = {
    "RATE_LIMIT_ENABLED": "false",
    "MAX_WAITING_RUNS_PER_ORG": "100000",
    "SHUTDOWN_GRACE_SECONDS": "1",
    "LOG_LEVEL": "WARNING",
}
ORGS = ("acme", *(f"org_{number:03}" for number in range(1, 50)))


@asynccontextmanager
async def stack_of(orgs: Sequence[str], **environment: str) -> AsyncIterator[Stack]:
    """Run a stack in a directory of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        options = Options(Path(folder), orgs=tuple(orgs), environment={**kept, **QUIET, **environment})
        async with running(options) as stack:
            yield stack
