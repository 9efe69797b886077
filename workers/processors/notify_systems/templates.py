"""Templates of notices: `{fact}`, written `{{fact}}` in a pipeline's file, where single braces are its variables."""

from __future__ import annotations

import re
from typing import Any

from attrs import Attribute

from workers.model.notice import FACTS, LONGEST_TEXT, unknown_facts

_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9.-]{3,253}\Z", re.ASCII)


def names_facts(_owner: Any, attribute: Attribute[Any], value: str) -> None:
    """Refuse a template that names what is no fact of a run, or is too long."""
    unknown = unknown_facts(value)
    if unknown:
        raise ValueError(f"{attribute.name!r} names {unknown[0]!r}; there are {', '.join(FACTS)}")
    if len(value) > LONGEST_TEXT:
        raise ValueError(f"{attribute.name!r} is longer than {LONGEST_TEXT} characters")


def are_addresses(_owner: Any, attribute: Attribute[Any], value: tuple[str, ...]) -> None:
    """Refuse what are not plain mail addresses."""
    wrong = [one[:80] for one in value if not _ADDRESS.match(one)]
    if wrong:
        raise ValueError(f"{attribute.name!r} must be mail addresses, not {wrong[0]!r}")
