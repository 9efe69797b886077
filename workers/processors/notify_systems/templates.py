"""Templates of notices: `{fact}`, written `{{fact}}` in a pipeline's file, where single braces are its variables."""

from __future__ import annotations

from typing import Any

from attrs import Attribute

from workers.model.notice import FACTS, LONGEST_TEXT, is_plain_address, unknown_facts


def names_facts(_owner: Any, attribute: Attribute[Any], value: str) -> None:
    """Refuse a template that names what is no fact of a run, or is too long."""
    unknown = unknown_facts(value)
    if unknown:
        raise ValueError(f"{attribute.name!r} names {unknown[0]!r}; there are {', '.join(FACTS)}")
    if len(value) > LONGEST_TEXT:
        raise ValueError(f"{attribute.name!r} is longer than {LONGEST_TEXT} characters")


def are_addresses(_owner: Any, attribute: Attribute[Any], value: tuple[str, ...]) -> None:
    """Refuse what are not plain mail addresses."""
    wrong = [one[:80] for one in value if not is_plain_address(one)]
    if wrong:
        raise ValueError(f"{attribute.name!r} must be mail addresses, not {wrong[0]!r}")
