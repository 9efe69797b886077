"""Repair: RAISE ends a script with an internal error, which every client retries for minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bqemulator.jobs import executor
from bqemulator.scripting.exceptions import ScriptRaise

from sandbox.bigquery.patching import wrap

if TYPE_CHECKING:
    from collections.abc import Callable


def raise_is_bad_request() -> None:
    """Answer an uncaught RAISE as the invalid query it is, with the script's own message."""
    wrap(executor, "_run_script", _unwrap_error)


async def _unwrap_error(run: Callable[..., Any], *args: Any) -> Any:
    try:
        return await run(*args)
    except ScriptRaise as raised:
        raise raised.error from raised
