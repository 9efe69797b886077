"""Names of a parent's row in the read of its children: `/:name` in an address, `":name"` as a parameter. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from attrs import evolve

if TYPE_CHECKING:
    from workers.processors.generic.declared import ExtractorDeclared, ParentDeclared

NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)
_SEGMENT = re.compile(r"(?<=/):([a-z_][a-z0-9_]{0,62})(?=/|\Z|\?)", re.ASCII)
_WHOLE = re.compile(r":([a-z_][a-z0-9_]{0,62})", re.ASCII)


def names_in(declared: ExtractorDeclared) -> set[str]:
    """Return the names that a child's read refers to."""
    found = set(_SEGMENT.findall(declared.url or declared.path))
    for value in declared.params.values():
        if isinstance(value, str) and (match := _WHOLE.fullmatch(value)):
            found.add(match[1])
    return found


def check_names(declared: ExtractorDeclared, parent: ParentDeclared) -> None:
    """Refuse names that the parent does not give, and a child that is the same for every parent."""
    found = names_in(declared)
    unknown = sorted(found - parent.fields.keys())
    if unknown:
        raise ValueError(f"'parent' has no field {unknown[0]!r}, which the child's read asks for")
    if not found:
        raise ValueError("'parent' is not referred to: write /:name in the url or path, or ':name' as a parameter")


def child_of(declared: ExtractorDeclared, found: Mapping[str, Any]) -> ExtractorDeclared:
    """Return the read of one parent's children; raises ValueError for a value that is no segment of a path."""
    texts = {name: _text(name, value) for name, value in found.items()}

    def fill(address: str) -> str:
        return _SEGMENT.sub(lambda match: _segment(match[1], texts[match[1]]), address)

    params = {
        name: texts[match[1]] if isinstance(value, str) and (match := _WHOLE.fullmatch(value)) else value
        for name, value in declared.params.items()
    }
    return evolve(declared, url=fill(declared.url), path=fill(declared.path), params=params, parent=None)


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal) or value == "":
        raise ValueError(f"a parent has no value for {name}")
    return str(value)


def _segment(name: str, text: str) -> str:
    if text in {".", ".."} or any(character < " " for character in text):
        raise ValueError(f"a parent's {name} cannot be a part of a path")
    return quote(text, safe="")
