"""A table by its full name, wherever it is. Pure."""

from __future__ import annotations

import re
from typing import Any

from attrs import field, frozen

from workers.model.table import identifier

_PROJECT = re.compile(r"(?:[a-z0-9.-]{1,100}:)?[a-z][a-z0-9-]{1,62}\Z")


def _is_project(_owner: object, _attribute: Any, name: str) -> None:
    if not _PROJECT.match(name):
        raise ValueError(f"{name[:80]!r} is not a project id")


def _is_identifier(_owner: object, _attribute: Any, name: str) -> None:
    identifier(name)


@frozen
class TablePath:
    """Project, dataset and table; ValueError when one of them is not a name."""

    project: str = field(validator=_is_project)
    dataset: str = field(validator=_is_identifier)
    table: str = field(validator=_is_identifier)

    @property
    def quoted(self) -> str:
        """The name as SQL has it."""
        return f"`{self.project}`.`{self.dataset}`.`{self.table}`"

    def __str__(self) -> str:
        return f"{self.project}.{self.dataset}.{self.table}"
