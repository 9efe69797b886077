"""A saving, not a repair: the emulator parses a statement anew at each of a dozen stages; here it is parsed once.

Every stage is handed a copy of its own, as most of them change what they get.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import sqlglot
from sqlglot import exp

from sandbox.bigquery.patching import patch

if TYPE_CHECKING:
    from collections.abc import Callable

_STATEMENTS = 512


def parse_once() -> None:
    """Keep the trees of the statements that were parsed last; a text that does not parse is tried anew each time."""
    patch(sqlglot, "parse_one", kept(sqlglot.parse_one))


def kept(parse: Callable[..., exp.Expr]) -> Callable[..., exp.Expr]:
    """Return a parser that hands out copies of what it keeps."""
    parsed = functools.lru_cache(_STATEMENTS)(parse)

    @functools.wraps(parse)
    def copied(*args: Any, **kwargs: Any) -> exp.Expr:
        return parsed(*args, **kwargs).copy()

    return copied
