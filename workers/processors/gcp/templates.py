"""Paths as Google's API documents write them: `{name}` stands for one segment, `{+name}` for several. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

_PLACE = re.compile(r"\{(\+?)([A-Za-z_][A-Za-z0-9_]*)\}")
_KEPT = ":@!$&'()*+,;=~"


def template_names(text: str) -> frozenset[str]:
    """Return the names that stand in a template; raises ValueError at a brace that belongs to none."""
    if {"{", "}"} & set(_PLACE.sub("", text)):
        raise ValueError("has a brace that belongs to no {{name}}")
    return frozenset(match[2] for match in _PLACE.finditer(text))


def filled(text: str, values: Mapping[str, str]) -> str:
    """Fill a template in; raises ValueError for a value that is empty or would be another path."""

    def fill(match: re.Match[str]) -> str:
        name, value = match[2], values[match[2]]
        segments = value.split("/") if match[1] else [value]
        if not all(segments) or {".", ".."} & set(segments):
            raise ValueError(f"the path parameter {name!r} has no value that a path can hold")
        return "/".join(quote(segment, safe=_KEPT) for segment in segments)

    return _PLACE.sub(fill, text)
