"""Regular expressions of declarations: what compiles, and ends soon for every text that a caller may send. Pure.

Python's matching goes back and tries again. Where what is repeated repeats or chooses by itself, the tries double with
each character; every further repeat beside it multiplies them by the length of the text.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator

LONGEST = 1000
MOST_REPEATS = 2
SMALL = 64
"""Repeats up to here are not counted."""

ENDLESS = "pattern may take for ever on some texts"
_PIECE = re.compile(
    r"(?P<open>\((?:\?(?:P<\w+>|[:=!>]|<[=!]|[aiLmsux-]+:|\(\w+\)))?(?!\?))|(?P<close>\))|(?P<choice>\|)"
    r"|(?P<repeat>[*+?]|\{[0-9]+(?:,[0-9]*)?\}|\{,[0-9]+\})[?+]?"
    r"|(?P<other>\(\?[^)]*\)|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.)",
    re.DOTALL,
)


def pattern_fault(pattern: str) -> str:
    """Return why a pattern is none, or not safe; empty when it is fine."""
    if len(pattern) > LONGEST:
        return f"pattern is longer than {LONGEST} characters"
    if not _compiles(pattern):
        return "pattern is not a regular expression"
    repeats = list(_repeats(pattern))
    if any(nested for _, nested in repeats):
        return f"{ENDLESS}: it repeats what has repeats or choices in it"
    if sum(most > SMALL for most, _ in repeats) > MOST_REPEATS:
        return f"{ENDLESS}: it has more than {MOST_REPEATS} repeats of any length"
    return ""


def _compiles(pattern: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of what a later Python will read in another way
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError, FutureWarning):
        return False
    return True


def _repeats(pattern: str) -> Iterator[tuple[float, bool]]:
    """Yield for every repeat how often at most, and whether what it repeats varies by itself."""
    groups, varies_inside = [False], False
    for piece in _PIECE.finditer(pattern):
        kind, inside, varies_inside = piece.lastgroup, varies_inside, False
        if kind == "open":
            groups.append(False)
        elif kind == "close":
            varies_inside = groups.pop()
            groups[-1] |= varies_inside
        elif kind == "choice":
            groups[-1] = True
        elif kind == "repeat":
            least, most = _times(piece["repeat"])
            groups[-1] |= least != most
            yield most, inside and most > 1


def _times(repeat: str) -> tuple[float, float]:
    if repeat in "*+?":
        return 0, 1 if repeat == "?" else float("inf")
    least, comma, most = repeat.strip("{}").partition(",")
    return int(least or 0), float(most or "inf") if comma else int(least)
