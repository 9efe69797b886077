"""Checks what processors hand over before it reaches the journal: what cannot be kept is the processor's fault."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from workers.model.run import Progress
from workers.ports import StepResult

LARGEST = 2**63 - 1
MOST_BYTES = 256 * 1024
MOST_TEXT = 4000


def result(offered: object) -> StepResult:
    """Return what `execute` returned; raises TypeError or ValueError when it is not a StepResult that can be kept."""
    if not isinstance(offered, StepResult):
        raise TypeError(f"execute() returned {type(offered).__name__}, not a StepResult")
    _count(offered.rows, offered.bytes)
    state(offered.output)
    if offered.bookmark is not None:
        state(offered.bookmark.value)
    return offered


def state(offered: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an output or checkpoint; raises TypeError or ValueError when it is no JSON object or too large."""
    if not isinstance(offered, Mapping):
        raise TypeError(f"a mapping is wanted, not {type(offered).__name__}")
    size = len(json.dumps(dict(offered), allow_nan=False))
    if size > MOST_BYTES:
        raise ValueError(f"{size} bytes are too many; {MOST_BYTES} are allowed")
    return dict(offered)


def progress(offered: Progress) -> Progress:
    """Return counts; raises TypeError or ValueError when they are none."""
    _count(offered.rows, offered.pages, offered.bytes)
    return offered


def text(offered: str) -> str:
    """Return a message, cut where it becomes too long; raises TypeError when it is no text."""
    if not isinstance(offered, str):
        raise TypeError(f"a message is a text, not {type(offered).__name__}")
    return offered[:MOST_TEXT]


def _count(*numbers: int) -> None:
    for number in numbers:
        if not isinstance(number, int) or isinstance(number, bool):
            raise TypeError(f"a count is a whole number, not {type(number).__name__}")
        if not 0 <= number <= LARGEST:
            raise ValueError(f"a count lies between 0 and {LARGEST}")
