"""Scopes of keys: `resource:action`, where `*` stands for any part and, alone, for everything."""

from __future__ import annotations

from collections.abc import Iterable

READ, WRITE, EXECUTE = "pipelines:read", "pipelines:write", "pipelines:execute"
SCOPES = frozenset({READ, WRITE, EXECUTE})


def grants(held: Iterable[str], needed: str) -> bool:
    """Whether one of the scopes covers the needed one; a scope that is none covers nothing."""
    return any(_covers(scope, needed) for scope in held)


def _covers(scope: str, needed: str) -> bool:
    if scope == "*":
        return True
    parts, wanted = scope.split(":"), needed.split(":")
    return len(parts) == len(wanted) and all(part in {"*", want} for part, want in zip(parts, wanted, strict=True))
